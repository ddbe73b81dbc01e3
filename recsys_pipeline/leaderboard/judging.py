"""Verdicts: who is best, behind, level with the best, or cannot be told from it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from recsys_lib.training.intervals import BETTER, LEVEL_VERDICT, Interval, verdict
from recsys_pipeline.leaderboard.resampling import (
    Log,
    difference,
    measure,
    scoreboard,
    user_weights,
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


def log_of(labels: np.ndarray, group: np.ndarray | None, within: np.ndarray | None = None) -> Log:
    """Test rows in the form that the draws read.

    Args:
        labels: ``(rows,)``.
        group: ``(rows,)``, the user, with all of whose rows a draw is made; None: rows are drawn.
        within: ``(rows,)``, what GAUC ranks within; default: ``group``.
    """
    users = np.arange(len(labels)) if group is None else np.unique(group, return_inverse=True)[1]
    return Log(np.asarray(labels), users, within)


def measured(
    log: Log,
    predictions: Mapping[str, Sequence[np.ndarray]],
    name: str = "auc",
    num_draws: int | None = None,
    seed: int = 0,
) -> Measured:
    """Every model's measure, on all rows and in the same draws.

    Args:
        log: of ``log_of``.
        predictions: model to ``(rows,)`` for each initialisation.
        name: of the measure, ``"auc"`` or ``"gauc"``.
        num_draws: default: 1,000, and fewer the more rows there are over 30,000, 100 at least.
        seed: of the draws.

    Returns:
        Dict of model to ``(initialisations,)`` and ``(draws,)``.
    """
    if num_draws is None:
        num_draws = int(np.clip(_ROWS_DRAWN // len(log.labels), FEWEST_DRAWS, MOST_DRAWS))
    own: dict[str, np.ndarray] = {}
    drawn: dict[str, list[np.ndarray]] = {model: [] for model in predictions}
    # A few draws at a time, since weights of all rows in all draws would not fit into memory.
    for start in range(0, num_draws, AT_ONCE):
        weights = user_weights(log, min(AT_ONCE, num_draws - start), seed=seed + start)
        for model, several in predictions.items():
            own[model], found = measure(several, log, name, weights)
            drawn[model].append(found)
    return {model: (own[model], np.concatenate(drawn[model])) for model in predictions}


def verdicts(results: Measured, num_units: int, margin: float = MARGIN) -> dict[str, Verdict]:
    """The verdict on every model, compared with the best.

    Args:
        results: of ``measured``.
        num_units: users, or rows.
        margin: the least difference that matters.

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
    best, *others = sorted(results, key=lambda name: -float(results[name][0].mean()))
    zero = (np.zeros(1), np.zeros_like(results[best][1]))
    to_best = scoreboard(results, best, num_units) if others else {}
    found = {}
    for name in (best, *others):
        own, drawn = results[name]
        if name == best:
            said = "best"
        elif min(len(own), len(results[best][0])) < 2:
            said = "one run"
        else:
            said = _said(to_best[name], margin)
        interval = difference((own, drawn), zero, num_units)
        found[name] = Verdict(float(own.mean()), interval, to_best.get(name), said)
    return found


def _said(to_best: Interval, margin: float) -> str:
    """The verdict on a model from its difference to the best one, which is below zero."""
    behind = Interval(-to_best.mean, -to_best.high, -to_best.low, to_best.num_units)
    words = {BETTER: "behind", LEVEL_VERDICT: "level"}
    return words.get(verdict(behind, margin), "cannot tell")
