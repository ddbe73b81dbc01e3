"""What stands between a model's scores and the probabilities that are answered.

Each class says what was fitted, and is written into an export as plain numbers; ``calibrate`` of
``recsys_lib.export.replay`` applies them, in the service too.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from recsys_lib.checks import check_number


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Undo the thinning of rows without a click, as ``recsys_lib.one_request`` does.

    Args:
        share: of the rows without a click, the share that the training log kept.
        task: the click's.
        following: tasks "clicked, and ..." that are corrected by the click's factor.

    Raises:
        ValueError: a share out of range.
    """

    share: float
    task: str = "click"
    following: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_number("share", self.share, 0, 1, exclude=(0,))
        object.__setattr__(self, "following", tuple(self.following))


@dataclasses.dataclass(frozen=True)
class Platt:
    """A straight line for the logit: ``sigmoid(slope * logit(p) + intercept)``.

    Args:
        task: whose probability.
        slope, intercept: as fitted, by a logistic regression on the logit.

    Raises:
        ValueError: a slope of 0 or less, which would lose or turn the order.

    Source: Platt 1999, "Probabilistic Outputs for Support Vector Machines".
    """

    task: str
    slope: float
    intercept: float

    def __post_init__(self) -> None:
        check_number("slope", self.slope, 0, exclude=(0,))
        check_number("intercept", self.intercept)


@dataclasses.dataclass(frozen=True)
class Curve:
    """Straight lines between points: what an isotonic regression fits.

    Args:
        task: whose probability.
        inputs: ``(points,)`` scores of the model, rising.
        outputs: ``(points,)`` probabilities, not falling; in front of the first point and behind
            the last one they stay as they are there. Of scikit-learn's ``IsotonicRegression`` they
            are ``X_thresholds_`` and ``y_thresholds_``.

    Raises:
        ValueError: points of which no line can be drawn, or that fall.
    """

    task: str
    inputs: ArrayLike
    outputs: ArrayLike

    def __post_init__(self) -> None:
        inputs = np.asarray(self.inputs, np.float64)
        outputs = np.asarray(self.outputs, np.float64)
        if inputs.ndim != 1 or inputs.shape != outputs.shape or not len(inputs):
            raise ValueError(
                f"curve of {self.task!r}: expected inputs and outputs of one length, got "
                f"{inputs.shape} and {outputs.shape}"
            )
        if not (np.diff(inputs) > 0).all() or not (np.diff(outputs) >= 0).all():
            raise ValueError(f"curve of {self.task!r}: expected points that rise, got falling ones")
        object.__setattr__(self, "inputs", inputs.tolist())
        object.__setattr__(self, "outputs", outputs.tolist())


Calibration = Sampling | Platt | Curve

_KINDS = {Sampling: "sampling", Platt: "platt", Curve: "curve"}


def to_config(step: Calibration, tasks: dict[str, str]) -> dict[str, Any]:
    """A step as plain numbers.

    Args:
        step: one of the classes.
        tasks: dict of the model's tasks to their kinds.

    Raises:
        ValueError: a task that the model does not have, or one that is no probability.
    """
    if not isinstance(step, Calibration):
        raise ValueError(f"calibration: expected Sampling, Platt or Curve, got {step!r}")
    config = {"kind": _KINDS[type(step)], **dataclasses.asdict(step)}
    for task in (step.task, *config.get("following", ())):
        if tasks.get(task) != "binary":
            raise ValueError(
                f"calibration: expected a binary task of the model, {tasks}, got {task!r}"
            )
    return config
