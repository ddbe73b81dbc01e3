"""The loops compute what the vectorised layers compute, and the graph shows that they loop."""

import keras
import numpy as np
import pytest

from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.higher_order import build_xdeepfm
from recsys_lib.loops.crosses import (
    LoopedBilinearInteraction,
    LoopedInnerProductSignal,
    looped,
)
from recsys_lib.loops.higher_order import BroadcastCINLayer
from recsys_lib.second_order import build_fibinet, build_fm, build_pnn
from recsys_lib.second_order.fibinet import BilinearInteraction
from recsys_lib.second_order.pnn import InnerProductSignal

COLUMNS = (
    CategoricalColumn("user_id", 6),
    CategoricalColumn("movie_id", 8),
    CategoricalColumn("hour", 5),
    NumericColumn("price"),
)
FEATURES = {
    "user_id": np.array([1, 2, 0, 5], np.int32),
    "movie_id": np.array([7, 1, 3, 0], np.int32),
    "hour": np.array([4, 2, 0, 1], np.int32),
    "price": np.array([0.5, -1.0, 2.0, 0.0], np.float32),
}
FIELDS = np.random.default_rng(0).normal(size=(6, 5, 4))


@pytest.mark.parametrize("kind", ["all", "each", "interaction"])
def test_the_loop_over_pairs_equals_the_layer(kind):
    layer = BilinearInteraction(kind, dtype="float64")
    loop = LoopedBilinearInteraction(kind, dtype="float64")
    products = layer(FIELDS)
    loop(FIELDS)
    loop.set_weights(layer.get_weights())
    np.testing.assert_allclose(loop(FIELDS), products, rtol=1e-12)


def test_the_loop_over_units_equals_the_layer():
    layer = InnerProductSignal(7, dtype="float64")
    loop = LoopedInnerProductSignal(7, dtype="float64")
    signal = layer(FIELDS)
    loop(FIELDS)
    loop.set_weights(layer.get_weights())
    np.testing.assert_allclose(loop(FIELDS), signal, rtol=1e-12)


@pytest.mark.parametrize(
    ("build", "layers"),
    [
        (build_pnn, {"inner_signal": LoopedInnerProductSignal}),
        (
            build_fibinet,
            {
                "bilinear_original": LoopedBilinearInteraction,
                "bilinear_senet": LoopedBilinearInteraction,
            },
        ),
        (build_xdeepfm, {"cin_1": BroadcastCINLayer, "cin_2": BroadcastCINLayer}),
    ],
)
def test_a_looped_model_predicts_the_same(build, layers):
    keras.utils.set_random_seed(0)
    model = build(COLUMNS, embedding_dim=4, hidden_units=(6, 3))
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(1).normal(size=variable.shape) * 0.5)
    twin = looped(model)
    for name, kind in layers.items():
        assert type(twin.get_layer(name)) is kind
        assert type(model.get_layer(name)) is not kind
    np.testing.assert_allclose(twin(FEATURES), model(FEATURES), rtol=1e-5)
    assert twin.count_params() == model.count_params()


def test_a_model_without_such_a_layer_is_an_error():
    with pytest.raises(ValueError, match="model 'fm': expected a layer of"):
        looped(build_fm(COLUMNS, embedding_dim=4))
