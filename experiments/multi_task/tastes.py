"""A click and a rare like with one taste, half of it, or none in common: who gains by sharing?

In the middle the chapter's idea is half true: the like's score has the click's for half of its
length.
"""

from experiments.engine.arms import Sweep
from experiments.engine.contrasts import better, level, not_worse, trend
from experiments.engine.declaration import Experiment
from experiments.multi_task._tasks import BOTTOM, FIT, FOUR, LARGE, OWN, alone, tuned

APART, HALF, ALIKE = 0.0, 0.5, 1.0

EXPERIMENT = Experiment(
    identifier="multi_task.tastes",
    question="When does a rare task gain by sharing with a frequent one, and what do gates add?",
    lens="task_tastes",
    sweep=Sweep("correlation", (APART, HALF, ALIKE), tune_at=(APART, ALIKE)),
    headline="company_costs",
    arms=[
        alone("like"),
        tuned("Shared-Bottom", "shared_bottom", BOTTOM),
        tuned("Shared-Bottom, as large", "shared_bottom", LARGE),
        tuned("MMoE", "mmoe", FOUR),
        tuned("CGC", "cgc", OWN),
        tuned("STEM", "stem", OWN),
        tuned("OMoE", "omoe", FOUR, side=True),
        tuned("click alone", "shared_bottom", BOTTOM | {"tasks": ("click",)}, side=True),
    ],
    contrasts=[
        better(
            "company_helps",
            "Where tastes are one, the rare like gains by a bottom that it shares.",
            "Shared-Bottom",
            "like alone",
            task="like",
            at=ALIKE,
        ),
        better(
            "company_costs",
            "Where tastes have nothing in common, the like is better off alone.",
            "like alone",
            "Shared-Bottom",
            task="like",
            at=APART,
        ),
        trend(
            "company_helps_the_more",
            "The more tastes are alike, the more the like gains by company.",
            "Shared-Bottom",
            "like alone",
            task="like",
            margin=3.0,
        ),
        not_worse(
            "half_is_enough",
            "Where half of the taste is shared, the like loses nothing by company.",
            "Shared-Bottom",
            "like alone",
            task="like",
            at=HALF,
        ),
        not_worse(
            "the_click_does_not_mind",
            "Where tastes have nothing in common, the click loses nothing by company.",
            "Shared-Bottom",
            "click alone",
            task="click",
            at=APART,
            margin=4.0,
        ),
        better(
            "width_is_no_cure",
            "Where tastes have nothing in common, the like alone is ahead of a wide bottom, too.",
            "like alone",
            "Shared-Bottom, as large",
            task="like",
            at=APART,
        ),
        better(
            "gates_are_ahead_of_width",
            "Where tastes have nothing in common, gates are ahead of as many weights in a bottom.",
            "MMoE",
            "Shared-Bottom, as large",
            task="like",
            at=APART,
        ),
        level(
            "gates_cost_nothing",
            "Where tastes are one, gates and a bottom with as many weights are level.",
            "MMoE",
            "Shared-Bottom, as large",
            task="like",
            at=ALIKE,
        ),
        better(
            "a_gate_for_each_task_pays",
            "Where tastes have nothing in common, a gate for each task is ahead of one for both.",
            "MMoE",
            "OMoE",
            task="like",
            at=APART,
        ),
        better(
            "own_experts_pay",
            "Where tastes have nothing in common, experts of each task are ahead of shared ones.",
            "CGC",
            "MMoE",
            task="like",
            at=APART,
        ),
        better(
            "own_tables_pay",
            "Where tastes have nothing in common, tables of each task are ahead of own experts.",
            "STEM",
            "CGC",
            task="like",
            at=APART,
        ),
        not_worse(
            "own_tables_are_as_good_as_alone",
            "Where tastes have nothing in common, tables of each task are not behind a like alone.",
            "STEM",
            "like alone",
            task="like",
            at=APART,
        ),
        not_worse(
            "own_tables_keep_the_gain",
            "Where tastes are one, tables of each task are not behind a shared bottom.",
            "STEM",
            "Shared-Bottom",
            task="like",
            at=ALIKE,
        ),
        better(
            "own_tables_pay_for_half",
            "Where half of the taste is shared, tables of each task are ahead of a shared bottom.",
            "STEM",
            "Shared-Bottom",
            task="like",
            at=HALF,
        ),
    ],
    fit=FIT,
    protocol=2,
)
