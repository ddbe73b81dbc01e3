"""What ``batch_normalization`` may say, and that it reaches the layer that normalises."""

import json

import keras
import numpy as np
import pytest

from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.layers.blocks import MLP, normalization_layer, read_normalization
from recsys_lib.second_order import build_nfm, build_pnn
from recsys_lib.second_order.pnn import AddedSignals

COLUMNS = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]


def normalizations(layer):
    return [s for s in layer._flatten_layers() if isinstance(s, keras.layers.BatchNormalization)]


def test_with_nothing_said_it_is_keras_with_a_momentum_of_nine_tenths():
    layer = normalization_layer(True, "name")
    assert (layer.momentum, layer.epsilon, layer.name) == (0.9, 1e-3, "name")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (False, False),
        (True, True),
        ({}, True),
        ({"momentum": 0.9, "epsilon": 1e-3}, True),
        ({"momentum": 0.99, "epsilon": 1e-3}, {"momentum": 0.99}),
        ({"epsilon": 1e-5, "momentum": 0}, {"epsilon": 1e-5, "momentum": 0.0}),
    ],
)
def test_a_configuration_keeps_what_is_not_the_default(value, kept):
    assert read_normalization(value) == kept
    assert json.loads(json.dumps(read_normalization(value))) == kept


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1e-5, "x: expected True, False or a dict with some of .*, got 1e-05"),
        (None, "x: expected True, False or a dict"),
        ({"eps": 1e-5}, r"x: expected .*\['epsilon', 'momentum'\], got \{'eps'"),
        ({"epsilon": 0}, "x, epsilon: expected"),
        ({"momentum": 1}, "x, momentum: expected"),
    ],
)
def test_anything_else_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        read_normalization(value, "x")


def test_a_small_variance_is_normalised_where_epsilon_is_smaller():
    """Sums with a variance of 1e-6: Keras's epsilon leaves a thirtieth of what it should."""
    inputs = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32) * 1e-3
    spreads = {}
    for epsilon in (1e-3, 1e-9):
        mlp = MLP([6], "linear", batch_normalization={"epsilon": epsilon})
        outputs = mlp(inputs, training=True).numpy()
        kernel = next(w for w in mlp.weights if w.path.endswith("kernel")).numpy()
        sums = inputs.astype(np.float64) @ kernel
        expected = (sums - sums.mean(axis=0)) / np.sqrt(sums.var(axis=0) + epsilon)
        np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-3)
        spreads[epsilon] = outputs.std(axis=0)
    np.testing.assert_allclose(spreads[1e-9], 1, rtol=0.01)
    assert spreads[1e-3].max() < 0.1


def test_it_reaches_every_normalization_of_the_model_and_is_saved(tmp_path):
    said = {"epsilon": 1e-5, "momentum": 0.8}
    counts = {}
    for build in (build_nfm, build_pnn):
        model = build(COLUMNS, embedding_dim=3, hidden_units=(4, 3), batch_normalization=said)
        model.save(tmp_path / "model.keras")
        for one in (model, keras.saving.load_model(tmp_path / "model.keras")):
            found = normalizations(one)
            assert {(layer.epsilon, layer.momentum) for layer in found} == {(1e-5, 0.8)}
            counts.setdefault(build.__name__, []).append(len(found))
    # NFM normalises the summed products and two layers, PNN the product layer and one more.
    assert counts == {"build_nfm": [3, 3], "build_pnn": [2, 2]}


def test_layers_describe_themselves_as_before_where_nothing_else_is_said():
    assert MLP([3], batch_normalization=True).get_config()["batch_normalization"] is True
    assert AddedSignals(batch_normalization=False).get_config()["batch_normalization"] is False
