"""Read delimited text files, and name the file and the line when one is malformed."""

import csv
import io

import numpy as np
import pandas as pd


def read_table(path, columns, separator=",", header=None, encoding="utf-8", data=None):
    """The wanted columns of a delimited file, complete and of the stated kinds.

    Args:
        path: ``pathlib.Path`` of the file.
        columns: column name to ``"integer"`` (int64) or ``"text"`` (str, empty allowed).
        separator: one or more characters.
        header: names of all columns where the file has no header line.
        encoding: of the text.
        data: the file's bytes where they are at hand; default: they are read.

    Returns:
        A frame in the order of the file; row ``i`` is line ``i + 1``, or ``i + 2`` under a header.

    Raises:
        ValueError: a missing column, a line with too few or too many fields, an integer that is
            none, or bytes that are not text: the file, the line, what was expected and what came.
    """
    data = path.read_bytes() if data is None else data
    if not data.strip():
        raise ValueError(f"{path}: expected lines with the columns {list(columns)}, got nothing")
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: expected {encoding} text, got byte {data[error.start]:#04x}"
        ) from None
    if len(separator) > 1:
        data = data.replace(separator.encode(), b"\x1f")
    mark = separator if len(separator) == 1 else "\x1f"
    first_line = 1
    names = header
    if header is None:
        names = data.split(b"\n", 1)[0].decode(encoding).strip("\r").split(mark)
        first_line = 2
        missing = [name for name in columns if name not in names]
        if missing:
            raise ValueError(f"{path}, line 1: expected the columns {missing}, got {names}")
    _check_field_counts(path, data, mark, len(names), separator)

    def parse(kinds):
        return pd.read_csv(
            io.BytesIO(data),
            sep=mark,
            header=None,
            names=list(names),
            skiprows=first_line - 1,
            usecols=list(columns),
            dtype=kinds,
            na_filter=False,
            skip_blank_lines=False,
            encoding=encoding,
            quoting=csv.QUOTE_MINIMAL if mark == "," else csv.QUOTE_NONE,
        )[list(columns)]

    try:
        return parse(
            {name: np.int64 if kind == "integer" else str for name, kind in columns.items()}
        )
    except (ValueError, OverflowError):
        texts = parse(dict.fromkeys(columns, str))
        for name in (name for name, kind in columns.items() if kind == "integer"):
            bad = ~texts[name].str.fullmatch(r"-?\d{1,18}").to_numpy(bool)
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                raise bad_value(
                    path, row + first_line, name, "an integer", texts[name][row]
                ) from None
        raise


def bad_value(path, line, column, expected, actual):
    """The ``ValueError`` for one wrong value in a file."""
    actual = actual.item() if isinstance(actual, np.generic) else actual
    return ValueError(
        f"{path}, line {line}, column {column!r}: expected {expected}, got {actual!r}"
    )


def check_values(path, table, column, wrong, expected, first_line):
    """Raise for the first row of ``table`` where the boolean array ``wrong`` is true."""
    wrong = np.asarray(wrong)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise bad_value(path, row + first_line, column, expected, table[column].iloc[row])


def _check_field_counts(path, data, mark, expected, separator):
    if mark == "," and b'"' in data:
        # Quoted fields may hold separators: count as the parser does.
        counts = [len(row) for row in csv.reader(io.StringIO(data.decode(), newline=""))]
    else:
        text = np.frombuffer(data.removesuffix(b"\n"), np.uint8)
        ends = np.flatnonzero(text == ord("\n"))
        marks_before = np.searchsorted(np.flatnonzero(text == ord(mark)), [*ends, len(text)])
        counts = np.diff(marks_before, prepend=0) + 1
    wrong = np.flatnonzero(np.asarray(counts) != expected)
    if len(wrong):
        line = int(wrong[0])
        raise ValueError(
            f"{path}, line {line + 1}: expected {expected} fields separated by {separator!r}, got "
            f"{counts[line]}"
        )
