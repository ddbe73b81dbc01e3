"""The recurrences of Zhou et al. 2019, equations 2 to 5 and 9 to 12, step by step in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import sigmoid
from tiny_requests import LENGTHS, MASK, NUM_ROWS, STEPS, WIDTH, weight

from recsys_lib.sequence import parts, recurrence
from recsys_lib.sequence.behaviours import RecencyEmbedding
from recsys_lib.sequence.dsin import StepLSTM
from recsys_lib.sequence.recurrence import AttentionalGRU, LastState, gru_states, last_state

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


def a_layer(kind="augru", unroll=None):
    layer = AttentionalGRU(UNITS, kind, unroll)
    layer(SEQUENCE, SCORES, MASK)
    rng = np.random.default_rng(6)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return layer


@pytest.mark.parametrize("unroll", [True, False])
@pytest.mark.parametrize("kind", ["augru", "agru", "aigru"])
def test_states_equal_the_formula(kind, unroll):
    layer = a_layer(kind, unroll)
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


@pytest.mark.parametrize("unroll", [True, False])
@pytest.mark.parametrize("kind", ["augru", "agru", "aigru"])
def test_garbage_at_padding_changes_no_bit(kind, unroll):
    layer = a_layer(kind, unroll)
    before = np.asarray(layer(SEQUENCE, SCORES, MASK))
    garbage = np.where(MASK[..., None] == 1, SEQUENCE, 1e4).astype(np.float32)
    scores = np.where(MASK == 1, SCORES, 0.7).astype(np.float32)
    np.testing.assert_array_equal(layer(garbage, scores, MASK), before)


@pytest.mark.parametrize("longest", [0, STEPS])
def test_the_gru_leaves_padding_out_and_an_empty_row_at_zero(longest, monkeypatch):
    monkeypatch.setattr(parts, "LONGEST_UNROLLED", longest)
    states = np.asarray(gru_states(tf.constant(SEQUENCE), tf.constant(MASK), UNITS))
    np.testing.assert_array_equal(states[LENGTHS == 0], 0)
    for row, length in enumerate(LENGTHS):
        if 0 < length < STEPS:
            repeated = np.repeat(states[row, length - 1 : length], STEPS - length, axis=0)
            np.testing.assert_array_equal(states[row, length:], repeated)


def states_and_gradients(layer, *inputs, **kwargs):
    sequence = tf.constant(inputs[0])
    with tf.GradientTape() as tape:
        tape.watch(sequence)
        states = layer(sequence, *inputs[1:], **kwargs)
        loss = tf.reduce_sum(tf.sin(3.0 * states))
    return [states, *tape.gradient(loss, [sequence, *layer.trainable_variables])]


@pytest.mark.parametrize("kind", ["augru", "agru", "aigru"])
def test_unrolled_and_compiled_give_the_same_states_and_gradients(kind):
    pair = [a_layer(kind, unroll) for unroll in (True, False)]
    unrolled, compiled = (states_and_gradients(layer, SEQUENCE, SCORES, MASK) for layer in pair)
    for left, right in zip(unrolled, compiled, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


def test_unrolled_and_compiled_gru_give_the_same_states_and_gradients():
    real = tf.constant(MASK > 0)
    unrolled, compiled = (
        recurrence.StepGRU(UNITS, return_sequences=True, unroll=unroll) for unroll in (True, False)
    )
    for layer in (unrolled, compiled):
        layer.build(SEQUENCE.shape)
    rng = np.random.default_rng(8)  # biases begin at zero
    unrolled.set_weights([rng.normal(size=value.shape) for value in unrolled.get_weights()])
    compiled.set_weights(unrolled.get_weights())
    found = [states_and_gradients(layer, SEQUENCE, mask=real) for layer in (unrolled, compiled)]
    for left, right in zip(*found, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backwards", [False, True])
def test_an_unrolled_lstm_is_keras_own_forward_and_backward(backwards):
    """Backwards padding comes first, and the state is zero until the last real step."""
    options = {"return_sequences": True, "unroll": True, "go_backwards": backwards}
    ours, plain = StepLSTM(UNITS, **options), keras.layers.LSTM(UNITS, **options)
    for layer in (ours, plain):
        layer.build(SEQUENCE.shape)
    rng = np.random.default_rng(7)
    plain.set_weights([rng.normal(size=value.shape) for value in ours.get_weights()])
    ours.set_weights(plain.get_weights())
    real = tf.constant(MASK > 0)
    found = [states_and_gradients(layer, SEQUENCE, mask=real) for layer in (ours, plain)]
    for left, right in zip(*found, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)


def operations(steps, make):
    """Types of the operations in the graph of a recurrence over so many steps."""
    specs = [
        tf.TensorSpec((None, steps, WIDTH)),
        tf.TensorSpec((None, steps)),
        tf.TensorSpec((None, steps)),
    ]
    layer = make()
    layer(*(tf.ones([2, *spec.shape[1:]]) for spec in specs))
    graph = tf.function(layer.__call__).get_concrete_function(*specs).graph
    return [operation.type for operation in graph.get_operations()]


def test_long_histories_run_in_one_compiled_loop_and_short_ones_unrolled():
    loops = {"While", "StatelessWhile"}
    long, longer = (operations(steps, lambda: AttentionalGRU(UNITS)) for steps in (40, 200))
    assert set(long) & loops
    assert len(long) == len(longer)
    assert not set(operations(parts.LONGEST_UNROLLED, lambda: AttentionalGRU(UNITS))) & loops
    assert set(operations(5, lambda: AttentionalGRU(UNITS, unroll=False))) & loops


def test_lengths_are_exact_in_half_precision():
    """Eight bits hold no 299 and no 257: the last state would be another one's."""
    lengths = np.array([300, 299, 257, 1, 0])
    mask = tf.cast(np.arange(300) < lengths[:, None], "bfloat16")
    places = np.arange(1.0, 301.0)
    halves = np.stack([places // 20, places % 20], axis=-1)  # small numbers are exact
    states = tf.cast(np.tile(halves, (5, 1, 1)), "bfloat16")
    last = np.asarray(LastState(dtype="bfloat16")(states, mask), np.float64)
    np.testing.assert_array_equal(20 * last[:, 0] + last[:, 1], lengths)

    recency = RecencyEmbedding(2, dtype="bfloat16")
    recency.build(mask.shape)
    recency.vectors.assign(np.concatenate([np.zeros((1, 2)), halves]))
    found = np.asarray(recency(mask), np.float64)
    for row, length in enumerate(lengths):
        ago = 20 * found[row, :length, 0] + found[row, :length, 1]
        np.testing.assert_array_equal(ago, np.arange(length, 0, -1))


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match=r"evolution: expected one of .* got 'lstm'"):
        AttentionalGRU(UNITS, "lstm")
