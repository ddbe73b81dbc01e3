"""The platform lens: one small platform that plants something of every chapter at once.

A user with K interests looks at a surface; an item of a category is shown. Whether it is clicked,
and whether a click converts, is decided by

    click      = click_bias_s + interest [own] + taste_sd u_s(category) + item_sd a(item)
    conversion = conversion_bias_s + loyalty m + taste_sd w_s(category) + item_sd n(item)
                 - sensitivity_budget z(item)
    P(click) = sigmoid(click),    P(conversion | click) = sigmoid(conversion)

m is the share of the history in the item's category, [own] is 1 where m > 0, z the standardised
logarithm of the price. The tastes of surface s are u_s = sqrt(share) u_0 + sqrt(1 - share) u_s' and
likewise w_s. What the impression earns is ``click_value P(click) + price P(click and conversion)``.

Chapter 07, "One request".
"""

from collections.abc import Sequence

import numpy as np

from recsys_lib.checks import check_integer
from recsys_lib.data.dataset import Split
from recsys_lib.data.simulator.funnel import uncorrelated
from recsys_lib.data.simulator.interests import check_interests, draw_candidates, draw_topics
from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.requests import pick
from recsys_lib.data.simulator.world import Rows, SimulatedDataset, make_dataset, sigmoid, stream
from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn

LENS = "platform"
SIZES = {"train": "num_rows", "valid": "num_valid_rows", "test": "num_test_rows"}


