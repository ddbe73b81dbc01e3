"""Clicks are few and histories are long: what does the next behaviour teach?

A taste among ten styles stays for ten behaviours on average, each style has ten items, and a click
asks for the latest style. So the next behaviour and the click ask for one thing, and a history
tells it nineteen times where a row tells it once. Patience is long, because a run without the loss
rests on a plateau before it takes off.
"""

from typing import Any

from experiments.engine.arms import Arm, Sweep
from experiments.engine.contrasts import better, not_worse, trend
from experiments.engine.declaration import Experiment

SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 5e-3, 1e-2, 2e-2, 4e-2),
    "embedding_l2": (0.0, 1e-7, 1e-6, 1e-5, 1e-4),
}
WEIGHTS: dict[str, Any] = {"auxiliary_weight": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)}
HEAD: dict[str, Any] = {"product": True, "activation": "relu", "embedding_dim": 8}
FEW, MANY = 4_000, 16_000

EXPERIMENT = Experiment(
    identifier="sequence.auxiliary_loss",
    question="Where the next behaviour and the click ask for one interest, what does DIEN's "
    "auxiliary loss add?",
    lens="drift",
    knobs={
        "drift": 0.1,
        "num_categories": 1,
        "num_styles": 10,
        "items_per_style": 10,
        "categories_per_user": 1,
        "history_length": 20,
        "num_valid_rows": 4_000,
        "num_test_rows": 10_000,
    },
    sweep=Sweep("num_rows", (FEW, MANY)),
    headline="loss_helps_where_clicks_are_few",
    arms=[
        Arm(name="DIEN", model="dien", space=SPACE, options=HEAD | {"auxiliary_weight": 0.0}),
        Arm(name="DIEN with auxiliary loss", model="dien", space=SPACE | WEIGHTS, options=HEAD),
        Arm(name="GRU", model="gru", space=SPACE, options=HEAD, side=True),
    ],
    contrasts=[
        better(
            "loss_helps_where_clicks_are_few",
            "Where clicks are few and the next behaviour asks for the same interest, the auxiliary "
            "loss helps.",
            "DIEN with auxiliary loss",
            "DIEN",
            margin=5.0,
            at=FEW,
        ),
        trend(
            "clicks_replace_it",
            "The more clicks there are, the less the auxiliary loss adds.",
            "DIEN",
            "DIEN with auxiliary loss",
            margin=5.0,
        ),
        not_worse(
            "harmless_where_clicks_are_many",
            "Where clicks are many, the auxiliary loss at a tuned weight costs nothing.",
            "DIEN with auxiliary loss",
            "DIEN",
            margin=5.0,
            at=MANY,
        ),
    ],
    protocol=2,
    fit={"epochs": 60, "batch_size": 256, "patience": 10},
)
