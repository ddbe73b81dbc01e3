"""The two real logs, each with one split, and with past-only counts and rates of user and item."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recsys_lib.data import history, kuairand, movielens, pages, registry
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import NumericColumn
from recsys_lib.training.metrics import num_pairs

RATES = ("user_count", "user_like_rate", "item_count", "item_like_rate")
"""Columns of what was known of user and item before the row."""
_PRIOR_ROWS = 5

Arrays = Mapping[str, np.ndarray]


def missing(name: str | None) -> str | None:
    """Why a data set cannot be loaded on this machine, in one line; None where it can.

    Args:
        name: key of ``DATA_MARGINS``; None, a lens, needs nothing.
    """
    if name != "kuairand_pure":
        return None
    try:
        registry.locate(name)
    except registry.DataUnavailable as error:
        return str(error)
    return None


def load(name: str, **options: Any) -> Dataset:
    """A data set with its one split.

    Args:
        name: ``"movielens"``, each user's last fifth of the ratings for the test; or
            ``"kuairand_pure"``, the clicks of the last days.
        **options: of the loader of ``recsys_lib.data``, and ``short_history``: the length of a
            column of that name, the end of the history; and ``gap``: the longest pause within a
            page of one ``surface``, see ``with_pages``. The splits then keep their pages, and the
            validation rows are held still as the test rows are where order is judged.

    Returns:
        A ``Dataset`` with one task, the click of KuaiRand where ``tasks`` says no other; the
        columns of ``RATES`` are among its own, see ``with_rates``.

    Raises:
        ValueError: another name.
        DataUnavailable: the set is not on this machine.
    """
    options = {key: tuple(one) if isinstance(one, list) else one for key, one in options.items()}
    if gap := options.pop("gap", None):
        surface = options.pop("surface", "tab")
        return with_pages(load(name, **options), gap, surface)
    if short := options.pop("short_history", None):
        return with_short_history(load(name, **options), short)
    if name == "movielens":
        return movielens.load(**{"split": "per_user", **options})
    if name != "kuairand_pure":
        raise ValueError(f"data: expected 'movielens' or 'kuairand_pure', got {name!r}")
    return with_rates(kuairand.load(**{"tasks": ("click",), **options}), "video_id")


def day_of(time: np.ndarray) -> np.ndarray:
    """The day of each row of KuaiRand, from 23 to 23 o'clock in China.

    A date of the log begins up to an hour before midnight.
    """
    return (np.asarray(time, np.int64) + 9 * 3600) // (24 * 3600)


def with_pages(dataset: Dataset, gap: str, surface: str = "tab") -> Dataset:
    """Keep pages of each split, and hold the validation rows still.

    Args:
        dataset: with times.
        gap: the longest pause within a page.
        surface: ``"tab"``, that column where there is one; or ``"day"``: with a gap of a day a page
            is what a user was shown on one day.
    """

    def page(split: Split) -> np.ndarray:
        of = {"tab": split.features.get("tab"), "day": day_of(split.time)}[surface]
        return pages(split.group, split.time, of, gap)

    kept = {name: split.with_groups(page=page(split)) for name, split in dataset.splits.items()}
    whole = dataclasses.replace(dataset, **kept)
    return dataclasses.replace(whole, valid=whole.held_still(whole.valid))


def about(test: Split) -> dict[str, float]:
    """What order is judged on: test rows, users, pairs of a click and another row, behaviours.

    Args:
        test: with pages; behaviours are those of a column ``history``, none without it.
    """
    of_users, of_pages = (num_pairs(test.label, test.group_of(name)) for name in ("user", "page"))
    steps = (test.features.get("history", np.zeros((1, 0))) > 0).sum(axis=1)
    return {
        "rows": len(test),
        "users": len(np.unique(test.group)),
        "pairs_of_users": of_users,
        "pairs_of_pages": of_pages,
        "median_of_behaviours": float(np.median(steps)),
    }


def with_short_history(dataset: Dataset, length: int) -> Dataset:
    """Add the column ``short_history``: the last steps of ``history``.

    Args:
        dataset: with the column ``history``, padded at its end.
        length: of the new column.
    """
    whole = dataset.column("history")
    column = dataclasses.replace(whole, name="short_history", max_length=length)
    rows = [(one.features["history"], one.as_of["history"]) for one in dataset.splits.values()]
    ids, moments = map(np.concatenate, zip(*rows, strict=True))
    first = np.maximum((ids > 0).sum(axis=1, keepdims=True) - length, 0)
    places = first + np.arange(length)
    last = ({column.name: np.take_along_axis(kind, places, axis=1)} for kind in (ids, moments))
    return _with_more(dataset, [column], *last)


def with_rates(dataset: Dataset, item: str) -> Dataset:
    """Add the columns of ``RATES``: from rows strictly earlier in time, whatever their split.

    They are of the first task. Each further one has its own two, ``user_rate_of_like`` and
    ``item_rate_of_like`` for example, which tell a task's model as much of its past as the first
    one's knows. No row's own label is in them, of any task: it is not earlier than itself.

    Args:
        dataset: with times; ``group`` is the user.
        item: name of the column of item ids; id 0, unknown, has no past.

    Returns:
        The data set with four more columns, and two for each task but the first.
    """
    tasks, splits = list(dataset.train.labels), dataset.splits.values()
    rows = [(one.time, one.group, one.features[item]) for one in splits]
    time, user, ids = map(np.concatenate, zip(*rows, strict=True))
    added: dict[str, np.ndarray] = {}
    moments: dict[str, np.ndarray] = {}
    for task in tasks:
        label = np.concatenate([one.labels[task] for one in splits]).astype(np.int64)
        base = float(dataset.train.labels[task].mean())
        name = "like_rate" if task == tasks[0] else f"rate_of_{task}"
        for side, keys in (("user", user), ("item", ids)):
            count, positives, newest = history.earlier(keys, time, label)
            known = (keys > 0) | (side == "user")
            count, positives = count * known, positives * known
            rate = (positives + base * _PRIOR_ROWS) / (count + _PRIOR_ROWS)
            added[f"{side}_count"] = np.log10(1 + count).astype(np.float32)
            added[f"{side}_{name}"] = rate.astype(np.float32)
            newest = np.where(known, newest, -np.inf)
            moments[f"{side}_count"] = moments[f"{side}_{name}"] = newest
    columns = [NumericColumn(name, group=name.partition("_")[0]) for name in added]
    return _with_more(dataset, columns, added, moments)


def _with_more(dataset: Dataset, columns: Sequence[Any], added: Arrays, moments: Arrays) -> Dataset:
    """More columns, from arrays over the rows of all splits, one split after the other."""
    renewed, start = {}, 0
    for name, split in dataset.splits.items():
        rows = slice(start, start := start + len(split))
        renewed[name] = dataclasses.replace(
            split,
            features={**split.features, **{key: one[rows] for key, one in added.items()}},
            as_of={**split.as_of, **{key: one[rows] for key, one in moments.items()}},
        )
    wider = (*dataset.feature_columns, *columns)
    return dataclasses.replace(dataset, feature_columns=wider, **renewed)
