"""Read the columns of one file, whatever its format, and say which line is wrong.

``open_sources`` returns an object for each file, which knows its columns. Once its ``load`` was
told which of them are wanted, it gives them as Arrow arrays: as ``"category"`` (values that become
ids: text or whole numbers), as ``"number"`` (floats), or unconverted, as ``"list"`` or ``"raw"``
(moments). Missing values are null. This module encodes nothing.
"""

import csv
import glob
import re
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from recsys_lib.data.tables import read_table
from recsys_pipeline.files.arrays import CATEGORY, NUMBER, bytes_of, numbers_of_texts
from recsys_pipeline.files.description import Description, TableDescription
from recsys_pipeline.files.pairs import read_pairs, rows_of_pairs
from recsys_pipeline.files.parquet import ParquetFile

ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".libsvm": "libsvm",
    ".svm": "libsvm",
    ".libfm": "libsvm",
    ".fm": "libsvm",
    ".libffm": "libffm",
    ".ffm": "libffm",
    ".parquet": "parquet",
    ".pq": "parquet",
}
"""Format by the ending of a file's name, without ``.gz``. libfm is read like libsvm."""

BLANK_END = 1 << 16
"""Bytes at a file's end among which blank lines are looked for."""

BLOCK_BYTES = 1 << 23
"""A CSV file is parsed in blocks of this size."""


class Source(Protocol):
    """One file.

    Args:
        path: of the file.
        names: its columns, in order.
        numbers: the columns that can only be numbers.
        num_rows: known once it is loaded.
    """

    path: Path
    names: list[str]
    numbers: frozenset[str]
    num_rows: int

    def load(self, wanted: Mapping[str, Collection[str]]) -> None:
        """Read columns; ``wanted`` is a dict of name to the forms that they are needed in."""

    def column(self, name: str, kind: str) -> pa.ChunkedArray:
        """A column that was loaded, as ``"category"``, ``"number"`` or ``"raw"``."""

    def place(self, row: int) -> str:
        """File and line of a row, for messages."""


def files_of(description: Description) -> dict[str, list[Path]]:
    """The files of each part; patterns and folders are replaced by the files that they match.

    Raises:
        ValueError: a missing file, a pattern that matches none.
    """
    return {
        part: [path for entry in entries for path in files_matching(description.folder / entry)]
        for part, entries in description.files.items()
    }


def files_matching(path: Path) -> list[Path]:
    """The file of this name, the files of this folder, or those that match this pattern.

    Raises:
        ValueError: there is none.
    """
    if path.is_file():
        return [path]
    files = sorted(Path(one) for one in glob.glob(str(path / "*") if path.is_dir() else str(path)))
    files = [one for one in files if one.is_file() and not one.name.startswith((".", "_"))]
    if not files:
        raise ValueError(f"{path}: no such file")
    return files


def format_of(path: Path, given: str | None = None) -> str:
    """``given``, or the format that the file's name ends in.

    Raises:
        ValueError: an unknown format, or an ending that is of no format.
    """
    formats = sorted(set(ENDINGS.values()))
    if given is not None:
        if given not in formats:
            raise ValueError(f"format: expected one of {formats}, got {given!r}")
        return given
    ending = ending_of(path)
    if ending not in ENDINGS:
        raise ValueError(
            f"{path}: expected a name that ends in one of {sorted(ENDINGS)}, with or without "
            f".gz, or a format, one of {formats}"
        )
    return ENDINGS[ending]


