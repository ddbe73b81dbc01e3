"""SDIM: signatures by counting, rounds by loops, and how often two vectors fall together."""

import numpy as np
import pytest
import tensorflow as tf
from reference import randomize
from tiny_requests import (
    COLUMNS,
    FEATURES,
    LENGTHS,
    MASK,
    NUM_ROWS,
    WIDTH,
    by_name,
    gradients,
    inputs_of,
    probabilities_behind,
    vectors_of,
    weight,
)

from recsys_lib.one_request.division import DIVISIONS
from recsys_lib.sequence import HashCodes, Signatures, SignatureSums, build_sdim
from recsys_lib.training import predict, rank

SIZES = {"embedding_dim": WIDTH, "hidden_units": (6, 5), "num_bits": 12, "signature_bits": 2}


def signatures_of(vector, directions, bits):
    """Tuples of signs by loops, one a round."""
    signs = [bool(vector @ direction >= 0) for direction in directions.T]
    return [tuple(signs[first : first + bits]) for first in range(0, len(signs), bits)]


def interest_of(behaviours, values, real, candidate, directions, bits, normalize=True):
    """Of one row: for each round the sum of what has the candidate's signature; their mean."""
    asked = signatures_of(candidate, directions, bits)
    total = np.zeros(values.shape[1])
    for r in range(len(asked)):
        bucket = np.zeros(values.shape[1])
        for step in np.flatnonzero(real):
            if signatures_of(behaviours[step], directions, bits)[r] == asked[r]:
                bucket += values[step]
        length = np.linalg.norm(bucket)
        total += bucket / length if normalize and length > 0 else bucket
    return total / len(asked)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("bits", [1, 3])
def test_probabilities_equal_the_formula(bits, normalize):
    options = SIZES | {"signature_bits": bits, "normalize": normalize}
    model = randomize(build_sdim(COLUMNS, **options))
    behaviours = vectors_of(model, FEATURES["history"])
    candidate = vectors_of(model, FEATURES["item_id"])
    directions = weight(model.get_layer("sdim_codes"), "directions")
    interests = np.array(
        [
            interest_of(
                behaviours[row],
                behaviours[row],
                MASK[row],
                candidate[row],
                directions,
                bits,
                normalize,
            )
            for row in range(NUM_ROWS)
        ]
    )
    np.testing.assert_allclose(by_name(model, "sdim_interest"), interests, rtol=1e-4, atol=1e-5)
    expected = probabilities_behind(model, [interests])
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-4)
    assert (np.abs(interests[LENGTHS > 0]).max(axis=1) > 0).sum() >= 3


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_behaviour_counts_as_often_as_its_angle_says(bits):
    """Without normalization the expected weight is (1 - angle / pi)^tau."""
    rounds = 8_000
    rng = np.random.default_rng(1)
    candidate = rng.normal(size=(1, 6)).astype(np.float32)
    behaviours = rng.normal(size=(1, 12, 6)).astype(np.float32)
    behaviours[0, 0], behaviours[0, 1] = 3 * candidate[0], -candidate[0]
    codes, signatures = HashCodes(rounds * bits), Signatures(bits)
    mask = np.ones((1, 12), np.float32)
    values = np.eye(12, dtype=np.float32)[None]  # so that the interest names each one's weight
    weights = SignatureSums(bits, normalize=False)(
        values, signatures(codes(behaviours)), mask, signatures(codes(candidate))
    )
    cosine = behaviours[0] @ candidate[0]
    cosine /= np.linalg.norm(behaviours[0], axis=1) * np.linalg.norm(candidate[0])
    expected = (1 - np.arccos(np.clip(cosine, -1, 1)) / np.pi) ** bits
    np.testing.assert_allclose(np.asarray(weights)[0], expected, atol=4 * 0.5 / np.sqrt(rounds))
    assert np.asarray(weights)[0, 0] == pytest.approx(1, abs=1e-5)
    assert np.asarray(weights)[0, 1] == 0


def test_copies_of_the_candidate_give_its_direction():
    """Each round's sum is of length 1, so their number does not matter."""
    model = randomize(build_sdim(COLUMNS, **SIZES))
    features = {**FEATURES, "history": (MASK * 3).astype(np.int32)}
    features["item_id"] = np.full(NUM_ROWS, 3, np.int32)
    vector = vectors_of(model, np.array([3]))[0]
    interest = by_name(model, "sdim_interest", features)
    for row in np.flatnonzero(LENGTHS):
        np.testing.assert_allclose(interest[row], vector / np.linalg.norm(vector), rtol=1e-5)


def test_signatures_are_numbers_in_base_two():
    codes = np.array([[1, -1, 1, -1, -1, 1], [-1, -1, -1, 1, 1, 1]], np.float32)
    np.testing.assert_array_equal(Signatures(3)(codes), [[5, 4], [0, 7]])
    np.testing.assert_array_equal(Signatures(2)(codes), [[1, 1, 2], [0, 2, 3]])
    assert np.asarray(Signatures(1)(codes)).shape == (2, 6)


