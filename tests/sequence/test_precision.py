"""The sequence models in half and in double precision."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize, softmax
from tiny_requests import COLUMNS, FEATURES, LENGTHS, WIDTH, gradients, inputs_of

from recsys_lib.layers.activations import Dice
from recsys_lib.sequence import (
    build_bst,
    build_dien,
    build_din,
    build_dsin,
    build_gru,
    build_pooled,
)
from recsys_lib.sequence.dien import AuxiliaryLoss
from recsys_lib.sequence.parts import masked_softmax

_sizes = {"embedding_dim": WIDTH, "hidden_units": (6, 5)}
MODELS = {
    "pooled": functools.partial(build_pooled, **_sizes),
    "pooled_normalized": functools.partial(build_pooled, **_sizes, scale="batch_normalization"),
    "gru": functools.partial(build_gru, **_sizes),
    "din": functools.partial(build_din, **_sizes, recency=True, batch_normalization=True),
    "din_softmax": functools.partial(build_din, **_sizes, scale="softmax"),
    "din_length": functools.partial(build_din, **_sizes, scale="length", product=True),
    "din_normalized": functools.partial(
        build_din, **_sizes, scale="batch_normalization", product=True
    ),
    "dien": functools.partial(build_dien, **_sizes),
    "dien_network": functools.partial(build_dien, **_sizes, discriminator="network"),
    "dsin": functools.partial(build_dsin, **_sizes, num_sessions=2),
    "dsin_tanh": functools.partial(build_dsin, **_sizes, num_sessions=2, attention="tanh"),
    "dsin_whole": functools.partial(
        build_dsin,
        **_sizes,
        num_sessions=2,
        head_inputs="whole",
        scale="batch_normalization",
        product=True,
    ),
    "bst_product": functools.partial(build_bst, **_sizes, product=True),
    "bst": functools.partial(build_bst, **_sizes),
}
TOLERANCE = {"mixed_float16": 0.01, "float16": 0.02, "mixed_bfloat16": 0.06, "float64": 1e-5}


@pytest.fixture(params=TOLERANCE)
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


@functools.cache
def in_single_precision(name):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    model = randomize(MODELS[name](COLUMNS), scale=0.3)
    keras.config.set_dtype_policy(policy)
    return np.asarray(model(inputs_of(model)))


@pytest.mark.parametrize("name", MODELS)
def test_probabilities_are_about_those_of_single_precision(name, policy):
    expected = in_single_precision(name)
    model = randomize(MODELS[name](COLUMNS), scale=0.3)
    own = keras.dtype_policies.get(policy).compute_dtype
    mask = model.get_layer("behaviour_mask")
    assert mask.output.dtype == model.get_layer("behaviours").output.dtype == own
    (cast,) = mask.input if isinstance(mask.input, list) else [mask.input]
    assert cast.dtype == own  # also before the named layer, which casts what it is given
    found = np.asarray(model(inputs_of(model)), np.float64)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, atol=TOLERANCE[policy])


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_finite(name, policy):
    model = randomize(MODELS[name](COLUMNS), scale=0.3)
    for path, gradient in gradients(model, training=True).items():
        assert np.isfinite(np.asarray(gradient, np.float64)).all(), path


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_masked_softmax_has_no_infinities_in_any_precision(dtype):
    scores = np.array([[1.0, -2.0, 60000.0], [-60000, -60000, 3], [60000, -60000, 0], [1, 2, 3]])
    mask = np.array([[1, 1, 0], [1, 1, 0], [1, 1, 0], [0, 0, 0]])
    logits = tf.Variable(tf.cast(scores, dtype))
    with tf.GradientTape() as tape:
        shares = masked_softmax(logits, tf.cast(mask, dtype))
        loss = tf.reduce_sum(shares * shares)
    assert shares.dtype == dtype
    expected = np.zeros(scores.shape)
    expected[:3, :2] = softmax(scores[:3, :2])
    tolerance = 1e-2 if dtype == "bfloat16" else 1e-3
    np.testing.assert_allclose(tf.cast(shares, "float64"), expected, atol=tolerance)
    gradient = tf.cast(tape.gradient(loss, logits), "float64").numpy()
    assert np.isfinite(gradient).all() and (gradient[mask == 0] == 0).all()


def test_dice_counts_more_rows_than_half_precision_can():
    """70,000 is beyond the largest half, and the sum of so many values too."""
    layer = Dice(dtype="mixed_float16", momentum=0.0)
    inputs = np.random.default_rng(0).normal(3, 0.5, size=(70_000, 1)).astype(np.float16)
    outputs = np.asarray(layer(inputs, training=True), np.float64)
    wide = inputs.astype(np.float64)
    p = 1 / (1 + np.exp(-(wide - wide.mean()) / wide.std()))
    np.testing.assert_allclose(outputs, p * wide, atol=5e-3)
    np.testing.assert_allclose(layer.moving_mean, [wide.mean()], rtol=1e-3)
    np.testing.assert_allclose(layer.moving_variance, [wide.var()], rtol=1e-3)


def test_a_constant_unit_is_no_division_by_zero_in_half_precision():
    layer = Dice(dtype="mixed_float16")
    outputs = np.asarray(layer(np.full((4, 1), 2, np.float16), training=True))
    np.testing.assert_allclose(outputs, 1, rtol=1e-3)  # p is a half at the mean


def test_the_auxiliary_loss_adds_more_steps_than_half_precision_can():
    layer = AuxiliaryLoss(average="rows", dtype="mixed_float16")
    zeros, mask = np.zeros((2000, 41, 4), np.float16), np.ones((2000, 41), np.float16)
    layer(zeros, zeros, zeros, mask, training=True)
    # 40 transitions a row, each with two logits of 0: log 2 each.
    np.testing.assert_allclose(float(layer.losses[0]), 40 * 2 * np.log(2), rtol=1e-3)


def test_an_empty_history_still_gives_the_zero_vector(policy):
    model = randomize(MODELS["din_softmax"](COLUMNS), scale=0.3)
    interest = keras.Model(model.inputs, model.get_layer("din_interest").output)
    found = np.asarray(interest(inputs_of(model)), np.float64)
    np.testing.assert_array_equal(found[LENGTHS == 0], 0)
    assert np.abs(found[LENGTHS > 0]).max() > 0 and len(FEATURES["history"]) == len(found)
