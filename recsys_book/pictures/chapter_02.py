"""Sketches of chapter 02: models that cross features in pairs."""

from recsys_book.pictures.plan import Plan
from recsys_book.pictures.shared import SUM, fields


def _fields(title: str, description: str, top: float, linear: bool = True) -> Plan:
    """Columns, one vector for each of them, their weights beside them, and the output."""
    plan = Plan(title, description, 4.2)
    fields(plan, left=1.2 if linear else 0)
    plan.box("p", SUM if linear else "p({task})", "output", "output", 0, top, 4.2)
    plan.arrows("columns > fields")
    if linear:
        plan.box("linear", "weights\n$Σ_i w_i$", "linear linear_numeric?", "embedding", 0, 1, 1.1)
        plan.arrows("columns > linear > p")
    return plan


def polynomial() -> Plan:
    plan = Plan(
        "polynomial", "A weight of its own for each pair of ids: most pairs are never seen."
    )
    plan.box("columns", "columns", "*", "input", 0, 0, 4)
    plan.box(
        "linear",
        "weights\n$Σ_i w_i$",
        "wide_linear wide_linear_numeric?",
        "embedding",
        0,
        1,
        1.2,
    )
    plan.box(
        "cross",
        "a weight for each pair of ids\n$Σ_{i<i'} w_{ii'}$",
        "wide_cross",
        "interaction",
        1.5,
        1,
        2.5,
    )
    plan.box("p", SUM, "output", "output", 0, 2, 4)
    plan.arrows("columns > linear > p; columns > cross > p")
    return plan


def fm() -> Plan:
    plan = _fields(
        "FM", "A pair's weight is the product of two vectors, so pairs share what they learn.", 3
    )
    plan.box(
        "fm",
        "inner products of all pairs\nof the row's vectors, added up",
        "fm",
        "interaction",
        1.7,
        2,
        2.1,
    )
    plan.arrows("fields > fm > p")
    return plan


def fwfm() -> Plan:
    plan = _fields("FwFM", "As FM, with a learned strength for each pair of columns.", 4)
    plan.box(
        "products",
        "products of all pairs\n$⟨v_i, v_{i'}⟩$",
        "fwfm_products",
        "interaction",
        1.7,
        2,
        2.1,
    )
    plan.box(
        "weights",
        "a strength for each pair\n$Σ_{i<i'} r_{ii'} ⟨v_i, v_{i'}⟩$",
        "fwfm_pairs",
        "gate",
        1.7,
        3,
        2.1,
    )
    plan.arrows("fields > products > weights > p")
    return plan


def afm() -> Plan:
    plan = _fields("AFM", "A small network decides, row by row, how much each pair counts.", 5)
    plan.box("pairs", "all pairs\n$v_i ∘ v_{i'}$", "afm_pairs", "interaction", 1.3, 2, 1.4)
    plan.box("attention", "attention\nsoftmax over pairs", "afm_attention", "gate", 2.7, 3, 1.5)
    plan.box(
        "pooled",
        "weighted sum of pairs\n$Σ a_{ii'} (v_i ∘ v_{i'})$",
        "afm_pooled afm_logit",
        "interaction",
        1.3,
        4,
        2.2,
    )
    plan.arrows("fields > pairs > pooled > p; pairs > attention > pooled")
    return plan


def nfm() -> Plan:
    plan = _fields("NFM", "The sum of all pairs stays a vector, and a network reads it.", 4)
    plan.box(
        "pairs",
        "bi-interaction\n$Σ_{i<i'} v_i ∘ v_{i'}$",
        "bi_interaction nfm_normalization?",
        "interaction",
        1.7,
        2,
        2.1,
    )
    plan.box("deep", "network", "nfm_hidden? nfm_logit", "network", 1.7, 3, 2.1)
    plan.arrows("fields > pairs > deep > p")
    return plan


