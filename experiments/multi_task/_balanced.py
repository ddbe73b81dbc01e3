"""Shared-Bottom whose losses are weighed by a method, with options that are tuned."""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import keras

from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import Widths, shared_options
from recsys_lib.multi_task import build_shared_bottom
from recsys_lib.multi_task.balancing import (
    FixedWeights,
    GradNorm,
    ParetoWeights,
    UncertaintyWeighting,
)
from recsys_lib.multi_task.parts import TowerOptions
from recsys_lib.training.recipe import Recipe

METHODS: dict[str, Callable[..., Any]] = {
    "fixed": lambda watch_weight: FixedWeights({"watch": watch_weight}),
    "uncertainty": lambda log_variance_rate: UncertaintyWeighting(log_variance_rate),
    "gradnorm": lambda alpha: GradNorm(alpha),
    "pareto": lambda: ParetoWeights(),
}
"""Method to what makes it of its own options."""
OWN = {
    "fixed": ("watch_weight",),
    "uncertainty": ("log_variance_rate",),
    "gradnorm": ("alpha",),
    "pareto": (),
}


@shared_options()
def shared_bottom(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    hidden_units: Widths = (64, 32),
    method: str = "fixed",
    watch_weight: float = 1.0,
    log_variance_rate: float = 0.02,
    alpha: float = 1.5,
    **common: Unpack[TowerOptions],
) -> keras.Model:
    """Shared-Bottom; what is said of the losses' weights is for its recipe.

    Args:
        feature_columns, tasks, hidden_units, **common: as for ``build_shared_bottom``.
        method: key of ``METHODS``.
        watch_weight: of ``"fixed"``: the weight of the watch time's loss; the click's is 1.
        log_variance_rate: learning rate of ``"uncertainty"``.
        alpha: of ``"gradnorm"``.

    Returns:
        ``keras.Model`` from the columns' inputs to a dict of task to prediction ``(batch,)``.
    """
    return build_shared_bottom(feature_columns, tasks, hidden_units=hidden_units, **common)


def recipe(
    build: Callable[..., keras.Model],
    *,
    method: str = "fixed",
    watch_weight: float = 1.0,
    log_variance_rate: float = 0.02,
    alpha: float = 1.5,
    **settings: Any,
) -> Recipe:
    """The recipe of the builder: the method and its option weigh the losses."""
    given: dict[str, Any] = {
        "watch_weight": watch_weight,
        "log_variance_rate": log_variance_rate,
        "alpha": alpha,
    }
    balancing = METHODS[method](**{name: given[name] for name in OWN[method]})
    return Recipe(build, balancing=balancing, **settings)


shared_bottom.recipe = recipe  # type: ignore[attr-defined]
