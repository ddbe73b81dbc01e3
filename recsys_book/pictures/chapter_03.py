"""Sketches of chapter 03: models that cross more than two features."""

from recsys_book.pictures.plan import Plan, repeated
from recsys_book.pictures.shared import SUM, fields


def _cross(
    title: str, description: str, layers: int, formula: str, is_stacked: bool = False
) -> Plan:
    """A chain of cross layers, each of which reads the first input again, and a network."""
    plan = Plan(title, description, 4.2, (150, 66))
    plan.box(
        "x", "$x$: all vectors and numbers side by side", "cross_input", "embedding", 0, 0, 4.2
    )
    before = "x"
    for layer in range(1, layers + 1):
        text = f"cross layer {layer}" + (f"\n{formula}" if layer == 1 else "")
        plan.box(f"cross{layer}", text, f"cross_{layer}", "interaction", 0, layer, 2)
        plan.arrows(f"{before} > cross{layer}")
        before = f"cross{layer}"
        if layer > 1:
            plan.arrows(f"x > cross{layer} via {2 + 0.12 * layer},0.5 {2 + 0.12 * layer},{layer}")
    deep = (0, layers + 1, 4.2) if is_stacked else (2.8, (layers + 1) / 2, 1.4)
    plan.box("deep", "network", "deep? deep_logit?", "network", *deep)
    top = layers + 1 + is_stacked
    plan.box("logit", "one weight for each number", "logit", "interaction", 0, top, 4.2)
    plan.box("p", "p({task})", "output", "output", 0, top + 1, 4.2)
    read = f"{before} > deep > logit" if is_stacked else f"{before} > logit; x > deep > logit"
    plan.arrows(f"{read}; logit > p")
    return plan


@repeated("cross_")
def dcn(layers: int = 3) -> Plan:
    return _cross(
        "DCN",
        "Each cross layer multiplies the first input in once more: degree by degree.",
        layers,
        "$c_1 = x (x · w_1) + b_1 + x$",
    )


@repeated("cross_")
def dcn_v2(layers: int = 2) -> Plan:
    return _cross(
        "DCN-V2",
        "As DCN, with a matrix in place of a vector of weights.",
        layers,
        "$c_1 = x ∘ (W_1 x + b_1) + x$",
    )


@repeated("cross_")
def dcn_mix(layers: int = 2) -> Plan:
    return _cross(
        "DCN-Mix",
        "As DCN-V2, with a gated mixture of matrices of low rank.",
        layers,
        "$c_1 = x ∘ Σ_k z_k (W'_k W''_k x + b_1) + x$",
    )


def _cin(plan: Plan, left: float, layers: int) -> None:
    """Layers that cross the vectors with the maps of the layer before, all pooled at the end."""
    before = "fields"
    for layer in range(1, layers + 1):
        label = f"CIN layer {layer}: maps $m_{layer}$"
        plan.box(f"cin{layer}", label, f"cin_{layer}", "interaction", left, layer + 1, 1.9)
        plan.arrows(f"{before} > cin{layer}")
        before = f"cin{layer}"
        if layer > 1:
            side = left + 2.05
            plan.arrows(f"fields > cin{layer} via {side},1.6 {side},{layer + 1}")
    plan.box(
        "pooled",
        "sums over the width,\nweighed",
        "cin_pooled cin_logit",
        "interaction",
        left,
        layers + 2.1,
        1.9,
    )
    for layer in range(1, layers + 1):
        side = left - 0.1
        via = f" via {side},{layer + 1} {side},{layers + 1.5}" if layer < layers else ""
        plan.arrows(f"cin{layer} > pooled{via}")


@repeated("cin_")
def cin(layers: int = 2) -> Plan:
    plan = Plan(
        "CIN", "Each layer crosses its maps with the vectors again; all layers are pooled.", 2.6
    )
    fields(plan)
    plan.box("p", "p({task})", "output", "output", 0, layers + 3, 2.6)
    _cin(plan, 0.25, layers)
    plan.arrows("columns > fields; pooled > p")
    return plan


@repeated("cin_")
def xdeepfm(layers: int = 2) -> Plan:
    plan = Plan(
        "xDeepFM", "Explicit crosses (CIN), implicit ones (network) and weights of ids.", 4.4
    )
    plan.box("columns", "columns", "*", "input", 0, 0, 4.4)
    plan.box("linear", "weights\n$Σ_i w_i$", "linear linear_numeric?", "embedding", 0, 1, 0.9)
    plan.box(
        "fields",
        "a vector for each column, $v_1 … v_F$",
        "embedding embedding_numeric?",
        "embedding",
        1,
        1,
        3.4,
    )
    plan.box("p", SUM, "output", "output", 0, layers + 3.1, 4.4)
    _cin(plan, 1.15, layers)
    plan.box("deep", "network", "deep deep_logit", "network", 3.4, layers + 2.1, 1)
    plan.arrows("columns > linear > p; columns > fields > deep > p; pooled > p")
    return plan


