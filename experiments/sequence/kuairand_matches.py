"""Clicks on KuaiRand: is a network that reads the history ahead of trees that are told matches?

Trees cannot read a list of ids. Somebody counts for them how many of the last ten clicked videos
are the candidate, are of its author, or share a tag with it.
"""

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better
from experiments.engine.declaration import Experiment
from experiments.sequence._logs import HEAD, WIDER_TREES, references
from experiments.sequence.kuairand import READ, REQUEST
from experiments.sequence.movielens_long import SPACE, both

EXPERIMENT = Experiment(
    identifier="sequence.kuairand_matches",
    question="On KuaiRand, is the mean of the history ahead of trees that are told its matches?",
    data="kuairand_pure",
    split="days",
    knobs={"max_history": 10},
    references=("trees",),
    arms=[
        Arm(name="mean", model="mean", space=SPACE, options=HEAD, columns=READ),
        Arm(
            name="trees, match counts",
            model="experiments.sequence._matches:trees_with_matches",
            space=WIDER_TREES,
            options={"matches": ("video_id", "author_id", "tags")},
            columns=READ,
        ),
        *[one for one in references(REQUEST, trees=WIDER_TREES) if one.name == "trees"],
    ],
    contrasts=[
        *both(
            better,
            "matches_help_trees",
            "Match counts make trees better.",
            "trees, match counts",
            "trees",
        ),
        *both(
            better,
            "mean_above_told_trees",
            "The mean of the history is ahead of trees with match counts.",
            "mean",
            "trees, match counts",
        ),
    ],
    fit={"epochs": 8, "batch_size": 2048, "patience": 2},
    protocol=2,
)
