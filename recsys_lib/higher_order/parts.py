"""What the models of this chapter share: the deep part's logit and the checks of their options."""

import keras
from keras import ops

from recsys_lib.features.blocks import MLP


def require_count(what, value, minimum=1):
    """Raise ``ValueError`` unless ``value`` is an integer of ``minimum`` or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise ValueError(f"{what}: expected an integer of {minimum} or more, got {value!r}")
    return value


def require_shape(layer, shape, rank, axes):
    """Raise ``ValueError`` unless a tensor has as many axes as the layer reads.

    Args:
        layer: layer whose name the message carries.
        shape: shape of the tensor.
        rank: number of axes expected.
        axes: their names, for the message.
    """
    if len(shape) != rank:
        raise ValueError(f"{layer.name!r}: expected shape {axes}, got {tuple(shape)}")


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
