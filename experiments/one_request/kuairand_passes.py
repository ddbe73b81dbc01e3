"""KuaiRand's fourteen days: is the warm start behind because it reads each row less often?

In ``one_request.kuairand_days`` four passes were chosen for the fresh start on all days, and two
for the warm start, over its first four days and over each later one. Here both go through their
rows twice, four times and eight times, with rates and penalties tuned for each of the six. So each
policy also reads as often as was chosen for the other, and the former choices lie inside the
spaces. A fresh start's pass is over all rows up to the evening, a warm start's over the new day's.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level, not_worse
from experiments.engine.declaration import Experiment
from experiments.one_request.kuairand_days import FIXED, POLICY, READ
from experiments.sequence._logs import both

SPACE: dict[str, Any] = {
    "learning_rate": (3e-4, 1e-3, 3e-3, 6e-3, 1e-2),
    "embedding_l2": (0.0, 1e-6, 1e-5, 1e-4, 1e-3),
}
DAILY: dict[str, Any] = {"daily_rate": (0.1, 0.3, 1.0, 2.0, 3.0)}
PASSES = {"two": 2, "four": 4, "eight": 8}


def fresh(passes: str) -> Arm:
    """Every evening a new model of all days, which reads each row so often."""
    options = FIXED | {"policy": "fresh", "window": None, "epochs": PASSES[passes]}
    return Arm(
        name=f"fresh, {passes} passes",
        model=POLICY,
        space=SPACE,
        columns=READ,
        options=options,
    )


def warm(passes: str) -> Arm:
    """A model of four days that trains on each evening, and reads each row so often in all."""
    often = {"epochs": PASSES[passes], "daily_epochs": PASSES[passes]}
    return Arm(
        name=f"warm, {passes} passes",
        model=POLICY,
        space=SPACE | DAILY,
        columns=READ,
        options=FIXED | {"policy": "warm", "warm_up": 4} | often,
    )


EXPERIMENT = Experiment(
    identifier="one_request.kuairand_passes",
    question="On KuaiRand, is a warm start behind because it reads its rows less often?",
    data="kuairand_pure",
    split="days",
    knobs={"columns": READ, "new_ids": True, "gap": "1d", "surface": "day"},
    arms=[*(fresh(passes) for passes in PASSES), *(warm(passes) for passes in PASSES)],
    contrasts=[
        *both(
            better,
            "fresh_leads_as_before",
            "A fresh start of four passes is ahead of a warm start of two passes.",
            "fresh, four passes",
            "warm, two passes",
        ),
        *both(
            not_worse,
            "as_often_as_fresh",
            "A warm start that reads each day as often as the fresh start is not behind it.",
            "warm, four passes",
            "fresh, four passes",
        ),
        *both(
            better,
            "fresh_leads_with_two",
            "A fresh start that reads its rows as often as the warm start is ahead of it.",
            "fresh, two passes",
            "warm, two passes",
        ),
        *both(
            better,
            "passes_help_warm",
            "A warm start of four passes is ahead of one of two.",
            "warm, four passes",
            "warm, two passes",
        ),
        *both(
            better,
            "passes_help_fresh",
            "A fresh start of four passes is ahead of one of two.",
            "fresh, four passes",
            "fresh, two passes",
        ),
        *both(
            level,
            "four_are_enough_for_fresh",
            "A fresh start of eight passes is level with one of four.",
            "fresh, eight passes",
            "fresh, four passes",
        ),
        *both(
            level,
            "four_are_enough_for_warm",
            "A warm start of eight passes is level with one of four.",
            "warm, eight passes",
            "warm, four passes",
        ),
    ],
    protocol=2,
)
