"""The baselines of chapter 04: the history pooled, or as the last state of a GRU."""

import dataclasses

import keras
import numpy as np
import pytest
from reference import randomize
from tiny_requests import (
    COLUMNS,
    FEATURES,
    LENGTHS,
    NUM_ROWS,
    WIDTH,
    by_name,
    inputs_of,
    normalized_by_the_formula,
    probabilities_behind,
    vectors_of,
)

from recsys_lib.sequence import build_gru, build_pooled

SIZES = {"embedding_dim": WIDTH, "hidden_units": (6, 5)}


def pooled_behaviours(model, scale):
    total = vectors_of(model, FEATURES["history"]).sum(axis=1)
    return total / np.maximum(LENGTHS, 1)[:, None] if scale == "length" else total


@pytest.mark.parametrize("product", [True, False])
@pytest.mark.parametrize("scale", ["length", "raw", "batch_normalization"])
def test_probabilities_equal_the_formula(scale, product):
    model = randomize(build_pooled(COLUMNS, **SIZES, scale=scale, product=product))
    pooled = pooled_behaviours(model, scale)
    np.testing.assert_allclose(by_name(model, "pooled_history")[:, 0], pooled, rtol=1e-4, atol=1e-6)
    if scale == "batch_normalization":
        pooled = normalized_by_the_formula(model, "pooled_history_normalization", pooled)
    candidate = vectors_of(model, FEATURES["item_id"])
    interests = [pooled, pooled * candidate] if product else [pooled]
    expected = probabilities_behind(model, interests)
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-4)


def test_lists_of_the_profile_are_pooled_as_their_columns_say():
    columns = [dataclasses.replace(c, combiner="sum") if c.name == "genres" else c for c in COLUMNS]
    model = randomize(build_pooled(columns, **SIZES, product=False))
    pooled = pooled_behaviours(model, "length")
    expected = probabilities_behind(model, [pooled], combiner="sum")
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-4)
    of_means = probabilities_behind(model, [pooled])
    assert np.abs(expected - of_means).max() > 1e-3


@pytest.mark.parametrize("product", [True, False])
def test_the_gru_gives_its_state_after_the_last_behaviour(product):
    model = randomize(build_gru(COLUMNS, **SIZES, product=product))
    plain = keras.layers.GRU(WIDTH)
    plain.build((None, None, WIDTH))
    plain.set_weights(model.get_layer("gru").get_weights())
    behaviours = vectors_of(model, FEATURES["history"]).astype(np.float32)
    last = np.zeros((NUM_ROWS, WIDTH))
    for row in np.flatnonzero(LENGTHS):
        last[row] = plain(behaviours[row : row + 1, : LENGTHS[row]])[0]
    np.testing.assert_allclose(by_name(model, "gru_last"), last, rtol=1e-4, atol=1e-6)
    candidate = vectors_of(model, FEATURES["item_id"])
    interests = [last, last * candidate] if product else [last]
    expected = probabilities_behind(model, interests)
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("build", "options", "message"),
    [
        (build_pooled, {"scale": "max"}, "scale: expected one of"),
        (build_pooled, {"scale": "softmax"}, "scale: expected one of"),  # there are no scores
        (build_pooled, {"product": 1}, "product: expected True or False"),
        (build_gru, {"product": "yes"}, "product: expected True or False"),
    ],
)
def test_bad_options_are_named(build, options, message):
    with pytest.raises(ValueError, match=message):
        build(COLUMNS, **options)
