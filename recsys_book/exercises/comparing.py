"""Compare two values of a case, and write values into messages of bounded length."""

import contextlib
import math

import numpy as np

LONGEST_TEXT = 240
MAX_ARRAY_ITEMS = 12


class Difference(Exception):
    """Two values differ; the message says how, in one line."""


def compare_values(expected, came, rtol, atol, same_dtype=False):
    """Return the largest absolute difference of two values that agree within the tolerances.

    Args:
        expected: number, string, array, None, or a tuple, list or dict of such.
        came: the value to compare. Tuples and lists with equal contents are equal; an array is
            accepted for a list of numbers.
        rtol, atol: floats may differ by ``atol + rtol * |expected|``; whole numbers may not.
        same_dtype: whether arrays must have the expected dtype.

    Raises:
        Difference: they do not agree.
    """
    if isinstance(expected, dict):
        return _compare_dicts(expected, came, rtol, atol, same_dtype)
    if isinstance(expected, tuple | list) and not _is_numeric(expected):
        return _compare_sequences(expected, came, rtol, atol, same_dtype)
    if expected is None or isinstance(expected, str | bytes | bool):
        if type(came) is not type(expected) and not (
            isinstance(expected, bool) and isinstance(came, np.bool_)
        ):
            raise Difference(f"expected {_kind(expected)}, came {_kind(came)}")
        if came != expected:
            raise Difference("the values differ")
        return 0.0
    return _compare_arrays(expected, came, rtol, atol, same_dtype)


def is_trivial(expected, arguments, rtol, atol):
    """Whether a value says nothing of who returns it: nothing, zeros, ones, or an argument.

    Args:
        expected, rtol, atol: as for `compare_values`.
        arguments: of the call that has this value.
    """
    if expected is None:
        return True
    for guess in (_filled(expected, 0), _filled(expected, 1), *arguments):
        with contextlib.suppress(Difference):
            compare_values(expected, guess, rtol, atol)
            return True
    return False


def _filled(value, number):
    """A value with all its numbers replaced by one number; what is empty stays as it is."""
    if isinstance(value, dict):
        return {key: _filled(part, number) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_filled(part, number) for part in value]
    return value if isinstance(value, str) and not value else np.full_like(value, number)[()]


def _compare_dicts(expected, came, rtol, atol, same_dtype):
    if not isinstance(came, dict):
        raise Difference(f"expected a dict, came {_kind(came)}")
    if set(came) != set(expected):
        missing = sorted(map(repr, set(expected) - set(came)))
        extra = sorted(map(repr, set(came) - set(expected)))
        raise Difference(
            "the keys differ"
            + (f"; missing {', '.join(missing)}" if missing else "")
            + (f"; unexpected {', '.join(extra)}" if extra else "")
        )
    return _largest(
        (f"at key {key!r}: ", expected[key], came[key], rtol, atol, same_dtype) for key in expected
    )


def _compare_sequences(expected, came, rtol, atol, same_dtype):
    if not isinstance(came, tuple | list | np.ndarray):
        raise Difference(f"expected {_kind(expected)}, came {_kind(came)}")
    if len(came) != len(expected):
        raise Difference(f"expected {len(expected)} items, came {len(came)}")
    return _largest(
        (f"item {position}: ", wanted, found, rtol, atol, same_dtype)
        for position, (wanted, found) in enumerate(zip(expected, came, strict=True))
    )


def _largest(parts):
    largest = 0.0
    for where, *arguments in parts:
        try:
            largest = max(largest, compare_values(*arguments))
        except Difference as reason:
            raise Difference(f"{where}{reason}") from None
    return largest


