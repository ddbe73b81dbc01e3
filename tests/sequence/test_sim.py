"""SIM: both searches and both units by loops, the search's own loss, and the identities."""

import numpy as np
import pytest
import tensorflow as tf
from reference import randomize, relu, sigmoid
from searches import attention_of, head_scores, top
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

from recsys_lib.features import SequenceColumn
from recsys_lib.sequence import CategoryMatch, build_sim, found_positions
from recsys_lib.training import predict, rank
from recsys_lib.training.weighting import row_losses, task_losses

SIZES = {"embedding_dim": WIDTH, "hidden_units": (6, 5), "num_heads": 2}
WITH_CATEGORY = (*COLUMNS, SequenceColumn("history_decade", 4, STEPS, table="decade"))
_decades = np.random.default_rng(8).integers(1, 4, (NUM_ROWS, STEPS))
FEATURES_WITH_CATEGORY = {
    **FEATURES,
    "history_decade": np.where(MASK == 1, _decades, 0).astype(np.int32),
}


def steps_of(model):
    """Behaviours with the vectors of how many behaviours ago they were."""
    places = np.maximum(LENGTHS[:, None] - np.arange(STEPS), 0)
    recency = weight(model.get_layer("recency"), "vectors")[places]
    return np.concatenate([vectors_of(model, FEATURES["history"]), recency], axis=2)


@pytest.mark.parametrize("k", [2, STEPS])
def test_the_soft_searchs_probabilities_equal_the_formula(k):
    model = randomize(build_sim(COLUMNS, **SIZES, found_steps=k))
    behaviours = vectors_of(model, FEATURES["history"])
    candidate = vectors_of(model, FEATURES["item_id"])
    steps, interests, own = steps_of(model), [], []
    for row in range(NUM_ROWS):
        first = head_scores(model.get_layer("sim_scores"), behaviours[row], candidate[row])[:, 0]
        found = top(first, MASK[row], k)
        close = head_scores(model.get_layer("sim_close_scores"), steps[row], candidate[row])
        weights = attention_of(close, found)
        interests.append(np.concatenate([weights[:, head] @ steps[row] for head in range(2)]))
        pooled = (first * MASK[row]) @ behaviours[row]
        own.append(np.concatenate([pooled, candidate[row]]))
    interests = np.array(interests)
    np.testing.assert_allclose(by_name(model, "sim_interest"), interests, rtol=1e-3, atol=1e-5)
    expected = probabilities_behind(model, [interests])
    np.testing.assert_allclose(model(inputs_of(model)), expected, rtol=1e-4)

    hidden = np.array(own)
    weights = [w.numpy().astype(np.float64) for w in model.get_layer("sim_search_deep").weights]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        hidden = relu(hidden @ kernel + bias)
    logit = hidden @ weight(model.get_layer("sim_search_deep_logit"), "kernel")
    expected = sigmoid(logit[:, 0] + weight(model.get_layer("sim_search_prediction"), "bias"))
    np.testing.assert_allclose(by_name(model, "sim_search_prediction"), expected, rtol=1e-3)


def test_neither_units_scores_are_scaled_and_heads_are_as_wide_as_the_candidate():
    model = build_sim(COLUMNS, **SIZES)
    for name in ("sim_scores", "sim_close_scores"):
        assert not model.get_layer(name).scaled
        assert model.get_layer(name).size == WIDTH


def hard(**options):
    return build_sim(WITH_CATEGORY, **SIZES, search="hard", **options)


def by_layer(model, name):
    return by_name(model, name, FEATURES_WITH_CATEGORY)


def test_the_hard_search_is_attention_masked_by_the_category():
    model = randomize(hard(found_steps=STEPS))
    same = FEATURES_WITH_CATEGORY["history_decade"] == FEATURES["decade"][:, None]
    same &= MASK == 1
    np.testing.assert_array_equal(by_layer(model, "sim_scores") * MASK, same)
    steps, close = by_layer(model, "behaviours"), model.get_layer("sim_close_scores")
    steps = np.concatenate([steps, steps_of(model)[..., WIDTH:]], axis=2).astype(np.float64)
    candidate = by_layer(model, "candidate").astype(np.float64)
    interests = []
    for row in range(NUM_ROWS):
        scores = head_scores(close, steps[row], candidate[row])
        weights = attention_of(scores, np.flatnonzero(same[row]))
        interests.append(np.concatenate([weights[:, head] @ steps[row] for head in range(2)]))
    found = by_layer(model, "sim_interest")
    np.testing.assert_allclose(found, interests, rtol=1e-3, atol=1e-5)
    assert same.any(axis=1).sum() >= 3 and not same.all(axis=1).any()


@pytest.mark.parametrize("of_user", [("history", "history_decade", "user_id"), ("history",)])
def test_the_hard_search_ranks_as_it_predicts(of_user):
    model = randomize(hard(found_steps=2))
    features = inputs_of(model, FEATURES_WITH_CATEGORY)
    user = {name: features[name][0] for name in of_user}
    candidates = {name: values for name, values in features.items() if name not in user}
    tiled = {name: np.stack([value] * NUM_ROWS) for name, value in user.items()}
    expected = predict(model, tiled | candidates)["click"]
    np.testing.assert_allclose(rank(model, user, candidates).scores, expected, atol=2e-6)


