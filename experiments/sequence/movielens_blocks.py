"""Likes on MovieLens: does a transformer block, over a session or a history, pay?"""

from typing import Any

from experiments.arms import Arm
from experiments.contrasts import better
from experiments.declaration import Experiment

SPACE: dict[str, Any] = {
    "learning_rate": (3e-4, 1e-3, 3e-3, 1e-2),
    "embedding_l2": (0.0, 1e-6, 1e-5, 1e-4),
}
SCALES: dict[str, Any] = {"scale": ("raw", "length", "softmax", "batch_normalization")}
DEEP: dict[str, Any] = {"activation": "relu", "embedding_dim": 8}
HEAD: dict[str, Any] = DEEP | {"product": True, "histories": ("history",)}
KNOWN = ("user_count", "user_like_rate", "item_count", "item_like_rate")
REQUEST = ("user_id", "movie_id", "genres", "decade", "hour", "weekday", *KNOWN)
"""All columns but the histories."""

EXPERIMENT = Experiment(
    identifier="sequence.movielens_blocks",
    question="On MovieLens, does a transformer block read more from a history than its mean?",
    data="movielens",
    split="per_user",
    knobs={"sessions": (3, 5), "max_history": 10},
    references=("logistic regression", "trees"),
    arms=[
        Arm(name="mean", model="mean", space=SPACE, options=HEAD),
        Arm(
            name="DSIN",
            model="dsin",
            space=SPACE | SCALES,
            options=HEAD | {"histories": ("session_history",), "num_sessions": 3},
        ),
        Arm(name="BST", model="bst", space=SPACE, options=HEAD),
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
        better("mean_above_dsin", "The mean of the history is ahead of DSIN.", "mean", "DSIN"),
        better("mean_above_bst", "The mean of the history is ahead of BST.", "mean", "BST"),
    ],
    fit={"epochs": 6, "batch_size": 1024, "patience": 1},
)
