"""AFM as its paper trains it: vectors and weights start as those of a trained FM."""

from typing import Any

import keras
import numpy as np

from experiments.estimators import Predict
from recsys_lib.data.dataset import Dataset
from recsys_lib.second_order import build_afm, build_fm
from recsys_lib.training import Comparison, Recipe, predict

WIDTH, RATE_OF_FM = 16, 1e-2
FIT: dict[str, Any] = {"epochs": 80, "batch_size": 512, "patience": 5}


def afm_from_fm(
    dataset: Dataset,
    *,
    seed: int,
    learning_rate: float = 1e-3,
    embedding_l2: float = 0.0,
    dropout_rate: float = 0.0,
) -> Predict:
    """An FM, trained until it stops, and an AFM that goes on from there.

    Args:
        dataset: with one binary task.
        seed: of both models.
        learning_rate: of AFM; FM's is fixed.
        embedding_l2: of both.
        dropout_rate: of the pairs' products in AFM.

    Returns:
        Function of a split.
    """

    def trained(recipe: Recipe) -> keras.Model:
        comparison = Comparison({"model": recipe}, baselines={}, progress=False, **FIT)
        return comparison.on(dataset, [seed]).model("model")

    fm = trained(Recipe(build_fm, RATE_OF_FM, embedding_dim=WIDTH, embedding_l2=embedding_l2))

    def build(feature_columns: Any, tasks: Any = "click") -> keras.Model:
        options: Any = {"embedding_l2": embedding_l2, "dropout_rate": dropout_rate}
        model = build_afm(feature_columns, tasks, embedding_dim=WIDTH, **options)
        for name in ("embedding", "linear"):
            model.get_layer(name).table.assign(fm.get_layer(name).table)
        model.get_layer("click").bias.assign(fm.get_layer("click").bias)
        model.get_layer("afm_logit").kernel.assign(np.ones((WIDTH, 1)))
        return model

    afm = trained(Recipe(build, learning_rate))
    return lambda split: predict(afm, split.features)


afm_from_fm.fits_itself = True  # type: ignore[attr-defined]
