"""How the losses of several tasks become one: what ``fit`` asks of a balancing method.

A balancing method is a description without state, such as ``FixedWeights({"like": 0.5})``. Its
``start`` binds it to a model and returns a ``Weighting``, which holds the variables of one run.
The methods that choose the weights themselves are in ``recsys_lib.multi_task.balancing``.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from keras import ops

from recsys_lib.checks import check_number
from recsys_lib.replicas import num_replicas, share_of_mean, sum_over_replicas
from recsys_lib.training.batches import outputs_by_task


class Weighting:
    """The weights of one run. Subclasses choose them.

    ``variables`` are TensorFlow variables besides the model's: ``fit`` stores them in checkpoints
    and sets them back in a restart. ``columns`` names what ``step`` reports beside the weights.
    """

    variables = ()
    columns = ()

    def step(self, tape, losses):
        """Weigh one batch, inside the compiled function, and update the own variables.

        Args:
            tape: persistent ``tf.GradientTape`` that recorded the losses.
            losses: list of scalars, one for each task, without weights. Where the step runs in
                replicas each has its share of them, see ``recsys_lib.replicas``; all replicas must
                come to the same weights.

        Returns:
            The weights, a list of scalars; a scalar to add to the loss that is reported (it moves
            no weight of the network); a list of scalars to report, one for each of ``columns``.
        """
        raise NotImplementedError

    def end_epoch(self):
        """Update the own variables between two epochs; most methods have nothing to do."""


@dataclasses.dataclass(frozen=True)
class FixedWeights:
    """Weights that stay as they are given.

    Args:
        weights: dict of task to weight, 0 or more; tasks left out have weight 1.

    Raises:
        ValueError: no dict, or a weight below 0; when bound to a model, if it lacks a named task,
            or if all its tasks have weight 0.
    """

    weights: dict | None = None

    def __post_init__(self):
        if self.weights is None:
            return
        if not isinstance(self.weights, Mapping):
            raise ValueError(
                f"loss_weights: expected a dict of task to weight, got {self.weights!r}"
            )
        for task, weight in self.weights.items():
            check_number(f"loss_weights[{task!r}]", weight, 0)

    def start(self, model, kinds):
        """Bind to a model; ``kinds`` is a dict of its tasks to their kinds."""
        weights = self.weights or {}
        check_named_tasks("loss_weights", weights, kinds)
        of_tasks = [weights.get(task, 1.0) for task in kinds]
        if not any(of_tasks):
            raise ValueError(
                f"loss_weights: expected a weight above 0 for one of {list(kinds)}, got {weights}"
            )
        return _Constant(of_tasks)


class _Constant(Weighting):
    def __init__(self, weights):
        self.weights = weights

    def step(self, tape, losses):
        return self.weights, 0.0, []


def check_balancing(balancing, loss_weights, where=""):
    """Raise ``ValueError`` unless it is a method, with no weights beside it, or None."""
    if balancing is None:
        return
    if isinstance(balancing, type) or not hasattr(balancing, "start"):
        raise ValueError(
            f"{where}balancing: expected a method of recsys_lib.multi_task.balancing such as "
            f"GradNorm(), got {balancing!r}"
        )
    if loss_weights is not None:
        raise ValueError(
            f"{where}loss_weights: {balancing!r} chooses the weights, expected none beside it, "
            f"got {dict(loss_weights)}"
        )


def check_named_tasks(argument, named, tasks):
    """Raise ``ValueError`` if a dict names a task that a model does not have."""
    unknown = set(named) - set(tasks)
    if unknown:
        raise ValueError(f"{argument}: no such tasks {sorted(unknown)}, have {list(tasks)}")


def check_several(method, kinds):
    """Raise ``ValueError`` if there is nothing to balance."""
    if len(kinds) < 2:
        raise ValueError(f"{method}: expected two tasks or more, the model has {list(kinds)}")


def added_losses(model: Any) -> tf.Tensor:
    """The losses that layers added in the last call, and the regularizers' penalties.

    Of a step that runs in replicas it is this replica's share.
    """
    # Under a mixed policy layers may add losses in half precision.
    added = [tf.cast(loss, tf.float32) for loss in model.losses]
    total = tf.add_n(added) if added else tf.constant(0.0)
    if num_replicas() == 1:
        return total
    # Every replica has what a regularizer asks for in full.
    of_weights = [v.regularizer(v) for v in model.trainable_variables if v.regularizer is not None]
    surplus = 1 - 1 / num_replicas()
    return total - surplus * sum(tf.cast(loss, tf.float32) for loss in of_weights)


def task_losses(
    model: Any,
    outputs: Any,
    labels: tf.Tensor,
    kinds: Mapping[str, str],
    masks: tf.Tensor | None = None,
) -> list[tf.Tensor]:
    """The mean loss of each task over its own rows, without its weight.

    Binary cross-entropy is computed from the logits behind the sigmoid, so that a confident
    mistake keeps its gradient.

    Args:
        model, outputs: Keras model, and what it returned.
        labels: ``(batch, tasks)`` in the order of ``kinds``.
        kinds: dict of task to ``"binary"`` or ``"regression"``.
        masks: booleans ``(batch, tasks)``, the rows on which each task has a label; a task
            without one in the batch has loss 0 and no gradient. None: all rows.

    Returns:
        List of scalars; of a step that runs in replicas, this replica's share of each mean.
    """
    predictions = outputs_by_task(model, outputs, list(kinds))
    losses = []
    for position, kind in enumerate(kinds.values()):
        of_rows = row_losses(kind, labels[:, position], predictions[position])
        losses.append(mean_over(of_rows, None if masks is None else masks[:, position]))
    return losses


def row_losses(kind: str, label: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """The loss of each row of one task, ``(batch,)``."""
    label = ops.cast(label, prediction.dtype)
    if kind == "binary":
        # Keras finds the logits behind the sigmoid if it is given the sigmoid's own tensor.
        of_rows = ops.binary_crossentropy(label, prediction)
    else:
        of_rows = ops.square(label - prediction)
    beside = getattr(prediction, "_recsys_beside", None)  # weight and prediction, of SIM's head
    if beside is None:
        return of_rows
    weight, other = beside
    return of_rows + weight * row_losses(kind, label, other)


def mean_over(of_rows: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Mean over the rows where the mask is True, 0 where there is none; without a mask over all."""
    if mask is None:
        return share_of_mean(of_rows)
    total = tf.reduce_sum(tf.where(mask, of_rows, tf.zeros_like(of_rows)))
    count = sum_over_replicas(tf.cast(tf.math.count_nonzero(mask), of_rows.dtype))
    return total / tf.maximum(count, 1)
