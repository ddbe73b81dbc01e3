"""The training rows of a run in the order of each epoch.

The order of an epoch is drawn from ``[seed, epoch]``. Rows that do not lie in memory come from
``recsys_pipeline.chunks``, whose order and batches ``recsys_pipeline.chunks.reading`` explains.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from recsys_lib.data.dataset import AnyDataset
from recsys_lib.data.splits import Split
from recsys_lib.training.batches import Layout, PackedSplit, to_tensor

STEPS_PER_CALL = 200
"""Steps between two updates of the progress bar; the compiled loop runs that long undisturbed."""


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Steps of an epoch whose rows lie in memory.

    Args:
        matrices: tensors ids, numbers, labels and, where there are, masks and groups.
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


def order_of(
    seed: int,
    epoch: int,
    num_rows: int,
    chunk: int | None = None,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """The order of some rows in one epoch, int32: of those of a chunk, or of all in memory.

    Where each row's group is given, the rows of one group follow each other.
    """
    random = np.random.default_rng([seed, epoch] if chunk is None else [seed, epoch, chunk])
    rows = random.permutation(np.arange(num_rows, dtype=np.int32))
    if groups is None:
        return rows
    names, code = np.unique(groups, return_inverse=True)
    place = random.permutation(len(names))
    return rows[np.argsort(place[code[rows]], kind="stable")]


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
        self._groups = packed.groups
        self._matrices: list[tf.Tensor] = []

    def digest(self) -> str:
        """A hash of all values; before the first epoch."""
        assert self._packed is not None
        return self._packed.digest()

    def stretches(self, seed: int, epoch: int, step: int, batch_size: int) -> Iterator[Stretch]:
        """The one stretch of an epoch; see ``RowsInChunks`` of ``recsys_pipeline``."""
        if self._packed is not None:
            arrays = self._packed.arrays
            self._packed = None
            while arrays:
                self._matrices.append(to_tensor(arrays.pop(0)))
        order = to_tensor(order_of(seed, epoch, self.num_rows, groups=self._groups))
        yield Stretch(self._matrices, order, 0, -(-self.num_rows // batch_size))


def training_rows(
    dataset: AnyDataset,
    layout: Layout,
    tasks: Any,
    labels: Split,
    workers: Any,
    groups: np.ndarray | None = None,
) -> Any:
    """The training rows of a data set.

    Args:
        dataset: the data set.
        layout, tasks, labels, workers, groups: as for ``Chunks.training_rows``.

    Returns:
        ``RowsInMemory``, or ``RowsInChunks`` of ``recsys_pipeline``.
    """
    split = dataset.train
    if isinstance(split, Split) and workers is not None:
        split = workers.chunks_of(split)
    if not isinstance(split, Split):
        return split.training_rows(layout, tasks, labels, workers, groups)
    return RowsInMemory(PackedSplit.of(split, layout, tasks, groups=groups))
