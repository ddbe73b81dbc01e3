"""Clicks on KuaiRand: every model of the zoo that fits, beside trees and logistic regression."""

from experiments.contrasts import better, level
from experiments.declaration import Experiment
from experiments.scoreboards._zoo import scoreboard
from experiments.sequence._logs import REFERENCES
from experiments.sequence.kuairand import REQUEST

EXPERIMENT = Experiment(
    identifier="scoreboards.kuairand",
    question="Which models of the book predict clicks on KuaiRand better than trees do?",
    data="kuairand_pure",
    split="days",
    knobs={"max_history": 10},
    references=REFERENCES,
    arms=scoreboard(REQUEST),
    contrasts=[
        better("fm_above_trees", "FM is ahead of trees.", "FM", "trees"),
        better("deepfm_above_trees", "DeepFM is ahead of trees.", "DeepFM", "trees"),
        better("mean_above_trees", "The mean of the history is ahead of trees.", "mean", "trees"),
        level("crosses_are_level", "DCN of matrices and DeepFM are level.", "DCN-V2", "DeepFM"),
        level("fm_is_level", "FM and DeepFM are level.", "FM", "DeepFM"),
        better("history_helps", "The history is worth something.", "mean", "DNN"),
    ],
    fit={"epochs": 3, "batch_size": 2048, "patience": 1},
)
