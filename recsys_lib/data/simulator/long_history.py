"""The long-history lens: a few behaviours among thousands decide, and truth says which.

A request has a history of T behaviours and K candidates, each of a topic of its own. Of the T
behaviours 0 to R are of a candidate's topic; these are the *relevant* ones, ``recent_share`` of
them among the last few behaviours, the others anywhere before. All other behaviours are of topics
that no candidate of the request has.

    evidence = sum over the relevant behaviours of 2^(-age / half_life)
    logit = bias + strength log(1 + evidence)

The age counts behaviours, 0 for the latest. What a short history leaves out is most of the
evidence, and what a search in the long one finds can be held against ``relevant_steps``.

An item's *category* is its topic as the catalogue states it. ``noise`` of the items stand in a
wrong one. A search by category finds a relevant behaviour where it and the candidate stand in one
category: both in the right one, (1 - noise)^2 of the pairs, or both in the same wrong one, which
few do but for the candidate itself met again. To do better, a model has to learn from clicks what
an item is about.

Chapter 04, "A history of thousands".
"""

import numpy as np

from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.requests import pick, simulate
from recsys_lib.data.simulator.world import SimulatedDataset, lowest_share, stream
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import CategoricalColumn, SequenceColumn

LENS = "long_history"


def long_history(
    num_rows: int = 20_000,
    history_length: int = 2_000,
    short_length: int = 50,
    relevant: int = 10,
    recent_share: float = 0.1,
    half_life: int = 1_000,
    num_topics: int = 20,
    items_per_topic: int = 20,
    noise: float = 0.2,
    strength: float = 2.0,
    bias: float = -1.5,
    own_share: float = 0.5,
    candidates: int = 4,
    num_valid_rows: int = 2_000,
    num_test_rows: int = 8_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks on candidates for which a few behaviours among thousands speak.

    At the defaults the arrays take 185 MB: ids are of the smallest type that holds them, but each
    row has its whole history, ``3 history_length`` bytes. Training copies what it reads as int32.

    Args:
        num_rows: rows of the training split.
        history_length: behaviours in a history, T, all of them real.
        short_length: the last behaviours, which the short history holds.
        relevant: most relevant behaviours of a candidate, R; those that have any have 1 to R, all
            alike.
        recent_share: probability that a relevant behaviour is one of the last ``short_length``.
        half_life: behaviours after which one counts half.
        num_topics, items_per_topic: topics, and items in each.
        noise: share of the items in a wrong category.
        strength: log-odds for each unit of ``log(1 + evidence)``.
        bias: log-odds of an item without a relevant behaviour.
        own_share: share of the candidates with a relevant behaviour.
        candidates: items shown beside one history, K, of as many topics; sizes of splits are
            multiples of it.
        num_valid_rows, num_test_rows: rows of the other splits.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``item_id`` and ``category`` (group ``item``),
        ``history`` and ``history_category`` (their tables, oldest first), and the last
        ``short_length`` steps of both, ``short_history`` and ``short_category``; sequence models
        are told which pair to read, ``histories=("history", "history_category")``. The task is
        ``click``; ``group`` is the request. ``truth`` holds ``topic`` and ``category``
        ``(items + 1,)``, by item id, -1 and 0 at 0; ``relevant_steps`` makes of it which steps are
        relevant to a row.

        Common random numbers: ``strength``, ``bias`` and ``half_life`` change probabilities and
        the labels that depend on them, never a row; ``noise`` changes categories alone.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    _check_room(knobs)
    num_topics, items_per_topic = knobs["num_topics"], knobs["items_per_topic"]
    length, short = knobs["history_length"], knobs["short_length"]
    num_items = num_topics * items_per_topic
    topic = np.concatenate([[-1], np.repeat(np.arange(num_topics), items_per_topic)])
    category = _categories(topic, num_topics, knobs["noise"], seed)
    dtype, small = _smallest(num_items), _smallest(num_topics)
    category = category.astype(small)

    def item_of(topics, numbers):
        return topics * items_per_topic + pick(numbers, items_per_topic) + 1

    def draw(requests, candidates, uniform):
        order = np.argsort(uniform("topics", requests, num_topics), axis=1)
        asked, others = order[:, :candidates], order[:, candidates:]
        # One number gives a behaviour's topic and its item there.
        size = others.shape[1] * items_per_topic
        number = (uniform("steps", requests, length) * size).astype(np.int32)
        items = (others[:, :, None] * items_per_topic + np.arange(items_per_topic) + 1).astype(
            dtype
        )
        history = np.take_along_axis(items.reshape(requests, size), number, axis=1)
        position, is_real = _places(uniform, requests, knobs)
        planted = item_of(asked[:, :, None], uniform("planted", *position.shape))
        rows = np.broadcast_to(np.arange(requests)[:, None, None], position.shape)
        history[rows[is_real], position[is_real]] = planted[is_real]
        item = item_of(asked, uniform("candidate", requests, candidates)).astype(dtype)
        counts = np.exp2(-(length - 1 - position) / knobs["half_life"]) * is_real
        categories = category[history]
        return {
            "history": history,
            "history_category": categories,
            "short_history": history[:, -short:],
            "short_category": categories[:, -short:],
            "item": item,
            "of_items": {"category": category[item]},
            "logit": knobs["bias"] + knobs["strength"] * np.log1p(counts.sum(axis=2)),
        }

    items, categories = num_items + 1, num_topics + 1
    return simulate(
        LENS,
        draw,
        knobs,
        num_items,
        length,
        (
            CategoricalColumn("category", categories, group="item"),
            SequenceColumn("history_category", categories, length, table="category"),
            SequenceColumn("short_history", items, short, table="item_id"),
            SequenceColumn("short_category", categories, short, table="category"),
        ),
        truth={"topic": topic, "category": category},
        dtype=None,
    )


def relevant_steps(dataset: SimulatedDataset, split: Split) -> np.ndarray:
    """Which behaviours speak for the candidate of each row.

    Args:
        dataset: of the lens ``long_history``.
        split: some of its rows.

    Returns:
        Booleans ``(rows, history_length)``.
    """
    topic = dataset.truth["topic"]
    return topic[split.features["history"]] == topic[split.features["item_id"]][:, None]


def _smallest(largest_id):
    """The smallest type of whole numbers that holds the ids up to the largest."""
    return next(kind for kind in (np.int8, np.int16, np.int32) if largest_id <= np.iinfo(kind).max)


def _categories(topic, num_topics, noise, seed):
    """The stated category of each item id, from 1; a wrong one for the share ``noise``."""
    num_items = len(topic) - 1
    is_wrong = lowest_share(stream(seed, LENS, "wrong").random(num_items), noise)
    shift = 1 + pick(stream(seed, LENS, "shift").random(num_items), num_topics - 1)
    stated = (topic[1:] + is_wrong * shift) % num_topics
    return np.concatenate([[0], stated + 1])


def _places(uniform, requests, knobs):
    """Where the relevant behaviours of each candidate stand: all in different places.

    Returns:
        Positions ``(requests, candidates, relevant)``, and booleans: the first so many count.
    """
    length, short = knobs["history_length"], knobs["short_length"]
    shape = (requests, knobs["candidates"], knobs["relevant"])
    has_any = uniform("own", *shape[:2]) < knobs["own_share"]
    count = has_any * (1 + pick(uniform("count", *shape[:2]), knobs["relevant"]))
    is_recent = (uniform("recent", *shape) < knobs["recent_share"]).reshape(requests, -1)
    # The n-th recent one takes the n-th place of a random order of recent places, and so on.
    places = (
        _different(uniform, "late", is_recent.shape, length - short, length),
        _different(uniform, "early", is_recent.shape, 0, length - short),
    )
    late, early = (
        np.take_along_axis(order, np.cumsum(chosen, axis=1) - chosen, axis=1)
        for order, chosen in zip(places, (is_recent, ~is_recent), strict=True)
    )
    position = np.where(is_recent, late, early).reshape(shape)
    return position, np.arange(knobs["relevant"]) < count[:, :, None]


def _different(uniform, part, shape, first, last):
    """Whole numbers from ``first`` to ``last - 1``, all different in each row, in random order."""
    room = last - first - shape[1]
    drawn = np.sort(pick(uniform(part, *shape), room + 1), axis=1) + np.arange(shape[1])
    order = np.argsort(uniform(f"{part}_order", *shape), axis=1)
    return first + np.take_along_axis(drawn, order, axis=1)


def _check_room(knobs):
    """Raise ``ValueError`` unless all relevant behaviours find a place of their own."""
    room = min(knobs["short_length"], knobs["history_length"] - knobs["short_length"])
    if knobs["relevant"] * knobs["candidates"] > room:
        raise ValueError(
            f"relevant: expected at most {room // knobs['candidates']}, so that those of all "
            f"{knobs['candidates']} candidates fit into {room} places, got {knobs['relevant']}"
        )
