"""Profiles of columns over all rows of a log, in memory that does not grow with the log.

Counts, ranges and missing values are those of all rows. Sets of values are kept as samples of their
hashes, the smallest ones: the same values are in the samples of all columns, so that two columns
can be compared, and a value that is in the sample is known with all its rows. Whatever needs rows
side by side is computed on a random sample of whole rows.
"""

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.export.fields import BLANKS
from recsys_pipeline.files.arrays import Codes, as_categories, canonical, number_values, numbers_in
from recsys_pipeline.files.parquet import fits, is_list

MOST_HASHES = 1 << 17
"""A set of values is exact up to this size; above, it is estimated within half a percent."""

SAMPLE_BYTES = 1 << 26
"""Size of the random sample of rows; a smaller log is kept whole."""

OWNER_CELLS = 1 << 21
"""Ids of a user or an item that are followed through the log, times columns."""

MANY = 64
"""A column of at most so many values lists them."""

MIN_DIFFERENT = 10
"""A column is compared with its owner if chance alone would make this many rows differ."""

MOSTLY_ONE = 0.05
"""An owner has one value if its rows differ at most this often, in parts of what chance gives."""

MIN_ROWS = 20
"""A column with fewer rows or values tells too little."""

UNIQUE_SHARE = 0.95
"""A column with more values per row than this identifies the row."""

MOSTLY = 0.5

JOINED = "\x1f"


class Values:
    """A set of values: all of their hashes, or the smallest ones of very many."""

    def __init__(self) -> None:
        self.hashes = np.empty(0, np.uint64)
        self.border = np.uint64(np.iinfo(np.uint64).max)

    def add(self, hashes: np.ndarray) -> None:
        """Add values, given by ``hashes_of``; some may be there already."""
        new = np.unique(hashes[hashes <= self.border])
        new = new[~_are_in(new, self.hashes)]
        if len(new):
            self.hashes = np.sort(np.concatenate([self.hashes, new]))
        if len(self.hashes) > MOST_HASHES:
            self.hashes = self.hashes[:MOST_HASHES]
            self.border = self.hashes[-1]

    @property
    def is_exact(self) -> bool:
        """Whether all values are in the sample."""
        return len(self.hashes) < MOST_HASHES

    def __len__(self) -> int:
        """The number of values, estimated where it is not exact."""
        if self.is_exact:
            return len(self.hashes)
        return round((MOST_HASHES - 1) / (float(self.border) / 2.0**64))

    def share_in(self, other: "Values") -> float:
        """The share of these values that are values of another set as well."""
        mine = self.hashes[self.hashes <= other.border]
        return float(_are_in(mine, other.hashes).mean()) if len(mine) else 0.0


def _are_in(values: np.ndarray, sorted_values: np.ndarray) -> np.ndarray:
    if not len(sorted_values):
        return np.zeros(len(values), bool)
    place = np.searchsorted(sorted_values, values)
    return np.asarray(sorted_values[np.minimum(place, len(sorted_values) - 1)] == values)


def hashes_of(texts: pa.Array) -> np.ndarray:
    """``(N,)`` uint64 hashes of texts, never 0."""
    values = texts.to_numpy(zero_copy_only=False)
    return np.maximum(pd.util.hash_array(values, categorize=False), np.uint64(1))


def is_readable(kind: pa.DataType) -> bool:
    """Whether training can read a column of this Arrow type, as a value or as a list of ids."""
    kind = kind.value_type if is_list(kind) else kind
    return fits(kind, "category") and not pa.types.is_null(kind)


def ids_of(values: pa.ChunkedArray) -> Codes:
    """The values of a column as ids are read, numbered; those of a list are joined to one text."""
    if is_list(values.type):
        texts = values.cast(pa.list_(pa.string()))
        values = pc.binary_join(texts, JOINED)
    found = number_values(as_categories(values))
    return canonical(Codes(found.codes, found.values.cast(pa.string())))


