"""Blocks that every model is built from: the multi-layer perceptron, the linear term, the head."""

import keras
from keras import ops

from recsys_lib.features.columns import select
from recsys_lib.features.embedding import (
    ID_COLUMNS,
    FusedEmbedding,
    concat_numeric,
    pool_blocks,
)
from recsys_lib.layers.activations import LAYERS, Dice, activation_layer


@keras.saving.register_keras_serializable("recsys_lib")
class MLP(keras.layers.Layer):
    """Fully connected layers, each followed by its activation: ``a_(l+1) = f(W_l a_l + b_l)``.

    Args:
        hidden_units: widths of the layers, all of them activated.
        activation: Keras activation, or ``"dice"`` or ``"prelu"``, which have weights of their own.
        dropout_rate: share of units dropped after each activation, in training only.
        batch_normalization: normalise before each activation (momentum 0.9: the usual 0.99 has
            not caught up after the few hundred steps of a short run).

    Call arguments:
        inputs: ``(..., features)``.
        step_mask: of the shape of ``inputs`` without the last axis: Dice counts entries with 1
            only. Nothing else looks at it.

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
        self.hidden_units = tuple(hidden_units)
        if not self.hidden_units or min(self.hidden_units) < 1:
            raise ValueError(f"hidden_units: expected widths of 1 or more, got {hidden_units}")
        if not 0 <= dropout_rate < 1:
            raise ValueError(f"dropout_rate: expected 0 <= rate < 1, got {dropout_rate}")
        named = isinstance(activation, str) and activation in LAYERS
        self.activation = activation if named else keras.activations.get(activation)
        self.dropout_rate = dropout_rate
        self.batch_normalization = batch_normalization
        self.stack = []
        for position, units in enumerate(self.hidden_units):
            self.stack.append(keras.layers.Dense(units, name=f"dense_{position}"))
            if batch_normalization:
                self.stack.append(
                    keras.layers.BatchNormalization(momentum=0.9, name=f"normalization_{position}")
                )
            self.stack.append(activation_layer(self.activation, name=f"activation_{position}"))
            if dropout_rate:
                self.stack.append(keras.layers.Dropout(dropout_rate, name=f"dropout_{position}"))

    def build(self, input_shape):
        for layer in self.stack:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs, step_mask=None, training=None):
        outputs = inputs
        for layer in self.stack:
            if isinstance(layer, Dice):
                outputs = layer(outputs, step_mask=step_mask, training=training)
            elif isinstance(layer, keras.layers.Dropout | keras.layers.BatchNormalization):
                outputs = layer(outputs, training=training)
            else:
                outputs = layer(outputs)
        return outputs

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_units": list(self.hidden_units),
            "activation": self.activation
            if isinstance(self.activation, str)
            else keras.activations.serialize(self.activation),
            "dropout_rate": self.dropout_rate,
            "batch_normalization": self.batch_normalization,
        }


def flatten_fields(fields):
    """``(batch, num_fields, dim)`` to ``(batch, num_fields * dim)``."""
    return ops.reshape(fields, (-1, fields.shape[1] * fields.shape[2]))


def deep_logit(vector, hidden_units, dropout_rate=0.0, batch_normalization=False):
    """The plain network beside the crosses: ``w . MLP(x)``, without a bias (the head adds one).

    Args:
        vector: ``(batch, width)``.
        hidden_units, dropout_rate, batch_normalization: as for ``MLP``.

    Returns:
        ``(batch, 1)``. The layers are named ``deep`` and ``deep_logit``.
    """
    hidden = MLP(
        hidden_units,
        dropout_rate=dropout_rate,
        batch_normalization=batch_normalization,
        name="deep",
    )(vector)
    return keras.layers.Dense(1, use_bias=False, name="deep_logit")(hidden)


def linear_logit(inputs, columns, name="linear"):
    """The first-order term ``sum_i w_i x_i``: one weight per id, in its own table, and per number.

    Weights start at zero, as FTRL requires. A sequence column contributes the pooled weights of
    its real steps.

    Returns:
        ``(batch, 1)``.
    """
    terms = []
    if select(columns, kind=ID_COLUMNS):
        blocks = FusedEmbedding(columns, 1, "zeros", name=name)(inputs)
        for weights in pool_blocks(blocks, inputs, columns).values():
            terms.append(ops.sum(weights, axis=1))  # (batch, fields, 1) -> (batch, 1)
    numbers = concat_numeric(inputs, columns)
    if numbers is not None:
        terms.append(
            keras.layers.Dense(
                1, use_bias=False, kernel_initializer="zeros", name=f"{name}_numeric"
            )(numbers)
        )
    return terms[0] if len(terms) == 1 else keras.layers.Add()(terms)


@keras.saving.register_keras_serializable("recsys_lib")
class PredictionHead(keras.layers.Layer):
    """Sum the logits, add one bias, apply the sigmoid.

    The logits are summed with weight one. Passing them through another ``Dense(1)`` would
    multiply their sum by a random number that is negative in half of all initialisations.

    Args:
        kind: ``"binary"`` for a probability, ``"regression"`` for the sum as it is.

    Call arguments:
        logits: list of tensors ``(batch, 1)``, or one of them.

    Returns:
        ``(batch,)``.

    Raises:
        ValueError: a logit of another shape, which would broadcast over the batch.
    """

    def __init__(self, kind="binary", **kwargs):
        super().__init__(**kwargs)
        if kind not in ("binary", "regression"):
            raise ValueError(f"kind: expected 'binary' or 'regression', got {kind!r}")
        self.kind = kind

    def build(self, input_shape):
        # One shape or several; a loaded configuration gives a shape as a list, not as a tuple.
        several = isinstance(input_shape[0], list | tuple)
        shapes = input_shape if several else [input_shape]
        for shape in shapes:
            if len(shape) != 2 or shape[-1] != 1:
                raise ValueError(
                    f"PredictionHead {self.name!r}: expected logits of shape (batch, 1), "
                    f"got {tuple(shape)}"
                )
        self.bias = self.add_weight(name="bias", shape=(), initializer="zeros")

    def call(self, logits):
        logits = logits if isinstance(logits, list | tuple) else [logits]
        total = ops.squeeze(sum(logits[1:], start=logits[0]), axis=-1) + self.bias  # (batch,)
        return ops.sigmoid(total) if self.kind == "binary" else total

    def get_config(self):
        return {**super().get_config(), "kind": self.kind}
