"""Batch normalization of hidden layers, and what a builder's ``batch_normalization`` may say of it.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta

Epsilon is more than a guard against zero. Where the inputs' own variance is much smaller, it takes
its place, and the output is small instead of normalised. Keras takes 1e-3, other frameworks 1e-5.

The moments are those of the whole batch, however many workers share it.

Source: Ioffe and Szegedy 2015, "Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift", algorithm 1.
"""

from collections.abc import Mapping

import keras
from keras import ops

from recsys_lib.checks import check_number
from recsys_lib.replicas import num_replicas, sum_over_replicas, sums_over_replicas

Normalization = bool | Mapping[str, float]
"""``False``: none; ``True``: with Keras's epsilon and momentum 0.9; or a dict of one or both."""

DEFAULTS = {"momentum": 0.9, "epsilon": 1e-3}
"""The usual momentum of 0.99 has not caught up after the few hundred steps of a short run."""


def read_normalization(value: Normalization, name: str = "batch_normalization") -> Normalization:
    """A builder's ``batch_normalization`` as a configuration keeps it.

    Args:
        value: ``False``, ``True``, or a dict with ``epsilon`` (above 0), ``momentum`` (0 or more
            and under 1), or both.
        name: what the message calls it.

    Returns:
        ``False``, ``True`` where all is as by default, or a dict of what is not.

    Raises:
        ValueError: anything else.

    Example:
        >>> read_normalization({"epsilon": 1e-5}), read_normalization({"momentum": 0.9})
        ({'epsilon': 1e-05}, True)
    """
    if isinstance(value, bool):
        return value
    if not isinstance(value, Mapping) or not set(value) <= set(DEFAULTS):
        raise ValueError(
            f"{name}: expected True, False or a dict with some of {sorted(DEFAULTS)}, got {value!r}"
        )
    read = {}
    if "epsilon" in value:
        read["epsilon"] = check_number(f"{name}, epsilon", value["epsilon"], 0, exclude=(0,))
    if "momentum" in value:
        read["momentum"] = check_number(f"{name}, momentum", value["momentum"], 0, 1, exclude=(1,))
    return {option: number for option, number in read.items() if number != DEFAULTS[option]} or True


@keras.saving.register_keras_serializable("recsys_lib")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer; where a training step runs in replicas, its moments are those of all rows.

    Keras's own ``synchronized`` knows no mask and takes the variance as a difference of two large
    numbers. Here the mean of all rows comes first and the squares around it second.

    Args: as ``keras.layers.BatchNormalization``.

    Call arguments:
        inputs: ``(..., features)``.
        mask: of the shape of ``inputs`` without the last axis; the moments count entries that are
            True. Default: all of them.

    Returns:
        The shape of ``inputs``.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable) or num_replicas() == 1:
            return super().call(inputs, training=training, mask=mask)
        values = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        mean, variance = self._moments_of_replicas(values, mask)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            kept = ops.cast(moving, value.dtype) * self.momentum
            moving.assign(ops.cast(kept + value * (1.0 - self.momentum), moving.dtype))
        outputs = ops.batch_normalization(
            values, mean, variance, self.axis, self.beta, self.gamma, self.epsilon
        )
        return ops.cast(outputs, self.compute_dtype)

    def _moments_of_replicas(self, values, mask):
        axes = tuple(range(len(values.shape) - 1))
        weight, floor = ops.ones_like(values[..., :1]), 0.0
        if mask is not None:
            # Keras's own floor: where nothing counts the moments are zero.
            weight = ops.expand_dims(ops.cast(mask, values.dtype), -1)
            floor = keras.config.epsilon()
        sums, count = sums_over_replicas(ops.sum(weight * values, axes), ops.sum(weight))
        mean = sums / (count + floor)
        squares = sum_over_replicas(ops.sum(weight * ops.square(values - mean), axes))
        return mean, squares / (count + floor)


def normalization_layer(value: Normalization, name: str) -> BatchNormalization:
    """The layer that ``batch_normalization`` asks for.

    Args:
        value: what ``read_normalization`` returned, not ``False``.
        name: of the layer.

    Example:
        >>> layer = normalization_layer({"epsilon": 1e-5}, "normalization_0")
        >>> layer.momentum, layer.epsilon
        (0.9, 1e-05)
    """
    options = {**DEFAULTS, **(value if isinstance(value, Mapping) else {})}
    return BatchNormalization(**options, name=name)
