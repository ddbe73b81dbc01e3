"""Trivial baselines that every comparison shows, and the oracle where the truth is known.

Each function looks at the training split and returns a ``Baseline``, to be called with any split:
``log_loss(ratings.test.label, column_mean(ratings, "movie_id")(ratings.test))``.

A model that does not beat *item mean + user mean* has learned nothing about users and items
together. All probabilities lie in ``[1e-6, 1 - 1e-6]``, so that log loss stays finite.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from recsys_lib.data.dataset import check_features
from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.training.metrics import PROBABILITY_CLIP, auc, log_loss, mean_squared_error

DEFAULT_SMOOTHING = 20.0
"""Rows at the base rate that are added to every id: an id needs about that many rows of its own
before its mean counts for half."""


@dataclasses.dataclass(frozen=True)
class Baseline:
    """Predictions that need no model: ``baseline(split)`` gives ``(N,)`` float64.

    Probabilities of a binary task, labels of a regression task.

    Args:
        name: as tables print it.
        task: the task that it predicts.
        predict: function of a ``Split`` that returns ``(N,)``.
        kind: ``"binary"`` or ``"regression"``.
    """

    name: str
    task: str
    predict: Callable = dataclasses.field(repr=False)
    kind: str = "binary"

    def __call__(self, split):
        predicted = np.asarray(self.predict(split), np.float64)
        return _clip(predicted) if self.kind == "binary" else predicted


class ScoreBounds(NamedTuple):
    """The score without knowledge of the row, and the score of the true probability."""

    trivial: float
    oracle: float


def base_rate(dataset, task=None):
    """Predict the mean label of the training split for every row.

    Args:
        dataset: a ``Dataset``.
        task: name of a task; may be left out where there is only one.

    Returns:
        The ``Baseline``.

    Raises:
        ValueError: no such task, or several to choose from.
    """
    task = _resolve_task(dataset, task)
    rate = _mean_label(dataset, task)
    kind = dataset.tasks[task]
    return Baseline("base rate", task, lambda split: np.full(len(split), rate), kind)


def column_mean(dataset, column, smoothing=DEFAULT_SMOOTHING, task=None):
    """Predict the training mean of the row's id in one column.

        (sum of labels + smoothing * base rate) / (rows + smoothing)

    Ids without a training row, and id 0 (unknown), get the base rate.

    Args:
        dataset: a ``Dataset``.
        column: name of a categorical column.
        smoothing: number of rows at the base rate added to each id, 0 or more.
        task: as in ``base_rate``, a binary one.

    Returns:
        The ``Baseline``.

    Raises:
        ValueError: as in ``base_rate``; not a binary task; no such column, not a categorical one,
            or a smoothing below 0.
    """
    task = _resolve_binary(dataset, task)
    feature_column, table = _mean_table(dataset, column, smoothing, task)
    return Baseline(f"{column} mean", task, lambda split: table[_ids(feature_column, split)])


def additive_means(dataset, columns, smoothing=DEFAULT_SMOOTHING, task=None):
    """Add up what several columns' means say, as log-odds: "item mean + user mean".

        logit(p) = logit(base rate) + sum over columns (logit(column mean) - logit(base rate))

    Log-odds rather than probabilities: two like rates of 90 % over a base of 50 % then add up to
    99 %, not to 130 %.

    Args:
        dataset, smoothing, task: as in ``column_mean``.
        columns: names of categorical columns.

    Returns:
        The ``Baseline``.

    Raises:
        ValueError: as in ``column_mean``; or no column or a repeated one.
    """
    task = _resolve_binary(dataset, task)
    if isinstance(columns, str) or not columns or len(set(columns)) != len(columns):
        raise ValueError(f"columns: expected a list of different names, got {columns!r}")
    tables = [_mean_table(dataset, column, smoothing, task) for column in columns]
    base = _logit(_mean_label(dataset, task))

    def predict(split):
        logit = base + sum(_logit(table[_ids(column, split)]) - base for column, table in tables)
        return 1 / (1 + np.exp(-logit))

    return Baseline(" + ".join(f"{column} mean" for column in columns), task, predict)


def oracle(dataset, task=None):
    """Predict the true probability, which simulated data know: no model can expect to do better.

    For a regression task it is the expected label.

    Args:
        dataset, task: as in ``base_rate``.

    Returns:
        The ``Baseline``.

    Raises:
        ValueError: as in ``base_rate``; or the probability is not known.
    """
    task = _resolve_task(dataset, task)
    unknown = [name for name, split in dataset.splits.items() if task not in split.probability]
    if unknown:
        raise ValueError(
            f"oracle: expected the true probability of {task!r} in every split, "
            f"{dataset.name!r} has none in {unknown}"
        )
    kind = dataset.tasks[task]
    return Baseline("oracle", task, lambda split: split.probability[task], kind)


def score_bounds(dataset, split, task=None):
    """The ends of the gap that ``share_of_gap`` measures against.

    Args:
        dataset: a ``Dataset`` that knows its true probabilities.
        split: one of its splits, or a part of one such as ``dataset.test.slice("seen_rules")``.
        task: as in ``base_rate``.

    Returns:
        ``{"auc": ScoreBounds, "log_loss": ScoreBounds}`` for a binary task,
        ``{"mean_squared_error": ScoreBounds}`` for a regression task. Trivial is an AUC of one
        half, and the log loss or error of predicting the training split's mean label for every
        row.

    Raises:
        ValueError: as in ``oracle``; or the rows hold labels of one class only.
    """
    trivial, best = base_rate(dataset, task), oracle(dataset, task)
    if trivial.task in split.label_masks:
        split = split.take(split.label_masks[trivial.task])
    label = split.labels[trivial.task]
    if trivial.kind == "regression":
        errors = (mean_squared_error(label, baseline(split)) for baseline in (trivial, best))
        return {"mean_squared_error": ScoreBounds(*errors)}
    return {
        "auc": ScoreBounds(0.5, auc(label, best(split))),
        "log_loss": ScoreBounds(log_loss(label, trivial(split)), log_loss(label, best(split))),
    }


def _clip(probability):
    return np.clip(np.asarray(probability, np.float64), PROBABILITY_CLIP, 1 - PROBABILITY_CLIP)


def _logit(probability):
    probability = _clip(probability)
    return np.log(probability) - np.log1p(-probability)


def _resolve_task(dataset, task):
    if task is None:
        if len(dataset.tasks) != 1:
            raise ValueError(f"task: expected one of {list(dataset.tasks)}, got none")
        task = next(iter(dataset.tasks))
    if task not in dataset.tasks:
        raise ValueError(f"task: expected one of {list(dataset.tasks)}, got {task!r}")
    return task


def _resolve_binary(dataset, task):
    task = _resolve_task(dataset, task)
    if dataset.tasks[task] != "binary":
        raise ValueError(f"task {task!r}: expected a binary task, got {dataset.tasks[task]!r}")
    return task


def _mean_label(dataset, task):
    train = dataset.train
    return train.labels[task][train.rows_of(task)].mean(dtype=np.float64)


def _ids(column, split):
    check_features((column,), {column.name: split.features[column.name]}, "split")
    return split.features[column.name]


def _mean_table(dataset, name, smoothing, task):
    """The column and the smoothed mean label of each of its ids, ``(vocabulary_size,)``."""
    column = dataset.column(name)
    if not isinstance(column, CategoricalColumn):
        raise ValueError(
            f"column {name!r}: expected a categorical column, got {type(column).__name__}"
        )
    if not np.isfinite(smoothing) or smoothing < 0:
        raise ValueError(f"smoothing: expected a finite number of 0 or more, got {smoothing!r}")
    base = _mean_label(dataset, task)
    train = dataset.train
    with_label = train.rows_of(task)
    ids = train.features[name][with_label]
    rows = np.bincount(ids, minlength=column.vocabulary_size)
    total = np.bincount(ids, train.labels[task][with_label], column.vocabulary_size)
    weight = rows + smoothing
    table = np.full(column.vocabulary_size, base)
    np.divide(total + smoothing * base, weight, out=table, where=weight > 0)
    table[0] = base  # "unknown" says nothing, however many rows share it
    return column, table
