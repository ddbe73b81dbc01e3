"""The long-history lens: what is planted, where, and what a short history or a category misses."""

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import digest

from recsys_lib.data import simulator

SMALL = {"history_length": 300, "num_rows": 2000, "num_valid_rows": 40, "num_test_rows": 2000}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_probabilities_follow_from_number_and_age_of_the_relevant_steps():
    knobs = {"strength": 1.5, "bias": -1.0, "half_life": 80, "seed": 3}
    data = simulator.long_history(**SMALL, **knobs)
    topic, test = data.truth["topic"], data.test
    is_relevant = simulator.relevant_steps(data, test)
    for row in range(400):
        history, item = test.features["history"][row], test.features["item_id"][row]
        evidence, count = 0.0, 0
        for age, behaviour in enumerate(history[::-1]):
            if topic[behaviour] == topic[item]:
                evidence += 0.5 ** (age / 80)
                count += 1
        assert is_relevant[row].sum() == count
        expected = sigmoid(-1.0 + 1.5 * np.log(1 + evidence))
        np.testing.assert_allclose(test.probability["click"][row], expected, rtol=1e-9)


def test_half_of_the_candidates_have_one_to_r_relevant_steps_all_alike():
    data = simulator.long_history(**SMALL | {"num_test_rows": 8000}, relevant=5)
    count = simulator.relevant_steps(data, data.test).sum(axis=1)
    shares = np.bincount(count) / len(count)
    np.testing.assert_allclose(shares, [0.5, *[0.1] * 5], atol=0.02)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_so_many_of_the_relevant_steps_are_recent_and_the_others_are_anywhere(share):
    data = simulator.long_history(**SMALL, recent_share=share)
    where = simulator.relevant_steps(data, data.train)
    late = where[:, -100:].sum() / where.sum()
    assert abs(late - share) < 0.02
    for part in (where[:, :-100], where[:, -100:]):
        halves = np.array_split(part, 2, axis=1)
        if part.any():
            np.testing.assert_allclose(halves[0].sum() / part.sum(), 0.5, atol=0.03)


def test_candidates_of_a_request_are_of_different_topics_and_share_its_history():
    data = simulator.long_history(**SMALL, candidates=5, relevant=20)
    features, topic = data.train.features, data.truth["topic"]
    topics = topic[features["item_id"]].reshape(-1, 5)
    assert all(len(set(row)) == 5 for row in topics)
    histories = features["history"].reshape(-1, 5, 300)
    assert (histories == histories[:, :1]).all()
    assert (histories[1:, 0] != histories[:-1, 0]).any(axis=1).all()


def test_the_columns_tell_the_same_story():
    data = simulator.long_history(**SMALL, short_length=60, relevant=15)
    for split in data.splits.values():
        features, category = split.features, data.truth["category"]
        np.testing.assert_array_equal(features["category"], category[features["item_id"]])
        np.testing.assert_array_equal(features["history_category"], category[features["history"]])
        np.testing.assert_array_equal(features["short_history"], features["history"][:, -60:])
        short = features["history_category"][:, -60:]
        np.testing.assert_array_equal(features["short_category"], short)
        assert features["history"].min() > 0


def relevant_categories(data, split):
    """Rows with a relevant behaviour: how many are of the candidate's category, how many others."""
    where = simulator.relevant_steps(data, split)
    same = split.features["history_category"] == split.features["category"][:, None]
    rows = where.any(axis=1)
    return (where & same).sum(axis=1)[rows], (where & ~same).sum(axis=1)[rows]


@pytest.mark.parametrize("across", [0.0, 0.3, 1.0])
def test_a_search_by_category_finds_all_or_nothing_and_nothing_else(across):
    data = simulator.long_history(**SMALL, across=across)
    of_own, of_others = relevant_categories(data, data.train)
    assert ((of_own == 0) != (of_others == 0)).all()
    assert abs((of_others > 0).mean() - across) < 0.03
    same = data.train.features["history_category"] == data.train.features["category"][:, None]
    assert not (same & ~simulator.relevant_steps(data, data.train)).any()


