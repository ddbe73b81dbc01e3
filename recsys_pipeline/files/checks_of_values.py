"""Checks of values in a description file: each returns the value, or raises with the key."""

import contextlib
import datetime
import difflib
import itertools
import math
import numbers
import re
from collections.abc import Callable, Iterable
from typing import Any

from recsys_lib.checks import check_integer, check_number
from recsys_pipeline.export.fields import canonical_id

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def nearest(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` if a known word is similar, else all known words."""
    known = list(known)
    found = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {found[0]!r}?" if found else f"; expected some of {known}"


def text(place: str, value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{place}: expected a text, got {value!r}")
    return value


def texts(place: str, value: Any) -> tuple[str, ...]:
    """One text or a list of them, as a tuple."""
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{place}: expected a text or a list of texts, got {value!r}")
    return tuple(text(place, one) for one in value)


def name(place: str, value: Any) -> str:
    """A lower-case name, as columns and tasks have them."""
    if not isinstance(value, str) or not _NAME.match(value):
        raise ValueError(
            f"{place}: expected a lower-case name such as 'user_id' (letters, digits, '_'), got "
            f"{value!r}"
        )
    return value


def flag(place: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{place}: expected true or false, got {value!r}")
    return value


def ids(place: str, value: Any) -> tuple[str, ...]:
    """A value or a list of values of a column, in the form in which files are read."""
    given = value if isinstance(value, list | tuple) else [value]
    found = tuple(str(one) if type(one) is float else canonical_id(one) for one in given)
    if not found or None in found or "" in found:
        raise ValueError(f"{place}: expected a value or a list of values, got {value!r}")
    return tuple(canonical_id(one) or "" for one in found)


def number(place: str, value: Any) -> float:
    """A finite number."""
    return check_number(place, value)


def integer(minimum: int) -> Callable[[str, Any], int]:
    """A check for an integer of ``minimum`` or more."""
    return lambda place, value: check_integer(place, value, minimum)


def integers(place: str, value: Any) -> tuple[int, ...]:
    """A list of integers."""
    return tuple(check_integer(place, one, 0) for one in _list(place, value))


def ascending(place: str, value: Any) -> tuple[float, ...]:
    """A list of finite numbers, each larger than the one before."""
    found = tuple(check_number(place, one) for one in _list(place, value))
    if any(later <= earlier for earlier, later in itertools.pairwise(found)):
        raise ValueError(f"{place}: expected ascending numbers, got {list(found)}")
    return found


def pair(place: str, value: Any) -> tuple[int, int]:
    """Two integers of 1 or more."""
    found = _list(place, value)
    if len(found) != 2:
        raise ValueError(f"{place}: expected [number, length], got {value!r}")
    return check_integer(place, found[0]), check_integer(place, found[1])


def ratios(place: str, value: Any) -> tuple[float, float, float]:
    """Three shares above 0 that add up to 1."""
    found = tuple(value) if isinstance(value, list | tuple) else ()
    is_number = all(isinstance(one, numbers.Real) and math.isfinite(one) for one in found)
    if len(found) != 3 or not is_number or min(found) <= 0 or abs(sum(found) - 1) > 1e-6:
        raise ValueError(f"{place}: expected three shares above 0 that add up to 1, got {value}")
    return float(found[0]), float(found[1]), float(found[2])


def duration(place: str, value: Any) -> str:
    """A duration such as "30min"."""
    from recsys_lib.data.splits import pages

    try:
        pages((), (), gap=text(place, value))
    except ValueError:
        raise ValueError(f"{place}: expected a duration such as '30min', got {value!r}") from None
    return str(value)


def moment(place: str, value: Any) -> Any:
    """A date, a date and time, a number, or a text that holds one of them."""
    for read in (float, datetime.datetime.fromisoformat) if isinstance(value, str) else ():
        with contextlib.suppress(ValueError):
            return read(value)
    if isinstance(value, numbers.Real | datetime.date) and not isinstance(value, bool):
        return value
    raise ValueError(f"{place}: expected a date such as 2024-05-05, or a number, got {value!r}")


def choice(known: Iterable[str]) -> Callable[[str, Any], str]:
    """A check for one of several words; the error names the most similar one."""
    words = tuple(known)

    def check(place: str, value: Any) -> str:
        if value not in words:
            hint = nearest(value, words) if isinstance(value, str) else ""
            hint = hint if "mean" in hint else ""
            raise ValueError(f"{place}: expected one of {words}, got {value!r}{hint}")
        return str(value)

    return check


def _list(place: str, value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{place}: expected a list of numbers, got {value!r}")
    return value
