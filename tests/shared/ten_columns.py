"""A log of ten columns in the shape of Frappe, which does not come with this repository.

957 users use some twenty of 4,082 items each, over and over in changing contexts; which ones
follows popularity, taste, and what suits the hour and the place. Every use is a positive row. To
each come two negative rows: items drawn at random that the user did not use in that very context,
with all other columns as they are. That is how the public set was made, and what makes it easy for
a model that crosses user, item and context, and hard for one that adds up.
"""

import dataclasses

import numpy as np

CARDINALITIES = {
    "user": 957,
    "item": 4082,
    "daytime": 7,
    "weekday": 7,
    "isweekend": 2,
    "homework": 3,
    "cost": 2,
    "weather": 9,
    "country": 80,
    "city": 233,
}
NEGATIVES = 2
_TASTES = 8


@dataclasses.dataclass(frozen=True)
class Log:
    """Rows of the log: ``values`` ``(rows, 10)`` from 0 in each column, ``labels`` ``(rows,)``."""

    values: np.ndarray
    labels: np.ndarray


def make_log(num_uses=96_203, num_users=957, seed=0):
    """A log with ``num_uses`` positive rows, and two negative ones behind each."""
    random = np.random.default_rng(seed)
    num_items = CARDINALITIES["item"]
    popularity = 1 / np.arange(1, num_items + 1) ** 0.75
    taste_of_item = random.normal(size=(num_items, _TASTES))
    costs = (random.random(num_items) < 0.2).astype(np.int64)
    suits_hour = random.normal(size=(CARDINALITIES["daytime"], _TASTES))
    suits_place = random.normal(size=(CARDINALITIES["homework"], _TASTES))
    country_of_city = random.integers(0, CARDINALITIES["country"], CARDINALITIES["city"])
    city_shares = 1 / np.arange(1, CARDINALITIES["city"] + 1) ** 1.2
    shares = random.lognormal(0, 1, num_users)
    uses_of_user = random.multinomial(num_uses, shares / shares.sum())
    rows = []
    for user, uses in enumerate(uses_of_user):
        if uses == 0:
            continue
        taste = random.normal(size=_TASTES)
        city = random.choice(len(city_shares), p=city_shares / city_shares.sum())
        weights = popularity * np.exp(taste_of_item @ taste * 0.7)
        count = int(np.clip(random.lognormal(2.8, 0.6), 2, uses + 1))
        own = random.choice(num_items, min(count, num_items), False, p=weights / weights.sum())
        habit = 1 / np.arange(1, len(own) + 1) ** 0.8
        for _ in range(uses):
            hour, day = random.integers(0, 7), random.integers(0, 7)
            place = random.choice(3, p=(0.5, 0.3, 0.2))
            suits = taste_of_item[own] @ (suits_hour[hour] + suits_place[place]) * 0.5
            chance = habit * np.exp(suits)
            item = own[random.choice(len(own), p=chance / chance.sum())]
            travels = random.random() < 0.1
            here = random.integers(0, len(city_shares)) if travels else city
            weather = min(random.geometric(0.35) - 1, CARDINALITIES["weather"] - 1)
            rows.append(
                (user, item, hour, day, int(day >= 5), place, costs[item], weather,
                 country_of_city[here], here)
            )  # fmt: skip
    return _with_negatives(np.array(rows, np.int64), random)


def _with_negatives(used, random):
    """Each use with two items that its user did not use in its context, in the order of uses."""
    contexts = np.unique(np.delete(used, 1, axis=1), axis=0, return_inverse=True)[1].ravel()
    taken = set(zip(contexts.tolist(), used[:, 1].tolist(), strict=True))
    values, labels = [], []
    for context, row in zip(contexts.tolist(), used, strict=True):
        values.append(row)
        labels.append(1)
        for _ in range(NEGATIVES):
            item = int(random.integers(0, CARDINALITIES["item"]))
            while (context, item) in taken:
                item = int(random.integers(0, CARDINALITIES["item"]))
            negative = row.copy()
            negative[1] = item
            values.append(negative)
            labels.append(0)
    return Log(np.array(values), np.array(labels))


def write_libsvm(log, folder, ratios=(0.7, 0.2, 0.1), seed=0):
    """Three files, train, valid and test, with ids that run on through all columns.

    Returns:
        Their paths.
    """
    offsets = np.cumsum([0, *CARDINALITIES.values()])[:-1]
    order = np.random.default_rng(seed).permutation(len(log.labels))
    ends = np.rint(np.cumsum(ratios) * len(order)).astype(int)[:2]
    paths = []
    for name, rows in zip(("train", "valid", "test"), np.split(order, ends), strict=True):
        path = folder / f"{name}.libsvm"
        lines = [
            " ".join([str(label), *(f"{value}:1" for value in values)])
            for label, values in zip(log.labels[rows], log.values[rows] + offsets, strict=True)
        ]
        path.write_text("\n".join(lines) + "\n")
        paths.append(path)
    return paths
