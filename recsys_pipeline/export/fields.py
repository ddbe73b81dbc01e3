"""Fields of a request: where each stands, and what is said of one that cannot be read.

Nothing is needed here but Python: the module goes into every export.
"""

import json
import math
from typing import Any

Place = tuple[str | int, ...]


class BadField(ValueError):
    """A value of a request that cannot be read.

    Args:
        place: where it stands: ``("candidates", "item_id", 3)``.
        message: what was expected there, and what came.
    """

    def __init__(self, place: Place, message: str):
        super().__init__(f"{'.'.join(map(str, place))}: {message}")
        self.place, self.message = place, message


def as_list(raw: Any, place: Place) -> list[Any]:
    """A list that a request gives; none at all is an empty one.

    Raises:
        BadField: it is no list.
    """
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise BadField(place, f"expected a list, got {shown(raw)}")
    return raw


def number_of(raw: Any) -> float:
    """A finite number that a request gives; NaN for all else, booleans and texts among it."""
    if type(raw) not in (int, float):
        return math.nan
    try:
        number = float(raw)
    except OverflowError:  # an integer of hundreds of digits
        return math.nan
    return number if math.isfinite(number) else math.nan


def shown(value: Any) -> str:
    """A raw value in a message, its beginning where it is long."""
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."
