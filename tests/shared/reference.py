"""Reference functions in double precision, and random weights for models under test."""

import numpy as np


def double(values):
    """Weights or outputs as a float64 array."""
    return np.asarray(values, np.float64)


def sigmoid(x):
    """``1 / (1 + exp(-x))``."""
    return 1 / (1 + np.exp(-double(x)))


def softmax(x, axis=-1):
    """Shares along ``axis`` that sum to one."""
    x = double(x)
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def relu(x):
    """``max(x, 0)``."""
    return np.maximum(x, 0)


def randomize(model, seed=0, scale=0.5):
    """Normal random weights everywhere, also in tables that start at zero; returns the model."""
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(scale * rng.normal(size=variable.shape))
    return model
