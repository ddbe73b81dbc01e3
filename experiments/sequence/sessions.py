"""Behaviour comes in sittings: does a model have to know where one ends?

The platform of the lesson: ten topics of five items, four sessions of one to six behaviours.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level
from experiments.engine.declaration import Experiment

SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 5e-3, 1e-2, 2e-2),
    "embedding_l2": (0.0, 1e-6, 1e-5),
}
SCALES: dict[str, Any] = {"scale": ("raw", "length", "softmax", "batch_normalization")}
HEAD: dict[str, Any] = {
    "product": True,
    "activation": "relu",
    "embedding_dim": 8,
    "histories": ("history",),
}
UNIT: dict[str, Any] = HEAD | {"attention_units": (16,)}

EXPERIMENT = Experiment(
    identifier="sequence.sessions",
    question="Where only the current session counts, who has to be told where it begins?",
    lens="sessions",
    knobs={
        "num_rows": 20_000,
        "num_topics": 10,
        "items_per_topic": 5,
        "num_valid_rows": 4_000,
        "num_test_rows": 10_000,
    },
    headline="sessions_beat_items",
    arms=[
        Arm(
            name="DSIN",
            model="dsin",
            space=SPACE | SCALES,
            options=HEAD | {"histories": ("session_history",), "num_sessions": 4},
        ),
        Arm(name="DIN", model="din", space=SPACE | SCALES, options=UNIT),
        Arm(
            name="DIN with session",
            model="din",
            space=SPACE | SCALES,
            options=UNIT | {"step_context": ("history_session",)},
        ),
        Arm(
            name="DIN with position",
            model="din",
            space=SPACE | SCALES,
            options=UNIT | {"recency": True},
            side=True,
        ),
    ],
    contrasts=[
        better(
            "sessions_beat_items",
            "Where only the current session counts, DSIN reads it and DIN does not.",
            "DSIN",
            "DIN",
            margin=3.0,
        ),
        level(
            "session_number_is_equal",
            "DIN with each behaviour's session number beside it is level with DSIN.",
            "DIN with session",
            "DSIN",
            margin=3.0,
        ),
        better(
            "order_goes_far",
            "Order alone gives much of the current session away.",
            "DIN with position",
            "DIN",
            margin=3.0,
        ),
        better(
            "borders_add",
            "Knowing the borders is worth more than knowing the order.",
            "DIN with session",
            "DIN with position",
            margin=3.0,
        ),
    ],
    fit={"epochs": 9, "batch_size": 512, "patience": 3},
)