def test_the_other_categories_of_a_topic_are_alike():
    data = simulator.long_history(**SMALL, across=1.0, categories_per_topic=4)
    features = data.train.features
    where = simulator.relevant_steps(data, data.train)
    shown = np.broadcast_to(features["category"][:, None], where.shape)[where].astype(int) - 1
    done = features["history_category"][where].astype(int) - 1
    np.testing.assert_array_equal(shown // 4, done // 4)
    ahead = np.bincount((done - shown) % 4, minlength=4) / len(done)
    np.testing.assert_allclose(ahead, [0, 1 / 3, 1 / 3, 1 / 3], atol=0.02)


def test_every_category_of_a_topic_is_shown_and_items_are_of_the_catalogues_category():
    data = simulator.long_history(**SMALL)
    counts = np.bincount(data.train.features["category"], minlength=13)[1:] / 2000
    np.testing.assert_allclose(counts, 1 / 12, atol=0.025)
    topic, category = data.truth["topic"][1:], data.truth["category"][1:]
    np.testing.assert_array_equal(category, np.arange(120) // 10 + 1)
    np.testing.assert_array_equal(topic, np.arange(120) // 20)


def test_clicks_tell_which_categories_belong_together():
    """Covariance of the click with each category's count: nothing is learned, nothing is told."""
    data = simulator.long_history(num_valid_rows=4, num_test_rows=4)
    features, click = data.train.features, data.train.label
    counts = np.stack([np.bincount(row, minlength=13)[1:] for row in features["history_category"]])
    covariance = np.zeros((12, 12))
    for category in range(12):
        rows = features["category"] == category + 1
        covariance[category] = (click[rows] - click[rows].mean()) @ counts[rows] / rows.sum()
    partner = np.arange(12) ^ 1
    both = covariance + covariance.T
    own = np.eye(12, dtype=bool)
    others = ~own & (np.arange(12)[:, None] // 2 != np.arange(12) // 2)
    np.testing.assert_array_equal(np.where(own, -np.inf, both).argmax(axis=1), partner)
    # The noise of the others, and the size of the signal, as the lens's text says.
    expected = counts.std(axis=0).mean() * click.std() / np.sqrt(len(click) / 12)
    assert covariance[others].std() == pytest.approx(expected, rel=0.25)
    found = covariance[np.arange(12), partner].mean(), covariance[own].mean()
    np.testing.assert_allclose(found, 50 / 20, rtol=0.25)


def test_knobs_of_the_click_leave_the_rows_alone_and_across_the_labels():
    before = simulator.long_history(**SMALL)
    clicks = simulator.long_history(**SMALL, strength=1.0, bias=0.0, half_life=10)
    other = simulator.long_history(**SMALL, across=0.9)
    for name, values in before.train.features.items():
        np.testing.assert_array_equal(clicks.train.features[name], values)
        is_same = np.array_equal(other.train.features[name], values)
        assert is_same == (name in ("item_id", "category"))
    assert (clicks.train.probability["click"] != before.train.probability["click"]).any()
    np.testing.assert_array_equal(other.train.label, before.train.label)
    where = simulator.relevant_steps(before, before.train)
    np.testing.assert_array_equal(simulator.relevant_steps(other, other.train), where)
    # A step that is relevant to one row is none of another's of the request, so all are named.
    of_request = np.repeat(where.reshape(-1, 2, 300).any(axis=1), 2, axis=0)
    moved = before.train.features["history"] != other.train.features["history"]
    assert not (moved & ~of_request).any()


def test_the_seed_alone_decides_the_bytes():
    assert digest(simulator.long_history(**SMALL)) == digest_elsewhere("long_history", SMALL)


def test_ids_are_small_where_they_fit():
    data = simulator.long_history(**SMALL, num_topics=10)
    for name, values in data.train.features.items():
        assert values.dtype == (np.int8 if "category" in name else np.int16), name
    data = simulator.long_history(**SMALL, num_topics=200, items_per_category=100)
    for name, values in data.train.features.items():
        assert values.dtype == (np.int16 if "category" in name else np.int32), name


def test_relevant_steps_need_a_place_each():
    data = simulator.long_history(**SMALL, relevant=50, recent_share=1.0, own_share=1.0)
    where = simulator.relevant_steps(data, data.test)
    assert where.sum(axis=1).max() == 50 and not where[:, :-100].any()
    with pytest.raises(ValueError, match=r"^relevant: expected at most 50, .* 100 places, got 51$"):
        simulator.long_history(**SMALL, relevant=51)
    small = SMALL | {"history_length": 130}
    with pytest.raises(ValueError, match=r"^relevant: expected at most 15, .* 30 places, got 50$"):
        simulator.long_history(**small)
