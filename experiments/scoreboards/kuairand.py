"""Clicks on KuaiRand: every model of the zoo that fits, beside trees and logistic regression.

All are trained on rows, with the prior for ids, the days of validation and the still users of
``one_request.kuairand_order``, and are judged, stopped and chosen by the order of a user's rows.
The board asks what a lesson says; of all other pairs its table speaks.
"""

from experiments.engine.declaration import Experiment
from experiments.scoreboards._zoo import contrasts, scoreboard
from experiments.sequence._logs import REFERENCES
from experiments.sequence.kuairand import REQUEST

ASKED = {
    "fm_above_trees_gauc",
    "fm_is_level_gauc",
    "mean_above_trees_gauc",
    "history_helps_gauc",
    "crosses_help_the_network_gauc",
    "crosses_are_level_gauc",
    "whole_vectors_lead_gauc",
}

EXPERIMENT = Experiment(
    identifier="scoreboards.kuairand",
    question="Which models of the book order a user's rows on KuaiRand better than trees do?",
    data="kuairand_pure",
    split="days",
    knobs={"max_history": 10, "gap": "30min", "valid_days": 2},
    references=REFERENCES,
    arms=scoreboard(REQUEST, ("video_id", "author_id", "tags"), counted=True),
    contrasts=[one for one in contrasts() if one.finding in ASKED],
    fit={"epochs": 12, "batch_size": 2048, "patience": 3},
    protocol=3,
    group="user",
)
