"""Calibration: steps from a model's scores to the probabilities that a service answers.

Each class holds what was fitted, and is written into an export as plain numbers; ``calibrate`` of
``recsys_pipeline.export.replay`` applies the steps, in the service too. ``fit_platt`` fits a line.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from recsys_lib.checks import check_number
from recsys_lib.data.arrays import check_numbers

if TYPE_CHECKING:
    from recsys_lib.data import Dataset


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Undo the subsampling of rows without a click, as ``recsys_lib.one_request`` does.

    Args:
        share: of the rows without a click, the share that the training log kept.
        task: name of the click's task.
        following: tasks that mean "clicked, and ..."; they are corrected by the click's factor.

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
        ValueError: a slope of 0 or less, which would lose or reverse the order.

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
    """Straight lines between points, as an isotonic regression fits them.

    Args:
        task: whose probability.
        inputs: ``(points,)`` scores of the model, rising.
        outputs: ``(points,)`` probabilities, not falling; below the first input and above the last
            one they are constant. In scikit-learn's ``IsotonicRegression`` inputs and outputs are
            called ``X_thresholds_`` and ``y_thresholds_``.

    Raises:
        ValueError: lengths that differ, or points that fall.
    """

    task: str
    inputs: ArrayLike
    outputs: ArrayLike

    def __post_init__(self) -> None:
        inputs = check_numbers(f"curve of {self.task!r}, inputs", self.inputs).astype(np.float64)
        outputs = check_numbers(f"curve of {self.task!r}, outputs", self.outputs).astype(np.float64)
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

_LOWEST = 1e-7
"""Probabilities are clipped to this distance from 0 and 1, so that each has a logit."""


def fit_platt(task: str, label: ArrayLike, probability: ArrayLike) -> Platt:
    """The line for the logit with the highest likelihood on rows that the model was not trained on.

    As in the paper the labels are not quite 1 and 0 but (n_1 + 1) / (n_1 + 2) and 1 / (n_0 + 2),
    for n_1 positive and n_0 negative rows, so that few rows do not give an overconfident line.

    Args:
        task: whose probability.
        label: ``(rows,)`` of 0 and 1, both among them.
        probability: ``(rows,)``, predicted by the model.

    Returns:
        ``Platt``.

    Raises:
        ValueError: arrays of two shapes, labels of one kind, NaN or a probability outside 0 to 1,
            or a line that falls, which means that a higher score goes with fewer positive labels.

    Example:
        >>> label, probability = [0, 0, 0, 1] * 25, [0.5, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.3] * 12
        >>> fit_platt("click", label[:96], probability).slope > 0
        True

    Source: Platt 1999, section 2.2.
    """
    place = f"calibration of {task!r}"
    label = check_numbers(f"{place}, label", label)
    probability = check_numbers(f"{place}, probability", probability, 0, 1).astype(np.float64)
    if label.ndim != 1 or label.shape != probability.shape:
        raise ValueError(
            f"{place}: expected labels and probabilities of one length, got "
            f"{label.shape} and {probability.shape}"
        )
    ones = int((label == 1).sum())
    zeros = int((label == 0).sum())
    if not ones or not zeros or ones + zeros < len(label):
        raise ValueError(f"{place}: expected labels 0 and 1, got {set(label)}")
    target = np.where(label == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    kept = np.clip(probability, _LOWEST, 1 - _LOWEST)
    features = np.stack([special.logit(kept), np.ones(len(label))], axis=1)

    def loss(line):
        logit = features @ line
        error = special.expit(logit) - target
        return np.mean(np.logaddexp(0, logit) - target * logit), error @ features / len(label)

    line = optimize.minimize(loss, [1.0, 0.0], jac=True, method="BFGS", options={"gtol": 1e-9}).x
    if line[0] <= 0:
        raise ValueError(
            f"{place}: expected scores that rise with the label, got a line of slope {line[0]:.3g}"
        )
    return Platt(task, float(line[0]), float(line[1]))


_KINDS = {Sampling: "sampling", Platt: "platt", Curve: "curve"}


def to_config(step: Calibration, tasks: dict[str, str]) -> dict[str, Any]:
    """A step as plain numbers.

    Args:
        step: one of the classes.
        tasks: dict of the model's tasks to their kinds.

    Raises:
        ValueError: a task that the model does not have, or one whose output is not a probability.
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


def lines_of(
    data: "Dataset", told: Mapping[str, np.ndarray]
) -> tuple[dict[str, Platt], dict[str, dict[str, str]]]:
    """Platt's line of each binary task on the validation rows, or the reason why there is none."""
    lines, failed = {}, {}
    for task, kind in (data.tasks or {}).items():
        if kind == "binary":
            rows = data.valid.rows_of(task)
            try:
                lines[task] = fit_platt(task, data.valid.labels[task][rows], told[task][rows])
            except ValueError as error:
                failed[task] = {"remark": str(error)}
    return lines, failed


def scores_of_lines(
    data: "Dataset", told: Mapping[str, np.ndarray], lines: Mapping[str, Platt]
) -> dict[str, Any]:
    """The lines, and the test rows' scores with them."""
    from recsys_lib.training.evaluation import score_task
    from recsys_pipeline.export.replay import calibrate

    tasks = dict(data.tasks or {})
    found = {}
    for task, line in lines.items():
        prediction = calibrate({task: told[task]}, [to_config(line, tasks)])[task]
        score = score_task(data.test, task, prediction, "binary")
        found[task] = {"slope": line.slope, "intercept": line.intercept, "test": score}
    return found
