"""ETA: codes by signs, distances by counting, and the order of cosines with many bits."""

import numpy as np
import pytest
import tensorflow as tf
from reference import randomize
from searches import attention_of, head_scores, head_values, top
from tiny_requests import (
    COLUMNS,
    FEATURES,
    LENGTHS,
    MASK,
    NUM_ROWS,
    STEPS,
    WIDTH,
    by_name,
    gradients,
    inputs_of,
    probabilities_behind,
    vectors_of,
    weight,
)

from recsys_lib.sequence import HammingScores, HashCodes, build_eta, found_positions

SIZES = {"embedding_dim": WIDTH, "hidden_units": (6, 5), "num_bits": 8}


def codes_of(vectors, directions):
    """Bits by loops: on which side of each hyperplane a vector lies."""
    return np.array([[vector @ d >= 0 for d in directions.T] for vector in vectors])


@pytest.mark.parametrize("k", [2, STEPS])
def test_probabilities_equal_the_formula(k):
    model = randomize(build_eta(COLUMNS, **SIZES, found_steps=k))
    behaviours = vectors_of(model, FEATURES["history"])
    candidate = vectors_of(model, FEATURES["item_id"])
    directions = weight(model.get_layer("eta_codes"), "directions")
    interests, distances = [], []
    for row in range(NUM_ROWS):
        own = codes_of(candidate[row : row + 1], directions)
        distance = (codes_of(behaviours[row], directions) != own).sum(axis=1)
        found = top(-distance, MASK[row], k)
        scores = head_scores(model.get_layer("eta_close_scores"), behaviours[row], candidate[row])
        weights = attention_of(scores, found)
        interests.append(head_values(model.get_layer("eta_interest"), weights, behaviours[row]))
        distances.append(distance)
    np.testing.assert_array_equal(by_name(model, "eta_scores"), -np.array(distances))
    interests = np.array(interests)
    np.testing.assert_allclose(by_name(model, "eta_interest"), interests, rtol=1e-3, atol=1e-5)
    expected = probabilities_behind(model, [interests])
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-4)


def test_signs_differ_as_often_as_the_angle_says():
    """Two vectors differ in a direction's sign with probability angle / pi."""
    rng = np.random.default_rng(1)
    behaviours = rng.normal(size=(1, 30, 8)).astype(np.float32)
    candidate = rng.normal(size=(1, 8)).astype(np.float32)
    hashed = HashCodes(20_000)
    distance = -np.asarray(HammingScores()(hashed(behaviours), hashed(candidate)))[0]
    cosine = behaviours[0] @ candidate[0]
    cosine /= np.linalg.norm(behaviours[0], axis=1) * np.linalg.norm(candidate[0])
    np.testing.assert_allclose(distance / 20_000, np.arccos(cosine) / np.pi, atol=0.02)


def test_many_bits_find_what_the_cosine_finds_and_few_do_not():
    rng = np.random.default_rng(2)
    behaviours = rng.normal(size=(50, 40, 8)).astype(np.float32)
    candidate = rng.normal(size=(50, 8)).astype(np.float32)
    length = np.linalg.norm(behaviours, axis=2)
    exact = np.argsort(-np.einsum("btd,bd->bt", behaviours, candidate) / length)[:, :5]
    shared = {}
    for bits in (4, 32, 4096):
        hashed = HashCodes(bits)
        scores = np.asarray(HammingScores()(hashed(behaviours), hashed(candidate)))
        found = np.argsort(-scores, axis=1)[:, :5]
        shared[bits] = np.mean(
            [len(set(x) & set(y)) / 5 for x, y in zip(exact, found, strict=True)]
        )
    assert shared[4] < shared[32] < shared[4096]
    assert shared[4096] > 0.9


def test_codes_know_directions_and_no_lengths():
    hashed = HashCodes(16)
    vectors = np.random.default_rng(3).normal(size=(5, 4)).astype(np.float32)
    codes = np.asarray(hashed(vectors))
    assert set(np.unique(codes)) == {-1.0, 1.0}
    np.testing.assert_array_equal(hashed(vectors * 100), codes)
    np.testing.assert_array_equal(hashed(-vectors), -codes)


def test_directions_differ_are_not_trained_and_no_gradient_passes():
    model = randomize(build_eta(COLUMNS, **SIZES))
    layer = model.get_layer("eta_codes")
    directions = layer.directions.numpy()
    assert len(np.unique(directions.round(6))) == directions.size
    assert layer.trainable_variables == []
    model(inputs_of(model), training=True)
    np.testing.assert_array_equal(layer.directions, directions)
    vectors = tf.Variable(np.ones((2, WIDTH), np.float32))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(vectors))
    assert tape.gradient(loss, vectors) is None
    assert all(gradient is not None for gradient in gradients(model).values())


def test_the_search_follows_the_table():
    """Codes are made from today's vectors: turning the candidate's around turns the order."""
    model = randomize(build_eta(COLUMNS, **SIZES))
    # Behaviours that are not the candidate itself keep their codes.
    features = {**FEATURES, "history": np.where(MASK > 0, 9, 0).astype(np.int32)}
    before = by_name(model, "eta_scores", features)
    layer = model.get_layer("embedding")
    table = layer.table.numpy()
    for item in set(FEATURES["item_id"]) - {0}:
        table[layer.rows_of("item_id").start + item] *= -1
    layer.table.assign(table)
    after = by_name(model, "eta_scores", features)
    known = FEATURES["item_id"] > 0
    np.testing.assert_array_equal(after[known] * MASK[known], (-8 - before[known]) * MASK[known])


def test_the_attention_reads_the_context_of_the_steps():
    model = randomize(build_eta(COLUMNS, **SIZES, step_context=("history_age",), recency=True))
    assert model.get_layer("eta_interest").value.shape[0] == 3 * WIDTH
    assert model.get_layer("eta_codes").directions.shape[0] == WIDTH


def test_an_unknown_candidate_finds_the_latest_of_equal_codes():
    model = randomize(build_eta(COLUMNS, **SIZES, found_steps=2))
    same = {**FEATURES, "history": np.where(MASK > 0, 3, 0).astype(np.int32)}
    for row, steps in enumerate(found_positions(model, same)):
        latest = [step for step in (LENGTHS[row] - 1, LENGTHS[row] - 2) if step >= 0]
        assert [step for step in steps if step >= 0] == latest


@pytest.mark.parametrize("bits", [0, 1.5])
def test_bad_bits_are_named(bits):
    with pytest.raises(ValueError, match="num_bits: expected"):
        build_eta(COLUMNS, embedding_dim=WIDTH, num_bits=bits)
