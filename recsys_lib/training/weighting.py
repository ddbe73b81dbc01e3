"""How the losses of several tasks become one: what ``fit`` asks of a balancing method.

A balancing method is a description without state, such as ``FixedWeights({"like": 0.5})``. Its
``start`` binds it to a model and returns a ``Weighting``, which holds the variables of one run.
The methods that choose the weights themselves are in ``recsys_lib.multi_task.balancing``.
"""

import dataclasses

import keras

from recsys_lib.training.batches import outputs_by_task

_LOSSES = {
    "binary": keras.losses.binary_crossentropy,
    "regression": keras.losses.mean_squared_error,
}


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
            losses: list of scalars, one for each task, without weights.

        Returns:
            The weights, a list of scalars; a scalar to add to the loss that is reported (it moves
            no weight of the network); a list of scalars to report, one for each of ``columns``.
        """
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class FixedWeights:
    """Weights that stay as they are given.

    Args:
        weights: dict of task to weight; tasks left out have weight 1.

    Raises:
        ValueError: when bound to a model, if it lacks a named task.
    """

    weights: dict | None = None

    def start(self, model, kinds):
        """Bind to a model; ``kinds`` is a dict of its tasks to their kinds."""
        weights = self.weights or {}
        check_named_tasks("loss_weights", weights, kinds)
        return _Constant([weights.get(task, 1.0) for task in kinds])


class _Constant(Weighting):
    def __init__(self, weights):
        self.weights = weights

    def step(self, tape, losses):
        return self.weights, 0.0, []


def check_named_tasks(argument, named, tasks):
    """Raise ``ValueError`` if a dict names a task that a model does not have."""
    unknown = set(named) - set(tasks)
    if unknown:
        raise ValueError(f"{argument}: no such tasks {sorted(unknown)}, have {list(tasks)}")


def check_several(method, kinds):
    """Raise ``ValueError`` if there is nothing to balance."""
    if len(kinds) < 2:
        raise ValueError(f"{method}: expected two tasks or more, the model has {list(kinds)}")


def task_losses(model, outputs, labels, kinds):
    """The mean loss of each task without its weight.

    Binary cross-entropy is computed from the logits behind the sigmoid, so that a confident
    mistake keeps its gradient.

    Args:
        model: Keras model.
        outputs: what it returned.
        labels: ``(batch, tasks)`` in the order of ``kinds``.
        kinds: dict of task to ``"binary"`` or ``"regression"``.

    Returns:
        List of scalars.
    """
    in_order = enumerate(outputs_by_task(model, outputs, list(kinds)))
    functions = [_LOSSES[kind] for kind in kinds.values()]
    return [functions[position](labels[:, position], output) for position, output in in_order]
