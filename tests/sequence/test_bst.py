"""BST: the candidate behind the history, one transformer block, all outputs to the network."""

import numpy as np
from reference import randomize
from test_dsin import block_of_one
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
    vectors_of,
    weight,
)

from recsys_lib.sequence import build_bst

SIZES = {"embedding_dim": WIDTH, "hidden_units": (6, 5)}


def leaky(x):
    """Keras's leaky ReLU by name: slope 0.2."""
    return np.where(x > 0, x, 0.2 * x)


def sequence_of(model, positions):
    """Behaviours and candidate with their positions, by loops."""
    behaviours = vectors_of(model, FEATURES["history"])
    candidate = vectors_of(model, FEATURES["item_id"])
    own = weight(model.get_layer("sequence"), "position")
    rows = []
    for row in range(NUM_ROWS):
        steps = [np.concatenate(pair) for pair in zip(behaviours[row], positions[row], strict=True)]
        rows.append([*steps, np.concatenate([candidate[row], own])])
    return np.array(rows)


def reference_block(model, sequence):
    block, outputs = model.get_layer("bst_block"), []
    for row in range(NUM_ROWS):
        real = np.append(MASK[row], 1)
        outputs.append(block_of_one(sequence[row], real, block, leaky))
    return np.array(outputs)


def test_probabilities_equal_the_formula_with_ages_as_positions():
    model = randomize(build_bst(COLUMNS, **SIZES, step_context=("history_age",)))
    positions = vectors_of(model, FEATURES["history_age"], "history_age")
    block = reference_block(model, sequence_of(model, positions))
    real = np.concatenate([MASK, np.ones((NUM_ROWS, 1))], axis=1)
    found = by_name(model, "bst_block")
    np.testing.assert_allclose(found[real == 1], block[real == 1], rtol=1e-3, atol=1e-4)

    flat = (block * real[..., None]).reshape(NUM_ROWS, -1)
    expected = probabilities_behind(model, [flat], leaky)
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-3)


def test_without_ages_the_position_is_how_many_behaviours_ago():
    model = randomize(build_bst(COLUMNS, **SIZES))
    table = weight(model.get_layer("recency"), "vectors")
    positions = np.zeros((NUM_ROWS, STEPS, WIDTH))
    for row, length in enumerate(LENGTHS):
        for step in range(length):
            positions[row, step] = table[length - step]
    expected = sequence_of(model, positions)
    np.testing.assert_allclose(by_name(model, "sequence"), expected, rtol=1e-5, atol=1e-6)


def test_what_stands_at_padding_does_not_reach_the_network():
    """Two rows that differ in nothing but what the block made of padding score alike."""
    model = randomize(build_bst(COLUMNS, **SIZES))
    before = np.asarray(model(inputs_of(model)))
    width = 2 * WIDTH
    kernel = model.get_layer("deep").weights[0]
    values = kernel.numpy()
    start = len(values) - (STEPS + 1) * width
    row = int(np.flatnonzero(LENGTHS == 2)[0])
    values[start + 2 * width : start + STEPS * width] += 100  # the weights of the padded steps
    kernel.assign(values)
    after = np.asarray(model(inputs_of(model)))
    np.testing.assert_allclose(after[row], before[row], rtol=1e-5)
    assert np.abs(after - before).max() > 1e-3


def test_every_head_is_as_wide_as_a_step():
    model = build_bst(COLUMNS, **SIZES, num_heads=3)
    attention = model.get_layer("bst_block").attention
    assert tuple(attention.query.shape) == (2 * WIDTH, 3 * 2 * WIDTH)
