"""APG: its formula, the matrices that it never forms, and what folding leaves as it is."""

import functools

import keras
import numpy as np
import pytest
from reference import randomize, sigmoid
from tiny_scenarios import (
    COLUMNS,
    COUNT,
    FEATURES,
    NUM_ROWS,
    WIDTH,
    gradients_of,
    numbers,
    output_of,
    rows,
    surfaces,
)

from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.multi_scenario import build_apg, fold_apg
from recsys_lib.multi_scenario.apg import APGDense

build = functools.partial(
    build_apg,
    COLUMNS,
    embedding_dim=WIDTH,
    hidden_units=(5, 4),
    rank=3,
    inner_units=4,
    condition_units=(6,),
)
OPTIONS = {
    "group": {"condition": "group"},
    "plain": {"condition": "group", "inner_units": None, "condition_units": ()},
    "mix": {"condition": "mix"},
    "chosen": {"condition": "mix", "condition_columns": ["surface", "item_id"]},
    "self": {"condition": "self"},
}
MIXED = {
    "group": ["surface"],
    "plain": ["surface"],
    "mix": ["user_id", "item_id"],
    "chosen": ["surface", "item_id"],
}


def numbers_of(weight):
    return weight.numpy().astype(np.float64)


def shared(layer, name):
    """U or V as the paper writes it, a product of factors or not."""
    factors = [numbers_of(weight) for weight in getattr(layer, name)]
    product = factors[0].T
    for factor in factors[1:]:
        product = factor.T @ product
    return product


def cores(layer, condition, rank=3):
    hidden = condition
    if layer.hidden is not None:
        kernel, bias = map(numbers_of, layer.hidden.weights)
        hidden = np.maximum(hidden @ kernel + bias, 0)
    kernel, bias = map(numbers_of, layer.generator.weights)
    return (hidden @ kernel + bias).reshape(-1, rank, rank)


def condition_of(model, names, features=FEATURES):
    table, vectors = model.get_layer("embedding"), []
    for name in names:
        ids = features[name]
        found = table.table.numpy()[table.rows_of(name)][ids].astype(np.float64)
        vectors.append(found * (ids != 0)[:, None])
    return np.hstack(vectors)


@pytest.mark.parametrize("name", OPTIONS)
def test_apg_equals_the_explicit_matrix_of_each_row(name):
    model = randomize(build(**OPTIONS[name]))
    current = output_of(model, "features")
    assert current.shape == (NUM_ROWS, 9)
    for position in (1, 2):
        layer = model.get_layer(f"apg_{position}")
        read = current if name == "self" else condition_of(model, MIXED[name])
        u, v, after = shared(layer, "u"), shared(layer, "v"), []
        for x, core in zip(current, cores(layer, read), strict=True):
            after.append(np.maximum(u @ core @ v @ x + numbers_of(layer.bias), 0))
        current = np.array(after)
    logit = current @ numbers(model.get_layer("network_logit"), "kernel")[:, 0]
    expected = sigmoid(logit + numbers(model.get_layer("click"), "bias"))
    np.testing.assert_allclose(model(FEATURES), expected, rtol=1e-4)


def filled(**options):
    layer = APGDense(6, rank=2, condition_units=(5,), **options)
    rng = np.random.default_rng(1)
    x, z = (rng.normal(size=(8, width)).astype("f4") for width in (7, 3))
    z[4:] = z[:4]
    layer(x, z)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    return layer, x, z


@pytest.mark.parametrize("inner_units", [None, 4])
def test_matrices_are_of_rank_k_and_alike_where_the_conditions_are(inner_units):
    layer, x, z = filled(inner_units=inner_units, activation="linear")
    matrices = layer.matrices(z).numpy().astype(np.float64)
    assert matrices.shape == (8, 6, 7)
    assert (np.linalg.matrix_rank(matrices, tol=1e-4) == 2).all()
    np.testing.assert_allclose(matrices[:4], matrices[4:], rtol=1e-5)
    assert np.abs(matrices[0] - matrices[1]).max() > 0.1
    expected = np.einsum("buf,bf->bu", matrices, x) + numbers_of(layer.bias)
    np.testing.assert_allclose(layer(x, z), expected, rtol=1e-3, atol=1e-4)


