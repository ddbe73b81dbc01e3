"""Scenarios of very different size whose tastes are alike in part: together, apart, or between?

In the middle the chapter's idea is half true: half of each taste is shared, half is the scenario's
own. All models are measured in each scenario by itself.

The first record had no tuning in the middle, where one model for all rows then had the recipe of
scenarios with little in common; and most runs ended at their cap. The second, on new worlds, asks
otherwise where the first had shown no lead: whether two are level, or the other one leads. Margins
of four points, where two are usual, were declared after the first record's intervals, up to three
points to either side.
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
            margin=4.0,
        ),
        better(
            "apart_is_ahead_where_little_is_shared",
            "Where little is shared, the middle scenario's own network is ahead of the feature.",
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
        level(
            "the_small_one_can_go_either_way",
            "Where half is shared, its own network and the feature are level in the small "
            "scenario.",
            SEPARATE,
            FEATURE,
            part=SMALL,
            at=HALF,
            margin=4.0,
        ),
        better(
            "the_tiny_one_is_starved",
            "Where half is shared, the tiny scenario is better off with the others.",
            FEATURE,
            SEPARATE,
            part=TINY,
            at=HALF,
        ),
        not_worse(
            "stopped_in_time_it_keeps_its_probabilities",
            "Where half is shared, the tiny scenario's own network orders worse, and its "
            "probabilities are not behind.",
            SEPARATE,
            FEATURE,
            part=TINY,
            at=HALF,
            measure="log_loss",
            margin=0.02,
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
        not_worse(
            "a_shared_bottom_is_not_behind",
            "Where half is shared, a shared bottom with towers is not behind HMoE in the small "
            "scenario.",
            BOTTOMED,
            "HMoE",
            part=SMALL,
            at=HALF,
        ),
        level(
            "star_is_level_in_the_middle",
            "Where half is shared, STAR and the scenario as a feature are level in the middle.",
            "STAR",
            FEATURE,
            part=MIDDLE,
            at=HALF,
            margin=4.0,
        ),
        level(
            "star_is_level_in_the_small",
            "Where half is shared, STAR and the scenario as a feature are level in the small one.",
            "STAR",
            FEATURE,
            part=SMALL,
            at=HALF,
            margin=4.0,
        ),
        not_worse(
            "star_keeps_the_gain",
            "Where nearly all is shared, STAR is not behind the scenario as a feature in the "
            "small one.",
            "STAR",
            FEATURE,
            part=SMALL,
            at=ALIKE,
            margin=4.0,
        ),
        better(
            "apart_is_ahead_of_star",
            "Where little is shared, the small scenario's own network is ahead of STAR.",
            SEPARATE,
            "STAR",
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
        level(
            "star_is_level_with_normalization",
            "Where half is shared, STAR and the feature with batch normalization are level in the "
            "middle.",
            "STAR",
            NORMALIZED,
            part=MIDDLE,
            at=HALF,
            margin=4.0,
        ),
        not_worse(
            "gates_are_not_behind",
            "Where half is shared, PEPNet is not behind the scenario as a feature in the middle.",
            "PEPNet",
            FEATURE,
            part=MIDDLE,
            at=HALF,
        ),
        not_worse(
            "gates_do_for_kernels",
            "Where little is shared, PEPNet's gates are not behind STAR's own kernels in the "
            "middle.",
            "PEPNet",
            "STAR",
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
            margin=4.0,
        ),
        not_worse(
            "apg_is_not_behind",
            "Where half is shared, APG is not behind the scenario as a feature in the middle.",
            "APG",
            FEATURE,
            part=MIDDLE,
            at=HALF,
            margin=4.0,
        ),
        better(
            "told_models_serve_the_tiny_one",
            "Where half is shared, STAR is ahead of one model for all in the tiny scenario.",
            "STAR",
            GLOBAL,
            part=TINY,
            at=HALF,
        ),
    ],
    fit=FIT,
    protocol=2,
)
