"""The long-history lens: a few behaviours among thousands decide, and truth says which.

A request has a history of T behaviours and K candidates, each of a topic of its own. Of the T
behaviours 0 to R are of a candidate's topic; these are the *relevant* ones, ``recent_share`` of
them among the last few behaviours, the others anywhere before. All other behaviours are of topics
that no candidate of the request has.

    evidence = sum over the relevant behaviours of 2^(-age / half_life)
    logit = bias + strength log(1 + evidence)

The age counts behaviours, 0 for the latest. What a short history leaves out is most of the
evidence, and what a search in the long one finds can be held against ``relevant_steps``.

A topic has several *categories*, and the catalogue states an item's category, not its topic: tents
and sleeping bags stand apart. For the share ``across`` of the candidates the relevant behaviours
are all of the topic's other categories, for the others all of the candidate's own. So a search by
category finds everything for the others and nothing for these; to do better, a model has to learn
from clicks which categories belong together.

Whether that can be learned is a question of rows and not only of models. Of n rows shown with
candidates of one category, the covariance of the click with how often the history holds another
category is known to about ``sd / (2 sqrt(n))``, where ``sd`` is that of the other category's count.
Of categories that belong together it is about a twentieth of R. Where items have to be told apart
one by one, or categories are hundreds, n is too small. At the defaults the clicks name each
category's partner; a test counts it, without a model.

Chapter 04, "A history of thousands".
"""

import numpy as np

from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.requests import pick, simulate
from recsys_lib.data.simulator.world import SimulatedDataset
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import CategoricalColumn, SequenceColumn

LENS = "long_history"


def long_history(
    num_rows: int = 8_000,
    history_length: int = 1_000,
    short_length: int = 100,
    relevant: int = 50,
    recent_share: float = 0.01,
    half_life: int = 1_000,
    num_topics: int = 6,
    categories_per_topic: int = 2,
    items_per_category: int = 10,
    across: float = 0.5,
    strength: float = 1.5,
    bias: float = -2.0,
    own_share: float = 0.5,
    candidates: int = 2,
    num_valid_rows: int = 2_000,
    num_test_rows: int = 4_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks on candidates for which a few behaviours among a thousand speak.

    At the defaults the arrays take 31 MB: ids are of the smallest type that holds them, but each
    row has its whole history, ``2 history_length`` bytes. Training copies what it reads as int32.

    Args:
        num_rows: rows of the training split.
        history_length: behaviours in a history, T, all of them real.
        short_length: the last behaviours, which the short history holds.
        relevant: most relevant behaviours of a candidate, R; those that have any have 1 to R, all
            alike.
        recent_share: probability that a relevant behaviour is one of the last ``short_length``.
        half_life: behaviours after which one counts half.
        num_topics, categories_per_topic, items_per_category: topics, categories of each, and items
            in each of these.
        across: probability that a candidate's relevant behaviours are of the other categories of
            its topic, and none of its own.
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
        are told which to read, ``histories=("history_category",)``. The task is ``click``;
        ``group`` is the request. ``truth`` holds ``topic`` and ``category`` ``(items + 1,)``, by
        item id, -1 and 0 at 0; ``relevant_steps`` makes of it which steps are relevant to a row.

        Common random numbers: ``strength``, ``bias`` and ``half_life`` change probabilities and
        the labels that depend on them, never a row; ``across`` changes relevant behaviours alone,
        to others of the same topics, and so no label.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    _check_room(knobs)
    in_topic, in_category = knobs["categories_per_topic"], knobs["items_per_category"]
    num_topics, length, short = knobs["num_topics"], knobs["history_length"], knobs["short_length"]
    num_categories, of_topic = num_topics * in_topic, in_topic * in_category
    num_items = num_topics * of_topic
    dtype, small = _smallest(num_items), _smallest(num_categories)
    topic = np.concatenate([[-1], np.repeat(np.arange(num_topics), of_topic)])
    category = np.concatenate([[0], 1 + np.repeat(np.arange(num_categories), in_category)])
    category = category.astype(small)

    def item_of(categories, numbers):
        return categories * in_category + pick(numbers, in_category) + 1

    def draw(requests, candidates, uniform):
        order = np.argsort(uniform("topics", requests, num_topics), axis=1)
        asked, others = order[:, :candidates], order[:, candidates:]
        # One number gives a behaviour's topic and its item there.
        size = others.shape[1] * of_topic
        number = (uniform("steps", requests, length) * size).astype(np.int32)
        items = (others[:, :, None] * of_topic + np.arange(of_topic) + 1).astype(dtype)
        history = np.take_along_axis(items.reshape(requests, size), number, axis=1)
        own = pick(uniform("category", requests, candidates), in_topic)
        item = item_of(asked * in_topic + own, uniform("candidate", requests, candidates))
        position, is_real = _places(uniform, requests, knobs)
        is_across = uniform("across", requests, candidates, 1) < knobs["across"]
        shift = 1 + pick(uniform("other", *position.shape), in_topic - 1)
        of_steps = asked[:, :, None] * in_topic + (own[:, :, None] + is_across * shift) % in_topic
        planted = item_of(of_steps, uniform("planted", *position.shape))
        rows = np.broadcast_to(np.arange(requests)[:, None, None], position.shape)
        history[rows[is_real], position[is_real]] = planted[is_real]
        counts = np.exp2(-(length - 1 - position) / knobs["half_life"]) * is_real
        categories = category[history]
        return {
            "history": history,
            "history_category": categories,
            "short_history": history[:, -short:],
            "short_category": categories[:, -short:],
            "item": item.astype(dtype),
            "of_items": {"category": category[item]},
            "logit": knobs["bias"] + knobs["strength"] * np.log1p(counts.sum(axis=2)),
        }

    items, categories = num_items + 1, num_categories + 1
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
