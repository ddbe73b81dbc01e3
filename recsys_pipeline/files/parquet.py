"""Read the columns of a Parquet file one at a time, and say which row is wrong."""

from collections.abc import Collection, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from recsys_pipeline.files.arrays import as_categories, bytes_of, numbers_of_texts


class ParquetFile:
    """A Parquet file; columns are read one at a time.

    Args:
        path: of the file.

    Raises:
        ValueError: not a Parquet file, or one without rows.
    """

    numbers: frozenset[str] = frozenset()

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = pa.parquet.ParquetFile(
                pa.BufferReader(pa.py_buffer(bytes_of(path))), memory_map=True
            )
        except (pa.ArrowInvalid, OSError) as error:
            raise ValueError(f"{path}: expected a Parquet file, got an error: {error}") from None
        self.names = list(self._file.schema_arrow.names)
        self.num_rows = self._file.metadata.num_rows
        if not self.num_rows:
            raise ValueError(f"{path}: expected rows, got none")
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"{path}: expected different column names, got twice {twice}")

    def load(self, wanted: Mapping[str, Collection[str]]) -> None:
        """See ``Source``.

        Raises:
            ValueError: a column whose type cannot be read as wanted.
        """
        for name, kinds in wanted.items():
            found = self._file.schema_arrow.field(name).type
            for kind in kinds:
                if not fits(found, kind):
                    expected = _EXPECTED[kind]
                    raise ValueError(
                        f"{self.path}, column {name!r}: expected {expected}, got {found}"
                    )

    def column(self, name: str, kind: str) -> pa.ChunkedArray:
        """See ``Source``."""
        found = self._file.read(columns=[name]).column(name)
        if kind in ("raw", "list"):
            return found
        return self._as_numbers(name, found) if kind == "number" else as_categories(found)

    @property
    def schema(self) -> pa.Schema:
        """Names and types of its columns."""
        return self._file.schema_arrow

    def place(self, row: int) -> str:
        """See ``Source``."""
        return f"{self.path}, row {row + 1}"

    def _as_numbers(self, name: str, found: pa.ChunkedArray) -> pa.ChunkedArray:
        if pa.types.is_dictionary(found.type):
            found = found.cast(found.type.value_type)
        if pa.types.is_string(found.type) or pa.types.is_large_string(found.type):
            texts = found.to_pandas().fillna("")
            found = pa.chunked_array([numbers_of_texts(texts, name, self.place)])
        if pa.types.is_boolean(found.type):
            found = found.cast(pa.int8())
        numbers = found.cast(pa.float64(), safe=False)
        wrong = pc.fill_null(pc.is_inf(numbers), False)
        if pc.any(wrong).as_py():
            row = pc.index(wrong, True).as_py()
            raise ValueError(
                f"{self.place(row)}, column {name!r}: expected a finite number, got "
                f"{numbers[row].as_py()}"
            )
        return pc.if_else(pc.is_nan(numbers), None, numbers)


_EXPECTED = {
    "category": "one text or whole number in each row",
    "number": "numbers",
    "list": "a list of texts, numbers or moments in each row",
    "raw": "a moment in each row: a number, a text, a date or a timestamp",
}
"""What a column is to hold that is read in each form."""


def is_list(kind: pa.DataType) -> bool:
    """Whether an Arrow type is a list, of whatever length."""
    types = pa.types
    return types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)


def fits(kind: pa.DataType, wanted: str) -> bool:
    """Whether a column of an Arrow type can be read in a form, see ``Source``."""
    types = pa.types
    if wanted == "list" and is_list(kind):
        return fits(kind.value_type, "raw")
    kind = kind.value_type if types.is_dictionary(kind) else kind
    if types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind):
        return True
    if types.is_integer(kind) or types.is_boolean(kind) or types.is_floating(kind):
        return True
    is_moment = types.is_date(kind) or types.is_timestamp(kind)
    of_category = types.is_decimal(kind) or types.is_time(kind)
    return (is_moment and wanted != "number") or (of_category and wanted in ("category", "number"))
