"""The rows of all files of a data set together: raw columns, labels, times, groups, parts."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from recsys_lib.data.session_rules import LATEST_SECOND
from recsys_lib.data.splits import pages
from recsys_pipeline.files.arrays import Codes, canonical, number_values
from recsys_pipeline.files.description import (
    PARTS,
    GroupDescription,
    SplitDescription,
    TimeDescription,
)
from recsys_pipeline.files.sources import Source
from recsys_pipeline.files.times import as_seconds, moment_of

MAX_SLICES = 20
"""Most slices of a column: those of its most frequent values in the test split."""


class Rows:
    """Rows of several files, concatenated.

    Args:
        sources: the files.
        parts: for each of them ``"all"``, ``"train"``, ``"valid"`` or ``"test"``.
        wanted: the columns, and the forms that they are needed in; see ``Source.load``.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        parts: Sequence[str],
        wanted: Mapping[str, Collection[str]],
    ) -> None:
        for source in sources:
            source.load(wanted)
        self.sources, self.parts = sources, parts
        self._ends = np.cumsum([source.num_rows for source in sources])
        self._joined: dict[str, tuple[Rows, np.ndarray]] = {}

    def __len__(self) -> int:
        return int(self._ends[-1])

    def place(self, row: int, column: str = "") -> str:
        """The file and the line of a row, or of the table's row that a column comes from."""
        if column in self._joined and (joined := int(self._joined[column][1][row])) >= 0:
            return self._joined[column][0].place(joined)
        number = int(np.searchsorted(self._ends, row, side="right"))
        return self.sources[number].place(row - (self._ends[number - 1] if number else 0))

    def add(self, names: Iterable[str], table: "Rows", place: np.ndarray) -> None:
        """Columns of a table join those of these rows.

        Args:
            names: of the columns.
            table: its rows.
            place: ``(N,)`` for each row its row in the table; -1: it has none, and misses them.
        """
        self._joined |= dict.fromkeys(names, (table, place))

    def numbers(self, name: str) -> np.ndarray:
        """A column as numbers, ``(N,)`` float64; NaN where a value is missing."""
        if name in self._joined:
            table, place = self._joined[name]
            return np.append(table.numbers(name), np.nan)[place]
        found = [source.column(name, "number") for source in self.sources]
        return np.concatenate([column.to_numpy() for column in found])

    def categories(self, name: str) -> Codes:
        """The values of a column, numbered."""
        return canonical(number_values(self.chunks(name, "category")))

    def chunks(self, name: str, kind: str) -> pa.ChunkedArray:
        """A column over all files.

        Raises:
            ValueError: its type differs between files.
        """
        if name in self._joined:
            table, place = self._joined[name]
            return table.chunks(name, kind).take(pa.array(place, mask=place < 0))
        found = [source.column(name, kind) for source in self.sources]
        for source, column in zip(self.sources[1:], found[1:], strict=True):
            if _plain_type(column) != _plain_type(found[0]):
                raise ValueError(
                    f"{source.path}, column {name!r}: expected {_plain_type(found[0])} as in "
                    f"{self.sources[0].path}, got {_plain_type(column)}"
                )
        return pa.chunked_array([chunk for column in found for chunk in column.chunks])


def _plain_type(column: pa.ChunkedArray) -> pa.DataType:
    kind = column.type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def seconds_of(rows: Rows, time: TimeDescription) -> np.ndarray:
    """The moment of each row, ``(N,)`` float64: seconds since 1970, UTC.

    Raises:
        ValueError: a moment that is missing, not a time, or too late for the unit, with file and
            line.
    """
    column = rows.chunks(time.column, "raw")
    seconds = as_seconds(column, time)
    wrong = ~np.isfinite(seconds)
    if wrong.any():
        row = int(np.argmax(wrong))
        expected = f"a time {time.format}" if time.format else "a number or a date (ISO 8601)"
        raise ValueError(
            f"{rows.place(row, time.column)}, column {time.column!r}: expected {expected}, got "
            f"{column[row].as_py()!r}"
        )
    late = seconds > LATEST_SECOND
    if time.unit != "any" and late.any():
        row = int(np.argmax(late))
        raise ValueError(
            f"{rows.place(row, time.column)}, column {time.column!r}: expected a time in the unit "
            f"{time.unit!r}, got {column[row].as_py()!r}, after the year 5000; [time] unit says "
            "another unit: 'ms', 'us', 'ns', or 'any' for times that are only compared"
        )
    return seconds


