"""Activations that are layers: they have weights or statistics of their own for every unit."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("recsys_lib")
class Dice(keras.layers.Layer):
    """A PReLU whose kink sits where the data are, and is soft.

        p = sigmoid((x - mean) / sqrt(variance + epsilon)),    f(x) = p x + (1 - p) alpha x

    ``alpha`` is learned, one for each unit, and starts at zero. Training uses the batch's mean and
    variance; inference uses moving ones, so that a row's output does not depend on its neighbours.

    Call arguments:
        inputs: ``(..., units)``.
        step_mask: of the shape of ``inputs`` without the last axis; statistics count entries with
            1 only. Default: all of them. Where nothing counts, the moving statistics stay as
            they are.

    Returns:
        The shape of ``inputs``.

    Args:
        momentum: share of the moving statistics that a step keeps.
        epsilon: added to the variance.

    Source: Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", section
    5.2, equations 8 and 9.
    """

    def __init__(self, momentum=0.9, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape):
        units = (input_shape[-1],)
        self.alpha = self.add_weight(name="alpha", shape=units, initializer="zeros")
        self.moving_mean = self.add_weight(
            name="moving_mean", shape=units, initializer="zeros", trainable=False
        )
        self.moving_variance = self.add_weight(
            name="moving_variance", shape=units, initializer="ones", trainable=False
        )

    def call(self, inputs, step_mask=None, training=None):
        if training:
            mean, variance = self._batch_statistics(inputs, step_mask)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        p = ops.sigmoid((inputs - mean) / ops.sqrt(variance + self.epsilon))
        return p * inputs + (1 - p) * self.alpha * inputs

    def _batch_statistics(self, inputs, step_mask):
        """Mean and variance of each unit over what the mask counts; moves the moving ones."""
        weight = ops.ones_like(inputs[..., :1])
        if step_mask is not None:
            weight = weight * ops.expand_dims(ops.cast(step_mask, inputs.dtype), -1)
        axes = tuple(range(len(inputs.shape) - 1))
        total = ops.sum(weight)
        count = ops.maximum(total, 1.0)
        mean = ops.sum(weight * inputs, axis=axes) / count  # (units,)
        variance = ops.sum(weight * ops.square(inputs - mean), axis=axes) / count
        # A batch without a real step has no statistics to move towards.
        share = ops.where(total > 0, 1.0 - self.momentum, 0.0)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign_add(share * (ops.stop_gradient(value) - moving))
        return mean, variance

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("recsys_lib")
class UnitPReLU(keras.layers.PReLU):
    """Keras's PReLU with one slope for each unit, however many axes lie in front of it.

    Keras gives every step of a sequence slopes of its own unless told which axes share them.
    """

    def build(self, input_shape):
        self.shared_axes = list(range(1, len(input_shape) - 1)) or None
        super().build(input_shape)


LAYERS = {"dice": Dice, "prelu": UnitPReLU}
"""Activations that ``MLP`` knows by name beside those of Keras."""


def activation_layer(activation, name):
    """A fresh layer: for a name of ``LAYERS``, or for whatever Keras's ``Activation`` takes."""
    if isinstance(activation, str) and activation in LAYERS:
        return LAYERS[activation](name=name)
    return keras.layers.Activation(activation, name=name)
