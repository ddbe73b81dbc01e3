"""``Dataset``: feature columns and three splits that cannot be inconsistent or leak.

Everything downstream (``fit``, ``evaluate``, ``compare``) takes a ``Dataset``, so whatever is
wrong with data is found here, once, with the column and the rows named.
"""

import dataclasses
import warnings
from typing import Any

import numpy as np

from recsys_lib.checks import rows_where
from recsys_lib.data.arrays import check_numbers
from recsys_lib.data.session_rules import LATEST_SECOND
from recsys_lib.data.splits import Split, pages
from recsys_lib.features.columns import NumericColumn, SequenceColumn, check_columns

_OF_USERS = ("user", "history")
"""Groups of the columns that all candidates of a request share, and that move with the user."""


class AnyDataset:
    """What ``fit`` takes: a ``Dataset``, or a ``ChunkedDataset``, which reads its splits."""

    feature_columns: Any
    train: Any
    valid: Any
    test: Any

    @property
    def splits(self) -> dict[str, Any]:
        """All three by name."""
        return {"train": self.train, "valid": self.valid, "test": self.test}


@dataclasses.dataclass(frozen=True)
class Dataset(AnyDataset):
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
            number that is not finite in float32; when an ordered sequence has padding in front of
            an id; when a label of a binary task is not 0 or 1 or a probability is outside [0, 1];
            when no training row has a label of a task; when a row is in two splits; when, within
            one group, a row of an earlier split is later than a row of a later split; or when a
            feature draws on the moment of its own row or a later one. A warning doubts moments that
            cannot be seconds.
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
        check_kinds(self.tasks)
        for split_name, split in self.splits.items():
            if len(split) == 0:
                raise ValueError(f"{split_name}: expected at least one row, got none")
            num_rows = check_features(self.feature_columns, split.features, split_name)
            check_rows(self.tasks, split, num_rows, split_name)
            check_as_of(split_name, split)
        _check_disjoint(self.splits)
        if not self.allow_time_overlap:
            _check_time_order(self.splits)

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

    def held_still(self, split: Split, gap: str | None = None) -> Split:
        """Rows as in one request: what is known of a user as it was at the user's first row.

        A column of a user's past counts the user's own labels. Among the rows of one user it is
        low where the clicks are still to come, so GAUC judges how a model reads that column. All
        candidates of a request share its value, and GAUC of rows held still judges the rest.

        Args:
            split: rows with times. Their columns of the groups ``user`` and ``history`` are held.
            gap: hold them only until the user pauses for longer, for example ``"30min"``; default:
                over all rows of the user.

        Raises:
            ValueError: rows without times.

        Example:
            >>> from recsys_lib.data import simulator
            >>> data = simulator.interests(num_rows=40, num_valid_rows=40, num_test_rows=40)
            >>> test = dataclasses.replace(data.test, group=np.zeros(40, int), time=np.arange(40))
            >>> held = data.held_still(test).features["history"]
            >>> bool((held == held[0]).all() and not (test.features["history"] == held).all())
            True
        """
        if split.time is None:
            raise ValueError("time: expected the moments of the rows, got None")
        rows_of = split.group if gap is None else pages(split.group, split.time, gap=gap)
        order = np.lexsort((split.time, rows_of))
        groups, first = np.unique(rows_of[order], return_index=True)
        place = order[first][np.searchsorted(groups, rows_of)]
        own = {column.name for column in self.feature_columns if column.group in _OF_USERS}

        def still(arrays):
            return {n: values[place] if n in own else values for n, values in arrays.items()}

        return dataclasses.replace(split, features=still(split.features), as_of=still(split.as_of))


def check_kinds(tasks):
    """Raise ``ValueError`` unless each task is ``"binary"`` or ``"regression"``."""
    for task, kind in tasks.items():
        if kind not in ("binary", "regression"):
            raise ValueError(f"task {task!r}: expected 'binary' or 'regression', got {kind!r}")


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
        check_numbers(place, values)
        return
    if values.dtype.kind not in "iu":
        raise ValueError(f"{place}: expected integer ids, got {values.dtype}")
    bad = (values < 0) | (values >= column.vocabulary_size)
    if bad.any():
        raise ValueError(
            f"{place}: expected ids from 0 to {column.vocabulary_size - 1}, "
            f"got {values[bad][0]} ({rows_where(bad)})"
        )
    if isinstance(column, SequenceColumn) and column.ordered:
        _check_padding(place, column, values)


