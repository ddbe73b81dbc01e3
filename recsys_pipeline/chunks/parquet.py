"""Chunks of Parquet files whose columns hold ids, numbers and labels as models read them.

A file is divided into *row groups*, each of which can be read by itself. Ids are integers below the
column's vocabulary size, sequences are lists of them (padding is added at the end), a label that
does not exist is null. ``pyarrow`` does the reading.
"""

import hashlib
import os
import pathlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from recsys_lib.checks import check_integer
from recsys_lib.data.chunks import ROWS_PER_CHUNK
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import Column, NumericColumn, check_columns
from recsys_pipeline.chunks.reading import ReadAheadChunks


class ParquetChunks(ReadAheadChunks):
    """Row groups of one or several Parquet files.

    A chunk holds at least one row group, since a row group is read as a whole; write row groups of
    up to about a million rows.

    Args:
        paths: one file or several; a folder means its ``.parquet`` files in order of name.
        feature_columns: feature columns by the names that they have in the files.
        tasks: names of the labels' columns. Where one is null the row has no such label.
        group: name of the column with each row's group, or a dict of the groups' names to theirs;
            default: all rows are one group.
        row_id, time: names of their columns; default: rows are numbered, and have no time.
        rows_per_chunk: small row groups in sequence are read together until they have this many
            rows; default: each row group is a chunk.

    Raises:
        ValueError: a missing file or column, or no row.

    Example:
        >>> import tempfile
        >>> from recsys_lib.features import CategoricalColumn
        >>> rows = np.arange(1, 6)
        >>> split = Split({"item_id": rows}, {"click": rows % 2}, group=rows, row_id=rows)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_parquet(f"{folder}/rows.parquet", split, rows_per_group=3)
        ...     columns = [CategoricalColumn("item_id", 6)]
        ...     chunks = ParquetChunks(f"{folder}/rows.parquet", columns, ["click"], group="group")
        ...     chunks.sizes, chunks.read(1).features["item_id"].tolist()
        ((3, 2), [4, 5])
    """

    def __init__(
        self,
        paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        feature_columns: Sequence[Column],
        tasks: Iterable[str],
        *,
        group: str | Mapping[str, str] | None = None,
        row_id: str | None = None,
        time: str | None = None,
        rows_per_chunk: int | None = None,
    ) -> None:
        self.paths = _files(paths)
        self.columns = {column.name: column for column in check_columns(feature_columns)}
        self.tasks = (tasks,) if isinstance(tasks, str) else tuple(tasks)
        self._groups_in = {"user": group} if isinstance(group, str) else dict(group or {})
        self._beside = {"row_id": row_id, "time": time}
        at_least = 1
        if rows_per_chunk is not None:
            at_least = check_integer("rows_per_chunk", rows_per_chunk)
        self._groups: list[list[tuple[int, int]]] = []
        sizes: list[int] = []
        self._is_masked = dict.fromkeys(self.tasks, False)
        for number, path in enumerate(self.paths):
            file = _open(path)
            self._check_names(path, file.schema_arrow.names)
            for task in self.tasks:
                nulls = file.read(columns=[task], use_threads=False).column(0).null_count
                self._is_masked[task] |= nulls > 0
            for row_group in range(file.num_row_groups):
                rows = file.metadata.row_group(row_group).num_rows
                if not rows:
                    continue
                if not sizes or sizes[-1] >= at_least:
                    self._groups.append([])
                    sizes.append(0)
                self._groups[-1].append((number, row_group))
                sizes[-1] += rows
        if not sizes:
            raise ValueError(f"{self.paths[0]}: expected at least one row, got none")
        super().__init__(sizes)
        self._starts = np.cumsum([0, *self.sizes])

    def _check_names(self, path, names):
        beside = [name for name in self._beside.values() if name is not None]
        beside += self._groups_in.values()
        missing = [name for name in (*self.columns, *self.tasks, *beside) if name not in names]
        if missing:
            raise ValueError(f"{path}: missing columns {missing}; there are {sorted(names)}")

    def read(self, number: int, column_names: Collection[str] | None = None) -> Split:
        names = self.columns if column_names is None else column_names
        columns = [self.columns[name] for name in names]
        beside = {kind: name for kind, name in self._beside.items() if name is not None}
        wanted = dict.fromkeys([*names, *self.tasks, *beside.values(), *self._groups_in.values()])
        table = self._table(number, list(wanted))
        where = f"{self.paths[self._groups[number][0][0]]}, chunk {number}"
        num_rows, first = self.sizes[number], int(self._starts[number])
        found, groups = (
            {kind: _flat(table.column(n), f"{where}, column {n!r}") for kind, n in some.items()}
            for some in (beside, self._groups_in)
        )
        return Split(
            features={c.name: _feature(c, table.column(c.name), where) for c in columns},
            labels={task: _label(table.column(task)) for task in self.tasks},
            label_masks={
                task: _as_numpy(table.column(task).is_valid())
                for task, is_masked in self._is_masked.items()
                if is_masked
            },
            groups=groups or {"user": np.zeros(num_rows, np.int64)},
            row_id=found.get("row_id", np.arange(first, first + num_rows)),
            time=found.get("time"),
        )

    def _table(self, number, names):
        parts: dict[int, list[int]] = {}
        for file, row_group in self._groups[number]:
            parts.setdefault(file, []).append(row_group)
        # One thread, since training needs the others.
        tables = [
            _open(self.paths[file]).read_row_groups(row_groups, columns=names, use_threads=False)
            for file, row_groups in parts.items()
        ]
        return pa.concat_tables(tables, promote_options="permissive")

    def digest(self) -> str:
        found = hashlib.sha256()
        for path in self.paths:
            with open(path, "rb") as file:
                found.update(hashlib.file_digest(file, "sha256").digest())
        return found.hexdigest()


