"""Wide & Deep whose wide part may have an optimizer of its own, with options that are tuned."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import keras

from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import DeepLinearOptions, shared_options
from recsys_lib.memorization.wide_and_deep import Pairs, build_wide_and_deep
from recsys_lib.training.optimizers import Adagrad, Adam, Ftrl, optimizer_per_group
from recsys_lib.training.recipe import Recipe

START = 1e-5
"""Of the sums of squares: the loss is a mean over the batch, and its gradients are small."""


def _optimizers(
    learning_rate: float = 1e-3,
    *,
    wide: str,
    deep: str,
    wide_rate: float | None,
    l1: float,
) -> keras.Optimizer:
    """One optimizer for both parts where the wide part has no rate of its own, or one for each."""
    makes: dict[str, Callable[[float], keras.Optimizer]] = {
        "adam": Adam,
        "adagrad": functools.partial(Adagrad, initial_accumulator_value=START),
        "ftrl": functools.partial(
            Ftrl, initial_accumulator_value=START, l1_regularization_strength=l1
        ),
    }
    if wide_rate is None:
        return makes[deep](learning_rate)
    parts = {"wide_.*": makes[wide](wide_rate), "(?!wide_).*": makes[deep](learning_rate)}
    return optimizer_per_group(parts)


@shared_options()
def wide_and_deep(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    cross_pairs: Pairs | None = None,
    wide: str = "ftrl",
    deep: str = "adam",
    wide_rate: float | None = 0.5,
    l1: float = 0.0,
    **common: Unpack[DeepLinearOptions],
) -> keras.Model:
    """Wide & Deep; what is said of optimizers is for its recipe.

    Args:
        feature_columns, tasks, cross_pairs, **common: as for ``build_wide_and_deep``.
        wide, deep: ``"ftrl"``, ``"adam"`` or ``"adagrad"``, of the two parts.
        wide_rate: learning rate of the wide part; None: that of the deep part, and its optimizer.
        l1: of FTRL.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``.
    """
    return build_wide_and_deep(feature_columns, tasks, cross_pairs=cross_pairs, **common)


def recipe(
    build: Callable[..., keras.Model],
    *,
    wide: str = "ftrl",
    deep: str = "adam",
    wide_rate: float | None = 0.5,
    l1: float = 0.0,
    **settings: Any,
) -> Recipe:
    """The recipe of the builder: rule, rate and L1 go to the optimizer, and not to the model."""
    rules: dict[str, Any] = {"wide": wide, "deep": deep, "wide_rate": wide_rate, "l1": l1}
    return Recipe(build, optimizer=functools.partial(_optimizers, **rules), **settings)


wide_and_deep.recipe = recipe  # type: ignore[attr-defined]
