"""TWIN: the search's scores are the attention's own, and with enough room nothing is searched."""

import numpy as np
import pytest
from reference import randomize, softmax
from searches import attention_of, head_scores, head_values, top
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

from recsys_lib.sequence import build_twin, found_positions

SIZES = {"embedding_dim": WIDTH, "hidden_units": (6, 5), "num_heads": 2}


def recency_of(model):
    """Each step's vector of how many behaviours ago it was."""
    vectors = weight(model.get_layer("recency"), "vectors")
    places = np.maximum(LENGTHS[:, None] - np.arange(STEPS), 0)
    return vectors[places]


@pytest.mark.parametrize("k", [2, STEPS])
@pytest.mark.parametrize("context", ["recency", "age", "both", "none"])
def test_probabilities_equal_the_formula(k, context):
    options = {"recency": context in ("recency", "both")}
    options["step_context"] = ("history_age",) if context in ("age", "both") else ()
    model = randomize(build_twin(COLUMNS, **SIZES, found_steps=k, **options))
    behaviours = vectors_of(model, FEATURES["history"])
    candidate = vectors_of(model, FEATURES["item_id"])
    beside = []
    if context in ("age", "both"):
        beside.append(vectors_of(model, FEATURES["history_age"], "history_age"))
    if context in ("recency", "both"):
        beside.append(recency_of(model))
    beside = np.concatenate(beside, axis=-1) if beside else [None] * NUM_ROWS
    attention, interests = model.get_layer("twin_scores"), []
    for row in range(NUM_ROWS):
        scores = head_scores(attention, behaviours[row], candidate[row], beside[row])
        found = top(scores.mean(axis=1), MASK[row], k)
        weights = attention_of(scores, found)
        # The values are of all features of a step, where the score has a bias of the cross ones.
        parts = [behaviours[row]] + ([] if beside[row] is None else [beside[row]])
        features = np.concatenate(parts, axis=1)
        interests.append(head_values(model.get_layer("twin_interest"), weights, features))
    interests = np.array(interests)
    np.testing.assert_allclose(by_name(model, "twin_interest"), interests, rtol=1e-3, atol=1e-5)
    expected = probabilities_behind(model, [interests])
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-4)


def test_both_stages_have_the_same_scores():
    """The weights are the softmax of the first stage's scores at the positions it found."""
    model = randomize(build_twin(COLUMNS, **SIZES, found_steps=3))
    scores, weights = by_name(model, "twin_scores"), by_name(model, "twin_weights")
    for row, steps in enumerate(found_positions(model, FEATURES)):
        steps = steps[steps >= 0]
        if len(steps):
            expected = softmax(scores[row, steps], axis=0)
            np.testing.assert_allclose(weights[row, : len(steps)], expected, rtol=1e-5)
        np.testing.assert_array_equal(weights[row, len(steps) :], 0)
        # No step that was left out has a larger score.
        mean = scores[row].mean(axis=1)
        out = [step for step in range(LENGTHS[row]) if step not in steps]
        assert not out or mean[out].max() <= mean[steps].min()


def test_room_for_all_steps_is_no_search_at_all():
    exact = randomize(build_twin(COLUMNS, **SIZES, found_steps=STEPS))
    roomy = build_twin(COLUMNS, **SIZES, found_steps=STEPS + 50)
    for target, source in zip(roomy.variables, exact.variables, strict=True):
        target.assign(source)
    np.testing.assert_array_equal(roomy(inputs_of(roomy)), exact(inputs_of(exact)))
    weights, positions = by_name(exact, "twin_weights"), found_positions(exact, FEATURES)
    scores = by_name(exact, "twin_scores")
    for row in range(NUM_ROWS):
        full = attention_of(scores[row], np.flatnonzero(MASK[row]))
        for place, step in enumerate(positions[row]):
            if step >= 0:
                np.testing.assert_allclose(weights[row, place], full[step], rtol=1e-5)


def test_the_cross_features_are_one_number_a_head_in_the_score_and_whole_in_the_value():
    model = build_twin(COLUMNS, **SIZES)
    assert model.get_layer("twin_scores").context.shape == (WIDTH, 2)
    assert model.get_layer("twin_scores").key.shape == (WIDTH, WIDTH)
    assert model.get_layer("twin_interest").value.shape == (2 * WIDTH, WIDTH)


def test_the_network_reads_how_long_ago_the_found_step_was():
    """One step alone has all the weight whatever its score is: its recency acts by its value."""
    model = randomize(build_twin(COLUMNS, **SIZES, found_steps=1))
    before, alone = by_name(model, "twin_interest"), LENGTHS == 1
    recency = model.get_layer("recency").trainable_variables[0]
    recency.assign(recency + 1)
    assert np.abs(by_name(model, "twin_interest") - before)[alone].min() > 1e-3


def test_an_empty_history_gives_the_zero_vector():
    model = randomize(build_twin(COLUMNS, **SIZES))
    np.testing.assert_array_equal(by_name(model, "twin_interest")[LENGTHS == 0], 0)
