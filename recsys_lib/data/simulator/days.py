"""The days lens: a platform on which every day brings new items and moves the tastes.

On day d the items of the last ``lifetime`` days are shown, all alike. Users come in segments. A
segment's taste is a point that goes through a space of ``taste_rank`` dimensions; in it each
category has a direction that stays, and each item has a quality that stays:

    taste_d = (1 - drift) taste_(d - 1) + sqrt(1 - (1 - drift)^2) noise_d
    logit = bias + taste_sd <taste_d(segment), direction(category)> / sqrt(rank) + quality(item)

The tastes of a day are spread like those of any other, so that no day is harder than another.
What a row of k days ago says of a taste of today is multiplied by (1 - drift)^k.

Items are numbered in the order in which they appear. So the ids of a later day begin with those of
the earlier ones, and what is new stands behind.

Chapter 07, "Day by day".
"""

import dataclasses

import numpy as np

from recsys_lib.checks import check_integer
from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.requests import SIZES, TASK, pick
from recsys_lib.data.simulator.world import Rows, SimulatedDataset, make_dataset, sigmoid, stream
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import CategoricalColumn

LENS = "days"


def days(
    num_rows: int = 16_000,
    rows_per_day: int = 4_000,
    drift: float = 0.05,
    new_items: int = 24,
    lifetime: int = 5,
    num_segments: int = 60,
    num_categories: int = 12,
    taste_rank: int = 3,
    taste_sd: float = 1.2,
    quality_sd: float = 0.8,
    bias: float = -1.0,
    num_valid_rows: int = 16_000,
    num_test_rows: int = 24_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks of days that follow each other, with new items and moving tastes.

    Args:
        num_rows: rows of the training split, which holds the first days.
        rows_per_day: rows of a day; days go on from split to split, and where a size is no
            multiple of it, a day lies in two of them.
        drift: how much of a taste a day replaces: 0, it stays; 1, it is drawn anew.
        new_items: items that appear on each day; the first day begins with ``lifetime`` times as
            many.
        lifetime: days on which an item is shown.
        num_segments, num_categories: of users and of items.
        taste_rank: dimensions of the tastes.
        taste_sd, quality_sd: standard deviations of what taste and quality add to the log-odds.
        bias: log-odds without both.
        num_valid_rows, num_test_rows: rows of the other splits, which are later days.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``segment`` (group ``user``), ``category`` and
        ``item_id`` (group ``item``), whose vocabulary holds the items of all days; the task
        ``click``; ``group`` is the day's segment. Slices ``day_1``, ``day_2``, ... count a split's
        own days; ``new_items`` are rows whose item appeared on their day. ``truth`` holds
        ``taste`` ``(days, segments + 1, rank)``, ``direction`` ``(categories + 1, rank)`` and by
        item id ``category``, ``quality`` and ``first_day``, with 0 at id 0.

        Common random numbers: ``drift``, ``taste_sd``, ``quality_sd`` and ``bias`` change
        probabilities and the labels that depend on them, never a row.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    sizes = [knobs[size] for size in SIZES.values()]
    num_days = -(-sum(sizes) // knobs["rows_per_day"])
    truth = _plant(knobs, num_days)
    columns = (
        CategoricalColumn("segment", knobs["num_segments"] + 1, group="user"),
        CategoricalColumn("category", knobs["num_categories"] + 1, group="item"),
        CategoricalColumn("item_id", len(truth["quality"]), group="item"),
    )
    firsts = np.cumsum([0, *sizes[:-1]])
    rows = {
        name: _draw(knobs, truth, name, np.arange(first, first + size))
        for name, first, size in zip(SIZES, firsts, sizes, strict=True)
    }
    return make_dataset(LENS, columns, rows, seed, truth, knobs)


def day_of(dataset: SimulatedDataset, split: Split) -> np.ndarray:
    """The day of each row, counted from 0 over all splits.

    Args:
        dataset: what ``days`` returned.
        split: one of it, or rows of one.

    Returns:
        ``(N,)`` int64.
    """
    return np.asarray(split.time, np.int64) // dataset.knobs["rows_per_day"]


def columns_of_day(dataset: SimulatedDataset, day: int) -> tuple:
    """The feature columns as they are known on a day: without the items of later days.

    Args:
        dataset: what ``days`` returned.
        day: counted from 0.

    Returns:
        Tuple of columns; ``item_id`` has as many ids as there were items until then.

    Raises:
        ValueError: a day that the data set does not have.
    """
    day = check_integer("day", day, 0)
    first_day = dataset.truth["first_day"]
    if day > first_day[-1]:
        raise ValueError(f"day: expected at most {first_day[-1]}, got {day}")
    size = int(np.searchsorted(first_day, day, side="right"))
    return tuple(
        dataclasses.replace(column, vocabulary_size=size) if column.name == "item_id" else column
        for column in dataset.feature_columns
    )


def _plant(knobs, num_days):
    new, lifetime, rank = knobs["new_items"], knobs["lifetime"], knobs["taste_rank"]
    segments, categories = knobs["num_segments"], knobs["num_categories"]
    num_items = (lifetime + num_days - 1) * new

    def normal(part, *shape):
        return stream(knobs["seed"], LENS, part).standard_normal(shape)

    kept = 1 - knobs["drift"]
    taste = np.zeros((num_days, segments + 1, rank))
    for day in range(num_days):
        noise = normal(f"taste/{day}", segments, rank)
        before = taste[day - 1, 1:]
        taste[day, 1:] = kept * before + np.sqrt(1 - kept**2) * noise if day else noise
    # Directions of one length, so that all categories are a matter of taste to the same degree.
    direction = normal("direction", categories, rank)
    direction *= np.sqrt(rank) / np.linalg.norm(direction, axis=1, keepdims=True)
    number = np.arange(num_items)
    # A day's quality is a stream of its own: the items of a longer log begin with the same ones.
    quality = [normal("quality/0", lifetime * new)]
    quality += [normal(f"quality/{day}", new) for day in range(1, num_days)]
    return {
        "taste": taste,
        "direction": np.concatenate([np.zeros((1, rank)), direction]),
        "category": np.append(0, 1 + number % categories),
        "quality": np.append(0, knobs["quality_sd"] * np.concatenate(quality)),
        "first_day": np.append(0, np.maximum(number // new - lifetime + 1, 0)),
    }


def _draw(knobs, truth, split_name, row):
    """The rows with these numbers, counted over all splits."""
    new, segments = knobs["new_items"], knobs["num_segments"]

    def uniform(part):
        generator = stream(knobs["seed"], LENS, f"draws/{split_name}/{part}")
        return generator.random(len(row))

    day = row // knobs["rows_per_day"]
    segment = 1 + pick(uniform("segment"), segments)
    item = 1 + day * new + pick(uniform("item"), knobs["lifetime"] * new)
    category = truth["category"][item]
    of_rank = zip(truth["taste"][day, segment].T, truth["direction"][category].T, strict=True)
    taste = sum(one * other for one, other in of_rank) / np.sqrt(knobs["taste_rank"])
    logit = knobs["bias"] + knobs["taste_sd"] * taste + truth["quality"][item]
    slices = {f"day_{1 + one - day[0]}": day == one for one in np.unique(day)}
    features = {"segment": segment, "category": category, "item_id": item}
    is_new = (truth["first_day"][item] == day) & (day > 0)
    return Rows(
        features={name: values.astype(np.int32) for name, values in features.items()},
        probability={TASK: sigmoid(logit)},
        group=day * (segments + 1) + segment,
        slices=slices | {"new_items": is_new},
    )
