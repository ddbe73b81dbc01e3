"""PLE whose click has a weight that shrinks from epoch to epoch, as its paper trains it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

import keras

from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import shared_options
from recsys_lib.multi_task import build_ple
from recsys_lib.multi_task.balancing import DecayingWeights
from recsys_lib.multi_task.parts import ExpertOptions
from recsys_lib.training.recipe import Recipe


@shared_options()
def ple(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_task_experts: int | Mapping[str, int] = 2,
    num_shared_experts: int = 2,
    decay: float = 1.0,
    **common: Unpack[ExpertOptions],
) -> keras.Model:
    """PLE; the decay is for its recipe.

    Args:
        feature_columns, tasks, num_task_experts, num_shared_experts, **common: as for
            ``build_ple``.
        decay: what the click's weight is multiplied by after every epoch; the others keep 1.

    Returns:
        ``keras.Model`` from the columns' inputs to a dict of task to prediction ``(batch,)``.
    """
    return build_ple(
        feature_columns,
        tasks,
        num_task_experts=num_task_experts,
        num_shared_experts=num_shared_experts,
        **common,
    )


def recipe(build: Callable[..., keras.Model], *, decay: float = 1.0, **settings: Any) -> Recipe:
    """The recipe of the builder: the most frequent task fades, late training is for the others."""
    return Recipe(build, balancing=DecayingWeights(decay={"click": decay}), **settings)


ple.recipe = recipe  # type: ignore[attr-defined]
