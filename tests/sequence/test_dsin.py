"""DSIN: sessions, their interests and both activations, from Feng et al. 2019, sections 3.2-3.5."""

import keras
import numpy as np
import pytest
from reference import randomize
from tiny_requests import (
    COLUMNS,
    FEATURES,
    LENGTHS,
    NUM_ROWS,
    STEPS,
    WIDTH,
    by_name,
    inputs_of,
    normalized_by_the_formula,
    probabilities_behind,
    softmax_over_real,
    vectors_of,
    weight,
)

from recsys_lib.sequence import build_dsin
from recsys_lib.sequence.dsin import BiasEncoding, SessionMean, TanhAttention
from recsys_lib.sequence.parts import BilinearAttention
from recsys_lib.sequence.transformer import SelfAttention, TransformerBlock

SESSIONS, LENGTH = 3, 2
SIZES = {"embedding_dim": WIDTH, "hidden_units": (6, 5), "num_sessions": SESSIONS}
RNG = np.random.default_rng(9)


def attention_of_one(x, real, layer):
    """Self-attention of one sequence by loops over heads and queries."""
    kernels = [weight(layer, name) for name in ("query", "key", "value")]
    output = weight(layer, "output")
    size, part_width = output.shape[0] // layer.num_heads, x.shape[1] // layer.num_heads
    heads = []
    for head in range(layer.num_heads):
        if layer.head_inputs == "slice":
            own = x[:, head * part_width : (head + 1) * part_width]
            q, k, v = (own @ kernel[head] for kernel in kernels)
        else:
            part = slice(head * size, (head + 1) * size)
            q, k, v = (x @ kernel[:, part] for kernel in kernels)
        rows = [softmax_over_real(k @ q_step / np.sqrt(x.shape[1]), real) @ v for q_step in q]
        heads.append(np.stack(rows))
    return np.concatenate(heads, axis=1) @ output


def norm(x, layer):
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6)
    return scaled * weight(layer, "gamma") + weight(layer, "beta")


def block_of_one(x, real, block, activation=lambda a: np.maximum(a, 0)):
    mixed = norm(x + attention_of_one(x, real, block.attention), block.first_norm)
    hidden = activation(mixed @ weight(block.expand, "kernel") + weight(block.expand, "bias"))
    changed = hidden @ weight(block.contract, "kernel") + weight(block.contract, "bias")
    return norm(mixed + changed, block.second_norm)


SCALES = ["softmax", "raw", "length", "batch_normalization"]


@pytest.mark.parametrize("product", [False, True])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("head_inputs", ["whole", "slice"])
def test_probabilities_equal_the_formula_but_for_the_lstm(head_inputs, scale, product):
    options = {"head_inputs": head_inputs, "scale": scale, "product": product}
    model = randomize(build_dsin(COLUMNS, **SIZES, **options))
    sessions = vectors_of(model, FEATURES["history"]).reshape(NUM_ROWS, SESSIONS, LENGTH, WIDTH)
    real = (FEATURES["history"] > 0).reshape(NUM_ROWS, SESSIONS, LENGTH)
    bias = model.get_layer("bias_encoding")
    encoded = sessions + weight(bias, "session") + weight(bias, "position") + weight(bias, "unit")
    block = model.get_layer("session_block")
    assert block.attention.head_inputs == head_inputs  # which the reference follows
    interests = np.zeros((NUM_ROWS, SESSIONS, WIDTH))
    for row, session in np.argwhere(real.any(axis=2)):
        here = real[row, session]
        interests[row, session] = block_of_one(encoded[row, session], here, block)[here].mean(
            axis=0
        )
    np.testing.assert_allclose(by_name(model, "session_interests"), interests, rtol=1e-3, atol=1e-5)

    candidate, activated = vectors_of(model, FEATURES["item_id"]), []
    states = by_name(model, "session_states").astype(np.float64)
    for name, vectors in (("interest", interests), ("state", states)):
        kernel = weight(model.get_layer(f"{name}_attention"), "kernel")
        scores = np.einsum("bku,uw,bw->bk", vectors, kernel, candidate)
        is_session = real.any(axis=2)
        shares = is_session * scores
        if scale == "softmax":
            shares = [softmax_over_real(*row) for row in zip(scores, is_session, strict=True)]
        elif scale == "length":
            shares /= np.maximum(is_session.sum(axis=1), 1)[:, None]
        found = by_name(model, f"{name}_attention")
        np.testing.assert_allclose(found, shares, rtol=1e-3, atol=1e-5)
        activated.append(np.einsum("bk,bku->bu", shares, vectors))
        if scale == "batch_normalization":
            layer = f"activated_{name}_normalization"
            activated[-1] = normalized_by_the_formula(model, layer, activated[-1])
        if product:
            activated.append(activated[-1] * candidate)
    expected = probabilities_behind(model, activated)
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-3)


