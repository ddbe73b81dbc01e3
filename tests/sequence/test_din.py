"""DIN's activation unit, written from Zhou et al. 2018, section 4.3, and the notes' inputs."""

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
    STEPS,
    WIDTH,
    by_name,
    inputs_of,
    probabilities_behind,
    softmax_over_real,
    vectors_of,
)

from recsys_lib.layers.activations import Dice, UnitPReLU
from recsys_lib.sequence import build_din
from recsys_lib.sequence.behaviours import RecencyEmbedding
from recsys_lib.sequence.din import ActivationUnit
from recsys_lib.sequence.parts import masked_softmax


def unit_weights(unit, behaviours, candidate, mask, kind="difference", context=None):
    """Raw weights by loops over rows and steps; ReLU between the layers."""
    layers = [w.numpy().astype(np.float64) for w in unit.network.weights]
    raw = np.zeros(behaviours.shape[:2])
    for row, steps in enumerate(behaviours):
        for step, e in enumerate(steps):
            v = candidate[row]
            if kind == "difference":
                hidden = np.concatenate([v, e, v - e, v * e])
            else:
                hidden = np.concatenate([e, np.outer(e, v).ravel(), v])
            if context is not None:
                hidden = np.concatenate([hidden, context[row, step]])
            for kernel, bias in zip(layers[::2], layers[1::2], strict=True):
                hidden = np.maximum(hidden @ kernel + bias, 0)
            kernel, bias = (w.numpy().astype(np.float64) for w in unit.to_weight.weights)
            raw[row, step] = (hidden @ kernel + bias)[0]
    return raw * mask


@pytest.mark.parametrize("kind", ["difference", "outer"])
def test_probabilities_equal_the_formula(kind):
    model = build_din(
        COLUMNS,
        embedding_dim=WIDTH,
        hidden_units=(6, 5),
        attention_units=(5, 3),
        activation="relu",
        unit_inputs=kind,
    )
    randomize(model)
    behaviours = vectors_of(model, FEATURES["history"])
    candidate = vectors_of(model, FEATURES["item_id"])
    weights = unit_weights(model.get_layer("din_weights"), behaviours, candidate, MASK, kind)
    np.testing.assert_allclose(by_name(model, "din_weights"), weights, rtol=1e-4, atol=1e-6)
    interest = (weights[..., None] * behaviours).sum(axis=1)
    np.testing.assert_allclose(by_name(model, "din_interest"), interest, rtol=1e-4, atol=1e-6)
    expected = probabilities_behind(model, [interest])
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-4)


def test_each_network_has_the_activation_that_it_is_given():
    model = randomize(
        build_din(
            COLUMNS,
            embedding_dim=WIDTH,
            hidden_units=(6, 5),
            attention_units=(5, 3),
            attention_activation="relu",
            activation="tanh",
        )
    )
    behaviours = vectors_of(model, FEATURES["history"])
    candidate = vectors_of(model, FEATURES["item_id"])
    weights = unit_weights(model.get_layer("din_weights"), behaviours, candidate, MASK)
    np.testing.assert_allclose(by_name(model, "din_weights"), weights, rtol=1e-4, atol=1e-6)
    interest = (weights[..., None] * behaviours).sum(axis=1)
    expected = probabilities_behind(model, [interest], np.tanh)
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-4)


def test_one_activation_is_that_of_both_networks_and_dice_unless_told():
    for options, kind in (({}, Dice), ({"activation": "prelu"}, UnitPReLU)):
        model = build_din(COLUMNS, embedding_dim=WIDTH, **options)
        for network in (model.get_layer("deep"), model.get_layer("din_weights").network):
            assert sum(isinstance(layer, kind) for layer in network.stack) == 2


def test_the_unit_reads_the_context_of_the_steps():
    model = build_din(
        COLUMNS,
        embedding_dim=WIDTH,
        hidden_units=(6, 5),
        attention_units=(5,),
        activation="relu",
        step_context=("history_age",),
    )
    randomize(model)
    expected = unit_weights(
        model.get_layer("din_weights"),
        vectors_of(model, FEATURES["history"]),
        vectors_of(model, FEATURES["item_id"]),
        MASK,
        context=vectors_of(model, FEATURES["history_age"], "history_age"),
    )
    np.testing.assert_allclose(by_name(model, "din_weights"), expected, rtol=1e-4, atol=1e-6)


def a_unit(**options):
    unit = ActivationUnit((5, 3), activation="relu", **options)
    rng = np.random.default_rng(3)
    behaviours = rng.normal(size=(NUM_ROWS, STEPS, WIDTH)).astype(np.float32)
    candidate = rng.normal(size=(NUM_ROWS, WIDTH)).astype(np.float32)
    unit(behaviours, candidate, MASK)
    for variable in unit.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return unit, behaviours, candidate


def test_two_equal_behaviours_count_twice():
    """Weights are not normalised: the interest of one behaviour, repeated, is twice as long."""
    unit, behaviours, candidate = a_unit()
    once = np.zeros((NUM_ROWS, STEPS), np.float32)
    once[:, 0] = 1
    twice = once.copy()
    twice[:, 1] = 1
    behaviours[:, 1] = behaviours[:, 0]
    interests = [
        np.einsum("bt,btd->bd", unit(behaviours, candidate, mask), behaviours)
        for mask in (once, twice)
    ]
    np.testing.assert_allclose(interests[1], 2 * interests[0], rtol=1e-5)
    assert np.abs(interests[0]).max() > 0.1


