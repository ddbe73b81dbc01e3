"""DCN and DCN-V2 against their formulas, and the degree that their depth reaches."""

import functools

import keras
import numpy as np
import pytest
from crossing import (
    COLUMNS,
    assert_equal_to,
    assert_gradients_reach_every_weight,
    count,
    dense_stack,
    first_input,
    make_rows,
    output_of,
)
from reference import double, randomize

from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.higher_order.dcn import CrossLayer, MatrixCrossLayer, build_dcn, build_dcn_v2

WIDTH = 3 * 4 + 3  # three embeddings of width 4 and three numbers
VARIANTS = {
    "dcn": build_dcn,
    "dcn_v2": build_dcn_v2,
    "dcn_v2_low_rank": functools.partial(build_dcn_v2, rank=2),
}
variants = pytest.mark.parametrize("build", VARIANTS.values(), ids=VARIANTS)


@pytest.fixture
def float64():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def cross(layer, first, current):
    """One layer, row by row and component by component."""
    result = np.empty_like(current)
    bias = double(layer.bias)
    for row in range(len(first)):
        x0, x = first[row], current[row]
        for out in range(len(x)):
            if isinstance(layer, CrossLayer):
                weight = double(layer.kernel)[:, 0]
                product = sum(x[k] * weight[k] for k in range(len(x)))
                result[row, out] = x0[out] * product + bias[out] + x[out]
                continue
            if layer.rank is None:
                weight = double(layer.kernel).T
            else:
                weight = double(layer.u) @ double(layer.v).T
            product = sum(weight[out, k] * x[k] for k in range(len(x)))
            result[row, out] = x0[out] * (product + bias[out]) + x[out]
    return result


@variants
@pytest.mark.parametrize("hidden_units", [(), (5, 3)])
def test_the_model_equals_its_formula(build, hidden_units):
    features = make_rows()
    model = build(COLUMNS, embedding_dim=4, num_cross_layers=3, hidden_units=hidden_units)
    randomize(model, scale=0.4)
    first = first_input(model, features)
    assert first.shape == (6, WIDTH)
    np.testing.assert_allclose(output_of(model, "cross_input", features), first, rtol=1e-6)
    current = first
    for depth in (1, 2, 3):
        current = cross(model.get_layer(f"cross_{depth}"), first, current)
        shown = output_of(model, f"cross_{depth}", features)
        np.testing.assert_allclose(shown, current, rtol=1e-4, atol=1e-5)
    outputs = current
    if hidden_units:
        hidden = dense_stack(model.get_layer("deep"), first)
        np.testing.assert_allclose(output_of(model, "deep", features), hidden, atol=1e-5)
        outputs = np.concatenate([current, hidden], axis=1)
    assert_equal_to(model, features, outputs @ double(model.get_layer("logit").kernel)[:, 0])


@variants
@pytest.mark.parametrize("num_layers", [1, 2, 4])
def test_along_a_ray_the_crosses_are_a_polynomial_of_degree_layers_plus_one(
    build, num_layers, float64
):
    """Finite differences along t * x_0: order L + 1 is there, order L + 2 vanishes."""
    columns = tuple(NumericColumn(f"number_{i}") for i in range(4))
    model = build(columns, num_cross_layers=num_layers, hidden_units=())
    randomize(model, scale=1.0)
    x0 = np.random.default_rng(3).integers(1, 8, 4) / 8  # multiples of 1/8 scale without rounding
    steps = np.arange(num_layers + 4) - 2
    features = {f"number_{i}": (steps * x0[i]).astype(np.float32) for i in range(4)}
    values = output_of(model, f"cross_{num_layers}", features)
    assert values.dtype == np.float64
    scale = np.abs(values).max()
    differences = np.diff(values, n=num_layers + 1, axis=0)
    assert (np.abs(differences).max(axis=0) > 1e-5 * scale).all()
    assert np.abs(np.diff(values, n=num_layers + 2, axis=0)).max() < 1e-10 * scale