def test_session_states_are_those_of_the_real_sessions_alone_forward_and_backward():
    model = randomize(build_dsin(COLUMNS, **SIZES))
    interests, states = by_name(model, "session_interests"), by_name(model, "session_states")
    layer = model.get_layer("session_states")
    number = -(-LENGTHS // LENGTH)  # sessions with a behaviour
    for row in np.flatnonzero(number):
        alone = interests[row : row + 1, : number[row]]
        forward = np.asarray(layer.forward_layer(alone))
        backward = np.asarray(layer.backward_layer(alone))[:, ::-1]
        expected = np.concatenate([forward, backward], axis=-1)
        np.testing.assert_allclose(
            states[row : row + 1, : number[row]], expected, rtol=1e-4, atol=1e-6
        )


def test_the_heads_are_those_of_the_paper_unless_told_otherwise():
    """Feng et al. 2019, section 3.3: Q_k = [Q_k1; ...; Q_kH], and head h projects Q_kh."""
    attention = build_dsin(COLUMNS, **SIZES).get_layer("session_block").attention
    attention.output_kernel.assign(np.eye(WIDTH))
    x, mask = RNG.normal(size=(1, 5, WIDTH)).astype(np.float32), np.ones((1, 5), np.float32)
    before = np.asarray(attention(x, mask))
    x[..., WIDTH // 2 :] += 1.0
    moved = np.abs(np.asarray(attention(x, mask)) - before).max(axis=(0, 1)) > 1e-4
    np.testing.assert_array_equal(moved, np.arange(WIDTH) >= WIDTH // 2)


@pytest.mark.parametrize("head_inputs", ["whole", "slice"])
@pytest.mark.parametrize(("num_heads", "head_dim"), [(1, None), (2, None), (2, 4)])
def test_self_attention_equals_the_loop(num_heads, head_dim, head_inputs):
    layer = SelfAttention(num_heads, head_dim, head_inputs)
    x = RNG.normal(size=(3, 2, 5, WIDTH)).astype(np.float32)
    mask = (RNG.uniform(size=(3, 2, 5)) < 0.7).astype(np.float32)
    mask[0, 0] = 0
    found = np.asarray(layer(x, mask))
    for place in np.ndindex(3, 2):
        expected = attention_of_one(x[place].astype(np.float64), mask[place], layer)
        np.testing.assert_allclose(found[place], expected, rtol=1e-3, atol=1e-5)


def test_heads_of_slices_are_heads_of_whole_vectors_whose_other_weights_are_zero():
    x = RNG.normal(size=(2, 5, WIDTH)).astype(np.float32)
    mask = (np.arange(5) < np.array([5, 3])[:, None]).astype(np.float32)
    for num_heads in (1, 2, 4):
        slices = SelfAttention(num_heads, head_inputs="slice")
        whole = SelfAttention(num_heads)
        seen = np.asarray(slices(x, mask))
        whole(x, mask)
        whole.output_kernel.assign(slices.output_kernel)
        for name in ("query", "key", "value"):
            own, wide = weight(slices, name), np.zeros((WIDTH, WIDTH))
            for head, kernel in enumerate(own):
                part = slice(head * len(kernel), (head + 1) * len(kernel))
                wide[part, part] = kernel
            getattr(whole, name).assign(wide)
        np.testing.assert_allclose(whole(x, mask), seen, rtol=1e-4, atol=1e-6)


def test_a_slice_reaches_its_own_head_alone():
    layer = SelfAttention(2, head_inputs="slice")
    x = RNG.normal(size=(1, 5, WIDTH)).astype(np.float32)
    mask = np.ones((1, 5), np.float32)
    layer(x, mask)
    layer.output_kernel.assign(np.eye(WIDTH))
    before = np.asarray(layer(x, mask))
    x[..., : WIDTH // 2] += 1.0
    moved = np.abs(np.asarray(layer(x, mask)) - before).max(axis=(0, 1)) > 1e-4
    np.testing.assert_array_equal(moved, np.arange(WIDTH) < WIDTH // 2)


def test_the_kernels_of_slices_start_as_matrices_of_their_own_size():
    layer = SelfAttention(4, head_inputs="slice")
    layer.build((None, 5, 64), (None, 5))
    for name in ("query", "key", "value"):
        limit = np.sqrt(6 / (16 + 16))
        assert 0.95 * limit < np.abs(weight(layer, name)).max() <= limit


def test_garbage_at_padding_changes_no_real_step():
    block = TransformerBlock(2)
    x = RNG.normal(size=(4, 5, WIDTH)).astype(np.float32)
    mask = (np.arange(5) < np.array([5, 3, 1, 2])[:, None]).astype(np.float32)
    before = np.asarray(block(x, mask))
    dirty = np.where(mask[..., None] == 1, x, 1e3).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(block(dirty, mask))[mask == 1], before[mask == 1])


def test_one_block_serves_all_sessions():
    """The number of weights does not depend on the number of sessions, the bias encoding apart."""
    counts = {}
    for sessions in (1, 2, 3):
        model = build_dsin(COLUMNS, embedding_dim=WIDTH, num_sessions=sessions, bias_encoding=False)
        counts[sessions] = model.count_params()
    assert len(set(counts.values())) == 1
    encoding = BiasEncoding()
    encoding.build((None, 7, 5, 3))
    assert sum(int(np.prod(w.shape)) for w in encoding.weights) == 7 + 5 + 3


def test_equal_sessions_in_other_slots_have_equal_interests_without_the_encoding():
    columns = COLUMNS
    features = {n: v.copy() for n, v in FEATURES.items()}
    features["history"][0] = [4, 9, 2, 0, 4, 9]
    for encoding in (False, True):
        model = randomize(build_dsin(columns, **SIZES, bias_encoding=encoding))
        interests = by_name(model, "session_interests", features)[0]
        same = np.abs(interests[0] - interests[2]).max() < 1e-6
        assert same != encoding
        assert np.abs(interests[0] - interests[1]).max() > 1e-3


def test_a_session_of_one_behaviour_looks_at_itself():
    """No blinding of the diagonal: it would have nothing but padding to look at."""
    layer = SelfAttention(1)
    x = RNG.normal(size=(1, 3, WIDTH)).astype(np.float32)
    mask = np.array([[1, 0, 0]], np.float32)
    found = np.asarray(layer(x, mask))[0, 0]
    expected = x[0, 0] @ weight(layer, "value") @ weight(layer, "output")
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_mean_is_over_real_steps_and_empty_sessions_are_zero():
    x = RNG.normal(size=(1, 3, 2, WIDTH)).astype(np.float32)
    mask = np.array([[[1, 1], [1, 0], [0, 0]]], np.float32)
    expected = np.stack([x[0, 0].mean(axis=0), x[0, 1, 0], np.zeros(WIDTH)])[None]
    np.testing.assert_allclose(SessionMean()(x, mask), expected, rtol=1e-5)


def test_the_notes_unit_equals_its_formula():
    layer = TanhAttention()
    states = RNG.normal(size=(4, 3, 5)).astype(np.float32)
    candidate = RNG.normal(size=(4, 2)).astype(np.float32)
    mask = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]], np.float32)
    layer(states, candidate, mask)
    layer.bias.assign(0.3)
    kernel = weight(layer, "kernel")[:, 0]
    shares = []
    for row in range(4):
        joined = [np.concatenate([h, candidate[row]]) for h in states[row].astype(np.float64)]
        scores = np.tanh(np.array(joined) @ kernel + 0.3)
        shares.append(softmax_over_real(scores, mask[row]))
    np.testing.assert_allclose(layer(states, candidate, mask), shares, rtol=1e-4, atol=1e-6)


def test_both_attentions_sum_to_one_over_real_sessions():
    model = randomize(build_dsin(COLUMNS, **SIZES))
    for name in ("interest_attention", "state_attention"):
        shares = by_name(model, name)
        np.testing.assert_allclose(shares.sum(axis=1), LENGTHS > 0, rtol=1e-5)
        assert (shares[by_name(model, "session_mask") == 0] == 0).all()
    kernels = [
        model.get_layer(f"{name}_attention").kernel.numpy() for name in ("interest", "state")
    ]
    assert np.abs(kernels[0] - kernels[1]).max() > 0.01  # each has its own


def test_the_bilinear_unit_joins_states_and_candidates_of_two_widths():
    layer = BilinearAttention()
    states = RNG.normal(size=(2, 3, 5)).astype(np.float32)
    candidate = RNG.normal(size=(2, 2)).astype(np.float32)
    mask = np.ones((2, 3), np.float32)
    found = np.asarray(layer(states, candidate, mask))
    kernel = weight(layer, "kernel")
    assert kernel.shape == (5, 2)
    for row in range(2):
        scores = [h @ kernel @ candidate[row] for h in states[row].astype(np.float64)]
        np.testing.assert_allclose(found[row], softmax_over_real(scores, mask[row]), rtol=1e-4)


def test_dropout_acts_in_training_only():
    block = TransformerBlock(2, dropout_rate=0.5)
    x, mask = RNG.normal(size=(4, 5, WIDTH)).astype(np.float32), np.ones((4, 5), np.float32)
    np.testing.assert_array_equal(block(x, mask), block(x, mask))
    first, second = (np.asarray(block(x, mask, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_sessions": 4}, f"a divisor of the history's max_length {STEPS}, got 4"),
        ({"num_sessions": 0}, "num_sessions"),
        ({"attention": "dot"}, "attention: expected one of"),
        ({"num_heads": 3}, f"a divisor of the width {WIDTH}, got 3"),
        ({"num_heads": 0}, "num_heads: expected an integer of 1 or more"),
        ({"num_heads": 3, "head_inputs": "slice"}, f"a divisor of the width {WIDTH}, got 3"),
        ({"head_inputs": "half"}, r"head_inputs: expected one of \('whole', 'slice'\)"),
        ({"scale": "mean"}, "scale: expected one of"),
        (
            {"embedding_dim": 3, "num_heads": 1, "product": True},
            "product: expected an interest as wide as the candidate, 3, got one of 2",
        ),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build_dsin(COLUMNS, **{**SIZES, **options})


@pytest.mark.parametrize("activation", ["leaky_relu", "dice"])
def test_the_block_saves_its_activation(activation, tmp_path):
    sequence, mask = keras.Input((5, WIDTH)), keras.Input((5,))
    block = TransformerBlock(2, activation=activation, feed_forward_units=7, head_inputs="slice")
    model = keras.Model([sequence, mask], block(sequence, mask))
    x, ones = RNG.normal(size=(2, 5, WIDTH)).astype(np.float32), np.ones((2, 5), np.float32)
    model([x, ones], training=True)  # moves Dice's statistics
    model.save(tmp_path / "block.keras")
    loaded = keras.saving.load_model(tmp_path / "block.keras")
    np.testing.assert_array_equal(loaded([x, ones]), model([x, ones]))


def test_dice_in_the_block_counts_real_steps_only():
    block = TransformerBlock(2, activation="dice")
    x = RNG.normal(size=(4, 5, WIDTH)).astype(np.float32)
    mask = (np.arange(5) < np.array([5, 3, 1, 2])[:, None]).astype(np.float32)
    block(x, mask)
    start = [v.numpy() for v in block.non_trainable_variables]

    def statistics_after(x):
        for variable, value in zip(block.non_trainable_variables, start, strict=True):
            variable.assign(value)
        block(x, mask, training=True)
        return [v.numpy() for v in block.non_trainable_variables]

    dirty = np.where(mask[..., None] == 1, x, 1e3).astype(np.float32)
    clean = statistics_after(x)
    for left, right in zip(clean, statistics_after(dirty), strict=True):
        np.testing.assert_array_equal(left, right)
    assert any(np.abs(left - right).max() > 0 for left, right in zip(clean, start, strict=True))
