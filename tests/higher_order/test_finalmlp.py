"""FinalMLP against its formula: two gated networks, and the heads that multiply their outputs."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
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
from reference import double, randomize, relu, sigmoid

from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.higher_order import build_finalmlp
from recsys_lib.higher_order.finalmlp import BilinearFusion

DIM = 4
WIDTH = 3 * DIM + 3  # three embeddings and three numbers
TABLES = (9 + 7) * DIM
GATE = 3


def build(**options):
    sizes = {"embedding_dim": DIM, "hidden_units": (7, 6), "gate_units": GATE}
    return build_finalmlp(COLUMNS, **(sizes | options))


def condition_of(model, n, group, features):
    """User: the id's vector. Item: the film's, and the price. None: what is learned."""
    if group is None:
        vector = double(model.get_layer(f"condition_{n}").vector)
        return np.tile(vector, (len(features["user_id"]), 1))
    column = {"user": "user_id", "item": "movie_id"}[group]
    layer = model.get_layer(f"condition_{n}_embedding")
    ids = features[column]
    vectors = double(layer.table)[layer.rows_of(column)][ids] * (ids != 0)[:, None]
    return vectors if group == "user" else np.column_stack([vectors, features["price"]])


def gate_of(model, n, condition):
    layer = model.get_layer(f"gate_{n}")
    hidden = relu(condition @ double(layer.hidden.kernel) + double(layer.hidden.bias))
    return 2 * sigmoid(hidden @ double(layer.factors.kernel) + double(layer.factors.bias))


@pytest.mark.parametrize(
    ("options", "groups"),
    [
        ({}, ("user", "item")),
        ({"num_heads": 3}, ("user", "item")),
        ({"num_heads": 2, "second_units": (4,)}, ("user", "item")),
        ({"conditions": (None, None)}, (None, None)),
        ({"conditions": ("item", None), "num_heads": 2}, ("item", None)),
        ({"conditions": ("user", "user")}, ("user", "user")),
    ],
)
def test_the_model_equals_its_formula(options, groups):
    features = make_rows()
    model = randomize(build(**options), scale=0.4)
    embedded = first_input(model, features, "embedding")
    outputs = []
    for n, group in enumerate(groups, start=1):
        gate = gate_of(model, n, condition_of(model, n, group, features))
        assert gate.shape == (6, WIDTH) and (0 < gate).all() and (gate < 2).all()
        shown = output_of(model, f"gate_{n}", features)
        np.testing.assert_allclose(shown, gate, rtol=1e-5, atol=1e-5)
        outputs.append(dense_stack(model.get_layer(f"deep_{n}"), gate * embedded))
    kernel = double(model.get_layer("fusion").kernel)
    heads, *parts = kernel.shape
    assert heads == options.get("num_heads", 1)
    terms = np.zeros((6, heads))
    for row, (first, second) in enumerate(zip(*outputs, strict=True)):
        for h in range(heads):
            of_first = first[h * parts[0] : (h + 1) * parts[0]]
            of_second = second[h * parts[1] : (h + 1) * parts[1]]
            terms[row, h] = of_first @ kernel[h] @ of_second
    shown = output_of(model, "fusion", features)
    np.testing.assert_allclose(shown, terms, rtol=1e-4, atol=1e-5)
    linear = np.concatenate(outputs, axis=1) @ double(model.get_layer("logit").kernel)[:, 0]
    assert_equal_to(model, features, linear + terms.sum(axis=1))


def test_without_the_bilinear_form_it_is_the_sum_of_two_networks_logits():
    features = make_rows()
    model = randomize(build(num_heads=2), scale=0.4)
    model.get_layer("fusion").kernel.assign(np.zeros((2, 3, 3)))
    weights = double(model.get_layer("logit").kernel)[:, 0]
    first, second = (double(output_of(model, f"deep_{n}", features)) for n in (1, 2))
    assert_equal_to(model, features, first @ weights[:6] + second @ weights[6:])


def test_a_learned_condition_of_zero_gates_by_one_where_the_gate_has_no_bias():
    features = make_rows()
    model = randomize(build(conditions=(None, None)))
    for n in (1, 2):
        model.get_layer(f"condition_{n}").vector.assign(np.zeros(DIM))
        gate = model.get_layer(f"gate_{n}")
        for layer in (gate.hidden, gate.factors):
            layer.bias.assign(np.zeros(layer.bias.shape))
        np.testing.assert_array_equal(output_of(model, f"gate_{n}", features), 1)
    embedded = first_input(model, features, "embedding")
    hidden = dense_stack(model.get_layer("deep_1"), embedded)
    shown = output_of(model, "deep_1", features)
    np.testing.assert_allclose(shown, hidden, rtol=1e-4, atol=1e-5)


def test_a_learned_condition_and_its_gate_get_gradients_from_the_start():
    model = build(conditions=(None, None))
    gate = model.get_layer("gate_1")
    weights = [model.get_layer("condition_1").vector, gate.hidden.kernel, gate.factors.kernel]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(make_rows()))
    for gradient in tape.gradient(loss, [weight.value for weight in weights]):
        assert np.abs(gradient).max() > 0


def test_heads_are_blocks_of_one_matrix():
    rng = np.random.default_rng(3)
    first, second = (rng.normal(size=(5, 6)).astype(np.float32) for _ in range(2))
    heads, whole = BilinearFusion(2), BilinearFusion(1)
    for layer in (heads, whole):
        layer.build(first.shape, second.shape)
    kernel = np.zeros((1, 6, 6))
    kernel[0, :3, :3], kernel[0, 3:, 3:] = heads.kernel.numpy()
    whole.kernel.assign(kernel)
    total = np.sum(heads(first, second), axis=1)
    np.testing.assert_allclose(whole(first, second)[:, 0], total, rtol=1e-4, atol=1e-5)


def test_two_unknown_users_are_gated_alike():
    features = make_rows()
    features["user_id"][:] = 0
    gates = output_of(randomize(build()), "gate_1", features)
    np.testing.assert_allclose(gates, np.tile(gates[:1], (6, 1)), rtol=1e-5)


def test_conditions_have_tables_of_their_own():
    model, features = randomize(build()), make_rows()
    before = output_of(model, "features", features)
    gates = output_of(model, "gate_1", features)
    layer = model.get_layer("condition_1_embedding")
    layer.table.assign(1 - layer.table.numpy())
    np.testing.assert_array_equal(output_of(model, "features", features), before)
    assert np.abs(output_of(model, "gate_1", features) - gates).max() > 0.01


def test_the_streams_start_apart():
    model = build()
    for name in ("deep", "gate"):
        first, second = (model.get_layer(f"{name}_{n}").variables for n in (1, 2))
        kernels = [one for one in zip(first, second, strict=True) if one[0].shape == one[1].shape]
        assert any(np.abs(one.numpy() - other.numpy()).max() > 0.01 for one, other in kernels)


def test_without_columns_of_user_and_item_both_conditions_are_learned():
    model = build_finalmlp([CategoricalColumn("hour", 25), CategoricalColumn("day", 8)])
    assert [model.get_layer(f"condition_{n}").vector.shape for n in (1, 2)] == [(16,), (16,)]


@pytest.mark.parametrize("num_heads", [1, 2, 3, 6])
def test_parameters(num_heads):
    def network(*units):
        return sum(a * b + b for a, b in itertools.pairwise(units))

    gates = network(DIM, GATE, WIDTH) + network(DIM + 1, GATE, WIDTH)
    own_tables = (9 + 7) * DIM
    fusion = 6 * 6 // num_heads
    expected = TABLES + own_tables + gates + 2 * network(WIDTH, 7, 6) + 2 * 6 + fusion + 1
    assert count(build(num_heads=num_heads)) == expected


@pytest.mark.parametrize("options", [{}, {"conditions": (None, "item"), "num_heads": 2}])
def test_gradients_reach_every_weight(options):
    assert_gradients_reach_every_weight(build(**options, batch_normalization=True))
