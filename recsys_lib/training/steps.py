"""How the steps of a run are executed: many in one compiled call, in memory that stays.

A step frees as many megabytes as it takes. The C library gives large blocks back to the operating
system and asks for them anew in the next step, and every page of them is then zeroed and mapped
again: for DIN, with fifty behaviours a row, that was a fifth to a third of a step. And a step reads
rows all over a table: on pages of 2 MiB instead of 4 KiB, whose places the processor remembers, a
model with a million ids a column trained 1.4 times as fast.
"""

import ctypes
import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from recsys_lib import replicas
from recsys_lib.keras_internals import resource_of
from recsys_lib.training.batches import Layout

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Names of the two settings in ``malloc.h`` of the GNU C library."""

_LARGEST_FROM_HEAP = 32 * 2**20
"""Bytes; the largest block that the GNU C library lets come from its heap."""

_NEVER = 2**31 - 1
"""Free bytes at the heap's end above which they are given back."""

_COLLAPSE, _LARGE_PAGE = 25, 2 * 2**20
"""Linux's advice to move memory to large pages, from version 6.1 on, and their bytes."""


def workers_of(model: keras.Model, optimizer: keras.Optimizer) -> Any:
    """The ``Workers`` that train a model together; None for training in one process.

    Raises ``ValueError`` for a strategy of several replicas that nothing joins.
    """
    if replicas.hook is not None:
        return replicas.hook.workers_of(model, optimizer)
    found = [resource_of(variable) for variable in model.variables]
    if tf.distribute.get_strategy().num_replicas_in_sync > 1 or any(
        isinstance(one, tf.distribute.DistributedValues) for one in found
    ):
        raise ValueError(
            "fit: expected the strategy of recsys_pipeline.workers.join_workers, got another"
        )
    return None


def compile_steps(
    train_on_batch: Callable[..., tf.Tensor],
    layout: Layout,
    num_tasks: int,
    is_masked: bool,
    counts: Callable[..., Sequence[Any]],
    workers: Any = None,
    *,
    has_groups: bool = False,
) -> Callable[..., tf.Tensor]:
    """Trace a function that trains on a stretch of an epoch.

    Args:
        train_on_batch: function of a batch's ids, numbers, labels and, where there are, masks;
            returns what the history reports.
        layout, num_tasks, is_masked: of the ids and numbers; columns of the labels; whether there
            are masks of these.
        counts: function of the rows of a batch and of the rows with each task's label (or None);
            gives the rows behind each number that is reported.
        workers: the ``Workers`` of ``recsys_pipeline`` that share every batch, or None.
        has_groups: whether the batch's groups come last, for an objective that reads them.

    Returns:
        Function of the matrices ids, numbers, labels and, where there are, masks and groups; the
        order of the rows; the first step and the one after the last; and the batch size. It returns
        the reported numbers, each summed over the rows behind it.
    """
    kinds = [tf.float32, tf.bool] if is_masked else [tf.float32]
    scalar = tf.TensorSpec([], tf.int32)
    signature = [
        *layout.specs,
        *(tf.TensorSpec([None, num_tasks], kind) for kind in kinds),
        *([tf.TensorSpec([None], tf.int32)] if has_groups else []),
        tf.TensorSpec([None], tf.int32),
        *(scalar, scalar, scalar),
    ]
    num_reported, num_plain = len(counts(0, None)), 4 if is_masked else 3

    @tf.function(input_signature=signature, autograph=False)
    def run(*arguments):
        *matrices, order, first_step, last_step, batch_size = arguments

        def rows_of_tasks(batch):
            return tf.reduce_sum(tf.cast(batch[3], tf.float32), axis=0)

        def train_on_rows(rows):
            batch = [tf.gather(all_rows, rows) for all_rows in matrices]
            behind = [replicas.sum_over_replicas(rows_of_tasks(batch))] if is_masked else []
            return tf.concat(
                [
                    train_on_batch(*batch[:num_plain], groups=batch[-1] if has_groups else None),
                    *behind,
                ],
                axis=0,
            )

        def step(index, total):
            rows = order[index * batch_size : (index + 1) * batch_size]
            if workers is None:
                batch = [tf.gather(matrix, rows) for matrix in matrices]
                reported = train_on_batch(
                    *batch[:num_plain], groups=batch[-1] if has_groups else None
                )
                of_tasks = rows_of_tasks(batch) if is_masked else None
            else:
                found = workers.run(train_on_rows, rows, batch_size, in_runs=has_groups)
                reported, of_tasks = found[:num_reported], found[num_reported:]
            num_rows = tf.cast(tf.size(rows), tf.float32)
            if not is_masked:
                return index + 1, total + reported * num_rows
            of_tasks = tf.unstack(of_tasks, num_tasks)
            return index + 1, total + reported * tf.stack(counts(num_rows, of_tasks))

        if workers is not None:
            workers.move_seeds(1)
        _, total = tf.while_loop(
            lambda index, _: index < last_step,
            step,
            (first_step, tf.zeros([num_reported])),
            parallel_iterations=1,
        )
        if workers is not None:
            workers.move_seeds(-1)
        return total

    return run.get_concrete_function()


@functools.cache
def keep_freed_memory() -> bool:
    """Keep freed blocks of up to 32 MiB for the next step, in the whole process.

    ``Trainer`` calls it. The process then holds what it once needed; no result changes. Nothing is
    done where the environment has settings of its own (``MALLOC_TRIM_THRESHOLD_``,
    ``MALLOC_MMAP_THRESHOLD_``) or the C library is not GNU's.

    Returns:
        Whether both settings are in force by this call.
    """
    is_set = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"} & set(os.environ)
    if is_set or not sys.platform.startswith("linux"):
        return False
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return False
    return all(
        set_option(name, value) == 1
        for name, value in [(_MMAP_THRESHOLD, _LARGEST_FROM_HEAP), (_TRIM_THRESHOLD, _NEVER)]
    )


def move_to_large_pages(variables: Iterable[keras.Variable]) -> int:
    """Move variables above 32 MiB, which have blocks of their own, to pages of 2 MiB.

    ``fit`` calls it; a gigabyte takes a second, and no value changes. What the system refuses
    (before Linux 6.1, or without free large pages) stays where it is.

    Returns:
        The bytes that are moved.
    """
    moved = 0
    for variable in variables if sys.platform.startswith("linux") else ():
        resource = resource_of(variable)
        if "CPU" in resource.device and variable.dtype == "float32":
            values = np.asarray(memoryview(resource.read_value()))  # the variable's own memory
            first = -(-values.ctypes.data // _LARGE_PAGE) * _LARGE_PAGE
            size = (values.ctypes.data + values.nbytes) // _LARGE_PAGE * _LARGE_PAGE - first
            where = ctypes.c_void_p(first), ctypes.c_size_t(size)
            if values.nbytes > _LARGEST_FROM_HEAP:
                moved += 0 if ctypes.CDLL(None).madvise(*where, _COLLAPSE) else size
    return moved
