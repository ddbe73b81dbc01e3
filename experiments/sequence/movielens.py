"""Likes on MovieLens: does it pay to read a history in a richer way than its mean?"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level
from experiments.engine.declaration import Experiment
from experiments.sequence._logs import DEEP, HEAD, KNOWN, REFERENCES, SCALES, SPACE, references

UNIT: dict[str, Any] = HEAD | {"attention_units": (16,)}
REQUEST = ("user_id", "movie_id", "genres", "decade", "hour", "weekday", *KNOWN)
"""All columns but the histories."""

EXPERIMENT = Experiment(
    identifier="sequence.movielens",
    question="On MovieLens, which way to read the films that somebody liked predicts the next one?",
    data="movielens",
    split="per_user",
    knobs={"max_history": 10},
    references=REFERENCES,
    arms=[
        Arm(name="mean", model="mean", space=SPACE, options=HEAD),
        Arm(name="DIN", model="din", space=SPACE | SCALES, options=UNIT),
        Arm(name="DIN, raw", model="din", space=SPACE, options=UNIT | {"scale": "raw"}),
        Arm(name="GRU", model="gru", space=SPACE, options=HEAD),
        Arm(name="DIEN", model="dien", space=SPACE, options=HEAD | {"auxiliary_weight": 0.0}),
        Arm(name="no history", model="dnn", space=SPACE, options=DEEP, columns=REQUEST),
        *references(REQUEST),
    ],
    contrasts=[
        level("din_is_level", "DIN and the mean of the history are level.", "DIN", "mean"),
        level("gru_is_level", "GRU and the mean of the history are level.", "GRU", "mean"),
        level("dien_is_level", "DIEN and the mean of the history are level.", "DIEN", "mean"),
        better("scale_helps_din", "DIN's raw sum is behind a scaled one.", "DIN", "DIN, raw"),
        better("history_helps", "The history is worth something.", "mean", "no history"),
    ],
    fit={"epochs": 6, "batch_size": 1024, "patience": 1},
)
