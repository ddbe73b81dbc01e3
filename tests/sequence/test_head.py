"""What all sequence models do with their interests: scale, products, and the defaults' numbers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize, relu
from test_din import unit_weights
from tiny_requests import (
    COLUMNS,
    FEATURES,
    LENGTHS,
    MASK,
    NUM_ROWS,
    STEPS,
    WIDTH,
    by_name,
    inputs_of,
    normalized_by_the_formula,
    probabilities_behind,
    softmax_over_real,
    vectors_of,
)

from recsys_lib.sequence import (
    InterestNormalization,
    build_bst,
    build_dien,
    build_din,
    build_dsin,
    build_eta,
    build_gru,
    build_pooled,
    build_sdim,
    build_sim,
    build_twin,
)
from recsys_lib.sequence.parts import BilinearAttention, weights_of_steps

SIZES = {"embedding_dim": WIDTH, "hidden_units": (6, 5)}
RNG = np.random.default_rng(11)
EMPTY = LENGTHS == 0


# --- scales of a sum


@pytest.mark.parametrize("product", [False, True])
@pytest.mark.parametrize("scale", ["raw", "length", "softmax", "batch_normalization"])
def test_din_equals_the_formula_with_every_scale(scale, product):
    options = {"activation": "relu", "attention_units": (5, 3), "scale": scale, "product": product}
    model = randomize(build_din(COLUMNS, **SIZES, **options))
    behaviours = vectors_of(model, FEATURES["history"])
    candidate = vectors_of(model, FEATURES["item_id"])
    unit = model.get_layer("din_weights")
    weights = unit_weights(unit, behaviours, candidate, MASK)
    if scale == "length":
        weights /= np.maximum(LENGTHS, 1)[:, None]
    elif scale == "softmax":
        scores = unit_weights(unit, behaviours, candidate, np.ones_like(MASK))
        weights = np.array([softmax_over_real(*row) for row in zip(scores, MASK, strict=True)])
    np.testing.assert_allclose(by_name(model, "din_weights"), weights, rtol=1e-4, atol=1e-6)
    interest = (weights[..., None] * behaviours).sum(axis=1)
    np.testing.assert_allclose(by_name(model, "din_interest"), interest, rtol=1e-4, atol=1e-6)
    if scale == "batch_normalization":
        interest = normalized_by_the_formula(model, "din_interest_normalization", interest)
    interests = [interest, interest * candidate] if product else [interest]
    expected = probabilities_behind(model, interests)
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-4)


def test_steps_of_equal_scores_have_the_mean_by_length_and_by_softmax():
    scores = np.full((NUM_ROWS, STEPS), 1.0, np.float32)
    of_a_mean = MASK / np.maximum(LENGTHS, 1)[:, None]
    for scale in ("length", "softmax"):
        np.testing.assert_allclose(weights_of_steps(scores, MASK, scale), of_a_mean, rtol=1e-6)
    np.testing.assert_array_equal(weights_of_steps(scores, MASK, "raw"), MASK)


def test_a_repeated_history_doubles_the_raw_sum_and_neither_mean_nor_softmax():
    scores = RNG.normal(size=(3, 4)).astype(np.float32)
    once, twice = scores, np.concatenate([scores, scores], axis=1)
    vectors = RNG.normal(size=(3, 4, 2)).astype(np.float32)
    repeated = np.concatenate([vectors, vectors], axis=1)
    for scale, factor in (("raw", 2), ("length", 1), ("softmax", 1)):
        short, long = (
            np.einsum("bt,btd->bd", weights_of_steps(s, np.ones_like(s), scale), v)
            for s, v in ((once, vectors), (twice, repeated))
        )
        np.testing.assert_allclose(long, factor * short, rtol=1e-4, atol=1e-6)


def test_lengths_are_exact_in_half_precision():
    """2,049 is no half; a sum of ones in half stops at 2,048."""
    mask = tf.ones((1, 4096), tf.float16)
    weights = weights_of_steps(4096 * tf.ones_like(mask), mask, "length")
    np.testing.assert_array_equal(weights, 1)


@pytest.mark.parametrize("scale", ["raw", "length", "softmax"])
def test_a_scale_travels_with_its_layer(scale):
    layer = BilinearAttention(scale)
    again = BilinearAttention.from_config(layer.get_config())
    states = RNG.normal(size=(2, 3, 4)).astype(np.float32)
    candidate, mask = states[:, 0], np.float32([[1, 1, 0], [1, 1, 1]])
    weights = np.asarray(layer(states, candidate, mask))
    again(states, candidate, mask)
    again.kernel.assign(layer.kernel)
    np.testing.assert_array_equal(again(states, candidate, mask), weights)
    with pytest.raises(ValueError, match="scale: expected one of"):
        BilinearAttention("batch_normalization")


# --- the normalization of an interest


def a_normalization(**options):
    layer = InterestNormalization(**options)
    layer.build((None, WIDTH), (None, STEPS))
    layer.gamma.assign(RNG.uniform(0.5, 2, WIDTH))
    layer.beta.assign(RNG.normal(size=WIDTH))
    layer.moving_mean.assign(RNG.normal(size=WIDTH))
    layer.moving_variance.assign(RNG.uniform(0.5, 2, WIDTH))
    return layer


def values_of(layer):
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    return [getattr(layer, name).numpy().astype(np.float64) for name in names]


def test_training_uses_the_batch_of_rows_with_a_behaviour_and_moves_the_statistics():
    layer = a_normalization()
    gamma, beta, moving_mean, moving_variance = values_of(layer)
    interest = RNG.normal(2, 3, size=(NUM_ROWS, WIDTH)).astype(np.float32)
    counted = interest[~EMPTY].astype(np.float64)
    mean, variance = counted.mean(axis=0), counted.var(axis=0)
    expected = (interest - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(layer(interest, MASK, training=True), expected, rtol=1e-4, atol=1e-5)
    _, _, after_mean, after_variance = values_of(layer)
    np.testing.assert_allclose(after_mean, 0.9 * moving_mean + 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(after_variance, 0.9 * moving_variance + 0.1 * variance, rtol=1e-5)
    expected = (interest - after_mean) / np.sqrt(after_variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(layer(interest, MASK), expected, rtol=1e-4, atol=1e-5)


def test_rows_without_a_behaviour_move_no_bit_of_the_others():
    interest = RNG.normal(size=(NUM_ROWS, WIDTH)).astype(np.float32)
    found, statistics = [], []
    layer = a_normalization()
    start = [variable.numpy() for variable in layer.weights]
    for value in (0.0, 1e4):
        for variable, before in zip(layer.weights, start, strict=True):
            variable.assign(before)
        interest[EMPTY] = value
        found.append(np.asarray(layer(interest, MASK, training=True))[~EMPTY])
        statistics.append(values_of(layer))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(statistics[0], statistics[1])


def test_a_batch_without_a_behaviour_moves_no_statistics():
    layer = a_normalization()
    before = values_of(layer)
    outputs = layer(np.zeros((3, WIDTH), np.float32), np.zeros((3, STEPS)), training=True)
    assert np.isfinite(outputs).all()
    np.testing.assert_array_equal(values_of(layer), before)


def test_where_all_rows_count_it_is_the_batch_normalization_of_keras():
    own, plain = a_normalization(), keras.layers.BatchNormalization(momentum=0.9)
    plain.build((None, WIDTH))
    plain.set_weights([value.astype(np.float32) for value in values_of(own)])
    interest = tf.constant(RNG.normal(size=(NUM_ROWS, WIDTH)).astype(np.float32))
    ones = np.ones((NUM_ROWS, STEPS), np.float32)
    gradients = []
    for layer, inputs in ((own, (interest, ones)), (plain, (interest,))):
        with tf.GradientTape() as tape:
            tape.watch(interest)
            outputs = layer(*inputs, training=True)
            loss = tf.reduce_sum(tf.sin(outputs) * np.arange(1.0, WIDTH + 1))
        gradients.append((outputs, tape.gradient(loss, interest)))
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    for one, other in zip(values_of(own), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_statistics_stay_in_single_precision():
    """The squares of 300 are beyond the largest half."""
    layer = InterestNormalization(momentum=0.0, dtype="mixed_float16")
    interest = (300 * RNG.normal(size=(4000, 2))).astype(np.float16)
    outputs = layer(interest, np.ones((4000, 3), np.float16), training=True)
    wide = interest.astype(np.float64)
    assert outputs.dtype == "float16"
    np.testing.assert_allclose(layer.moving_variance, wide.var(axis=0), rtol=1e-3)
    expected = (wide - wide.mean(axis=0)) / wide.std(axis=0)
    np.testing.assert_allclose(np.asarray(outputs, np.float64), expected, atol=5e-3)


def test_a_model_counts_the_rows_with_a_behaviour():
    options = {"scale": "batch_normalization", "product": True}
    for build, name in ((build_din, "din_interest"), (build_pooled, "pooled_history")):
        model = randomize(build(COLUMNS, **SIZES, **options, activation="relu"))
        layer = model.get_layer(f"{name}_normalization")
        interest = by_name(model, name).reshape(NUM_ROWS, WIDTH).astype(np.float64)
        model(inputs_of(model), training=True)
        expected = 0.1 * interest[~EMPTY].mean(axis=0)
        np.testing.assert_allclose(layer.moving_mean, expected, rtol=1e-4, atol=1e-6)


# --- products with the candidate

BUILDERS = {
    "pooled": (build_pooled, {}, ("pooled_history",)),
    "gru": (build_gru, {}, ("gru_last",)),
    "din": (build_din, {"activation": "relu", "attention_activation": "dice"}, ("din_interest",)),
    "dien": (build_dien, {"activation": "relu"}, ("dien_interest",)),
    "dsin": (build_dsin, {"num_sessions": 2}, ("activated_interest", "activated_state")),
    "bst": (build_bst, {"activation": "relu"}, ("bst_block",)),
    "sim": (build_sim, {"found_steps": 2, "auxiliary_weight": 0}, ("sim_interest",)),
    "eta": (build_eta, {"found_steps": 2}, ("eta_interest",)),
    "twin": (build_twin, {"found_steps": 2}, ("twin_interest",)),
    "sdim": (build_sdim, {"signature_bits": 1}, ("sdim_interest",)),
}


def interests_of(model, name, layers):
    """The interests as the network reads them, and what of each is multiplied."""
    found = [by_name(model, layer).astype(np.float64) for layer in layers]
    if name == "sim":  # two heads; each sum begins with what stands for the behaviours' vectors
        return found, [found[0].reshape(NUM_ROWS, 2, -1)[..., :WIDTH]]
    if name != "bst":
        found = [interest.reshape(NUM_ROWS, -1) for interest in found]
        return found, found
    real = np.concatenate([MASK, np.ones((NUM_ROWS, 1))], axis=1)
    outputs = found[0] * real[..., None]
    return [outputs.reshape(NUM_ROWS, -1)], [outputs[..., :WIDTH]]


@pytest.mark.parametrize("product", [False, True])
@pytest.mark.parametrize("name", BUILDERS)
def test_the_network_reads_each_interest_and_its_product(name, product):
    build, options, layers = BUILDERS[name]
    model = randomize(build(COLUMNS, **SIZES, **options, product=product))
    candidate = vectors_of(model, FEATURES["item_id"])
    read = []
    for interest, multiplied in zip(*interests_of(model, name, layers), strict=True):
        read.append(interest)
        if product and multiplied.ndim == 3:
            read.append((multiplied * candidate[:, None]).reshape(NUM_ROWS, -1))
        elif product:
            read.append(multiplied * candidate)
    expected = probabilities_behind(model, read, relu)
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-3)


@pytest.mark.parametrize("name", BUILDERS)
def test_the_product_with_a_candidate_of_zeros_is_zero(name):
    build, options, layers = BUILDERS[name]
    options = {**options, "product": True, "activation": "tanh"}  # which has a slope everywhere
    model = randomize(build(COLUMNS, **SIZES, **options))
    kernel = model.get_layer("deep").weights[0]
    before, values = np.asarray(model(inputs_of(model))), kernel.numpy()
    width = WIDTH * (STEPS + 1) if name == "bst" else WIDTH
    for number in range(len(layers)):  # the products' rows of the first kernel
        stop = len(values) - 2 * WIDTH * number
        values[stop - width : stop] += 3
    kernel.assign(values)
    after = np.asarray(model(inputs_of(model)))
    unknown = FEATURES["item_id"] == 0
    np.testing.assert_array_equal(after[unknown], before[unknown])
    assert (after != before)[~unknown & ~EMPTY].all()


@pytest.mark.parametrize("name", BUILDERS)
def test_a_product_that_is_neither_true_nor_false_is_refused(name):
    build, options, _ = BUILDERS[name]
    with pytest.raises(ValueError, match="product: expected True or False"):
        build(COLUMNS, **SIZES, **options, product=1)


# --- the defaults

RECORDED = {
    "pooled": (47.550283, [0.646029, 0.646029, 0.683871, 0.651190, 0.656728, 0.648487]),
    "gru": (76.570714, [0.310481, 0.380043, 0.270838, 0.298887, 0.317213, 0.311178]),
    "din": (233.614061, [0.895404, 0.998880, 0.331267, 0.742330, 0.623565, 0.589876]),
    "dien": (105.979841, [0.885002, 0.634335, 0.849601, 0.761373, 0.820786, 0.840861]),
    "dsin": (145.847992, [0.486997, 0.620001, 0.550754, 0.580907, 0.524471, 0.525829]),
    "bst": (261.431705, [0.957698, 0.988713, 0.562053, 0.537607, 0.989060, 0.992757]),
}
"""Of the models before there was a choice: sum of the initial weights' sizes from seed 0, and the
probabilities behind random weights."""


@pytest.mark.parametrize("name", RECORDED)
def test_defaults_start_and_score_as_they_did_before_there_was_a_choice(name):
    build, _, _ = BUILDERS[name]
    # DSIN's heads read whole vectors then.
    options = {"num_sessions": 2, "head_inputs": "whole"} if name == "dsin" else {}
    keras.utils.set_random_seed(0)
    model = build(COLUMNS, **SIZES, **options)
    weights = [variable.numpy().astype(np.float64) for variable in model.trainable_variables]
    size = sum(np.abs(values).sum() for values in weights)
    probabilities = np.asarray(randomize(model)(inputs_of(model)))
    np.testing.assert_allclose(size, RECORDED[name][0], rtol=1e-5)
    np.testing.assert_allclose(probabilities, RECORDED[name][1], rtol=2e-5)
