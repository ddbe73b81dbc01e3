"""Rows of chapters 06 and 07: models of several scenarios, and the ranker of all parts."""

from recsys_lib.zoo.row import Model, Option, network, tables

_SCENARIOS, _CHAPTER = "recsys_lib.multi_scenario", "06_multi_scenario"
_NEEDS = ("scenario",)
_SMALL = {"embedding_dim": 4, "hidden_units": (6, 5), "activation": "tanh"}
_TWO_TABLES = tables("embedding", "scenario_embedding")


def _column(*layers):
    """How the choice of the scenario's column acts: another one has another number of ids."""
    return {"scenario": Option("category", layers or ("known_scenarios",))}


ROWS = (
    Model(
        key="global",
        name="global",
        builder=f"{_SCENARIOS}:build_global",
        lesson=f"{_CHAPTER}/01_together_or_apart",
        paper="Sheng et al. 2021",
        tests="multi_scenario/test_scenario_baselines.py",
        needs=_NEEDS,
        tiny=_SMALL,
        second=network("network") | tables("embedding") | _column("embedding"),
        needs_network=True,
    ),
    Model(
        key="scenario_feature",
        name="scenario as a feature",
        builder=f"{_SCENARIOS}:build_scenario_feature",
        lesson=f"{_CHAPTER}/01_together_or_apart",
        paper="Sheng et al. 2021",
        tests="multi_scenario/test_scenario_baselines.py",
        needs=_NEEDS,
        tiny=_SMALL,
        second=network("network") | tables("embedding") | _column(),
        needs_network=True,
    ),
    Model(
        key="separate",
        name="separate",
        builder=f"{_SCENARIOS}:build_separate",
        lesson=f"{_CHAPTER}/01_together_or_apart",
        paper="Sheng et al. 2021",
        tests="multi_scenario/test_scenario_baselines.py",
        needs=_NEEDS,
        tiny=_SMALL,
        second=network("own_networks") | tables("embedding") | _column(),
        needs_network=True,
    ),
    Model(
        key="scenario_shared_bottom",
        name="Shared-Bottom of scenarios",
        builder=f"{_SCENARIOS}:build_scenario_shared_bottom",
        lesson=f"{_CHAPTER}/01_together_or_apart",
        paper="Sheng et al. 2021",
        tests="multi_scenario/test_scenario_towers.py",
        needs=_NEEDS,
        tiny=_SMALL | {"tower_units": (3,)},
        second=network("shared_bottom", "towers")
        | tables("embedding")
        | _column()
        | {"tower_units": Option((2,), ("towers",))},
        needs_network=True,
    ),
    Model(
        key="hmoe",
        name="HMoE",
        builder=f"{_SCENARIOS}:build_hmoe",
        lesson=f"{_CHAPTER}/02_hmoe",
        paper="Li et al. 2020",
        tests="multi_scenario/test_hmoe.py",
        needs=_NEEDS,
        tiny={
            "embedding_dim": 4,
            "activation": "tanh",
            "num_experts": 3,
            "expert_units": (5,),
            "tower_units": (3,),
        },
        second=network("experts", "towers", widths="expert_units")
        | tables("embedding")
        | _column()
        | {
            "num_experts": Option(2, ("experts", "gates")),
            "tower_units": Option((2,), ("towers",)),
            "own_gates": Option(True, ("gates", "weight_networks")),
            "own_weight": Option(0.7, ("label_weights",)),
        },
        stops=("score",),
        needs_network=True,
    ),
    Model(
        key="star",
        name="STAR",
        builder=f"{_SCENARIOS}:build_star",
        lesson=f"{_CHAPTER}/03_star",
        paper="Sheng et al. 2021",
        tests="multi_scenario/test_star.py",
        needs=_NEEDS,
        tiny=_SMALL | {"auxiliary_units": (3,)},
        second=network("star", "auxiliary")
        | _TWO_TABLES
        | _column()
        | {
            "auxiliary_units": Option((2,), ("auxiliary",)),
            "partitioned_normalization": Option(False, ("star",)),
            "auxiliary": Option(False, ("click",)),
        },
        needs_network=True,
    ),
    Model(
        key="pepnet",
        name="PEPNet",
        builder=f"{_SCENARIOS}:build_pepnet",
        lesson=f"{_CHAPTER}/04_pepnet",
        paper="Chang et al. 2023",
        tests="multi_scenario/test_pepnet.py",
        needs=_NEEDS,
        tiny=_SMALL | {"gate_units": 3},
        second=network("hidden_1", "hidden_2")
        | _TWO_TABLES
        | _column()
        | {
            "gate_units": Option(2, ("epnet_gate", "ppnet_gate_1", "ppnet_gate_2")),
            "prior": Option(("user_id",), ("ppnet_gate_1", "ppnet_gate_2")),
        },
        stops=("features", "gated_features"),
        needs_network=True,
    ),
    Model(
        key="m2m",
        name="M2M",
        builder=f"{_SCENARIOS}:build_m2m",
        lesson=f"{_CHAPTER}/05_generated_weights",
        paper="Zhang et al. 2022",
        tests="multi_scenario/test_m2m.py",
        needs=_NEEDS,
        tiny={
            "embedding_dim": 4,
            "activation": "tanh",
            "num_experts": 3,
            "expert_units": (5, 4),
            "knowledge_units": (3,),
        },
        second=network("experts", "knowledge", widths="expert_units")
        | _TWO_TABLES
        | _column()
        | {
            "activation": Option(
                "relu", ("experts", "knowledge", "attention", "meta_unit_1", "tower_1")
            ),
            "num_experts": Option(2, ("experts", "attention")),
            "num_tower_layers": Option(1, ("task_logits",)),
            "num_meta_layers": Option(2, ("attention", "meta_unit_1", "meta_unit_2")),
            "knowledge_units": Option((2,), ("knowledge",)),
            "profile": Option((), ("knowledge",)),
        },
        needs_network=True,
    ),
    Model(
        key="apg",
        name="APG",
        builder=f"{_SCENARIOS}:build_apg",
        lesson=f"{_CHAPTER}/05_generated_weights",
        paper="Yan et al. 2022",
        tests="multi_scenario/test_apg.py",
        needs=_NEEDS,
        tiny=_SMALL | {"rank": 3, "inner_units": 4, "condition_units": (3,)},
        second=network("apg_1", "apg_2")
        | tables("embedding")
        | _column()
        | {
            "rank": Option(2, ("apg_1", "apg_2")),
            "inner_units": Option(None, ("apg_1", "apg_2")),
            "condition": Option("self", ("apg_1", "apg_2")),
            "condition_columns": Option(("user_id",), ("apg_1", "apg_2"), {"condition": "mix"}),
            "condition_units": Option((2,), ("apg_1", "apg_2")),
        },
        needs_network=True,
    ),
    Model(
        key="adasparse",
        name="AdaSparse",
        builder=f"{_SCENARIOS}:build_adasparse",
        lesson=f"{_CHAPTER}/06_multi_scenario_comparison",
        paper="Yang et al. 2022",
        tests="multi_scenario/test_adasparse.py",
        needs=_NEEDS,
        tiny=_SMALL,
        # A threshold has no slope: the form without one is what a difference can be taken of.
        smooth={"form": "scaling"},
        second=network("hidden_1", "hidden_2")
        | tables("embedding")
        | _column()
        | {
            "dropout_rate": Option(0.5, ("network_logit",)),
            "form": Option("scaling", ("pruner_1", "pruner_2")),
            "alpha": Option(3.0, ("pruner_1", "pruner_2")),
            "beta": Option(1.5, ("pruner_1", "pruner_2")),
            "epsilon": Option(0.9, ("pruner_1", "pruner_2")),
            "pruned_share": Option((0.9, 1.0), ("pruner_1", "pruner_2")),
            "sparsity_weight": Option(2.0, ("pruner_1", "pruner_2"), {"pruned_share": (0.9, 1.0)}),
        },
        needs_network=True,
    ),
    Model(
        key="ranker",
        name="ranker",
        builder="recsys_lib.one_request:build_ranker",
        lesson="07_one_request/01_one_request",
        paper="Zhou et al. 2018, Ma et al. 2018, Ma et al. 2018b, Chang et al. 2023",
        tests="one_request/test_ranker.py",
        needs=("history", "scenario", "several tasks"),
        tiny={
            "embedding_dim": 4,
            "activation": "tanh",
            "num_experts": 3,
            "expert_units": (5,),
            "tower_units": (3,),
            "attention_units": (4,),
            "attention_activation": "tanh",
            "gate_units": 3,
        },
        second=network("experts", "towers", widths="expert_units")
        | _TWO_TABLES
        | _column()
        | {
            "interest": Option("mean", ("interest",)),
            "scale": Option("length", ("history_weights",)),
            "product": Option(True, ("features", "experts")),
            "scenario_use": Option("feature", ("features",)),
            "num_experts": Option(2, ("experts", "gates")),
            "tower_units": Option((2,), ("towers",)),
            "attention_units": Option((3,), ("history_weights",)),
            "attention_activation": Option("relu", ("history_weights",)),
            "gate_units": Option(2, ("scenario_gate",)),
            "histories": Option(("history",), ("history_weights", "interest")),
        },
        stops=("features",),
        needs_network=True,
    ),
)
