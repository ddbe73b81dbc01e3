"""Wide & Deep and its wide part, whose weights of ids and of pairs FTRL trains, with a tuned L1."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import keras

from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import DeepLinearOptions, LinearOptions, shared_options
from recsys_lib.memorization.wide_and_deep import build_wide, build_wide_and_deep
from recsys_lib.training.optimizers import Adam, Ftrl, optimizer_per_group
from recsys_lib.training.recipe import Recipe

START = 1e-5
"""Of FTRL's sums of squares: the loss is a mean over the batch, so its gradients are small."""


@shared_options()
def wide_and_deep(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    wide_rate: float = 1.0,
    l1: float = 5e-3,
    **common: Unpack[DeepLinearOptions],
) -> keras.Model:
    """Wide & Deep with all crosses.

    Args:
        feature_columns, tasks, **common: as for ``build_wide_and_deep``.
        wide_rate, l1: of FTRL; they are for the recipe.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``.
    """
    return build_wide_and_deep(feature_columns, tasks, **common)


@shared_options()
def wide(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    wide_rate: float = 1.0,
    l1: float = 5e-3,
    **common: Unpack[LinearOptions],
) -> keras.Model:
    """The wide part alone, with all crosses; arguments and result as for ``wide_and_deep``."""
    return build_wide(feature_columns, tasks, **common)


def _ftrl(wide_rate: float, l1: float) -> keras.Optimizer:
    return Ftrl(wide_rate, initial_accumulator_value=START, l1_regularization_strength=l1)


def _both(learning_rate: float, wide_rate: float, l1: float) -> keras.Optimizer:
    parts = {"wide_.*": _ftrl(wide_rate, l1), "(?!wide_).*": Adam(learning_rate)}
    return optimizer_per_group(parts)


def _recipe(
    build: Callable[..., keras.Model], *, wide_rate: float = 1.0, l1: float = 5e-3, **settings: Any
) -> Recipe:
    """The recipe of a builder above: FTRL's options go to the optimizer, and not to the model."""
    make = _both if build is wide_and_deep else _ftrl
    return Recipe(build, optimizer=functools.partial(make, wide_rate=wide_rate, l1=l1), **settings)


wide_and_deep.recipe = wide.recipe = _recipe  # type: ignore[attr-defined]
