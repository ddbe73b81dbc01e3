"""``Dataset``: feature columns and three splits that cannot be inconsistent or leak.

Everything downstream (``fit``, ``evaluate``, ``compare``) takes a ``Dataset``, so whatever is
wrong with data is found here, once, with the column and the rows named.
"""

import dataclasses

import numpy as np

from recsys_lib.features.columns import NumericColumn, check_columns

MAX_ROWS_SHOWN = 5


def _rows(mask_or_rows):
    rows = np.asarray(mask_or_rows)
    if rows.dtype == bool:
        rows = np.flatnonzero(rows.reshape(len(rows), -1).any(axis=1))
    shown = ", ".join(str(row) for row in rows[:MAX_ROWS_SHOWN])
    more = "" if len(rows) <= MAX_ROWS_SHOWN else f" and {len(rows) - MAX_ROWS_SHOWN} more"
    return f"rows {shown}{more}"


@dataclasses.dataclass(frozen=True)
class Split:
    """Rows of one split, column by column; N is the number of rows.

    Args:
        features: column name to array ``(N,)`` for categorical columns, ``(N, max_length)`` for
            sequences (integers), ``(N,)`` or ``(N, dimension)`` for numeric columns (floats).
        labels: task name to array ``(N,)`` of float32.
        group: ``(N,)`` integers; rows with one value are ranked against each other by GAUC
            (usually the user).
        row_id: ``(N,)`` integers that identify each row in the source log.
        time: ``(N,)`` of the moment of each impression in seconds, or None where there is none.
        as_of: column name to the newest moment that went into that feature, ``(N,)`` or
            ``(N, max_length)`` seconds; minus infinity where nothing did.
        probability: task name to the true probability ``(N,)`` of the label, where known.
        slices: name to boolean ``(N,)``: parts of the split to report on apart.
    """

    features: dict
    labels: dict
    group: np.ndarray
    row_id: np.ndarray
    time: np.ndarray | None = None
    as_of: dict = dataclasses.field(default_factory=dict)
    probability: dict = dataclasses.field(default_factory=dict)
    slices: dict = dataclasses.field(default_factory=dict)

    def __len__(self):
        return len(self.row_id)

    @property
    def label(self):
        """The labels of the only task.

        Raises:
            ValueError: there are several tasks.
        """
        if len(self.labels) != 1:
            raise ValueError(f"the split has the tasks {list(self.labels)}: name one in .labels")
        return next(iter(self.labels.values()))

    def take(self, rows):
        """A split of the given rows: integer positions, or a boolean mask ``(N,)``."""
        rows = np.asarray(rows)
        if rows.dtype == bool and rows.shape != (len(self),):
            raise ValueError(f"mask: expected shape ({len(self)},), got {rows.shape}")

        def pick(arrays):
            return {name: values[rows] for name, values in arrays.items()}

        return Split(
            features=pick(self.features),
            labels=pick(self.labels),
            group=self.group[rows],
            row_id=self.row_id[rows],
            time=None if self.time is None else self.time[rows],
            as_of=pick(self.as_of),
            probability=pick(self.probability),
            slices=pick(self.slices),
        )

    def slice(self, name):
        """The rows of a named slice, for example ``test.slice("seen_rules")``."""
        if name not in self.slices:
            raise ValueError(f"no slice is named {name!r}; there are {sorted(self.slices)}")
        return self.take(self.slices[name])


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Feature columns with disjoint, time-respecting train, validation and test splits.

    Args:
        name: short name used in tables and messages.
        feature_columns: tuple of columns.
        train, valid, test: the splits. They must hold the same columns, tasks and kinds of
            extra arrays.
        tasks: task name to ``"binary"`` or ``"regression"``; default: all binary.
        allow_time_overlap: skip the check that splits follow each other in time. Only for showing
            what such a leak does to a score.

    Raises:
        ValueError: naming the split, the column and the first rows, when an array is missing,
            has the wrong length, shape or type, holds an id outside its vocabulary or a
            non-finite number; when a label of a binary task is not 0 or 1 or a probability is
            outside [0, 1]; when a row is in two splits; when, within one group, a row of an
            earlier split is later than a row of a later split; or when a feature draws on the
            moment of its own row or a later one.
    """

    name: str
    feature_columns: tuple
    train: Split
    valid: Split
    test: Split
    tasks: dict | None = None
    allow_time_overlap: bool = False

    def __post_init__(self):
        object.__setattr__(self, "feature_columns", check_columns(self.feature_columns))
        if self.tasks is None:
            object.__setattr__(self, "tasks", {task: "binary" for task in self.train.labels})
        for task, kind in self.tasks.items():
            if kind not in ("binary", "regression"):
                raise ValueError(f"task {task!r}: expected 'binary' or 'regression', got {kind!r}")
        for split_name, split in self.splits.items():
            if len(split) == 0:
                raise ValueError(f"{split_name}: expected at least one row, got none")
            _check_arrays(self, split_name, split)
            _check_as_of(split_name, split)
        _check_disjoint(self.splits)
        if not self.allow_time_overlap:
            _check_time_order(self.splits)

    @property
    def splits(self):
        return {"train": self.train, "valid": self.valid, "test": self.test}

    def column(self, name):
        """The feature column with that name."""
        for column in self.feature_columns:
            if column.name == name:
                return column
        names = [column.name for column in self.feature_columns]
        raise ValueError(f"no feature column is named {name!r}; there are {names}")

    def with_columns(self, names):
        """The same data with only the named feature columns, in that order."""
        columns = tuple(self.column(name) for name in names)
        splits = {
            split_name: dataclasses.replace(
                split,
                features={name: split.features[name] for name in names},
                as_of={name: value for name, value in split.as_of.items() if name in names},
            )
            for split_name, split in self.splits.items()
        }
        return dataclasses.replace(self, feature_columns=columns, **splits)


def check_features(columns, features, where):
    """Check feature arrays against their columns: names, lengths, shapes, types, ids, numbers.

    Returns:
        The number of rows.

    Raises:
        ValueError: ``where``, the column and the rows are named.
    """
    expected = {column.name for column in columns}
    missing = sorted(expected - set(features))
    unexpected = sorted(set(features) - expected)
    if missing or unexpected:
        raise ValueError(f"{where}: missing columns {missing}, unexpected columns {unexpected}")
    first = np.shape(features[columns[0].name])
    if not first:
        raise ValueError(f"{where}, column {columns[0].name!r}: expected an array, got one value")
    num_rows = first[0]
    for column in columns:
        _check_feature(column, features[column.name], num_rows, where)
    return num_rows


def _check_feature(column, values, num_rows, where):
    place = f"{where}, column {column.name!r}"
    values = np.asarray(values)
    shape = (num_rows, *column.input_shape)
    if values.shape != shape:
        raise ValueError(f"{place}: expected shape {shape}, got {values.shape}")
    if isinstance(column, NumericColumn):
        _check_finite(place, values)
        return
    if values.dtype.kind not in "iu":
        raise ValueError(f"{place}: expected integer ids, got {values.dtype}")
    bad = (values < 0) | (values >= column.vocabulary_size)
    if bad.any():
        raise ValueError(
            f"{place}: expected ids from 0 to {column.vocabulary_size - 1}, "
            f"got {values[bad][0]} ({_rows(bad)})"
        )


def _check_finite(place, values):
    if values.dtype.kind not in "iufb":
        raise ValueError(f"{place}: expected numbers, got {values.dtype}")
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(f"{place}: expected finite numbers, got {values[bad][0]} ({_rows(bad)})")


def _check_arrays(dataset, split_name, split):
    num_rows = check_features(dataset.feature_columns, split.features, split_name)
    if set(split.labels) != set(dataset.tasks):
        raise ValueError(
            f"{split_name}: expected labels of {sorted(dataset.tasks)}, got {sorted(split.labels)}"
        )
    one_per_row = {"group": split.group, "row_id": split.row_id}
    if split.time is not None:
        one_per_row["time"] = split.time
    for kind in ("labels", "probability", "slices"):
        for name, values in getattr(split, kind).items():
            one_per_row[f"{kind}[{name!r}]"] = values
    for name, values in one_per_row.items():
        if np.shape(values) != (num_rows,):
            raise ValueError(
                f"{split_name}, {name}: expected shape ({num_rows},), got {np.shape(values)}"
            )
        _check_finite(f"{split_name}, {name}", np.asarray(values))
    for task, kind in dataset.tasks.items():
        values = split.labels[task]
        bad = ~np.isin(values, (0, 1))
        if kind == "binary" and bad.any():
            raise ValueError(
                f"{split_name}, labels[{task!r}]: expected 0 or 1, "
                f"got {values[bad][0]} ({_rows(bad)})"
            )
    for task, values in split.probability.items():
        if task not in dataset.tasks:
            raise ValueError(f"{split_name}: probability of an unknown task {task!r}")
        bad = (values < 0) | (values > 1)
        if dataset.tasks[task] == "binary" and bad.any():
            raise ValueError(
                f"{split_name}, probability[{task!r}]: expected 0 to 1, "
                f"got {values[bad][0]} ({_rows(bad)})"
            )


def _check_as_of(split_name, split):
    if split.as_of and split.time is None:
        raise ValueError(f"{split_name}: as_of is given but the rows have no time")
    for name, moments in split.as_of.items():
        moments = np.asarray(moments)
        if name not in split.features:
            raise ValueError(f"{split_name}: as_of names {name!r}, which is not a feature column")
        if len(moments) != len(split):
            raise ValueError(
                f"{split_name}, as_of[{name!r}]: expected {len(split)} rows, got {len(moments)}"
            )
        if np.isnan(moments).any():
            raise ValueError(
                f"{split_name}, as_of[{name!r}]: not a number ({_rows(np.isnan(moments))})"
            )
        late = moments >= split.time.reshape((-1,) + (1,) * (moments.ndim - 1))
        if late.any():
            raise ValueError(
                f"{split_name}, column {name!r}: the feature draws on the moment of its own row "
                f"or a later one, expected strictly earlier moments only ({_rows(late)})"
            )


def _check_disjoint(splits):
    for split_name, split in splits.items():
        unique, counts = np.unique(split.row_id, return_counts=True)
        if len(unique) != len(split):
            repeated = np.isin(split.row_id, unique[counts > 1])
            raise ValueError(f"{split_name}, row_id: a row appears twice ({_rows(repeated)})")
    names = list(splits)
    for position, first in enumerate(names):
        for second in names[position + 1 :]:
            shared = np.isin(splits[second].row_id, splits[first].row_id)
            if shared.any():
                raise ValueError(
                    f"{second}, row_id: {int(shared.sum())} rows are in {first} too "
                    f"({_rows(shared)} of {second})"
                )


def _check_time_order(splits):
    if any(split.time is None for split in splits.values()):
        if not all(split.time is None for split in splits.values()):
            raise ValueError("time: expected in all splits or in none")
        return
    groups, latest = np.empty(0, np.int64), np.empty(0)
    for split_name, split in splits.items():
        if len(groups):
            position = np.minimum(np.searchsorted(groups, split.group), len(groups) - 1)
            known = groups[position] == split.group
            early = known & (split.time < latest[position])
            if early.any():
                raise ValueError(
                    f"{split_name}, time: rows lie before the same group's rows of an earlier "
                    f"split, expected splits in order of time ({_rows(early)})"
                )
        all_groups = np.concatenate([groups, split.group])
        all_times = np.concatenate([latest, np.asarray(split.time, np.float64)])
        groups, inverse = np.unique(all_groups, return_inverse=True)
        latest = np.full(len(groups), -np.inf)
        np.maximum.at(latest, inverse, all_times)
