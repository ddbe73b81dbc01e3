"""Intervals from one log: over its users and over initialisations.

A log's rows are not independent, its users nearly are: the bootstrap draws users with replacement,
each with all rows. Models are compared on the mean over their initialisations, and the spread
between these is added.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from recsys_lib.training.intervals import LEVEL, Interval, interval_around, satterthwaite

NUM_DRAWS = 1_000
_DRAWS_AT_ONCE = 50


class Log(NamedTuple):
    """Test rows of a log in any order; ``(rows,)`` each.

    Args:
        labels: 0 or 1.
        users: whole numbers.
        groups: whole numbers, each of one user: what GAUC ranks within; None: the users.
    """

    labels: np.ndarray
    users: np.ndarray
    groups: np.ndarray | None = None

    @property
    def num_users(self) -> int:
        """Users with at least one row."""
        return len(np.unique(self.users))


def user_weights(log: Log, num_draws: int = NUM_DRAWS, seed: int = 0) -> np.ndarray:
    """How often each user is drawn by the bootstrap.

    Returns:
        ``(num_draws, users)`` whole numbers; each draw takes as many users as there are.

    Example:
        >>> log = Log(np.array([0, 1, 1]), np.array([0, 0, 1]))
        >>> user_weights(log, 4).sum(axis=1).tolist()
        [2, 2, 2, 2]
    """
    names, count = np.unique(log.users), log.num_users
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), num_draws)
    weights = np.zeros((num_draws, int(names.max()) + 1), np.int32)
    weights[:, names] = draws
    return weights


def weighted_auc(scores: ArrayLike, log: Log, weights: np.ndarray) -> np.ndarray:
    """AUC of one set of scores in every draw; equal scores count half.

    Args:
        scores: ``(rows,)`` of the log.
        log, weights: as for ``user_weights``, and ``(draws, users)`` that it returned.

    Returns:
        ``(draws,)``; not a number where a draw holds one class only.

    Example:
        >>> log = Log(np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1]))
        >>> weighted_auc([0.1, 0.9, 0.3, 0.3], log, np.ones((1, 2), int)).tolist()
        [0.875]
    """
    scores = np.asarray(scores)
    order = np.argsort(scores, kind="stable")
    labels, users = np.asarray(log.labels)[order] > 0.5, log.users[order]
    _, first = np.unique(scores[order], return_index=True)
    found = np.empty(len(weights))
    for start in range(0, len(weights), _DRAWS_AT_ONCE):
        of_rows = weights[start : start + _DRAWS_AT_ONCE][:, users].astype(np.float64)
        clicks = np.add.reduceat(of_rows * labels, first, axis=1)
        others = np.add.reduceat(of_rows * ~labels, first, axis=1)
        below = np.cumsum(others, axis=1) - others / 2
        pairs = clicks.sum(axis=1) * others.sum(axis=1)
        with np.errstate(invalid="ignore"):
            found[start : start + len(of_rows)] = (clicks * below).sum(axis=1) / pairs
    return found


def weighted_gauc(scores: ArrayLike, log: Log, weights: np.ndarray) -> np.ndarray:
    """GAUC of one set of scores in every draw of users; equal scores count half.

    Args:
        scores: ``(rows,)`` of the log.
        log, weights: as for ``weighted_auc``.

    Returns:
        ``(draws,)``; groups with one class only are left out. NaN if no group is left.

    Example:
        >>> log = Log(np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1]))
        >>> weighted_gauc([0.1, 0.9, 0.2, 0.3], log, np.array([[1, 1], [2, 0]])).tolist()
        [0.5, 1.0]
    """
    groups = log.users if log.groups is None else log.groups
    order = np.lexsort((np.asarray(scores), groups))
    values, groups = np.asarray(scores)[order], groups[order]
    labels = np.asarray(log.labels)[order] > 0.5
    starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    sizes = np.diff(np.append(starts, len(groups)))
    first = np.append(True, (values[1:] != values[:-1]) | (groups[1:] != groups[:-1]))
    block, first = np.cumsum(first) - 1, np.flatnonzero(first)
    last = np.append(first[1:], len(values)) - 1
    rank = (first + last)[block] / 2 - np.repeat(starts, sizes) + 1
    positives = np.add.reduceat(labels.astype(np.int64), starts)
    negatives = sizes - positives
    counts = (positives > 0) & (negatives > 0)
    wins = np.add.reduceat(rank * labels, starts) - positives * (positives + 1) / 2
    names, num_users = log.users[order][starts][counts], weights.shape[1]
    shares = wins / np.maximum(positives * negatives, 1) * sizes
    of_user = np.bincount(names, shares[counts], num_users)
    rows = np.bincount(names, sizes[counts], num_users)
    with np.errstate(invalid="ignore"):
        return np.asarray((weights @ of_user) / (weights @ rows))


MEASURES: dict[str, Callable[[Any, Log, np.ndarray], np.ndarray]] = {
    "auc": weighted_auc,
    "gauc": weighted_gauc,
}
"""Measures of a log by name."""


def measure(
    scores: Sequence[ArrayLike], log: Log, name: str, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One model's measure, on the log as it is and in every draw.

    Args:
        scores: ``(rows,)`` for each initialisation; a model without any is one of them.
        log, weights: as for ``weighted_auc``.
        name: key of ``MEASURES``.

    Returns:
        ``(initialisations,)`` on the log itself, and ``(draws,)`` of the mean over them.

    Raises:
        ValueError: an unknown measure.
    """
    if name not in MEASURES:
        raise ValueError(f"name: expected one of {sorted(MEASURES)}, got {name!r}")
    function, once = MEASURES[name], np.ones((1, weights.shape[1]), np.int32)
    own = np.array([function(one, log, once)[0] for one in scores])
    drawn = np.mean([function(one, log, weights) for one in scores], axis=0)
    return own, drawn