def _compare_arrays(expected, came, rtol, atol, same_dtype):
    wanted = np.asarray(expected)
    found = _as_array(came)
    if found.shape != wanted.shape:
        raise Difference(f"expected shape {wanted.shape}, came {found.shape}")
    if same_dtype and found.dtype != wanted.dtype:
        raise Difference(f"expected dtype {wanted.dtype}, came {found.dtype}")
    if wanted.dtype.kind not in "iufb":
        if not np.array_equal(wanted, found):
            raise Difference("the values differ")
        return 0.0
    if not wanted.size:
        return 0.0
    if wanted.dtype.kind in "iub" and found.dtype.kind in "iub":
        # Python's whole numbers, or a difference of int64 could overflow.
        gaps = np.abs(wanted.astype(object) - found.astype(object)).astype(float)
        allowed = np.zeros(wanted.shape)
    else:
        wanted, found = wanted.astype(float), found.astype(float)
        for name, test in (("NaN", np.isnan), ("infinite", np.isinf)):
            unexpected = test(found) & ~test(wanted)
            if unexpected.any():
                raise Difference(f"{name}{_at(unexpected)}{_count(unexpected)}")
        same = (wanted == found) | (np.isnan(wanted) & np.isnan(found))
        with np.errstate(invalid="ignore"):
            gaps = np.where(same, 0.0, np.abs(wanted - found))
            allowed = atol + rtol * np.abs(np.where(np.isfinite(wanted), wanted, 0.0))
    off = ~(gaps <= allowed)
    if off.any():
        position = np.unravel_index(np.argmax(off), off.shape) if off.ndim else ()
        raise Difference(
            (
                f"first difference{_at(off)}: expected {show(wanted[position])}, "
                f"came {show(found[position])}{_count(off)}"
            )
            if off.ndim
            else f"off by {float(gaps):.6g}"
        )
    return float(gaps.max())


def _as_array(came):
    try:
        found = np.asarray(came)
    except Exception:
        raise Difference(f"expected numbers, came {_kind(came)}") from None
    if found.dtype.kind not in "iufb" or isinstance(came, str | dict | bool | np.bool_):
        raise Difference(f"expected numbers, came {_kind(came)}")
    return found


def _at(where):
    if not where.ndim:
        return ""
    position = np.unravel_index(np.argmax(where), where.shape)
    inside = ", ".join(str(int(index)) for index in position)
    return f" at [{inside}]"


def _count(where):
    return f" ({int(where.sum())} of {where.size} values)" if where.size > 1 else ""


def _is_numeric(values):
    if any(isinstance(value, np.ndarray | dict | str) for value in values):
        return False
    try:
        return np.asarray(values).dtype.kind in "iufb" and len(values) > 0
    except (ValueError, TypeError):
        return False


def _kind(value):
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype} and shape {value.shape}"
    return "None" if value is None else f"{type(value).__name__} {show(value)}"


def show(value):
    """Return ``value`` as text of at most about `LONGEST_TEXT` characters."""
    if isinstance(value, np.ndarray):
        text = np.array2string(
            value,
            separator=", ",
            threshold=MAX_ARRAY_ITEMS,
            edgeitems=3,
            max_line_width=10_000,
            # Adding zero makes -0 a 0.
            formatter={"float_kind": lambda number: f"{number + 0.0:.6g}"},
        )
        usual = value.dtype in (np.int64, np.float64, np.bool_)
        extra = [] if usual else [str(value.dtype)]
        if value.ndim > 1 or value.size > MAX_ARRAY_ITEMS:
            extra.append(f"shape {value.shape}")
        text = f"array({', '.join([' '.join(text.split()).replace('[ ', '['), *extra])})"
    elif isinstance(value, float | np.floating):
        text = str(float(value)) if math.isfinite(value) and float(value).is_integer() else None
        text = text or f"{float(value):.8g}"
    elif isinstance(value, np.generic):
        text = str(value)
    elif isinstance(value, tuple | list):
        # Each part has at least one character, so the others would be cut off below.
        inside = ", ".join(show(part) for part in value[:LONGEST_TEXT])
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        text = f"({inside}{comma})" if isinstance(value, tuple) else f"[{inside}]"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{key!r}: {show(part)}" for key, part in value.items()) + "}"
    elif callable(value):
        # The repr of a function holds its address, which differs from run to run.
        text = f"the function {getattr(value, '__name__', type(value).__name__)}"
    else:
        text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def show_call(name, arguments, keywords):
    """Return the call of a function as text."""
    parts = [show(value) for value in arguments]
    parts += [f"{key}={show(value)}" for key, value in keywords.items()]
    return f"{name}({', '.join(parts)})"
