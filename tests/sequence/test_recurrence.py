"""The recurrences of Zhou et al. 2019, equations 2 to 5 and 9 to 12, step by step in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_requests import LENGTHS, MASK, NUM_ROWS, STEPS, WIDTH, sigmoid, weight

from recsys_lib.sequence.recurrence import AttentionalGRU, gru_states, last_state

RNG = np.random.default_rng(5)
SEQUENCE = RNG.normal(size=(NUM_ROWS, STEPS, WIDTH)).astype(np.float32)
SCORES = (RNG.uniform(size=(NUM_ROWS, STEPS)) * MASK).astype(np.float32)
UNITS = 3


def evolved(layer, kind, sequence, scores, lengths):
    """States of every real step by loops; the last one is repeated at padding."""
    kernel, bias = weight(layer, "projection/kernel"), weight(layer, "projection/bias")
    recurrent = weight(layer, "recurrent_kernel")
    (w_u, w_r, w_c), (b_u, b_r, b_c) = np.split(kernel, 3, axis=1), np.split(bias, 3)
    u_u, u_r, u_c = np.split(recurrent, 3, axis=1)
    states = np.zeros((*sequence.shape[:2], layer.units))
    for row, length in enumerate(lengths):
        h = np.zeros(layer.units)
        for step in range(sequence.shape[1]):
            if step < length:
                a, i = float(scores[row, step]), sequence[row, step].astype(np.float64)
                if kind == "aigru":
                    i = a * i
                u = sigmoid(i @ w_u + h @ u_u + b_u)
                r = sigmoid(i @ w_r + h @ u_r + b_r)
                c = np.tanh(i @ w_c + r * (h @ u_c) + b_c)
                gate = {"augru": a * u, "agru": a, "aigru": u}[kind]
                h = (1 - gate) * h + gate * c
            states[row, step] = h
    return states


def a_layer(kind="augru"):
    layer = AttentionalGRU(UNITS, kind)
    layer(SEQUENCE, SCORES, MASK)
    rng = np.random.default_rng(6)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return layer


@pytest.mark.parametrize("kind", ["augru", "agru", "aigru"])
def test_states_equal_the_formula(kind):
    layer = a_layer(kind)
    expected = evolved(layer, kind, SEQUENCE, SCORES, LENGTHS)
    np.testing.assert_allclose(layer(SEQUENCE, SCORES, MASK), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["augru", "agru"])
def test_a_score_of_zero_keeps_the_state(kind):
    scores = SCORES.copy()
    scores[:, 2] = 0
    states = np.asarray(a_layer(kind)(SEQUENCE, scores, MASK))
    np.testing.assert_allclose(states[:, 2], states[:, 1], rtol=1e-6)
    assert np.abs(states[0, 3] - states[0, 2]).max() > 1e-3


def test_a_score_of_one_is_keras_own_gru():
    """Keras's z is the share kept: its gate is one minus ours, so its weights are negated."""
    layer = a_layer()
    plain = keras.layers.GRU(UNITS, return_sequences=True, reset_after=True)
    plain.build(SEQUENCE.shape)
    kernel, bias = weight(layer, "projection/kernel"), weight(layer, "projection/bias")
    recurrent = weight(layer, "recurrent_kernel")
    for array in (kernel, recurrent):
        array[:, :UNITS] *= -1
    bias[:UNITS] *= -1
    plain.set_weights([kernel, recurrent, np.stack([bias, np.zeros_like(bias)])])
    expected = plain(SEQUENCE, mask=tf.constant(MASK > 0))
    ours = layer(SEQUENCE, np.ones_like(SCORES), MASK)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def test_the_last_state_is_that_of_the_last_real_step():
    states = RNG.normal(size=(NUM_ROWS, STEPS, UNITS)).astype(np.float32)
    last = np.asarray(last_state(tf.constant(states), tf.constant(MASK)))
    for row, length in enumerate(LENGTHS):
        expected = states[row, length - 1] if length else np.zeros(UNITS)
        np.testing.assert_array_equal(last[row], expected)


@pytest.mark.parametrize("kind", ["augru", "agru", "aigru"])
def test_garbage_at_padding_changes_no_bit(kind):
    layer = a_layer(kind)
    before = np.asarray(layer(SEQUENCE, SCORES, MASK))
    garbage = np.where(MASK[..., None] == 1, SEQUENCE, 1e4).astype(np.float32)
    scores = np.where(MASK == 1, SCORES, 0.7).astype(np.float32)
    np.testing.assert_array_equal(layer(garbage, scores, MASK), before)


def test_the_gru_leaves_padding_out_and_an_empty_row_at_zero():
    states = np.asarray(gru_states(tf.constant(SEQUENCE), tf.constant(MASK), UNITS))
    np.testing.assert_array_equal(states[LENGTHS == 0], 0)
    for row, length in enumerate(LENGTHS):
        if 0 < length < STEPS:
            repeated = np.repeat(states[row, length - 1 : length], STEPS - length, axis=0)
            np.testing.assert_array_equal(states[row, length:], repeated)


def test_the_loop_is_compiled_and_its_graph_independent_of_the_length():
    sizes = []
    for steps in (10, 200):
        layer = AttentionalGRU(UNITS)
        specs = [
            tf.TensorSpec((None, steps, WIDTH)),
            tf.TensorSpec((None, steps)),
            tf.TensorSpec((None, steps)),
        ]
        layer(*(tf.ones([2, *spec.shape[1:]]) for spec in specs))
        graph = tf.function(layer.__call__).get_concrete_function(*specs).graph
        names = {operation.type for operation in graph.get_operations()}
        assert names & {"While", "StatelessWhile"}
        sizes.append(len(graph.get_operations()))
    assert sizes[0] == sizes[1]


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match=r"evolution: expected one of .* got 'lstm'"):
        AttentionalGRU(UNITS, "lstm")
