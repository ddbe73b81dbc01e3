"""Fields of a request: the path of each, and the error for one that cannot be read.

This module needs only Python, since it is copied into every export.
"""

import json
import math
from typing import Any

Place = tuple[str | int, ...]

LARGEST = float.fromhex("0x1.fffffep127")
"""Models compute in float32, where more is infinite; as in ``recsys_lib.data.arrays``."""


class BadField(ValueError):
    """A value of a request that cannot be read.

    Args:
        place: its path: ``("candidates", "item_id", 3)``.
        message: what was expected there, and what was found.
    """

    def __init__(self, place: Place, message: str):
        super().__init__(f"{'.'.join(map(str, place))}: {message}")
        self.place, self.message = place, message


def as_list(raw: Any, place: Place) -> list[Any]:
    """A list that a request gives; null is an empty list.

    Raises:
        BadField: it is not a list.
    """
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise BadField(place, f"expected a list, got {shown(raw)}")
    return raw


def number_of(raw: Any) -> float:
    """A number that a request gives, finite in float32; NaN for everything else, such as texts."""
    if type(raw) not in (int, float):
        return math.nan
    try:
        number = float(raw)
    except OverflowError:  # an integer with hundreds of digits
        return math.nan
    return number if abs(number) <= LARGEST else math.nan


def shown(value: Any) -> str:
    """A raw value for a message, shortened if it is long."""
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."
