"""Sketches of chapter 01: what memorizes, what generalizes, and both together."""

from recsys_book.pictures.plan import Plan
from recsys_book.pictures.shared import SUM


def _wide_side(plan: Plan, width: float) -> None:
    plan.box(
        "linear",
        "weights of ids\nand numbers",
        "wide_linear wide_linear_numeric?",
        "embedding",
        0,
        1,
        width,
    )
    plan.box(
        "cross", "weights of pairs\nof ids, $φ(x)$", "wide_cross", "interaction", width, 1, width
    )
    plan.arrows("columns > linear > p; columns > cross > p; numbers > linear")


def _deep_side(plan: Plan, x: float, width: float) -> None:
    plan.box("embedding", "vectors of ids", "deep_embedding", "embedding", x, 1, width * 0.65)
    plan.box("deep", "network", "deep_all deep_all_logit", "network", x, 2, width)
    plan.arrows("columns > embedding > deep > p; numbers > deep")


def wide() -> Plan:
    plan = Plan("wide", "Weights of single ids and of pairs of ids: it memorizes.", 3)
    plan.box("columns", "columns of ids", "*", "input", 1, 0, 2)
    plan.box("numbers", "numbers", "*numbers", "input", 0, 0, 0.9)
    plan.box("p", SUM, "output", "output", 0, 2, 3)
    _wide_side(plan, 1.5)
    return plan


def dnn() -> Plan:
    plan = Plan("DNN", "A network over vectors: it generalizes.", 3)
    plan.box("columns", "columns of ids", "*", "input", 0, 0, 1.95)
    plan.box("numbers", "numbers", "*numbers", "input", 2.05, 0, 0.95)
    plan.box("p", "p({task})", "output", "output", 0, 3, 3)
    _deep_side(plan, 0, 3)
    return plan


def wide_and_deep() -> Plan:
    plan = Plan(
        "Wide & Deep",
        "One loss trains both sides: the wide one memorizes pairs, the deep one generalizes.",
        4.4,
    )
    plan.box("columns", "columns of ids", "*", "input", 0.6, 0, 3)
    plan.box("numbers", "numbers", "*numbers", "input", 3.7, 0, 0.7)
    plan.box("p", SUM, "output", "output", 0, 3, 4.4)
    _wide_side(plan, 1.05)
    _deep_side(plan, 2.25, 2.15)
    return plan
