"""Batch normalization of hidden layers, and what a builder's ``batch_normalization`` may say of it.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta

Epsilon is more than a guard against zero. Where the inputs' own variance is much smaller, it takes
its place, and the output is small instead of normalised. Keras takes 1e-3, other frameworks 1e-5.
"""

from collections.abc import Mapping

import keras

from recsys_lib.checks import check_number

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


def normalization_layer(value: Normalization, name: str) -> keras.layers.BatchNormalization:
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
    return keras.layers.BatchNormalization(**options, name=name)
