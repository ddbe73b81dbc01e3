"""``Split``: the rows of one split, column by column, as NumPy arrays whatever they came as."""

import builtins
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from recsys_lib.data.arrays import as_array

ARRAYS_BY_NAME = ("features", "labels", "as_of", "probability", "slices", "label_masks", "groups")


@dataclasses.dataclass(frozen=True)
class Split:
    """Rows of one split, column by column; N is the number of rows.

    Arrays may be given as lists or pandas Series; they become NumPy arrays, read by position.
    ``Dataset`` checks what they hold.

    Args:
        features: column name to array ``(N,)`` for categorical columns, ``(N, max_length)`` for
            sequences (integers), ``(N,)`` or ``(N, dimension)`` for numeric columns (floats).
        labels: task name to array ``(N,)``; become float32.
        group: ``(N,)`` integers; rows with one value are ranked against each other (usually those
            of a user): short for the first of ``groups``.
        row_id: ``(N,)`` integers that identify each row in the source log.
        time: ``(N,)`` of the moment of each impression in seconds, or None where there is none.
        as_of: column name to the newest moment that went into that feature, ``(N,)`` or
            ``(N, max_length)`` seconds; minus infinity where nothing did.
        probability: task name to the true probability ``(N,)`` of the label, where known.
        slices: name to boolean ``(N,)``: parts of the split to report on apart.
        label_masks: task name to boolean ``(N,)``: the rows on which the label exists (watch time
            exists on plays only). A task without a mask has a label on every row. Where there is
            no label, ``labels`` holds 0, whatever was given.
        groups: name to ``(N,)`` integers: ways to say which rows are ranked against each other,
            for example ``user`` and ``page`` (see ``pages``). A ``group`` that is
            given takes the first one's place, called ``user`` where there is none.

    Raises:
        ValueError: neither ``group`` nor ``groups``, lists of unequal lengths where an array is
            expected, or a masked entry.
    """

    features: Mapping[str, Any]
    labels: Mapping[str, Any]
    group: Any = None
    row_id: Any = None
    time: Any = None
    as_of: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    probability: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    slices: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    label_masks: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    groups: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.group is not None:
            first = next(iter(self.groups), "user")
            object.__setattr__(self, "groups", {**self.groups, first: self.group})
        for kind in ARRAYS_BY_NAME:
            arrays = {
                name: as_array(f"{kind}[{name!r}]", values)
                for name, values in getattr(self, kind).items()
            }
            object.__setattr__(self, kind, arrays)
        if not self.groups:
            raise ValueError("group: expected the group of each row, got None")
        object.__setattr__(self, "group", next(iter(self.groups.values())))
        for kind in ("row_id", "time"):
            if getattr(self, kind) is not None:
                object.__setattr__(self, kind, as_array(kind, getattr(self, kind)))
        for task, values in self.labels.items():
            self.labels[task] = _labels(values, self.label_masks.get(task))

    def __len__(self) -> int:
        return len(self.row_id)

    @property
    def label(self) -> np.ndarray:
        """The labels of the only task; raises ``ValueError`` where there are several."""
        if len(self.labels) != 1:
            raise ValueError(f"the split has the tasks {list(self.labels)}: name one in .labels")
        return next(iter(self.labels.values()))

    def take(self, rows: Any) -> "Split":
        """A split of the given rows: integer positions, or a boolean mask ``(N,)``."""
        rows = np.asarray(rows)
        if rows.dtype == bool and rows.shape != (len(self),):
            raise ValueError(f"mask: expected shape ({len(self)},), got {rows.shape}")
        parts = {
            kind: {name: values[rows] for name, values in getattr(self, kind).items()}
            for kind in ARRAYS_BY_NAME
        }
        time = None if self.time is None else self.time[rows]
        return Split(row_id=self.row_id[rows], time=time, **parts)

    def with_groups(self, **groups: Any) -> "Split":
        """The same rows with further groups; one of a known name takes its place."""
        return dataclasses.replace(self, group=None, groups={**self.groups, **groups})

    def group_of(self, name: str | None = None) -> np.ndarray:
        """The group of each row, ``(N,)``, by its name; default: the first."""
        if name is None:
            return self.group
        if name not in self.groups:
            raise ValueError(f"no group is named {name!r}; there are {sorted(self.groups)}")
        return self.groups[name]

    def slice(self, name: str) -> "Split":
        """The rows of a named slice, for example ``test.slice("seen_rules")``."""
        if name not in self.slices:
            raise ValueError(f"no slice is named {name!r}; there are {sorted(self.slices)}")
        return self.take(self.slices[name])

    def rows_of(self, task: str) -> np.ndarray | builtins.slice:
        """Which rows have a label of the task: a boolean mask ``(N,)``, or a slice of all."""
        return self.label_masks.get(task, slice(None))


def labels_of(split: Any) -> Split:
    """The rows of a split without features.

    Args:
        split: ``Split``, or ``Chunks``, which read the labels of all their rows.

    Raises:
        ValueError: something else.
    """
    if isinstance(split, Split):
        return dataclasses.replace(split, features={}, as_of={})
    labels = getattr(split, "labels", None)
    found = labels() if callable(labels) else None
    if not isinstance(found, Split):
        raise ValueError(
            f"split: expected a Split, such as dataset.test, got {type(split).__name__}"
        )
    return found


def _labels(values: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Labels as float32, 0 where there is none; what cannot be a label is left for the checks."""
    if values.dtype.kind not in "biuf":
        return values
    if mask is not None and mask.dtype == bool and mask.shape == values.shape:
        values = np.where(mask, values, 0)
    return values.astype(np.float32, copy=False)


def pages(user: Any, time: Any, surface: Any = None, gap: str = "30min") -> np.ndarray:
    """Number pages: rows of one user and one surface without a long pause between them.

    A log seldom says which rows were candidates of one request. Rows of different surfaces, or
    hours apart, were none.

    Args:
        user: ``(N,)``, of each row.
        time: ``(N,)`` seconds.
        surface: ``(N,)``, where the row was shown, a tab for example; default: one for all.
        gap: the longest pause within a page, as ``pandas.Timedelta`` reads it.

    Returns:
        ``(N,)`` int64, the same for rows of one page; counted from 0 by user, surface and time.

    Raises:
        ValueError: arrays of different lengths, or a gap that is no duration.

    Example:
        >>> pages([7, 7, 7, 8], [0, 1700, 3600, 3600]).tolist()
        [0, 0, 1, 2]
        >>> pages([7, 7, 7], [0, 60, 120], surface=[1, 2, 1]).tolist()
        [0, 1, 0]
    """
    try:
        # A number without a unit would be nanoseconds.
        pause = 0.0 if str(gap).isnumeric() else pd.Timedelta(gap).total_seconds()
    except ValueError:
        pause = 0.0
    if not pause > 0:
        raise ValueError(f"gap: expected a duration such as '30min', got {gap!r}")
    user, time = np.asarray(user), np.asarray(time, np.float64)
    surface = np.zeros(len(user), np.int8) if surface is None else np.asarray(surface)
    if not user.shape == time.shape == surface.shape:
        raise ValueError(
            "pages: expected user, time and surface of one length, got "
            f"{user.shape}, {time.shape} and {surface.shape}"
        )
    order = np.lexsort((time, surface, user))
    begins = np.zeros(len(order), bool)
    for values in (user, surface):
        begins[1:] |= values[order][1:] != values[order][:-1]
    begins[1:] |= np.diff(time[order]) > pause
    found = np.empty(len(order), np.int64)
    found[order] = np.cumsum(begins)
    return found