def groups_of(rows: Rows, group: str | None) -> np.ndarray:
    """A number for each row's group, ``(N,)`` int64; all rows without a group form one."""
    if group is None:
        return np.zeros(len(rows), np.int64)
    found = rows.categories(group)
    return np.where(found.codes < 0, len(found.values), found.codes).astype(np.int64)


def further_groups_of(
    rows: Rows,
    said: Mapping[str, GroupDescription],
    users: np.ndarray,
    seconds: np.ndarray | None,
) -> dict[str, np.ndarray]:
    """The name of each group beside that of the user to a number for each row's, ``(N,)`` int64.

    Args:
        rows: the rows.
        said: how the groups are made.
        users: ``(N,)``, the group of the user.
        seconds: ``(N,)``, where there is a time; pages need it.
    """
    found = {}
    for name, one in said.items():
        if one.column is not None:
            found[name] = groups_of(rows, one.column)
            continue
        surface = np.zeros(len(rows), np.int64)
        for column in one.surface:
            values = groups_of(rows, column)
            surface = surface * (values.max() + 1) + values
        found[name] = pages(users, seconds, surface, one.gap)
    return found


def parts_of(
    rows: Rows,
    split: SplitDescription | None,
    time: TimeDescription | None,
    seconds: np.ndarray | None,
    groups: np.ndarray,
) -> dict[str, np.ndarray]:
    """Positions of the rows of train, valid and test, each in the order of the files.

    Raises:
        ValueError: a part without rows.
    """
    if split is None:
        sizes = [source.num_rows for source in rows.sources]
        part = np.repeat([PARTS.index(name) for name in rows.parts], sizes)
    elif split.by in ("random", "order"):
        order = np.arange(len(rows))
        if split.by == "random":
            order = np.random.default_rng(split.seed).permutation(len(rows))
        ends = np.rint(np.cumsum(split.ratios) * len(rows)).astype(int)
        part = np.empty(len(rows), np.int8)
        part[order] = np.searchsorted(ends[:2], np.arange(len(rows)), side="right")
    elif split.by == "time":
        assert time is not None and seconds is not None
        part = _by_time(split, time, seconds)
    else:
        assert seconds is not None
        part = _by_group(split, seconds, groups)
    found = {name: np.flatnonzero(part == number) for number, name in enumerate(PARTS)}
    empty = [name for name, one in found.items() if not len(one)]
    if empty:
        way = "" if split is None else f" by {split.by}"
        raise ValueError(f"split{way}: {len(rows)} rows are too few, {empty} would be empty")
    return found


def _by_time(split: SplitDescription, time: TimeDescription, seconds: np.ndarray) -> np.ndarray:
    if split.valid_from is not None:
        first = [moment_of(one, time) for one in (split.valid_from, split.test_from)]
        if first[0] >= first[1]:
            raise ValueError(
                f"split, test_from: expected a moment after valid_from {split.valid_from}, got "
                f"{split.test_from}"
            )
    else:
        ends = np.rint(np.cumsum(split.ratios) * len(seconds)).astype(int)
        first = list(np.sort(seconds)[np.minimum(ends[:2], len(seconds) - 1)])
    return (seconds >= first[0]).astype(np.int8) + (seconds >= first[1])


def _by_group(split: SplitDescription, seconds: np.ndarray, groups: np.ndarray) -> np.ndarray:
    order = np.lexsort((seconds, groups))  # stable: ties keep the order of the files
    _, starts, counts = np.unique(groups[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(starts, counts)
    ends = np.rint(np.multiply.outer(np.cumsum(split.ratios)[:2], counts))
    part = np.empty(len(order), np.int8)
    part[order] = sum((rank >= np.repeat(end, counts)).astype(np.int8) for end in ends)
    return part


def slices_of(rows: Rows, columns: Sequence[str], test: np.ndarray) -> dict[str, np.ndarray]:
    """``"column=value"`` to the rows of that value, ``(N,)`` bool; the most frequent in the test.

    Args:
        rows: the rows.
        columns: names of columns.
        test: positions of the test split's rows.
    """
    found = {}
    for name in columns:
        column = rows.categories(name)
        counts = np.bincount(column.codes[test] + 1, minlength=len(column.values) + 1)
        largest = np.argsort(-counts, kind="stable")[:MAX_SLICES]
        for number in largest[counts[largest] > 0]:
            value = "missing" if number == 0 else column.values[int(number) - 1].as_py()
            found[f"{name}={value}"] = column.codes == number - 1
    return found
