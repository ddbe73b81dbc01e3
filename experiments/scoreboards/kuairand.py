"""Clicks on KuaiRand: every model of the zoo that fits, beside trees and logistic regression."""

from experiments.engine.declaration import Experiment
from experiments.scoreboards._zoo import contrasts, scoreboard
from experiments.sequence._logs import REFERENCES
from experiments.sequence.kuairand import REQUEST

EXPERIMENT = Experiment(
    identifier="scoreboards.kuairand",
    question="Which models of the book predict clicks on KuaiRand better than trees do?",
    data="kuairand_pure",
    split="days",
    knobs={"max_history": 10},
    references=REFERENCES,
    arms=scoreboard(REQUEST, ("video_id", "author_id", "tags")),
    contrasts=contrasts(),
    fit={"epochs": 12, "batch_size": 2048, "patience": 2},
    protocol=2,
)
