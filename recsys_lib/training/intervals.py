"""The interval of a difference, and one of four verdicts.

A difference is always that of ``a`` to ``b``, paired by unit, a simulated world or a user; above
zero is good for ``a``.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.95
"""Of every interval."""

BETTER, NOT_WORSE, LEVEL_VERDICT, CANNOT_TELL = "better", "not worse", "level", "cannot tell"
VERDICTS = (BETTER, NOT_WORSE, LEVEL_VERDICT, CANNOT_TELL)


class Interval(NamedTuple):
    """A mean difference over worlds, or users, with the ends of its interval."""

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
    """Give the verdict of an interval on ``a`` against ``b``.

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