def _pnn(title: str, description: str) -> Plan:
    plan = _fields(title, description, 5, linear=False)
    plan.box("z", "linear signal $l_z$", "linear_signal", "network", 0, 2, 1.3)
    plan.box(
        "inner",
        "inner products $l_p$\n$‖Σ_i θ_i v_i‖^2$",
        "inner_signal?",
        "interaction",
        1.4,
        2,
        1.4,
    )
    plan.box(
        "outer",
        "outer product $l_p$\nof $Σ_i v_i$ with itself",
        "outer_signal?",
        "interaction",
        2.8,
        2,
        1.4,
    )
    plan.box("sum", "ReLU of the sum of the signals", "product_layer", "network", 0, 3, 4.2)
    plan.box("deep", "network", "deep deep_logit", "network", 0, 4, 4.2)
    plan.arrows("fields > z > sum > deep > p; fields > inner > sum; fields > outer > sum")
    return plan


def ipnn() -> Plan:
    return _pnn("IPNN", "The first layer of the network adds inner products of the vectors.")


def opnn() -> Plan:
    return _pnn("OPNN", "The first layer of the network adds the outer product of their sum.")


def pnn() -> Plan:
    return _pnn("PNN", "The first layer of the network adds products of the vectors.")


def _fibinet(title: str, matrix: str) -> Plan:
    plan = _fields(
        title,
        "Vectors are weighed by SENET; bilinear products read them weighed and as they are.",
        5.6,
    )
    plan.box("senet", "SENET weights\n$z_1 … z_F$", "senet_weights", "gate", 3, 2, 1.2)
    plan.box("weighed", "$z_i v_i$", "senet_fields", "interaction", 2.5, 3, 1.3)
    plan.box(
        "original",
        f"bilinear\n$(v_i {matrix}) ∘ v_{{i'}}$",
        "bilinear_original",
        "interaction",
        1.2,
        3,
        1.2,
    )
    plan.box("bilinear", "bilinear, own $W'$", "bilinear_senet", "interaction", 2.5, 3.85, 1.3)
    plan.box("deep", "network", "deep deep_logit", "network", 1.2, 4.7, 3)
    plan.arrows("fields > original > deep > p; fields > senet > weighed > bilinear > deep")
    plan.arrows("fields > weighed")
    return plan


def fibinet_all() -> Plan:
    return _fibinet("FiBiNET, all", "W")


def fibinet_each() -> Plan:
    return _fibinet("FiBiNET, each", "W_i")


def fibinet() -> Plan:
    return _fibinet("FiBiNET", "W_{ii'}")


def deepfm() -> Plan:
    plan = _fields("DeepFM", "One table of vectors feeds the pairs and the network.", 3)
    plan.box("fm", "all pairs\n$Σ_{i<i'} ⟨v_i, v_{i'}⟩$", "fm", "interaction", 1.2, 2, 1.4)
    plan.box("deep", "network", "deep deep_logit", "network", 2.8, 2, 1.4)
    plan.arrows("fields > fm > p; fields > deep > p")
    return plan


def fmfm() -> Plan:
    plan = _fields("FmFM", "As FM, with a learned matrix for each pair of columns.", 3)
    plan.box(
        "pairs",
        "products through a matrix a pair\n$Σ_{i<i'} ⟨v_i W_{ii'}, v_{i'}⟩$",
        "fmfm_pairs",
        "interaction",
        1.5,
        2,
        2.4,
    )
    plan.arrows("fields > pairs > p")
    return plan


def ffm() -> Plan:
    plan = _fields("FFM", "Each id has a vector for each other column.", 3)
    plan.box(
        "pairs",
        "products of the pair's own vectors\n$Σ_{i<i'} ⟨v_{i,i'}, v_{i',i}⟩$",
        "ffm_pairs",
        "interaction",
        1.5,
        2,
        2.4,
    )
    plan.arrows("fields > pairs > p")
    return plan
