"""Fields of a request: the path of each, and the error for one that cannot be read.

This module needs only Python, since it is copied into every export.
"""

import json
import math
import re
from typing import Any

Place = tuple[str | int, ...]

BLANKS = " \t\n\r\f\v\u00a0\u3000\ufeff"
"""Characters around an id that are no part of it."""
WHOLE_NUMBER = r"(-?[0-9]+)\.0+"
"""An id that pandas writes with a fraction, in a column with missing values."""
LARGE_NUMBER = r"-?[0-9](?:\.[0-9]+)?e\+[0-9]+"
"""An id of 1e16 or more in the same way; it is written by its digits."""
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


class BadNumber(BadField):
    """A number of a request that is not finite in float32."""


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


def canonical_id(raw: Any) -> str | None:
    """The text of an id in its only form: without blanks around it, and 1, 1.0 and "1.0" are "1".

    Files are read with the same rule, see ``recsys_pipeline.files.arrays``.

    Returns:
        The text, empty for a missing value; None for what is neither a text nor a whole number.

    Example:
        >>> [canonical_id(raw) for raw in (" State-gov", "7.0", 7.0, 7, 7.5, "1.2e+16")]
        ['State-gov', '7', '7', '7', None, '12000000000000000']
    """
    if type(raw) is float and raw.is_integer():
        raw = int(raw)
    if type(raw) not in (int, str):
        return None
    text = str(raw).strip(BLANKS)
    if re.fullmatch(LARGE_NUMBER, text) and float(text).is_integer():
        return str(int(float(text)))
    whole = re.fullmatch(WHOLE_NUMBER, text)
    return whole[1] if whole else text


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