def test_the_cross_is_rank_one_in_dcn_and_not_in_dcn_v2():
    """All that DCN's layer adds is a multiple of x_0."""
    rng = np.random.default_rng(4)
    first, current = rng.normal(size=(2, 3, 5)).astype(np.float32)
    for layer, rank_one in ((CrossLayer(), True), (MatrixCrossLayer(), False)):
        ratio = (layer(first, current) - current) / first
        spread = np.ptp(ratio, axis=1)
        assert (spread < 1e-4).all() if rank_one else (spread > 1e-2).all()


def test_the_bias_stands_outside_the_product_in_dcn_and_inside_in_dcn_v2():
    first = np.array([[2.0, -3.0]], np.float32)
    current = np.array([[0.5, 4.0]], np.float32)
    for layer, expected in ((CrossLayer(), [[1.5, 2.0]]), (MatrixCrossLayer(), [[2.5, 10.0]])):
        layer.build(first.shape, current.shape)
        layer.kernel.assign(np.zeros(layer.kernel.shape))
        layer.bias.assign([1.0, -2.0])
        np.testing.assert_allclose(layer(first, current), expected)


@pytest.mark.parametrize(
    ("build", "per_layer"),
    [
        (VARIANTS["dcn"], 2 * WIDTH),
        (VARIANTS["dcn_v2"], WIDTH**2 + WIDTH),
        (VARIANTS["dcn_v2_low_rank"], 2 * WIDTH * 2 + WIDTH),
    ],
    ids=VARIANTS,
)
def test_parameters(build, per_layer):
    tables = (9 + 7) * 4
    for num_layers in (1, 3):
        sizes = {"embedding_dim": 4, "num_cross_layers": num_layers}
        alone = build(COLUMNS, **sizes, hidden_units=())
        assert count(alone) == tables + per_layer * num_layers + WIDTH + 1
        both = build(COLUMNS, **sizes, hidden_units=(5, 3))
        network = (WIDTH * 5 + 5) + (5 * 3 + 3)
        assert count(both) == count(alone) + network + 3
        # A scale and a shift for each hidden unit.
        normalized = build(COLUMNS, **sizes, hidden_units=(5, 3), batch_normalization=True)
        assert count(normalized) == count(both) + 2 * (5 + 3)


def test_low_rank_of_a_factored_matrix_equals_the_full_layer():
    rng = np.random.default_rng(5)
    u, v, bias = rng.normal(size=(6, 2)), rng.normal(size=(6, 2)), rng.normal(size=6)
    first, current = rng.normal(size=(2, 4, 6)).astype(np.float32)
    full, low = MatrixCrossLayer(), MatrixCrossLayer(rank=2)
    for layer in (full, low):
        layer.build(first.shape, current.shape)
        layer.bias.assign(bias)
    full.kernel.assign((u @ v.T).T)
    low.u.assign(u)
    low.v.assign(v)
    np.testing.assert_allclose(low(first, current), full(first, current), rtol=1e-4, atol=1e-5)


def test_the_low_rank_comes_back_from_its_configuration():
    layer = MatrixCrossLayer(rank=3)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert twin.rank == 3


def test_embeddings_may_differ_in_width():
    columns = (CategoricalColumn("a", 5, embedding_dim=2), CategoricalColumn("b", 5))
    model = build_dcn(columns, embedding_dim=4)
    assert model.get_layer("cross_1").output.shape == (None, 6)


@variants
def test_gradients_reach_every_weight(build):
    assert_gradients_reach_every_weight(build(COLUMNS, embedding_dim=4, batch_normalization=True))
    assert_gradients_reach_every_weight(build(COLUMNS, embedding_dim=4, hidden_units=()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CrossLayer()(np.ones((2, 3)), np.ones((2, 4))), "one width, got 3 and 4"),
        (lambda: CrossLayer()(np.ones((2, 3, 1)), np.ones((2, 3))), r"expected shape \(batch, d\)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