@dataclasses.dataclass
class Profile:
    """A column over all rows.

    Args:
        name: in the file.
        kind: Arrow type.
        rows, missing: numbers of rows.
        padded: rows with blanks around the value.
        ids: its values.
        few: its values as texts, if they are at most ``MANY``; else None.
        not_numbers: rows with a value that is no number.
        no_number: one of these values.
        low, high: smallest and largest number.
        is_whole: whether its numbers are all whole.
        sample: its values on the sample of rows, unconverted.
    """

    name: str
    kind: pa.DataType
    rows: int = 0
    missing: int = 0
    padded: int = 0
    ids: Values = dataclasses.field(default_factory=Values)
    few: set[str] | None = dataclasses.field(default_factory=set)
    not_numbers: int = 0
    no_number: str = ""
    low: float = np.inf
    high: float = -np.inf
    is_whole: bool = True
    sample: pa.ChunkedArray = dataclasses.field(default_factory=lambda: pa.chunked_array([[""]]))

    def add(self, values: pa.Array) -> np.ndarray:
        """Add rows; returns a hash of each row's value, ``(N,)`` uint64, 0 where it is missing."""
        self.rows += len(values)
        if not is_readable(self.kind):
            self.missing += values.null_count
            return np.zeros(len(values), np.uint64)
        column = pa.chunked_array([values])
        if pa.types.is_string(self.kind):
            self.padded += _padded(column)
        found = ids_of(column)
        rows = np.bincount(found.codes + 1, minlength=len(found.values) + 1)
        self.missing += int(rows[0])
        known = found.values.drop_null()
        if self.few is not None:
            self.few = self.few.union(known.slice(0, MANY + 1).to_pylist())
            self.few = self.few if len(self.few) <= MANY else None
        if not is_list(self.kind) and self.not_numbers <= self.rows / 2:
            self._add_numbers(found.values, rows[1:])
        hashes = np.append(hashes_of(found.values), np.uint64(0))
        self.ids.add(hashes[:-1])
        return np.asarray(hashes[found.codes])

    def _add_numbers(self, texts: pa.Array, rows: np.ndarray) -> None:
        numbers = numbers_in(texts)
        wrong = np.isnan(numbers) & (rows > 0)
        if wrong.any():
            self.not_numbers += int(rows[wrong].sum())
            self.no_number = self.no_number or texts[int(np.argmax(wrong))].as_py()
        numbers = numbers[~np.isnan(numbers)]
        if len(numbers):
            self.low = min(self.low, float(numbers.min()))
            self.high = max(self.high, float(numbers.max()))
            self.is_whole &= bool((numbers == np.floor(numbers)).all())

    @property
    def distinct(self) -> int:
        """The number of its values."""
        return len(self.ids)

    @property
    def is_number(self) -> bool:
        """Whether all its values are numbers."""
        is_one_value = not (is_list(self.kind) or pa.types.is_temporal(self.kind))
        return is_one_value and bool(np.isfinite(self.low)) and self.not_numbers == 0

    @functools.cached_property
    def codes(self) -> Codes:
        """The values on the sample of rows, as ids."""
        return ids_of(self.sample)

    @functools.cached_property
    def numbers(self) -> np.ndarray:
        """The numbers on the sample of rows, ``(N,)`` float64; NaN: missing."""
        return np.append(numbers_in(self.codes.values), np.nan)[self.codes.codes]

    @functools.cached_property
    def chance(self) -> float:
        """The probability that two rows with a value have the same one."""
        rows = np.bincount(self.codes.codes[self.codes.codes >= 0]).astype(float)
        total = rows.sum()
        return float((rows * (rows - 1)).sum() / (total * (total - 1))) if total > 1 else 1.0


def profile_of(name: str, values: Iterable[Any]) -> Profile:
    """The profile of values that are at hand, such as a vocabulary's; None is left out."""
    texts = pa.array([str(value) for value in values if value is not None], pa.string())
    found = Profile(name, pa.string(), sample=pa.chunked_array([texts]))
    found.add(texts)
    return found


def _padded(values: pa.ChunkedArray) -> int:
    return pc.sum(pc.not_equal(pc.utf8_trim(values, BLANKS), values)).as_py() or 0


