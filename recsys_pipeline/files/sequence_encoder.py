"""Lists of ids: the encoder of sequences, and of the moments of their ids if the file has them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recsys_lib.data.sessions import NUM_AGE_BUCKETS, age_buckets, divide
from recsys_lib.features.columns import Column, SequenceColumn
from recsys_pipeline.files.arrays import as_numbers, canonical_texts, categories_of
from recsys_pipeline.files.description import TimeDescription
from recsys_pipeline.files.times import as_seconds
from recsys_pipeline.files.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class SequenceEncoder:
    """A list of ids per row, padded with 0 at the end; unknown ids are left out.

    Args:
        source: name of the column in the file.
        column: the feature column.
        vocabulary: of its table.
        separator: between the ids, where they come as text.
        newest_first: whether lists are reversed.
        times: name of the column of the ids' moments, or None.
        time: name of the column of the row's moment.
        unit: seconds in a unit of ``times``.
        sessions: number and length of the sessions in ``session_<name>``, or None.
    """

    source: str
    column: SequenceColumn
    vocabulary: Vocabulary
    separator: str = "|"
    newest_first: bool = False
    times: str | None = None
    time: str | None = None
    unit: float = 1.0
    sessions: tuple[int, int] | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The feature columns that it fills."""
        if self.sessions is None:
            return (self.column,)
        number, length = self.sessions
        of, steps = self.column, self.column.max_length
        side_by_side = SequenceColumn(
            f"session_{of.name}",
            of.vocabulary_size,
            number * length,
            group=of.group,
            table=of.table_name,
            embedding_dim=of.embedding_dim,
            num_sessions=number,
        )
        session = SequenceColumn(f"{of.name}_session", number + 1, steps, group=of.group)
        age = SequenceColumn(f"{of.name}_age", NUM_AGE_BUCKETS, steps, group=of.group)
        return (of, side_by_side, session, age)

    def encode(self, raw: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The features of rows; see ``CategoricalEncoder``.

        Raises:
            ValueError: the numbers of moments and ids differ, or the row's moment is missing.
        """
        return self.encode_with_moments(raw).features

    def encode_with_moments(self, raw: Mapping[str, Any]) -> "Block":
        """The features, and for each the newest moment that it depends on, if there are moments.

        Args:
            raw: dict of the columns of the file; the column ``time`` in seconds.

        Raises:
            ValueError: as ``encode``.
        """
        flat, lengths = as_lists(raw[self.source], self.separator)
        ids = self.vocabulary.ids(categories_of(flat))
        moments = None
        if self.times is not None:
            texts, of_moments = as_lists(raw[self.times], self.separator)
            if not np.array_equal(lengths, of_moments):
                wrong = int(np.argmax(lengths != of_moments))
                expected = f"{lengths[wrong]} moments, one for each id"
                raise RowError(wrong, self.times, expected, of_moments[wrong])
            moments = self._seconds(texts, of_moments)
        rows = len(lengths)
        kept, row, step = self._places(ids, lengths)

        def laid_out(values: np.ndarray, padding: float) -> np.ndarray:
            laid: np.ndarray = np.full((rows, self.column.max_length), padding, values.dtype)
            laid[row, step] = values[kept]
            return laid

        laid = laid_out(ids, 0)
        unknown = np.bincount(np.repeat(np.arange(rows), lengths)[ids == 0], minlength=rows)
        counts = np.column_stack([unknown, lengths])
        if moments is None:
            return Block({self.column.name: laid}, {}, counts)
        of_ids = laid_out(moments, -np.inf)
        seconds = np.asarray(raw[str(self.time)], np.float64) if self.sessions is not None else None
        return dataclasses.replace(self.with_sessions(laid, of_ids, seconds), counts=counts)

    def with_sessions(
        self, ids: np.ndarray, moments: np.ndarray, seconds: np.ndarray | None
    ) -> "Block":
        """Lists and their moments, with sessions and ages if there are sessions.

        Args:
            ids: ``(rows, max_length)``, padded with 0 at the end.
            moments: of the ids, alike; minus infinity in padding.
            seconds: ``(rows,)`` the rows' own moments; needed for sessions.

        Raises:
            ValueError: a moment that is not before the row's own, or before the one ahead of it.
        """
        name = self.column.name
        features, as_of = {name: ids}, {name: moments}
        if self.sessions is not None:
            assert seconds is not None
            self._check_order(moments, seconds)
            laid, session = divide(ids, moments, *self.sessions)
            newest, ages = moments.max(axis=1), age_buckets(moments, seconds)
            for column, array in zip(self.columns[1:], (laid, session, ages), strict=True):
                features[column.name], as_of[column.name] = array, newest
        return Block(features, as_of)

    def _seconds(self, moments: pa.ChunkedArray, lengths: np.ndarray) -> np.ndarray:
        """Moments as numbers in ``unit``, or as a type of Arrow that says what it is."""
        if pa.types.is_temporal(moments.type):
            return as_seconds(moments, TimeDescription(str(self.times)))
        try:
            return as_numbers(moments) * self.unit
        except pa.ArrowInvalid:
            numbers = pd.to_numeric(moments.to_pandas(), errors="coerce").to_numpy(np.float64)
            place = int(np.argmax(np.isnan(numbers)))
            row = int(np.searchsorted(np.cumsum(lengths), place, side="right"))
            raise RowError(
                row, str(self.times), "moments that are numbers", repr(moments[place].as_py())
            ) from None

    def _places(self, ids: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
        """Positions in the flat list that are kept, with the row and the step of each."""
        row = np.repeat(np.arange(len(lengths)), lengths)
        known = np.flatnonzero(ids)
        row = row[known]
        counts = np.bincount(row, minlength=len(lengths))
        step = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        if self.newest_first:
            step = counts[row] - 1 - step
        if self.column.ordered:  # the last ones are kept
            step -= np.maximum(counts - self.column.max_length, 0)[row]
        kept = (step >= 0) & (step < self.column.max_length)
        return known[kept], row[kept], step[kept]

    def _check_order(self, moments: np.ndarray, seconds: np.ndarray) -> None:
        real = np.isfinite(moments)
        late = (real & (moments >= seconds[:, None])).any(axis=1)
        if late.any():
            raise RowError(
                int(np.argmax(late)), str(self.times), "moments before the row's own", "a later one"
            )
        back = (real[:, 1:] & (moments[:, 1:] < moments[:, :-1])).any(axis=1)
        if back.any():
            raise RowError(
                int(np.argmax(back)), str(self.times), "moments in order of time", "an earlier one"
            )


@dataclasses.dataclass(frozen=True)
class Block:
    """Encoded rows.

    Args:
        features: feature column to array.
        as_of: feature column to the newest moment that each row of it depends on, or to that of
            each step.
        counts: of lists, ``(rows, 2)``: how many of its ids are unknown, and how many ids it has.
    """

    features: dict[str, np.ndarray]
    as_of: dict[str, np.ndarray]
    counts: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> "Block":
        """Some of the rows, by their positions."""
        return Block(
            {name: array[rows] for name, array in self.features.items()},
            {name: array[rows] for name, array in self.as_of.items()},
            None if self.counts is None else self.counts[rows],
        )


class RowError(ValueError):
    """A wrong value in a row of a column; the caller that knows the files adds file and line.

    Args:
        row: number of the row.
        column: name of the column in the file.
        expected, got: what was expected, and what was found.
    """

    def __init__(self, row: int, column: str, expected: str, got: Any) -> None:
        super().__init__(f"row {row}, column {column!r}: expected {expected}, got {got}")
        self.row, self.column, self.expected, self.got = row, column, expected, got


def as_lists(column: Any, separator: str) -> tuple[pa.ChunkedArray, np.ndarray]:
    """All elements of the lists of a column, concatenated, and the lists' lengths.

    Raises:
        RowError: an element that is missing.
    """
    array = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([pa.array(column)])
    if pa.types.is_null(array.type):
        array = array.cast(pa.list_(pa.string()))
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        array = pc.split_pattern(pc.if_else(pc.equal(array, ""), None, array), separator)
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy().astype(np.int64)
    flat = pc.list_flatten(array)
    absent = flat.is_null()
    if pa.types.is_string(flat.type) or pa.types.is_large_string(flat.type):
        absent = canonical_texts(flat).is_null()
    if pc.any(absent).as_py():
        place = pc.index(absent, True).as_py()
        row = int(np.searchsorted(np.cumsum(lengths), place, side="right"))
        raise RowError(row, "", f"ids separated by {separator!r}", "an empty one")
    return flat, lengths
