"""A reader's guesses: asked for before something is run, and answered at the end of the lesson.

The committed lesson holds ``guess("mean_at_six", ...)``; a reader puts a number in place of the
dots. ``resolve`` prints the result, and the guess if there was one.
"""

import re
from types import EllipsisType
from typing import Any

from recsys_book.plotting import frames
from recsys_lib.checks import check_integer, check_number

LIMITS = {
    "points of the gap": (-100.0, 100.0),
    "%": (-100.0, 100.0),
    "GAUC": (0.0, 1.0),
    "of rank correlation": (-1.0, 1.0),
}
"""The least and the most of what has a whole, by how its unit begins."""
_RANGE = re.compile(r"\bfrom (-?\d+(?:\.\d+)?) to (-?\d+(?:\.\d+)?)")
NAME = re.compile(r"[a-z][a-z0-9_]*")

_guessed: dict[str, float] = {}


def guess(name: str = "", value: float | EllipsisType | None = None, unit: str = "") -> None:
    """Note a guess; nothing is printed if there is none, and one line says what is wrong with it.

    Args:
        name: of the guess, in lower-case words joined by ``_``; ``resolve`` takes the same.
        value: a number in the unit that the question names; ``...`` for no guess.
        unit: the unit, as for ``resolve``; points of the gap, percentages, GAUC and correlations
            have limits, and so has a unit that names them, such as ``"from 0 to 2"``.

    Example:
        >>> guess("rows_left", 40, "% of the rows")
        noted: 40
        >>> guess("rows_left", 400, "% of the rows")
        guess rows_left: expected a finite number from -100 to 100 (% of the rows), got 400
        >>> guess("rows_left", ...)
    """
    try:
        number = _guess_of(name, value, unit)
    except ValueError as error:
        print(error)
        return
    _guessed.pop(name, None)
    if number is not None:
        _guessed[name] = number
        print(f"noted: {_as_written(number)}")


def _guess_of(name, value, unit):
    """The number guessed, None for the dots; raises ``ValueError`` for what cannot be meant."""
    _check_name("guess", name)
    if not isinstance(unit, str):
        raise ValueError(f"guess {name}, unit: expected a word or a few, got {unit!r}")
    if value is ...:
        return None
    limits = next((LIMITS[one] for one in LIMITS if unit.startswith(one)), ())
    if named := _RANGE.search(unit):
        limits = float(named[1]), float(named[2])
    try:
        return check_number(f"guess {name}", value, *limits)
    except ValueError as error:
        where, _, got = str(error).rpartition(", got ")
        raise ValueError(f"{where}{f' ({unit})' if unit else ''}, got {got}") from None


def resolve(name: str, value: Any, unit: str, digits: int = 1) -> None:
    """Print a result, and the reader's guess if there was one.

    Args:
        name: the argument of ``guess``.
        value: the result, measured in this lesson or ``recorded``.
        unit: of the number, as the question names it.
        digits: printed decimals.

    Raises:
        ValueError: a name of another form, a value that is no finite number, no unit, or digits
            below 0.

    Example:
        >>> guess("rows_left", 40)
        noted: 40
        >>> resolve("rows_left", 61.28, unit="% of the rows")
        rows_left: 61.3 % of the rows; you guessed 40
        >>> guess("rows_left", ...)
        >>> resolve("rows_left", 61.28, unit="% of the rows", digits=0)
        rows_left: 61 % of the rows
    """
    _check_name("resolve", name)
    came = check_number(f"resolve {name}", value)
    digits = check_integer(f"resolve {name}, digits", digits, 0)
    if not isinstance(unit, str) or not unit.strip():
        raise ValueError(f"resolve {name}, unit: expected a word or a few, got {unit!r}")
    guessed = f"; you guessed {_as_written(_guessed[name])}" if name in _guessed else ""
    print(f"{name}: {came:z.{digits}f} {unit.strip()}{guessed}")
    if frames.are_wanted():
        frames.show_result(name, f"{came:z.{digits}f}", unit.strip())


def _check_name(where, name):
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"{where}: expected a name of lower-case words and _, got {name!r}")


def _as_written(number):
    return f"{number:.12g}"
