"""``Split``: the rows of one split, column by column, as NumPy arrays whatever they came as."""

import builtins
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from recsys_lib.data.arrays import as_array

ARRAYS_BY_NAME = ("features", "labels", "as_of", "probability", "slices", "label_masks")


@dataclasses.dataclass(frozen=True)
class Split:
    """Rows of one split, column by column; N is the number of rows.

    Arrays may be given as lists or pandas Series; they become NumPy arrays, read by position.
    ``Dataset`` checks what they hold.

    Args:
        features: column name to array ``(N,)`` for categorical columns, ``(N, max_length)`` for
            sequences (integers), ``(N,)`` or ``(N, dimension)`` for numeric columns (floats).
        labels: task name to array ``(N,)``; become float32.
        group: ``(N,)`` integers; rows with one value are ranked against each other by GAUC
            (usually the user).
        row_id: ``(N,)`` integers that identify each row in the source log.
        time: ``(N,)`` of the moment of each impression in seconds, or None where there is none.
        as_of: column name to the newest moment that went into that feature, ``(N,)`` or
            ``(N, max_length)`` seconds; minus infinity where nothing did.
        probability: task name to the true probability ``(N,)`` of the label, where known.
        slices: name to boolean ``(N,)``: parts of the split to report on apart.
        label_masks: task name to boolean ``(N,)``: the rows on which the label exists (watch time
            exists on plays only). A task without a mask has a label on every row. Where there is
            no label, ``labels`` holds 0, whatever was given.

    Raises:
        ValueError: lists of unequal lengths where an array is expected, or a masked entry.
    """

    features: Mapping[str, Any]
    labels: Mapping[str, Any]
    group: Any
    row_id: Any
    time: Any = None
    as_of: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    probability: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    slices: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    label_masks: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in ARRAYS_BY_NAME:
            arrays = {
                name: as_array(f"{kind}[{name!r}]", values)
                for name, values in getattr(self, kind).items()
            }
            object.__setattr__(self, kind, arrays)
        for kind in ("group", "row_id", "time"):
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
        return Split(group=self.group[rows], row_id=self.row_id[rows], time=time, **parts)

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
