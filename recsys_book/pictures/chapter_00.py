"""The sketch of chapter 00: the model that every other one has to beat."""

from recsys_book.pictures.plan import Plan
from recsys_book.pictures.shared import SUM


def lr() -> Plan:
    plan = Plan("LR", "Logistic regression: one weight for each value of a column, added up.", 3)
    plan.box("columns", "columns of ids", "*", "input", 0, 0, 1.6)
    plan.box("numbers", "numbers", "*numbers", "input", 1.7, 0, 1.3)
    plan.box("linear", "a weight for each id, $w_i$", "linear", "embedding", 0, 1, 1.6)
    plan.box("weights", "a weight for each", "linear_numeric?", "embedding", 1.7, 1, 1.3)
    plan.box("p", SUM, "output", "output", 0, 2, 3)
    plan.arrows("columns > linear > p; numbers > weights > p")
    return plan
