"""Splits that are read chunk by chunk, so that a data set may be larger than memory.

A *chunk* is as many rows as fit into memory several times: about a million. ``Chunks`` says how
many rows each one has and reads one as a ``Split``; ``recsys_pipeline.chunks`` has arrays that are
mapped into memory, folders of them, and Parquet files. ``fit`` and ``evaluate`` take a
``ChunkedDataset`` as they take a ``Dataset``.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from recsys_lib.data.dataset import AnyDataset, check_features, check_kinds, check_rows
from recsys_lib.data.splits import ARRAYS_BY_NAME, Split, labels_of
from recsys_lib.features.columns import Column, check_columns

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")

ROWS_PER_CHUNK = 1_000_000
"""Rows of a chunk where nobody says otherwise: of 39 columns they are 160 MB."""


class Chunks:
    """The rows of one split in pieces; subclasses say how a piece is read.

    Args:
        sizes: rows of each chunk.

    Raises:
        ValueError: no chunk, or an empty one.
    """

    def __init__(self, sizes: Iterable[int]) -> None:
        self.sizes = tuple(int(size) for size in sizes)
        if not self.sizes or min(self.sizes) < 1:
            raise ValueError(f"chunks: expected at least one row in each, got sizes {self.sizes}")

    def __len__(self) -> int:
        """Rows of all chunks together."""
        return sum(self.sizes)

    def read(self, number: int, column_names: Collection[str] | None = None) -> Split:
        """Read one chunk.

        Args:
            number: which, from 0.
            column_names: feature columns to read; default: all. ``()`` reads labels alone.

        Returns:
            ``Split`` of ``sizes[number]`` rows, equal in every call.
        """
        raise NotImplementedError

    def digest(self) -> str:
        """A hash of all values, in hexadecimal digits, or of the files that hold them."""
        raise NotImplementedError

    def training_rows(
        self, layout: Any, tasks: Any, labels: Split, workers: Any = None, groups: Any = None
    ) -> Any:
        """The rows that ``fit`` trains on; ``recsys_pipeline.chunks.ReadAheadChunks`` has it.

        Args:
            layout: ``Layout`` of the model's inputs.
            tasks: names of the model's tasks.
            labels: ``self.labels()``.
            workers: those that share every batch, or None; each reads its own rows alone.
            groups: ``(rows,)`` int32, the group of each row, whose rows are to follow each other.
        """
        raise NotImplementedError

    def labels(self) -> Split:
        """All rows at once, without features: labels, masks, groups and whatever else there is.

        They fit where features do not: a row takes a few bytes.
        """
        return joined([self.read(number, ()) for number in range(len(self.sizes))])

    def packed(self, layout: Any, where: str) -> Iterator[Any]:
        """The features of one chunk after the other; the next one is read in a thread meanwhile.

        Args:
            layout: ``Layout`` of a model's inputs.
            where: what messages call the rows.

        Yields:
            What ``layout.pack`` makes of a chunk.

        Raises:
            ValueError: features that do not fit their columns; the chunk is named.
        """
        columns = layout.feature_columns

        def load(number):
            split = self.read(number, [column.name for column in columns])
            check_chunk(self, number, split, columns, where)
            return layout.pack(split.features)

        return read_ahead(load, range(len(self.sizes)))


def joined(splits: Sequence[Split]) -> Split:
    """Rows of several splits, one below the other.

    Args:
        splits: at least one, all with the same arrays.
    """
    if len(splits) == 1:
        return splits[0]
    first = splits[0]
    parts: dict[str, Any] = {
        kind: {
            name: np.concatenate([getattr(split, kind)[name] for split in splits])
            for name in getattr(first, kind)
        }
        for kind in ARRAYS_BY_NAME
    }
    for name in ("row_id", "time"):
        arrays = [getattr(split, name) for split in splits]
        parts[name] = None if arrays[0] is None else np.concatenate(arrays)
    return Split(**parts)


@dataclasses.dataclass(frozen=True)
class ChunkedDataset(AnyDataset):
    """Feature columns and splits that are read chunk by chunk.

    Splits that fit into memory, the validation rows for example, may be plain ``Split``s.

    Labels and masks are checked here, as by ``Dataset``. Feature arrays are checked when a chunk
    is read for the first time, before one of its rows is used. What ``Dataset`` holds splits to
    beside that, disjoint rows in order of time, is left to whoever wrote the chunks.

    Args:
        name: short name used in tables and messages.
        feature_columns: tuple of columns.
        train: ``Chunks``.
        valid, test: ``Chunks`` or ``Split``.
        tasks: task name to ``"binary"`` or ``"regression"``; default: all binary.

    Raises:
        ValueError: naming the split and the first rows, when a label is missing or is not 0 or 1
            in a binary task, or no training row has a label of a task; an unknown kind of task.
    """

    name: str
    feature_columns: tuple[Column, ...]
    train: Chunks
    valid: Chunks | Split
    test: Chunks | Split
    tasks: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "feature_columns", check_columns(self.feature_columns))
        if not isinstance(self.train, Chunks):
            raise ValueError(f"train: expected Chunks, got {type(self.train).__name__}")
        for split_name, split in self.splits.items():
            rows = labels_of(split)
            if self.tasks is None:
                object.__setattr__(self, "tasks", dict.fromkeys(rows.labels, "binary"))
            check_kinds(self.tasks)
            check_rows(self.tasks, rows, len(split), split_name)


def check_chunk(
    chunks: Chunks, number: int, split: Split, columns: Sequence[Column], where: str
) -> None:
    """Check what was read of a chunk: its rows, and its features against their columns.

    Args:
        chunks: where it was read.
        number: which chunk.
        split: what was read, with the features of ``columns``.
        columns: feature columns.
        where: what messages call the split.

    Raises:
        ValueError: as ``check_features``; the chunk is named.
    """
    where = f"{where}, chunk {number}"
    features = {column.name: split.features.get(column.name) for column in columns}
    missing = [name for name, values in features.items() if values is None]
    if missing:
        raise ValueError(f"{where}: missing columns {missing}")
    num_rows = check_features(columns, features, where)
    if num_rows != chunks.sizes[number]:
        raise ValueError(f"{where}: expected {chunks.sizes[number]} rows, got {num_rows}")


def read_ahead(load: Callable[[Item], Loaded], items: Iterable[Item]) -> Iterator[Loaded]:
    """Load items one after the other, each while the one before it is used.

    Args:
        load: function of an item; it runs in a thread, one call at a time, in order.
        items: what it is called with.

    Yields:
        What it returned, in order.
    """
    with ThreadPoolExecutor(1, "read_ahead") as pool:
        coming = None
        for item in items:
            ready, coming = coming, pool.submit(load, item)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()
