"""Sums over the replicas of one training step, with gradients, and the rows of all replicas.

Under ``tf.distribute`` every worker runs the step on its own rows of the batch. What belongs to the
whole batch (the count that a loss is divided by, the mean of a normalization, the gradient) is then
a sum over all workers. A loss here is a worker's *share*: its rows' sum divided by the count
of all rows, so that the shares, and with them the gradients, add up to those of the whole batch.

``recsys_pipeline.workers.distributed`` hands these functions to ``recsys_lib.replicas``. With one
replica every function returns what it was given, and adds no operation to a graph.
"""

import contextlib
import itertools
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

NUM_SIZES = 8
"""Sizes that an exchange of a table's gradients may have: eighths of what a batch could need."""

# Numbers that TensorFlow's own groups and exchanges, which it counts from 1, do not reach.
_GROUP, _instances = 2**30, itertools.count(2**30)

# Each replica is traced in another thread.
_present = threading.local()


def replica_context() -> Any:
    """TensorFlow's ``ReplicaContext`` of the step that is being traced; None between steps."""
    return tf.distribute.get_replica_context()


def num_replicas() -> int:
    """The number of replicas that run the present step together; 1 outside of a step.

    Example:
        >>> num_replicas()
        1
    """
    context = replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def sums_over_replicas(*tensors: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Each tensor added up over all replicas, in one exchange.

    The gradient of such a sum is the sum of the replicas' gradients.

    Args:
        tensors: of one type, and of the same shape on every replica.

    Returns:
        As many tensors, the same on every replica.
    """
    if num_replicas() == 1 or not tensors:
        return tensors
    # An exchange takes a while however little is sent: all tensors go in one.
    flat = tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)
    (total,) = replica_context().all_reduce(tf.distribute.ReduceOp.SUM, [flat])
    sizes = tf.stack([tf.size(tensor) for tensor in tensors])
    parts = tf.split(total, sizes, num=len(tensors))
    return tuple(
        tf.ensure_shape(tf.reshape(part, tf.shape(tensor)), tensor.shape)
        for part, tensor in zip(parts, tensors, strict=True)
    )


@contextlib.contextmanager
def batch_of_rows(num_rows: tf.Tensor, at_most: tf.Tensor) -> Iterator[None]:
    """Context in which a replica knows the sizes of the batches of a compiled loop.

    In a loop TensorFlow exchanges tensors of the same shape in all steps, though the last batch may
    be short; so ``rows_of_replicas`` pads tensors to the size that the longest batch needs.

    Args:
        num_rows: rows of this batch, of all replicas together.
        at_most: rows of the longest batch on one replica.
    """
    _present.batch = (num_rows, at_most)
    try:
        yield
    finally:
        _present.batch = None


def rows_of_replicas(*tensors: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """The rows of all replicas, concatenated; they have no gradient.

    Args:
        tensors: ``(rows, ...)``, all with the same number of rows. Replicas may have different
            numbers, but equally many for each row of the batch.

    Returns:
        ``(rows of all replicas, ...)`` each, the same on every replica.
    """
    count = num_replicas()
    if count == 1:
        return tensors
    context = replica_context()
    own = tf.shape(tensors[0])[0]
    (lengths,) = sums_over_replicas(tf.one_hot(context.replica_id_in_sync_group, count, own, 0))
    size = tf.reduce_max(lengths)
    if getattr(_present, "batch", None) is not None:
        num_rows, at_most = _present.batch
        size = at_most * -(-tf.reduce_sum(lengths) // num_rows)
    is_there = tf.reshape(tf.sequence_mask(lengths, size), [-1])
    found = []
    for tensor in tensors:
        behind = [[0, size - own], *[[0, 0]] * (len(tensor.shape) - 1)]
        gathered = context.all_gather(tf.pad(tf.stop_gradient(tensor), behind), axis=0)
        # Only a short batch, or one that is not divided evenly, is padded.
        found.append(_where(is_there, gathered))
    return tuple(found)


def slices_of_replicas(
    slices: Sequence[tf.IndexedSlices], slots: Sequence[tf.Tensor]
) -> list[tf.IndexedSlices]:
    """The gradients of tables of all replicas, one behind the other.

    Each replica has joined its equal rows, so fewer rows are sent than were read. How many they are
    differs from step to step, and an exchange has one shape in all steps of a loop; so there is an
    exchange for each of ``NUM_SIZES`` sizes, and the smallest that is large enough is taken.

    Args:
        slices: a gradient of each table, float32.
        slots: how many rows of the table each was made of.

    Returns:
        The gradients with the rows of all replicas, the same on every replica.
    """
    context, count = replica_context(), num_replicas()
    own = tf.one_hot(context.replica_id_in_sync_group, count, dtype=tf.int32)
    lengths = tf.stack([tf.size(one.indices) for one in slices])
    mine = tf.concat([lengths[:, None] * own, tf.stack(slots)[:, None]], axis=1)
    (facts,) = sums_over_replicas(mine)
    return [_gathered(one, facts[n, :-1], facts[n, -1]) for n, one in enumerate(slices)]


def _gathered(gradient, lengths, slots):
    """One gradient of all replicas, of which each has so many rows, made of so many slots."""
    longest = tf.reduce_max(lengths)
    ids = tf.bitcast(tf.cast(gradient.indices, tf.int32), tf.float32)
    packed = tf.concat([ids[:, None], gradient.values], axis=1)  # one exchange instead of two

    def padded(size):
        return tf.pad(packed, [[0, size - tf.shape(packed)[0]], [0, 0]])

    if getattr(_present, "batch", None) is None:
        found = replica_context().all_gather(padded(longest), axis=0)
    else:
        num_rows, at_most = _present.batch
        most = at_most * -(-slots // num_rows)
        sizes = [-(-most * part // NUM_SIZES) for part in range(1, NUM_SIZES + 1)]
        branches = [lambda size=size: _all_gather(padded(size)) for size in sizes]
        found = tf.switch_case(
            tf.reduce_sum(tf.cast(longest > tf.stack(sizes), tf.int32)), branches
        )
    size = tf.shape(found)[0] // num_replicas()
    found = tf.boolean_mask(found, tf.reshape(tf.sequence_mask(lengths, size), [-1]))
    rows = tf.cast(tf.bitcast(found[:, 0], tf.int32), gradient.indices.dtype)
    values = tf.ensure_shape(found[:, 1:], (None, *gradient.values.shape[1:]))
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def _all_gather(tensor):
    """The rows of all replicas, by TensorFlow's operation itself: a strategy has none in a branch.

    Every worker makes the same exchanges in the same order, and so numbers them alike.
    """
    return tf.raw_ops.CollectiveGatherV2(
        input=tensor,
        group_size=num_replicas(),
        group_key=_GROUP,
        instance_key=_next_instance(),
        ordering_token=[],
        communication_hint="ring",
    )


def _next_instance():
    """A number for one exchange of one call: of a number TensorFlow keeps the first shape for good.

    A later call may train with another batch size.
    """
    graph = tf.compat.v1.get_default_graph()
    while getattr(graph, "is_control_flow_graph", False):  # a loop's body or a branch
        graph = graph.outer_graph
    with graph.as_default():
        return graph.capture_call_time_value(
            lambda: tf.constant(next(_instances)), tf.TensorSpec([], tf.int32)
        )


def _where(is_there, rows):
    return tf.cond(tf.reduce_all(is_there), lambda: rows, lambda: tf.boolean_mask(rows, is_there))
