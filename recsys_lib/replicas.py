"""The sum over the replicas of one training step: a hook that ``recsys_pipeline.workers`` sets.

Under ``tf.distribute`` every worker runs the step on its own rows of the batch. Whatever belongs to
the whole batch (the count that a loss is divided by, the moments of a normalization, the gradient)
is then a sum over all replicas. In one process there is no hook, and each function here returns
what it was given.
"""

from typing import Any

import tensorflow as tf
from keras import ops

hook: Any = None
"""None in one process; else the functions below, and ``workers_of`` for ``fit``, by name."""


def num_replicas() -> int:
    """How many replicas run the present step together; 1 outside of any.

    Example:
        >>> num_replicas()
        1
    """
    return 1 if hook is None else hook.num_replicas()


def sums_over_replicas(*tensors: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Each tensor, alike in shape on every replica, added up over all of them."""
    return tensors if hook is None else hook.sums_over_replicas(*tensors)


def sum_over_replicas(tensor: tf.Tensor) -> tf.Tensor:
    """One tensor added up over all replicas."""
    return tensor if hook is None else hook.sums_over_replicas(tensor)[0]


def rows_of_replicas(*tensors: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """The rows of all replicas, ``(rows, ...)`` each; they pass no gradient on."""
    return tensors if hook is None else hook.rows_of_replicas(*tensors)


def slices_of_replicas(slices: Any, slots: Any) -> Any:
    """The gradients of tables of all replicas; of so many slots each, its equal rows joined."""
    return slices if num_replicas() == 1 else hook.slices_of_replicas(slices, slots)


def share_of_mean(of_rows: tf.Tensor) -> tf.Tensor:
    """This replica's share of the mean of ``(rows,)``; all shares add up to the mean."""
    if num_replicas() == 1:
        return ops.mean(of_rows, axis=-1)
    count = sum_over_replicas(tf.cast(tf.size(of_rows), of_rows.dtype))
    return tf.reduce_sum(of_rows, axis=-1) / count


def one_part(loss: tf.Tensor) -> tf.Tensor:
    """This replica's share of a loss that every replica computes in full, a table's norm say."""
    return loss if num_replicas() == 1 else loss / num_replicas()