def difference(
    a: tuple[np.ndarray, np.ndarray],
    b: tuple[np.ndarray, np.ndarray],
    num_users: int,
) -> Interval:
    """The difference of two models on one log.

    Its variance is that of the users (of the bootstrapped difference of means) plus that of each
    model's initialisations, divided by their number.

    Args:
        a, b: results of ``measure`` on the same draws.
        num_users: of the log.

    Returns:
        ``Interval`` of ``a`` minus ``b``, in the unit of the measure.

    Example:
        >>> same = (np.array([0.7]), np.array([0.69, 0.71, 0.7]))
        >>> difference(same, same, 100)
        Interval(mean=0.0, low=0.0, high=0.0, num_units=100)
    """
    variances, freedoms = _variances(a, b, num_users)
    freedom = satterthwaite(variances, freedoms)
    mean = float(a[0].mean() - b[0].mean())
    return interval_around(mean, sum(variances), freedom, num_users)


def scoreboard(
    models: Mapping[str, tuple[np.ndarray, np.ndarray]],
    reference: str,
    num_users: int,
) -> dict[str, Interval]:
    """Every model's difference to one reference, with intervals that hold together.

    In a share ``LEVEL`` of such columns every interval holds its true difference. The reach of all
    intervals is one multiple of each difference's own error: the quantile of the largest
    studentised deviation over the column, in the draws (max-t), and never less than that of a
    single interval.

    Args:
        models: name to result of ``measure``, all on the same draws; the reference among them.
        reference: its name.
        num_users: of the log.

    Returns:
        Name to ``Interval``, without the reference.

    Raises:
        ValueError: the reference is not among the models, or stands alone.
    """
    if reference not in models or len(models) < 2:
        raise ValueError(f"reference: expected one of several models, got {reference!r}")
    of = {name: found for name, found in models.items() if name != reference}
    drawn = np.stack([found[1] - models[reference][1] for found in of.values()])
    spread = drawn.std(axis=1, ddof=1, keepdims=True)
    deviations = np.abs(drawn - drawn.mean(axis=1, keepdims=True))
    largest = np.divide(deviations, spread, out=np.zeros_like(drawn), where=spread > 0).max(axis=0)
    together = float(np.quantile(largest, LEVEL))
    found = {}
    for name, one in of.items():
        alone = difference(one, models[reference], num_users)
        variances, freedoms = _variances(one, models[reference], num_users)
        # The quantile of the draws is Normal; the few initialisations widen it as they widen t.
        freedom = satterthwaite(variances, freedoms)
        tail = 2 * stats.norm.sf(together)
        reach = stats.t.isf(tail / 2, freedom) * np.sqrt(sum(variances))
        reach = max(reach, alone.half_width)
        found[name] = Interval(alone.mean, alone.mean - reach, alone.mean + reach, num_users)
    return found


def _variances(a, b, num_users):
    """Variances of the difference by source, and the degrees of freedom of each."""
    variances, freedoms = [float(np.nanvar(a[1] - b[1], ddof=1))], [num_users - 1]
    for own, _ in (a, b):
        if len(own) > 1:
            variances.append(float(own.var(ddof=1)) / len(own))
            freedoms.append(len(own) - 1)
    return variances, freedoms
