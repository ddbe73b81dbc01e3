"""Batches of rows of CSV and Parquet files, unconverted, in memory that does not grow.

``describe`` reads whole files by it. What is wrong in a file is found by the readers that training
uses, which name the line.
"""

import gzip
import io
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from recsys_pipeline.files.parquet import ParquetFile
from recsys_pipeline.files.sources import TextFile, ending_of, names_in_line

BLOCK_BYTES = 1 << 22
"""Bytes of text that are parsed at once."""

BATCH_ROWS = 1 << 16
SEPARATORS = ("\t", "::", ";", "|")
"""What may stand between the fields of a file whose first line has no comma."""

_ONE_BYTE = "\x1f"


class Batches:
    """The rows of files of one format, which can be read several times.

    Args:
        paths: the files.
        kind: ``"csv"`` or ``"parquet"``.
        header: CSV: whether line 1 holds the names.
        separator: CSV: between fields; default: tab where the name ends in ``.tsv``, else comma,
            or, where the first line has none, what is there in its place.

    Attributes:
        names: of the columns.
        types: of the columns: name to Arrow type, text in CSV.
        separator: that the CSV files were read with.
        is_said: whether it is not the default.
        is_guessed: whether it is neither the default nor given.

    Raises:
        ValueError: a missing file, a file of another format, files whose columns differ.
    """

    def __init__(
        self, paths: Sequence[Path], kind: str, header: bool = True, separator: str | None = None
    ) -> None:
        for path in paths:
            if not path.is_file():
                raise ValueError(f"{path}: no such file")
        self.paths, self.kind, self.header = paths, kind, header
        self.separator = separator or ""
        self.is_said, self.is_guessed = separator is not None, False
        if kind == "csv":
            if separator is None:
                self.separator = "\t" if ending_of(paths[0]) == ".tsv" else ","
                self._guess()
            of_files = [self._names(path) for path in paths]
            self.types = dict.fromkeys(of_files[0], pa.string())
        else:
            schemas = [ParquetFile(path).schema for path in paths]
            of_files = [schema.names for schema in schemas]
            self.types = {field.name: field.type for field in schemas[0]}
        self.names = of_files[0]
        for path, names in zip(paths[1:], of_files[1:], strict=True):
            if sorted(names) != sorted(self.names):
                raise ValueError(
                    f"{path}: expected the columns of {paths[0]}, {sorted(self.names)}, got "
                    f"{sorted(names)}"
                )

    def read(self, columns: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Batches of the columns, in the order of ``names``; default: of all.

        Raises:
            ValueError: a line with too few or too many fields, bytes that are no text, no rows.
        """
        wanted = [name for name in self.names if columns is None or name in columns]
        for path in self.paths:
            if self.kind == "parquet":
                for batch in pa.parquet.ParquetFile(path).iter_batches(
                    BATCH_ROWS, columns=wanted, use_threads=False
                ):
                    yield batch.select(wanted)
            else:
                yield from self._text(path, wanted)

    def _text(self, path: Path, wanted: list[str]) -> Iterator[pa.RecordBatch]:
        wrong: list[Any] = []
        rows = 0

        def skip(row: Any) -> str:
            wrong.append(row)
            return "skip"

        mark = self.separator if len(self.separator) == 1 else _ONE_BYTE
        try:
            with _opened(path) as file:
                reader = pa.csv.open_csv(
                    file if mark == self.separator else _replaced(file, self.separator),
                    pa.csv.ReadOptions(
                        column_names=self._names(path),
                        skip_rows=int(self.header),
                        use_threads=False,
                        block_size=BLOCK_BYTES,
                    ),
                    pa.csv.ParseOptions(
                        delimiter=mark,
                        quote_char='"' if mark == "," else False,
                        newlines_in_values=mark == ",",
                        ignore_empty_lines=len(self.names) > 1,
                        invalid_row_handler=skip,
                    ),
                    pa.csv.ConvertOptions(
                        column_types=self.types,
                        include_columns=wanted,
                        strings_can_be_null=True,
                        null_values=[""],
                    ),
                )
                for batch in reader:
                    if wrong:
                        break
                    rows += batch.num_rows
                    yield batch
        except (pa.ArrowInvalid, OSError, EOFError, zlib.error) as error:
            wrong.append(error)
        if wrong or not rows:
            # Arrow does not name the line of every error, the reader of training does.
            TextFile(path, self.header, self.separator).load({name: ["raw"] for name in self.names})
            raise ValueError(f"{path}: expected lines with the same fields, got {wrong or 'none'}")

    def _names(self, path: Path) -> list[str]:
        return names_in_line(path, _first_line(path), self.header, self.separator)

    def _guess(self) -> None:
        """Take another separator where the first line has no default one."""
        line = _first_line(self.paths[0]).decode("utf-8", errors="replace")
        found = [mark for mark in SEPARATORS if mark in line]
        if self.separator not in line and found:
            self.separator = max(found, key=line.count)
            self.is_said = self.is_guessed = True


def _opened(path: Path) -> Any:
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")


def _first_line(path: Path) -> bytes:
    try:
        with _opened(path) as file:
            return bytes(file.readline())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: expected gzip data, got an error: {error}") from None


def _replaced(file: Any, separator: str) -> io.BufferedReader:
    """A file with one byte for each separator, since Arrow knows no longer ones."""
    return io.BufferedReader(_Replaced(file, separator.encode()), BLOCK_BYTES)


class _Replaced(io.RawIOBase):
    def __init__(self, file: Any, separator: bytes) -> None:
        self._file, self._separator, self._rest = file, separator, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:  # whole lines: no separator is cut in two
            block = self._file.read(len(buffer)) + self._file.readline()
            self._rest = block.replace(self._separator, _ONE_BYTE.encode())
        ready, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(ready)] = ready
        return len(ready)
