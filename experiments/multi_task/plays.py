"""Three tasks, one of which has a label on plays only: what of PLE's training pays?"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level, not_worse
from experiments.engine.declaration import Experiment
from experiments.multi_task._tasks import BOTTOM, EXPERTS, FIT, OWN, SPACE, tuned

KINDS = {"click": "binary", "like": "binary", "watch": "regression"}
THREE: dict[str, Any] = {"tasks": KINDS}
UNEQUAL: dict[str, Any] = {
    "num_task_experts": {"click": 1, "like": 2, "watch": 1},
    "num_shared_experts": 1,
}

EXPERIMENT = Experiment(
    identifier="multi_task.plays",
    question="With watch time known of plays only, what do levels, decay and unequal experts add?",
    lens="task_tastes",
    headline="own_experts_help_the_watch_time",
    arms=[
        tuned("Shared-Bottom", "shared_bottom", BOTTOM | THREE),
        tuned("CGC", "cgc", OWN | THREE),
        tuned("PLE", "ple", OWN | THREE),
        tuned("PLE, unequal experts", "ple", EXPERTS | UNEQUAL | THREE, side=True),
        Arm(
            name="PLE, decaying weights",
            model="experiments.multi_task._decaying:ple",
            space=SPACE | {"decay": (0.5, 0.7, 0.85, 0.95, 1.0)},
            options=OWN | THREE,
            side=True,
        ),
        tuned(
            "watch alone",
            "shared_bottom",
            BOTTOM | {"tasks": {"watch": "regression"}},
            side=True,
        ),
    ],
    contrasts=[
        better(
            "own_experts_help_the_watch_time",
            "Own experts help the watch time more than one bottom.",
            "CGC",
            "Shared-Bottom",
            task="watch",
            measure="mean_squared_error",
        ),
        better(
            "company_helps_the_watch_time",
            "Watch time, known of plays only, gains by company where half of the taste is shared.",
            "Shared-Bottom",
            "watch alone",
            task="watch",
            measure="mean_squared_error",
        ),
        level(
            "a_second_level_adds_nothing",
            "Two levels of extraction are level with one.",
            "PLE",
            "CGC",
            task="like",
        ),
        not_worse(
            "equal_experts_are_enough",
            "Equal experts are not behind one more for the like.",
            "PLE",
            "PLE, unequal experts",
            task="like",
        ),
        not_worse(
            "decay_adds_nothing",
            "Constant weights are not behind a click whose weight decays.",
            "PLE",
            "PLE, decaying weights",
            task="like",
        ),
        not_worse(
            "decay_adds_nothing_to_watch_time",
            "Constant weights are not behind a decaying one for the watch time.",
            "PLE",
            "PLE, decaying weights",
            task="watch",
            measure="mean_squared_error",
        ),
    ],
    worlds=(120, 140),
    side_worlds=(120, 130),
    fit=FIT,
    protocol=2,
)
