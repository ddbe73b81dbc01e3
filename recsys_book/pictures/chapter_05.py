"""Sketches of chapter 05: models that predict two things about one impression."""

from recsys_book.pictures.plan import Plan
from recsys_book.pictures.shared import experts, features, towers


def shared_bottom() -> Plan:
    plan = Plan("Shared-Bottom", "All tasks share one network; each adds a small tower.", 3.4)
    features(plan)
    plan.box("bottom", "shared network", "shared_bottom", "network", 0, 1, 3.4)
    towers(plan, 2, (0.2, 1.8), 1.4)
    plan.arrows("x > bottom > tower0; bottom > tower1")
    return plan


def omoe() -> Plan:
    plan = Plan("OMoE", "One gate mixes the experts for all tasks alike.", 4.4, (140, 72))
    features(plan)
    experts(plan, 0)
    plan.box("gate", "gate\nsoftmax", "gates", "gate", 3.3, 1, 1.1)
    plan.box("mixture", "$Σ_k z_k o_k$", "mixtures", "interaction", 0.6, 2, 2.6)
    towers(plan, 3, (0.2, 2.2), 1.4)
    plan.arrows("first > mixture; middle > mixture; last > mixture; x > gate > mixture")
    plan.arrows("mixture > tower0; mixture > tower1")
    return plan


def mmoe() -> Plan:
    plan = Plan("MMoE", "Each task's gate mixes the shared experts in its own way.", 5.5, (120, 74))
    features(plan)
    experts(plan, 1.25)
    for task, (left, gate) in enumerate([(0.5, 0), (3.5, 4.5)]):
        label = f"gate {{task{task}}}\nsoftmax"
        plan.box(f"gate{task}", label, f"gates[{task}]", "gate", gate, 1)
        plan.box(f"mix{task}", "$Σ_k z_k o_k$", f"mixtures[{task}]", "interaction", left, 2, 1.5)
        plan.arrows(f"x > gate{task} > mix{task} ; first > mix{task}; middle > mix{task}")
        plan.arrows(f"last > mix{task}")
    towers(plan, 3, (0.5, 3.5), 1.5)
    plan.arrows("mix0 > tower0; mix1 > tower1")
    return plan


_OWN = ((0, 0.95), (4.7, 3.75))  # where each task's gate and own experts stand
_MIXTURES = (0.3, 4.1)


def _level(
    plan: Plan, level: int, row: float, sources: tuple[str, str, str], shared_left: float = 1.9
) -> None:
    """One level of extraction: own and shared experts, the tasks' gates, and what they mix.

    ``sources`` are the boxes that the first task, the second and the shared experts read.
    """
    plan.box(
        f"shared{level}", "shared\nexperts", f"experts_{level}[g2]", "network", shared_left, row
    )
    plan.arrows(f"{sources[2]} > shared{level}")
    for task, (gate, own) in enumerate(_OWN):
        name = f"{{task{task}}}"
        places = f"experts_{level}[g{task}]", f"gates_{level}[{task}]", f"mixtures_{level}[{task}]"
        plan.box(f"own{task}{level}", f"experts\n{name}", places[0], "network", own, row, 0.9)
        plan.box(f"gate{task}{level}", f"gate\n{name}", places[1], "gate", gate, row, 0.9)
        plan.box(
            f"mix{task}{level}",
            f"mixture {name}",
            places[2],
            "interaction",
            _MIXTURES[task],
            row + 1,
            1.2,
        )
        plan.arrows(f"{sources[task]} > gate{task}{level} > mix{task}{level}")
        plan.arrows(f"{sources[task]} > own{task}{level} > mix{task}{level}")
        plan.arrows(f"shared{level} > mix{task}{level}")


def cgc() -> Plan:
    plan = Plan(
        "CGC",
        "Each task has experts of its own beside the shared ones; its gate sees "
        "both, and never another task's.",
        5.6,
        (118, 78),
    )
    features(plan)
    _level(plan, 1, 1, ("x", "x", "x"), shared_left=2.3)
    towers(plan, 3, _MIXTURES, 1.2)
    plan.arrows("mix01 > tower0; mix11 > tower1")
    return plan