def ending_of(path: Path) -> str:
    """The ending of the name without ``.gz``, in lower case."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def open_sources(
    paths: Sequence[Path], said: Description | TableDescription, spill: Path | None = None
) -> list[Source]:
    """The files of a data set or of a table, all of one format.

    Args:
        paths: the files.
        said: their description, of which ``format``, ``header``, ``separator`` and
            ``field_starts`` are read.
        spill: CSV: folder on a disk, as long as the sources are used; what was read lies there,
            mapped, and not in memory.

    Returns:
        A ``Source`` for each file.

    Raises:
        ValueError: a file that is not of this format, with the line if it has lines; files whose
            columns differ.
    """
    kind = format_of(paths[0], said.format)
    sources: list[Source]
    if kind == "csv":
        sources = [TextFile(path, said.header, said.separator, spill=spill) for path in paths]
    elif kind == "parquet":
        sources = [ParquetFile(path) for path in paths]
    else:
        starts = getattr(said, "field_starts", None)
        pairs = [read_pairs(path, bytes_of(path), kind, starts) for path in paths]
        sources = [*rows_of_pairs(pairs, same_fields=kind == "libsvm")]
    for other in sources[1:]:
        if sorted(other.names) != sorted(sources[0].names):
            raise ValueError(
                f"{other.path}: expected the columns of {sources[0].path}, "
                f"{sorted(sources[0].names)}, got {sorted(other.names)}"
            )
    return sources


class TextFile:
    """A delimited file with or without a line of names.

    Args:
        path: of the file.
        header: whether line 1 holds the names; else they are ``column_1``, ``column_2``, ...
        separator: default: tab where the file's name ends in ``.tsv``, else comma.
        spill: as for ``open_sources``.

    Raises:
        ValueError: the file is empty, line 1 is not a header, a name is missing or there twice.
    """

    numbers: frozenset[str] = frozenset()

    def __init__(
        self, path: Path, header: bool, separator: str | None, spill: Path | None = None
    ) -> None:
        if separator is None:
            separator = "\t" if ending_of(path) == ".tsv" else ","
        self.path, self.separator, self._spill = path, separator, spill
        self._data = bytes_of(path, spill)
        self._first_line = 2 if header else 1
        self.names = names_in_line(path, self._data, header, separator)
        # In a file of one column an empty line is a missing value.
        self._end = _end_of(self._data) if len(self.names) > 1 else len(self._data)
        self.num_rows = 0
        self._table = pa.table({})

    def load(self, wanted: Mapping[str, Collection[str]]) -> None:
        """See ``Source``.

        Raises:
            ValueError: no rows; a line with too few or too many fields; a value that is not a
                number.
        """
        kinds = {name: _one_kind(several) for name, several in wanted.items()}
        table = self._quickly(kinds)
        # Arrow cannot name the wrong line: read the file again with a reader that can.
        self._table = self._slowly(kinds) if table is None else table
        self.num_rows = self._table.num_rows
        self._data = b""

    def column(self, name: str, kind: str) -> pa.ChunkedArray:
        """See ``Source``."""
        found = self._table.column(name)
        if kind == "number" and not pa.types.is_floating(found.type):
            texts = found.cast(pa.string()).to_pandas().fillna("").astype(object)
            return pa.chunked_array([numbers_of_texts(texts, name, self.place)])
        return found

    def place(self, row: int) -> str:
        """See ``Source``."""
        return f"{self.path}, line {self._first_line + row}"

    def _quickly(self, kinds: Mapping[str, str]) -> pa.Table | None:
        data, end, mark = self._data, self._end, self.separator
        if len(mark) > 1:
            data, mark = bytes(data[:end]).replace(mark.encode(), b"\x1f"), "\x1f"
            end = len(data)
        if len(self.names) > 1 and _has_empty_line(data, end):
            return None  # Arrow would read an empty line as a row without values
        is_quoted = mark == "," and data.find(b'"') >= 0
        types = {
            "category": CATEGORY,
            "number": pa.float64(),
            "raw": pa.string(),
            "list": pa.string(),
        }
        try:
            reader = pa.csv.open_csv(
                pa.BufferReader(pa.py_buffer(data).slice(0, end)),
                pa.csv.ReadOptions(
                    column_names=self.names,
                    skip_rows=self._first_line - 1,
                    block_size=BLOCK_BYTES,
                ),
                pa.csv.ParseOptions(
                    delimiter=mark,
                    quote_char='"' if is_quoted else False,
                    newlines_in_values=is_quoted,
                    ignore_empty_lines=False,
                ),
                pa.csv.ConvertOptions(
                    column_types={n: types.get(kind, pa.string()) for n, kind in kinds.items()},
                    include_columns=list(kinds),
                    strings_can_be_null=True,
                    null_values=[""],
                ),
            )
            table = reader.read_all() if self._spill is None else _spilled(reader, self._spill)
        except (pa.ArrowInvalid, pa.ArrowKeyError):
            return None
        numbers = [table.column(name) for name, kind in kinds.items() if kind == "number"]
        good = all(pc.all(pc.is_finite(column)).as_py() is not False for column in numbers)
        return table if good and table.num_rows else None

    def _slowly(self, kinds: Mapping[str, str]) -> pa.Table:
        as_text = dict.fromkeys(kinds, "text")
        data = bytes(self._data[: self._end])
        table = read_table(self.path, as_text, self.separator, self.names, "utf-8-sig", data=data)
        table = table.iloc[self._first_line - 1 :].reset_index(drop=True)
        if not len(table):
            raise ValueError(f"{self.path}: expected rows below the columns' names, got none")
        columns = {}
        for name, kind in kinds.items():
            texts = table[name].astype(object)
            if kind == "number":
                columns[name] = numbers_of_texts(texts, name, self.place)
            else:
                columns[name] = pa.array(texts.where(texts != "", None), pa.string())
                if kind == "category":
                    columns[name] = columns[name].dictionary_encode()
        return pa.table(columns)


def _end_of(data: Any) -> int:
    """Where the lines begin at a file's end that hold nothing or blanks."""
    start = max(len(data) - BLANK_END, 0)
    blank = re.search(rb"(?<=\n)(?:[ \r]*\n)*[ \r]*\Z", bytes(data[start:]))
    return len(data) if blank is None else start + blank.start()


