"""Activations that are layers: they have weights or statistics of their own for every unit."""

import keras
from keras import ops

from recsys_lib.checks import check_number
from recsys_lib.layers.options import Configured
from recsys_lib.replicas import sum_over_replicas, sums_over_replicas


@keras.saving.register_keras_serializable("recsys_lib")
class Dice(Configured):
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

    Raises:
        ValueError: a momentum outside 0 to 1, or an epsilon below 0.

    Source: Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", section
    5.2, equations 8 and 9.
    """

    reads_step_mask = True

    def __init__(self, momentum=0.9, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        self.momentum = check_number(f"{self.name}, momentum", momentum, 0, 1)
        self.epsilon = check_number(f"{self.name}, epsilon", epsilon, 0)

    def build(self, input_shape):
        # Not cast by Keras: statistics and the normalisation stay in single precision at least.
        options = {"shape": (input_shape[-1],), "autocast": False}
        self.alpha = self.add_weight(name="alpha", initializer="zeros", **options)
        options["trainable"] = False
        self.moving_mean = self.add_weight(name="moving_mean", initializer="zeros", **options)
        options["initializer"] = "ones"
        self.moving_variance = self.add_weight(name="moving_variance", **options)

    def call(self, inputs, step_mask=None, training=None):
        inputs = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        if training:
            mean, variance = self._batch_statistics(inputs, step_mask)
        else:
            mean = ops.cast(self.moving_mean, inputs.dtype)
            variance = ops.cast(self.moving_variance, inputs.dtype)
        alpha = ops.cast(self.alpha, inputs.dtype)
        # The root is one of a vector, and f(x) = x (alpha + (1 - alpha) p): few passes over x.
        p = ops.sigmoid((inputs - mean) * ops.rsqrt(variance + self.epsilon))
        return ops.cast(inputs * (alpha + (1 - alpha) * p), self.compute_dtype)

    def scale_and_shift(self):
        """``r`` and ``t`` of inference, each ``(units,)``: ``p = sigmoid(r x + t)``."""
        scale = ops.rsqrt(self.moving_variance + self.epsilon)
        return scale, -self.moving_mean * scale

    def _batch_statistics(self, inputs, step_mask):
        """Mean and variance of each unit over what the mask counts; moves the moving ones."""
        axes = tuple(range(len(inputs.shape) - 1))
        weight, total = None, ops.cast(ops.size(inputs[..., 0]), inputs.dtype)
        if step_mask is not None:
            weight = ops.expand_dims(ops.cast(step_mask, inputs.dtype), -1)
            total = ops.sum(weight)

        def add_up(values):
            return ops.sum(values if weight is None else weight * values, axis=axes)

        sums, total = sums_over_replicas(add_up(inputs), total)
        count = ops.maximum(total, 1.0)
        mean = sums / count  # (units,)
        variance = sum_over_replicas(add_up(ops.square(inputs - mean))) / count
        # A batch without a real step has no statistics to move towards.
        share = (1.0 - self.momentum) * ops.cast(total > 0, inputs.dtype)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            step = share * (ops.stop_gradient(value) - ops.cast(moving, inputs.dtype))
            moving.assign_add(ops.cast(step, moving.dtype))
        return mean, variance

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable("recsys_lib")
class UnitPReLU(keras.layers.PReLU):
    """Keras's PReLU with one slope for each unit, however many axes lie in front of it.

    Keras gives every step of a sequence slopes of its own unless told which axes share them.
    """

    def build(self, input_shape):
        self.shared_axes = list(range(1, len(input_shape) - 1)) or None
        super().build(input_shape)
