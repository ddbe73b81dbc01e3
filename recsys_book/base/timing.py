"""Measure how long a call takes."""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from recsys_lib.checks import check_integer


class Durations(NamedTuple):
    """Durations of a call that was made several times.

    ``seconds``: of each call, in their order.
    """

    seconds: tuple[float, ...]

    @property
    def best(self) -> float:
        """Seconds of the fastest call, which other processes disturbed least."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """Seconds of the middle call."""
        return statistics.median(self.seconds)

    def percentile(self, percent: float) -> float:
        """Percentile of the seconds, interpolated between calls."""
        ordered = sorted(self.seconds)
        place = (len(ordered) - 1) * percent / 100
        below, rest = ordered[int(place)], place - int(place)
        above = ordered[min(int(place) + 1, len(ordered) - 1)]
        return below + rest * (above - below)


def stopwatch(
    function: Callable[..., Any], *arguments: Any, repeats: int = 5, warm_up: int = 1
) -> Durations:
    """Call a function several times and measure how long each call takes.

    Args:
        function: to time.
        *arguments: of the function.
        repeats: number of calls that are counted.
        warm_up: number of calls before, not counted: the first call may compile the function.

    Returns:
        ``Durations``.

    Raises:
        ValueError: no counted call.

    Example:
        >>> len(stopwatch(sum, [1, 2, 3], repeats=4).seconds)
        4
    """
    repeats = check_integer("repeats", repeats)
    for _ in range(check_integer("warm_up", warm_up, 0)):
        function(*arguments)
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        function(*arguments)
        seconds.append(time.perf_counter() - started)
    return Durations(tuple(seconds))
