"""Sketches of chapter 05: models that predict several things about one impression."""

from recsys_lib.book.diagrams.plan import Plan


def _towers(plan: Plan, row: float, lefts: tuple[float, float], width: float, places: str) -> None:
    """For each of two tasks its tower, which reads the box ``mix0`` or ``mix1``, and output."""
    for task, left in enumerate(lefts):
        plan.box(
            f"tower{task}",
            f"tower {{task{task}}}",
            f"{places}[{task}]",
            "network",
            left,
            row,
            width,
        )
        plan.box(
            f"p{task}", f"p({{task{task}}})", f"output[{task}]", "output", left, row + 1, width
        )
        plan.arrows(f"tower{task} > p{task}")


def mmoe() -> Plan:
    plan = Plan("MMoE", "Each task's gate mixes the shared experts in its own way.", 5.5, (120, 74))
    plan.box("x", "features $x$", "features", "embedding", 0, 0, width=5.5)
    plan.box("first", "expert 1", "experts[0]", "network", 1.25, 1)
    plan.box("middle", "…", "experts[1:-1]", "network", 2.25, 1)
    plan.box("last", "expert $K$", "experts[-1]", "network", 3.25, 1)
    for task, (left, gate) in enumerate([(0.5, 0), (3.5, 4.5)]):
        plan.box(f"gate{task}", f"gate {{task{task}}}\nsoftmax", f"gates[{task}]", "gate", gate, 1)
        plan.box(f"mix{task}", "$Σ_k g_k e_k$", f"mixtures[{task}]", "interaction", left, 2, 1.5)
        plan.arrows(f"x > gate{task} > mix{task}")
        plan.arrows("; ".join(f"{expert} > mix{task}" for expert in ("first", "middle", "last")))
    plan.arrows("x > first; x > middle; x > last")
    _towers(plan, 3, (0.5, 3.5), 1.5, "towers")
    plan.arrows("mix0 > tower0; mix1 > tower1")
    return plan