def platform(
    num_rows: int = 300_000,
    sizes: Sequence[float] = (0.70, 0.25, 0.05),
    share: float = 0.3,
    click_bias: Sequence[float] | float = (-4.2, -3.2, -3.7),
    conversion_bias: Sequence[float] | float = (-2.5, -3.5, -1.5),
    interest: float = 3.0,
    loyalty: float = 4.0,
    taste_sd: float = 1.0,
    item_sd: float = 0.3,
    sensitivity: Sequence[float] = (1.5, 0.75, 0.0),
    agreement: float = -0.5,
    price_sd: float = 0.7,
    median_price: float = 10.0,
    click_value: float = 3.0,
    num_interests: int = 4,
    num_categories: int = 25,
    items_per_category: int = 48,
    history_length: int = 20,
    own_share: float = 0.3,
    per_request: int = 10,
    num_valid_rows: int = 20_000,
    num_test_rows: int = 60_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks and conversions of users with histories on several surfaces.

    Args:
        num_rows: rows of the training split.
        sizes: share of the requests that each surface gets; any positive numbers, their sum counts
            as 1.
        share: share of the categories' tastes that all surfaces have in common, 0 to 1.
        click_bias, conversion_bias: log-odds of each surface; one number stands for all.
        interest: log-odds of a click that an own category adds.
        loyalty: log-odds of a conversion that a history of this category alone would add.
        taste_sd, item_sd: standard deviations of the effects of categories and of items.
        sensitivity: of each kind of budget: what one standard deviation of the log price takes
            from the log-odds of a conversion.
        agreement: correlation, -1 to 1, of what invites clicks to a category or an item with what
            makes it convert; below 0 there is bait.
        price_sd, median_price: standard deviation of the price's logarithm, and its median.
        click_value: what a click earns, in the unit of the price.
        num_interests: categories of a user, K.
        num_categories, items_per_category, history_length: as in the interest lens.
        own_share: share of the shown items that are of an own category.
        per_request: items shown beside one history; sizes of splits are multiples of it.
        num_valid_rows, num_test_rows: rows of the other splits.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``surface`` (group ``scenario``), ``budget`` (group
        ``user``), ``history`` and ``history_category`` (oldest first), ``item_id``, ``category``
        and ``log_price`` (group ``item``); the tasks ``click`` and ``conversion``, which means
        clicked and converted; ``group`` is the request; slices ``surface_1``, ... ``truth`` holds
        by item id ``price``, ``log_price`` and ``category``, by surface, 0 the shared part,
        ``click_taste`` and ``conversion_taste`` ``(S + 1, categories + 1)``, and by item id
        ``click_item`` and ``conversion_item``; ids of 0 have the effect 0.

        Common random numbers: only ``num_...``, ``items_per_category``, ``history_length``,
        ``own_share`` and ``per_request`` change which items are shown to whom; ``sizes`` changes
        whose surface it is, the number of kinds in ``sensitivity`` whose budget; all others change
        probabilities and the labels that depend on them.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    check_interests(knobs, "num_categories")
    truth = _plant(**knobs)
    rows, first = {}, 0
    for split_name, size in SIZES.items():
        requests = knobs[size] // knobs["per_request"]
        rows[split_name] = _draw(knobs, truth, split_name, requests, first)
        first += requests
    num_items = knobs["num_categories"] * knobs["items_per_category"]
    item, category = num_items + 1, knobs["num_categories"] + 1
    length = knobs["history_length"]
    columns = (
        CategoricalColumn("surface", len(knobs["sizes"]) + 1, group="scenario"),
        CategoricalColumn("budget", len(knobs["sensitivity"]) + 1, group="user"),
        SequenceColumn("history", item, length, table="item_id"),
        SequenceColumn("history_category", category, length, table="category"),
        CategoricalColumn("item_id", item, group="item"),
        CategoricalColumn("category", category, group="item"),
        NumericColumn("log_price", group="item"),
    )
    return make_dataset(LENS, columns, rows, seed, truth, knobs)


def whole_requests(
    dataset: SimulatedDataset, num_requests: int = 60, num_candidates: int = 1_000
) -> Split:
    """Requests as a ranker gets them: one user on one surface, and many different items.

    Args:
        dataset: what ``platform`` returned.
        num_requests: requests; the surfaces take turns, from the first.
        num_candidates: different items beside each, drawn from all items alike, whatever the
            user's interests are.

    Returns:
        A ``Split`` like the dataset's own; ``group`` is the request, whose rows lie one after
        another. With fewer requests they are the first of the more.

    Raises:
        ValueError: no request, or more candidates than items.
    """
    knobs = dataset.knobs
    num_requests = check_integer("num_requests", num_requests, 1)
    num_candidates = check_integer("num_candidates", num_candidates, 1)
    num_items = len(dataset.truth["price"]) - 1
    if num_candidates > num_items:
        raise ValueError(f"num_candidates: expected at most {num_items}, got {num_candidates}")
    uniform = _uniform(knobs["seed"], "whole_requests")
    order = np.argsort(uniform("items_shown", num_requests, num_items), axis=1)
    surface = 1 + np.arange(num_requests) % len(knobs["sizes"])
    first = sum(knobs[size] for size in SIZES.values())
    drawn = _user_side(knobs, uniform, num_requests)
    rows = _rows(
        knobs, dataset.truth, uniform, surface, drawn, 1 + order[:, :num_candidates], first
    )
    return Split(
        features=rows.features,
        labels=rows.labels,
        group=rows.group,
        row_id=first + np.arange(num_requests * num_candidates),
        time=first + np.arange(num_requests * num_candidates),
        probability=rows.probability,
        slices={name: mask for name, mask in rows.slices.items() if mask.any()},
    )


def _plant(sizes, agreement, price_sd, median_price, num_categories, items_per_category, seed, **_):
    num_items = num_categories * items_per_category

    def effects(part, count):
        """The effect of a part on the click and on the conversion, ``(count + 1,)`` each."""
        first, second = uncorrelated(
            *(stream(seed, LENS, f"{part}/{task}").standard_normal(count) for task in "ab")
        )
        second = agreement * first + np.sqrt(1 - agreement**2) * second
        return np.append(0, first), np.append(0, second)

    tastes = [effects(f"taste/{surface}", num_categories) for surface in range(len(sizes) + 1)]
    of_items = effects("items", num_items)
    log_price = stream(seed, LENS, "price").standard_normal(num_items)
    log_price = (log_price - log_price.mean()) / log_price.std()
    # As the column holds it, so that the probability is an exact function of what a model sees.
    log_price = np.append(0, log_price).astype(np.float32)
    return {
        "price": median_price * np.exp(price_sd * log_price.astype(np.float64)),
        "log_price": log_price,
        "category": np.append(0, 1 + np.repeat(np.arange(num_categories), items_per_category)),
        "click_taste": np.stack([taste[0] for taste in tastes]),
        "conversion_taste": np.stack([taste[1] for taste in tastes]),
        "click_item": of_items[0],
        "conversion_item": of_items[1],
    }


def _uniform(seed, part_of):
    def uniform(part, *shape):
        return stream(seed, LENS, f"draws/{part_of}/{part}").random(shape)

    return uniform


def _user_side(knobs, uniform, requests):
    """Categories of the users and of their steps from 0, histories and budgets from 1."""
    length = knobs["history_length"]
    own, others, topics = draw_topics(
        uniform, requests, knobs["num_categories"], knobs["num_interests"], length
    )
    number = pick(uniform("items", requests, length), knobs["items_per_category"])
    budget = 1 + pick(uniform("budget", requests), len(knobs["sensitivity"]))
    return own, others, topics, topics * knobs["items_per_category"] + number + 1, budget


def _draw(knobs, truth, split_name, requests, first):
    uniform = _uniform(knobs["seed"], split_name)
    sizes = np.array(knobs["sizes"])
    ends = np.cumsum(sizes)[:-1] / sizes.sum()
    surface = 1 + np.searchsorted(ends, uniform("surface", requests), side="right")
    drawn = _user_side(knobs, uniform, requests)
    shape = (requests, knobs["per_request"])
    _, category = draw_candidates(uniform, shape, *drawn[:2], knobs["own_share"])
    number = pick(uniform("candidate", *shape), knobs["items_per_category"])
    item = category * knobs["items_per_category"] + number + 1
    return _rows(knobs, truth, uniform, surface, drawn, item, first)


def _rows(knobs, truth, uniform, surface, drawn, item, first):
    """The rows of requests: ``surface`` ``(requests,)``, ``item`` ``(requests, each)``."""
    _, _, topics, history, budget = drawn
    requests, each = item.shape
    category = truth["category"][item]
    counts = np.zeros((requests, knobs["num_categories"] + 1))
    np.add.at(counts, (np.arange(requests)[:, None], topics + 1), 1)
    part = np.take_along_axis(counts, category, axis=1) / knobs["history_length"]  # m

    def taste(task):
        shared, own = truth[f"{task}_taste"][0], truth[f"{task}_taste"][surface[:, None], category]
        mixed = np.sqrt(knobs["share"]) * shared[category] + np.sqrt(1 - knobs["share"]) * own
        return knobs["taste_sd"] * mixed + knobs["item_sd"] * truth[f"{task}_item"][item]

    click, conversion = (
        np.array(knobs[f"{task}_bias"])[surface - 1][:, None] + taste(task)
        for task in ("click", "conversion")
    )
    click += knobs["interest"] * (part > 0)
    conversion += knobs["loyalty"] * part
    log_price = truth["log_price"][item]
    conversion -= np.array(knobs["sensitivity"])[budget - 1][:, None] * log_price
    p_click, p_after = sigmoid(click).ravel(), sigmoid(conversion).ravel()
    clicked = uniform("click", requests, each).ravel() < p_click
    converted = clicked & (uniform("conversion", requests, each).ravel() < p_after)
    ids = {"surface": surface, "budget": budget, "history": history, "history_category": topics + 1}
    features = {name: np.repeat(values, each, axis=0) for name, values in ids.items()}
    features |= {"item_id": item.ravel(), "category": category.ravel()}
    of_surface = features["surface"]
    return Rows(
        features={name: values.astype(np.int32) for name, values in features.items()}
        | {"log_price": log_price.ravel()},
        probability={"click": p_click, "conversion": p_click * p_after},
        group=np.repeat(np.arange(first, first + requests, dtype=np.int64), each),
        slices={f"surface_{s}": of_surface == s for s in range(1, len(knobs["sizes"]) + 1)},
        labels={"click": clicked.astype(np.float32), "conversion": converted.astype(np.float32)},
    )
