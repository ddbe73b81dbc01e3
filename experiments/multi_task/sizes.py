"""Two tasks without a common taste, and the second one rare, or as frequent as the first."""

from experiments.engine.arms import Sweep
from experiments.engine.contrasts import better, not_worse, trend
from experiments.engine.declaration import Experiment
from experiments.multi_task._tasks import BOTTOM, FIT, FOUR, alone, tuned

RARE, FREQUENT = -5.0, -1.0

EXPERIMENT = Experiment(
    identifier="multi_task.sizes",
    question="Who pays where tastes have nothing in common: the small task, or both?",
    lens="task_tastes",
    knobs={"correlation": 0.0},
    sweep=Sweep("like_bias", (RARE, -3.0, FREQUENT), tune_at=(RARE, FREQUENT)),
    headline="equals_pay",
    arms=[
        alone("like"),
        tuned("Shared-Bottom", "shared_bottom", BOTTOM),
        tuned("MMoE", "mmoe", FOUR),
        tuned("click alone", "shared_bottom", BOTTOM | {"tasks": ("click",)}, side=True),
    ],
    contrasts=[
        better(
            "the_rare_one_pays",
            "A rare like is better off alone.",
            "like alone",
            "Shared-Bottom",
            task="like",
            at=RARE,
        ),
        better(
            "equals_pay",
            "A like as frequent as the click is better off alone, too.",
            "like alone",
            "Shared-Bottom",
            task="like",
            at=FREQUENT,
        ),
        better(
            "the_click_pays_beside_an_equal",
            "Beside an equally frequent like the click is better off alone.",
            "click alone",
            "Shared-Bottom",
            task="click",
            at=FREQUENT,
        ),
        not_worse(
            "the_click_does_not_mind_a_rare_one",
            "Beside a rare like the click loses nothing.",
            "Shared-Bottom",
            "click alone",
            task="click",
            at=RARE,
        ),
        trend(
            "the_price_falls_with_size",
            "The more frequent the like, the less it loses by company.",
            "Shared-Bottom",
            "like alone",
            task="like",
            margin=3.0,
        ),
        better(
            "gates_help_equals",
            "Between equally frequent tasks gates are ahead of one bottom.",
            "MMoE",
            "Shared-Bottom",
            task="like",
            at=FREQUENT,
        ),
    ],
    fit=FIT,
    protocol=2,
)
