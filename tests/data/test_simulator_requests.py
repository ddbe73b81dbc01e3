"""The short histories of chapter 04: probabilities from histories, knobs, seeds, errors."""

import numpy as np
import pytest

from recsys_lib.data import simulator
from recsys_lib.data.sessions import divide

SMALL = {"num_rows": 4000, "num_valid_rows": 400, "num_test_rows": 4000}
NAMES = ("interests", "drift", "sessions", "topic_and_price")
LENSES = {name: getattr(simulator, name) for name in NAMES}


@pytest.fixture(params=LENSES)
def lens(request):
    return LENSES[request.param]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def same(first, second):
    return all(
        np.array_equal(first.splits[s].features[c], second.splits[s].features[c])
        for s in first.splits
        for c in first.train.features
    )


def test_interests_probabilities_follow_from_the_history():
    data = simulator.interests(**SMALL, num_interests=3, strength=2.5, bias=-1.0, seed=3)
    topic, quality = data.truth["topic"], data.truth["quality"]
    test = data.test
    for row in range(300):
        item = test.features["item_id"][row]
        own = {topic[i] for i in test.features["history"][row]}
        assert len(own) == 3
        logit = -1.0 + 2.5 * (topic[item] in own) + quality[item]
        np.testing.assert_allclose(test.probability["click"][row], sigmoid(logit), rtol=1e-9)
    np.testing.assert_allclose(quality[1:].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(quality[1:].std(), 0.3, rtol=1e-9)
    relevant = topic[test.features["history"]] == topic[test.features["item_id"]][:, None]
    assert abs(relevant.any(axis=1).mean() - 0.5) < 0.03


def test_drift_probabilities_follow_from_the_latest_behaviour_of_the_category():
    data = simulator.drift(**SMALL, drift=0.6, strength=3.0, bias=-1.5, seed=4)
    category, style = data.truth["category"], data.truth["style"]
    test, latest_share = data.test, []
    for row in range(400):
        item, history = test.features["item_id"][row], test.features["history"][row]
        same_category = [i for i in history if category[i] == category[item]]
        assert same_category  # the candidate's category occurs
        assert len({category[i] for i in history}) <= 3
        is_latest = style[same_category[-1]] == style[item]
        latest_share.append(is_latest)
        expected = sigmoid(-1.5 + 3.0 * is_latest)
        np.testing.assert_allclose(test.probability["click"][row], expected, rtol=1e-9)
    assert 0.3 < np.mean(latest_share) < 0.9


@pytest.mark.parametrize(("drift", "expected"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_styles_jump_as_often_as_the_knob_says(drift, expected):
    data = simulator.drift(**SMALL, drift=drift)
    category, style = data.truth["category"], data.truth["style"]
    jumps = []
    for history in data.train.features["history"][::4]:
        last = {}
        for item in history:
            if category[item] in last:
                jumps.append(last[category[item]] != style[item])
            last[category[item]] = style[item]
    assert abs(np.mean(jumps) - expected) < 0.02


def test_session_probabilities_follow_from_the_current_session():
    data = simulator.sessions(**SMALL, noise=0.3, strength=3.5, bias=-1.5, seed=5)
    topic, test = data.truth["topic"], data.test
    for row in range(400):
        features = {name: values[row] for name, values in test.features.items()}
        current = features["history"][features["history_session"] == 1]
        share = np.mean(topic[current] == topic[features["item_id"]])
        expected = sigmoid(-1.5 + 3.5 * share)
        np.testing.assert_allclose(test.probability["click"][row], expected, rtol=1e-9)


def test_session_columns_tell_the_same_story():
    data = simulator.sessions(**SMALL, num_sessions=3, session_length=5)
    features = data.train.features
    assert features["history_session"].max() == 3
    for row in range(200):
        history, number = features["history"][row], features["history_session"][row]
        slots = features["session_history"][row].reshape(3, 5)
        for slot, steps in enumerate(slots):
            np.testing.assert_array_equal(steps[steps > 0], history[number == 3 - slot])
        ages = features["history_age"][row][history > 0]
        assert (np.diff(ages) <= 0).all()  # older behaviours have lived longer
    sizes = np.stack([(features["history_session"] == n).sum(axis=1) for n in (1, 2, 3)])
    assert sizes.min() == 1 and sizes.max() == 5
    np.testing.assert_allclose(np.bincount(sizes.ravel())[1:] / sizes.size, 0.2, atol=0.02)


def test_strays_are_as_many_as_the_knob_says_and_stay_with_the_user():
    for noise in (0.0, 0.4):
        data = simulator.sessions(**SMALL, noise=noise)
        topic, features = data.truth["topic"], data.train.features
        sessions = topic[features["session_history"][::4].reshape(-1, 4, 6)]
        several = [s[s >= 0] for row in sessions for s in row]
        # In a session, how often two following behaviours differ in topic.
        differ = np.mean(np.concatenate([s[1:] != s[:-1] for s in several]))
        expected = 1 - ((1 - noise) ** 2 + 3 * (noise / 3) ** 2)
        assert abs(differ - expected) < 0.03
        assert max(len(set(row[row >= 0])) for row in sessions) <= 4


def test_the_oracle_ranks_better_than_chance_and_labels_follow_probabilities(lens):
    data = lens(**SMALL)
    p, label = data.test.probability["click"], data.test.label
    assert np.std(p) > 0.1
    groups = np.digitize(p, np.quantile(p, [0.25, 0.5, 0.75]))
    for group in np.unique(groups):
        rows = groups == group
        error = 4 * np.sqrt(0.25 / rows.sum())
        assert abs(label[rows].mean() - p[rows].mean()) < error


def test_rows_of_a_request_share_its_history_and_no_request_is_in_two_splits(lens):
    data = lens(**SMALL, candidates=4)
    for split in data.splits.values():
        history = split.features["history"].reshape(-1, 4, split.features["history"].shape[1])
        assert (history == history[:, :1]).all()
        group = split.group.reshape(-1, 4)
        assert (group == group[:, :1]).all() and len(np.unique(group)) == len(group)
    groups = [set(split.group) for split in data.splits.values()]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    items = data.test.features["item_id"].reshape(-1, 4)
    assert (items != items[:, :1]).any()


def test_the_seed_decides_everything(lens):
    assert same(lens(**SMALL, seed=1), lens(**SMALL, seed=1))
    assert not same(lens(**SMALL, seed=1), lens(**SMALL, seed=2))


def test_strength_and_bias_change_no_row(lens):
    first, second = lens(**SMALL), lens(**SMALL, strength=0.5, bias=0.3)
    assert same(first, second)
    assert not np.array_equal(first.test.probability["click"], second.test.probability["click"])


def test_a_longer_log_begins_with_the_shorter_one(lens):
    short, long = lens(**SMALL), lens(**{**SMALL, "num_rows": 8000})
    for name in ("valid", "test"):
        for column, values in short.splits[name].features.items():
            np.testing.assert_array_equal(values, long.splits[name].features[column])


def test_histories_hold_the_past_of_sessions_as_divide_lays_it_out():
    ids = np.array([[5, 6, 7, 0]])
    sessions, _ = divide(ids, np.array([[0.0, 7_200, 7_230, -np.inf]]), 2, 2)
    np.testing.assert_array_equal(sessions, [[5, 0, 6, 7]])


@pytest.mark.parametrize(
    ("name", "knobs", "message"),
    [
        ("interests", {"num_interests": 0}, "num_interests: expected an integer of 1 or more"),
        ("interests", {"num_interests": 21}, "which leaves 20, got 21"),
        (
            *("interests", {"num_interests": 40, "history_length": 50}),
            "less than num_topics, which leaves 39, got 40",
        ),
        ("interests", {"own_share": 1.5}, "own_share: expected a finite number"),
        ("interests", {"quality_sd": -1}, "quality_sd"),
        ("drift", {"drift": -0.1}, "drift: expected a finite number"),
        ("drift", {"categories_per_user": 13}, "categories_per_user: expected at most"),
        ("drift", {"num_styles": 1}, "num_styles: expected an integer of 2 or more"),
        ("sessions", {"noise": 2}, "noise: expected a finite number"),
        ("sessions", {"num_topics": 3}, "num_topics: expected at least num_sessions"),
        ("sessions", {"num_rows": 4001}, "num_rows: expected a multiple of candidates"),
        ("drift", {"candidates": 0}, "candidates: expected an integer of 1 or more"),
        ("interests", {"seed": -1}, "seed: expected an integer of 0 or more"),
        ("drift", {"strength": np.nan}, "strength: expected a finite number"),
    ],
)
def test_knobs_out_of_range_are_named(name, knobs, message):
    with pytest.raises(ValueError, match=message):
        LENSES[name](**{**SMALL, **knobs})