def ple() -> Plan:
    plan = Plan(
        "PLE",
        "Levels of CGC. Below the last one a shared gate mixes all experts, and "
        "through it tasks meet.",
        5.6,
        (118, 80),
    )
    features(plan)
    _level(plan, 1, 1, ("x", "x", "x"))
    plan.box("gate1", "shared\ngate", "shared_gate_1", "gate", 2.85, 1, 0.85)
    plan.box("mixture", "mixture of all", "shared_mixture_1", "interaction", 2.05, 2, 1.5)
    plan.arrows("x > gate1 > mixture; own01 > mixture; shared1 > mixture; own11 > mixture")
    _level(plan, 2, 3, ("mix01", "mix11", "mixture"))
    towers(plan, 5, _MIXTURES, 1.2)
    plan.arrows("mix02 > tower0; mix12 > tower1")
    return plan


def esmm() -> Plan:
    plan = Plan(
        "ESMM",
        "The conversion is learned over all impressions, through the product with the click.",
        3.6,
    )
    features(plan)
    plan.box("click", "tower of the click", "click_tower click_tower_logit", "network", 0, 1, 1.6)
    plan.box("buy", "tower of the\nconversion", "cvr_tower cvr_tower_logit", "network", 2, 1, 1.6)
    plan.box("p0", "p({task0})", "output[0]", "output", 0, 2, 1.6)
    plan.box("after", "p({task1} | {task0})", "conversion_given_click", "output", 2, 2, 1.6)
    plan.box("p1", "p({task1}) = product of both", "output[1]", "output", 0.8, 3, 2)
    plan.arrows("x > click > p0 > p1; x > buy > after > p1")
    return plan


def aitm() -> Plan:
    plan = Plan(
        "AITM",
        "Each task hands on what it knows, and the next one weighs it against its own tower. In "
        "training a probability above the one before costs something.",
        4.4,
    )
    features(plan)
    plan.box("q1", "tower of {task0}\n$q_1$", "towers[0]", "network", 0, 1, 1.6)
    plan.box("q2", "tower of {task1}\n$q_2$", "towers[1]", "network", 2.8, 1, 1.6)
    plan.box("p1", "handed on: $p_1$", "transferred_2", "network", 0.95, 2, 1.4)
    weights = "transfer_weights transfer_weights_2"
    plan.box("w", "weights of\n$p_1$ and $q_2$", weights, "gate", 2, 3, 1.2)
    mixture = "$z_2 = w_p h_3(p_1) + w_q h_3(q_2)$"
    plan.box("z", mixture, "transfer_values information_2", "interaction", 1.6, 4, 2.8)
    plan.box("y0", "p({task0})", "logit_1 output[0]", "output", 0, 5, 1.4)
    plan.box("y1", "p({task1})", "logit_2 output[1]", "output", 2.2, 5, 1.6)
    plan.arrows("x > q1 > p1 > w > z > y1; x > q2 > w; p1 > z; q2 > z; q1 > y0")
    return plan


def stem() -> Plan:
    plan = Plan(
        "STEM",
        "Each task has tables of its own beside the shared ones. A gate sees the experts of all "
        "tasks; to its task's loss those of others are constants.",
        5.8,
        (114, 80),
    )
    plan.box("xs", "shared vectors $x_S$", "features", "embedding", 2.1, 0, 1.6)
    plan.box("shared", "shared\nexperts", "experts[g2]", "network", 2.4, 1)
    plan.arrows("xs > shared")
    for task, (x, gate, own, left) in enumerate([(0, 0, 1.1, 0.5), (4, 4.8, 3.7, 3.7)]):
        name = f"{{task{task}}}"
        label = f"vectors of {name} $x_{task + 1}$"
        plan.box(f"x{task}", label, f"features_{task + 1}", "embedding", x, 0, 1.8)
        plan.box(f"gate{task}", f"gate\n{name}", f"gates[{task}]", "gate", gate, 1)
        plan.box(f"own{task}", f"experts\n{name}", f"experts[g{task}]", "network", own, 1)
        label = "$Σ_k z_k o_k$"
        plan.box(f"mix{task}", label, f"mixtures[{task}]", "interaction", left, 2, 1.6)
        plan.arrows(f"x{task} > gate{task} > mix{task}; xs > gate{task}; x{task} > own{task}")
        plan.arrows(f"shared > mix{task}")
    plan.arrows("own0 > mix0; own0 > mix1; own1 > mix0; own1 > mix1")
    towers(plan, 3, (0.5, 3.7), 1.6)
    plan.arrows("mix0 > tower0; mix1 > tower1")
    return plan
