"""Sketches of chapter 06: models of several scenarios."""

from recsys_book.pictures.plan import Plan, repeated
from recsys_book.pictures.shared import SUM

_SCENARIO = "{scenario} $d$"


def _plain(plan: Plan, top: float = 3) -> None:
    """Columns, features over them, and the output."""
    plan.box("columns", "columns", "*", "input", 1.3, 0, plan.columns - 1.3)
    plan.box("x", "features $x$", "features", "embedding", 0, 1, plan.columns)
    plan.box("p", "p({task})", "output", "output", 0, top, plan.columns)
    plan.arrows("columns > x")


def _scenario(plan: Plan) -> None:
    plan.box("s", _SCENARIO, "KnownScenarios", "input", 0, 0, 1.1)


def global_() -> Plan:
    plan = Plan("global", "One network, which is not told the scenario.", 3)
    plan.box("columns", "columns without the scenario", "*", "input", 0, 0, 3)
    plan.box("x", "features $x$", "features", "embedding", 0, 1, 3)
    plan.box("deep", "network", "network network_logit", "network", 0, 2, 3)
    plan.box("p", "p({task})", "output", "output", 0, 3, 3)
    plan.arrows("columns > x > deep > p")
    return plan


def scenario_feature() -> Plan:
    plan = Plan(
        "scenario as a feature",
        "One network, which reads the scenario beside the other columns.",
        3,
    )
    _plain(plan)
    _scenario(plan)
    plan.box("deep", "network", "network network_logit", "network", 0, 2, 3)
    plan.arrows("s > x > deep > p")
    return plan


def separate() -> Plan:
    plan = Plan("separate", "Each scenario has tables and a network of its own.", 3.2)
    plan.box("s", _SCENARIO, "KnownScenarios", "input", 0, 0, 1.1)
    plan.box("columns", "columns", "*", "input", 1.3, 0, 1.9)
    plan.box("ids", "ids of the scenario's own tables", "OwnIds", "embedding", 0.6, 1, 2.6)
    plan.box("x", "features $x$", "features", "embedding", 0.6, 2, 2.6)
    plan.box("deep", "the scenario's own network", "own_networks", "network", 0, 3, 3.2)
    plan.box("p", "p({task})", "output", "output", 0, 4, 3.2)
    plan.arrows("columns > ids > x > deep > p; s > ids; s > deep via 0.3,1")
    return plan


def scenario_shared_bottom() -> Plan:
    plan = Plan(
        "Shared-Bottom of scenarios", "One network for all scenarios, a small tower for each.", 3.2
    )
    plan.box("s", _SCENARIO, "KnownScenarios", "input", 0, 0, 1.1)
    plan.box("columns", "columns", "*", "input", 1.3, 0, 1.9)
    plan.box("x", "features $x$", "features", "embedding", 1.3, 1, 1.9)
    plan.box("bottom", "shared network", "shared_bottom", "network", 1.3, 2, 1.9)
    plan.box("tower", "the scenario's own tower", "towers", "network", 0, 3, 3.2)
    plan.box("p", "p({task})", "output", "output", 0, 4, 3.2)
    plan.arrows("columns > x > bottom > tower > p; s > tower")
    return plan


_PARTS = (("first", "1", "[0]"), ("middle", "…", "[1:-1]?"), ("last", "$K$", "[-1]"))


def hmoe() -> Plan:
    plan = Plan(
        "HMoE",
        "One mixture of experts, a tower for each scenario, and a weighted sum of all "
        "towers' scores.",
        5.5,
        (120, 72),
    )
    plan.box("s", _SCENARIO, "KnownScenarios", "input", 0, 0)
    plan.box("columns", "columns", "*", "input", 1.2, 0, 4.3)
    plan.box("x", "features $x$", "features", "embedding", 0.7, 1, 4.8)
    plan.box("gate", "gate", "gates", "gate", 4.6, 2, 0.9)
    plan.box("mixture", "$Σ_k z_k o_k$", "mixtures", "interaction", 1.9, 3, 2.6)
    plan.box("says", "weights of\nall towers", "weight_networks", "gate", 0.6, 3)
    plan.box("score", "$Σ_d w_d s_d$, trains own $s_d$ alone", "score", "interaction", 0, 5, 4.5)
    plan.box("p", "p({task})", "output", "output", 0, 6, 4.5)
    for place, (key, number, part) in enumerate(_PARTS):
        left = 1.7 + 0.95 * place
        name = number.replace("K", "S")
        expert, tower = (number, name) if number == "…" else (f"expert {number}", f"tower {name}")
        plan.box(key, expert, f"experts{part}", "network", left, 2, 0.95)
        plan.box(f"tower {key}", tower, f"towers{part}", "network", left, 4, 0.95)
        plan.arrows(f"x > {key} > mixture > tower {key} > score")
    plan.arrows(
        "columns > x; s > x; x > gate > mixture; x > says > score > p; s >? score via 0.3,1"
    )
    return plan


