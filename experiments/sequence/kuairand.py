"""Clicks on KuaiRand: do the last clicked videos tell the next one, and in which order?

Profile columns with a handful of values each are left out of all arms, for their time.
"""

from typing import Any

from experiments.arms import Arm
from experiments.contrasts import better, level
from experiments.declaration import Experiment

SPACE: dict[str, Any] = {
    "learning_rate": (3e-4, 1e-3, 3e-3, 1e-2),
    "embedding_l2": (0.0, 1e-6, 1e-5, 1e-4),
}
SCALES: dict[str, Any] = {"scale": ("raw", "length", "softmax", "batch_normalization")}
DEEP: dict[str, Any] = {"activation": "relu", "embedding_dim": 8}
HEAD: dict[str, Any] = DEEP | {"product": True, "histories": ("history",)}
KNOWN = ("user_count", "user_like_rate", "item_count", "item_like_rate")
VIDEO = ("video_id", "author_id", "video_type", "duration", "tags")
REQUEST = ("user_id", "user_active_degree", *VIDEO, "tab", "hour", *KNOWN)
READ = (*REQUEST, "history")

EXPERIMENT = Experiment(
    identifier="sequence.kuairand",
    question="On KuaiRand, which way to read the last clicked videos predicts the next click?",
    data="kuairand_pure",
    split="days",
    knobs={"max_history": 10},
    references=("logistic regression", "trees"),
    arms=[
        Arm(name="mean", model="mean", space=SPACE, options=HEAD, columns=READ),
        Arm(
            name="DIN",
            model="din",
            space=SPACE | SCALES,
            options=HEAD | {"attention_units": (16,)},
            columns=READ,
        ),
        Arm(name="GRU", model="gru", space=SPACE, options=HEAD, columns=READ),
        Arm(
            name="DIEN",
            model="dien",
            space=SPACE,
            options=HEAD | {"auxiliary_weight": 0.0},
            columns=READ,
        ),
        Arm(name="no history", model="dnn", space=SPACE, options=DEEP, columns=REQUEST),
        Arm(
            name="logistic regression",
            model="lr",
            space={
                "learning_rate": (1e-3, 3e-3, 1e-2, 3e-2),
                "linear_l2": (0.0, 1e-6, 1e-5, 1e-4),
            },
            columns=REQUEST,
        ),
        Arm(
            name="trees",
            model="experiments.estimators:trees_on_ids",
            space={
                "learning_rate": (0.03, 0.1, 0.3),
                "max_leaf_nodes": (7, 15, 31),
                "min_samples_leaf": (20, 100),
            },
            columns=REQUEST,
        ),
    ],
    contrasts=[
        better("history_helps", "The clicked videos are worth something.", "mean", "no history"),
        level("din_is_level", "DIN and the mean of the history are level.", "DIN", "mean"),
        level("gru_is_level", "GRU and the mean of the history are level.", "GRU", "mean"),
        level("dien_is_level", "DIEN and the mean of the history are level.", "DIEN", "mean"),
    ],
    fit={"epochs": 3, "batch_size": 2048, "patience": 1},
)
