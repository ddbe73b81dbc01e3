"""Taste moves within a category: what does it take to read its latest state?

The platform of the lesson: six categories of three styles, one item each, nine behaviours. Every
arm is tuned itself. At a drift of one half the next behaviour tells a category more than a style,
so the auxiliary loss is tried at a tuned weight and at its full one. Patience is long, because a
recurrence may rest on a plateau before it takes off.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level, not_worse
from experiments.engine.declaration import Experiment

SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 5e-3, 1e-2, 2e-2, 4e-2),
    "embedding_l2": (0.0, 1e-7, 1e-6, 1e-5, 1e-4),
}
WEIGHTS: dict[str, Any] = {"auxiliary_weight": (0.01, 0.03, 0.1, 0.3, 1.0)}
SCALES: dict[str, Any] = {"scale": ("raw", "length", "softmax", "batch_normalization")}
HEAD: dict[str, Any] = {"product": True, "activation": "relu", "embedding_dim": 8}
UNIT: dict[str, Any] = HEAD | {"attention_units": (16,)}
ALONE: dict[str, Any] = HEAD | {"auxiliary_weight": 0.0}

EXPERIMENT = Experiment(
    identifier="sequence.drift",
    question="Which models follow a taste that moves?",
    lens="drift",
    knobs={
        "num_rows": 16_000,
        "num_categories": 6,
        "num_styles": 3,
        "items_per_style": 1,
        "history_length": 9,
        "num_valid_rows": 4_000,
        "num_test_rows": 10_000,
    },
    headline="dien_follows_drift",
    arms=[
        Arm(name="DIN", model="din", space=SPACE | SCALES, options=UNIT),
        Arm(
            name="DIN with position",
            model="din",
            space=SPACE | SCALES,
            options=UNIT | {"recency": True},
        ),
        Arm(name="DIEN", model="dien", space=SPACE, options=ALONE),
        Arm(name="mean", model="mean", space=SPACE, options=HEAD, side=True),
        Arm(name="GRU", model="gru", space=SPACE, options=HEAD, side=True),
        Arm(
            name="DIEN with auxiliary loss",
            model="dien",
            space=SPACE | WEIGHTS,
            options=HEAD,
            side=True,
        ),
        Arm(
            name="DIEN with full auxiliary loss",
            model="dien",
            space=SPACE,
            options=HEAD | {"auxiliary_weight": 1.0},
            side=True,
            at_base_rate=True,
        ),
        Arm(
            name="DIEN with AIGRU",
            model="dien",
            space=SPACE,
            options=ALONE | {"evolution": "aigru"},
            side=True,
        ),
    ],
    contrasts=[
        better(
            "dien_follows_drift",
            "Where taste moves within a category, DIEN follows it and DIN does not.",
            "DIEN",
            "DIN",
            margin=5.0,
        ),
        better(
            "position_helps_din",
            "Told how many behaviours ago each was, DIN follows much of the drift.",
            "DIN with position",
            "DIN",
            margin=5.0,
        ),
        better(
            "dien_above_position",
            "A recurrence that the candidate steers is ahead of DIN with position.",
            "DIEN",
            "DIN with position",
            margin=5.0,
        ),
        better(
            "dien_above_gru",
            "A recurrence that the candidate steers is ahead of one that reads it at the end.",
            "DIEN",
            "GRU",
            margin=5.0,
        ),
        level(
            "sums_have_no_order",
            "Without order DIN and the mean are level.",
            "DIN",
            "mean",
            margin=6.0,
        ),
        better(
            "auxiliary_loss_costs",
            "Where the interest does not tell the next behaviour, the auxiliary loss at its full "
            "weight costs more than it gives.",
            "DIEN",
            "DIEN with full auxiliary loss",
            margin=5.0,
        ),
        not_worse(
            "tuned_weight_is_harmless",
            "With its weight tuned, too, the auxiliary loss costs nothing.",
            "DIEN with auxiliary loss",
            "DIEN",
            margin=5.0,
        ),
        better(
            "gate_above_input",
            "Attention on the gate is ahead of attention on the input.",
            "DIEN",
            "DIEN with AIGRU",
            margin=5.0,
        ),
    ],
    protocol=2,
    worlds=(120, 140),
    side_worlds=(120, 130),
    fit={"epochs": 40, "batch_size": 512, "patience": 10},
)