def write_parquet(
    path: str | os.PathLike[str],
    splits: Split | Iterable[Split],
    *,
    rows_per_group: int = ROWS_PER_CHUNK,
) -> None:
    """Write rows as ``ParquetChunks`` reads them, with ``group``, ``row_id`` and ``time``.

    ``group`` is the first of the groups; each further one has a column ``group_<name>``.

    Args:
        path: name of the file.
        splits: the rows; several splits may come one by one, and each begins a row group.
        rows_per_group: most rows in a row group.

    Raises:
        ValueError: two columns of one name.
    """
    writer = None
    try:
        for split in [splits] if isinstance(splits, Split) else splits:
            table = pa.table(_columns_to_write(split))
            writer = writer or pa.parquet.ParquetWriter(path, table.schema)
            writer.write_table(table.cast(writer.schema), row_group_size=rows_per_group)
    finally:
        if writer is not None:
            writer.close()


def _columns_to_write(split):
    columns = {name: _listed(values) for name, values in split.features.items()}
    absent = {task: ~mask for task, mask in split.label_masks.items()}
    beside = {
        task: pa.array(values, mask=absent.get(task)) for task, values in split.labels.items()
    }
    _, *further = split.groups
    beside |= {"group": split.group} | {f"group_{name}": split.groups[name] for name in further}
    beside |= {"row_id": split.row_id}
    beside |= {} if split.time is None else {"time": split.time}
    twice = sorted(set(columns) & set(beside))
    if twice:
        raise ValueError(f"write_parquet: expected different names for columns, got twice {twice}")
    return columns | beside


def _listed(values):
    """A matrix as lists: ids without the padding after them, all numbers."""
    if values.ndim == 1:
        return pa.array(values)
    kept = np.ones(values.shape, bool)
    if values.dtype.kind in "iu":
        kept = np.cumsum((values != 0)[:, ::-1], axis=1)[:, ::-1] > 0
    ends = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(ends, pa.array(values[kept]))


def _files(paths):
    paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    files = []
    for path in map(pathlib.Path, paths):
        found = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        if not found or not found[0].is_file():
            what = "no Parquet file in it" if path.is_dir() else "no such file"
            raise ValueError(f"{path}: {what}")
        files += found
    if not files:
        raise ValueError("paths: expected at least one file, got none")
    return files


def _open(path):
    try:
        return pa.parquet.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: not a readable Parquet file ({error})") from error


def _as_numpy(column):
    return column.combine_chunks().to_numpy(zero_copy_only=False)


def _flat(column, place):
    if column.null_count:
        raise ValueError(f"{place}: expected a value in each row, got {column.null_count} nulls")
    return _as_numpy(column)


def _label(column):
    return _as_numpy(column.fill_null(0)).astype(np.float32)


def _feature(column: Column, values: Any, where: str) -> np.ndarray:
    """A feature's array as models read it: lists become rows of a matrix, padded at the end."""
    place = f"{where}, column {column.name!r}"
    if not column.input_shape:
        return _flat(values, place)
    lengths = _as_numpy(pc.list_value_length(values).fill_null(0)).astype(np.int64)
    width = column.input_shape[0]
    if isinstance(column, NumericColumn) and (lengths != width).any():
        row = int(np.flatnonzero(lengths != width)[0])
        raise ValueError(f"{place}: expected {width} numbers, got {lengths[row]} in row {row}")
    if (lengths > width).any():
        row = int(np.flatnonzero(lengths > width)[0])
        raise ValueError(f"{place}: expected {width} ids at most, got {lengths[row]} in row {row}")
    flat = _flat(pc.list_flatten(values), place)
    matrix = np.zeros((len(lengths), width), flat.dtype)
    matrix[np.arange(width) < lengths[:, None]] = flat
    return matrix
