"""Chunks of arrays, and the training rows of chunks in the order of each epoch.

An epoch's order: the chunks in an order drawn from ``[seed, epoch, number of chunks]``, in each of
them the rows in an order drawn from ``[seed, epoch, chunk]``, one chunk behind the other. Batches
are cut from that order as if all rows lay in memory: rows that a chunk has left when its last whole
batch is taken are **carried over** to the next chunk, so that all batches but an epoch's last have
``batch_size`` rows, every row is read once in an epoch, and an epoch has as many steps as in
memory. Where one chunk holds all rows, the order is that of a run in memory, and so are all
numbers, bit for bit. (NumPy's generator of ``[seed, epoch, 0]`` is that of ``[seed, epoch]``.)

Of several workers each reads and packs the rows that it trains on, and no others. The order of an
epoch is the same for all of them.

Rows are mixed within their chunk alone. Where the rows of a log follow each other in time or by
user, its chunks should be written in random order, or be large.
"""

import dataclasses
import hashlib
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from recsys_lib.checks import check_integer
from recsys_lib.data.chunks import (
    ROWS_PER_CHUNK,
    ChunkedDataset,
    Chunks,
    check_chunk,
    read_ahead,
)
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.splits import ARRAYS_BY_NAME, Split
from recsys_lib.training.batches import Layout, PackedSplit, to_tensor
from recsys_lib.training.rows import Stretch, order_of


class ReadAheadChunks(Chunks):
    """Chunks that ``fit`` trains on: one lies in memory while the next one is being read.

    Args:
        sizes: rows of each chunk; see ``Chunks`` for what a subclass says of them.
    """

    def training_rows(
        self,
        layout: Layout,
        tasks: Sequence[str],
        labels: Split,
        workers: Any = None,
        groups: np.ndarray | None = None,
    ) -> "RowsInChunks":
        return RowsInChunks(self, layout, tasks, labels, workers, groups)


class ArrayChunks(ReadAheadChunks):
    """Pieces of arrays, which may be mapped into memory: only what is read takes memory.

    Args:
        split: all rows.
        rows_per_chunk: rows of a chunk, the last one has what is left; or the sizes of all.

    Raises:
        ValueError: sizes that do not add up to the split's rows.

    Example:
        >>> rows = np.arange(5)
        >>> split = Split({"item_id": rows}, {"click": rows % 2}, group=rows, row_id=rows)
        >>> chunks = ArrayChunks(split, 2)
        >>> chunks.sizes, chunks.read(1).features["item_id"].tolist()
        ((2, 2, 1), [2, 3])
    """

    def __init__(self, split: Split, rows_per_chunk: int | Sequence[int] = ROWS_PER_CHUNK) -> None:
        if isinstance(rows_per_chunk, Iterable):
            sizes = list(rows_per_chunk)
            if sum(sizes) != len(split):
                raise ValueError(
                    f"rows_per_chunk: expected sizes that add up to {len(split)}, got {sum(sizes)}"
                )
        else:
            size = check_integer("rows_per_chunk", rows_per_chunk)
            starts = range(0, len(split), size)
            sizes = [min(size, len(split) - start) for start in starts]
        super().__init__(sizes)
        self.split = split
        self._starts = np.cumsum([0, *self.sizes])

    def read(self, number: int, column_names: Collection[str] | None = None) -> Split:
        rows = slice(self._starts[number], self._starts[number + 1])
        return _piece(self.split, rows, column_names)

    def labels(self) -> Split:
        return dataclasses.replace(self.split, features={}, as_of={})

    def digest(self) -> str:
        return digest_of(self.split)


def digest_of(split: Split) -> str:
    """A hash of a split's features and labels."""
    found = hashlib.sha256()
    for kind in ("features", "labels", "label_masks"):
        for name, values in sorted(getattr(split, kind).items()):
            found.update(f"{kind} {name} {values.shape} {values.dtype};".encode())
            found.update(np.ascontiguousarray(values).data)  # no copy of what is mapped
    return found.hexdigest()


def _piece(split: Split, rows: slice, column_names: Collection[str] | None) -> Split:
    """Views of consecutive rows."""
    parts = {
        kind: {
            name: values[rows]
            for name, values in getattr(split, kind).items()
            if column_names is None or kind not in ("features", "as_of") or name in column_names
        }
        for kind in ARRAYS_BY_NAME
    }
    time = None if split.time is None else split.time[rows]
    return Split(row_id=split.row_id[rows], time=time, **parts)