def _autoint(title: str, description: str, layers: int, width: float) -> Plan:
    plan = Plan(title, description, width, (150, 66))
    fields(plan, "a vector for each column")
    before, row = "fields", 1.0
    for layer in range(1, layers + 1):
        plan.box(
            f"attention{layer}",
            "attention of\nthe columns",
            f"attention_{layer}",
            "gate",
            0,
            row + 1.1,
            1.3,
        )
        plan.box(
            f"layer{layer}",
            f"interacting layer {layer}\nheads, + residual, ReLU",
            f"interacting_{layer}",
            "interaction",
            0.5,
            row + 2.3,
            1.9,
        )
        plan.arrows(f"{before} > attention{layer} > layer{layer}")
        plan.arrows(f"{before} > layer{layer} via 1.7,{row + 1.1}")
        before, row = f"layer{layer}", row + 2.4
    plan.box("logit", "one weight for each number", "logit", "interaction", 0, row + 1, 2.4)
    plan.box("p", "p({task})", "output", "output", 0, row + 2, width)
    plan.arrows(f"columns > fields; {before} > logit > p")
    return plan


@repeated("interacting_")
def autoint(layers: int = 2) -> Plan:
    return _autoint(
        "AutoInt", "Columns attend to columns; what each finds is added to itself.", layers, 2.6
    )


@repeated("interacting_")
def autoint_plus(layers: int = 2) -> Plan:
    plan = _autoint("AutoInt+", "AutoInt beside a network over the same vectors.", layers, 3.8)
    row = plan.boxes["logit"].y
    plan.box("deep", "network", "deep deep_logit", "network", 2.6, row, 1.2)
    plan.arrows("fields > deep > p")
    return plan


_GATED = "$c_1 = x ∘ (W_1 x + b_1) ∘ sigmoid(W'_1 x) + x$"


@repeated("cross_")
def gdcn_s(layers: int = 2) -> Plan:
    return _cross(
        "GDCN-S",
        "As DCN-V2, with a gate on what each layer adds; the network reads the crosses.",
        layers,
        _GATED,
        is_stacked=True,
    )


@repeated("cross_")
def gdcn_p(layers: int = 2) -> Plan:
    return _cross("GDCN-P", "As DCN-V2, with a gate on what each layer adds.", layers, _GATED)


def _masks(title: str, description: str) -> Plan:
    """The vectors of all columns, and their normalization."""
    plan = Plan(title, description, 4.2)
    fields(plan, "vectors of all columns, $e$")
    norm = "each vector\nnormalised by itself"
    plan.box("norm", norm, "field_normalization", "interaction", 2.2, 2, 2)
    plan.arrows("columns > fields > norm")
    return plan


_BLOCK = "ReLU of normalised\n$W_1$ (mask ∘ input)"


@repeated("block_")
def masknet_s(layers: int = 2) -> Plan:
    plan = _masks("SerMaskNet", "A mask made of all vectors multiplies what each layer reads.")
    before = "norm"
    for layer in range(1, layers + 1):
        row = layer + 2
        text = _BLOCK if layer == 1 else f"block {layer}"
        plan.box(f"block{layer}", text, f"block_{layer}", "network", 2.2, row, 2)
        places = f"mask_{layer}_hidden mask_{layer}"
        plan.box(f"mask{layer}", f"mask {layer}", places, "gate", 0.4, row, 1.2)
        via = "" if layer == 1 else f" via {0.25 - 0.12 * (layer - 2)},{row}"
        plan.arrows(f"{before} > block{layer}; mask{layer} > block{layer}")
        plan.arrows(f"fields > mask{layer}{via}")
        before = f"block{layer}"
    plan.box(
        "logit", "one weight for each number", "deep? deep_logit", "interaction", 2.2, layers + 3, 2
    )
    plan.box("p", "p({task})", "output", "output", 0, layers + 4, 4.2)
    plan.arrows(f"{before} > logit > p")
    return plan


