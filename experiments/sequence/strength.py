"""How often is the question, not whether: which scale of DIN's sum can tell?

At 0 a history ends where the plays end, at 1 it is filled up to a fixed length.
"""

from typing import Any

from experiments.engine.arms import Arm, Sweep
from experiments.engine.contrasts import better, level
from experiments.engine.declaration import Experiment

SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 3e-3, 1e-2, 2e-2),
    "embedding_l2": (0.0, 1e-6, 1e-5),
}
HEAD: dict[str, Any] = {"product": True, "activation": "relu", "embedding_dim": 8}
UNIT: dict[str, Any] = HEAD | {"attention_units": (16,)}

EXPERIMENT = Experiment(
    identifier="sequence.strength",
    question="Where the number of matching behaviours counts, which scale of the sum keeps it?",
    lens="experiments.sequence._plays:plays",
    sweep=Sweep("filled", (0.0, 1.0)),
    arms=[
        Arm(name="DIN, raw", model="din", space=SPACE, options=UNIT | {"scale": "raw"}),
        Arm(name="DIN, softmax", model="din", space=SPACE, options=UNIT | {"scale": "softmax"}),
        Arm(
            name="DIN, length",
            model="din",
            space=SPACE,
            options=UNIT | {"scale": "length"},
            side=True,
        ),
        Arm(name="mean", model="mean", space=SPACE, options=HEAD, side=True),
        Arm(name="sum", model="mean", space=SPACE, options=HEAD | {"scale": "raw"}, side=True),
    ],
    contrasts=[
        better(
            "strength_needs_the_sum",
            "In histories of open length DIN's raw sum tells how often, its softmax does not.",
            "DIN, raw",
            "DIN, softmax",
            part="match",
            at=0.0,
        ),
        level(
            "length_is_blind_too",
            "In histories of open length a sum divided by the length knows no more than softmax.",
            "DIN, length",
            "DIN, softmax",
            part="match",
            margin=4.0,
            at=0.0,
        ),
        better(
            "sum_keeps_strength_too",
            "In histories of open length the plain sum tells how often, the mean does not.",
            "sum",
            "mean",
            part="match",
            at=0.0,
        ),
        level(
            "share_is_readable",
            "In histories of a fixed length softmax is level with the raw sum.",
            "DIN, softmax",
            "DIN, raw",
            part="match",
            margin=3.0,
            at=1.0,
        ),
    ],
    fit={"epochs": 12, "batch_size": 512, "patience": 4},
)
