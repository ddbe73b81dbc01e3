"""Looks into built models: what a layer makes of the inputs, and which tensors are stopped."""

import contextlib

import keras
import tensorflow as tf

from recsys_lib.keras_graphs import run_through_graph
from recsys_lib.keras_internals import layers_of


def outputs_of_layers(model, inputs, training=False, seed=0):
    """Run a model eagerly.

    Returns:
        Dict of layer name to the list of its outputs, one for each time it is called, dict of
        layer name to the losses that it added, and dict of layer name to the arguments of its
        calls.
    """
    outputs, losses, calls = {}, {}, {}
    for layer in layers_of(model):
        layer._clear_losses()
    keras.utils.set_random_seed(seed)
    reseed(model, seed)

    def wrap(operation):
        def call(*args, **kwargs):
            if isinstance(operation, keras.layers.Layer) and takes_training(operation):
                kwargs = {**kwargs, "training": training}
            calls.setdefault(operation.name, []).append((args, kwargs))
            result = operation(*args, **kwargs)
            outputs.setdefault(operation.name, []).extend(tf.nest.flatten(result))
            return result

        return call

    run_through_graph(model, in_order(model, inputs), wrap)
    for layer in model.layers:
        losses[layer.name] = [float(loss) for loss in layer.losses]
    return outputs, losses, calls


def outputs_alone(layer, calls, seed=0):
    """What a layer makes of given calls, ``(args, kwargs)`` of each, whatever lies before it."""
    reseed(layer, seed)
    found = []
    for args, kwargs in calls:
        found += tf.nest.flatten(layer(*args, **kwargs))
    return found


def in_order(model, inputs):
    """A dict of arrays as tensors in the order and precision of the model's inputs."""
    return [tf.cast(inputs[tensor.name], tensor.dtype) for tensor in model.inputs]


def takes_training(layer):
    return bool(getattr(layer, "_call_has_training_arg", False))


def reseed(model, seed):
    """Set the state of every seed generator of a model, dropout's among them."""
    for layer in [model, *layers_of(model)]:
        for generator in getattr(layer, "_seed_generators", []):
            generator.state.assign([0, seed])


@contextlib.contextmanager
def frozen_stops(model, stops, recorded=None):
    """Replace stopped gradients by what the paper says, and by nothing where it says nothing.

    Within the context the model runs through ``run`` (see below). A tensor that the row lists is
    held at the value that it had in the first run; any other is passed on as if nothing stopped it.

    Args:
        model: Keras model.
        stops: names of layers, as in ``rows.checked.Checked``.
        recorded: list of the values of the first run, or None in the first run.

    Yields:
        Function ``run(inputs)`` that returns the model's outputs and the list of stopped values.
    """
    values, current, of_layers = [], [], {}
    original = tf.stop_gradient

    def is_listed(tensor):
        inside = bool(current) and current[-1] in stops
        of_listed = any(tensor is output for name in stops for output in of_layers.get(name, []))
        return inside or of_listed

    def stop(tensor, name=None):
        if not is_listed(tensor):
            return tf.convert_to_tensor(tensor)
        values.append(tf.convert_to_tensor(tensor).numpy())
        if recorded is None:
            return tf.convert_to_tensor(tensor)
        return tf.constant(recorded[len(values) - 1])

    def wrap(operation):
        def call(*args, **kwargs):
            current.append(operation.name)
            try:
                result = operation(*args, **kwargs)
            finally:
                current.pop()
            of_layers.setdefault(operation.name, []).extend(tf.nest.flatten(result))
            return result

        return call

    def run(inputs):
        values.clear()
        of_layers.clear()
        return run_through_graph(model, in_order(model, inputs), wrap), list(values)

    tf.stop_gradient = stop
    try:
        yield run
    finally:
        tf.stop_gradient = original
