"""Half of the reason to click is a topic to ask for, half a price level that all behaviours tell.

At a share of 0 the topic alone decides, at 1 the price alone. Vectors have eight numbers in all
models, as in ``sequence.interests``.
"""

from typing import Any

from experiments.engine.arms import Arm, Sweep
from experiments.engine.contrasts import better, level, trend
from experiments.engine.declaration import Experiment

SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 2e-3, 5e-3, 1e-2, 2e-2),
    "embedding_l2": (0.0, 1e-7, 1e-6, 1e-5, 1e-4),
}
SCALES: dict[str, Any] = {"scale": ("raw", "length", "softmax", "batch_normalization")}
HEAD: dict[str, Any] = {"product": True, "activation": "relu", "embedding_dim": 8}
UNIT: dict[str, Any] = HEAD | {"attention_units": (16,)}
TOPIC, ALIKE, MOSTLY_PRICE, PRICE = 0.0, 0.5, 0.75, 1.0

EXPERIMENT = Experiment(
    identifier="sequence.mixed",
    question="When does it stop to pay that the candidate asks the history?",
    lens="topic_and_price",
    knobs={
        "num_rows": 30_000,
        "num_valid_rows": 4_000,
        "num_test_rows": 10_000,
        "items_per_price": 2,
    },
    sweep=Sweep(
        "share",
        (TOPIC, ALIKE, MOSTLY_PRICE, PRICE),
        tune_at=(TOPIC, ALIKE, PRICE),
    ),
    headline="asking_pays_for_half",
    arms=[
        Arm(name="mean", model="mean", space=SPACE, options=HEAD),
        Arm(name="DIN", model="din", space=SPACE | SCALES, options=UNIT),
        Arm(
            name="DIN and mean",
            model="experiments.sequence._both:din_and_mean",
            space=SPACE | SCALES,
            options=UNIT,
        ),
        Arm(
            name="DIN, raw",
            model="din",
            space=SPACE,
            options=UNIT | {"scale": "raw"},
            side=True,
        ),
    ],
    contrasts=[
        better(
            "asking_pays_for_half",
            "Where topic and price decide alike, DIN is ahead of the mean.",
            "DIN",
            "mean",
            margin=3.0,
            at=ALIKE,
        ),
        level(
            "asking_stops_to_pay",
            "Where the price makes most of the difference, DIN and the mean are level.",
            "DIN",
            "mean",
            margin=3.0,
            at=MOSTLY_PRICE,
        ),
        level(
            "price_needs_no_asking",
            "Where the price alone decides, DIN and the mean are level.",
            "DIN",
            "mean",
            margin=3.0,
            at=PRICE,
        ),
        trend("lead_shrinks", "The more the price decides, the less DIN leads.", "mean", "DIN"),
        better(
            "mean_beside_helps",
            "Where topic and price decide alike, the mean beside DIN's interest tells it more.",
            "DIN and mean",
            "DIN",
            margin=3.0,
            at=ALIKE,
        ),
        better(
            "scale_matters",
            "Where topic and price decide alike, DIN with a tuned scale is ahead of its raw sum.",
            "DIN",
            "DIN, raw",
            margin=6.0,
            at=ALIKE,
        ),
    ],
    fit={"epochs": 40, "batch_size": 512, "patience": 3},
    protocol=2,
)
