"""The search stage: which positions it finds, what stands there, and its recall by loops."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize
from tiny_requests import COLUMNS, FEATURES, MASK, NUM_ROWS, STEPS, WIDTH

from recsys_lib.data import simulator
from recsys_lib.sequence import (
    FoundSteps,
    TopSteps,
    build_din,
    build_eta,
    build_sim,
    build_twin,
    found_positions,
    search_layer,
    search_recall,
)

BUILDERS = {"sim": build_sim, "eta": build_eta, "twin": build_twin}
DATA = simulator.long_history(
    history_length=60,
    short_length=20,
    relevant=5,
    num_rows=8,
    num_valid_rows=8,
    num_test_rows=80,
)
HISTORIES = ("history", "history_category")
RELEVANT = simulator.relevant_steps(DATA, DATA.test)


def best(scores, mask, k):
    """Positions by sorting: the highest score first, of equal ones the latest; -1 for none."""
    rows = []
    for row, real in zip(scores, mask, strict=True):
        order = sorted(np.flatnonzero(real), key=lambda step: (-row[step], -step))[:k]
        rows.append(order + [-1] * (min(k, len(row)) - len(order)))
    return rows


@pytest.mark.parametrize("k", [1, 3, STEPS, STEPS + 4])
def test_the_highest_scores_are_found_and_of_equal_ones_the_latest(k):
    scores = np.random.default_rng(1).integers(-2, 2, (NUM_ROWS, STEPS)).astype(np.float32)
    found = np.asarray(TopSteps(k)(scores, MASK))
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, best(scores, MASK, k))


def test_the_mean_over_heads_counts():
    scores = np.random.default_rng(2).normal(size=(NUM_ROWS, STEPS, 3)).astype(np.float32)
    found = np.asarray(TopSteps(2)(scores, MASK))
    np.testing.assert_array_equal(found, best(scores.mean(axis=2), MASK, 2))


def test_garbage_at_padding_is_never_found():
    scores = np.where(MASK == 1, -1e30, 1e30).astype(np.float32)
    found = np.asarray(TopSteps(3)(scores, MASK))
    np.testing.assert_array_equal(found, best(np.zeros_like(scores), MASK, 3))


def test_no_gradient_reaches_the_scores_and_one_reaches_what_was_found():
    scores = tf.Variable(np.random.default_rng(3).normal(size=(NUM_ROWS, STEPS)))
    vectors = tf.Variable(np.random.default_rng(4).normal(size=(NUM_ROWS, STEPS, WIDTH)))
    with tf.GradientTape() as tape:
        positions = TopSteps(2)(scores, MASK)
        loss = tf.reduce_sum(FoundSteps(dtype="float64")(vectors, positions) ** 2)
    of_scores, of_vectors = tape.gradient(loss, [scores, vectors])
    assert of_scores is None
    moved = np.zeros((NUM_ROWS, STEPS), bool)
    for row, steps in enumerate(np.asarray(positions)):
        moved[row, [step for step in steps if step >= 0]] = True
    np.testing.assert_array_equal((np.asarray(of_vectors) != 0).all(axis=2), moved)


def test_what_stands_at_the_positions_is_handed_on_and_zeros_for_none():
    vectors = np.random.default_rng(5).normal(size=(2, STEPS, WIDTH)).astype(np.float32)
    vectors[:, 0] = np.inf
    found = np.asarray(FoundSteps()(vectors, np.array([[3, 1, -1], [-1, -1, -1]], np.int32)))
    np.testing.assert_array_equal(found[0, :2], vectors[0, [3, 1]])
    np.testing.assert_array_equal(found[0, 2], 0)
    np.testing.assert_array_equal(found[1], 0)


@pytest.mark.parametrize("key", BUILDERS)
def test_a_found_step_is_a_real_one_and_stands_once(key):
    model = randomize(BUILDERS[key](COLUMNS, embedding_dim=WIDTH, found_steps=4))
    positions = found_positions(model, FEATURES, batch_size=4)
    assert search_layer(model).name == f"{key}_search"
    assert positions.shape == (NUM_ROWS, 4)
    for row, steps in enumerate(positions):
        real = steps[steps >= 0]
        assert len(set(real)) == len(real) == min(4, int(MASK[row].sum()))
        assert MASK[row, real].all()


def test_recall_is_the_share_of_the_relevant_steps_that_are_found():
    model = randomize(
        build_twin(DATA.feature_columns, embedding_dim=4, found_steps=20, histories=HISTORIES)
    )
    recall = search_recall(model, DATA.test, RELEVANT, batch_size=32)
    scores = keras.Model(model.inputs, model.get_layer("twin_scores").output)
    inputs = {tensor.name: DATA.test.features[tensor.name] for tensor in model.inputs}
    scores = np.asarray(scores(inputs)).mean(axis=2)
    for row, steps in enumerate(best(scores, np.ones_like(scores), 20)):
        if not RELEVANT[row].any():
            assert np.isnan(recall[row])
            continue
        wanted = set(np.flatnonzero(RELEVANT[row]))
        assert recall[row] == pytest.approx(len(wanted & set(steps)) / len(wanted), abs=1e-12)
    assert 0.05 < np.nanmean(recall) < 0.95


def test_the_hard_searchs_recall_is_what_the_categories_say():
    """Exact on the lens: found is what stands in the candidate's category."""
    model = build_sim(DATA.feature_columns, search="hard", histories=HISTORIES, found_steps=60)
    features = DATA.test.features
    same = features["history_category"] == features["category"][:, None]
    wanted = RELEVANT.any(axis=1)
    expected = (same & RELEVANT).sum(axis=1)[wanted] / RELEVANT.sum(axis=1)[wanted]
    np.testing.assert_allclose(search_recall(model, DATA.test, RELEVANT)[wanted], expected)
    assert 0 < expected.mean() < 1


