"""Intervals of drawn numbers, whose truth is known."""

import numpy as np

from recsys_lib.training.intervals import t_interval


def draws(kind, shape, seed):
    """Numbers with mean 0 and standard deviation 1."""
    random = np.random.default_rng(seed)
    if kind == "normal":
        return random.normal(size=shape)
    if kind == "skewed":
        return random.exponential(size=shape) - 1
    peaks = random.integers(0, 2, shape) * 2 - 1
    return 0.9 * peaks + random.normal(size=shape) * np.sqrt(1 - 0.81)


def intervals(kind, num_units, mean=0.0, spread=1.0, repetitions=2_000, seed=0):
    values = mean + spread * draws(kind, (repetitions, num_units), seed)
    return [t_interval(row) for row in values]
