"""One interest or several in one history: when does a model have to ask for one of them?

Vectors have eight numbers in all models but one, since the lesson's bottleneck is their width.
Every arm is tuned itself, the mean without its product, too.
"""

from typing import Any

from experiments.engine.arms import Arm, Sweep
from experiments.engine.contrasts import better, level, trend
from experiments.engine.declaration import Experiment

SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 3e-3, 1e-2, 2e-2, 4e-2),
    "embedding_l2": (0.0, 1e-7, 1e-6, 1e-5, 1e-4),
}
HEAD: dict[str, Any] = {"product": True, "activation": "relu", "embedding_dim": 8}

EXPERIMENT = Experiment(
    identifier="sequence.interests",
    question="How many interests fit into one vector, and what does a wider one change?",
    lens="interests",
    knobs={
        "num_rows": 30_000,
        "num_valid_rows": 4_000,
        "num_test_rows": 10_000,
        "items_per_topic": 3,
        "history_length": 12,
    },
    sweep=Sweep("num_interests", (1, 4)),
    headline="din_above_mean",
    arms=[
        Arm(name="mean", model="mean", space=SPACE, options=HEAD),
        Arm(
            name="DIN",
            model="din",
            space=SPACE | {"scale": ("raw", "length", "softmax", "batch_normalization")},
            options=HEAD | {"attention_units": (16,)},
        ),
        Arm(
            name="mean, 4 times as wide",
            model="mean",
            space=SPACE,
            options=HEAD | {"embedding_dim": 32},
            side=True,
        ),
        Arm(
            name="mean, no product",
            model="mean",
            space=SPACE,
            options=HEAD | {"product": False},
            side=True,
        ),
    ],
    contrasts=[
        better(
            "din_above_mean",
            "With several interests DIN finds the one that matters and the mean does not.",
            "DIN",
            "mean",
            at=4,
        ),
        level(
            "one_interest_is_level",
            "With one interest DIN and the mean are level.",
            "DIN",
            "mean",
            at=1,
        ),
        trend("lead_grows", "DIN's lead grows with the number of interests.", "DIN", "mean"),
        better(
            "width_helps_the_mean",
            "Wider vectors hold more interests.",
            "mean, 4 times as wide",
            "mean",
            at=4,
        ),
        better(
            "din_above_wide_mean",
            "DIN is ahead of a mean with vectors several times as wide.",
            "DIN",
            "mean, 4 times as wide",
            at=4,
        ),
        better(
            "product_helps_the_mean",
            "The mean needs the product with the candidate.",
            "mean",
            "mean, no product",
            at=4,
        ),
    ],
    protocol=2,
    worlds=(120, 140),
    side_worlds=(120, 130),
    fit={"epochs": 40, "batch_size": 512, "patience": 6},
)