def test_steps_that_were_not_found_hide_behind_no_minus_one():
    """A row that finds nothing has recall 0, also where its last step is relevant."""
    model = build_sim(DATA.feature_columns, search="hard", histories=HISTORIES)
    test = DATA.test.take(np.arange(4))
    test.features["category"] = np.zeros(4, np.int16)  # unknown: it matches nothing
    relevant = np.ones((4, 60), bool)
    np.testing.assert_array_equal(search_recall(model, test, relevant), 0)


def test_what_cannot_be_measured_is_refused():
    model = build_eta(DATA.feature_columns, histories=HISTORIES)
    for wrong in (np.ones((80, 59), bool), np.ones((80, 60)), np.ones(80, bool)):
        with pytest.raises(ValueError, match=r"^relevant: expected booleans of shape \(80, 60\)"):
            search_recall(model, DATA.test, wrong)
    plain = build_din(DATA.feature_columns, histories=HISTORIES)
    with pytest.raises(ValueError, match="expected one search, a layer TopSteps, got 0"):
        search_layer(plain)


@pytest.mark.parametrize("key", BUILDERS)
def test_bad_sizes_are_named(key):
    for name in ("found_steps", "num_heads"):
        with pytest.raises(ValueError, match=f"{name}: expected"):
            BUILDERS[key](COLUMNS, embedding_dim=WIDTH, **{name: 0})


@pytest.mark.parametrize("key", BUILDERS)
def test_columns_of_padding_behind_the_history_change_nothing(key):
    longer = [
        type(c)(c.name, c.vocabulary_size, STEPS + 3, table=c.table)
        if c.name.startswith("history")
        else c
        for c in COLUMNS
    ]
    options = {"embedding_dim": WIDTH, "found_steps": 3, "recency": False}
    model = randomize(BUILDERS[key](COLUMNS, **options))
    padded = BUILDERS[key](longer, **options)
    for target, source in zip(padded.variables, model.variables, strict=True):
        target.assign(source)
    features = {
        name: np.pad(values, ((0, 0), (0, 3))) if name.startswith("history") else values
        for name, values in FEATURES.items()
    }
    expected = model({tensor.name: FEATURES[tensor.name] for tensor in model.inputs})
    found = padded({tensor.name: features[tensor.name] for tensor in padded.inputs})
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    positions = found_positions(padded, features)
    np.testing.assert_array_equal(positions, found_positions(model, FEATURES))
