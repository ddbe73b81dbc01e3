"""The training rows of a run, all in memory or chunk by chunk, in the order of each epoch.

An epoch's order is written down in one sentence: the chunks in an order drawn from ``[seed, epoch,
number of chunks]``, in each of them the rows in an order drawn from ``[seed, epoch, chunk]``, one
chunk behind the other. Batches are cut from that order as if all rows lay in memory: rows that a
chunk has left when its last whole batch is taken are **carried over** to the next chunk, so that
all batches but an epoch's last have ``batch_size`` rows, every row is read once in an epoch, and an
epoch has as many steps as in memory. Where one chunk holds all rows, the order is that of a run in
memory, and so are all numbers, bit for bit. (NumPy's generator of ``[seed, epoch, 0]`` is that of
``[seed, epoch]``.)

Rows are mixed within their chunk alone. Where the rows of a log follow each other in time or by
user, its chunks should be written in random order, or be large.
"""

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import keras
import numpy as np
import tensorflow as tf

from recsys_lib.data.chunks import ChunkedDataset, Chunks, check_chunk
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.splits import Split
from recsys_lib.training.batches import Layout, PackedSplit, to_tensor
from recsys_lib.training.prediction import DEFAULT_BATCH_SIZE, predict_packed

STEPS_PER_CALL = 200
"""Steps between two updates of the progress bar; the compiled loop runs that long undisturbed."""

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Steps of an epoch whose rows lie in memory.

    Args:
        matrices: tensors ids, numbers, labels and, where there are, masks.
        order: int32 tensor, the rows of the matrices in the order in which they are taken.
        first: the step of the epoch whose rows ``order`` begins with.
        last: the step behind the last one that is served.
        waited: seconds for which the run waited for these rows.
    """

    matrices: Sequence[tf.Tensor]
    order: tf.Tensor
    first: int
    last: int
    waited: float = 0.0

    def stops(self, step: int, checkpoint_steps: int | None) -> Iterator[int]:
        """The steps at which calls end: where a checkpoint is due, and often enough to be seen.

        Args:
            step: steps of the epoch that are done.
            checkpoint_steps: as of ``fit``.
        """
        often = min(STEPS_PER_CALL, checkpoint_steps or STEPS_PER_CALL)
        while step < self.last:
            nexts = [(step // stride + 1) * stride for stride in (often, checkpoint_steps or often)]
            step = min(*nexts, self.last)
            yield step

    def call(
        self, run: Callable[..., tf.Tensor], step: int, last: int, batch_size: int
    ) -> np.ndarray:
        """Call a compiled function for the steps of the epoch from ``step`` to before ``last``."""
        numbers = (step - self.first, last - self.first, batch_size)
        steps = (tf.constant(number, tf.int32) for number in numbers)
        return run(*self.matrices, self.order, *steps).numpy()


def order_of(seed: int, epoch: int, num_rows: int, chunk: int | None = None) -> np.ndarray:
    """The order of some rows in one epoch, int32: of those of a chunk, or of all in memory."""
    entropy = [seed, epoch] if chunk is None else [seed, epoch, chunk]
    return np.random.default_rng(entropy).permutation(np.arange(num_rows, dtype=np.int32))


class RowsInMemory:
    """All training rows in one stretch.

    Args:
        packed: ``PackedSplit``. Its arrays are given up for tensors at the first epoch, one by
            one, so that two copies of all rows never stand side by side.
    """

    def __init__(self, packed: PackedSplit) -> None:
        self.num_rows, self.is_masked = len(packed.labels), packed.masks is not None
        self.sizes: list[int] | None = None
        masks = packed.masks
        self.rows_with_label = None if masks is None else [int(n) for n in masks.sum(axis=0)]
        self._packed: PackedSplit | None = packed
        self._matrices: list[tf.Tensor] = []

    def digest(self) -> str:
        """A hash of all values; before the first epoch."""
        assert self._packed is not None
        return self._packed.digest()

    def stretches(self, seed: int, epoch: int, step: int, batch_size: int) -> Iterator[Stretch]:
        """The one stretch of an epoch; see ``RowsInChunks.stretches``."""
        if self._packed is not None:
            arrays = self._packed.arrays
            self._packed = None
            while arrays:
                self._matrices.append(to_tensor(arrays.pop(0)))
        order = to_tensor(order_of(seed, epoch, self.num_rows))
        yield Stretch(self._matrices, order, 0, -(-self.num_rows // batch_size))


class RowsInChunks:
    """Training rows of which one chunk lies in memory and the next one is being read.

    Args:
        chunks: ``Chunks``.
        layout: ``Layout`` of the model's inputs.
        tasks: names of the model's tasks.
        labels: ``chunks.labels()``.
    """

    def __init__(self, chunks: Chunks, layout: Layout, tasks: Sequence[str], labels: Split) -> None:
        self.chunks, self.layout, self.tasks = chunks, layout, list(tasks)
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
        reader = _Reader(self, seed, epoch, batch_size, order, ends, step)
        started = time.perf_counter()
        for stretch in read_ahead(reader.read, range(place, len(sizes))):
            if stretch.last > stretch.first:
                yield dataclasses.replace(stretch, waited=time.perf_counter() - started)
                started = time.perf_counter()

    def packed(self, chunk: int) -> PackedSplit:
        """The packed rows of a chunk, checked when they are read for the first time."""
        columns = self.layout.feature_columns
        split = self.chunks.read(chunk, [column.name for column in columns])
        if chunk not in self._checked:
            check_chunk(self.chunks, chunk, split, columns, "train")
            self._checked.add(chunk)
        packed = PackedSplit.of(split, self.layout, self.tasks)
        if (packed.masks is not None) != self.is_masked:
            raise ValueError(f"train, chunk {chunk}: expected label_masks in all chunks or in none")
        return packed


class _Reader:
    """Reads the chunks of one epoch in their order and carries over what is left of each.

    Args:
        rows: where the chunks are.
        seed, epoch, batch_size: see ``RowsInChunks.stretches``.
        order: the chunks in their order.
        ends: rows of the epoch up to the end of each, in that order.
        step: the first step that is left. Rows in front of it are not read again.
    """

    def __init__(
        self,
        rows: RowsInChunks,
        seed: int,
        epoch: int,
        batch_size: int,
        order: np.ndarray,
        ends: np.ndarray,
        step: int,
    ) -> None:
        self.rows, self.seed, self.epoch, self.batch_size = rows, seed, epoch, batch_size
        self.order, self.ends, self.begin = order, ends, step * batch_size
        self.carried: list[np.ndarray] = []

    def _chunk(self, place: int) -> tuple[list[np.ndarray], np.ndarray]:
        """Arrays of the chunk at a place, and the order of its rows."""
        chunk = int(self.order[place])
        size = self.rows.chunks.sizes[chunk]
        return self.rows.packed(chunk).arrays, order_of(self.seed, self.epoch, size, chunk)

    def read(self, place: int) -> Stretch:
        """The stretch of the chunk at a place; places follow each other."""
        arrays, rows = self._chunk(place)
        before = int(self.ends[place - 1]) if place else 0
        num_carried = before % self.batch_size
        if before <= self.begin:
            rows, first = rows[self.begin - before :], self.begin // self.batch_size
        else:
            first = (before - num_carried) // self.batch_size
            arrays = [np.concatenate(pair) for pair in zip(self.carried, arrays, strict=True)]
            rows = np.concatenate([np.arange(num_carried, dtype=np.int32), rows + num_carried])
        num_steps = len(rows) // self.batch_size
        if place == len(self.ends) - 1:
            num_steps = -(-len(rows) // self.batch_size)
        left = rows[num_steps * self.batch_size :]
        self.carried = [array[left] for array in arrays]
        matrices = []
        while arrays:
            matrices.append(to_tensor(arrays.pop(0)))
        return Stretch(matrices, to_tensor(rows), first, first + num_steps)


def training_rows(
    dataset: Dataset | ChunkedDataset, layout: Layout, tasks: Sequence[str], labels: Split
) -> RowsInMemory | RowsInChunks:
    """The training rows of a data set.

    Args:
        dataset: ``Dataset`` or ``ChunkedDataset``.
        layout: ``Layout`` of the model's inputs.
        tasks: names of the model's tasks.
        labels: labels of the training rows.
    """
    if isinstance(dataset, ChunkedDataset):
        return RowsInChunks(dataset.train, layout, tasks, labels)
    return RowsInMemory(PackedSplit.of(dataset.train, layout, tasks))


def predict_chunks(
    model: keras.Model,
    chunks: Chunks,
    layout: Layout,
    tasks: Sequence[str],
    where: str = "evaluate",
    batch_size: int = DEFAULT_BATCH_SIZE,
) -> np.ndarray:
    """Predictions of all rows; features are in memory one chunk, and the next, at a time.

    Args:
        model: Keras model of this library.
        chunks: ``Chunks``.
        layout: ``Layout`` of the model's inputs.
        tasks: names of the outputs, from ``model_tasks``.
        where: what messages call the rows.
        batch_size: rows scored at a time.

    Returns:
        ``(rows, tasks)`` float32.

    Raises:
        ValueError: features that do not fit their columns; the chunk is named.
    """
    columns = layout.feature_columns

    def load(number):
        split = chunks.read(number, [column.name for column in columns])
        check_chunk(chunks, number, split, columns, where)
        return layout.pack(split.features)

    found = np.empty((len(chunks), len(tasks)), np.float32)
    start = 0
    for packed in read_ahead(load, range(len(chunks.sizes))):
        stop = start + len(packed[0])
        found[start:stop] = predict_packed(model, layout, packed, tasks, batch_size)
        start = stop
    return found


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
