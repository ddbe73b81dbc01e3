"""Chapters 06 and 07: models of several scenarios, and the ranker of all parts."""

from rows.checked import Checked, on


def _checked(small=(), smooth=(), stops=(), **acts):
    """A row: each of these models is its layers."""
    return Checked(acts, dict(small), dict(smooth), stops, needs_network=True)


_PRUNERS = ("pruner_*",)

ROWS = {
    "global": _checked(scenario=on("embedding")),
    "scenario_feature": _checked(),
    "separate": _checked(),
    "scenario_shared_bottom": _checked(),
    "hmoe": _checked(
        own_gates=on("gates", "weight_networks"),
        own_weight=on("label_weights", value=0.7),
        stops=("score",),
    ),
    "star": _checked(
        auxiliary_units=on("auxiliary"),
        partitioned_normalization=on("star"),
        auxiliary=on("click"),
        batch_normalization=on("star", "auxiliary", partitioned_normalization=False),
        small={"auxiliary_units": (3,)},
    ),
    "pepnet": _checked(
        gate_units=on("epnet_gate", "ppnet_gate_*"),
        prior=on("ppnet_gate_*", value=("user_id",)),
        stops=("features", "gated_features"),
    ),
    "m2m": _checked(
        num_experts=on("experts", "attention"),
        num_tower_layers=on("task_logits"),
        num_meta_layers=on("attention", "meta_unit_*"),
        knowledge_units=on("knowledge"),
        profile=on("knowledge", value=()),
        small={"expert_units": (5, 4), "knowledge_units": (3,)},
    ),
    "apg": _checked(
        hidden_units=on("apg_*"),
        condition=on("apg_*", value="self"),
        condition_columns=on("apg_*", value=("user_id",), condition="mix"),
        small={"rank": 3, "inner_units": 4, "condition_units": (3,)},
    ),
    "adasparse": _checked(
        dropout_rate=on("dropout_*", "network_logit"),
        form=on(*_PRUNERS, value="scaling"),
        alpha=on(*_PRUNERS, value=3.0),
        beta=on(*_PRUNERS, value=1.5),
        epsilon=on(*_PRUNERS, value=0.9),
        pruned_share=on(*_PRUNERS, value=(0.9, 1.0)),
        sparsity_weight=on(*_PRUNERS, value=2.0, pruned_share=(0.9, 1.0)),
        # A threshold has no slope: the form without one is what a difference can be taken of.
        smooth={"form": "scaling"},
    ),
    "ranker": _checked(
        activation=on("experts", "towers"),
        interest=on("interest", value="mean"),
        scale=on("history_weights", value="length"),
        product=on("features", "experts", value=True),
        scenario_use=on("features", value="feature"),
        gate_units=on("scenario_gate"),
        small={"attention_activation": "tanh"},
        stops=("features",),
    ),
}
