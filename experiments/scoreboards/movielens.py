"""Likes on MovieLens: every model of the zoo that fits, beside trees and logistic regression."""

from experiments.engine.declaration import Experiment
from experiments.scoreboards._zoo import contrasts, scoreboard
from experiments.sequence._logs import REFERENCES
from experiments.sequence.movielens import REQUEST

EXPERIMENT = Experiment(
    identifier="scoreboards.movielens",
    question="Which models of the book predict likes on MovieLens better than trees do?",
    data="movielens",
    split="per_user",
    knobs={"max_history": 10},
    references=REFERENCES,
    arms=scoreboard(REQUEST, ("genres", "decade")),
    contrasts=contrasts(),
    fit={"epochs": 20, "batch_size": 1024, "patience": 2},
    protocol=2,
)
