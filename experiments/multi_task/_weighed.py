"""Shared-Bottom with a weight for the loss of the like, which is tuned as other options are."""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import keras

from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import Widths, shared_options
from recsys_lib.multi_task import build_shared_bottom
from recsys_lib.multi_task.balancing import FixedWeights
from recsys_lib.multi_task.parts import TowerOptions
from recsys_lib.training.recipe import Recipe


@shared_options()
def shared_bottom(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    hidden_units: Widths = (64, 32),
    like_weight: float = 1.0,
    **common: Unpack[TowerOptions],
) -> keras.Model:
    """Shared-Bottom; the weight is for its recipe.

    Args:
        feature_columns, tasks, hidden_units, **common: as for ``build_shared_bottom``.
        like_weight: of the like's loss; those of the other tasks have 1.

    Returns:
        ``keras.Model`` from the columns' inputs to a dict of task to prediction ``(batch,)``.
    """
    return build_shared_bottom(feature_columns, tasks, hidden_units=hidden_units, **common)


def recipe(
    build: Callable[..., keras.Model], *, like_weight: float = 1.0, **settings: Any
) -> Recipe:
    """The recipe of the builder: the option weighs the like's loss."""
    return Recipe(build, balancing=FixedWeights({"like": like_weight}), **settings)


shared_bottom.recipe = recipe  # type: ignore[attr-defined]
