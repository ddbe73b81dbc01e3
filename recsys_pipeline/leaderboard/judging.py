"""Verdicts: which models are behind the best, level with it, or cannot be told from it.

Test rows of one user are not independent, so users are drawn with replacement, each with all rows;
if no group is given, rows are drawn. The variance over initialisations is added to that over draws.
The best model is chosen by the same rows, and the intervals of all others to it hold together (see
``recsys_pipeline.leaderboard.resampling.scoreboard``).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from recsys_lib.training.intervals import BETTER, LEVEL_VERDICT, Interval, verdict
from recsys_pipeline.leaderboard.resampling import (
    Log,
    difference,
    scoreboard,
    user_weights,
    weighted_auc,
)

MARGIN = 1e-3
"""Differences of AUC below this do not count."""

MOST_DRAWS, FEWEST_DRAWS, AT_ONCE = 1_000, 100, 50
_ROWS_DRAWN = 30_000_000

Measured = dict[str, tuple[np.ndarray, np.ndarray]]
"""Model to its measure in each initialisation, and in each draw."""


class Verdict(NamedTuple):
    """The verdict on one model.

    Attributes:
        score: mean over initialisations.
        interval: of the score itself.
        to_best: difference to the best model; None for the best model.
        verdict: ``"best"``, ``"behind"``, ``"level"`` or ``"cannot tell"``; ``"one run"`` where
            this model or the best one has one initialisation alone.
    """

    score: float
    interval: Interval
    to_best: Interval | None
    verdict: str


def weighted_gauc(scores: Any, log: Log, weights: np.ndarray) -> np.ndarray:
    """GAUC of one set of scores in every draw of users.

    Args:
        scores: ``(rows,)``.
        log: the rows.
        weights: ``(draws, users)`` of ``user_weights``.

    Returns:
        ``(draws,)``; users with one class only are left out. NaN if no user is left.

    Example:
        >>> log = Log(np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1]))
        >>> weighted_gauc([0.1, 0.9, 0.2, 0.3], log, np.array([[1, 1], [2, 0]])).tolist()
        [0.5, 1.0]
    """
    labels = np.asarray(log.labels) > 0.5
    order = np.lexsort((np.asarray(scores), log.users))
    values, users, labels = np.asarray(scores)[order], log.users[order], labels[order]
    starts = np.flatnonzero(np.append(True, users[1:] != users[:-1]))
    sizes = np.diff(np.append(starts, len(users)))
    tied = np.append(True, (values[1:] != values[:-1]) | (users[1:] != users[:-1]))
    block = np.cumsum(tied) - 1
    first = np.flatnonzero(tied)
    last = np.append(first[1:], len(values)) - 1
    rank = (first + last)[block] / 2 - np.repeat(starts, sizes) + 1
    positives = np.add.reduceat(labels.astype(np.int64), starts)
    negatives = sizes - positives
    counts = (positives > 0) & (negatives > 0)
    wins = np.add.reduceat(rank * labels, starts) - positives * (positives + 1) / 2
    of_user = np.zeros(weights.shape[1])
    rows = np.zeros(weights.shape[1])
    names = users[starts][counts]
    of_user[names] = (wins / np.maximum(positives * negatives, 1) * sizes)[counts]
    rows[names] = sizes[counts]
    with np.errstate(invalid="ignore"):
        return np.asarray((weights @ of_user) / (weights @ rows))


MEASURES: dict[str, Callable[[Any, Log, np.ndarray], np.ndarray]] = {
    "auc": weighted_auc,
    "gauc": weighted_gauc,
}


def log_of(labels: np.ndarray, group: np.ndarray | None) -> Log:
    """Test rows in the form that the draws read.

    Args:
        labels: ``(rows,)`` of 0 and 1.
        group: ``(rows,)``; None: every row is drawn by itself.
    """
    users = np.arange(len(labels)) if group is None else np.unique(group, return_inverse=True)[1]
    return Log(np.asarray(labels), users)


def measured(
    log: Log,
    predictions: Mapping[str, Sequence[np.ndarray]],
    measure: str = "auc",
    num_draws: int | None = None,
    seed: int = 0,
) -> Measured:
    """Every model's measure, on all rows and in the same draws.

    Args:
        log: of ``log_of``.
        predictions: model to ``(rows,)`` for each initialisation.
        measure: key of ``MEASURES``.
        num_draws: default: 1,000, and fewer the more rows there are over 30,000, 100 at least.
        seed: of the draws.

    Returns:
        Dict of model to ``(initialisations,)`` and ``(draws,)``.
    """
    function = MEASURES[measure]
    if num_draws is None:
        num_draws = int(np.clip(_ROWS_DRAWN // len(log.labels), FEWEST_DRAWS, MOST_DRAWS))
    once = np.ones((1, int(log.users.max()) + 1), np.int32)
    own = {
        name: np.array([function(one, log, once)[0] for one in several])
        for name, several in predictions.items()
    }
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in predictions}
    # A few draws at a time, since weights of all rows in all draws would not fit into memory.
    for start in range(0, num_draws, AT_ONCE):
        weights = user_weights(log, min(AT_ONCE, num_draws - start), seed=seed + start)
        for name, several in predictions.items():
            found = [function(one, log, weights) for one in several]
            drawn[name].append(np.mean(found, axis=0))
    return {name: (own[name], np.concatenate(drawn[name])) for name in predictions}


def verdicts(
    results: Measured, num_units: int, margin: float = MARGIN, higher: bool = True
) -> dict[str, Verdict]:
    """The verdict on every model, compared with the best.

    Args:
        results: of ``measured``.
        num_units: users, or rows.
        margin: the least difference that matters.
        higher: whether more is better.

    Returns:
        Dict of model to ``Verdict``, the best first.

    Raises:
        ValueError: no model.

    Example:
        >>> draws = np.linspace(-1e-4, 1e-4, 100)
        >>> a, b = np.array([0.8, 0.8]), np.array([0.7, 0.7])
        >>> own = {"a": (a, 0.8 + draws), "b": (b, 0.7 - draws)}
        >>> [one.verdict for one in verdicts(own, num_units=50).values()]
        ['best', 'behind']
    """
    if not results:
        raise ValueError("verdicts: expected at least one model, got none")
    sign = 1.0 if higher else -1.0
    turned = {name: (sign * own, sign * drawn) for name, (own, drawn) in results.items()}
    order = sorted(turned, key=lambda name: -float(turned[name][0].mean()))
    best = order[0]
    zero = (np.zeros(1), np.zeros_like(turned[best][1]))
    to_best = scoreboard(turned, best, num_units) if len(turned) > 1 else {}
    found = {}
    for name in order:
        own, drawn = results[name]
        few = min(len(own), len(results[best][0])) < 2
        found[name] = Verdict(
            float(own.mean()),
            difference((own, drawn), zero, num_units),
            to_best.get(name),
            "best" if name == best else "one run" if few else _said(to_best[name], margin),
        )
    return found


def _said(to_best: Interval, margin: float) -> str:
    """The verdict on a model from its difference to the best one, which is below zero."""
    behind = Interval(-to_best.mean, -to_best.high, -to_best.low, to_best.num_units)
    said = verdict(behind, margin)
    if said == BETTER:
        return "behind"
    return "level" if said == LEVEL_VERDICT else "cannot tell"
