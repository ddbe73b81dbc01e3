"""Blocks that every model is built from: the multi-layer perceptron and the linear term.

Batch normalization of hidden layers is

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta

with the moments of the whole batch, however many workers share it. Epsilon is more than a guard
against zero. Where the inputs' own variance is much smaller, it takes its place, and the output is
small instead of normalised. Keras takes 1e-3, other frameworks 1e-5.

Source: Ioffe and Szegedy 2015, "Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift", algorithm 1.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pkgutil import resolve_name

import keras
import tensorflow as tf
from keras import KerasTensor, ops

from recsys_lib.checks import check_known, check_number, check_widths
from recsys_lib.features.columns import ID_COLUMNS, L2, Column, check_l2, select
from recsys_lib.features.embedding import FusedEmbedding, concat_numeric, pool_blocks
from recsys_lib.layers.options import Activation, Configured, Normalization, Widths
from recsys_lib.replicas import num_replicas, sum_over_replicas, sums_over_replicas

LAYERS = {
    "dice": "recsys_lib.layers.activations:Dice",
    "prelu": "recsys_lib.layers.activations:UnitPReLU",
}
"""Activations that are layers, known by name beside those of Keras, and imported on use."""


def activation_layer(activation: Activation, name: str) -> keras.layers.Layer:
    """A fresh layer: for a name of ``LAYERS``, or for whatever Keras's ``Activation`` takes.

    Args:
        activation: name or function.
        name: the layer's name.

    Returns:
        The layer.

    Example:
        >>> activation_layer("dice", "kink").name
        'kink'
    """
    if isinstance(activation, str) and activation in LAYERS:
        return resolve_name(LAYERS[activation])(name=name)
    return keras.layers.Activation(activation, name=name)


def read_activation(activation: Activation) -> Activation:
    """Return the activation that a layer keeps: a name of ``LAYERS``, or a function of Keras.

    Raises ``ValueError`` for a name that neither knows.
    """
    if isinstance(activation, str) and activation in LAYERS:
        return activation
    return check_known("activation", activation, keras.activations)


def activation_config(activation: Activation) -> str | dict:
    """Return a layer's configuration of an activation that ``read_activation`` returned."""
    if isinstance(activation, str):
        return activation
    return keras.activations.serialize(activation)


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


def normalization_layer(value: Normalization, name: str, dtype=None) -> BatchNormalization:
    """The layer that ``read_normalization`` asks for where it did not return ``False``.

    Example:
        >>> layer = normalization_layer({"epsilon": 1e-5}, "normalization_0")
        >>> layer.momentum, layer.epsilon
        (0.9, 1e-05)
    """
    options = {**DEFAULTS, **(value if isinstance(value, Mapping) else {})}
    return BatchNormalization(**options, name=name, dtype=dtype)


def glorot_of_one(fan_in, fan_out):
    """Glorot's uniform start of one matrix, for a weight that holds a stack of them.

    Keras would take the stack for a convolution's window and start all of them too small.

    Args:
        fan_in, fan_out: inputs and outputs of one of the matrices.

    Returns:
        Keras initializer for the stack.
    """
    limit = math.sqrt(6 / (fan_in + fan_out))
    return keras.initializers.RandomUniform(-limit, limit)


def check_dropout(name: str, rate: float) -> float:
    """A dropout rate, from 0 to under 1."""
    return check_number(name, rate, 0, 1, exclude=(1,))


@keras.saving.register_keras_serializable("recsys_lib")
class MLP(Configured):
    """Fully connected layers, each followed by its activation: ``a_(l+1) = f(W_l a_l + b_l)``.

    Args:
        hidden_units: widths of the layers, all of them activated.
        activation: Keras activation, or ``"dice"`` or ``"prelu"``, which have weights of their own.
        dropout_rate: share of units dropped after each activation, in training only.
        batch_normalization: normalise before each activation, see ``read_normalization``: True, or
            a dict such as ``{"epsilon": 1e-5}``.

    Call arguments:
        inputs: ``(..., features)``.
        step_mask: of the shape of ``inputs`` without the last axis: the statistics of Dice and of
            the normalization count entries with 1 only. Nothing else looks at it.

    Returns:
        ``(..., hidden_units[-1])``.
    """

    def __init__(
        self,
        hidden_units,
        activation="relu",
        dropout_rate=0.0,
        batch_normalization=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.hidden_units = check_widths("hidden_units", hidden_units)
        self.activation = read_activation(activation)
        self.dropout_rate = check_dropout("dropout_rate", dropout_rate)
        self.batch_normalization = read_normalization(batch_normalization)
        self.stack = []
        for position, units in enumerate(self.hidden_units):
            self.stack.append(keras.layers.Dense(units, name=f"dense_{position}"))
            if batch_normalization:
                self.stack.append(
                    normalization_layer(self.batch_normalization, f"normalization_{position}")
                )
            self.stack.append(activation_layer(self.activation, name=f"activation_{position}"))
            if self.dropout_rate:
                dropout = keras.layers.Dropout(self.dropout_rate, name=f"dropout_{position}")
                self.stack.append(dropout)

    def build(self, input_shape):
        for layer in self.stack:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs, step_mask=None, training=None):
        outputs = inputs
        for layer in self.stack:
            if getattr(layer, "reads_step_mask", False):
                outputs = layer(outputs, step_mask=step_mask, training=training)
            elif isinstance(layer, BatchNormalization):
                mask = None if step_mask is None else ops.cast(step_mask, "bool")
                outputs = layer(outputs, training=training, mask=mask)
            elif isinstance(layer, keras.layers.Dropout):
                outputs = layer(outputs, training=training)
            else:
                outputs = layer(outputs)
        return outputs

    @property
    def first_kernel(self):
        """``W_0``, ``(features, hidden_units[0])``: the network begins with ``W_0 x``."""
        return self.stack[0].kernel

    def after_first_product(self, product):
        """The network's output in inference from ``W_0 x``, which ``rank`` computes in parts."""
        outputs = product + self.stack[0].bias
        for layer in self.stack[1:]:
            outputs = layer(outputs)
        return outputs


