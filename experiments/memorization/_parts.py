"""Wide & Deep and its wide part alone, whose weights FTRL trains with a tuned L1."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import keras

from experiments.memorization._rules import recipe
from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import DeepLinearOptions, LinearOptions, shared_options
from recsys_lib.memorization.wide_and_deep import build_wide, build_wide_and_deep
from recsys_lib.training.recipe import Recipe


@shared_options()
def wide_and_deep(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    wide_rate: float = 1.0,
    l1: float = 0.0,
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
    l1: float = 0.0,
    **common: Unpack[LinearOptions],
) -> keras.Model:
    """The wide part alone, with all crosses; arguments and result as for ``wide_and_deep``."""
    return build_wide(feature_columns, tasks, **common)


def _alone(build: Callable[..., keras.Model], *, wide_rate: float = 1.0, **settings: Any) -> Recipe:
    """FTRL for all that the wide part has, its bias too."""
    return recipe(build, deep="ftrl", wide_rate=None, learning_rate=wide_rate, **settings)


wide_and_deep.recipe = functools.partial(recipe, wide_rate=1.0)  # type: ignore[attr-defined]
wide.recipe = _alone  # type: ignore[attr-defined]
