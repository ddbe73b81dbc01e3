"""Scenarios of very different size whose tastes are alike in part: together, apart, or between?

In the middle the chapter's idea is half true: half of each taste is shared, half is the scenario's
own. All models are measured in each scenario by itself.

The first record had no tuning in the middle, where one model for all rows then had the recipe of
scenarios with little in common; and most runs ended at their cap.
"""

from experiments.arms import Sweep
from experiments.contrasts import better, level, not_worse
from experiments.declaration import Experiment
from experiments.multi_scenario._scenarios import (
    BOTTOMED,
    DEEP,
    FEATURE,
    FIT,
    GLOBAL,
    LARGE,
    LISTENING,
    MIDDLE,
    OWN,
    PARTS,
    PLATFORM,
    SEPARATE,
    SMALL,
    TINY,
    WRITTEN,
    plain,
)
from experiments.multi_task._tasks import tuned

APART, HALF, ALIKE = 0.1, 0.5, 0.9
NORMALIZED = "feature, normalized"
PLAIN_STAR = "STAR, no normalization"
EQUAL = "HMoE, equal weights"

EXPERIMENT = Experiment(
    identifier="multi_scenario.shares",
    question="Together or apart: which model serves a large, a middle and a small scenario?",
    lens="scenarios",
    knobs=PLATFORM,
    sweep=Sweep("share", (APART, HALF, ALIKE)),
    headline="being_told_pays",
    parts=PARTS,
    worlds=(120, 140),
    side_worlds=(120, 130),
    arms=[
        *plain(),
        tuned("HMoE", "hmoe", OWN),
        tuned("STAR", "star", DEEP),
        tuned("PEPNet", "pepnet", DEEP),
        tuned("M2M", "m2m", WRITTEN, side=True),
        tuned("APG", "apg", DEEP, side=True),
        tuned("AdaSparse", "adasparse", DEEP, side=True),
        tuned(EQUAL, "hmoe", LISTENING, side=True),
        tuned(PLAIN_STAR, "star", DEEP | {"partitioned_normalization": False}, side=True),
        tuned(NORMALIZED, "scenario_feature", DEEP | {"batch_normalization": True}, side=True),
    ],
    contrasts=[
        better(
            "being_told_pays",
            "Where half is shared, the middle scenario gains by a model that reads the scenario.",
            FEATURE,
            GLOBAL,
            part=MIDDLE,
            at=HALF,
        ),
        not_worse(
            "the_large_one_does_not_mind",
            "Where half is shared, one model for all rows costs the large scenario little.",
            GLOBAL,
            FEATURE,
            part=LARGE,
            at=HALF,
            margin=4.0,
        ),
        level(
            "alike_need_not_be_told",
            "Where nearly all is shared, a model that reads the scenario orders a middle one no "
            "better.",
            FEATURE,
            GLOBAL,
            part=MIDDLE,
            at=ALIKE,
        ),
        better(
            "apart_is_ahead_where_little_is_shared",
            "Where little is shared, the middle scenario is served best by a network of its own.",
            SEPARATE,
            FEATURE,
            part=MIDDLE,
            at=APART,
        ),
        better(
            "the_small_one_is_better_apart",
            "Where little is shared, the small scenario, too, is better off with its own network.",
            SEPARATE,
            FEATURE,
            part=SMALL,
            at=APART,
        ),
        better(
            "the_small_one_is_starved",
            "Where half is shared, the small scenario is better off with the others.",
            FEATURE,
            SEPARATE,
            part=SMALL,
            at=HALF,
        ),
        better(
            "the_tiny_one_is_starved",
            "Where half is shared, the tiny scenario is better off with the others.",
            FEATURE,
            SEPARATE,
            part=TINY,
            at=HALF,
        ),
        better(
            "apart_is_sure_of_itself",
            "Where half is shared, a network of its own loses the tiny scenario's probabilities.",
            FEATURE,
            SEPARATE,
            part=TINY,
            at=HALF,
            measure="log_loss_gap",
        ),
        better(
            "alike_is_better_together",
            "Where nearly all is shared, the middle scenario is better off with the others.",
            FEATURE,
            SEPARATE,
            part=MIDDLE,
            at=ALIKE,
        ),
        not_worse(
            "towers_are_not_behind",
            "Where half is shared, towers on a shared bottom are not behind the feature in the "
            "middle.",
            BOTTOMED,
            FEATURE,
            part=MIDDLE,
            at=HALF,
        ),
        better(
            "own_first",
            "HMoE is better where a row's own tower has most of the say from the start.",
            "HMoE",
            EQUAL,
            part=MIDDLE,
            at=HALF,
        ),
        level(
            "listening_is_level",
            "Where half is shared, HMoE and a shared bottom with towers are level in the small "
            "scenario.",
            "HMoE",
            BOTTOMED,
            part=SMALL,
            at=HALF,
            margin=4.0,
        ),
        better(
            "star_pays_in_the_middle",
            "Where half is shared, STAR is ahead of the scenario as a feature in the middle.",
            "STAR",
            FEATURE,
            part=MIDDLE,
            at=HALF,
        ),
        better(
            "star_pays_in_the_small",
            "Where half is shared, STAR is ahead of the scenario as a feature in the small one.",
            "STAR",
            FEATURE,
            part=SMALL,
            at=HALF,
        ),
        not_worse(
            "star_keeps_the_gain",
            "Where nearly all is shared, STAR is not behind the scenario as a feature in the "
            "small one.",
            "STAR",
            FEATURE,
            part=SMALL,
            at=ALIKE,
        ),
        better(
            "star_is_ahead_of_apart",
            "Where little is shared, STAR is ahead of networks of their own in the small scenario.",
            "STAR",
            SEPARATE,
            part=SMALL,
            at=APART,
        ),
        level(
            "its_normalization_is_idle_here",
            "Where half is shared, STAR is level with itself without normalization in the middle.",
            "STAR",
            PLAIN_STAR,
            part=MIDDLE,
            at=HALF,
            margin=4.0,
        ),
        better(
            "star_is_more_than_normalization",
            "Where half is shared, STAR is ahead of the feature with batch normalization in the "
            "middle.",
            "STAR",
            NORMALIZED,
            part=MIDDLE,
            at=HALF,
        ),
        not_worse(
            "gates_are_not_behind",
            "Where half is shared, PEPNet is not behind the scenario as a feature in the middle.",
            "PEPNet",
            FEATURE,
            part=MIDDLE,
            at=HALF,
        ),
        better(
            "a_gate_cannot_replace_a_tower",
            "Where little is shared, towers are ahead of PEPNet's gates in the middle.",
            "STAR",
            "PEPNet",
            part=MIDDLE,
            at=APART,
        ),
        not_worse(
            "written_towers_are_not_behind",
            "Where half is shared, towers that the scenario writes are not behind the feature in "
            "the middle.",
            "M2M",
            FEATURE,
            part=MIDDLE,
            at=HALF,
        ),
        not_worse(
            "apg_is_not_behind",
            "Where half is shared, APG is not behind the scenario as a feature in the middle.",
            "APG",
            FEATURE,
            part=MIDDLE,
            at=HALF,
        ),
        level(
            "nothing_saves_the_tiny_one",
            "Where half is shared, STAR orders the tiny scenario no better than one model for all.",
            "STAR",
            GLOBAL,
            part=TINY,
            at=HALF,
            margin=4.0,
        ),
    ],
    fit=FIT,
    protocol=2,
)