def flatten_fields(fields: KerasTensor) -> KerasTensor:
    """``(batch, num_fields, dim)`` to ``(batch, num_fields * dim)``.

    Args:
        fields: vectors of all fields.

    Returns:
        Them side by side.
    """
    return ops.reshape(fields, (-1, fields.shape[1] * fields.shape[2]))


def deep_logit(
    vector: KerasTensor,
    hidden_units: Widths,
    *,
    activation: Activation = "relu",
    dropout_rate: float = 0.0,
    batch_normalization: Normalization = False,
    name: str = "deep",
) -> KerasTensor:
    """A plain network and its logit: ``w . MLP(x)``, without a bias (the head adds one).

    Args:
        vector: ``(batch, width)``.
        hidden_units: as for ``MLP``; ``()``: the logit is a linear map of the vector.
        activation, dropout_rate, batch_normalization: as for ``MLP``.
        name: of the network; the logit's layer is ``<name>_logit``.

    Returns:
        ``(batch, 1)``.
    """
    if check_widths("hidden_units", hidden_units, at_least=0):
        vector = MLP(hidden_units, activation, dropout_rate, batch_normalization, name=name)(vector)
    return keras.layers.Dense(1, use_bias=False, name=f"{name}_logit")(vector)


def side_by_side(vectors: Iterable[KerasTensor]) -> KerasTensor:
    """Vectors ``(..., width)`` joined along the last axis; one alone is returned as it is.

    Args:
        vectors: of any widths, alike in all other axes.

    Returns:
        ``(..., sum of the widths)``.
    """
    vectors = list(vectors)
    return vectors[0] if len(vectors) == 1 else ops.concatenate(vectors, axis=-1)


def matrices_side_by_side(matrices: tf.Tensor) -> tf.Tensor:
    """``(count, features, units)`` to ``(features, count * units)``."""
    count, features, units = matrices.shape
    return ops.reshape(ops.transpose(matrices, (1, 0, 2)), (features, count * units))


def products_by_reader(
    inputs: tf.Tensor, kernel: keras.Variable | tf.Tensor, readers: Sequence[int]
) -> tf.Tensor:
    """``x_n W_n`` for every matrix n of a stack: one product for those that read one input.

    A batched product of small matrices, and its gradient, take twice as long.

    Args:
        inputs: ``(batch, inputs * features)``, side by side.
        kernel: ``(count, features, units)``.
        readers: how many matrices read each input, in order; together ``count``.

    Returns:
        ``(batch, count * units)``.
    """
    rows = tf.split(inputs, len(readers), axis=1)
    stacks = tf.split(ops.convert_to_tensor(kernel), readers, axis=0)
    products = zip(rows, map(matrices_side_by_side, stacks), strict=True)
    return side_by_side(ops.matmul(*pair) for pair in products)


def linear_logit(
    inputs: Mapping[str, KerasTensor], columns: Sequence[Column], name: str = "linear", l2: L2 = 0.0
) -> KerasTensor:
    """The first-order term ``sum_i w_i x_i``: one weight per id, in its own table, and per number.

    Weights start at zero, as FTRL requires. A sequence column contributes the pooled weights of
    its real steps.

    Args:
        inputs, columns, l2: as for ``embed_fields``.
        name: name of the ids' layer; the numbers' is ``<name>_numeric``.

    Returns:
        ``(batch, 1)``.
    """
    l2 = check_l2(columns, l2, "linear_l2")
    terms = []
    if select(columns, kind=ID_COLUMNS):
        blocks = FusedEmbedding(columns, 1, "zeros", l2, name=name)(inputs)
        for weights in pool_blocks(blocks, inputs, columns).values():
            terms.append(ops.sum(weights, axis=1))  # (batch, fields, 1) -> (batch, 1)
    numbers = concat_numeric(inputs, columns)
    if numbers is not None:
        options = {"use_bias": False, "kernel_initializer": "zeros", "name": f"{name}_numeric"}
        terms.append(keras.layers.Dense(1, **options)(numbers))
    return terms[0] if len(terms) == 1 else keras.layers.Add()(terms)