def _check_padding(place, column, values):
    """Position carries meaning, so nothing may push real steps away from the first slots."""
    steps = column.max_length // column.num_sessions
    real = values.reshape(len(values), column.num_sessions, steps) != 0
    bad = (real[:, :, 1:] & ~real[:, :, :-1]).any(axis=(1, 2))
    if bad.any():
        whose = "" if column.num_sessions == 1 else " of each session"
        raise ValueError(
            f"{place}: expected 0 behind the last id{whose} only, got 0 before an id "
            f"({rows_where(bad)}); pad behind, not in front (keras.utils.pad_sequences pads in "
            "front unless padding='post'), and leave unknown ids out; a sequence without an order "
            "says ordered=False"
        )
    used = real.any(axis=2)
    bad = (used[:, 1:] & ~used[:, :-1]).any(axis=1)
    if bad.any():
        raise ValueError(
            f"{place}: expected sessions without an id behind the others, got one before a "
            f"session with ids ({rows_where(bad)})"
        )


def check_rows(tasks, split, num_rows, split_name):
    """Check whatever a split holds beside features: labels, masks, groups, times.

    Raises:
        ValueError: naming ``split_name``, the array and the first rows.
    """
    if set(split.labels) != set(tasks):
        raise ValueError(
            f"{split_name}: expected labels of {sorted(tasks)}, got {sorted(split.labels)}"
        )
    one_per_row = {"group": split.group, "row_id": split.row_id}
    if split.time is not None:
        one_per_row["time"] = split.time
    for kind in ("labels", "probability", "slices", "label_masks", "groups"):
        for name, values in getattr(split, kind).items():
            one_per_row[f"{kind}[{name!r}]"] = values
    for name, values in one_per_row.items():
        if np.shape(values) != (num_rows,):
            raise ValueError(
                f"{split_name}, {name}: expected shape ({num_rows},), got {np.shape(values)}"
            )
        check_numbers(f"{split_name}, {name}", values)
    if split.time is not None and (split.time > LATEST_SECOND).any():
        # Only a doubt: of moments that are compared and no more any unit will do.
        warnings.warn(
            f"{split_name}, time: expected seconds, got moments after the year 5000; milliseconds "
            "are divided by 1000, or every age and pause is a thousand times too long",
            stacklevel=2,
        )
    named = (f"groups[{name!r}]" for name in split.groups)
    for name in ("group", "row_id", *named):
        if one_per_row[name].dtype.kind not in "iu":
            raise ValueError(
                f"{split_name}, {name}: expected integers, got {one_per_row[name].dtype}"
            )
    for task, kind in tasks.items():
        values = split.labels[task]
        bad = ~np.isin(values, (0, 1))
        if kind == "binary" and bad.any():
            raise ValueError(
                f"{split_name}, labels[{task!r}]: expected 0 or 1, "
                f"got {values[bad][0]} ({rows_where(bad)})"
            )
    for task, values in split.probability.items():
        if task not in tasks:
            raise ValueError(f"{split_name}: probability of an unknown task {task!r}")
        if tasks[task] == "binary":
            check_numbers(f"{split_name}, probability[{task!r}]", values, 0, 1)
    for task, mask in split.label_masks.items():
        if task not in tasks:
            raise ValueError(f"{split_name}: label_masks of an unknown task {task!r}")
        if mask.dtype != bool:
            raise ValueError(
                f"{split_name}, label_masks[{task!r}]: expected True and False, got {mask.dtype}"
            )
        if split_name == "train" and not mask.any():
            raise ValueError(f"train, label_masks[{task!r}]: expected a row with a label, got none")


def check_as_of(split_name, split):
    """Raise ``ValueError`` if a feature draws on the moment of its own row or a later one."""
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
                f"{split_name}, as_of[{name!r}]: not a number ({rows_where(np.isnan(moments))})"
            )
        late = moments >= split.time.reshape((-1,) + (1,) * (moments.ndim - 1))
        if late.any():
            raise ValueError(
                f"{split_name}, column {name!r}: the feature draws on the moment of its own row "
                f"or a later one, expected strictly earlier moments only ({rows_where(late)})"
            )


def _check_disjoint(splits):
    for split_name, split in splits.items():
        unique, counts = np.unique(split.row_id, return_counts=True)
        if len(unique) != len(split):
            repeated = np.isin(split.row_id, unique[counts > 1])
            raise ValueError(f"{split_name}, row_id: a row appears twice ({rows_where(repeated)})")
    names = list(splits)
    for position, first in enumerate(names):
        for second in names[position + 1 :]:
            shared = np.isin(splits[second].row_id, splits[first].row_id)
            if shared.any():
                raise ValueError(
                    f"{second}, row_id: {int(shared.sum())} rows are in {first} too "
                    f"({rows_where(shared)} of {second})"
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
                    f"split, expected splits in order of time ({rows_where(early)})"
                )
        all_groups = np.concatenate([groups, split.group])
        all_times = np.concatenate([latest, np.asarray(split.time, np.float64)])
        groups, inverse = np.unique(all_groups, return_inverse=True)
        latest = np.full(len(groups), -np.inf)
        np.maximum.at(latest, inverse, all_times)