def test_the_hard_search_takes_the_latest_of_too_many():
    model = randomize(hard(found_steps=1))
    same = FEATURES_WITH_CATEGORY["history_decade"] == FEATURES["decade"][:, None]
    for row, (position,) in enumerate(found_positions(model, FEATURES_WITH_CATEGORY)):
        steps = np.flatnonzero(same[row] & (MASK[row] == 1))
        assert position == (steps[-1] if len(steps) else -1)


def test_an_unknown_category_matches_nothing_and_padding_neither():
    model = randomize(hard())
    positions = found_positions(model, FEATURES_WITH_CATEGORY)
    unknown = FEATURES["decade"] == 0
    assert unknown.any() and (positions[unknown] == -1).all()
    np.testing.assert_array_equal(by_layer(model, "sim_interest")[unknown], 0)
    ids = np.array([[0, 2], [0, 2]]), np.array([0, 2])
    np.testing.assert_array_equal(CategoryMatch()(*ids), [[0, 0], [0, 1]])


def test_which_history_says_the_category_can_be_told():
    by_item = hard(category="history")
    same = FEATURES["history"] == FEATURES["item_id"][:, None]
    np.testing.assert_array_equal(by_layer(by_item, "sim_scores") * MASK, same * MASK)
    with pytest.raises(ValueError, match=r"^category: expected one of the histories .*, got 'age'"):
        hard(category="age")


@pytest.mark.parametrize("weight_of_search", [1.0, 0.25])
def test_the_loss_is_that_of_both_predictions(weight_of_search):
    model = randomize(build_sim(COLUMNS, **SIZES, auxiliary_weight=weight_of_search))
    labels = np.array([[1], [0], [1], [1], [0], [0]], np.float32)
    outputs = model(inputs_of(model), training=True)
    (loss,) = task_losses(model, outputs, tf.constant(labels), {"click": "binary"})
    own, of_search = np.asarray(outputs), by_name(model, "sim_search_prediction")

    def log_loss(p):
        return -np.mean(labels[:, 0] * np.log(p) + (1 - labels[:, 0]) * np.log(1 - p))

    expected = log_loss(own) + weight_of_search * log_loss(of_search)
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    assert not hasattr(model(inputs_of(model)), "_recsys_beside")  # nothing in inference


def test_of_a_number_both_predictions_are_held_against_it():
    model = randomize(build_sim(COLUMNS, {"watch": "regression"}, **SIZES, auxiliary_weight=0.5))
    label = tf.constant(np.linspace(-1, 1, NUM_ROWS), tf.float32)
    output = model(inputs_of(model), training=True)["watch"]
    found = row_losses("regression", label, output)
    of_search = by_name(model, "sim_search_prediction")
    expected = (label - np.asarray(output)) ** 2 + 0.5 * (label - of_search) ** 2
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_search_learns_from_its_own_loss_alone():
    labels = tf.constant([[1.0], [0.0], [1.0], [1.0], [0.0], [0.0]])
    for auxiliary_weight in (1.0, 0.0):
        model = randomize(build_sim(COLUMNS, **SIZES, auxiliary_weight=auxiliary_weight))
        with tf.GradientTape() as tape:
            outputs = model(inputs_of(model), training=True)
            (loss,) = task_losses(model, outputs, labels, {"click": "binary"})
        search = model.get_layer("sim_scores").trainable_variables
        found = tape.gradient(loss, search)
        assert all((gradient is not None) == bool(auxiliary_weight) for gradient in found)
        if auxiliary_weight:
            assert all(np.abs(gradient).max() > 0 for gradient in found)


def test_the_searchs_own_loss_does_not_know_which_end_of_the_order_is_the_right_one():
    """Scores turned around, with a network that turns them back: the same p', the other steps.

    So which steps a trained search finds is decided where its scores begin.
    """
    model = randomize(build_sim(COLUMNS, **SIZES, found_steps=1))
    before, scores = by_name(model, "sim_search_prediction"), by_name(model, "sim_scores")
    query = model.get_layer("sim_scores").query
    query.assign(-query)
    kernel = model.get_layer("sim_search_deep").weights[0]
    kernel.assign(np.concatenate([-kernel.numpy()[:WIDTH], kernel.numpy()[WIDTH:]]))
    np.testing.assert_allclose(by_name(model, "sim_search_prediction"), before, rtol=1e-5)
    np.testing.assert_allclose(by_name(model, "sim_scores"), -scores, rtol=1e-5)
    for row, (position,) in enumerate(found_positions(model, FEATURES)):
        real = np.flatnonzero(MASK[row])
        assert position == (-1 if not len(real) else top(-scores[row, :, 0], MASK[row], 1)[0])


def test_the_hard_search_has_nothing_to_train():
    model = hard()
    assert model.get_layer("sim_scores").variables == []
    assert not [layer.name for layer in model.layers if layer.name.startswith("sim_search_")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"search": "none"}, "search: expected one of"),
        ({"auxiliary_weight": -1}, "auxiliary_weight: expected"),
        ({"recency": 1}, "recency: expected True or False"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build_sim(COLUMNS, embedding_dim=WIDTH, **options)
