"""Pictures of several models side by side, to compare them.

Each panel is a small sketch, checked against its model like the large ones.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from recsys_book.pictures.plan import Plan
from recsys_book.pictures.shared import experts, features, towers
from recsys_lib.zoo import find, style

if TYPE_CHECKING:
    import keras

    from recsys_book.pictures.panels import Panels
    from recsys_book.pictures.picture import Picture

_WIDTH = 312


def _panel(title: str, description: str, columns: float, row: float = 58) -> Plan:
    return Plan(title, description, columns, (_WIDTH / columns, row))


def _crossing(title: str, description: str, top: float, linear: str = "linear") -> Plan:
    plan = _panel(title, description, 3)
    plan.box("columns", "columns", "*", "input", 0, 0, 3)
    plan.box("linear", "weights $w_i$", f"{linear} {linear}_numeric?", "embedding", 0, 1, 1.1)
    plan.box("p", "p({task})", "output", "output", 0, top, 3)
    plan.arrows("columns > linear > p")
    return plan


def _vectors(plan: Plan) -> None:
    plan.box(
        "fields", "vectors $v_1 … v_F$", "embedding embedding_numeric?", "embedding", 1.2, 1, 1.8
    )
    plan.arrows("columns > fields")


def _wide_and_deep() -> Plan:
    plan = _crossing(
        "Wide & Deep", "Pairs are remembered one by one, beside a network.", 3, "wide_linear"
    )
    plan.box("cross", "pairs $φ(x)$", "wide_cross", "interaction", 1.1, 1)
    plan.box("embedding", "vectors", "deep_embedding", "embedding", 2.1, 1, 0.9)
    plan.box("deep", "network", "deep_all deep_all_logit", "network", 2.1, 2, 0.9)
    plan.arrows("columns > cross > p; columns > embedding > deep > p")
    plan.arrows("columns >? deep via 2.99,0.6 2.99,1.4")
    return plan


def _fm() -> Plan:
    plan = _crossing("FM", "A pair's weight is a product of two vectors.", 3)
    _vectors(plan)
    plan.box("pairs", "$Σ_{i<i'} ⟨v_i, v_{i'}⟩$", "fm", "interaction", 1.4, 2, 1.4)
    plan.arrows("fields > pairs > p")
    return plan


def _nfm() -> Plan:
    plan = _crossing("NFM", "The sum of all pairs stays a vector, which a network reads.", 4)
    _vectors(plan)
    plan.box(
        "pairs",
        "$Σ_{i<i'} v_i ∘ v_{i'}$",
        "bi_interaction nfm_normalization?",
        "interaction",
        1.4,
        2,
        1.4,
    )
    plan.box("deep", "network", "nfm_hidden? nfm_logit", "network", 1.4, 3, 1.4)
    plan.arrows("fields > pairs > deep > p")
    return plan


def _deepfm() -> Plan:
    plan = _crossing("DeepFM", "Pairs and a network read the same vectors.", 3)
    _vectors(plan)
    plan.box("pairs", "$Σ_{i<i'} ⟨v_i, v_{i'}⟩$", "fm", "interaction", 1.05, 2, 1.1)
    plan.box("deep", "network", "deep deep_logit", "network", 2.2, 2, 0.8)
    plan.arrows("fields > pairs > p; fields > deep > p")
    return plan


def _tasks(title: str, description: str, top: float) -> Plan:
    plan = _panel(title, description, 5, 62)
    features(plan)
    towers(plan, top - 1, (0.2, 2.8), 2)
    return plan


def _shared_bottom() -> Plan:
    plan = _tasks("Shared-Bottom", "One network for all tasks.", 3)
    plan.box("bottom", "shared network", "shared_bottom", "network", 0.5, 1, 4)
    plan.arrows("x > bottom > tower0; bottom > tower1")
    return plan


def _omoe() -> Plan:
    plan = _tasks("OMoE", "One gate mixes the experts for all tasks.", 4)
    experts(plan, 0.4, "$o_1$", "$o_K$")
    plan.box("gate", "gate", "gates", "gate", 4, 1)
    plan.box("mixture", "$Σ_k z_k o_k$", "mixtures", "interaction", 1.2, 2, 2.6)
    plan.arrows("first > mixture; middle > mixture; last > mixture; x > gate > mixture")
    plan.arrows("mixture > tower0; mixture > tower1")
    return plan


def _mmoe() -> Plan:
    plan = _tasks("MMoE", "Each task has a gate of its own.", 4)
    experts(plan, 1, "$o_1$", "$o_K$")
    for task, (gate, left) in enumerate([(0, 0.2), (4, 2.8)]):
        plan.box(f"gate{task}", "gate", f"gates[{task}]", "gate", gate, 1)
        plan.box(f"mix{task}", "$Σ_k z_k o_k$", f"mixtures[{task}]", "interaction", left, 2, 2)
        plan.arrows(f"x > gate{task} > mix{task} > tower{task}; first > mix{task}")
        plan.arrows(f"middle > mix{task}; last > mix{task}")
    return plan


def _cgc() -> Plan:
    plan = _tasks("CGC", "Each task also has experts that no other task sees.", 4)
    plan.box("shared", "shared", "experts_1[g2]", "network", 1.9, 1, 1.2)
    plan.arrows("x > shared")
    for task, (gate, own, left) in enumerate([(0, 0.95, 0.2), (4.1, 3.15, 2.8)]):
        plan.box(f"gate{task}", "gate", f"gates_1[{task}]", "gate", gate, 1, 0.9)
        plan.box(f"own{task}", "own", f"experts_1[g{task}]", "network", own, 1, 0.9)
        plan.box(f"mix{task}", "$Σ_k z_k o_k$", f"mixtures_1[{task}]", "interaction", left, 2, 2)
        plan.arrows(f"x > gate{task} > mix{task} > tower{task}; x > own{task} > mix{task}")
        plan.arrows(f"shared > mix{task}")
    return plan


def _scenarios(title: str, description: str, top: float) -> Plan:
    plan = _panel(title, description, 3)
    plan.box("s", "{scenario}", "KnownScenarios", "input", 0, 0, 0.9)
    plan.box("columns", "columns", "*", "input", 1.1, 0, 1.9)
    plan.box("x", "features", "features", "embedding", 1.1, 1, 1.9)
    plan.box("p", "p({task})", "output", "output", 0, top, 3)
    plan.arrows("columns > x")
    return plan


def _own_tower() -> Plan:
    plan = _scenarios("Shared-Bottom of scenarios", "A tower for each scenario.", 4)
    plan.box("bottom", "shared network", "shared_bottom", "network", 1.1, 2, 1.9)
    plan.box("tower", "the scenario's own tower", "towers", "network", 0, 3, 3)
    plan.arrows("x > bottom > tower > p; s > tower")
    return plan


def _star() -> Plan:
    plan = _scenarios("STAR", "Shared weights times the scenario's own.", 4)
    plan.boxes.pop("p")
    plan.box("norm", "own moments", "partitioned_normalization", "interaction", 1.1, 2, 1.1)
    plan.box("own", "own $W_d$", "star#specific", "embedding", 0.15, 2, 0.85)
    plan.box("star", "network $W ∘ W_d$", "star", "network", 0, 3, 2.2)
    plan.box("aux", "auxiliary", "auxiliary auxiliary_logit", "network", 2.25, 3, 0.75)
    plan.box("p", "p({task})", "output", "output", 0, 4, 3)
    plan.arrows("x > norm > star > p; own > star; x > aux > p; s > norm")
    plan.arrows("s > star via 0.1,2; s > aux via 1,0.6 1,1.48 2.24,1.48")
    return plan


def _pepnet() -> Plan:
    plan = _scenarios("PEPNet", "Gates made from the scenario scale what one network computes.", 4)
    plan.box("gate", "gate", "epnet_gate", "gate", 0, 1, 0.9)
    plan.box("gated", "gate ∘ features", "gated_features", "interaction", 1.1, 2, 1.9)
    plan.box("gates", "gates", "ppnet_gate_*", "gate", 0, 3, 0.9)
    plan.box(
        "layers",
        "gate ∘ each layer",
        "hidden_* gated_1? gated_2? gated_3? task_logits",
        "network",
        1.1,
        3,
        1.9,
    )
    plan.arrows("x > gated > layers > p; s > gate > gated; x > gate; gates > layers; gated > gates")
    plan.arrows("columns > gates via 1,0.6 1,1.6 0.45,2.3")
    return plan


def _apg() -> Plan:
    plan = _scenarios("APG", "Weights written from the scenario.", 3)
    plan.box("layers", "layers with a written core", "apg_* network_logit", "network", 0, 2, 3)
    plan.arrows("s > layers; x > layers > p; s > x")
    return plan


def _searching(title: str, description: str, output: str = "p({task})") -> Plan:
    plan = _panel(title, description, 4.6, 54)
    plan.box("rest", "others", "*", "input", 0, 0, 0.95)
    plan.box("behaviours", "all $e_j$", "behaviours", "embedding", 1, 0, 1.15)
    plan.box("candidate", "candidate $v$", "candidate", "embedding", 2.2, 0, 1.5)
    plan.box("deep", "network", "deep deep_logit", "network", 0, 4, 3.9)
    plan.box("p", output, "output", "output", 0, 5, 4.6)
    plan.arrows("deep > p; rest > deep via 0.4,1 0.4,3; candidate > deep via 3.45,1 3.45,3")
    return plan


def _two_stages(title: str, description: str, name: str, attention: str, **output: str) -> Plan:
    """A search and an attention; ``attention`` names its layers beside those of all models."""
    plan = _searching(title, description, **output)
    plan.box("search", "the $R$ best", f"{name}_search", "interaction", 1.55, 2, 1.3)
    layers = f"{attention} {name}_found {name}_weights {name}_interest"
    plan.box("attention", "attention", layers, "gate", 0.8, 3, 2.5)
    plan.arrows("search > attention > deep; behaviours > attention via 1.25,1 1.25,2")
    return plan


def _sim() -> Plan:
    plan = _two_stages(
        "SIM, soft search",
        "The search has scores of its own, and a prediction of its own to train them.",
        "sim",
        "recency? sim_close_scores",
        output="p({task}); in training the search's, too",
    )
    plan.box("scores", "scores $s'_j$", "sim_scores", "gate", 1.45, 1, 1.5)
    own = "sim_pooled sim_search_deep sim_search_deep_logit sim_search_prediction"
    # The head carries it into the loss; in inference nothing reads it.
    plan.box("own", "second\nnetwork", own, "network", 3.6, 1, 1)
    plan.arrows("behaviours > scores > search; candidate > scores; scores > own")
    plan.arrows("candidate > own; behaviours > own; own > p via 4.25,3")
    plan.arrows("candidate > attention via 3.1,1 3.1,2")
    return plan


def _eta() -> Plan:
    plan = _two_stages(
        "ETA",
        "Bits of the vectors search, and the attention has scores of its own.",
        "eta",
        "eta_close_scores",
    )
    plan.box("scores", "hash bits", "eta_codes eta_scores", "gate", 1.45, 1, 1.5)
    plan.arrows("behaviours > scores > search; candidate > scores")
    plan.arrows("candidate > attention via 3.1,1 3.1,2")
    return plan


def _twin() -> Plan:
    plan = _two_stages(
        "TWIN",
        "One score searches and weighs what was found.",
        "twin",
        "twin_found_scores",
    )
    plan.box("scores", "scores $s_j$", "recency? twin_scores", "gate", 1.45, 1, 1.5)
    plan.arrows("behaviours > scores > search; candidate > scores")
    plan.arrows("scores > attention via 3,2")
    return plan


def _sdim() -> Plan:
    plan = _searching("SDIM", "What shares a signature with the candidate is added up.")
    plan.box(
        "signatures",
        "signatures",
        "sdim_codes sdim_signatures sdim_candidate_signatures",
        "gate",
        1.45,
        1,
        1.5,
    )
    plan.box("interest", "sum of the equal", "sdim_interest", "interaction", 0.8, 3, 2.5)
    plan.arrows("behaviours > signatures > interest > deep; candidate > signatures")
    plan.arrows("behaviours > interest via 1.25,1 1.25,2")
    return plan


class Family(NamedTuple):
    """Models that stand side by side.

    Args:
        title, description: of the picture.
        panels: dict of the key of a row of the zoo to its small plan.
        row_titles: above each row of two, or none.
    """

    title: str
    description: str
    panels: Mapping[str, Callable[[], Plan]]
    row_titles: tuple[str, ...] = ()


FAMILIES = {
    "pairs": Family(
        "Four ways to read pairs of features",
        "What reads the pairs: a table of their own, products of vectors, and a network over them.",
        {"wide_and_deep": _wide_and_deep, "fm": _fm, "nfm": _nfm, "deepfm": _deepfm},
    ),
    "gates": Family(
        "From one shared network to experts of one's own",
        "What two tasks share, and who decides how much each reads of it.",
        {"shared_bottom": _shared_bottom, "omoe": _omoe, "mmoe": _mmoe, "cgc": _cgc},
    ),
    "scenarios": Family(
        "Two paradigms for several scenarios",
        "A scenario has a part of its own beside a shared one, or it writes what the one network "
        "multiplies by.",
        {"scenario_shared_bottom": _own_tower, "star": _star, "pepnet": _pepnet, "apg": _apg},
        ("Multi-tower: parts of the scenario's own", "Dynamic weights: made from the scenario"),
    ),
    "searches": Family(
        "Four ways through a history of thousands",
        "What decides which behaviours an attention gets to see, or a sum without a search.",
        {"sim": _sim, "eta": _eta, "twin": _twin, "sdim": _sdim},
    ),
}
"""Key to family."""


def panels(name: str, models: "Mapping[str, keras.Model] | None" = None) -> "Panels":
    """The checked drawings behind ``family``, as numbers.

    Args:
        name: a key of ``FAMILIES``.
        models: dict of the key of a row of the zoo to its built model; default: the examples.

    Returns:
        The panels.

    Raises:
        ValueError: as ``family``.
    """
    from recsys_book.pictures.examples import example
    from recsys_book.pictures.panels import Panels
    from recsys_book.pictures.sketching import NOTE, checked

    if name not in FAMILIES:
        raise ValueError(f"family: expected one of {list(FAMILIES)}, got {name!r}")
    chosen = FAMILIES[name]
    rows = [find(key) for key in chosen.panels]
    drawings = [
        checked(plan(), models[row.key] if models else example(row))
        for row, plan in zip(rows, chosen.panels.values(), strict=True)
    ]
    colors = [style(row).color for row in rows]
    return Panels(chosen.title, chosen.description, drawings, colors, chosen.row_titles, note=NOTE)


def family(name: str, models: "Mapping[str, keras.Model] | None" = None) -> "Picture":
    """Models side by side, each drawn small and checked against its built model.

    Args:
        name: ``"pairs"`` (Wide & Deep, FM, NFM, DeepFM), ``"gates"`` (Shared-Bottom, OMoE, MMoE,
            CGC), ``"scenarios"`` (the two paradigms of chapter 06) or ``"searches"`` (SIM, ETA,
            TWIN, SDIM).
        models: dict of the key of each row of the zoo to a built model, whose shapes are shown;
            default: small examples.

    Returns:
        A picture that a notebook shows as SVG or PNG; its text is a description.

    Raises:
        ValueError: an unknown name, or a panel that says something wrong about its model.

    Example:
        >>> family("gates").title
        "From one shared network to experts of one's own"
    """
    return panels(name, models).picture()
