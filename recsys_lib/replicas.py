"""What the replicas of one training step have in common: sums with their gradient, and rows.

Under ``tf.distribute`` every worker runs the step on its own rows of the batch. Whatever belongs to
the whole batch (the count that a loss is divided by, the mean of a normalization, the gradient) is
then a sum over all of them. A loss here is a worker's *share*: its rows' sum divided by the count
of all rows, so that the shares, and with them the gradients, add up to those of the whole batch.

With one replica every function returns what it was given, and adds no operation to a graph.
"""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf
from keras import ops

# A replica is traced in a thread of its own.
_present = threading.local()


def replica_context() -> Any:
    """TensorFlow's ``ReplicaContext`` of the step that is traced; None between steps."""
    return tf.distribute.get_replica_context()


def num_replicas() -> int:
    """How many replicas run the present step together; 1 outside of any.

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
        tensors: of one type; of the same shape on every replica.

    Returns:
        As many tensors, the same on every replica.
    """
    if num_replicas() == 1 or not tensors:
        return tensors
    return tuple(replica_context().all_reduce(tf.distribute.ReduceOp.SUM, list(tensors)))


def sum_over_replicas(tensor: tf.Tensor) -> tf.Tensor:
    """One tensor added up over all replicas, see ``sums_over_replicas``.

    Args:
        tensor: of the same shape on every replica.

    Returns:
        The same on every replica.
    """
    return sums_over_replicas(tensor)[0]


@contextlib.contextmanager
def batch_of_rows(num_rows: tf.Tensor, at_most: tf.Tensor) -> Iterator[None]:
    """While it lasts, a replica knows what the batches of a compiled loop have in common.

    In a loop TensorFlow exchanges tensors of one shape in all steps, though the last batch may be
    short; ``rows_of_replicas`` then pads what it sends to what the longest batch would need.

    Args:
        num_rows: rows of this batch, of all replicas together.
        at_most: rows that one replica has of the longest batch.
    """
    _present.batch = (num_rows, at_most)
    try:
        yield
    finally:
        _present.batch = None


def rows_of_replicas(*tensors: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """The rows of all replicas, one replica's behind another's; of these there is no gradient.

    Args:
        tensors: ``(rows, ...)``, alike in their numbers of rows. Replicas may have different
            numbers, but as many for each row of the batch.

    Returns:
        ``(rows of all replicas, ...)`` each, the same on every replica.
    """
    count = num_replicas()
    if count == 1:
        return tensors
    context = replica_context()
    own = tf.shape(tensors[0])[0]
    lengths = sum_over_replicas(tf.one_hot(context.replica_id_in_sync_group, count, own, 0))
    size = tf.reduce_max(lengths)
    if getattr(_present, "batch", None) is not None:
        num_rows, at_most = _present.batch
        size = at_most * -(-tf.reduce_sum(lengths) // num_rows)
    is_there = tf.reshape(tf.sequence_mask(lengths, size), [-1])
    found = []
    for tensor in tensors:
        behind = [[0, size - own], *[[0, 0]] * (len(tensor.shape) - 1)]
        gathered = context.all_gather(tf.pad(tf.stop_gradient(tensor), behind), axis=0)
        # Only a short batch, or one that is not divided evenly, leaves room.
        found.append(_where(is_there, gathered))
    return tuple(found)


def _where(is_there, rows):
    return tf.cond(tf.reduce_all(is_there), lambda: rows, lambda: tf.boolean_mask(rows, is_there))


def share_of_mean(of_rows: tf.Tensor) -> tf.Tensor:
    """This replica's share of the mean over the rows of all replicas.

    Args:
        of_rows: ``(rows,)``.

    Returns:
        A scalar; the shares of all replicas add up to the mean.
    """
    if num_replicas() == 1:
        return ops.mean(of_rows, axis=-1)
    count = sum_over_replicas(tf.cast(tf.size(of_rows), of_rows.dtype))
    return tf.reduce_sum(of_rows, axis=-1) / count


def one_part(loss: tf.Tensor) -> tf.Tensor:
    """This replica's share of a loss that every replica computes in full, such as a table's norm.

    Args:
        loss: the same on every replica.

    Returns:
        The shares of all replicas add up to it.
    """
    return loss if num_replicas() == 1 else loss / num_replicas()


def sum_duplicates(gradient: tf.IndexedSlices) -> tf.IndexedSlices:
    """Add up the gradients of rows that occur several times.

    Args:
        gradient: ``tf.IndexedSlices`` of a table ``(rows, dim)``.

    Returns:
        ``tf.IndexedSlices`` in which each row occurs once.
    """
    rows, position = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, position, tf.size(rows))
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def sum_gradients(gradients: Sequence[Any]) -> list[Any]:
    """The gradients of all replicas added up, those of a table row by row.

    Replicas read different numbers of distinct rows, so their slices are gathered and then added.

    Args:
        gradients: dense, ``tf.IndexedSlices``, or None where a variable has none.

    Returns:
        List of the same kinds; no row of a table occurs twice.
    """
    dense = [g for g in gradients if g is not None and not isinstance(g, tf.IndexedSlices)]
    reduced = iter(sums_over_replicas(*dense))
    summed: list[Any] = []
    for gradient in gradients:
        if isinstance(gradient, tf.IndexedSlices):
            summed.append(_sum_slices(gradient))
        else:
            summed.append(None if gradient is None else next(reduced))
    return summed


def _sum_slices(gradient):
    if num_replicas() > 1:
        # Equal rows are joined behind the exchange alone: what is sent has one shape in all steps.
        rows, values = rows_of_replicas(gradient.indices, gradient.values)
        gradient = tf.IndexedSlices(values, rows, gradient.dense_shape)
    return sum_duplicates(gradient)
