"""Private parts of the graph of a Keras model that the library uses.

See ``recsys_lib.keras_internals`` for why these functions have a place and tests of their own.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np


def call_once(model: keras.Model) -> None:
    """Call a model on one row of zeros: Keras exports only models that were called."""
    model(keras.tree.map_structure(lambda x: np.zeros((1, *x.shape[1:]), x.dtype), model.input))


def run_through_graph(
    model: keras.Model, inputs: list[Any], wrap: Callable[[Any], Callable[..., Any]]
) -> Any:
    """Walk through the operations of a functional model in their order.

    Args:
        inputs: a value for each of ``model.inputs``, in their order; anything, since nothing but
            the operations looks at it.
        wrap: makes of an operation (a layer, or an operation of ``keras.ops``) the function that
            is called with its arguments in its place.

    Returns:
        What the last operations returned, in the structure of ``model.output``.
    """
    return model._run_through_graph(inputs, operation_fn=wrap)


def joined_axis(operation: keras.Operation) -> int | None:
    """The axis along which an operation of a graph joins tensors; None for any other operation.

    ``keras.ops.concatenate`` and the layer ``Concatenate`` are such operations.
    """
    is_layer = isinstance(operation, keras.layers.Concatenate)
    return operation.axis if is_layer or _is_operation(operation, "Concatenate") else None


def new_shape(operation: keras.Operation) -> tuple[int, ...] | None:
    """The shape, batch axis included, that ``keras.ops.reshape`` gives; None for others."""
    return tuple(operation.newshape) if _is_operation(operation, "Reshape") else None


def leaves_values_alone(operation: keras.Operation) -> bool:
    """Whether an operation returns each value of its one tensor as it is, in the same place."""
    return isinstance(operation, keras.layers.Identity) or _is_operation(operation, "StopGradient")


def works_elementwise(operation: keras.Operation) -> bool:
    """Whether an operation combines tensors entry by entry and repeats axes of length 1."""
    layers = keras.layers.Add | keras.layers.Subtract | keras.layers.Multiply | keras.layers.Average
    return isinstance(operation, layers) or _is_operation(
        operation, "Add", "Subtract", "Multiply", "TrueDivide", "Maximum", "Minimum"
    )


def _is_operation(operation, *names):
    """Whether a graph's operation is that of ``keras.ops`` with one of the names."""
    kind = type(operation)
    own = kind.__module__.startswith("keras.") and not isinstance(operation, keras.layers.Layer)
    return own and kind.__name__ in names


class Call(NamedTuple):
    """A call of a layer or operation in the graph of a model.

    Args:
        operation: what is called.
        args, kwargs: what with: symbolic tensors, alone or in structures, and other values.
        inputs, outputs: the symbolic tensors among its arguments, and those it returns, flat.
    """

    operation: keras.Operation
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: list[keras.KerasTensor]
    outputs: list[keras.KerasTensor]


def calls_of(model: keras.Model) -> list[Call]:
    """The calls of a functional model, those of its input layers first.

    In their order every tensor is made before it is used.
    """
    depths = sorted(model._nodes_by_depth, reverse=True)
    nodes = [node for depth in depths for node in model._nodes_by_depth[depth]]
    nodes.sort(key=lambda node: not node.is_input)
    return [
        Call(
            node.operation,
            node.arguments.args,
            node.arguments.kwargs,
            list(node.input_tensors),
            list(node.output_tensors),
        )
        for node in nodes
    ]


def last_hidden(model: keras.Model, task: str) -> keras.KerasTensor:
    """The vector of which a ``Dense`` layer of one unit makes a task's logit.

    Args:
        model: a functional model.
        task: name of the layer that makes the task's output.

    Raises:
        ValueError: no network makes the logit, or several do.
    """
    makers = {id(tensor): call for call in calls_of(model) for tensor in call.outputs}

    def has_weights(tensor):
        call = makers[id(tensor)]
        is_layer = isinstance(call.operation, keras.layers.Layer)
        return (is_layer and bool(call.operation.weights)) or any(map(has_weights, call.inputs))

    heads = [call for call in makers.values() if call.operation.name == task]
    logits = [makers[id(tensor)] for call in heads[:1] for tensor in call.inputs]
    # The linear term's layer of numbers reads inputs alone.
    found = [
        call.inputs[0]
        for call in logits
        if isinstance(call.operation, keras.layers.Dense) and has_weights(call.inputs[0])
    ]
    if len(found) != 1:
        raise ValueError(
            f"model {model.name!r}: expected a network whose last layer is the logit of {task!r}, "
            f"got {[call.operation.name for call in logits]}"
        )
    return found[0]