def masknet_p() -> Plan:
    plan = _masks("ParaMaskNet", "Masked layers side by side, each with a mask of its own.")
    plan.box("masks", "a mask\nfor each block", "mask_*", "gate", 0.2, 3, 1.4)
    text = "blocks: ReLU of\nnormalised $W$ (mask ∘ input)"
    plan.box("blocks", text, "block_*", "network", 2.2, 3, 2)
    plan.box("deep", "network", "deep? deep_logit", "network", 2.2, 4, 2)
    plan.box("p", "p({task})", "output", "output", 0, 5, 4.2)
    plan.arrows("norm > blocks > deep > p; fields > masks > blocks")
    return plan


def finalmlp() -> Plan:
    plan = Plan(
        "FinalMLP", "Two networks see the features through gates, and multiply at the end.", 4.4
    )
    plan.box("columns", "columns", "*", "input", 0, 0, 4.4)
    plan.box("e", "all vectors and\nnumbers, $e$", "features", "embedding", 1.5, 1, 1.4)
    for n, left in ((1, 0), (2, 3.2)):
        vector = f"vector of\ncondition {n}"
        plan.box(f"condition{n}", vector, f"condition_{n}", "embedding", left, 1, 1.2)
        plan.box(f"gate{n}", f"gate {n}, 0 to 2", f"gate_{n}", "gate", left, 2, 1.2)
        network = f"network {n}\non gate ∘ $e$"
        plan.box(f"deep{n}", network, f"deep_{n}", "network", 0.2 + 0.8 * left, 3, 1.44)
        plan.arrows(f"condition{n} > gate{n} > deep{n}; e > deep{n}; columns >? condition{n}")
    plan.box("logit", "one weight for\neach number of both", "logit", "interaction", 0, 4, 2)
    plan.box("fusion", "heads\n$Σ_h o_{1h} W_h o_{2h}$", "fusion", "interaction", 2.4, 4, 2)
    plan.box("p", SUM, "output", "output", 0, 5, 4.4)
    plan.arrows("columns > e; deep1 > logit > p; deep1 > fusion > p; deep2 > logit; deep2 > fusion")
    return plan


@repeated("cross_")
def edcn(layers: int = 2) -> Plan:
    plan = Plan(
        "EDCN",
        "After each layer a bridge joins crosses and network; before it a gate weighs the columns.",
        4.4,
        (150, 66),
    )
    fields(plan, "a vector for each column")
    plan.arrows("columns > fields")
    before, row = "fields", 2
    for layer in range(1, layers + 1):
        cross, deep = f"gate, cross layer {layer}", f"gate, layer {layer} of\nthe network"
        places = f"cross_gate_{layer}? cross_{layer}"
        plan.box(f"cross{layer}", cross, places, "interaction", 0.4, row, 1.7)
        places = f"deep_gate_{layer}? deep_{layer}"
        plan.box(f"deep{layer}", deep, places, "network", 2.5, row, 1.5)
        plan.arrows(f"{before} > cross{layer}; {before} > deep{layer}")
        plan.box(f"bridge{layer}", "bridge", f"bridge_{layer}", "interaction", 1.5, row + 1, 1.4)
        plan.arrows(f"cross{layer} > bridge{layer}; deep{layer} > bridge{layer}")
        if layer > 1:
            left = 0.25 - 0.12 * (layer - 2)
            plan.arrows(f"cross1 > cross{layer} via {left},2 {left},{row}")
        before, row = f"bridge{layer}", row + 2
    plan.box(
        "logit", "one weight for each number of all three", "logit", "interaction", 0, row, 4.4
    )
    plan.box("p", "p({task})", "output", "output", 0, row + 1, 4.4)
    plan.arrows(f"{before} > logit > p; cross{layers} > logit; deep{layers} > logit")
    return plan


def _powers(title: str, description: str, width: float) -> Plan:
    plan = Plan(title, description, width)
    fields(plan, "a vector for each column", width=2.4)
    powers = "products of powers\n$y_j = exp(Σ_i w_{ij} ln |e_i|)$"
    plan.box("products", powers, "products", "interaction", 0, 2, 2.4)
    plan.box("afn", "network", "afn? afn_logit", "network", 0, 3, 2.4)
    plan.box("p", SUM, "output", "output", 0, 4, width)
    plan.arrows("columns > fields > products > afn > p")
    return plan


def afn() -> Plan:
    return _powers("AFN", "Products of all columns, each to a power that is learned.", 2.4)


def afn_plus() -> Plan:
    plan = _powers("AFN+", "AFN beside a network on vectors of its own.", 4.2)
    own = "deep_embedding deep_embedding_numeric?"
    plan.box("own", "vectors of its own", own, "embedding", 2.7, 1, 1.5)
    plan.box("deep", "network", "deep deep_logit", "network", 2.7, 2.5, 1.5)
    plan.arrows("columns > own > deep > p")
    return plan
