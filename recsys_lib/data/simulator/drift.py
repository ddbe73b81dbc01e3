"""The drift lens: taste within a category moves, and only its latest state counts.

A user follows C of the categories. At each of T steps one of them comes up; with probability
``drift`` its style jumps to another one first; the behaviour is an item of that category and
style. A click depends on the style that the candidate's category had *last*:

    logit = bias + strength [style(candidate) = style of the latest behaviour of its category]

A sum over behaviours cannot tell the latest from the ones before; a recurrence that the candidate
steers can.

Chapter 04, "Drifting interests".
"""

import numpy as np

from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.requests import pick, simulate
from recsys_lib.data.simulator.world import SimulatedDataset

LENS = "drift"
SHARES = (0.40, 0.45, 0.15)
"""Candidates in the latest style of their category, in the style of any of the user's behaviours
there, and in any style."""


def drift(
    num_rows: int = 100_000,
    drift: float = 0.5,
    num_categories: int = 12,
    num_styles: int = 5,
    items_per_style: int = 2,
    categories_per_user: int = 3,
    history_length: int = 12,
    strength: float = 3.2,
    bias: float = -1.8,
    candidates: int = 4,
    num_valid_rows: int = 10_000,
    num_test_rows: int = 40_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks on candidates in, or not in, the latest style of their category.

    Args:
        num_rows: rows of the training split.
        drift: probability that a category's style jumps before a behaviour in it.
        num_categories, num_styles, items_per_style: the items are all combinations.
        categories_per_user: categories that a user follows, C.
        history_length: behaviours in a history, T, all of them real.
        strength: log-odds that the latest style adds.
        bias: log-odds of every other style.
        candidates: items shown beside one history; sizes of splits are multiples of it.
        num_valid_rows, num_test_rows: rows of the other splits.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``item_id`` (group ``item``) and ``history``
        (its table, oldest first); the task ``click``; ``group`` is the request. A candidate's
        category always occurs in its history. ``truth`` holds ``category`` and ``style``
        ``(items + 1,)``, by item id, -1 at 0.

        Common random numbers: ``strength`` and ``bias`` change probabilities and the labels that
        depend on them, never a row; a larger ``drift`` lets styles jump wherever a smaller does.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    num_styles, items_per_style = knobs["num_styles"], knobs["items_per_style"]
    length, followed = knobs["history_length"], knobs["categories_per_user"]
    num_items = knobs["num_categories"] * num_styles * items_per_style
    kind = np.arange(num_items) // items_per_style
    truth = {
        "category": np.concatenate([[-1], kind // num_styles]),
        "style": np.concatenate([[-1], kind % num_styles]),
    }

    def item_of(category, style, numbers):
        return (category * num_styles + style) * items_per_style + pick(numbers, items_per_style)

    def draw(requests, candidates, uniform):
        rows = np.arange(requests)
        order = np.argsort(uniform("categories", requests, knobs["num_categories"]), axis=1)
        which = pick(uniform("which", requests, length), followed)  # (requests, T), 0 to C - 1
        category = np.take_along_axis(order[:, :followed], which, axis=1)
        current = pick(uniform("start", requests, followed), num_styles)
        jumps = uniform("jumps", requests, length) < knobs["drift"]
        shift = 1 + pick(uniform("shift", requests, length), num_styles - 1)
        style = np.empty((requests, length), np.int64)
        for step in range(length):  # the state of a step follows from the one before
            moved = current[rows, which[:, step]] + jumps[:, step] * shift[:, step]
            current[rows, which[:, step]] = style[:, step] = moved % num_styles
        history = item_of(category, style, uniform("items", requests, length)) + 1

        shape = (requests, candidates)
        # A random behaviour gives the category, and a style that it once had.
        step = pick(uniform("candidate_step", *shape), length)
        of_step = np.take_along_axis(which, step, axis=1)
        latest = np.take_along_axis(current, of_step, axis=1)
        origin = uniform("origin", *shape)
        wanted = np.where(origin < SHARES[0], latest, np.take_along_axis(style, step, axis=1))
        anything = pick(uniform("candidate_style", *shape), num_styles)
        wanted = np.where(origin >= SHARES[0] + SHARES[1], anything, wanted)
        candidate_category = np.take_along_axis(category, step, axis=1)
        item = item_of(candidate_category, wanted, uniform("candidate", *shape)) + 1
        return {
            "history": history,
            "item": item,
            "logit": knobs["bias"] + knobs["strength"] * (wanted == latest),
        }

    return simulate(LENS, draw, knobs, num_items, length, truth=truth)
