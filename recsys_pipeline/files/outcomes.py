"""Columns that may hold the label: by the name of an outcome, and by values that give it away.

A log's columns are known at different moments: what was shown before, what came of it after. A
column of the second kind predicts the label well in the log and is not there when a model is
served. No rule is certain of it; these find the usual ones, and say why.
"""

import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

PURE = 0.99
"""A value whose rows have this share of one label, or more, may give it away"""

ODDS = 50.0
"""if its odds of the label differ by this factor from those of all rows"""

LEAST_SHARE = 0.01
"""and if this share of the rows has it; a few users and items have one label by chance."""

TELLS = 0.9
"""A column gives a number away if its values tell this share of the variance of the ranks."""

MIN_SPARE_ROWS = 20
"""With fewer rows beyond one for each value nothing is said of a number."""

NUM_RANGES = 20
"""Ranges of equally many rows that the values of a number are divided into."""

_WORDS = {
    "user": "user uid member customer visitor account reader viewer buyer",
    "thing": "item movie film video product article ad ads goods sku asin song track book news doc "
    "document post creative photo app game job listing hotel restaurant recipe "
    "episode podcast",
    "attribute": "brand category cate author seller shop genre genres price title",
    "scenario": "scenario domain scene surface tab page placement",
    "history": "history hist sequence seq recent past previous prev last behaviour behavior",
    "time": "time times timestamp timestamps ts date dt datetime day hour created epoch "
    "moment moments",
    "binary": "label target y click clicks clicked like liked conversion converted purchase "
    "purchased buy bought follow share forward comment install hate dislike skip skipped completed "
    "finished",
    "regression": "rating stars score watch dwell play stay listen listened",
    "code": "id ids code type category cate zip hash feat brand author seller shop genre genres",
    "outcome": "play played stay stayed watch watched watching dwell playtime viewtime watchtime "
    "listen listened",
}
_WORDS_OF = {what: frozenset(words.split()) for what, words in _WORDS.items()}
_WORDS_OF["item"] = _WORDS_OF["thing"] | _WORDS_OF["attribute"]
_LAST_WORDS = ("view", "time")
_CONTEXT = ("user", "item", "scenario")


def words_of(name: str) -> list[str]:
    """The words of a column's name, in lower case.

    Example:
        >>> words_of("userWatchTime_7d")
        ['user', 'watch', 'time', 'd']
    """
    parts = re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())
    return [part for part in parts if part]


def says(name: str, what: str) -> bool:
    """Whether a column's name has one of the words for a role, such as ``"user"``."""
    return not _WORDS_OF[what].isdisjoint(words_of(name))


def name_of_ids(names: Iterable[str], what: str) -> str | None:
    """The column that is named for the ids of a role, such as ``"user"``; None if none is.

    Args:
        names: of columns.
        what: ``"user"``, or ``"thing"`` for the item that is shown.

    Example:
        >>> name_of_ids(["video_type", "author_id", "video_id"], "thing")
        'video_id'
    """
    ranks = {}
    for name in names:
        words = set(words_of(name))
        if words.isdisjoint(_WORDS_OF[what]) or says(name, "history"):
            continue
        rest = words - _WORDS_OF[what]
        if not rest or "id" in words:
            ranks[name] = (len(rest - {"id"}), "id" not in words)
    return min(ranks, key=lambda name: ranks[name], default=None)


def named_like(
    name: str, labels: Iterable[str], columns: Iterable[str], has_two_values: bool
) -> str | None:
    """The reason why a column's name is that of an outcome; None if it is not.

    Args:
        name: of the column.
        labels: names of the labels' columns.
        columns: names of all columns; some may be labels of another task.
        has_two_values: whether the column has two values, as a label has.
    """
    words = words_of(name)
    all_labels = [*labels, *(column for column in columns if says(column, "binary"))]
    others = [label for label in all_labels if label != name]
    beside = next((label for label in others if words_of(label)[:1] == ["is"]), None)
    if beside is not None and words[:1] == ["is"]:
        return f"its name is like that of the label {beside}"
    if says(name, "outcome") or (len(words) > 1 and words[-1] in _LAST_WORDS):
        return "its name is that of something measured afterwards"
    if has_two_values and says(name, "binary"):
        return "it has two values, and a name like that of a label"
    return None


def gives_away(
    values: np.ndarray, labels: Mapping[str, np.ndarray], shown: Callable[[int], str]
) -> str | None:
    """In words, the most frequent value that gives a label away; None if no value does.

    A label of 0 and 1 is given away by a single value, any other number by all of them together.

    Args:
        values: ``(rows,)`` numbers of the values, 0 or more.
        labels: task to ``(rows,)`` labels, NaN on rows without the label.
        shown: the value of a number, in words.

    Example:
        >>> click = np.repeat([0.0, 1.0], [450, 550])
        >>> gives_away(np.repeat([0, 1], [900, 100]), {"click": click}, "value {}".format)
        'on the 100 rows with value 1 the rate of click is 100.0%, on all 55.0%'
    """
    for task, label in labels.items():
        known = ~np.isnan(label)
        if not set(np.unique(label[known])) <= {0, 1}:
            share = _share_told(values[known], label[known])
            if share > TELLS:
                return f"its values tell {share:.1%} of the variance of {task}, by rank"
            continue
        rows, positive = np.bincount(values[known]), np.bincount(values[known], label[known])
        odds = (positive + 0.5) / (rows - positive + 0.5)
        of_all, num_rows = float(positive.sum()), int(known.sum())
        ratio = odds * (num_rows - of_all + 0.5) / (of_all + 0.5)
        border = PURE / (1 - PURE)
        found = ((odds > border) & (ratio > ODDS)) | ((odds < 1 / border) & (ratio < 1 / ODDS))
        count = np.where(found, rows, 0)
        if count.sum() and count.max() >= LEAST_SHARE * num_rows:
            value = int(np.argmax(count))
            return (
                f"on the {rows[value]:,} rows with {shown(value)} the rate of {task} is "
                f"{positive[value] / rows[value]:.1%}, on all {of_all / num_rows:.1%}"
            )
    return None


def _share_told(values: np.ndarray, number: np.ndarray) -> float:
    """The share of a number's variance, by rank, between values; less what any values have."""
    ranks = pd.Series(number).rank().to_numpy()
    rows = np.bincount(values)
    spare = len(ranks) - np.count_nonzero(rows)
    if spare < MIN_SPARE_ROWS or not np.ptp(ranks):
        return 0.0
    mean = np.bincount(values, ranks) / np.maximum(rows, 1)
    return 1 - float(np.square(ranks - mean[values]).sum() / spare / ranks.var(ddof=1))


def ranges_of(numbers: np.ndarray) -> np.ndarray:
    """The number of each number's range, ``(N,)``; 0: missing.

    A number that many rows have is a range of its own.
    """
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return np.zeros(len(numbers), int)
    edges = np.unique(np.quantile(known, np.arange(NUM_RANGES + 1) / NUM_RANGES, method="lower"))
    place = np.searchsorted(edges, numbers) + np.searchsorted(edges, numbers, side="right")
    return np.where(np.isnan(numbers), 0, place)


def is_context(name: str, num_values: int) -> bool:
    """Whether a column surely names a user, an item or a scenario, whose values may differ much.

    Its name has no other words: an ``item_state`` may be what came of the item.
    """
    words, named = set(words_of(name)), frozenset().union(*(_WORDS_OF[what] for what in _CONTEXT))
    return num_values > 2 and not words.isdisjoint(named) and words <= named | _WORDS_OF["code"]
