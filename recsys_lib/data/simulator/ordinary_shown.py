"""Requests of an ordinary platform: who asks, with which history, and what is shown.

A user's clicks are one sequence, of which each request sees the last ones before it; between two
requests there are ``between`` more. They are given: clicks of other pages, which no row of the log
decides, so that no history holds a row's own label.
"""

import dataclasses

import numpy as np

from recsys_lib.data.simulator.ordinary_columns import Things, Users, zipf
from recsys_lib.data.simulator.ordinary_prior import LENS, Plan
from recsys_lib.data.simulator.requests import pick
from recsys_lib.data.simulator.world import stream

MOST_REDRAWN = 50
"""Times that items which a request holds twice are drawn again."""


@dataclasses.dataclass(frozen=True)
class Shown:
    """Requests of one split.

    Args:
        user: ``(R,)`` ids.
        history: ``(R, length)`` ids of items, oldest first.
        item: ``(R, K)`` ids of the candidates.
    """

    user: np.ndarray
    history: np.ndarray
    item: np.ndarray


def draw_shown(
    plan: Plan, users: Users, items: Things, sizes: dict[str, tuple[int, int]], seed: int
) -> dict[str, Shown]:
    """Draw the requests of all splits, one behind another in time.

    Args:
        plan: of the platform.
        users, items: of the platform.
        sizes: name of a split to its requests and the candidates of each, in order of time.
        seed: integer of 0 or more.

    Returns:
        Name of a split to its ``Shown``. Candidates of a request differ.
    """
    pool = _Pool(plan, items)
    num_requests = sum(requests for requests, _ in sizes.values())
    user = zipf(_uniform(seed, "users", num_requests), users.count, plan.user_exponent)
    history = _histories(plan, user, users.interests, pool, seed)
    shown, first = {}, 0
    for split_name, (requests, candidates) in sizes.items():
        rows = slice(first, first + requests)
        item = _candidates(
            plan, users.interests[user[rows]], history[rows], pool, split_name, candidates, seed
        )
        shown[split_name] = Shown(user[rows], history[rows], item)
        first += requests
    return shown


class _Pool:
    """Items to draw from, by popularity: of all, or of a category."""

    def __init__(self, plan, items):
        self.items, self.exponent = items, plan.item_exponent
        category = items.columns["category"][1 : items.count + 1]
        self._order = np.argsort(category, kind="stable")
        popularity = np.arange(1, items.count + 1) ** -self.exponent
        self._ends = np.cumsum(popularity[self._order])
        num_categories = plan.column("category").num_ids
        last = np.searchsorted(category[self._order], np.arange(num_categories + 1), side="right")
        # Where a category's part of the sum begins; an empty one has no part.
        self._sums = np.append(0.0, self._ends)[last]

    def popular(self, uniform):
        return zipf(uniform, self.items.count, self.exponent)

    def of_category(self, category, uniform):
        """An item of each category; where a category has none, any item by popularity."""
        low, high = self._sums[category - 1], self._sums[category]
        place = np.searchsorted(self._ends, low + uniform * (high - low), side="right")
        found = 1 + self._order[np.minimum(place, self.items.count - 1)]
        return np.where(high > low, found, self.popular(uniform))


def _uniform(seed, part, *shape):
    return stream(seed, LENS, f"shown/{part}").random(shape)


def _histories(plan, user, interests, pool, seed):
    """``(R, length)`` items: windows into one sequence of clicks for each user."""
    # How many requests of the same user came before.
    order = np.argsort(user, kind="stable")
    users, first, count = np.unique(user[order], return_index=True, return_counts=True)
    before = np.empty(len(user), np.int64)
    before[order] = np.arange(len(user)) - np.repeat(first, count)
    clicks = plan.length + plan.between * (count - 1)
    starts = np.cumsum(clicks) - clicks
    total = int(clicks.sum())
    # A click that stays takes the interest of the last one that did not.
    begins = _uniform(seed, "stay", total) >= plan.stay
    begins[starts] = True
    since = np.maximum.accumulate(np.where(begins, np.arange(total), 0))
    which = pick(_uniform(seed, "interest", total), plan.num_interests)[since]
    category = interests[np.repeat(users, clicks), which]
    item = pool.of_category(category, _uniform(seed, "click", total)).astype(np.int32)
    window = starts[np.searchsorted(users, user)] + plan.between * before
    return item[window[:, None] + np.arange(plan.length)]


def _candidates(plan, interests, history, pool, split_name, candidates, seed):
    """``(R, K)`` items from several sources, all different within a request."""
    shape = (len(history), candidates)
    rows = np.arange(len(history))[:, None]

    def uniform(part):
        return _uniform(seed, f"{split_name}/{part}", *shape)

    category = interests[rows, pick(uniform("interest"), plan.num_interests)]
    sources = (
        pool.popular(uniform("popular")),
        pool.of_category(category, uniform("of_interest")),
        history[rows, pick(uniform("seen"), plan.length)],
    )
    source = np.searchsorted(np.cumsum(plan.mix)[:-1], uniform("source"), side="right")
    item = np.choose(source, sources)
    items = pool.items
    if split_name != "train":
        new = 1 + items.count + pick(uniform("new"), items.num_new)
        item = np.where(uniform("is_new") < plan.new_share, new, item)
    again = stream(seed, LENS, f"shown/{split_name}/again")
    for _ in range(MOST_REDRAWN):
        order = np.argsort(item, axis=1, kind="stable")
        ordered = np.take_along_axis(item, order, axis=1)
        repeats = np.zeros(shape, bool)
        np.put_along_axis(repeats, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
        if not repeats.any():
            break
        item[repeats] = 1 + pick(again.random(int(repeats.sum())), items.count)
    return item.astype(np.int32)