def star() -> Plan:
    plan = Plan(
        "STAR", "The scenario's weights are shared weights times its own ones.", 5, (134, 72)
    )
    plan.box("s", _SCENARIO, "KnownScenarios", "input", 0, 0)
    plan.box("columns", "columns", "*", "input", 2.1, 0, 2.9)
    plan.box("x", "features $x$", "features", "embedding", 2.1, 1, 2.9)
    plan.box("e", "vector $v_d$", "scenario_vector", "embedding", 1.1, 1, 0.9)
    plan.box(
        "norm",
        "normalization with the\nscenario's own moments",
        "partitioned_normalization",
        "interaction",
        2.1,
        2,
        1.5,
    )
    plan.box("shared", "shared $W$", "star#shared", "embedding", 0.2, 3, 0.9)
    plan.box("own", "own $W_d$", "star#specific", "embedding", 1.1, 3, 0.9)
    plan.box("star", "network with $W ∘ W_d$", "star", "network", 0, 4, 3.6)
    plan.box("aux", "auxiliary\nnetwork", "auxiliary auxiliary_logit", "network", 3.8, 3, 1.2)
    plan.box("p", SUM, "output", "output", 0, 5, 5)
    plan.arrows("columns > x > norm > star > p; shared > star; own > star; x > aux > p; s > e")
    plan.arrows("s > norm via 0.5,2; s > star via 0.1,3; e > aux via 1.7,2.5 3.4,2.5")
    return plan


@repeated("ppnet_gate_")
def pepnet(layers: int = 2) -> Plan:
    plan = Plan(
        "PEPNet",
        "A gate that reads the scenario scales the features; gates that read user "
        "and item scale every layer.",
        4.8,
        (140, 72),
    )
    plan.box("s", _SCENARIO, "KnownScenarios", "input", 0, 0, 0.95)
    plan.box("columns", "other columns", "*", "input", 1.1, 0, 1.2)
    plan.box(
        "ids",
        "vectors of\nuser and item",
        "embedding:chosen_*",
        "embedding",
        3.3,
        0,
        1.5,
    )
    plan.box("x", "features $x$", "features", "embedding", 1.1, 1, 1.9)
    plan.box("gate", "EPNet gate\n0 to 2", "epnet_gate", "gate", 0, 2, 0.95)
    plan.box("gated", "$h_0$ = gate ∘ $x$", "gated_features", "interaction", 1.1, 3, 1.9)
    plan.arrows("columns > x > gated; ids > x; s > gate > gated; x > gate")
    before = "gated"
    for layer in range(1, layers + 1):
        row = 3 + layer
        plan.box(
            f"layer{layer}",
            f"$h_{layer}$ = gate ∘ layer {layer}",
            f"hidden_{layer} gated_{layer}",
            "network",
            1.1,
            row,
            1.9,
        )
        plan.box(f"gate{layer}", "PPNet gate", f"ppnet_gate_{layer}", "gate", 3.6, row, 0.95)
        plan.arrows(f"{before} > layer{layer}; gate{layer} > layer{layer}")
        outer, inner = 4.68 + 0.06 * (layers - layer), 3.3 + 0.08 * layer
        plan.arrows(f"ids > gate{layer}" + (f" via {outer},{row}" if layer > 1 else ""))
        plan.arrows(f"gated > gate{layer} via {inner},3.2 {inner},{row - 0.15}")
        before = f"layer{layer}"
    plan.box("p", "{p}", "task_logits outputs", "output", 1.1, layers + 4, 1.9)
    plan.arrows(f"{before} > p")
    return plan


