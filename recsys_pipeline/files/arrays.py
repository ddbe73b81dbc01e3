"""Forms of Arrow arrays that reading and encoding share."""

import dataclasses
import gzip
import mmap
import shutil
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.export.fields import BLANKS, LARGE_NUMBER, WHOLE_NUMBER, canonical_id

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_SHAPE = f"^(?:{NUMBER})$"

CATEGORY = pa.dictionary(pa.int32(), pa.string())
"""A column of texts, each of them stored once."""


def bytes_of(path: Path, spill: Path | None = None) -> Any:
    """The bytes of a file, decompressed if its name ends in ``.gz``, else mapped into memory.

    Args:
        path: of the file.
        spill: folder in which decompressed bytes are written and mapped, too; None: they are kept
            in memory.

    Raises:
        ValueError: a file that cannot be decompressed.
    """
    if path.name.lower().endswith(".gz"):
        try:
            with gzip.open(path) as file:
                if spill is None:
                    return file.read()
                with tempfile.NamedTemporaryFile(dir=spill, delete=False) as unpacked:
                    shutil.copyfileobj(file, unpacked)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: expected gzip data, got an error: {error}") from None
        path = Path(unpacked.name)
    if path.stat().st_size == 0:
        return b""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


@dataclasses.dataclass(frozen=True)
class Codes:
    """A column in which equal values have equal numbers.

    Args:
        codes: ``(N,)`` int32, the position in ``values``; -1: missing.
        values: the values, in any order.
    """

    codes: np.ndarray
    values: pa.Array


def number_values(column: pa.ChunkedArray) -> Codes:
    """Number the values of a column, equal values by equal numbers."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    codes = [chunk.indices.fill_null(-1).to_numpy() for chunk in column.chunks]
    values = column.chunk(0).dictionary
    return Codes(np.concatenate(codes).astype(np.int32, copy=False), values)


def canonical(found: Codes) -> Codes:
    """Ids in their only form: without blanks around them, and "1.0" is "1"; blanks are missing.

    A service reads ids alike, see ``recsys_pipeline.export.fields.canonical_id``.
    """
    if not pa.types.is_string(found.values.type):
        return found
    texts = canonical_texts(found.values).dictionary_encode()
    place = np.append(texts.indices.fill_null(-1).to_numpy(zero_copy_only=False), -1)
    return Codes(place[found.codes].astype(np.int32), texts.dictionary)


def canonical_texts(texts: Any) -> Any:
    """The same for an Arrow array of texts; blanks become null."""
    texts = pc.utf8_trim(texts, BLANKS)
    texts = pc.replace_substring_regex(texts, f"^{WHOLE_NUMBER}$", r"\1")
    large = pc.unique(texts.filter(pc.match_substring_regex(texts, f"^{LARGE_NUMBER}$")))
    written = pa.array(map(canonical_id, large.to_pylist()), texts.type)
    texts = pc.coalesce(written.take(pc.index_in(texts, large)), texts)
    return pc.if_else(pc.equal(texts, ""), None, texts)


def as_categories(values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Values in the form in which they become ids: whole numbers stay, all others become text.

    Floats that are all whole, which pandas writes where a value is missing, are whole numbers.
    """
    types, kind = pa.types, values.type
    if types.is_dictionary(kind):
        return values.cast(CATEGORY)
    if types.is_floating(kind):
        values = pc.if_else(pc.is_nan(values), None, values)
        try:
            return values.cast(pa.int64())
        except pa.ArrowInvalid:
            return values.cast(pa.string())
    if types.is_boolean(kind) or (types.is_integer(kind) and kind != pa.uint64()):
        return values.cast(pa.int64())
    values = values.cast(pa.string())
    return pc.if_else(pc.equal(values, ""), None, values)


def categories_of(values: Any) -> pa.ChunkedArray:
    """Raw values of a list or an array, in the form in which they become ids."""
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    found = as_categories(array)
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def numbers_in(texts: pa.Array) -> np.ndarray:
    """``(N,)`` float64; NaN where a text is no finite number."""
    try:
        numbers = texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
        if np.isfinite(numbers).all():
            return numbers
    except pa.ArrowInvalid:
        pass
    shaped = pc.match_substring_regex(texts, _SHAPE).to_numpy(zero_copy_only=False)
    numbers = pd.to_numeric(pd.Series(texts.to_pylist(), dtype=object), errors="coerce").to_numpy()
    return np.where(shaped & np.isfinite(numbers), numbers, np.nan)


def numbers_of_texts(texts: pd.Series, name: str, place: Callable[[int], str]) -> pa.Array:
    """A column of texts as numbers; blanks are missing.

    Args:
        texts: of all rows.
        name: of the column.
        place: function of a row to its file and line.

    Raises:
        ValueError: a text that is no finite number, with its place.
    """
    stripped = texts.str.strip()
    missing = (stripped == "").to_numpy(bool)
    numbers = numbers_in(pa.array(stripped, pa.string()))
    wrong = np.isnan(numbers) & ~missing
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"{place(row)}, column {name!r}: expected a number, got {texts.iloc[row]!r}"
        )
    return pa.array(numbers, mask=missing)


def as_numbers(column: Any) -> np.ndarray:
    """A column as numbers, ``(N,)`` float64; NaN where a value is missing."""
    if isinstance(column, np.ndarray) and column.dtype == np.float64:
        return column
    array = column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column)
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    return array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
