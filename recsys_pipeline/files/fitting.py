"""Fit the encoders of a data set to its training rows, one table or column at a time."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_pipeline.files.arrays import Codes, canonical, categories_of, number_values
from recsys_pipeline.files.description import ColumnDescription, Description, task_name
from recsys_pipeline.files.encoders import (
    BinEncoder,
    CategoricalEncoder,
    Encoder,
    NumericEncoder,
    logarithm,
)
from recsys_pipeline.files.histories import Happened, MadeLists
from recsys_pipeline.files.rows import Rows
from recsys_pipeline.files.sequence_encoder import Block, RowError, SequenceEncoder, as_lists
from recsys_pipeline.files.times import SECONDS
from recsys_pipeline.files.vocabulary import Vocabulary, fit_vocabulary


@dataclasses.dataclass(frozen=True)
class Encoded:
    """One column, fitted and encoded.

    Args:
        encoder: of the column.
        block: its features, of all rows.
    """

    encoder: Encoder
    block: Block

    def blocks(self, positions: np.ndarray) -> Iterator[Block]:
        """The features of some rows, in one block."""
        yield self.block.take(positions)


def encode(
    description: Description,
    columns: Mapping[str, ColumnDescription],
    rows: Rows,
    train: np.ndarray,
    seconds: np.ndarray | None,
    left_out: dict[str, str],
    when: Happened | None = None,
) -> Iterator[Encoded | MadeLists]:
    """Fit and encode every column; only one encoded column is in memory at a time.

    A list that is made from the log is encoded block by block, when its blocks are asked for.

    Args:
        description: of the data set.
        columns: what ``resolve`` returned.
        rows: all rows.
        train: positions of the training rows.
        seconds: the rows' moments, or None.
        left_out: is filled with the columns that carry no information, and the reason.
        when: what happened, if lists are made from it.

    Yields:
        ``Encoded`` or ``MadeLists``: first the columns of numbers, then the others table by table.

    Raises:
        ValueError: a list that is broken, with its line.
    """
    tables: dict[str, dict[str, ColumnDescription]] = {}
    for name, column in columns.items():
        if column.kind == "numeric":
            encoder = _fit_number(name, column, rows.numbers(name)[train], left_out)
            if encoder is not None:
                features = encoder.encode({name: rows.numbers(name)})
                yield Encoded(encoder, Block(features, {}))
        else:
            tables.setdefault(task_name(column.table or name), {})[name] = column
    for members in tables.values():
        vocabulary, kept = _fit_table(members, rows, train, left_out)
        items: dict[str, np.ndarray] = {}  # of lists that are made
        wanted = {column.history.item for column in kept.values() if column.history is not None}
        for name, column in kept.items():
            assert vocabulary is not None
            if column.history is None:
                encoded = _encode_ids(description, name, column, vocabulary, rows, seconds)
                if name in wanted:
                    items[name] = encoded.block.features[task_name(name)]
                yield encoded
            else:
                assert when is not None
                of_lists = _encoder_of_lists(description, name, column, vocabulary)
                ids = items[str(column.history.item)]
                yield MadeLists(of_lists, column.history, rows, ids, when)


def _fit_number(
    name: str, column: ColumnDescription, known: np.ndarray, left_out: dict[str, str]
) -> NumericEncoder | BinEncoder | None:
    missing = bool(np.isnan(known).any())
    tells_missing = missing and column.missing == "own"
    known = known[~np.isnan(known)]
    short = task_name(name)
    if not len(known) or (np.ptp(known) == 0 and not tells_missing):
        shown = f"{known[0]:g}" if len(known) else "missing"
        left_out[short] = f"one value on all training rows: {shown}"
        return None
    if column.scaling == "bins":
        edges = column.edges or _quantiles(known, column.num_bins or 2)
        bins = len(edges) + 1
        feature = ids_column(name, column, bins + 1 + tells_missing)
        return BinEncoder(name, feature, edges, bins + 1 if tells_missing else 0)
    mean, spread = 0.0, 1.0
    if column.scaling != "none":
        scaled = logarithm(known) if column.scaling == "log" else known
        mean, spread = float(scaled.mean()), float(scaled.std()) or 1.0
    feature_column = NumericColumn(short, group=column.group)
    return NumericEncoder(
        name, feature_column, column.scaling == "log", mean, spread, tells_missing
    )


def _quantiles(known: np.ndarray, num_bins: int) -> tuple[float, ...]:
    """Edges between bins of equally many rows; repeated values make fewer bins."""
    # Edges are values that occur, so that no bin is empty: it holds at least its lower edge.
    shares = np.arange(1, num_bins) / num_bins
    edges = np.unique(np.quantile(known, shares, method="higher"))
    edges = edges[edges > known.min()]
    if not len(edges):
        above = known[known > known.min()]
        edges = np.array([above.min() if len(above) else known.min()])
    return tuple(float(edge) for edge in edges)


def _fit_table(
    members: Mapping[str, ColumnDescription],
    rows: Rows,
    train: np.ndarray,
    left_out: dict[str, str],
) -> tuple[Vocabulary | None, dict[str, ColumnDescription]]:
    """The vocabulary of a table, and its columns that have more than one value."""
    min_count = next(iter(members.values())).min_count
    streams, kept = [], {}
    for name, column in members.items():
        if column.history is not None:
            continue  # its ids are those of the items
        codes = _training_codes(rows, name, column, train)
        used = np.unique(codes.codes)
        if column.kind == "categorical" and len(used) < 2:
            value = "missing" if used[0] < 0 else codes.values[int(used[0])].as_py()
            left_out[task_name(name)] = f"one value on all training rows: {value}"
        elif not len(used):
            left_out[task_name(name)] = "no id on any training row"
        else:
            streams.append((codes, column.kind == "categorical" and column.missing == "own"))
            kept[name] = column
    vocabulary = fit_vocabulary(streams, min_count) if streams else None
    if vocabulary is not None and not len(vocabulary):
        for name in kept:
            left_out[task_name(name)] = f"no value has {min_count} training rows"
        kept = {}
    for name, column in members.items():
        if column.history is not None and column.history.item in kept:
            kept[name] = column
        elif column.history is not None:
            left_out[name] = f"its items, {column.history.item}, are left out"
    return vocabulary, kept


def _training_codes(rows: Rows, name: str, column: ColumnDescription, train: np.ndarray) -> Codes:
    if column.kind == "categorical":
        found = rows.categories(name)
        return Codes(found.codes[train], found.values)
    with _placed(rows, name):
        flat, lengths = as_lists(rows.chunks(name, "list"), column.separator)
    found = canonical(number_values(categories_of(flat)))
    is_train = np.zeros(len(lengths), bool)
    is_train[train] = True
    return Codes(found.codes[np.repeat(is_train, lengths)], found.values)


def _encode_ids(
    description: Description,
    name: str,
    column: ColumnDescription,
    vocabulary: Vocabulary,
    rows: Rows,
    seconds: np.ndarray | None,
) -> Encoded:
    if column.kind == "categorical":
        feature = ids_column(name, column, len(vocabulary) + 1)
        encoder = CategoricalEncoder(name, feature, vocabulary)
        return Encoded(encoder, Block(encoder.encode({name: rows.chunks(name, "category")}), {}))
    encoder_of_lists = _encoder_of_lists(description, name, column, vocabulary)
    raw: dict[str, Any] = {name: rows.chunks(name, "list")}
    if column.times is not None:
        raw[column.times] = rows.chunks(column.times, "list")
    if encoder_of_lists.time is not None:
        raw[encoder_of_lists.time] = seconds
    with _placed(rows, name):
        block = encoder_of_lists.encode_with_moments(raw)
    if description.time is None:
        block = dataclasses.replace(block, as_of={})
    return Encoded(encoder_of_lists, block)


def _encoder_of_lists(
    description: Description, name: str, column: ColumnDescription, vocabulary: Vocabulary
) -> SequenceEncoder:
    time, times = description.time, column.times
    if column.sessions is not None and time is None:
        raise ValueError(f"column {name!r}, sessions: they need [time], the rows' own moment")
    if column.history is not None and column.sessions is not None:
        times = f"{name}_times"  # as a request calls them
    return SequenceEncoder(
        name,
        ids_column(name, column, len(vocabulary) + 1),
        vocabulary,
        column.separator,
        column.newest_first,
        times,
        time.column if time is not None and column.sessions is not None else None,
        SECONDS[time.unit] if time is not None else 1.0,
        column.sessions,
    )


def ids_column(name: str, column: ColumnDescription, vocabulary_size: int) -> Any:
    """The feature column of ids or bins, a ``CategoricalColumn``, or of a list of ids.

    Args:
        name: in the file.
        column: its description.
        vocabulary_size: number of ids, 0 among them.
    """
    short, table = task_name(name), task_name(column.table or name)
    shared: dict[str, Any] = {"group": column.group, "embedding_dim": column.embedding_dim}
    shared |= {"table": table} if table != short else {}
    if column.kind != "sequence":
        return CategoricalColumn(short, vocabulary_size, **shared)
    assert column.max_length is not None
    shared |= {"combiner": column.combiner, "ordered": column.ordered}
    return SequenceColumn(short, vocabulary_size, column.max_length, **shared)


@contextlib.contextmanager
def _placed(rows: Rows, name: str) -> Iterator[None]:
    """Add file and line to a ``RowError``."""
    try:
        yield
    except RowError as error:
        column = error.column or name
        raise ValueError(
            f"{rows.place(error.row, column)}, column {column!r}: expected {error.expected}, got "
            f"{error.got}"
        ) from None
