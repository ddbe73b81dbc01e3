"""Sums over the replicas of one training step, with gradients, and the rows of all replicas.

Under ``tf.distribute`` every worker runs the step on its own rows of the batch. What belongs to the
whole batch (the count that a loss is divided by, the mean of a normalization, the gradient) is then
a sum over all workers. A loss here is a worker's *share*: its rows' sum divided by the count
of all rows, so that the shares, and with them the gradients, add up to those of the whole batch.

``recsys_pipeline.workers.distributed`` hands these functions to ``recsys_lib.replicas``. With one
replica every function returns what it was given, and adds no operation to a graph.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

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
    return tuple(replica_context().all_reduce(tf.distribute.ReduceOp.SUM, list(tensors)))


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


def _where(is_there, rows):
    return tf.cond(tf.reduce_all(is_there), lambda: rows, lambda: tf.boolean_mask(rows, is_there))
