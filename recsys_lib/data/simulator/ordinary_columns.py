"""Users and items of an ordinary platform: what each is, drawn before anything is shown."""

import dataclasses

import numpy as np

from recsys_lib.data.simulator.ordinary_prior import LENS, Plan
from recsys_lib.data.simulator.world import stream

FEWEST_USERS, FEWEST_ITEMS = 50, 200
"""So that a small log has users to tell apart, and a request different items."""

FOLLOWING = 0.7
"""Share of the users whose attribute is that of their first interest, where it follows these."""


@dataclasses.dataclass(frozen=True)
class Things:
    """All users, or all items: row k of each array is that of id k, and row 0 of nobody.

    Args:
        count: ids that training rows may have, 1 to ``count``, the more frequent first.
        num_new: ids behind them that are shown after training alone.
        columns: name to ``(count + num_new + 1,)`` ids, int32, or numbers, float32.
    """

    count: int
    num_new: int
    columns: dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Users(Things):
    """All users; ``interests`` ``(count + 1, K)`` are their categories."""

    interests: np.ndarray


def zipf(uniform: np.ndarray, num_ids: int, exponent: float) -> np.ndarray:
    """Ids from 1 to ``num_ids``, of which k has a share that falls as ``k ** -exponent``.

    Args:
        uniform: numbers in [0, 1), of any shape.
        num_ids: ids.
        exponent: 0 makes all alike.
    """
    ends = np.cumsum(np.arange(1, num_ids + 1) ** -float(exponent))
    return 1 + np.searchsorted(ends[:-1] / ends[-1], uniform, side="right")


def draw_users(plan: Plan, num_rows: int, seed: int) -> Users:
    """The users that a log of so many training rows has.

    With more rows come more users; the first ones stay as they are.
    """
    count = max(FEWEST_USERS, round(num_rows / plan.rows_per_user))
    category = plan.column("category")
    uniform = stream(seed, LENS, "users/interests").random((count + 1, plan.num_interests))
    interests = zipf(uniform, category.num_ids, category.exponent)
    columns = {}
    for column in plan.columns:
        if column.side != "user":
            continue
        drawn = _draw(column, f"users/{column.name}", count + 1, seed)
        if column.follows:
            # Each interest has an id of its own, and most of its users have that.
            of_interest = _draw(column, f"users/{column.name}/map", category.num_ids + 1, seed)
            follows = stream(seed, LENS, f"users/{column.name}/follows").random(count + 1)
            drawn = np.where(follows < FOLLOWING, of_interest[interests[:, 0]], drawn)
        columns[column.name] = drawn
    return Users(count, 0, columns, interests)


def draw_items(plan: Plan, num_rows: int, seed: int) -> Things:
    """The items that a log of so many training rows has, and the new ones behind them."""
    count = max(FEWEST_ITEMS, round(num_rows / plan.rows_per_item))
    num_new = max(1, round(plan.new_share * count))
    columns: dict[str, np.ndarray] = {}
    for column in plan.columns:
        if column.side != "item":
            continue
        in_category = column.num_ids // plan.column("category").num_ids if column.follows else 0
        one = dataclasses.replace(column, num_ids=in_category or column.num_ids)
        # New items are drawn apart, so that a longer log leaves the first ones as they are.
        known = _draw(one, f"items/{column.name}", count + 1, seed)
        new = _draw(one, f"new items/{column.name}", num_new, seed)
        drawn = np.concatenate([known, new])
        if in_category:
            # Ids of a category lie one after another.
            drawn += (columns["category"] - 1) * in_category
        columns[column.name] = drawn
    return Things(count, num_new, columns)


def draw_of_rows(plan: Plan, side: str, part: str, shape: tuple, seed: int) -> dict:
    """Columns of a request (``"context"``) or of a row, ``shape`` each, drawn anew each time."""
    return {
        column.name: _draw(column, f"{part}/{column.name}", shape, seed)
        for column in plan.columns
        if column.side == side
    }


def _draw(column, part, shape, seed):
    random = stream(seed, LENS, part)
    if not column.num_ids:
        return random.standard_normal(shape).astype(np.float32)
    return zipf(random.random(shape), column.num_ids, column.exponent).astype(np.int32)
