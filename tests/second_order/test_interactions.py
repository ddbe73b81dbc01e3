"""Pairs and their products against loops, and the sum of pairs in linear time."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_crosses import COLUMNS, NUM_FIELDS, pairs_of, random_fields

from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.features.embedding import build_inputs, field_names
from recsys_lib.second_order.interactions import (
    BiInteraction,
    PairLayer,
    PairwiseInnerProduct,
    PairwiseProduct,
    crossed_fields,
    pair_indices,
    pair_matrix,
    pair_names,
    pick,
)


@pytest.mark.parametrize("num_fields", [2, 3, 6])
def test_pairs_are_all_i_below_j_in_lexical_order(num_fields):
    first, second = pair_indices(num_fields)
    assert list(zip(first, second, strict=True)) == pairs_of(num_fields)
    assert first.dtype == second.dtype == np.int32


def test_names_follow_the_pairs():
    names = field_names(COLUMNS)
    assert pair_names(COLUMNS) == [(names[i], names[j]) for i, j in pairs_of(NUM_FIELDS)]


def test_a_matrix_holds_each_value_twice_and_nothing_on_its_diagonal():
    values = np.arange(12.0).reshape(2, 6)
    matrix = pair_matrix(values, 4)
    assert matrix.shape == (2, 4, 4)
    for row, (position, (i, j)) in itertools.product(range(2), enumerate(pairs_of(4))):
        assert matrix[row, i, j] == matrix[row, j, i] == values[row, position]
    assert np.isnan(matrix[:, range(4), range(4)]).all()
    with pytest.raises(ValueError, match="expected 10 values for 5 fields, got 6"):
        pair_matrix(values, 5)


@pytest.mark.parametrize("num_fields", [0, 1])
def test_a_single_field_cannot_be_crossed(num_fields):
    with pytest.raises(ValueError, match=f"expected at least 2 fields, got {num_fields}"):
        pair_indices(num_fields)


def test_picking_equals_indexing_and_so_does_its_gradient():
    positions = np.array([2, 0, 2, 1, 4, 0], np.int32)
    fields = tf.constant(random_fields(5, 5, 3))
    weights = tf.constant(np.random.default_rng(1).normal(size=(5, 5, 3)))
    results = []
    for function in (
        lambda x: pick(x, positions),
        lambda x: tf.gather(x, positions, axis=1),
    ):
        with tf.GradientTape() as tape:
            tape.watch(fields)
            picked = function(fields)
            loss = tf.reduce_sum(tf.sin(picked) * tf.gather(weights, positions, axis=1))
        gradient = tf.convert_to_tensor(tape.gradient(loss, fields))
        results.append((picked.numpy(), gradient.numpy()))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-12, atol=1e-12)
    assert not results[0][1].take(3, axis=1).any()  # never picked


def test_pairwise_products_equal_the_loop():
    fields = random_fields()
    products = PairwiseProduct(dtype="float64")(fields)
    expected = np.stack([fields[:, i] * fields[:, j] for i, j in pairs_of(5)], axis=1)
    np.testing.assert_allclose(products, expected, rtol=1e-14)


def test_pairwise_inner_products_equal_the_loop():
    fields = random_fields()
    products = PairwiseInnerProduct(dtype="float64")(fields)
    expected = [[row[i] @ row[j] for i, j in pairs_of(5)] for row in fields]
    np.testing.assert_allclose(products, expected, rtol=1e-12)


@pytest.mark.parametrize("num_fields", [2, 3, 9])
def test_the_sum_of_pairs_in_linear_time_equals_the_loop_over_pairs(num_fields):
    fields = random_fields(4, num_fields, 3)
    expected = np.zeros((4, 3))
    for i, j in pairs_of(num_fields):
        expected += fields[:, i] * fields[:, j]
    sums = BiInteraction(dtype="float64")(fields)
    np.testing.assert_allclose(sums, expected, rtol=1e-10, atol=1e-12)


def test_the_sum_of_pairs_does_not_depend_on_the_order_of_fields():
    fields = random_fields()
    order = [3, 0, 4, 1, 2]
    layer = BiInteraction(dtype="float64")
    np.testing.assert_allclose(layer(fields[:, order]), layer(fields), rtol=1e-12)


def test_a_field_of_zeros_adds_nothing():
    fields = random_fields(num_fields=4)
    padded = np.insert(fields, 2, 0, axis=1)
    layer = BiInteraction(dtype="float64")
    np.testing.assert_allclose(layer(padded), layer(fields), rtol=1e-12)


def test_the_shape_of_fields_is_checked():
    with pytest.raises(
        ValueError, match=r"expected shape \(batch, num_fields, embedding_dim\), got \(3, 4\)"
    ):
        PairwiseProduct()(np.zeros((3, 4), np.float32))
    with pytest.raises(ValueError, match="expected at least 2 fields, got 1"):
        PairwiseProduct()(np.zeros((3, 1, 4), np.float32))


def test_crossed_fields_are_the_output_of_a_named_layer():
    inputs = build_inputs(COLUMNS)
    assert crossed_fields(inputs, COLUMNS, 4).shape == (None, NUM_FIELDS, 4)
    both = [crossed_fields(inputs, COLUMNS, 4, name) for name in ("embedding", "deep_embedding")]
    names = {layer.name for layer in keras.Model(inputs, both).layers}
    assert {"fields", "deep_embedding_fields", "embedding", "deep_embedding"} <= names


def test_crossed_fields_refuse_what_cannot_be_crossed():
    one = (CategoricalColumn("user_id", 5),)
    with pytest.raises(ValueError, match="expected at least 2 fields, got 1"):
        crossed_fields(build_inputs(one), one, 4)
    wide = (*one, CategoricalColumn("movie_id", 5, embedding_dim=6))
    with pytest.raises(ValueError, match="'movie_id': crossing fields needs one width, expected"):
        crossed_fields(build_inputs(wide), wide, 4)


def test_the_base_of_pair_layers_knows_its_pairs():
    layer = PairLayer()
    layer.build((None, 4, 3))
    assert (layer.num_fields, layer.embedding_dim, layer.num_pairs) == (4, 3, 6)
