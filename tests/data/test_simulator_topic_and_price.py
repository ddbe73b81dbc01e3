"""The topic-and-price lens: what is planted, and what each of its two reasons is worth."""

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import digest

from recsys_lib.data import simulator
from recsys_lib.training.metrics import auc

SMALL = {"num_rows": 4000, "num_valid_rows": 400, "num_test_rows": 4000}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def terms(data):
    """Topic term, price term and quality of the test rows, from histories, at T = 12."""
    features, truth = data.test.features, data.truth
    item, history = features["item_id"], features["history"]
    matches = truth["topic"][history] == truth["topic"][item][:, None]
    mean_price = truth["price"][history].mean(axis=1)
    # The mean of 12 signs: 7 of 18, if 0 to 12 dear ones are all alike.
    price = truth["price"][item] * mean_price / np.sqrt(7 / 18)
    return np.where(matches.any(axis=1), 1, -1), price, truth["quality"][item]


def test_probabilities_follow_from_the_topics_and_the_mean_price_of_the_history():
    knobs = {"share": 0.3, "strength": 2.0, "bias": -0.7, "seed": 3}
    data = simulator.topic_and_price(**SMALL, **knobs)
    topic, price, quality = (data.truth[name] for name in ("topic", "price", "quality"))
    for row in range(300):
        item, history = (data.test.features[name][row] for name in ("item_id", "history"))
        logit = -0.7 + quality[item]
        logit += 2.0 * 0.7**0.5 * (1 if topic[item] in [topic[one] for one in history] else -1)
        mean = sum(price[one] for one in history) / 12
        logit += 2.0 * 0.3**0.5 * price[item] * mean / (7 / 18) ** 0.5
        np.testing.assert_allclose(data.test.probability["click"][row], sigmoid(logit), rtol=1e-9)


def test_the_catalogue_has_as_many_cheap_as_dear_items_of_each_topic():
    truth = simulator.topic_and_price(
        **SMALL, num_topics=7, items_per_price=3, quality_sd=0.4
    ).truth
    assert (truth["topic"][0], truth["price"][0], truth["quality"][0]) == (-1, 0, 0)
    for topic in range(7):
        assert sorted(truth["price"][truth["topic"] == topic]) == [-1] * 3 + [1] * 3
    np.testing.assert_allclose(truth["quality"][1:].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(truth["quality"][1:].std(), 0.4, rtol=1e-9)


def test_a_user_has_k_topics_and_any_number_of_dear_behaviours_of_all_of_them():
    data = simulator.topic_and_price(num_rows=40_000, num_valid_rows=4, num_test_rows=4)
    history = data.train.features["history"][::4]
    topic, price = data.truth["topic"][history], data.truth["price"][history]
    assert all(len(set(row)) == 4 for row in topic)
    # A chance that is even between 0 and 1 makes all counts from 0 to T alike.
    counts = np.bincount((price > 0).sum(axis=1), minlength=13) / len(price)
    np.testing.assert_allclose(counts, 1 / 13, atol=0.012)
    assert abs(np.corrcoef(topic.ravel(), price.ravel())[0, 1]) < 0.01
    # No place in a history is dearer than another.
    np.testing.assert_allclose(price.mean(axis=0), 0, atol=0.05)


def test_terms_have_mean_zero_and_variance_one_and_nothing_in_common():
    data = simulator.topic_and_price(num_rows=4, num_valid_rows=4)
    topic, price, quality = terms(data)
    np.testing.assert_allclose([topic.mean(), price.mean()], 0, atol=0.03)
    np.testing.assert_allclose([topic.std(), price.std()], 1, atol=0.02)
    dear = data.truth["price"][data.test.features["item_id"]]
    between = np.corrcoef([topic, price, dear, quality])[:3, :3]
    np.testing.assert_allclose(between, np.eye(3), atol=0.03)


@pytest.mark.parametrize(
    ("share", "least", "most"),
    [(0.0, (0.5, 0), (1, 0.01)), (0.5, (0.1, 0.1), (1 / 3, 1 / 3)), (1.0, (0, 0.5), (0.01, 1))],
)
def test_each_reason_is_worth_a_tenth_to_a_third_of_the_gap_at_the_default(share, least, most):
    """What an oracle loses of its lead over chance that does not know one of the reasons."""
    assert simulator.LENSES["topic_and_price"].knobs["share"].default == 0.5
    for seed in range(3):
        sizes = {"num_rows": 4, "num_valid_rows": 4, "seed": seed}
        data = simulator.topic_and_price(**sizes, share=share)
        label, oracle = data.test.label, auc(data.test.label, data.test.probability["click"])
        topic, price, quality = terms(data)
        without_topic = auc(label, 1.5 * share**0.5 * price + quality)
        without_price = auc(label, 1.5 * (1 - share) ** 0.5 * topic + quality)
        worth = (oracle - np.array([without_topic, without_price])) / (oracle - 0.5)
        assert (worth >= np.subtract(least, 1e-9)).all() and (worth <= most).all(), worth


def test_knobs_of_the_click_leave_the_rows_alone_and_share_moves_between_the_reasons():
    before = simulator.topic_and_price(**SMALL, share=0.5)
    topic, price, _ = terms(before)
    for knobs in ({"share": 0.8}, {"strength": 1.0, "bias": 0.5, "quality_sd": 0.1}):
        after = simulator.topic_and_price(**SMALL, **knobs)
        for name, split in after.splits.items():
            for column, values in split.features.items():
                np.testing.assert_array_equal(values, before.splits[name].features[column])
        assert (after.test.probability["click"] != before.test.probability["click"]).all()
    # Where both reasons speak against the other, more of the price raises or lowers the click.
    more = simulator.topic_and_price(**SMALL, share=0.8).test
    rise = more.probability["click"] - before.test.probability["click"]
    assert (rise[(topic < 0) & (price > 0)] > 0).all()
    assert (rise[(topic > 0) & (price < 0)] < 0).all()
    turned = more.label - before.test.label
    assert (turned[rise > 0] >= 0).all() and (turned[rise < 0] <= 0).all()


def test_the_seed_alone_decides_the_bytes():
    found = digest_elsewhere("topic_and_price", SMALL)
    assert digest(simulator.topic_and_price(**SMALL)) == found


def test_interests_have_to_fit_the_history_and_leave_another_topic():
    with pytest.raises(ValueError, match=r"^num_interests: .* which leaves 12, got 13$"):
        simulator.topic_and_price(**SMALL, num_interests=13)
    with pytest.raises(ValueError, match=r"less than num_topics, which leaves 3, got 4$"):
        simulator.topic_and_price(**SMALL, num_topics=4)
