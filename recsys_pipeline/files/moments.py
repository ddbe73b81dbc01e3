"""Guess how moments are written: their unit, their format, and whether they are moments at all."""

import datetime

import numpy as np
import pyarrow as pa
from pandas.tseries.api import guess_datetime_format

from recsys_pipeline.files.column_profiles import Profile, is_readable
from recsys_pipeline.files.description import TimeDescription
from recsys_pipeline.files.parquet import is_list
from recsys_pipeline.files.times import SECONDS, as_seconds

FIRST, LAST = (
    datetime.datetime(year, 1, 1, tzinfo=datetime.UTC).timestamp() for year in (1990, 2100)
)
"""Moments of a log lie between these seconds; no number does so in two units."""

MAX_TEXTS = 20_000
_DIGITS = {
    8: ("%Y%m%d", "%y%m%d%H"),
    10: ("%Y%m%d%H",),
    12: ("%Y%m%d%H%M",),
    14: ("%Y%m%d%H%M%S",),
}


def unit_of(low: float, high: float) -> str | None:
    """The unit in which numbers are moments from 1990 to 2100; None if they are none in any.

    Example:
        >>> unit_of(1650812741436, 1652025130564), unit_of(0, 23)
        ('ms', None)
    """
    for unit in ("s", "ms", "us", "ns"):
        if FIRST <= low * SECONDS[unit] and high * SECONDS[unit] < LAST:
            return unit
    return None


def settings_of(column: Profile) -> dict[str, str] | None:
    """What ``[time]`` has to say of a column beside its name; None if it holds no moments.

    Args:
        column: a profile.

    Returns:
        A dict with ``unit`` or ``format``, or neither for dates as Arrow or ISO 8601 have them.
    """
    if is_list(column.kind) or not is_readable(column.kind):
        return None
    if pa.types.is_date(column.kind) or pa.types.is_timestamp(column.kind):
        return {}
    texts = column.codes.values.drop_null()[:MAX_TEXTS]
    if not len(texts) or pa.types.is_temporal(column.kind):
        return None
    if column.is_number:
        digits = {len(f"{number:.0f}") for number in (column.low, column.high)}
        formats = _DIGITS.get(digits.pop(), ()) if len(digits) == 1 and column.is_whole else ()
        found = next((one for one in formats if _are_moments(texts, one)), None)
        if found is not None:
            return {"format": found}
        unit = unit_of(column.low, column.high)
        return None if unit is None else {"unit": unit}
    if np.isfinite(column.low):  # some are numbers
        return None
    if _are_moments(texts, None):
        return {}
    guesses = (guess_datetime_format(texts[0].as_py(), dayfirst=first) for first in (False, True))
    fitting = [one for one in guesses if one is not None and _are_moments(texts, one)]
    # Where days and months may be exchanged, a log of a few days is likelier than one of months.
    best = min(fitting, key=lambda one: float(np.ptp(_seconds(texts, one))), default=None)
    return None if best is None else {"format": best}


def _are_moments(texts: pa.Array, format: str | None) -> bool:
    seconds = _seconds(texts, format)
    return bool(((seconds >= FIRST) & (seconds < LAST)).all())


def _seconds(texts: pa.Array, format: str | None) -> np.ndarray:
    return as_seconds(texts, TimeDescription("", format=format))


def seconds_on_sample(column: Profile, settings: dict[str, str]) -> np.ndarray:
    """The moments of the sample's rows, ``(N,)`` float64 seconds; NaN where there is none."""
    return as_seconds(column.sample, TimeDescription(column.name, **settings))
