"""A cache that is written chunk by chunk and read chunk by chunk, mapped into memory.

If the rows do not fit into memory, write them with ``FolderWriter``, a chunk at a time, and train
on the data set that ``open_folder`` returns. The folder is a cache as
``recsys_pipeline.chunks.cache`` describes it, so ``open_folder`` also reads data that were encoded
from files. Pages that were read belong to the files, so the operating system frees them when it
needs memory.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recsys_lib.data.chunks import ROWS_PER_CHUNK, ChunkedDataset
from recsys_lib.data.dataset import check_as_of, check_features, check_kinds, check_rows
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import Column, NumericColumn, check_columns
from recsys_pipeline.chunks import cache
from recsys_pipeline.chunks.reading import ArrayChunks


class FolderWriter:
    """Writes a data set chunk by chunk; the folder appears once all chunks are written.

    Args:
        folder: of the cache; an older cache there is replaced.
        name: of the data set.
        feature_columns: tuple of columns.
        tasks: task name to ``"binary"`` or ``"regression"``.

    Raises:
        ValueError: a folder with other files; at the end, a split without rows.

    Example:
        >>> import tempfile
        >>> from recsys_lib.data import simulator
        >>> world = simulator.second_order(num_rows=500, num_valid_rows=200, num_test_rows=200)
        >>> with tempfile.TemporaryDirectory() as parent:
        ...     folder = f"{parent}/world"
        ...     with FolderWriter(folder, "world", world.feature_columns, world.tasks) as writer:
        ...         for name, split in world.splits.items():
        ...             writer.add(name, split)
        ...     open_folder(folder, rows_per_chunk=300).train.sizes
        (300, 200)
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        name: str,
        feature_columns: Sequence[Column],
        tasks: Mapping[str, str],
    ) -> None:
        self.name, self.feature_columns = name, check_columns(feature_columns)
        self.tasks = dict(tasks)
        check_kinds(self.tasks)
        self._writing = cache.writing(folder)
        self._arrays: dict[str, dict[cache.Name, cache.Growing]] = {
            split: {} for split in cache.SPLITS
        }
        self._num_chunks = dict.fromkeys(cache.SPLITS, 0)

    def __enter__(self) -> "FolderWriter":
        self._cache = self._writing.__enter__()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool | None:
        try:
            for arrays in self._arrays.values():
                for array in arrays.values():
                    array.close()
            if kind is None:
                self._finish()
        except BaseException as failed:
            self._writing.__exit__(type(failed), failed, failed.__traceback__)
            raise
        return self._writing.__exit__(kind, error, trace)

    def _finish(self):
        empty = [split for split, number in self._num_chunks.items() if not number]
        if empty:
            raise ValueError(f"{self.name}: expected at least one chunk of {empty}, got none")
        for split, arrays in self._arrays.items():
            for (kind, name), array in arrays.items():
                self._cache.register(split, kind, name, array.file_name, array.num_rows)
        # There is no source that could be read again to see whether it has changed.
        self._cache.finish("written in chunks", self.name, self.feature_columns, self.tasks, {})

    def add(self, split_name: str, split: Split) -> None:
        """Write one more chunk.

        Args:
            split_name: ``"train"``, ``"valid"`` or ``"test"``.
            split: its rows; all chunks of a split hold the same arrays.

        Raises:
            ValueError: as ``Dataset``, naming the chunk; arrays that differ from the first chunk's.
        """
        if split_name not in cache.SPLITS:
            raise ValueError(f"split: expected one of {cache.SPLITS}, got {split_name!r}")
        number, files = self._num_chunks[split_name], self._arrays[split_name]
        where = f"{split_name}, chunk {number}"
        num_rows = check_features(self.feature_columns, split.features, where)
        if num_rows == 0:
            raise ValueError(f"{where}: expected at least one row, got none")
        check_rows(self.tasks, split, num_rows, where)
        check_as_of(where, split)
        arrays = _arrays_of(split, self.feature_columns)
        if number == 0:
            for name, values in arrays.items():
                file_name = self._cache.place(split_name, *name)
                files[name] = cache.Growing(self._cache.folder, file_name, values)
        expected = {name: (file.dtype, file.shape) for name, file in files.items()}
        got = {name: (values.dtype, values.shape[1:]) for name, values in arrays.items()}
        if got != expected:
            others = {name for name in {*got, *expected} if got.get(name) != expected.get(name)}
            raise ValueError(
                f"{where}: expected the arrays of the first chunk, these differ: "
                f"{sorted(map(str, others))}"
            )
        for name, values in arrays.items():
            files[name].append(values)
        self._num_chunks[split_name] += 1


def open_folder(
    folder: str | os.PathLike[str], rows_per_chunk: int = ROWS_PER_CHUNK
) -> ChunkedDataset:
    """The data set of a cache, in chunks whose arrays are mapped into memory.

    Args:
        folder: where ``FolderWriter``, or the reader of files, wrote it.
        rows_per_chunk: rows of a chunk.

    Returns:
        ``ChunkedDataset``; validation and test rows are in chunks too.

    Raises:
        ValueError: the folder holds no data set, or an incomplete one.
    """
    found = cache.read(folder)
    if found is None:
        raise ValueError(f"{folder}: expected a complete data set, got none")
    splits = {name: ArrayChunks(split, rows_per_chunk) for name, split in found.splits.items()}
    return ChunkedDataset(found.name, found.columns, **splits, tasks=found.tasks)


def _arrays_of(split: Split, columns: Sequence[Column]) -> dict[cache.Name, np.ndarray]:
    """All arrays of a split, of the types that a cache has."""
    arrays = {name: one for name, one in cache.arrays_of(split).items() if name[0] != "features"}
    for column in columns:
        kind = "float32" if isinstance(column, NumericColumn) else "int32"
        arrays["features", column.name] = split.features[column.name].astype(kind, copy=False)
    for name, values in arrays.items():
        if name[0] in (*cache.ALONE, "groups"):
            kind = "float64" if name[0] == "time" else "int64"
            arrays[name] = values.astype(kind, copy=False)
    return arrays