def test_a_core_starts_at_the_identity_where_the_condition_is_zero():
    layer = APGDense(6, rank=3, inner_units=4, condition_units=(5,))
    x = np.random.default_rng(0).normal(size=(4, 7)).astype("f4")
    found = layer(x, np.zeros((4, 2), "f4"))
    np.testing.assert_array_equal(layer.core(np.zeros((4, 2), "f4")), [np.eye(3)] * 4)
    v, u = layer.folded()
    np.testing.assert_allclose(found, np.maximum(x @ v.numpy() @ u.numpy(), 0), atol=1e-6)
    assert np.abs(found).max() > 0.01


@pytest.mark.parametrize("name", ["group", "self"])
def test_folding_keeps_the_predictions_and_drops_weights(name):
    model = randomize(build(**OPTIONS[name]))
    model(surfaces(1, 2), training=True)
    folded = fold_apg(model)
    for features in (FEATURES, surfaces(0, 3)):
        np.testing.assert_allclose(folded(features), model(features), rtol=1e-5)
    names = {v.name for v in folded.get_layer("apg_1").weights}
    assert {"u", "v"} <= names and "u_0" not in names
    # V: 9 x 4 and 4 x 3 become 9 x 3; U: 3 x 4 and 4 x 5 become 3 x 5; layer 2 likewise.
    saved = (48 - 27) + (32 - 15) + (32 - 15) + (28 - 12)
    assert folded.count_params() == model.count_params() - saved
    assert fold_apg(folded).count_params() == folded.count_params()


@pytest.mark.parametrize("name", OPTIONS)
def test_every_weight_is_reached(name):
    # Wide enough that no ReLU closes a path for all rows.
    options = {"inner_units": 5, **OPTIONS[name], "condition_units": (16,)}
    model = randomize(
        build_apg(COLUMNS, embedding_dim=WIDTH, hidden_units=(16, 16), rank=3, **options)
    )
    for path, gradient in gradients_of(model).items():
        assert np.abs(gradient).max() > 0, path


def test_the_condition_trains_the_table_of_the_features():
    model = randomize(build(condition="group"))
    assert sum("table" in v.path for v in model.trainable_variables) == 1


def test_a_mixed_batch_equals_its_scenarios_apart():
    for name in OPTIONS:
        model = randomize(build(**OPTIONS[name]))
        together = model(FEATURES).numpy()
        for scenario in range(1, COUNT + 1):
            own = FEATURES["surface"] == scenario
            np.testing.assert_allclose(model(rows(own)), together[own], rtol=1e-5)


def test_an_unseen_scenario_is_the_zero_vector():
    model = randomize(build())
    model(surfaces(1, 2), training=True)
    unknown = model(surfaces(0)).numpy()
    np.testing.assert_array_equal(model(surfaces(3)), unknown)
    assert np.abs(model(surfaces(2)).numpy() - unknown).max() > 1e-3
    layer = model.get_layer("apg_1")
    read = condition_of(model, ["surface"], surfaces(0))
    np.testing.assert_array_equal(cores(layer, read)[0], cores(layer, np.zeros((1, WIDTH)))[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: build_apg(
                [COLUMNS[1], NumericColumn("price"), CategoricalColumn("hour", 3)], condition="mix"
            ),
            "condition_columns: expected names of columns, or a categorical one",
        ),
        (lambda: build_apg(COLUMNS[2:]), "expected one column of group 'scenario'"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_layer_is_saved_with_its_settings(tmp_path):
    x, z = keras.Input((7,)), keras.Input((3,))
    model = keras.Model([x, z], APGDense(6, 2, 4, (5, 5), "tanh")(x, z))
    model.save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    assert loaded.layers[-1].get_config() == model.layers[-1].get_config()
    rng = np.random.default_rng(0)
    given = [rng.normal(size=(5, width)).astype("f4") for width in (7, 3)]
    np.testing.assert_array_equal(loaded(given), model(given))
