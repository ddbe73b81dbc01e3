"""Target attention's first scores: an inner product, so that a search begins with what is alike."""

import keras
import numpy as np
import pytest
from tiny_requests import COLUMNS, FEATURES, LENGTHS, NUM_ROWS, WIDTH

from recsys_lib.sequence import TargetScores, build_sim, build_twin, found_positions

RNG = np.random.default_rng(1)


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize(
    ("num_heads", "head_dim"), [(1, None), (2, None), (4, None), (1, 5), (2, 5)]
)
def test_over_all_heads_the_first_scores_are_the_inner_product(num_heads, head_dim, scaled):
    """Also where heads are rounded up (5 / 2), and where each is as wide as the candidate."""
    behaviours = RNG.normal(size=(3, 7, 5)).astype(np.float32)
    candidate = RNG.normal(size=(3, 5)).astype(np.float32)
    layer = TargetScores(num_heads, head_dim, scaled)
    scores = np.asarray(layer(behaviours, candidate))
    expected = np.einsum("btw,bw->bt", behaviours, candidate)
    expected /= np.sqrt(layer.size) if scaled else 1
    np.testing.assert_allclose(scores.sum(axis=2), expected, atol=1e-5)


def test_heads_begin_apart_and_no_behaviour_like_the_candidate_has_a_negative_score():
    layer = TargetScores(3, head_dim=6)
    candidate = RNG.normal(size=(50, 6)).astype(np.float32)
    scores = np.asarray(layer(candidate[:, None], candidate))[:, 0]
    assert (scores >= 0).all()
    assert (np.abs(np.corrcoef(scores.T)[np.triu_indices(3, 1)]) < 0.9).all()
    again = TargetScores(3, head_dim=6)
    again(candidate[:, None], candidate)
    assert np.abs(np.asarray(again.query) - np.asarray(layer.query)).max() > 0.1


def test_what_stands_behind_the_behaviours_vector_has_a_map_of_its_own():
    behaviours = RNG.normal(size=(3, 7, 8)).astype(np.float32)
    candidate = RNG.normal(size=(3, 5)).astype(np.float32)
    layer = TargetScores(1)
    own = np.asarray(layer(behaviours, candidate))
    query, key = np.asarray(layer.query), np.asarray(layer.key)
    np.testing.assert_array_equal(key[:5], query)
    assert (key[5:] != 0).all() and not np.allclose(key[5:], query[:3])
    behaviours[:, :, 5:] = 0
    alike = np.einsum("btw,bw->bt", behaviours[:, :, :5], candidate) / np.sqrt(5)
    np.testing.assert_allclose(np.asarray(layer(behaviours, candidate))[..., 0], alike, atol=1e-5)
    assert np.abs(own[..., 0] - alike).max() > 0.1


def test_the_two_maps_are_two_variables():
    layer = TargetScores(2)
    layer.build((None, 3, 4), (None, 4))
    before = layer.query.numpy()
    layer.key.assign(layer.key * 2)
    np.testing.assert_array_equal(layer.query, before)
    assert len(layer.trainable_variables) == 2


@pytest.mark.parametrize("build", [build_sim, build_twin])
def test_a_model_that_has_learned_nothing_finds_the_candidate_itself(build):
    def directions(shape, dtype=None):
        rows = keras.initializers.RandomNormal()(shape, dtype)
        return rows / keras.ops.norm(rows, axis=1, keepdims=True)

    for seed in range(3):
        keras.utils.set_random_seed(seed)
        model = build(
            COLUMNS,
            embedding_dim=WIDTH,
            found_steps=1,
            recency=False,
            embeddings_initializer=directions,
        )
        history = FEATURES["history"].copy()
        place = np.maximum(LENGTHS - 2, 0)
        history[np.arange(NUM_ROWS), place] = FEATURES["item_id"]
        features = FEATURES | {"history": history}
        positions = found_positions(model, features)[:, 0]
        rows = (LENGTHS > 0) & (FEATURES["item_id"] > 0)
        found = history[np.arange(NUM_ROWS), positions]
        np.testing.assert_array_equal(found[rows], FEATURES["item_id"][rows])
