"""Checks of arguments, written once: each raises one clear ``ValueError`` or gives the value back.

A message is "where: expected X, got Y". A NumPy integer is an integer and a NumPy number a number;
a bool is neither.
"""

import difflib
import math
import numbers
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

Number = float | int


def check_integer(name: str, value: Any, minimum: int = 1, maximum: int | None = None) -> int:
    """``value`` as an ``int``.

    Args:
        name: what the message calls it.
        value: the argument to check.
        minimum, maximum: the ends of the allowed interval, both allowed.

    Raises:
        ValueError: not an integer, or outside the interval.

    Example:
        >>> check_integer("rank", 3)
        3
    """
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_integer or value < minimum or (maximum is not None and value > maximum):
        bounds = f"of {minimum} or more" if maximum is None else f"from {minimum} to {maximum}"
        raise ValueError(f"{name}: expected an integer {bounds}, got {value!r}")
    return int(value)


def check_number(
    name: str,
    value: Any,
    minimum: Number = -math.inf,
    maximum: Number = math.inf,
    exclude: Collection[Number] = (),
) -> float:
    """``value`` as a ``float``.

    Args:
        name, value, minimum, maximum: as for ``check_integer``.
        exclude: those of the ends that are themselves not allowed.

    Raises:
        ValueError: not a finite number, or outside the interval.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if (
        not is_number
        or not math.isfinite(value)
        or not minimum <= value <= maximum
        or value in exclude
    ):
        bounds = [f"from {minimum:g}"] if math.isfinite(minimum) else []
        bounds += [f"to {maximum:g}"] if math.isfinite(maximum) else []
        bounds += [f"excluding {' and '.join(f'{end:g}' for end in exclude)}"] if exclude else []
        raise ValueError(
            f"{name}: expected {' '.join(['a finite number', *bounds])}, got {value!r}"
        )
    return float(value)


def check_bool(name: str, value: Any) -> bool:
    """``value``, which is ``True`` or ``False``; ``ValueError`` for anything else."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}: expected True or False, got {value!r}")
    return value


def check_choice(name: str, value: Any, known: Iterable[Any]) -> Any:
    """``value``, which is one of ``known``; else a ``ValueError`` names them all."""
    known = tuple(known)
    if value not in known:
        raise ValueError(f"{name}: expected one of {known}, got {value!r}{nearest(value, known)}")
    return value


def nearest(value: Any, known: Iterable[Any]) -> str:
    """What a message adds to a misspelt name, such as "; did you mean 'relu'?", or nothing."""
    names = {str(name).lower(): str(name) for name in known}
    found = difflib.get_close_matches(str(value).lower(), names, 1)
    return f"; did you mean {names[found[0]]!r}?" if found else ""


def check_known(name: str, value: Any, module: Any) -> Any:
    """What ``module.get(value)`` returns.

    Args:
        name: what the message calls it.
        value: a name, an object or its configuration.
        module: ``keras.activations`` or ``keras.initializers``.

    Raises:
        ValueError: the module knows no such thing.
    """
    try:
        return module.get(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name}: expected a name or an object of {module.__name__}, got "
            f"{value!r}{nearest(value, dir(module))}"
        ) from None


def check_widths(name: str, widths: Any, at_least: int = 1) -> tuple[int, ...]:
    """Widths of layers as a tuple of ``int``.

    Args:
        name: what the message calls them.
        widths: a sequence of integers of 1 or more.
        at_least: how many layers there have to be; 0 allows ``()``, which is no network.

    Raises:
        ValueError: not a sequence, too few, or a width that is no integer of 1 or more.
    """
    if isinstance(widths, str | bytes) or not isinstance(widths, Iterable):
        raise ValueError(f"{name}: expected widths such as (64, 32), got {widths!r}")
    widths = tuple(widths)
    if len(widths) < at_least:
        raise ValueError(f"{name}: expected at least {at_least} layer, got {widths}")
    return tuple(check_integer(name, width) for width in widths)


def rows_where(bad: np.ndarray) -> str:
    """Name the rows ``(N, ...)`` in which something is True for a message: the first five.

    Example:
        >>> rows_where(np.arange(8) > 1)
        'rows 2, 3, 4, 5, 6 and 1 more'
    """
    bad = np.atleast_1d(bad)
    rows = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    return f"rows {', '.join(map(str, rows[:5]))}{more}"


def check_shape(layer: Any, shape: Sequence[int | None], rank: int, axes: str) -> None:
    """Raise ``ValueError`` unless a tensor has as many axes as the layer reads.

    The message carries the layer's name and the names of the ``axes``.
    """
    if len(shape) != rank:
        raise ValueError(f"{layer.name!r}: expected shape {axes}, got {tuple(shape)}")
