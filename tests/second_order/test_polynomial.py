"""The polynomial of degree two against a loop over its pairs."""

import itertools

import numpy as np
import pytest
from reference import randomize, sigmoid
from tiny_crosses import COLUMNS, FEATURES, NUM_ROWS

from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.memorization import build_wide
from recsys_lib.second_order import build_polynomial

IDS = (CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 8))


def test_every_pair_of_ids_has_a_weight_of_its_own():
    model = randomize(build_polynomial(IDS))
    linear, crosses = model.get_layer("wide_linear"), model.get_layer("wide_cross")
    weights = linear.table.numpy()[:, 0].astype(np.float64)
    table = crosses.table.numpy().astype(np.float64).reshape(6, 8)
    bias = float(model.get_layer("click").bias.numpy())
    every = list(itertools.product(range(1, 6), range(1, 8)))
    features = {
        "user_id": np.array([user for user, _ in every], np.int32),
        "movie_id": np.array([movie for _, movie in every], np.int32),
    }
    logits = [weights[u] + weights[6 + m] + table[u, m] + bias for u, m in every]
    np.testing.assert_allclose(model(features), sigmoid(logits), rtol=1e-5)


def test_it_is_the_wide_model_over_all_pairs():
    model, wide = randomize(build_polynomial(COLUMNS)), build_wide(COLUMNS)
    assert model.name == "polynomial"
    wide.set_weights(model.get_weights())
    np.testing.assert_array_equal(model(FEATURES), wide(FEATURES))
    assert model(FEATURES).shape == (NUM_ROWS,)


def test_its_parameters_grow_with_the_product_of_the_vocabularies():
    pairs = 6 * 8 + 6 * 5 + 6 * 8 + 8 * 5 + 8 * 8 + 5 * 8
    assert build_polynomial(COLUMNS).count_params() == (6 + 8 + 5 + 1) + pairs + 1


def test_the_options_of_hashing_and_the_task_are_passed_on():
    model = build_polynomial(IDS, max_cross_rows=10, num_cross_buckets=7, tasks="like")
    assert model.get_layer("wide_cross").table.shape == (7, 1)
    assert list(model.output_names) == ["like"]


def test_numbers_alone_have_no_pair():
    with pytest.raises(ValueError, match="expected at least one pair of columns, got none"):
        build_polynomial((NumericColumn("price"), NumericColumn("age")))
