"""A scenario opens: what does it get without a row, with a hundred, a thousand, five thousand?

Half of its taste is shared with the four that are open. Validation holds none of its rows, so the
models are tuned at one number of them.
"""

from experiments.engine.arms import Sweep
from experiments.engine.contrasts import better, level, not_worse, trend
from experiments.engine.declaration import Experiment
from experiments.multi_scenario._scenarios import (
    BOTTOMED,
    DEEP,
    FEATURE,
    FIT,
    GLOBAL,
    PLATFORM,
    SEPARATE,
    plain,
)
from experiments.multi_task._tasks import tuned

CLOSED, FEW, MANY, FULL = 0, 100, 1_000, 5_000
NEW = "scenario_5"

EXPERIMENT = Experiment(
    identifier="multi_scenario.opening",
    question="A scenario opens: which model serves it before, and after its first rows?",
    lens="scenarios",
    knobs=PLATFORM | {"share": 0.5},
    sweep=Sweep("new_rows", (CLOSED, FEW, MANY, FULL), tune_at=(MANY,)),
    headline="rows_must_come_first",
    parts=(NEW,),
    worlds=(100, 110),
    arms=[*plain(), tuned("STAR", "star", DEEP), tuned("PEPNet", "pepnet", DEEP)],
    contrasts=[
        better(
            "a_hundred_rows_mislead",
            "With a hundred rows of the new scenario, its own network is behind one model for all.",
            GLOBAL,
            SEPARATE,
            part=NEW,
            at=FEW,
        ),
        better(
            "rows_must_come_first",
            "With a thousand rows of the new scenario, its own network is still behind the "
            "scenario as a feature.",
            FEATURE,
            SEPARATE,
            part=NEW,
            at=MANY,
        ),
        better(
            "its_own_network_learns",
            "With five thousand rows, the new scenario's own network is ahead of one model for "
            "all.",
            SEPARATE,
            GLOBAL,
            part=NEW,
            at=FULL,
        ),
        level(
            "before_the_first_row",
            "Before its first row, STAR answers a new scenario as well as one model for all.",
            "STAR",
            GLOBAL,
            part=NEW,
            at=CLOSED,
            margin=4.0,
        ),
        not_worse(
            "pepnet_before_the_first_row",
            "Before its first row, PEPNet answers a new scenario as well as one model for all.",
            "PEPNet",
            GLOBAL,
            part=NEW,
            at=CLOSED,
            margin=4.0,
        ),
        not_worse(
            "star_is_safe_with_few",
            "With a hundred rows, STAR is not behind one model for all in the new scenario.",
            "STAR",
            GLOBAL,
            part=NEW,
            at=FEW,
            margin=4.0,
        ),
        better(
            "star_warms_up",
            "With a thousand rows, STAR is ahead of one model for all in the new scenario.",
            "STAR",
            GLOBAL,
            part=NEW,
            at=MANY,
        ),
        better(
            "star_warms_up_before_the_feature",
            "With a thousand rows, STAR is ahead of the scenario as a feature in the new one.",
            "STAR",
            FEATURE,
            part=NEW,
            at=MANY,
        ),
        better(
            "towers_warm_up",
            "With a thousand rows, a tower of its own is ahead of one model for all.",
            BOTTOMED,
            GLOBAL,
            part=NEW,
            at=MANY,
        ),
        trend(
            "being_told_pays_the_more",
            "The more rows the new scenario has, the more the feature leads one model for all.",
            FEATURE,
            GLOBAL,
            part=NEW,
            margin=3.0,
        ),
    ],
    fit=FIT,
    protocol=2,
)
