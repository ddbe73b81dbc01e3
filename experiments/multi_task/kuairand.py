"""Click, long view and like on KuaiRand: does company help the rare like, and in which network?

The history and profile columns with a handful of values are left out of all arms, for their time,
and so is PLE, whose levels are measured on platforms. The rates of each task are among the columns:
any team would count them. Trees and logistic regression are judged on the like.
"""

import dataclasses
from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import Contrast, better, level, not_worse
from experiments.engine.declaration import DATA_MARGINS, GAUC_MARGIN, Experiment
from experiments.multi_task._tasks import SPACE
from experiments.sequence._logs import REFERENCES, WIDER_LINEAR, WIDER_TREES, references
from experiments.sequence.kuairand import REQUEST

TASKS = ("click", "long_view", "like")
RATES = tuple(f"{side}_rate_of_{task}" for task in TASKS[1:] for side in ("user", "item"))
COLUMNS = (*REQUEST, *RATES)
HEAD: dict[str, Any] = {"tasks": TASKS, "embedding_dim": 8, "tower_units": (64,)}
BOTTOM: dict[str, Any] = HEAD | {"hidden_units": (64,)}
LARGE: dict[str, Any] = HEAD | {"hidden_units": (120,)}
"""About as many weights as four experts of 64 units and their gates."""
EXPERTS: dict[str, Any] = HEAD | {"expert_units": (64,)}
FOUR: dict[str, Any] = EXPERTS | {"num_experts": 4}
OWN: dict[str, Any] = EXPERTS | {"num_task_experts": 1, "num_shared_experts": 1}
"""Four experts for three tasks."""
RARE = 5
"""How much wider the margins of the like are than those of the click: one row in sixty is liked."""


def tuned(name: str, model: str, options: dict[str, Any]) -> Arm:
    """A network with the chapter's space, on this log's columns."""
    return Arm(name=name, model=model, space=SPACE, options=options, columns=COLUMNS)


def alone(task: str) -> Arm:
    """The bottom with the tower of one task: nothing is shared."""
    return tuned(f"{task.replace('_', ' ')} alone", "shared_bottom", BOTTOM | {"tasks": (task,)})


def weighed() -> Arm:
    """The bottom whose loss of the like has a tuned weight, in the place of the penalty."""
    return Arm(
        name="Shared-Bottom, weighed like",
        model="experiments.multi_task._weighed:shared_bottom",
        space={
            "learning_rate": SPACE["learning_rate"],
            "like_weight": (1.0, 3.0, 10.0, 30.0, 100.0),
        },
        options=BOTTOM,
        columns=COLUMNS,
    )


def rivals() -> list[Arm]:
    """Logistic regression and trees that predict the like."""
    linear, trees = references(COLUMNS, WIDER_LINEAR, WIDER_TREES)
    return [
        dataclasses.replace(linear, options={"tasks": ("like",)}),
        dataclasses.replace(trees, options={"task": "like"}),
    ]


def both(
    kind: Any, finding: str, sentence: str, a: str, b: str, task: str = "like"
) -> list[Contrast]:
    """A contrast in AUC, and within a user's rows."""
    times = RARE if task == "like" else 1
    margins = {"auc": DATA_MARGINS["kuairand_pure"], "gauc": GAUC_MARGIN}
    endings = {"auc": ("", "."), "gauc": ("_gauc", ", within a user's rows.")}
    return [
        kind(
            f"{finding}{ending}",
            f"{sentence[:-1]}{said}",
            a,
            b,
            task=task,
            measure=measure,
            margin=times * margins[measure],
        )
        for measure, (ending, said) in endings.items()
    ]


EXPERIMENT = Experiment(
    identifier="multi_task.kuairand",
    question="On KuaiRand, is the rare like predicted better beside clicks and long views?",
    data="kuairand_pure",
    split="days",
    knobs={"tasks": TASKS},
    references=REFERENCES,
    arms=[
        *(alone(task) for task in TASKS),
        tuned("Shared-Bottom", "shared_bottom", BOTTOM),
        tuned("Shared-Bottom, as large", "shared_bottom", LARGE),
        tuned("MMoE", "mmoe", FOUR),
        tuned("CGC", "cgc", OWN),
        tuned("STEM", "stem", OWN),
        weighed(),
        *rivals(),
    ],
    contrasts=[
        *both(
            better,
            "alone_leads_company",
            "The like is predicted better alone than in a network that tasks share.",
            "like alone",
            "Shared-Bottom",
        ),
        *both(
            better,
            "a_weight_helps",
            "A tuned weight of its loss helps the like in a shared network.",
            "Shared-Bottom, weighed like",
            "Shared-Bottom",
        ),
        *both(
            level,
            "mmoe_is_level",
            "On the like MMoE and a bottom as large are level.",
            "MMoE",
            "Shared-Bottom, as large",
        ),
        *both(
            level,
            "cgc_is_level",
            "On the like CGC and a bottom as large are level.",
            "CGC",
            "Shared-Bottom, as large",
        ),
        *both(
            not_worse,
            "own_tables_keep_the_gain",
            "On the like STEM, with tables of each task, is not behind a shared network.",
            "STEM",
            "Shared-Bottom",
        ),
        *both(
            not_worse,
            "own_tables_are_as_good_as_alone",
            "On the like STEM is not behind the like alone.",
            "STEM",
            "like alone",
        ),
        *both(
            better,
            "bottom_above_trees",
            "A shared network predicts the like better than trees do.",
            "Shared-Bottom",
            "trees",
        ),
        *both(
            not_worse,
            "click_does_not_mind",
            "The click is predicted no worse in company than alone.",
            "Shared-Bottom",
            "click alone",
            task="click",
        ),
        *both(
            not_worse,
            "long_view_does_not_mind",
            "The long view is predicted no worse in company than alone.",
            "Shared-Bottom",
            "long view alone",
            task="long_view",
        ),
    ],
    fit={"epochs": 12, "batch_size": 2048, "patience": 2},
    protocol=2,
)