def _spilled(reader: pa.RecordBatchReader, folder: Path) -> pa.Table:
    """What a reader gives, block by block into a file, which is mapped.

    Values that become ids are numbered within their block, and over all blocks once their column is
    asked for.
    """
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        with pa.ipc.new_stream(file, reader.schema) as writer:
            for block in reader:
                writer.write_batch(block)
    return pa.ipc.open_stream(pa.memory_map(file.name)).read_all()


def _has_empty_line(data: Any, end: int) -> bool:
    is_first = bytes(data[:1]) == b"\n" or bytes(data[:2]) == b"\r\n"
    return is_first or data.find(b"\n\n", 0, end) >= 0 or data.find(b"\n\r\n", 0, end) >= 0


def _one_kind(kinds: Collection[str]) -> str:
    """The form to read a column in that is needed in these: text can become the others."""
    return next(iter(kinds)) if len(set(kinds)) == 1 else "raw"


def names_in_line(path: Path, data: Any, header: bool, separator: str) -> list[str]:
    """The columns' names in the first line of a text file's bytes; see ``open_sources``.

    Raises:
        ValueError: the line is empty, no header, or a name is missing or there twice.
    """
    end = data.find(b"\n")
    first = bytes(data[: end if end >= 0 else len(data)])
    line = first.decode("utf-8-sig", errors="replace").rstrip("\r")
    if not line.strip():
        raise ValueError(f"{path}, line 1: expected a line of text, got an empty one")
    if len(separator) > 1:
        line, separator = line.replace(separator, "\x1f"), "\x1f"
    if separator == ",":
        fields = next(csv.reader([line]))
    else:
        fields = line.split(separator)
    if not header:
        return [f"column_{position}" for position in range(1, len(fields) + 1)]
    if "" in fields:
        raise ValueError(
            f"{path}, line 1: expected a name for every column, got none for column "
            f"{fields.index('') + 1}"
        )
    values = [field for field in fields if re.fullmatch(NUMBER, field)]
    if values:
        raise ValueError(
            f"{path}, line 1: expected the columns' names, got {values[0]!r}; a file without "
            "names is read with header=False"
        )
    twice = sorted({name for name in fields if fields.count(name) > 1})
    if twice:
        raise ValueError(f"{path}, line 1: expected different names, got twice {twice}")
    return fields
