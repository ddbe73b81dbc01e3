"""Warnings before a model is trained: columns that identify rows, lists, leaks, new ids.

Each warning is a sentence with the number that it is based on. No warning stops a command.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from recsys_lib.data.splits import Split
from recsys_lib.features.columns import CategoricalColumn, Column, NumericColumn, SequenceColumn
from recsys_lib.training.metrics import auc
from recsys_pipeline.files import outcomes
from recsys_pipeline.files.column_profiles import (
    MIN_ROWS,
    MOSTLY,
    UNIQUE_SHARE,
    Profile,
    profile_of,
)
from recsys_pipeline.files.guess_lists import MAX_VALUES, separator_of
from recsys_pipeline.files.tables import FileDataset

GIVES_AWAY = 0.95
"""A column that reaches this AUC or rank correlation by itself may contain the label."""

MAX_ROWS = 200_000


def warnings_on(dataset: FileDataset) -> list[str]:
    """All warnings about a data set, in the order of its columns.

    Args:
        dataset: the data.

    Returns:
        Sentences.
    """
    found: list[str] = []
    words = dataset.vocabularies
    keys = [outcomes.name_of_ids(words, what) for what in ("thing", "user")]
    ids = [profile_of(name, _used(dataset, name)) for name in keys if name is not None]
    for column in dataset.feature_columns:
        if column.name in words and len(dataset.train) >= MIN_ROWS:
            found += _on_lists(dataset, column, ids)
        found += _on_column(dataset, column)
    return found


def _used(dataset: FileDataset, name: str) -> np.ndarray:
    """The values that training rows of a column have: its table may have those of others, too."""
    used = np.unique(dataset.train.features[name])
    words: np.ndarray = dataset.vocabularies[name]
    return words[used[used > 0] - 1]


def _on_lists(dataset: FileDataset, column: Column, ids: Sequence[Profile]) -> Iterator[str]:
    """Whether the ids of a column are lists that were not divided, or not by their separator."""
    name, is_list = column.name, isinstance(column, SequenceColumn)
    words = _used(dataset, name)
    separator = separator_of(profile_of(name, words[:MAX_VALUES]), ids)
    if separator is not None:
        mark, reason = separator
        what = "a list's ids" if is_list else "values"
        yield (
            f"{name}: {what} look like lists, each of which is one id here; a sequence reads them: "
            f"kind = 'sequence', separator = {mark!r} ({reason})"
        )


def _on_column(dataset: FileDataset, column: Column) -> Iterator[str]:
    train, name = dataset.train, column.name
    if isinstance(column, CategoricalColumn) and len(train) >= MIN_ROWS:
        used = np.count_nonzero(np.bincount(train.features[name]))
        if used >= UNIQUE_SHARE * len(train):
            yield (
                f"{name}: {used:,} values on {len(train):,} training rows; it names the row and "
                "says nothing of the next one: ignore it"
            )
        for split_name in ("valid", "test"):
            share = float((dataset.splits[split_name].features[name] == 0).mean())
            if share > MOSTLY:
                yield (
                    f"{name}: {share:.0%} of the {split_name} rows have an id that no training "
                    "row has"
                )
    for leak in _leaks(dataset, column):
        yield f"{name}: {leak}; is it known before the label is?"


def _leaks(dataset: FileDataset, column: Column) -> Iterator[str]:
    """How a column may hold each label; its name counts where its values say nothing."""
    found = False
    for task, kind in (dataset.tasks or {}).items():
        strength = alone(dataset, column, task)
        pure = _tells(dataset, column, task) if kind == "binary" else None
        if strength is not None and strength > GIVES_AWAY:
            what = "an AUC" if kind == "binary" else "a rank correlation"
            found = True
            yield f"it alone reaches {what} of {strength:.3f} for {task}"
        elif pure is not None:
            found = True
            yield pure
    description = dataset.description
    labels = [label["column"] for label in description.get("labels", {}).values()]
    sources = {
        one.name: encoder.source for encoder in dataset.encoders for one in encoder.columns[:1]
    }
    has_two_values = isinstance(column, CategoricalColumn) and column.vocabulary_size == 3
    reason = outcomes.named_like(
        sources.get(column.name, ""), labels, sources.values(), has_two_values
    )
    if reason is not None and not found:
        yield reason


def _tells(dataset: FileDataset, column: Column, task: str) -> str | None:
    """In words the value of a column that gives a binary label away on training rows."""
    train = _labelled(dataset.train, task)
    if isinstance(column, SequenceColumn) or not len(train):
        return None
    values = train.features[column.name]
    if isinstance(column, NumericColumn):
        values = outcomes.ranges_of(values.reshape(len(train), -1)[:, 0])
    words = dataset.vocabularies.get(column.name, ())

    def shown(value: int) -> str:
        return f"the value {words[value - 1]}" if 0 < value <= len(words) else "one kind of value"

    return outcomes.gives_away(values, {task: train.labels[task]}, shown)


def alone(dataset: FileDataset, column: Column, task: str) -> float | None:
    """How well one column by itself predicts a label on the validation rows.

    Ids are scored by the mean label of their training rows, lists by the mean over their ids,
    numbers by themselves, in the better direction.

    Args:
        dataset: the data.
        column: one of its columns.
        task: name of the task.

    Returns:
        AUC of a binary task, or the absolute rank correlation; None if the validation rows do not
        determine it.
    """
    train, valid = (_labelled(split, task) for split in (dataset.train, dataset.valid))
    if min(len(train), len(valid)) < MIN_ROWS:
        return None
    label = valid.labels[task]
    if np.ptp(label) == 0:
        return None
    if isinstance(column, NumericColumn):
        score = valid.features[column.name].reshape(len(valid), -1)[:, 0]
    else:
        score = _mean_labels(train, valid, column, task)
    if np.ptp(score) == 0:
        return None
    if (dataset.tasks or {})[task] == "binary":
        found = float(auc(label, score))
        return max(found, 1 - found) if isinstance(column, NumericColumn) else found
    ranks = [pd.Series(values).rank() for values in (label, score)]
    return abs(float(np.corrcoef(ranks)[0, 1]))


def _labelled(split: Split, task: str) -> Split:
    """Rows with a label; an even sample of them if there are very many."""
    rows = np.arange(len(split))[split.rows_of(task)]
    return split.take(rows[:: len(rows) // MAX_ROWS + 1])


def _mean_labels(
    train: Split, valid: Split, column: CategoricalColumn | SequenceColumn, task: str
) -> np.ndarray:
    ids = train.features[column.name]
    steps = ids.reshape(len(ids), -1)
    label = np.repeat(train.labels[task], steps.shape[1])
    is_list = isinstance(column, SequenceColumn)
    real = steps.ravel() != 0 if is_list else np.ones(steps.size, bool)
    size = column.vocabulary_size
    rows = np.bincount(steps.ravel()[real], minlength=size)
    total = np.bincount(steps.ravel()[real], label[real], minlength=size)
    mean = np.where(rows > 0, total / np.maximum(rows, 1), train.labels[task].mean())
    found = mean[valid.features[column.name]]
    if not is_list:
        return found
    real = valid.features[column.name] != 0
    count = real.sum(axis=1)
    summed = (found * real).sum(axis=1)
    return np.where(count > 0, summed / np.maximum(count, 1), train.labels[task].mean())
