"""Private parts of Keras's layers, variables, optimizers and losses that the library uses.

Keras promises nothing about names that begin with an underscore. Each of them that the library
needs is here, or in ``recsys_lib.keras_graphs``, behind a function that says what it gives, and has
a test (``tests/test_keras_internals.py``) that fails when a new version of Keras gives something
else.
"""

from typing import Any

import keras
import tensorflow as tf


def layers_of(model: keras.Model) -> list[keras.layers.Layer]:
    """All layers of a model, those inside other layers too, each once.

    Example:
        >>> inner = keras.Sequential([keras.layers.Dense(1, name="inside")])
        >>> model = keras.Sequential([keras.Input((2,)), inner])
        >>> [layer.name for layer in layers_of(model) if isinstance(layer, keras.layers.Dense)]
        ['inside']
    """
    return model._flatten_layers(include_self=False)


def resource_of(variable: keras.Variable) -> tf.Variable:
    """TensorFlow's variable behind a Keras variable.

    ``tf.gather`` from it reads the rows asked for; from the Keras variable it would first copy the
    whole table.
    """
    return variable._value


def variable_key(optimizer: keras.Optimizer, variable: keras.Variable | tf.Variable) -> int:
    """Return the key under which an optimizer stores a variable's statistics.

    Keras's variable and TensorFlow's behind it have one key, as of the optimizer's ``build``.
    """
    return optimizer._var_key(variable)


class ReducedBefore:
    """Beside an optimizer's class: its gradients are those of all replicas already.

    Keras adds up the gradients of replicas behind ``apply``, after clipping each replica's own and
    with slices of unequal length where replicas read different rows.
    """

    def _all_reduce_sum_gradients(self, grads_and_vars: list[Any]) -> list[Any]:
        return grads_and_vars


def optimizers_by_pattern(
    optimizers: "keras.optimizers.OptimizerMap | keras.optimizers.MultiOptimizer",
) -> dict[str, keras.Optimizer]:
    """The optimizer of each pattern of paths, in the order in which they were given."""
    return optimizers._optimizer_map


def keep_logits(probability: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Lay a logit where Keras's binary cross-entropy looks for the one behind a probability.

    The loss is then computed from the logit, which does not run out of digits near 0 and 1. The
    two tensors have one shape; the probability is what is returned.
    """
    probability._keras_logits = logits
    return probability


def logits_behind(probability: tf.Tensor) -> tf.Tensor:
    """The logit that a sigmoid of Keras, or ``keep_logits``, left at a probability.

    Where there is none it is computed from the probability, and confident ones are clipped.
    """
    found = getattr(probability, "_keras_logits", None)
    if found is not None:
        return found
    epsilon = keras.config.epsilon()
    clipped = tf.clip_by_value(probability, epsilon, 1 - epsilon)
    return tf.math.log(clipped) - tf.math.log1p(-clipped)
