"""Read labelled rows from libsvm (libfm) and libffm files, with the line of each error."""

import dataclasses
import pathlib
import re
from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa

from recsys_lib.data.tables import bad_value
from recsys_pipeline.files.arrays import NUMBER

MISSING_ID = -1

# 15 digits are exact in the doubles that the numbers are read into.
_NUMBER = NUMBER.encode()
_TOKEN = {"libsvm": rb"\d{1,15}:" + _NUMBER, "libffm": rb"\d{1,9}:\d{1,15}:" + _NUMBER}
_SHAPE = {"libsvm": "label id:value id:value ...", "libffm": "label field:id:value ..."}


class PairsFile:
    """A libsvm or libffm file, a ``Source``: ``label`` and the fields ``field_1``, ...

    Args:
        path: the file.
        columns: name to ``(N,)``: ids are int64, -1 where they are missing; all others float64.
    """

    def __init__(self, path: pathlib.Path, columns: dict[str, np.ndarray]) -> None:
        self.path, self._columns = path, columns
        numbers = [name for name in columns if columns[name].dtype == np.float64]
        self.numbers = frozenset(numbers) - {"label"}
        self.names = sorted(columns, key=lambda name: name in self.numbers)
        self.num_rows = len(columns["label"])

    def load(self, wanted: Mapping[str, Collection[str]]) -> None:
        """Does nothing: all is read already, to know which fields are numbers."""

    def column(self, name: str, kind: str) -> pa.ChunkedArray:
        """See ``Source``."""
        values = self._columns[name]
        mask = values == MISSING_ID if values.dtype == np.int64 else None
        found = pa.chunked_array([pa.array(values, mask=mask)])
        return found.cast(pa.float64()) if kind == "number" else found

    def place(self, row: int) -> str:
        """See ``Source``."""
        return f"{self.path}, line {row + 1}"


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Rows of a libsvm or libffm file: an id and a value for every field of every row.

    Args:
        path: the file.
        label: ``(N,)`` float64.
        fields: ``(F,)`` int64, the names of the fields.
        ids: ``(N, F)`` int64; -1 where a row lacks the field.
        values: ``(N, F)`` float64; 0 where a row lacks the field.
    """

    path: pathlib.Path
    label: np.ndarray
    fields: np.ndarray
    ids: np.ndarray
    values: np.ndarray


def read_pairs(path, data, kind="libsvm", field_starts=None):
    """Rows of a libsvm, libfm or libffm file.

    Args:
        path: the file, for messages.
        data: its bytes.
        kind: ``"libsvm"`` (``label id:value ...``) or ``"libffm"`` (``label field:id:value ...``).
        field_starts: libsvm only: smallest id of each field, ascending; a row may then lack a
            field. Default: the pairs of a line are its fields, in this order, and all lines
            have as many.

    Returns:
        ``Pairs``. Fields are called by position or by number in ``field_starts``, from 1; in
        libffm by their numbers in the file.

    Raises:
        ValueError: the file is empty; a line is empty or has another form, lacks a pair or has
            one too many, has an id below all fields, or has a field twice.
    """
    data = bytes(data).rstrip(b" \t\r\n")
    lines = data.split(b"\n")
    if not data.strip():
        raise ValueError(f"{path}: expected lines '{_SHAPE[kind]}', got nothing")
    matches = re.compile(_NUMBER + rb"(?:[ \t]+" + _TOKEN[kind] + rb")+\s*").fullmatch
    for number, line in enumerate(lines, start=1):
        if matches(line) is None:
            shown = line[:60].decode(errors="replace")
            raise ValueError(f"{path}, line {number}: expected '{_SHAPE[kind]}', got {shown!r}")
    parts = 3 if kind == "libffm" else 2
    counts = np.array([line.count(b":") for line in lines]) // (parts - 1)
    flat = np.fromstring(data.replace(b":", b" ").decode(), np.float64, sep=" ")
    starts = np.cumsum(1 + parts * counts) - (1 + parts * counts)
    is_label = np.zeros(len(flat), bool)
    is_label[starts] = True
    tokens = flat[~is_label].reshape(-1, parts)
    row = np.repeat(np.arange(len(lines)), counts)
    ids = tokens[:, -2].astype(np.int64)
    if kind == "libffm":
        fields, position = np.unique(tokens[:, 0].astype(np.int64), return_inverse=True)
    elif field_starts is not None:
        fields, position = _fields_by_id(path, ids, row, field_starts)
    else:
        fields, position = _fields_by_order(path, counts)
    num_fields = len(fields)
    cell, times = np.unique(row * num_fields + position, return_counts=True)
    if (times > 1).any():
        first = cell[times > 1][0]
        raise ValueError(
            f"{path}, line {first // num_fields + 1}: expected one id in field "
            f"{fields[first % num_fields]}, got several"
        )
    all_ids = np.full((len(lines), num_fields), MISSING_ID, np.int64)
    values = np.zeros((len(lines), num_fields))
    all_ids[row, position] = ids
    values[row, position] = tokens[:, -1]
    return Pairs(path, flat[starts], fields, all_ids, values)


def _fields_by_order(path, counts):
    wrong = np.flatnonzero(counts != counts[0])
    if len(wrong):
        raise ValueError(
            f"{path}, line {wrong[0] + 1}: expected {counts[0]} pairs id:value as in line 1, got "
            f"{counts[wrong[0]]}; if rows may lack fields, state field_starts"
        )
    return np.arange(1, counts[0] + 1), np.tile(np.arange(counts[0]), len(counts))


def _fields_by_id(path, ids, row, field_starts):
    starts = np.asarray(field_starts)
    if starts.ndim != 1 or not len(starts) or (np.diff(starts) <= 0).any():
        raise ValueError(f"field_starts: expected ascending ids, got {list(field_starts)}")
    position = np.searchsorted(starts, ids, side="right") - 1
    if (position < 0).any():
        first = int(np.flatnonzero(position < 0)[0])
        raise ValueError(
            f"{path}, line {row[first] + 1}: expected ids from {starts[0]}, where the first field "
            f"starts, got {ids[first]}"
        )
    return np.arange(1, len(starts) + 1), position


def rows_of_pairs(files, same_fields=True):
    """Decide which fields are ids and which are numbers, over all files of a data set together.

    A field with the same id on all lines and values other than 1 is a number, which is 0 where
    a line lacks it. Every other field holds ids, whose values must be 1.

    Args:
        files: list of ``Pairs``.
        same_fields: whether all files must have the same fields.

    Returns:
        List of ``PairsFile``.

    Raises:
        ValueError: the files' fields differ in number, or an id has another value than 1.
    """
    fields = np.unique(np.concatenate([pairs.fields for pairs in files]))
    ids, values = [], []
    for pairs in files:
        if same_fields and len(pairs.fields) != len(files[0].fields):
            raise ValueError(
                f"{pairs.path}: expected {len(files[0].fields)} pairs on each line as in "
                f"{files[0].path}, got {len(pairs.fields)}"
            )
        place = np.searchsorted(fields, pairs.fields)
        ids.append(np.full((len(pairs.label), len(fields)), MISSING_ID, np.int64))
        values.append(np.zeros((len(pairs.label), len(fields))))
        ids[-1][:, place] = pairs.ids
        values[-1][:, place] = pairs.values
    is_number = []
    for field in range(len(fields)):
        known = np.concatenate([part[:, field] for part in ids])
        value = np.concatenate([part[:, field] for part in values])[known != MISSING_ID]
        known = known[known != MISSING_ID]
        is_number.append(bool((known == known[0]).all() and (value != 1).any()))
    result = []
    for pairs, id_part, value_part in zip(files, ids, values, strict=True):
        wrong = (id_part != MISSING_ID) & (value_part != 1) & ~np.array(is_number)
        if wrong.any():
            row, field = (int(place[0]) for place in np.nonzero(wrong))
            raise bad_value(
                pairs.path,
                row + 1,
                f"field_{fields[field]}",
                f"the value 1 of an id (id {id_part[row, field]})",
                value_part[row, field],
            )
        columns = {"label": pairs.label}
        for i, field in enumerate(fields):
            columns[f"field_{field}"] = (value_part if is_number[i] else id_part)[:, i]
        result.append(PairsFile(pairs.path, columns))
    return result
