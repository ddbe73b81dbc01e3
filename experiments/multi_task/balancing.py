"""A click and a watch time in three units: who decides how much each loss counts?

The unit multiplies the watch time's squared error, at the ends of the sweep by one hundredth and by
a hundred. All arms are one Shared-Bottom; they differ in the weights of the two losses alone. A
fixed weight is tuned as the methods' own options are.
"""

from typing import Any

from experiments.engine.arms import Arm, Sweep
from experiments.engine.contrasts import Contrast, better, level, not_worse
from experiments.engine.declaration import Experiment
from experiments.multi_task._tasks import BOTTOM, FIT

MODEL = "experiments.multi_task._balanced:shared_bottom"
TWO: dict[str, Any] = BOTTOM | {"tasks": {"click": "binary", "watch": "regression"}}
RATE: dict[str, Any] = {"learning_rate": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)}
WEIGHT: dict[str, Any] = {"watch_weight": (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0)}
VARIANCE: dict[str, Any] = {"log_variance_rate": (5e-3, 1e-2, 2e-2, 5e-2, 0.1)}
ALPHA: dict[str, Any] = {"alpha": (0.0, 0.5, 1.0, 1.5, 3.0)}
SMALL, USUAL, LARGE = 0.1, 1.0, 10.0
ONE, TUNED = "weights of one", "tuned weight"


def arm(name: str, method: str, space: dict[str, Any], **more: Any) -> Arm:
    """An arm of the one model."""
    return Arm(name=name, model=MODEL, space=RATE | space, options=TWO | {"method": method}, **more)


def on_watch(
    kind: Any, finding: str, sentence: str, a: str, b: str, at: float, margin: float | None = None
) -> Contrast:
    """A contrast on the watch time, in points of its error gap."""
    options: dict[str, Any] = {"task": "watch", "measure": "mean_squared_error", "at": at}
    return kind(finding, sentence, a, b, margin=margin, **options)


EXPERIMENT = Experiment(
    identifier="multi_task.balancing",
    question="Do methods that weigh losses do more than one weight that is tuned?",
    lens="task_tastes",
    sweep=Sweep("watch_scale", (SMALL, USUAL, LARGE)),
    headline="small_numbers_starve_their_task",
    arms=[
        arm(ONE, "fixed", {}),
        arm(TUNED, "fixed", WEIGHT),
        arm("uncertainty weighting", "uncertainty", VARIANCE),
        arm("GradNorm", "gradnorm", ALPHA),
        arm("Pareto weights", "pareto", {}, side=True),
    ],
    contrasts=[
        on_watch(
            better,
            "small_numbers_starve_their_task",
            "Where the watch time has small numbers, a tuned weight is ahead of weights of one.",
            TUNED,
            ONE,
            SMALL,
        ),
        better(
            "large_numbers_starve_the_other",
            "Where the watch time has large numbers, weights of one lose the click.",
            TUNED,
            ONE,
            task="click",
            at=LARGE,
        ),
        on_watch(
            level,
            "uncertainty_is_a_tuned_weight",
            "Where the watch time has small numbers, uncertainty weighting is level with a tuned "
            "weight.",
            "uncertainty weighting",
            TUNED,
            SMALL,
            margin=5.0,
        ),
        level(
            "uncertainty_is_a_tuned_weight_on_the_click",
            "Where the watch time has large numbers, uncertainty weighting is level with a tuned "
            "weight on the click.",
            "uncertainty weighting",
            TUNED,
            task="click",
            at=LARGE,
            margin=3.0,
        ),
        on_watch(
            level,
            "gradnorm_is_a_tuned_weight",
            "Where the watch time has small numbers, GradNorm is level with a tuned weight.",
            "GradNorm",
            TUNED,
            SMALL,
            margin=3.0,
        ),
        on_watch(
            not_worse,
            "usual_unit_needs_no_method",
            "In the usual unit weights of one are not behind uncertainty weighting on the watch "
            "time.",
            ONE,
            "uncertainty weighting",
            USUAL,
        ),
        not_worse(
            "usual_unit_needs_no_method_on_the_click",
            "In the usual unit weights of one are not behind uncertainty weighting on the click.",
            ONE,
            "uncertainty weighting",
            task="click",
            at=USUAL,
            margin=3.0,
        ),
        on_watch(
            better,
            "pareto_starves_large_numbers",
            "Where the watch time has large numbers, Pareto weights lose it.",
            TUNED,
            "Pareto weights",
            LARGE,
        ),
    ],
    worlds=(120, 140),
    side_worlds=(120, 130),
    fit=FIT,
    protocol=2,
)
