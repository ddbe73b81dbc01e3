"""What is said of a difference: its interval, and one of four verdicts.

The unit is a simulated world, or on real data a user. A difference is always that of ``a`` to
``b``, paired by unit; above zero is good for ``a``.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.95
"""Of every interval."""

FAILED_SHARE = 1 / 20
"""Share of runs at the base rate from which on no verdict is given on a mean."""

BETTER, NOT_WORSE, LEVEL_VERDICT, CANNOT_TELL = "better", "not worse", "level", "cannot tell"
VERDICTS = (BETTER, NOT_WORSE, LEVEL_VERDICT, CANNOT_TELL)


class Interval(NamedTuple):
    """A mean difference with its interval.

    Attributes:
        mean: of the units.
        low, high: ends of the interval.
        num_units: worlds, or users.
    """

    mean: float
    low: float
    high: float
    num_units: int

    @property
    def half_width(self) -> float:
        """Half of what lies between the ends."""
        return (self.high - self.low) / 2


def t_interval(differences: ArrayLike, level: float = LEVEL) -> Interval:
    """The mean of paired differences and its t-interval.

    Args:
        differences: ``(units,)``, one number per world.
        level: share of such intervals that hold the true mean.

    Returns:
        ``Interval``.

    Raises:
        ValueError: fewer than two units, or a number that is not finite.

    Example:
        >>> found = t_interval([1.0, 2.0, 3.0])
        >>> round(found.mean, 2), round(found.low, 2), round(found.high, 2)
        (2.0, -0.48, 4.48)
    """
    values = np.asarray(differences, np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"differences: expected at least two units, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"differences: expected finite numbers, got {values}")
    return interval_around(
        values.mean(), values.var(ddof=1) / len(values), len(values) - 1, len(values), level
    )


def interval_around(
    mean: float, variance: float, freedom: float, num_units: int, level: float = LEVEL
) -> Interval:
    """The t-interval of a mean whose variance is known with some degrees of freedom.

    Args:
        mean: the estimate.
        variance: of the estimate.
        freedom: degrees of freedom of that variance.
        num_units: worlds, or users.
        level: as in ``t_interval``.

    Returns:
        ``Interval``.

    Example:
        >>> round(interval_around(0.0, 1.0, 1e9, 10).high, 2)
        1.96
    """
    reach = stats.t.ppf((1 + level) / 2, freedom) * math.sqrt(variance)
    return Interval(float(mean), float(mean - reach), float(mean + reach), num_units)


def satterthwaite(variances: Sequence[float], freedoms: Sequence[float]) -> float:
    """Degrees of freedom of a sum of independent variances.

    Args:
        variances: estimated, each of them.
        freedoms: degrees of freedom of each.

    Returns:
        Between the smallest of ``freedoms`` and their sum; infinite where all variances are 0.

    Source: Satterthwaite 1946, "An Approximate Distribution of Estimates of Variance Components",
        equation 17.

    Example:
        >>> satterthwaite([1.0, 1.0], [4, 4])
        8.0
    """
    parts = sum(v**2 / f for v, f in zip(variances, freedoms, strict=True))
    return math.inf if parts == 0 else sum(variances) ** 2 / parts


def verdict(interval: Interval, margin: float) -> str:
    """What an interval says of ``a`` against ``b``.

    Args:
        interval: of the difference of ``a`` to ``b``.
        margin: the least difference that matters, above zero.

    Returns:
        ``"better"`` where the interval lies above the margin, ``"level"`` where it lies within it
        on both sides, ``"not worse"`` where it lies above minus the margin, else
        ``"cannot tell"``. (That ``b`` is better is the verdict of the opposite difference.)

    Raises:
        ValueError: a margin that is not above zero.

    Example:
        >>> verdict(Interval(3.0, 2.5, 3.5, 20), margin=2.0)
        'better'
        >>> verdict(Interval(0.1, -0.5, 0.7, 20), margin=2.0)
        'level'
    """
    if not margin > 0:
        raise ValueError(f"margin: expected above 0, got {margin}")
    if interval.low > margin:
        return BETTER
    if interval.low > -margin:
        return LEVEL_VERDICT if interval.high < margin else NOT_WORSE
    return CANNOT_TELL


def holds(said: str, mean: float, margin: float) -> bool:
    """Whether the mean on new worlds lies on the side that a verdict claims.

    Args:
        said: the recorded verdict, not ``"cannot tell"``.
        mean: difference of ``a`` to ``b`` on the new worlds.
        margin: as declared.

    Returns:
        Better: above the margin; level: within it; not worse: above minus the margin.

    Raises:
        ValueError: a verdict that claims no side.

    Example:
        >>> holds("better", 2.4, 2.0), holds("level", -2.4, 2.0)
        (True, False)
    """
    if said == BETTER:
        return mean > margin
    if said == LEVEL_VERDICT:
        return abs(mean) < margin
    if said == NOT_WORSE:
        return mean > -margin
    raise ValueError(f"said: expected one of {VERDICTS[:3]}, got {said!r}")


def chance_to_hold(said: str, interval: Interval, margin: float, num_units: int) -> float:
    """Share of replications on new worlds that are expected to hold.

    The true difference is taken to be spread around the recorded mean as the interval says, and
    the new mean around the true one.

    Args:
        said: the recorded verdict, not ``"cannot tell"``.
        interval: recorded.
        margin: as declared.
        num_units: new worlds.

    Returns:
        Probability.

    Example:
        >>> round(chance_to_hold("better", Interval(4.0, 3.0, 5.0, 20), 2.0, 10), 2)
        0.99
    """
    error = interval.half_width / stats.t.ppf((1 + LEVEL) / 2, interval.num_units - 1)
    spread = error * math.sqrt(1 + interval.num_units / num_units)
    above = (
        (lambda bound: stats.norm.sf(bound, interval.mean, spread))
        if spread
        else (lambda bound: float(interval.mean > bound))
    )
    if said == BETTER:
        return float(above(margin))
    if said == LEVEL_VERDICT:
        return float(above(-margin) - above(margin))
    if said == NOT_WORSE:
        return float(above(-margin))
    raise ValueError(f"said: expected one of {VERDICTS[:3]}, got {said!r}")


def may_fall(num_findings: int, share: float = 0.05, quantile: float = 0.99) -> int:
    """How many findings of a chapter may fall on unseen worlds before the chapter fails.

    Args:
        num_findings: that were measured again.
        share: of findings that fall by chance.
        quantile: of the binomial distribution.

    Returns:
        The largest number that is still allowed.

    Example:
        >>> [may_fall(n) for n in (20, 30, 50, 300)]
        [4, 5, 7, 24]
    """
    return int(stats.binom.ppf(quantile, num_findings, share))


def share_interval(count: int, of: int, level: float = LEVEL) -> tuple[float, float]:
    """The exact interval of a share, for runs that failed.

    Args:
        count: runs that failed.
        of: runs.
        level: at least this share of such intervals holds the true one.

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
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(stats.beta.ppf(tail, count, of - count + 1))
    high = 1.0 if count == of else float(stats.beta.ppf(1 - tail, count + 1, of - count))
    return low, high


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
