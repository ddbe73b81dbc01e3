"""The topic-and-price lens: two reasons to click, of which the candidate has to ask for one.

A user likes K topics, as in the interest lens, and buys dear items with a chance that is the
user's own, anywhere from 0 to 1. Half of the candidates are of an own topic, half are dear. With
``price`` +1 for dear and -1 for cheap items, and the mean over the whole history:

    topic term = +1 where the topic of the candidate is in the history, else -1
    price term = price(candidate) mean of price(history) / sd
    logit = bias + strength (sqrt(1 - share) topic term + sqrt(share) price term) + quality[item]

where ``sd`` is the standard deviation of the product, so both terms have mean 0 and variance 1,
and ``share`` is the part of their variance that the price makes. The topic term needs the few
behaviours that match the candidate. The price term needs all of them, whatever the candidate is:
the mean of the history is the right reader, and a model that looks at the matching behaviours
alone knows the user's prices from a K-th of them.

At the defaults each term is worth between a tenth and a third of the oracle's lead over chance: an
oracle that does not know it loses so much of the AUC. A test counts it, without a model.

Chapter 04: when does it stop to pay that the candidate asks the history?
"""

import numpy as np

from recsys_lib.data.simulator.interests import check_interests, draw_candidates, draw_topics
from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.requests import pick, simulate
from recsys_lib.data.simulator.world import SimulatedDataset, stream

LENS = "topic_and_price"
OWN_SHARE = 0.5
"""Candidates of an own topic, and dear candidates: the terms have mean 0."""


def topic_and_price(
    num_rows: int = 100_000,
    share: float = 0.5,
    num_interests: int = 4,
    num_topics: int = 40,
    items_per_price: int = 5,
    history_length: int = 12,
    strength: float = 1.5,
    bias: float = 0.0,
    quality_sd: float = 0.5,
    candidates: int = 4,
    num_valid_rows: int = 10_000,
    num_test_rows: int = 40_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks for two reasons: a topic that is asked for, and a price level that is not.

    Args:
        num_rows: rows of the training split.
        share: part of the two terms' variance that the price makes; 0: topics alone decide.
        num_interests: topics of a user, K, at most ``history_length`` and less than
            ``num_topics``.
        num_topics: topics.
        items_per_price: cheap items of each topic, and as many dear ones.
        history_length: behaviours in a history, T, all of them real.
        strength: standard deviation of the log-odds that topic and price make together.
        bias: log-odds where both terms and the quality are zero.
        quality_sd: standard deviation of the items' qualities, exact, of mean zero.
        candidates: items shown beside one history; sizes of splits are multiples of it.
        num_valid_rows, num_test_rows: rows of the other splits.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``item_id`` (group ``item``) and ``history``
        (its table, oldest first); the task ``click``; ``group`` is the request. Its ``truth``
        holds, each ``(items + 1,)`` by item id: ``topic``, -1 at 0; ``price``, 1 for dear and -1
        for cheap items, 0 at 0; ``quality``, 0 at 0.

        Common random numbers: ``share``, ``strength``, ``bias`` and ``quality_sd`` change
        probabilities and the labels that depend on them, never a row.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.

    Example:
        >>> sizes = {"num_rows": 400, "num_valid_rows": 40, "num_test_rows": 40}
        >>> data = topic_and_price(**sizes)
        >>> price = data.truth["price"]
        >>> mean = price[data.train.features["history"]].mean(axis=1)  # of each row's user
        >>> dear = price[data.train.features["item_id"]] > 0
        >>> clicks = data.train.label[dear]
        >>> bool(clicks[mean[dear] > 0.3].mean() > clicks[mean[dear] < -0.3].mean())
        True
    """
    knobs = check_knobs(LENS, locals())
    check_interests(knobs, "num_topics")
    num_topics, of_price = knobs["num_topics"], knobs["items_per_price"]
    length, num_items = knobs["history_length"], 2 * knobs["num_topics"] * knobs["items_per_price"]
    cell = np.arange(num_items) // of_price
    quality = stream(seed, LENS, "quality").standard_normal(num_items)
    quality -= quality.mean()
    quality *= knobs["quality_sd"] / quality.std()
    truth = {
        "topic": np.concatenate([[-1], cell // 2]),
        "price": np.concatenate([[0], 2 * (cell % 2) - 1]),
        "quality": np.concatenate([[0.0], quality]),
    }
    # The mean of the user's own mean price, which is even between -1 and 1, and of T draws.
    price_sd = np.sqrt(1 / 3 + 2 / 3 / length)
    of_topic = knobs["strength"] * np.sqrt(1 - knobs["share"])
    of_means = knobs["strength"] * np.sqrt(knobs["share"])

    def item_of(topics, dear, numbers):
        return (2 * topics + dear) * of_price + pick(numbers, of_price) + 1

    def draw(requests, candidates, uniform):
        own, others, topics = draw_topics(
            uniform, requests, num_topics, knobs["num_interests"], length
        )
        dear = uniform("dear", requests, length) < uniform("chance", requests, 1)
        history = item_of(topics, dear, uniform("items", requests, length))
        shape = (requests, candidates)
        is_own, topics = draw_candidates(uniform, shape, own, others, OWN_SHARE)
        is_dear = uniform("candidate_price", *shape) < OWN_SHARE
        item = item_of(topics, is_dear, uniform("candidate", *shape))
        mean_price = truth["price"][history].mean(axis=1, keepdims=True)
        terms = of_topic * (2 * is_own - 1)
        terms = terms + of_means * truth["price"][item] * mean_price / price_sd
        return {
            "history": history,
            "item": item,
            "logit": knobs["bias"] + terms + truth["quality"][item],
        }

    return simulate(LENS, draw, knobs, num_items, length, truth=truth)
