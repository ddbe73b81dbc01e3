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
    late = where[:, -50:].sum() / where.sum()
    assert abs(late - share) < 0.02
    for part in (where[:, :-50], where[:, -50:]):
        halves = np.array_split(part, 2, axis=1)
        if part.any():
            np.testing.assert_allclose(halves[0].sum() / part.sum(), 0.5, atol=0.03)


def test_candidates_of_a_request_are_of_different_topics_and_share_its_history():
    data = simulator.long_history(**SMALL, candidates=5)
    features, topic = data.train.features, data.truth["topic"]
    topics = topic[features["item_id"]].reshape(-1, 5)
    assert all(len(set(row)) == 5 for row in topics)
    histories = features["history"].reshape(-1, 5, 300)
    assert (histories == histories[:, :1]).all()
    assert (histories[1:, 0] != histories[:-1, 0]).any(axis=1).all()


def test_the_columns_tell_the_same_story():
    data = simulator.long_history(**SMALL, short_length=60)
    for split in data.splits.values():
        features, category = split.features, data.truth["category"]
        np.testing.assert_array_equal(features["category"], category[features["item_id"]])
        np.testing.assert_array_equal(features["history_category"], category[features["history"]])
        np.testing.assert_array_equal(features["short_history"], features["history"][:, -60:])
        short = features["history_category"][:, -60:]
        np.testing.assert_array_equal(features["short_category"], short)
        assert features["history"].min() > 0


@pytest.mark.parametrize("noise", [0.0, 0.25])
def test_a_search_by_category_finds_what_stands_in_the_right_one(noise):
    data = simulator.long_history(**SMALL, noise=noise)
    wrong = data.truth["category"][1:] != data.truth["topic"][1:] + 1
    assert wrong.mean() == noise
    features = data.train.features
    found = features["history_category"] == features["category"][:, None]
    where = simulator.relevant_steps(data, data.train)
    # A relevant behaviour is any item of the candidate's topic. It is found where it stands in the
    # candidate's category: the right one, or, above all for the candidate itself, a wrong one.
    topic, category = data.truth["topic"][1:], data.truth["category"][1:]
    of_pairs = np.zeros((topic.max() + 1, category.max() + 1))
    np.add.at(of_pairs, (topic, category), 1 / np.bincount(topic)[topic])
    shown = features["item_id"] - 1
    of_rows = of_pairs[topic[shown], category[shown]]
    expected = (of_rows * where.sum(axis=1)).sum() / where.sum()
    recall = (found & where).sum() / where.sum()
    assert recall == pytest.approx(expected, abs=0.005)
    assert (found & ~where).any() == (noise > 0)


def test_knobs_of_the_click_leave_the_rows_alone_and_noise_the_items():
    before = simulator.long_history(**SMALL)
    clicks = simulator.long_history(**SMALL, strength=1.0, bias=0.0, half_life=10)
    noise = simulator.long_history(**SMALL, noise=0.5)
    for name, values in before.train.features.items():
        np.testing.assert_array_equal(clicks.train.features[name], values)
        is_same = np.array_equal(noise.train.features[name], values)
        assert is_same == (name in ("item_id", "history", "short_history"))
    assert (clicks.train.probability["click"] != before.train.probability["click"]).any()
    np.testing.assert_array_equal(noise.train.label, before.train.label)


def test_the_seed_alone_decides_the_bytes():
    assert digest(simulator.long_history(**SMALL)) == digest_elsewhere("long_history", SMALL)


def test_ids_are_small_where_they_fit():
    data = simulator.long_history(**SMALL)
    for name, values in data.train.features.items():
        assert values.dtype == (np.int8 if "category" in name else np.int16), name
    data = simulator.long_history(**SMALL, num_topics=400, items_per_topic=100)
    for name, values in data.train.features.items():
        assert values.dtype == (np.int16 if "category" in name else np.int32), name


def test_relevant_steps_need_a_place_each():
    data = simulator.long_history(**SMALL, relevant=12, recent_share=1.0, own_share=1.0)
    where = simulator.relevant_steps(data, data.test)
    assert where.sum(axis=1).max() == 12 and not where[:, :-50].any()
    with pytest.raises(ValueError, match=r"^relevant: expected at most 12, .* 50 places, got 13$"):
        simulator.long_history(**SMALL, relevant=13)
    small = SMALL | {"history_length": 70}
    with pytest.raises(ValueError, match=r"^relevant: expected at most 5, .* 20 places, got 10$"):
        simulator.long_history(**small)
