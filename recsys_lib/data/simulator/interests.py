"""The interest lens: a user likes several topics, and a candidate matters to one of them at most.

A history of T items holds every one of the user's K topics at least once, in random order. Half
of the candidates come from one of these topics, the others from topics that the user has not:

    logit = bias + strength [topic of the candidate is in the history] + quality[item]

One vector for the whole history has to hold K topics at once; attention can ask for one.

Chapter 04, "Several interests".
"""

import numpy as np

from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.requests import pick, simulate
from recsys_lib.data.simulator.world import SimulatedDataset, stream

LENS = "interests"


def interests(
    num_rows: int = 100_000,
    num_interests: int = 4,
    num_topics: int = 40,
    items_per_topic: int = 10,
    history_length: int = 20,
    strength: float = 3.0,
    bias: float = -1.5,
    quality_sd: float = 0.3,
    own_share: float = 0.5,
    candidates: int = 4,
    num_valid_rows: int = 10_000,
    num_test_rows: int = 40_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks on candidates whose topic is, or is not, one of the user's.

    Args:
        num_rows: rows of the training split.
        num_interests: topics of a user, K, at most ``history_length`` and less than
            ``num_topics``.
        num_topics, items_per_topic: topics, and items in each.
        history_length: behaviours in a history, all of them real.
        strength: log-odds that an own topic adds.
        bias: log-odds of an item of another topic and of mean quality.
        quality_sd: standard deviation of the items' qualities, exact, of mean zero.
        own_share: share of the candidates that come from an own topic.
        candidates: items shown beside one history; sizes of splits are multiples of it.
        num_valid_rows, num_test_rows: rows of the other splits.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``item_id`` (group ``item``) and ``history``
        (its table, oldest first); the task ``click``; ``group`` is the request. Its ``truth``
        holds ``topic`` ``(items + 1,)``, the topic of each item id from 1 on, -1 at 0;
        ``quality`` ``(items + 1,)``, 0 at 0. A row's relevant behaviours are
        ``topic[history] == topic[item_id][:, None]``.

        Common random numbers: ``strength``, ``bias`` and ``quality_sd`` change probabilities and
        the labels that depend on them, never a row.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    check_interests(knobs, "num_topics")
    num_interests, num_topics = knobs["num_interests"], knobs["num_topics"]
    items_per_topic, length = knobs["items_per_topic"], knobs["history_length"]
    num_items = num_topics * items_per_topic
    quality = np.zeros(num_items + 1)
    quality[1:] = stream(seed, LENS, "quality").standard_normal(num_items)
    quality[1:] -= quality[1:].mean()
    quality *= knobs["quality_sd"] / quality[1:].std()
    topic = np.concatenate([[-1], np.repeat(np.arange(num_topics), items_per_topic)])

    def item_of(topics, numbers):
        return topics * items_per_topic + pick(numbers, items_per_topic) + 1

    def draw(requests, candidates, uniform):
        own, others, topics = draw_topics(uniform, requests, num_topics, num_interests, length)
        history = item_of(topics, uniform("items", requests, length))
        shape = (requests, candidates)
        is_own, candidate_topic = draw_candidates(uniform, shape, own, others, knobs["own_share"])
        item = item_of(candidate_topic, uniform("candidate", *shape))
        return {
            "history": history,
            "item": item,
            "logit": knobs["bias"] + knobs["strength"] * is_own + quality[item],
        }

    planted = {"topic": topic, "quality": quality}
    return simulate(LENS, draw, knobs, num_items, length, truth=planted)


def draw_topics(uniform, requests, num_topics, num_interests, length):
    """The topics behind each history: every one of the user's K at least once, in random order.

    Args:
        uniform: function ``(part, *shape)`` of numbers in [0, 1), as ``simulate`` gives it.
        requests, num_topics, num_interests, length: numbers of requests, topics, K and steps.

    Returns:
        Own topics ``(requests, K)``, all others, and the topic of each step ``(requests, length)``.
    """
    order = np.argsort(uniform("topics", requests, num_topics), axis=1)
    own, others = order[:, :num_interests], order[:, num_interests:]
    # The first K steps hold each topic once, the rest any; then the steps are shuffled.
    which = pick(uniform("which", requests, length), num_interests)
    which[:, :num_interests] = np.arange(num_interests)
    shuffled = np.argsort(uniform("order", requests, length), axis=1)
    which = np.take_along_axis(which, shuffled, axis=1)
    return own, others, np.take_along_axis(own, which, axis=1)


def draw_candidates(uniform, shape, own, others, own_share):
    """Whether a candidate is of an own topic, and its topic, both of ``shape`` (requests, each)."""
    is_own = uniform("is_own", *shape) < own_share
    number = uniform("candidate_topic", *shape)
    topic = np.where(
        is_own,
        np.take_along_axis(own, pick(number, own.shape[1]), axis=1),
        np.take_along_axis(others, pick(number, others.shape[1]), axis=1),
    )
    return is_own, topic


def check_interests(knobs, topics):
    """Raise ``ValueError`` unless a user's interests fit a history and leave another topic.

    Args:
        knobs: checked knobs with ``num_interests`` and ``history_length``.
        topics: name of the knob that counts the topics.
    """
    limit = min(knobs["history_length"], knobs[topics] - 1)
    if knobs["num_interests"] > limit:
        raise ValueError(
            f"num_interests: expected at most history_length and less than {topics}, which "
            f"leaves {limit}, got {knobs['num_interests']}"
        )