class RowsInChunks:
    """Training rows of which one chunk lies in memory and the next one is being read.

    Args:
        chunks: ``Chunks``.
        layout: ``Layout`` of the model's inputs.
        tasks: names of the model's tasks.
        labels: ``chunks.labels()``.
        workers: the ``Workers`` that share every batch, or None.
        groups: ``(rows,)`` int32: rows of a chunk with the same one follow each other.
    """

    def __init__(
        self,
        chunks: Chunks,
        layout: Layout,
        tasks: Sequence[str],
        labels: Split,
        workers: Any = None,
        groups: np.ndarray | None = None,
    ) -> None:
        self.chunks, self.layout, self.tasks = chunks, layout, list(tasks)
        self.workers, self.has_groups = workers, groups is not None
        ends = np.cumsum(chunks.sizes)[:-1]
        self.groups = [None] * len(chunks.sizes) if groups is None else np.split(groups, ends)
        self.num_rows, self.sizes = len(chunks), list(chunks.sizes)
        self.is_masked = any(task in labels.label_masks for task in tasks)
        self.rows_with_label = None
        if self.is_masked:
            masks = labels.label_masks
            self.rows_with_label = [
                int(masks[task].sum()) if task in masks else self.num_rows for task in tasks
            ]
        self._checked: set[int] = set()

    def digest(self) -> str:
        """A hash of all values, or of the files that hold them."""
        return self.chunks.digest()

    def stretches(self, seed: int, epoch: int, step: int, batch_size: int) -> Iterator[Stretch]:
        """What is left of an epoch, a stretch for each chunk that completes a batch.

        Args:
            seed: of the run.
            epoch: counted from 0.
            step: steps of the epoch that are done.
            batch_size: rows of a step.

        Yields:
            ``Stretch``; the next one is read in a thread meanwhile.

        Raises:
            ValueError: features that do not fit their columns; the chunk is named.
        """
        sizes = self.chunks.sizes
        order = order_of(seed, epoch, len(sizes), len(sizes))
        ends = np.cumsum([sizes[chunk] for chunk in order])
        # The chunk that holds the first row of the first step that is left.
        place = int(np.searchsorted(ends, step * batch_size, side="right"))
        reader = _Reader(self, seed, epoch, batch_size, order, ends, step * batch_size)
        started = time.perf_counter()
        for stretch in read_ahead(reader.read, range(place, len(sizes))):
            if stretch.last > stretch.first:
                yield dataclasses.replace(stretch, waited=time.perf_counter() - started)
                started = time.perf_counter()

    def packed(self, chunk: int, rows: np.ndarray) -> PackedSplit:
        """Some rows of a chunk in this order; all are checked when it is read for the first time.

        Args:
            chunk: its number.
            rows: positions in it.
        """
        columns = self.layout.feature_columns
        split = self.chunks.read(chunk, [column.name for column in columns])
        if chunk not in self._checked:
            check_chunk(self.chunks, chunk, split, columns, "train")
            self._checked.add(chunk)
        packed = PackedSplit.of(split, self.layout, self.tasks, rows, self.groups[chunk])
        if (packed.masks is not None) != self.is_masked:
            raise ValueError(f"train, chunk {chunk}: expected label_masks in all chunks or in none")
        return packed


@dataclasses.dataclass
class _Reader:
    """Reads the chunks of one epoch in their order and carries over what is left of each.

    Args:
        rows: where the chunks are.
        seed, epoch, batch_size: see ``RowsInChunks.stretches``.
        order: the chunks in their order.
        ends: rows of the epoch up to the end of each, in that order.
        begin: the first row that is left. Rows in front of it are not read again.
    """

    rows: RowsInChunks
    seed: int
    epoch: int
    batch_size: int
    order: np.ndarray
    ends: np.ndarray
    begin: int
    carried: list[np.ndarray] = dataclasses.field(default_factory=list)

    def read(self, place: int) -> Stretch:
        """The stretch of the chunk at a place; places follow each other."""
        chunk = int(self.order[place])
        size, groups = self.rows.chunks.sizes[chunk], self.rows.groups[chunk]
        rows = order_of(self.seed, self.epoch, size, chunk, groups)
        before = int(self.ends[place - 1]) if place else 0
        num_carried = before % self.batch_size
        if before <= self.begin:
            rows, num_carried = rows[self.begin - before :], 0
            before = self.begin
        first = (before - num_carried) // self.batch_size
        num_rows = num_carried + len(rows)
        is_own = self._is_own(num_rows)
        arrays = self.rows.packed(chunk, rows[is_own[num_carried:]]).arrays
        if num_carried:
            arrays = [np.concatenate(pair) for pair in zip(self.carried, arrays, strict=True)]
        num_steps = num_rows // self.batch_size
        if place == len(self.ends) - 1:
            num_steps = -(-num_rows // self.batch_size)
        # Own rows lie in the order in which they are taken; those of other workers are not there.
        order = np.where(is_own, np.cumsum(is_own, dtype=np.int32) - 1, 0).astype(np.int32)
        num_taken = int(is_own[: num_steps * self.batch_size].sum())
        self.carried = [array[num_taken:].copy() for array in arrays]
        matrices = []
        while arrays:
            matrices.append(to_tensor(arrays.pop(0)))
        return Stretch(matrices, to_tensor(order), first, first + num_steps)

    def _is_own(self, num_rows: int) -> np.ndarray:
        """Which rows from a batch's begin on this worker trains on, ``(num_rows,)`` bool."""
        if self.rows.workers is None:
            return np.ones(num_rows, bool)
        whole = self.rows.workers.is_own(self.batch_size, in_runs=self.rows.has_groups)
        return np.resize(whole, num_rows)


def in_chunks(dataset: Dataset, rows_per_chunk: int = ROWS_PER_CHUNK) -> ChunkedDataset:
    """The rows of a ``Dataset`` in chunks; it pays where its arrays are mapped.

    Args:
        dataset: with all rows as arrays, which may be mapped into memory.
        rows_per_chunk: rows of a chunk.

    Returns:
        ``ChunkedDataset``; validation and test rows that are no more than a chunk are as they were.

    Raises:
        ValueError: ``rows_per_chunk`` is no integer of 1 or more.

    Example:
        >>> from recsys_lib.data import simulator
        >>> world = simulator.second_order(num_rows=500, num_valid_rows=200, num_test_rows=200)
        >>> in_chunks(world, 150).train.sizes
        (150, 150, 150, 50)
    """
    train = ArrayChunks(dataset.train, rows_per_chunk)
    valid, test = (
        split if len(split) <= rows_per_chunk else ArrayChunks(split, rows_per_chunk)
        for split in (dataset.valid, dataset.test)
    )
    parts = (dataset.name, dataset.feature_columns, train, valid, test)
    return ChunkedDataset(*parts, dataset.tasks)
