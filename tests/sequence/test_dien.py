"""DIEN: attention over interest states, the auxiliary loss, its negatives."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize
from test_recurrence import evolved
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
    softmax_over_real,
    vectors_of,
    weight,
)

from recsys_lib.sequence import build_dien
from recsys_lib.sequence.dien import AuxiliaryLoss, NegativeSampler

SIZES = {"embedding_dim": WIDTH, "hidden_units": (6, 5)}
_rng = np.random.default_rng(8)
STATES, BEHAVIOURS, NEGATIVES = _rng.normal(size=(3, NUM_ROWS, STEPS, WIDTH)).astype(np.float32)


def test_probabilities_equal_the_formula_from_the_states_on():
    model = randomize(build_dien(COLUMNS, **SIZES, activation="relu"))
    states = by_name(model, "interest_states").astype(np.float64)
    candidate = vectors_of(model, FEATURES["item_id"])
    kernel = weight(model.get_layer("dien_attention"), "kernel")
    scores = np.einsum("btu,uw,bw->bt", states, kernel, candidate)
    attention = [softmax_over_real(*row) for row in zip(scores, MASK, strict=True)]
    np.testing.assert_allclose(by_name(model, "dien_attention"), attention, rtol=1e-4, atol=1e-6)
    path = evolved(model.get_layer("evolved_states"), "augru", states, np.array(attention), LENGTHS)
    last = path[np.arange(NUM_ROWS), np.maximum(LENGTHS - 1, 0)] * (LENGTHS > 0)[:, None]
    np.testing.assert_allclose(by_name(model, "dien_interest"), last, rtol=1e-4, atol=1e-5)
    expected = probabilities_behind(model, [last])
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-4)


def test_interest_states_are_those_of_keras_gru_on_each_history_alone():
    model = randomize(build_dien(COLUMNS, **SIZES))
    layer = model.get_layer("interest_states")
    plain = keras.layers.GRU(WIDTH, return_sequences=True)
    plain.build((None, None, WIDTH))
    plain.set_weights(layer.get_weights())
    behaviours = vectors_of(model, FEATURES["history"])
    states = by_name(model, "interest_states")
    for row, length in enumerate(LENGTHS):
        if length:
            alone = plain(behaviours[row : row + 1, :length].astype(np.float32))
            np.testing.assert_allclose(states[row : row + 1, :length], alone, rtol=1e-4, atol=1e-6)


def reference_loss(states, behaviours, negatives, mask, logit, average):
    total, transitions = 0.0, 0
    for row in range(len(states)):
        for t in range(states.shape[1] - 1):
            if mask[row, t + 1]:
                h = states[row, t].astype(np.float64)
                right, wrong = logit(h, behaviours[row, t + 1]), logit(h, negatives[row, t + 1])
                total += np.logaddexp(0, -right) + np.logaddexp(0, wrong)
                transitions += 1
    return total / (transitions if average == "steps" else len(states))


@pytest.mark.parametrize("average", ["steps", "rows"])
def test_the_loss_equals_the_formula_with_inner_products(average):
    layer = AuxiliaryLoss(0.5, average=average)
    layer(STATES, BEHAVIOURS, NEGATIVES, MASK, training=True)
    expected = reference_loss(
        STATES, BEHAVIOURS, NEGATIVES, MASK, lambda h, e: h @ e.astype(np.float64), average
    )
    np.testing.assert_allclose(layer.losses[0], 0.5 * expected, rtol=1e-5)


def test_the_loss_equals_the_formula_with_a_network():
    layer = AuxiliaryLoss(discriminator="network", hidden_units=(3,))
    layer(STATES, BEHAVIOURS, NEGATIVES, MASK)
    weights = [w.numpy().astype(np.float64) for w in layer.weights]
    by_shape = {w.shape: w for w in weights}

    def logit(h, e):
        hidden = np.concatenate([h, e]) @ by_shape[2 * WIDTH, 3] + by_shape[3,]
        return (1 / (1 + np.exp(-hidden)) @ by_shape[3, 1])[0] + by_shape[1,][0]

    expected = reference_loss(STATES, BEHAVIOURS, NEGATIVES, MASK, logit, "steps")
    loss = layer.loss(*map(tf.constant, (STATES, BEHAVIOURS, NEGATIVES, MASK)))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_histories_of_one_behaviour_add_nothing():
    mask = np.zeros_like(MASK)
    mask[:, 0] = 1
    layer = AuxiliaryLoss()
    layer(STATES, BEHAVIOURS, NEGATIVES, mask, training=True)
    assert float(layer.losses[0]) == 0


def test_garbage_at_padding_does_not_reach_the_loss():
    layer = AuxiliaryLoss()
    clean = layer.loss(*map(tf.constant, (STATES, BEHAVIOURS, NEGATIVES, MASK)))
    dirty = [
        np.where(MASK[..., None] == 1, x, 50).astype(np.float32)
        for x in (STATES, BEHAVIOURS, NEGATIVES)
    ]
    np.testing.assert_array_equal(layer.loss(*map(tf.constant, (*dirty, MASK))), clean)


def test_the_loss_is_there_in_training_only_and_the_states_pass():
    model = build_dien(COLUMNS, **SIZES)
    features = inputs_of(model)
    model(features)
    assert not model.losses
    model(features, training=True)
    (loss,) = model.losses
    assert abs(float(loss) - 2 * np.log(2)) < 0.05  # vectors start small: all logits near zero
    np.testing.assert_array_equal(
        by_name(model, "auxiliary_loss"), by_name(model, "interest_states")
    )


def test_negatives_are_never_the_positive_nor_padding_and_all_others_alike():
    keras.utils.set_random_seed(0)
    ids = np.repeat([[1, 3, 5, 0]], 4000, axis=0).astype(np.int32)
    drawn = np.asarray(NegativeSampler(6)(ids, training=True))
    np.testing.assert_array_equal(drawn[:, 3], 0)
    for column, positive in enumerate((1, 3, 5)):
        counts = np.bincount(drawn[:, column], minlength=6)
        assert counts[0] == counts[positive] == 0
        others = np.delete(counts, [0, positive])
        assert len(others) == 4 and others.min() > 850 and others.max() < 1150  # 1,000 expected


def test_negatives_are_drawn_anew_in_every_step_and_not_in_inference():
    keras.utils.set_random_seed(0)
    sampler = NegativeSampler(50)
    ids = np.random.default_rng(1).integers(1, 50, (400, 10)).astype(np.int32)
    first, second = (np.asarray(sampler(ids, training=True)) for _ in range(2))
    # Two draws from 48 others agree once in 48 times; five deviations of 4,000 are .011.
    assert abs((first == second).mean() - 1 / 48) < 0.012
    np.testing.assert_array_equal(sampler(ids), np.zeros_like(ids))


def test_the_auxiliary_loss_trains_extraction_and_table_and_nothing_behind():
    model = build_dien(COLUMNS, **SIZES)
    with tf.GradientTape() as tape:
        model(inputs_of(model), training=True)
        loss = tf.add_n(model.losses)
    found = tape.gradient(loss, model.trainable_variables)
    reached = {
        v.path
        for v, g in zip(model.trainable_variables, found, strict=True)
        if g is not None and np.abs(tf.convert_to_tensor(g)).max() > 0
    }
    assert reached == {"embedding/table"} | {
        v.path for v in model.get_layer("interest_states").trainable_variables
    }


def test_without_the_auxiliary_loss_there_is_no_loss_and_no_sampler():
    model = build_dien(COLUMNS, **SIZES, auxiliary_weight=0)
    gradients(model)
    assert not model.losses
    assert not any(isinstance(layer, NegativeSampler) for layer in model.layers)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NegativeSampler(2), "vocabulary_size: expected an integer of 3 or more, got 2"),
        (lambda: AuxiliaryLoss(discriminator="sum"), "discriminator: expected one of"),
        (lambda: AuxiliaryLoss(average="batch"), "auxiliary_average: expected one of"),
        (
            lambda: AuxiliaryLoss()(STATES[..., :2], BEHAVIOURS, NEGATIVES, MASK),
            "expected 4, got 2",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