def test_the_order_of_behaviours_and_the_length_of_the_candidate_do_not_matter():
    rng = np.random.default_rng(2)
    behaviours = rng.normal(size=(4, 9, 5)).astype(np.float32)
    candidate = rng.normal(size=(4, 5)).astype(np.float32)
    codes, signatures, sums = HashCodes(24), Signatures(2), SignatureSums(2)
    mask = np.ones((4, 9), np.float32)

    def interest(steps, asked):
        return np.asarray(sums(steps, signatures(codes(steps)), mask, signatures(codes(asked))))

    expected = interest(behaviours, candidate)
    np.testing.assert_allclose(interest(behaviours[:, ::-1], candidate), expected, atol=1e-6)
    np.testing.assert_array_equal(interest(behaviours, candidate * 7), expected)


@pytest.mark.parametrize("options", [{}, {"normalize": False}, {"recency": True, "product": True}])
def test_the_requests_sums_of_all_signatures_give_the_same_scores(options):
    model = randomize(build_sdim(COLUMNS, **SIZES, **options))
    features = inputs_of(model)
    user = {name: features[name][0] for name in ("history", "user_id")}
    candidates = {name: values for name, values in features.items() if name not in user}
    tiled = {name: np.stack([value] * NUM_ROWS) for name, value in user.items()}
    expected = predict(model, tiled | candidates)["click"]
    np.testing.assert_allclose(rank(model, user, candidates).scores, expected, atol=2e-6)


def test_padding_falls_together_with_nothing():
    """Also where the candidate is unknown: the zero vector has a signature, too."""
    layer = SignatureSums(2, normalize=False)
    same = np.zeros((1, 3, 4), np.int32)
    found = layer(np.full((1, 3, 2), 5.0, np.float32), same, np.array([[1.0, 0, 0]]), same[:, 0])
    np.testing.assert_array_equal(found, [[5, 5]])
    model = randomize(build_sdim(COLUMNS, **SIZES, recency=True))
    np.testing.assert_array_equal(by_name(model, "sdim_interest")[LENGTHS == 0], 0)


@pytest.mark.parametrize("normalize", [True, False])
def test_a_requests_sums_are_those_of_its_real_steps(normalize):
    """Whatever stands at padding: vectors, and signatures that candidates share."""
    rng = np.random.default_rng(3)
    behaviours = tf.constant(rng.normal(size=(1, 8, 3)), tf.float32)
    signatures = tf.constant(rng.integers(0, 4, (1, 8, 5)), tf.int32)
    mask = tf.constant([[1, 1, 0, 1, 0, 1, 1, 0]], tf.float32)
    asked = tf.constant(rng.integers(0, 4, (7, 5)), tf.int32)
    layer = SignatureSums(2, normalize=normalize)
    inputs = (behaviours, signatures, mask, asked)
    once = DIVISIONS["recsys_lib>SignatureSums"](layer, lambda value: len(value) == 1, *inputs)
    tiled = [tf.repeat(tensor, 7, axis=0) for tensor in (behaviours, signatures, mask)]
    np.testing.assert_allclose(once, layer(*tiled, asked), atol=1e-6)


def test_an_empty_round_has_a_gradient_of_zero():
    behaviours = tf.Variable(np.ones((1, 2, 3), np.float32))
    signatures, asked = np.array([[[1, 0], [1, 1]]], np.int32), np.array([[0, 1]], np.int32)
    with tf.GradientTape() as tape:
        interest = SignatureSums(1)(behaviours, signatures, np.ones((1, 2), np.float32), asked)
        loss = tf.reduce_sum(interest * np.array([1.0, 2.0, 4.0], np.float32))
    gradient = np.asarray(tape.gradient(loss, behaviours))
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[0, 0], 0)
    assert (gradient[0, 1] != 0).any()


def test_all_that_is_trained_gets_a_gradient_and_the_directions_are_not():
    model = randomize(build_sdim(COLUMNS, **SIZES))
    assert model.get_layer("sdim_codes").trainable_variables == []
    assert all(gradient is not None for gradient in gradients(model).values())


def test_the_context_is_added_up_and_no_part_of_the_signature():
    model = randomize(build_sdim(COLUMNS, **SIZES, step_context=("history_age",)))
    behaviours = vectors_of(model, FEATURES["history"])
    ages = vectors_of(model, FEATURES["history_age"], "history_age")
    values = np.concatenate([behaviours, ages], axis=2)
    candidate = vectors_of(model, FEATURES["item_id"])
    directions = weight(model.get_layer("sdim_codes"), "directions")
    assert directions.shape == (WIDTH, 12)
    found = by_name(model, "sdim_interest")
    for row in range(NUM_ROWS):
        expected = interest_of(
            behaviours[row], values[row], MASK[row], candidate[row], directions, bits=2
        )
        np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_bits": 10, "signature_bits": 3}, "num_bits: expected a multiple of signature_bits"),
        ({"num_bits": 0}, "num_bits: expected"),
        ({"signature_bits": 13}, "signature_bits: expected an integer from 1 to 12"),
        ({"normalize": 1}, "normalize: expected True or False"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build_sdim(COLUMNS, embedding_dim=WIDTH, **options)
