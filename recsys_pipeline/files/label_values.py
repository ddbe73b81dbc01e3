"""Labels of rows: numbers, 0 and 1 in all spellings, and labels made of several columns."""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.files.description import LabelDescription
from recsys_pipeline.files.rows import Rows

WORDS = {"no": 0.0, "false": 0.0, "n": 0.0, "f": 0.0, "yes": 1.0, "true": 1.0, "y": 1.0, "t": 1.0}
"""Labels as people write them, in lower case."""

SHOWN = 10
"""Most values of a column that a message lists."""


def labels_of(
    rows: Rows, labels: Mapping[str, LabelDescription]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Labels and masks of all tasks.

    Returns:
        Dict of task to ``(N,)`` float32, and dict of task to ``(N,)`` bool for the tasks that
        lack a label on some row.

    Raises:
        ValueError: a label that is missing or not a label, with file and line.
    """
    found, masks = {}, {}
    for task, label in labels.items():
        exists = np.ones(len(rows), bool)
        if label.where is not None:
            where, shown = _flags(rows, label.where)
            _refuse(rows, ~np.isin(where, (0, 1)), label.where, "0 or 1", shown)
            exists = where == 1
        values = _values(rows, label, exists)
        found[task] = np.where(exists, values, 0).astype(np.float32)
        if not exists.all():
            masks[task] = exists
    return found, masks


def _values(rows: Rows, label: LabelDescription, exists: np.ndarray) -> np.ndarray:
    """A label's values; rows without one leave ``exists``, which is changed."""
    if label.is_number:
        values = rows.numbers(label.column)
        _refuse_missing(rows, label, label.column, np.isnan(values), exists)
        return values if label.threshold is None else values >= label.threshold
    if label.positive:
        values, missing = _is_positive(rows, label)
        _refuse_missing(rows, label, label.column, missing, exists)
        return values
    flags = {column: _binary(rows, label, column, exists) for column in label.columns}
    if label.columns == (label.column,):
        return flags[label.column]
    of_all, of_any, of_none = (
        np.array([flags[column] for column in names], bool).reshape(-1, len(rows))
        for names in (label.all, label.any, label.none)
    )
    return of_all.all(0) & (of_any.any(0) | (not label.any)) & ~of_none.any(0)


def _is_positive(rows: Rows, label: LabelDescription) -> tuple[np.ndarray, np.ndarray]:
    """Whether each row has one of the positive values, and whether it has none at all."""
    found = rows.categories(label.column)
    texts = found.values.cast(pa.string())
    for one in label.positive:
        if not pc.any(pc.equal(texts, one)).as_py():
            known = texts[:SHOWN].to_pylist()
            more = ", ..." if len(texts) > SHOWN else ""
            raise ValueError(
                f"{rows.sources[0].path}, column {label.column!r}: expected rows with the "
                f"positive value {one!r}, got only {', '.join(map(repr, known))}{more}"
            )
    is_positive = np.append(np.isin(texts.to_numpy(zero_copy_only=False), label.positive), False)
    return is_positive[found.codes], found.codes < 0


def _binary(rows: Rows, label: LabelDescription, column: str, exists: np.ndarray) -> np.ndarray:
    values, shown = _flags(rows, column)
    _refuse_missing(rows, label, column, np.isnan(values), exists)
    wrong = exists & ~np.isin(values, (-1, 0, 1))
    expected = "a label 0 or 1 (or -1)"
    _refuse(rows, wrong, column, expected, shown, "; other labels need threshold or positive")
    negative, zero = exists & (values == -1), exists & (values == 0)
    if negative.any():
        _refuse(rows, zero, column, "labels -1 and 1, or 0 and 1", lambda _: "0 beside -1")
    return values == 1


def _flags(rows: Rows, column: str) -> tuple[np.ndarray, Callable[[int], str]]:
    """A column of labels as ``(N,)`` numbers, and the value of a row, for a message.

    A label that is no number is infinite, one that is missing NaN.
    """
    found = rows.categories(column)
    raw = found.values.to_pylist()
    numbers = np.array([*map(_number, raw), np.nan])

    def shown(row: int) -> str:
        code = found.codes[row]
        if code < 0:
            return "nothing"
        return f"{numbers[code]:g}" if np.isfinite(numbers[code]) else repr(raw[code])

    return numbers[found.codes], shown


def _number(value: object) -> float:
    text = str(value).lower()
    if text in WORDS:
        return WORDS[text]
    try:
        return float(text) if np.isfinite(float(text)) else np.inf
    except ValueError:
        return np.inf


def _refuse_missing(
    rows: Rows, label: LabelDescription, column: str, missing: np.ndarray, exists: np.ndarray
) -> None:
    if label.optional:
        exists &= ~missing
    expected = "a number" if label.is_number else "a label"
    expected += " on every row" * (label.where is None)
    _refuse(rows, exists & missing, column, expected, lambda _: "nothing")


def _refuse(
    rows: Rows,
    wrong: np.ndarray,
    column: str,
    expected: str,
    shown: Callable[[int], str],
    hint: str = "",
) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"{rows.place(row, column)}, column {column!r}: expected {expected}, got "
            f"{shown(row)}{hint}"
        )
