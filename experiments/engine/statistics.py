"""What a verdict is worth on new worlds, how often runs may fail, and how wide a margin must be.

The verdicts themselves, and the intervals behind them, are ``recsys_lib.training.intervals``.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from recsys_lib.training.intervals import BETTER, LEVEL, LEVEL_VERDICT, NOT_WORSE, Interval

FAILED_SHARE = 1 / 20
"""Share of runs at the base rate from which on no verdict is given on a mean."""


def claimed(said: str, margin: float) -> tuple[float, float]:
    """The ends between which a verdict claims that the true difference lies.

    Args:
        said: the verdict, not ``"cannot tell"``.
        margin: as declared.

    Returns:
        Better: above the margin; level: within it; not worse: above minus the margin.

    Raises:
        ValueError: a verdict that claims no side.

    Example:
        >>> claimed("level", 2.0), claimed("not worse", 2.0)
        ((-2.0, 2.0), (-2.0, inf))
    """
    low, inf = -margin, math.inf
    sides = {BETTER: (margin, inf), LEVEL_VERDICT: (low, margin), NOT_WORSE: (low, inf)}
    if said not in sides:
        raise ValueError(f"said: expected one of {tuple(sides)}, got {said!r}")
    return sides[said]


def holds(said: str, mean: float, margin: float) -> bool:
    """Whether the mean on new worlds lies on the side that a verdict claims.

    Args:
        said, margin: as for ``claimed``.
        mean: difference of ``a`` to ``b`` on the new worlds.

    Example:
        >>> holds("better", 2.4, 2.0), holds("level", -2.4, 2.0)
        (True, False)
    """
    low, high = claimed(said, margin)
    return low < mean < high


def comes_back(now: Interval, before: Interval) -> bool:
    """Whether an effect lies inside its former interval, widened by the half-width of its own.

    Args:
        now, before: its interval on new worlds, and the recorded one.

    Example:
        >>> comes_back(Interval(4.4, 4.0, 4.8, 10), Interval(3.0, 2.0, 4.0, 20))
        True
    """
    return before.low - now.half_width <= now.mean <= before.high + now.half_width


def chance_to_hold(said: str, interval: Interval, margin: float, num_units: int) -> float:
    """Share of replications on new worlds that are expected to hold.

    The true difference is taken to be spread around the recorded mean as the interval says, and
    the new mean around the true one.

    Args:
        said, margin: as for ``claimed``.
        interval: recorded.
        num_units: new worlds.

    Returns:
        Probability.

    Example:
        >>> round(chance_to_hold("better", Interval(4.0, 3.0, 5.0, 20), 2.0, 10), 2)
        0.99
    """
    error = interval.half_width / stats.t.ppf((1 + LEVEL) / 2, interval.num_units - 1)
    spread = error * math.sqrt(1 + interval.num_units / num_units)
    # Where all runs agree, the new mean is the old one.
    above = stats.norm(interval.mean, max(spread, 1e-300)).sf
    low, high = claimed(said, margin)
    return float(above(low) - above(high))


def may_fall(num_findings: int) -> int:
    """How many findings of a chapter may fall on unseen worlds before the chapter fails.

    Args:
        num_findings: that were measured again, of which one in twenty falls by chance.

    Returns:
        The largest number that is still allowed.

    Example:
        >>> [may_fall(n) for n in (20, 30, 50, 300)]
        [4, 5, 7, 24]
    """
    return int(stats.binom.ppf(0.99, num_findings, 0.05))


def share_interval(count: int, of: int) -> tuple[float, float]:
    """The exact interval of a share, for runs that failed; at least 95 % hold the true one.

    Args:
        count: runs that failed.
        of: runs.

    Returns:
        ``(low, high)``.

    Raises:
        ValueError: a count outside 0 to ``of``.

    Source: Clopper and Pearson 1934, "The Use of Confidence or Fiducial Limits".

    Example:
        >>> [round(end, 3) for end in share_interval(0, 20)]
        [0.0, 0.168]
    """
    if not 0 <= count <= of or of < 1:
        raise ValueError(f"count: expected 0 to {of}, got {count}")
    low, high = stats.binomtest(count, of).proportion_ci(LEVEL, method="exact")
    return float(low), float(high)


def difference_of_shares(signs: ArrayLike) -> Interval:
    """The difference of two shares of the same worlds, with an exact interval.

    It rests on the worlds in which the two differ, as McNemar's test does; where they differ in
    none, on the share of such worlds that might have stayed unseen.

    Args:
        signs: ``(worlds,)``: 1 where the first alone succeeded, -1 where the second alone did, 0
            where they agree.

    Returns:
        ``Interval`` of the difference.

    Example:
        >>> found = difference_of_shares([1] * 8 + [0] * 12)
        >>> found.mean, round(found.low, 3), found.high
        (0.4, 0.104, 0.4)
    """
    values = np.asarray(signs, np.float64)
    count, differ = len(values), int(np.count_nonzero(values))
    if differ == 0:
        _, most = share_interval(0, count)
        return Interval(0.0, -most, most, count)
    low, high = share_interval(int((values > 0).sum()), differ)
    low, high = ((2 * end - 1) * differ / count for end in (low, high))
    return Interval(float(values.mean()), low, high, count)


def least_margin(spread: float, num_units: int) -> float:
    """The smallest margin at which true ties are found to be level four times of five.

    Args:
        spread: standard deviation of the difference between units.
        num_units: worlds.

    Returns:
        In the unit of ``spread``.

    Raises:
        ValueError: fewer than two units.

    Example:
        >>> round(least_margin(1.0, 20), 2), round(least_margin(1.0, 10), 2)
        (0.75, 1.12)
    """
    if num_units < 2:
        raise ValueError(f"num_units: expected at least 2, got {num_units}")
    # Level asks |mean| + t * error < margin; |mean| / error stays below this in four of five.
    reach = stats.t.ppf((1 + LEVEL) / 2, num_units - 1) + stats.norm.ppf(0.9)
    return float(spread * reach / math.sqrt(num_units))
