"""Clicks on KuaiRand's tabs: does a model of several scenarios serve them better than a column?

The history and profile columns with a handful of values are left out of all arms, for their time.
Dropout and normalization are tuned for every network, since real tabs may need them. Each tab is
recorded by itself, too.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import Contrast, better, level
from experiments.engine.declaration import Experiment
from experiments.multi_scenario._scenarios import (
    BOTTOM,
    BOTTOMED,
    DEEP,
    FEATURE,
    GLOBAL,
    OWN,
    SEPARATE,
    WRITTEN,
)
from experiments.multi_task._tasks import SPACE
from experiments.sequence._logs import (
    REFERENCES,
    WIDER_LINEAR,
    WIDER_TREES,
    both,
    references,
)
from experiments.sequence.kuairand import REQUEST

REAL: dict[str, Any] = SPACE | {
    "dropout_rate": (0.0, 0.1, 0.2, 0.3, 0.5),
    "batch_normalization": (False, True),
}
JUDGED = tuple(f"tab {number}" for number in (2, 1, 5, 3, 7))
"""Ids, one above the log's numbers, of the tabs with a hundred clicks and a hundred other rows."""


def network(name: str, model: str, options: dict[str, Any]) -> Arm:
    """A network with the wider space, on this log's columns."""
    return Arm(name=name, model=model, space=REAL, options=options, columns=REQUEST)


def level_with_the_column(finding: str, name: str, called: str | None = None) -> list[Contrast]:
    """A model of several scenarios against the tab as one more column."""
    sentence = f"On KuaiRand's tabs {called or name} and the tab as a column are level."
    return both(level, finding, sentence, name, FEATURE)


EXPERIMENT = Experiment(
    identifier="multi_scenario.kuairand",
    question="On KuaiRand's tabs, does a model of several scenarios do more than a column?",
    data="kuairand_pure",
    split="days",
    references=REFERENCES,
    parts=JUDGED,
    arms=[
        network(GLOBAL, "global", DEEP),
        network(FEATURE, "scenario_feature", DEEP),
        network(SEPARATE, "separate", DEEP),
        network(BOTTOMED, "scenario_shared_bottom", BOTTOM),
        network("HMoE", "hmoe", OWN),
        network("STAR", "star", DEEP),
        network("PEPNet", "pepnet", DEEP),
        network("M2M", "m2m", WRITTEN),
        network("APG", "apg", DEEP),
        network("AdaSparse", "adasparse", DEEP),
        *references(REQUEST, WIDER_LINEAR, WIDER_TREES),
    ],
    contrasts=[
        *both(
            better,
            "the_tab_helps",
            "The tab as a column helps a network.",
            FEATURE,
            GLOBAL,
        ),
        *both(
            better,
            "apart_is_behind",
            "A network for each tab is behind one that reads the tab as a column.",
            FEATURE,
            SEPARATE,
        ),
        *level_with_the_column("bottom_is_level", BOTTOMED),
        *level_with_the_column("hmoe_is_level", "HMoE"),
        *level_with_the_column("star_is_level", "STAR"),
        *level_with_the_column("pepnet_is_level", "PEPNet"),
        *level_with_the_column("written_towers_are_level", "M2M", "towers that the tab writes"),
        *level_with_the_column("apg_is_level", "APG"),
        *level_with_the_column("adasparse_is_level", "AdaSparse"),
        *both(
            better,
            "column_above_trees",
            "A network that reads the tab as a column is ahead of trees.",
            FEATURE,
            "trees",
        ),
    ],
    fit={"epochs": 12, "batch_size": 2048, "patience": 2},
    protocol=2,
)
