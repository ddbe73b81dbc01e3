"""Arrays as they are given, and the one gate that all numbers pass: they are finite in float32."""

from typing import Any

import numpy as np

from recsys_lib.checks import Number, rows_where

LARGEST = np.finfo(np.float32).max
"""Models compute in float32, where anything larger is infinite."""


def as_array(place: str, values: Any) -> np.ndarray:
    """An array of what was given.

    Raises:
        ValueError: lists of different lengths, or a masked entry: an array has no place for a
            mask, and what is below it would be read as a value.
    """
    try:
        if isinstance(values, list | tuple) and any(map(np.ma.isMaskedArray, values)):
            values = np.ma.stack(values)
        found = np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{place}: expected an array, got lists of different lengths; pad them behind"
        ) from None
    if np.ma.is_masked(values):
        raise ValueError(
            f"{place}: expected a value in each entry, got masked ones "
            f"({rows_where(np.ma.getmaskarray(values))}); say what they are by .filled(value)"
        )
    return found


def check_numbers(
    place: str, values: Any, minimum: Number | None = None, maximum: Number | None = None
) -> np.ndarray:
    """``values`` as an array of numbers that are finite in float32.

    Data sets, predictions, requests, scores and calibrations all pass this one gate.

    Args:
        place: what the message calls them.
        values: array or list of any shape.
        minimum, maximum: the ends of the allowed interval, both allowed.

    Raises:
        ValueError: a masked entry, something else than a number, NaN, a number that is infinite
            in float32, or one outside the interval; with the rows.

    Example:
        >>> check_numbers("price", [1, 2.5]).tolist()
        [1.0, 2.5]
    """
    values = as_array(place, values)
    if values.dtype.kind not in "iufb":
        raise ValueError(f"{place}: expected numbers, got {values.dtype}")
    low = -LARGEST if minimum is None else minimum
    high = LARGEST if maximum is None else maximum
    bad = ~((values >= low) & (values <= high))  # so that NaN is bad too
    if bad.any():
        finite = minimum is None and maximum is None
        expected = "finite in float32" if finite else f"from {low:g} to {high:g}"
        raise ValueError(
            f"{place}: expected numbers {expected}, got {values[bad][0]} ({rows_where(bad)})"
        )
    return values
