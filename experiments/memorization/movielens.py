"""Likes on MovieLens: does a wide part of pairs gain by FTRL with L1 there?

The pairs are those that repeat: a user's with a genre, a decade, an hour and a day of the week.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, not_worse
from experiments.engine.declaration import Experiment
from experiments.sequence.movielens import REQUEST

MODEL = "experiments.memorization._rules:wide_and_deep"
WIDE: dict[str, Any] = {"wide_rate": (0.015, 0.03, 0.06, 0.125, 0.5)}
L1: dict[str, Any] = {"l1": (0.0, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)}
WITH = ("genres", "decade", "hour", "weekday")
HEAD: dict[str, Any] = {
    "embedding_dim": 8,
    "embedding_l2": 1e-4,
    "cross_pairs": tuple(("user_id", column) for column in WITH),
}
DEEP: dict[str, Any] = {"learning_rate": 1e-3}
"""Of the deep part beside FTRL; one Adam for both parts tunes its rate, which is that of both."""
ARMS = ("FTRL with L1, Adam", "FTRL, Adam", "Adam for both")

EXPERIMENT = Experiment(
    identifier="memorization.movielens",
    question="On MovieLens, does Wide & Deep gain by FTRL with L1 for its wide part?",
    data="movielens",
    split="per_user",
    knobs={"max_history": 10},
    arms=[
        Arm(name=ARMS[0], model=MODEL, space=WIDE | L1, options=HEAD | DEEP, columns=REQUEST),
        Arm(
            name=ARMS[1],
            model=MODEL,
            space=WIDE,
            options=HEAD | DEEP | {"l1": 0.0},
            columns=REQUEST,
        ),
        Arm(
            name=ARMS[2],
            model=MODEL,
            space={"learning_rate": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)},
            options=HEAD | {"wide_rate": None},
            columns=REQUEST,
        ),
    ],
    contrasts=[
        better(
            "own_rule_above_one",
            "FTRL with exact zeros beside Adam is ahead of Adam for both parts.",
            ARMS[0],
            ARMS[2],
        ),
        better(
            "own_rule_above_one_in_gauc",
            "Among one user's films FTRL with exact zeros is ahead of Adam for both parts.",
            ARMS[0],
            ARMS[2],
            measure="gauc",
        ),
        not_worse(
            "zeros_cost_nothing",
            "FTRL with exact zeros is not behind FTRL without.",
            ARMS[0],
            ARMS[1],
        ),
        not_worse(
            "zeros_cost_nothing_in_gauc",
            "Among one user's films FTRL with exact zeros is not behind FTRL without.",
            ARMS[0],
            ARMS[1],
            measure="gauc",
        ),
    ],
    fit={"epochs": 40, "batch_size": 1024, "patience": 5},
    protocol=2,
)
