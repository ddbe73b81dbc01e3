"""PLE with weights that decay, and with unequal experts, as its paper trains it."""

from typing import Any

from recsys_lib.multi_task import build_ple
from recsys_lib.multi_task.balancing import DecayingWeights
from recsys_lib.training.recipe import Recipe


def ple(feature_columns: Any, tasks: Any = "click", *, decay: float = 1.0, **common: Any) -> Any:
    """PLE; ``decay``, by which the click's weight shrinks in every epoch, is for its recipe."""
    return build_ple(feature_columns, tasks, **common)


def _recipe(build: Any, *, decay: float = 1.0, **settings: Any) -> Recipe:
    """The recipe: the most frequent task fades, so that late training is for the others."""
    return Recipe(build, balancing=DecayingWeights(decay={"click": decay}), **settings)


ple.recipe = _recipe  # type: ignore[attr-defined]
