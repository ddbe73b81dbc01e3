"""Write values as Python code, so that a test can hold numbers that were computed once."""

import math
from typing import Any

import numpy as np

WIDTH = 100
# Further digits differ between processors: an exponential may be off in its last bit.
DIGITS = 10


def literal(value: Any, indent: int = 0) -> str:
    """Return a value as Python code that has NumPy as ``np``.

    Args:
        value: number, string, None, array of numbers, or tuple, list or dict of such.
        indent: column at which the code begins; it is broken into lines of `WIDTH` characters.

    Returns:
        The code. Floats have `DIGITS` significant digits.

    Raises:
        TypeError: a value of another kind.

    Example:
        >>> literal(np.array([[1.0, 0.25]]))
        'np.array([[1.0, 0.25]])'
    """
    if isinstance(value, np.ndarray):
        return _array(value, indent)
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if value is None or isinstance(value, str):
        return _text(value)
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return _float(float(value))
    if isinstance(value, dict):
        items = [f"{literal(key)}: {literal(one, indent + 4)}" for key, one in value.items()]
        return wrapped("{", items, "}", indent)
    if isinstance(value, list):
        return wrapped("[", [literal(one, indent + 4) for one in value], "]", indent)
    if isinstance(value, tuple):
        comma = "," if len(value) == 1 else ""
        return wrapped("(", [literal(one, indent + 4) for one in value], f"{comma})", indent)
    raise TypeError(f"literal: expected numbers, text or arrays, got {type(value).__name__}")


def wrapped(head: str, items: list[str], tail: str, indent: int = 0) -> str:
    """Return items between brackets: on one line if that fits, else one item a line.

    Args:
        head, tail: text before and after, with brackets.
        items: code of the items, written for column ``indent + 4``.
        indent: column at which the code begins.

    Returns:
        The code, without spaces before its first line.
    """
    flat = f"{head}{', '.join(items)}{tail}"
    # A comma or a bracket follows.
    if "\n" not in flat and indent + len(flat) < WIDTH:
        return flat
    space = " " * indent
    lines = "".join(f"{space}    {item},\n" for item in items)
    return f"{head}\n{lines}{space}{tail.lstrip(',')}"


def _array(value, indent):
    usual = value.dtype in (np.int64, np.float64, np.bool_)
    if value.dtype.kind not in "iufb":
        raise TypeError(f"literal: expected an array of numbers, got {value.dtype}")
    dtype = [] if usual and value.size else [f"np.{value.dtype.name.removesuffix('_')}"]
    if value.size == 0:
        return f"np.zeros({literal(value.shape)}, {dtype[0]})"
    flat = wrapped("np.array(", [literal(value.tolist()), *dtype], ")", indent)
    if "\n" not in flat:
        return flat
    inner = [literal(value.tolist(), indent + 4), *dtype]
    return wrapped("np.array(", inner, ")", indent)


def _float(value):
    if math.isnan(value):
        return "np.nan"
    if math.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    # Adding zero makes -0 a 0.
    return repr(float(f"{value:.{DIGITS}g}") + 0.0)


def _text(value):
    if value is None:
        return "None"
    plain = repr(value)
    return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in plain else plain
