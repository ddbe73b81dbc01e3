"""``evaluate``: the four questions to ask of every model, on one split."""

from collections.abc import Mapping

import keras
import numpy as np
import pandas as pd

from recsys_lib.data.chunks import Chunks
from recsys_lib.data.splits import Split, labels_of
from recsys_lib.training import metrics
from recsys_lib.training.baselines import Baseline
from recsys_lib.training.batches import Layout, model_tasks
from recsys_lib.training.prediction import (
    DEFAULT_BATCH_SIZE,
    input_columns,
    predict,
    predict_chunks,
)


def predictions_of(
    model: keras.Model | Baseline, split: Split | Chunks, batch_size: int = DEFAULT_BATCH_SIZE
) -> dict[str, np.ndarray]:
    """Predictions of a model or a baseline on a split.

    Args:
        model, split: as for ``evaluate``.
        batch_size: as for ``predict``.

    Returns:
        Dict of task to ``(rows,)``.
    """
    if isinstance(model, Baseline):
        chunks = map(split.read, range(len(split.sizes))) if isinstance(split, Chunks) else [split]
        return {model.task: np.concatenate([model(chunk) for chunk in chunks])}
    if not isinstance(split, Chunks):
        return predict(model, split.features, list(split.labels), batch_size)
    tasks = model_tasks(model, list(split.read(0, ()).labels))
    layout = Layout(input_columns(model))
    found = predict_chunks(model, split, layout, tasks, batch_size=batch_size)
    return {task: found[:, position] for position, task in enumerate(tasks)}


def score(
    label: np.ndarray, prediction: np.ndarray, group: np.ndarray, kind: str = "binary"
) -> dict[str, float]:
    """Scores of one task's predictions.

    Args:
        label, prediction: ``(rows,)``.
        group: ``(rows,)``, what GAUC ranks within.
        kind: ``"binary"`` or ``"regression"``.

    Returns:
        Dict. Binary: ``rows``, ``auc`` (ranking over all rows), ``gauc`` (ranking within each
        group, weighted by impressions, one-class groups left out), ``one_class_groups`` (how many
        were left out), ``log_loss`` and ``calibration_error`` (both of the probabilities
        themselves). ``auc`` is missing (NaN) where all labels are equal, ``gauc`` where those
        of each group are.
        Regression: ``rows``, ``mean_squared_error``.
    """
    if kind == "regression":
        return {
            "rows": len(label),
            "mean_squared_error": metrics.mean_squared_error(label, prediction),
        }
    two_classes = np.ptp(label) > 0
    groups, position = np.unique(group, return_inverse=True)
    share = np.bincount(position, label) / np.bincount(position)
    some_group_mixed = ((share > 0) & (share < 1)).any()
    grouped = metrics.gauc(label, prediction, group) if some_group_mixed else None
    return {
        "rows": len(label),
        "auc": metrics.auc(label, prediction) if two_classes else np.nan,
        "gauc": grouped.value if grouped else np.nan,
        "one_class_groups": grouped.num_one_class if grouped else len(groups),
        "log_loss": metrics.log_loss(label, prediction),
        "calibration_error": metrics.calibration_error(label, prediction),
    }


def score_task(
    split: Split,
    task: str,
    prediction: np.ndarray,
    kind: str = "binary",
    group: str | None = None,
) -> dict[str, float]:
    """Scores of one task's predictions on the rows of a split that have its label.

    Args:
        split, task: the rows and the task.
        prediction: ``(rows,)``, for every row of the split.
        kind: as for ``score``, which says what is returned.
        group: which of the split's groups GAUC ranks within; default: the first.

    Raises:
        ValueError: no row has a label of the task.
    """
    rows = split.rows_of(task)
    label = split.labels[task][rows]
    if not len(label):
        raise ValueError(f"labels[{task!r}]: expected at least one row with a label, got none")
    return score(label, prediction[rows], split.group_of(group)[rows], kind)


def evaluate(
    model: keras.Model | Baseline,
    split: Split | Chunks,
    *,
    tasks: Mapping[str, str] | None = None,
    group: str | None = None,
) -> pd.Series | pd.DataFrame:
    """Score a model, or a baseline, on a split.

    Each task is scored on the rows that have its label.

    Args:
        model: Keras model of this library, or a ``Baseline``.
        split: ``Split``, or ``Chunks``: then labels and predictions lie in memory, and features
            one chunk at a time; scores are those of all rows together.
        tasks: dict of task to ``"binary"`` or ``"regression"`` (a data set's ``tasks``);
            default: all binary.
        group: as for ``score_task``.

    Returns:
        ``pandas.Series`` of scores (see ``score``); with several tasks a ``DataFrame`` with a
        row for each.

    Raises:
        ValueError: no split, features that do not fit the model, or a task without a label.

    Example:
        >>> from recsys_lib.data import simulator
        >>> from recsys_lib.training import base_rate
        >>> world = simulator.second_order(num_rows=500, num_valid_rows=200, num_test_rows=200)
        >>> float(evaluate(base_rate(world), world.test)["auc"])
        0.5
    """
    kinds, rows = tasks or {}, labels_of(split)
    table = pd.DataFrame.from_dict(
        {
            task: score_task(rows, task, prediction, kinds.get(task, "binary"), group)
            for task, prediction in predictions_of(model, split).items()
        },
        orient="index",
    )
    return table.iloc[0] if len(table) == 1 else table
