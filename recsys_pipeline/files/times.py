"""Moments: numbers in a unit, dates and texts, all as seconds since 1970."""

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from recsys_pipeline.files.arrays import as_numbers
from recsys_pipeline.files.description import TimeDescription

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "any": 1.0}


def as_seconds(column: pa.ChunkedArray | pa.Array, time: TimeDescription) -> np.ndarray:
    """Numbers, dates or texts as float64 seconds; NaN for a value that is not a moment."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        # Without a zone, a moment is taken as UTC.
        return _of_datetimes(pd.Series(column.to_pandas(date_as_object=False)))
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts = column.to_pandas()
        if time.format is not None:
            return _of_datetimes(
                pd.to_datetime(texts, format=time.format, errors="coerce", utc=True)
            )
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
        if np.isnan(numbers).all():
            return _of_datetimes(pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True))
        return numbers * SECONDS[time.unit]
    if time.format is not None:
        return as_seconds(column.cast(pa.int64()).cast(pa.string()), time)
    return as_numbers(column) * SECONDS[time.unit]


def _of_datetimes(moments: pd.Series) -> np.ndarray:
    moments = pd.to_datetime(moments, utc=True)
    microseconds = moments.astype("datetime64[us, UTC]").astype("int64").to_numpy(np.float64)
    return np.where(moments.isna(), np.nan, microseconds / 1e6)


def moment_of(moment: Any, time: TimeDescription) -> float:
    """A moment of the description as seconds since 1970."""
    if isinstance(moment, datetime.datetime):
        zone = moment.tzinfo or datetime.UTC
        return moment.replace(tzinfo=zone).timestamp()
    if isinstance(moment, datetime.date):
        midnight = datetime.datetime(moment.year, moment.month, moment.day, tzinfo=datetime.UTC)
        return midnight.timestamp()
    if time.format is not None:
        return float(as_seconds(pa.array([str(int(moment))]), time)[0])
    return float(moment) * SECONDS[time.unit]