@repeated("meta_unit_")
def m2m(layers: int = 2) -> Plan:
    plan = Plan(
        "M2M",
        "The scenario writes the weights of an attention over experts and of every "
        "layer of the tower.",
        4.6,
        (140, 72),
    )
    plan.box("s", _SCENARIO, "KnownScenarios", "input", 0, 0, 0.95)
    plan.box("profile", "profile", "embedding:chosen_*?", "embedding", 1.1, 0, 0.95)
    plan.box("columns", "columns", "*", "input", 2.2, 0, 2.4)
    plan.box("knowledge", "knowledge of\nscenario, profile", "knowledge", "network", 0, 1, 1.4)
    plan.box("x", "features $x$", "features", "embedding", 1.7, 1, 2.9)
    plan.box("experts", "experts", "experts", "network", 2.2, 2, 2.4)
    plan.box("attention", "attention with\nwritten weights", "attention", "gate", 0.8, 3, 1.5)
    plan.box("mixture", "weighted sum of the experts", "mixtures", "interaction", 2.2, 4, 2.4)
    plan.arrows("columns > x > experts > mixture; profile > knowledge; s > knowledge; profile > x")
    plan.arrows("experts > attention > mixture; knowledge > attention")
    before = "mixture"
    for layer in range(1, layers + 1):
        row, side = 4 + layer, 0.72 - 0.16 * layer
        plan.box(
            f"layer{layer}",
            f"layer {layer} of the tower,\nwritten weights, + residual",
            f"meta_unit_{layer} tower_{layer}",
            "network",
            2.2,
            row,
            2.4,
        )
        plan.arrows(f"{before} > layer{layer}; knowledge > layer{layer} via {side},{row}")
        before = f"layer{layer}"
    plan.box("p", "{p}", "task_logits outputs", "output", 2.2, layers + 5, 2.4)
    plan.arrows(f"{before} > p")
    return plan


@repeated("apg_")
def apg(layers: int = 2) -> Plan:
    plan = Plan(
        "APG",
        "The scenario writes a small core for every layer, between two matrices that all share.",
        4,
    )
    plan.box("s", _SCENARIO, "KnownScenarios", "input", 0, 0, 1.4)
    plan.box("columns", "columns", "*", "input", 1.6, 0, 2.4)
    plan.box("x", "features $x$", "features", "embedding", 1.6, 1, 2.4)
    plan.arrows("columns > x; s > x")
    before = "x"
    for layer in range(1, layers + 1):
        row = layer + 1
        plan.box(
            f"core{layer}",
            "writes a core",
            f"apg_{layer}/hidden? apg_{layer}/generator",
            "gate",
            0.2,
            row,
            1.3,
        )
        plan.box(
            f"layer{layer}",
            f"layer {layer} with its core",
            f"apg_{layer}",
            "network",
            1.8,
            row,
            2.2,
        )
        via = f" via {0.14 - 0.06 * layer + 0.06},{row}" if layer > 1 else ""
        plan.arrows(f"{before} > layer{layer}; core{layer} > layer{layer}; s > core{layer}{via}")
        before = f"layer{layer}"
    plan.box("p", "p({task})", "network_logit output", "output", 1.8, layers + 2, 2.2)
    plan.arrows(f"{before} > p")
    return plan


@repeated("pruner_")
def adasparse(layers: int = 2) -> Plan:
    plan = Plan(
        "AdaSparse", "In every layer a pruner reads the scenario and switches neurons off.", 4
    )
    plan.box("s", _SCENARIO, "KnownScenarios", "input", 0, 0, 1.4)
    plan.box("columns", "columns", "*", "input", 1.6, 0, 2.4)
    plan.box("x", "features $x$", "features", "embedding", 1.6, 1, 2.4)
    plan.arrows("columns > x; s > x")
    before = "x"
    for layer in range(1, layers + 1):
        row = 2 * layer
        plan.box(
            f"hidden{layer}",
            f"layer {layer}: $h_{layer}$",
            f"hidden_{layer}",
            "network",
            1.8,
            row,
            2.2,
        )
        plan.box(
            f"pruner{layer}", f"pruner $z_{layer}$", f"pruner_{layer}", "gate", 0.2, row + 0.5, 1.3
        )
        plan.box(
            f"pruned{layer}",
            f"$z_{layer} ∘ h_{layer}$",
            f"pruned_{layer}",
            "interaction",
            1.8,
            row + 1,
            2.2,
        )
        via = f" via 0.06,{row + 0.5}" if layer > 1 else ""
        plan.arrows(f"{before} > hidden{layer} > pruned{layer}; hidden{layer} > pruner{layer}")
        plan.arrows(f"pruner{layer} > pruned{layer}; s > pruner{layer}{via}")
        before = f"pruned{layer}"
    plan.box("p", "p({task})", "network_logit output", "output", 1.8, 2 * layers + 2, 2.2)
    plan.arrows(f"{before} > p")
    return plan