class Owner:
    """Whether other columns depend on an id alone: how often its rows repeat its first value.

    Args:
        name: of the column of the id.
        others: names of the other columns.
    """

    def __init__(self, name: str, others: Sequence[str]) -> None:
        self.name, self.others = name, list(others)
        self._most = max(OWNER_CELLS // max(len(others), 1), 1000)
        self._border = np.uint64(np.iinfo(np.uint64).max)
        self._ids = np.empty(0, np.uint64)
        self._first = np.zeros((len(others), 0), np.uint64)
        self.compared, self.repeated = (np.zeros(len(others), np.int64) for _ in range(2))

    def add(self, hashes: Mapping[str, np.ndarray]) -> None:
        """Add rows: the hashes of all columns, as ``Profile.add`` returned them."""
        own = hashes[self.name]
        rows = np.flatnonzero((own > 0) & (own <= self._border))
        self._follow(np.unique(own[rows]))
        rows = rows[own[rows] <= self._border]
        place = np.searchsorted(self._ids, own[rows])
        for number, name in enumerate(self.others):
            values = hashes[name][rows]
            known = values > 0
            where, values = place[known], values[known]
            first = self._first[number]
            new = first[where] == 0
            # In reverse: of several rows of a new id the first one counts.
            first[where[new][::-1]] = values[new][::-1]
            num_new = len(np.unique(where[new]))
            self.compared[number] += len(values) - num_new
            self.repeated[number] += int((first[where] == values).sum()) - num_new

    def _follow(self, ids: np.ndarray) -> None:
        new = ids[~_are_in(ids, self._ids)]
        if not len(new):
            return
        joined = np.sort(np.concatenate([self._ids, new]))
        if len(joined) > self._most:
            joined = joined[: self._most]
            self._border = joined[-1]
        kept = self._ids <= self._border
        first = np.zeros((len(self.others), len(joined)), np.uint64)
        first[:, np.searchsorted(joined, self._ids[kept])] = self._first[:, kept]
        self._ids, self._first = joined, first

    def share(self, column: Profile) -> float | None:
        """The share of rows that repeat their id's first value; None if they tell nothing."""
        number = self.others.index(column.name)
        compared = int(self.compared[number])
        if not compared or compared * (1 - column.chance) < MIN_DIFFERENT:
            return None
        return float(self.repeated[number]) / compared

    def owns(self, column: Profile) -> bool:
        """Whether the id has one value of the column, or nearly, and not by chance."""
        share = self.share(column)
        return share is not None and 1 - share <= MOSTLY_ONE * (1 - column.chance)


class RowSample:
    """A random sample of rows: all of them, until they have ``SAMPLE_BYTES``."""

    def __init__(self) -> None:
        self._draws = np.random.default_rng(0)
        self._border = 1.0
        self._kept: list[tuple[np.ndarray, pa.RecordBatch]] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        self._kept.append((self._draws.random(batch.num_rows), batch))
        if self._border < 1:
            self._kept[-1] = self._thinned(*self._kept[-1])
        while sum(rows.nbytes for _, rows in self._kept) > SAMPLE_BYTES:
            self._border /= 2
            self._kept = [self._thinned(*one) for one in self._kept]

    def _thinned(self, draws: np.ndarray, batch: pa.RecordBatch) -> tuple:
        keep = draws < self._border
        return draws[keep], batch.filter(pa.array(keep))

    def table(self) -> pa.Table:
        """The rows that were kept, in the order of the files."""
        return pa.Table.from_batches([batch for _, batch in self._kept])


def profile(
    batches: Iterable[pa.RecordBatch], keys: Sequence[str]
) -> tuple[dict[str, Profile], dict[str, Owner]]:
    """The profiles of all columns.

    Args:
        batches: the rows, see ``Batches.read``.
        keys: columns of ids that others may depend on.

    Returns:
        Dict of column to ``Profile``, and of key to ``Owner``.

    Example:
        >>> rows = {"item": ["a", "b", "a"] * 20, "price": [1, 2, 1] * 20, "tab": [0, 1] * 30}
        >>> columns, owners = profile([pa.record_batch(rows)], ["item"])
        >>> columns["price"].distinct, columns["price"].high
        (2, 2.0)
        >>> [name for name in ("price", "tab") if owners["item"].owns(columns[name])]
        ['price']
    """
    found: dict[str, Profile] = {}
    owners: dict[str, Owner] = {}
    sample = RowSample()
    for batch in batches:
        if not found:
            found = {field.name: Profile(field.name, field.type) for field in batch.schema}
            names = list(found)
            owners = {key: Owner(key, [name for name in names if name != key]) for key in keys}
        hashes = {name: one.add(batch.column(name)) for name, one in found.items()}
        for owner in owners.values():
            owner.add(hashes)
        readable = [name for name, one in found.items() if is_readable(one.kind)]
        sample.add(batch.select(readable))
    rows = sample.table()
    for name in rows.column_names:
        found[name].sample = rows.column(name)
    return found, owners
