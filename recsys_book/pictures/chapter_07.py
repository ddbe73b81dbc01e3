"""The sketch of chapter 07: a ranker made of the parts of the book."""

from recsys_book.pictures.plan import Plan


def ranker() -> Plan:
    plan = Plan(
        "ranker",
        "The parts of the book in one model: interest (DIN), a gate of the "
        "scenario (EPNet), experts (MMoE), and the product with the click (ESMM).",
        5.6,
        (118, 74),
    )
    plan.box("s", "{scenario}", "KnownScenarios", "input", 0, 0, 0.9)
    plan.box("behaviours", "behaviours", "behaviours", "embedding", 1, 0, 1.2)
    plan.box("candidate", "candidate", "candidate", "embedding", 2.9, 0, 1.1)
    plan.box("rest", "other columns", "*", "input", 4.3, 0, 1.3)
    plan.box("unit", "activation unit", "history_weights", "gate", 1.6, 0.9, 1.4)
    plan.box("interest", "interest", "interest", "interaction", 1, 1.8, 1.2)
    plan.box("x", "features", "features", "embedding", 1, 2.7, 4.6)
    plan.box("gate", "gate $z_0$", "scenario_gate", "gate", 0, 3.5, 0.9)
    plan.box("gated", "gate ∘ features", "gated_features", "interaction", 1, 4.3, 4.6)
    plan.box("experts", "experts", "experts", "network", 2.3, 5.2, 2)
    for task, (left, gate) in enumerate([(0.9, 1), (4.0, 4.6)]):
        plan.box(f"gate{task}", "gate", f"gates[{task}]", "gate", gate, 5.2, 1)
        plan.box(f"mix{task}", "mixture", f"mixtures[{task}]", "interaction", left + 0.1, 6.1, 1.5)
        plan.box(f"tower{task}", "tower", f"towers[{task}]", "network", left + 0.1, 7, 1.5)
        plan.arrows(f"gated > gate{task} > mix{task} > tower{task}; experts > mix{task}")
    plan.box("p0", "p({task0})", "output[0]", "output", 1, 7.9, 1.5)
    plan.box("after", "p({task1} | {task0})", "conversion_given_click", "output", 3.6, 7.9, 2)
    plan.box("p1", "p({task1}) = product", "output[1]", "output", 2, 8.8, 2)
    plan.arrows("behaviours > unit > interest > x > gated; behaviours > interest; candidate > unit")
    plan.arrows("candidate > x; rest > x; s > gate > gated; x > gate; gated > experts")
    plan.arrows("tower0 > p0 > p1; tower1 > after > p1")
    return plan