def test_raw_weights_do_not_sum_to_one_and_take_both_signs():
    unit, behaviours, candidate = a_unit()
    weights = np.asarray(unit(behaviours, candidate, MASK))
    assert np.abs(weights.sum(axis=1) - 1).min() > 0.01
    assert weights.max() > 0
    for variable in unit.to_weight.trainable_variables:
        variable.assign(-variable)
    np.testing.assert_allclose(unit(behaviours, candidate, MASK), -weights, rtol=1e-6)


def test_softmax_weights_sum_to_one_over_the_real_steps():
    raw_unit, behaviours, candidate = a_unit()
    unit, _, _ = a_unit(scale="softmax")
    raw = unit_weights(raw_unit, behaviours, candidate, np.ones_like(MASK))
    expected = [softmax_over_real(*row) for row in zip(raw, MASK, strict=True)]
    weights = np.asarray(unit(behaviours, candidate, MASK))
    np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(weights.sum(axis=1), LENGTHS > 0, rtol=1e-5)


def test_weights_by_length_are_the_raw_ones_divided_by_the_number_of_behaviours():
    raw_unit, behaviours, candidate = a_unit()
    unit, _, _ = a_unit(scale="length")
    raw = unit_weights(raw_unit, behaviours, candidate, MASK)
    expected = raw / np.maximum(LENGTHS, 1)[:, None]
    weights = np.asarray(unit(behaviours, candidate, MASK))
    np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-6)
    assert np.abs(weights[LENGTHS > 1]).max() > 0.1


@pytest.mark.parametrize("scale", ["raw", "length", "softmax"])
def test_garbage_at_padding_changes_no_bit(scale):
    unit, behaviours, candidate = a_unit(scale=scale)
    before = np.asarray(unit(behaviours, candidate, MASK))
    behaviours[MASK == 0] = 1e4
    np.testing.assert_array_equal(unit(behaviours, candidate, MASK), before)
    np.testing.assert_array_equal(before[MASK == 0], 0)


def test_an_empty_history_gives_the_zero_vector():
    model = randomize(build_din(COLUMNS, embedding_dim=WIDTH))
    np.testing.assert_array_equal(by_name(model, "din_interest")[LENGTHS == 0], 0)


@pytest.mark.parametrize(
    "options", [{"activation": "dice"}, {"activation": "relu", "batch_normalization": True}]
)
def test_statistics_count_real_steps_only_in_the_unit(options):
    unit = ActivationUnit((5,), **options)
    rng = np.random.default_rng(4)
    behaviours = rng.normal(size=(NUM_ROWS, STEPS, WIDTH)).astype(np.float32)
    candidate = rng.normal(size=(NUM_ROWS, WIDTH)).astype(np.float32)
    unit(behaviours, candidate, MASK)
    start = [v.numpy() for v in unit.non_trainable_variables]

    def statistics_after(behaviours):
        for variable, value in zip(unit.non_trainable_variables, start, strict=True):
            variable.assign(value)
        unit(behaviours, candidate, MASK, training=True)
        return [v.numpy() for v in unit.non_trainable_variables]

    clean = statistics_after(behaviours)
    garbage = np.where(MASK[..., None] == 1, behaviours, 1e5).astype(np.float32)
    for left, right in zip(clean, statistics_after(garbage), strict=True):
        np.testing.assert_array_equal(left, right)
    assert any(np.abs(left - right).max() > 0 for left, right in zip(clean, start, strict=True))


def test_masked_softmax_survives_extreme_scores_and_empty_rows():
    scores = np.array([[1e4, -1e4, 3.0], [-1e4, -1e4, 1e9], [5.0, 6.0, 7.0]], np.float32)
    mask = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0]], np.float32)
    shares = np.asarray(masked_softmax(scores, mask))
    np.testing.assert_allclose(shares, [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 0]], atol=1e-6)
    scores = tf.Variable(scores)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(masked_softmax(scores, mask) ** 2)
    assert np.isfinite(tape.gradient(loss, scores)).all()


def test_recency_is_counted_from_the_last_real_step():
    layer = RecencyEmbedding(2)
    layer.build((None, STEPS))
    layer.vectors.assign([[i, 10 * i] for i in range(STEPS + 1)])
    places = np.asarray(layer(MASK))[..., 0]
    for row, length in enumerate(LENGTHS):
        expected = [length - step if step < length else 0 for step in range(STEPS)]
        np.testing.assert_array_equal(places[row], expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit_inputs": "sum"}, "unit_inputs: expected one of"),
        ({"scale": "mean"}, r"scale: expected one of \('raw', 'length', 'softmax', 'batch_norm"),
        ({"product": 1}, "product: expected True or False"),
        ({"step_context": ("genres",)}, "expected one max_length for all"),
        ({"step_context": ("price",)}, "step_context 'price': expected a sequence column"),
        ({"histories": ("history_age",)}, "history 'history_age': expected a sequence column"),
        ({"histories": ("genres",)}, "history 'genres': expected a sequence column"),
        ({"recency": 1}, "recency: expected True or False"),
        ({"attention_units": ()}, "attention_units: expected at least 1 layer"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build_din(COLUMNS, embedding_dim=WIDTH, **options)
