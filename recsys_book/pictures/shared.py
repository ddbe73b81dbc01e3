"""Boxes that the sketches of several chapters share."""

from recsys_book.pictures.plan import Plan

SUM = "p({task}) = sigmoid of the sum + bias"
"""Label of an output that adds up what reaches it."""


def fields(
    plan: Plan,
    label: str = "a vector for each column, $v_1 … v_F$",
    left: float = 0,
    width: float | None = None,
) -> None:
    """All columns, and above them a vector for each.

    Args:
        plan: to draw on.
        label: of the vectors.
        left: column of their left end.
        width: of the vectors; default: all that is right of ``left``.
    """
    width = plan.columns - left if width is None else width
    plan.box("columns", "columns", "*", "input", 0, 0, plan.columns)
    plan.box("fields", label, "embedding embedding_numeric?", "embedding", left, 1, width)


def features(plan: Plan) -> None:
    """The vectors of a row side by side, below all else."""
    plan.box("x", "vectors of the row, $x$", "features", "embedding", 0, 0, plan.columns)


def towers(plan: Plan, row: float, lefts: tuple[float, float], width: float) -> None:
    """For each of two tasks its tower and its output.

    Args:
        plan: to draw on.
        row: of the towers.
        lefts: columns of their left ends.
        width: of each.
    """
    for task, left in enumerate(lefts):
        tower, p = f"tower {{task{task}}}", f"p({{task{task}}})"
        plan.box(f"tower{task}", tower, f"towers[{task}]", "network", left, row, width)
        plan.box(f"p{task}", p, f"output[{task}]", "output", left, row + 1, width)
        plan.arrows(f"tower{task} > p{task}")


def experts(plan: Plan, left: float, first: str = "expert 1", last: str = "expert $K$") -> None:
    """Experts side by side in row 1: the first, what lies between, and the last.

    Args:
        plan: to draw on.
        left: column of the first one's left end.
        first, last: their labels.
    """
    parts = (("first", first, "[0]"), ("middle", "…", "[1:-1]?"), ("last", last, "[-1]"))
    for number, (key, label, part) in enumerate(parts):
        plan.box(key, label, f"experts{part}", "network", left + number, 1)
        plan.arrows(f"x > {key}")
