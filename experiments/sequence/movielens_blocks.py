"""Likes on MovieLens: does a transformer block, over a session or a history, pay?"""

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better
from experiments.engine.declaration import Experiment
from experiments.sequence._logs import HEAD, KNOWN, REFERENCES, SCALES, SPACE, references

REQUEST = ("user_id", "movie_id", "genres", "decade", "hour", "weekday", *KNOWN)
"""All columns but the histories."""

EXPERIMENT = Experiment(
    identifier="sequence.movielens_blocks",
    question="On MovieLens, does a transformer block read more from a history than its mean?",
    data="movielens",
    split="per_user",
    knobs={"sessions": (3, 5), "max_history": 10},
    references=REFERENCES,
    arms=[
        Arm(name="mean", model="mean", space=SPACE, options=HEAD),
        Arm(
            name="DSIN",
            model="dsin",
            space=SPACE | SCALES,
            options=HEAD | {"histories": ("session_history",), "num_sessions": 3},
        ),
        Arm(name="BST", model="bst", space=SPACE, options=HEAD),
        *references(REQUEST),
    ],
    contrasts=[
        better("mean_above_dsin", "The mean of the history is ahead of DSIN.", "mean", "DSIN"),
        better("mean_above_bst", "The mean of the history is ahead of BST.", "mean", "BST"),
    ],
    fit={"epochs": 6, "batch_size": 1024, "patience": 1},
)
