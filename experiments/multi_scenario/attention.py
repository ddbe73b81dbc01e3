"""Twelve scenarios of one taste: each attends to three of six fields, or turns one of them round.

Base rates are equal, so that the order over all rows is the order within scenarios.
"""

from experiments.engine.arms import Sweep
from experiments.engine.contrasts import better, level, not_worse
from experiments.engine.declaration import Experiment
from experiments.multi_scenario._scenarios import (
    BOTTOMED,
    DEEP,
    FEATURE,
    FIT,
    GLOBAL,
    SEPARATE,
    plain,
)
from experiments.multi_task._tasks import tuned

WEIGHED, TURNED = 0, 1

EXPERIMENT = Experiment(
    identifier="multi_scenario.attention",
    question="Where scenarios weigh one taste differently, do gates do more than a feature?",
    lens="scenarios",
    knobs={
        "num_rows": 40_000,
        "num_ids": 20,
        "sizes": (1.0,) * 12,
        "share": 1.0,
        "bias_sd": 0.0,
        "attended": 3,
        "num_valid_rows": 10_000,
        "num_test_rows": 1_500,
    },
    sweep=Sweep("turned", (WEIGHED, TURNED), tune_at=(WEIGHED, TURNED)),
    headline="structure_is_dear",
    arms=[
        *plain(),
        tuned("STAR", "star", DEEP),
        tuned("PEPNet", "pepnet", DEEP),
        tuned("APG", "apg", DEEP, side=True),
    ],
    contrasts=[
        better(
            "structure_is_dear",
            "Where twelve scenarios weigh one taste, the scenario as a feature is ahead of "
            "networks of their own.",
            FEATURE,
            SEPARATE,
            at=WEIGHED,
        ),
        better(
            "must_be_told",
            "Where twelve scenarios weigh one taste, one model that is not told is far behind.",
            FEATURE,
            GLOBAL,
            at=WEIGHED,
        ),
        not_worse(
            "gates_suit_weighing",
            "Where scenarios weigh one taste, PEPNet is not behind the scenario as a feature.",
            "PEPNet",
            FEATURE,
            at=WEIGHED,
        ),
        better(
            "gates_are_ahead_of_star",
            "Where scenarios weigh one taste, PEPNet is ahead of STAR.",
            "PEPNet",
            "STAR",
            at=WEIGHED,
        ),
        not_worse(
            "gates_are_ahead_of_towers",
            "Where scenarios weigh one taste, PEPNet is not behind towers on a shared bottom.",
            "PEPNet",
            BOTTOMED,
            at=WEIGHED,
        ),
        not_worse(
            "turned_round",
            "Where each scenario turns one field round, PEPNet is not behind the feature.",
            "PEPNet",
            FEATURE,
            at=TURNED,
        ),
        level(
            "apg_is_level",
            "Where scenarios weigh one taste, APG and the scenario as a feature are level.",
            "APG",
            FEATURE,
            at=WEIGHED,
            margin=3.0,
        ),
    ],
    fit=FIT,
    protocol=2,
)
