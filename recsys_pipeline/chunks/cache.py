"""Encoded data on disk, in the form in which models read them; they are mapped into memory.

A cache is one folder. Each array of each split is one ``.npy`` file, with the rows in the order of
the split; ``cache.json`` lists the files:

    cache.json                        written last
    train/features.user_id.npy        (rows,) int32, as the column's ``input_shape`` says
    train/features.history.npy        (rows, max_length) int32, 0 after the last id
    train/features.price.npy          (rows,) float32
    train/labels.click.npy            (rows,) float32; 0 where there is no label
    train/label_masks.watch.npy       (rows,) bool; only of tasks that have a mask
    train/slices.0.npy                (rows,) bool
    train/as_of.history.npy           (rows,) or (rows, max_length) float64
    train/group.npy                   (rows,) int64; or, where there are further groups,
    train/groups.user.npy             (rows,) int64, one file for each
    train/row_id.npy                  (rows,) int64
    train/time.npy                    (rows,) float64; only where there is a time
    valid/...  test/...               the same files

``cache.json`` is one object:

    format        3; another number is another layout
    checksum      of everything that the arrays depend on (see ``checksum_of``)
    name          of the data set
    columns       list of ``column_to_config`` of the feature columns, in order
    tasks         task to kind
    splits        "train", "valid", "test": {"rows": N, "arrays": [
                      {"kind": "features", "name": "user_id", "file": "train/features.user_id.npy",
                       "bytes": ...}, ...]}; ``kind`` is a field of ``Split``, ``name`` its key, or
                      null for ``group``, ``row_id`` and ``time``
    details       what else the writer stored: vocabularies, encoders, warnings

File names are those of columns and tasks where these are plain; readers take them from
``cache.json``. A cache is written into a temporary folder beside its own, which is renamed when it
is complete, so that a process that dies leaves no cache that could be read. A file whose size
differs from what ``cache.json`` says is not read either. ``row_id`` and ``group`` of different
splits come from one numbering.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from recsys_lib.data.splits import ARRAYS_BY_NAME, Split
from recsys_lib.features.columns import column_from_config, column_to_config

FORMAT = 3
NOTE = "cache.json"
SPLITS = ("train", "valid", "test")
ALONE = ("group", "row_id", "time")
"""Fields of ``Split`` that hold one array, and not a dict of arrays."""

Name = tuple[str, str | None]
"""How an array is named: the field of ``Split``, and its key there, None for those of ``ALONE``."""

_PLAIN = re.compile(r"[a-z0-9_]{1,80}\Z")


@dataclasses.dataclass(frozen=True)
class Cached:
    """What ``read`` found.

    Args:
        name: of the data set.
        columns: its feature columns.
        tasks: task name to kind.
        splits: split name to ``Split`` whose arrays are mapped, not read.
        details: what the writer stored beside them.
    """

    name: str
    columns: tuple
    tasks: dict[str, str]
    splits: dict[str, Split]
    details: dict[str, Any]


def checksum_of(paths: Iterable[str | os.PathLike[str]], *others: Any) -> str:
    """A checksum of the contents of files, their order, and anything that JSON can hold.

    Args:
        paths: files; their names do not count.
        *others: anything else that the result depends on.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> checksum_of([], {"seed": 0}) == checksum_of([], {"seed": 1})
        False
    """
    total = hashlib.sha256(json.dumps([FORMAT, *others], sort_keys=True).encode())
    for path in paths:
        with open(path, "rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


class Writer:
    """Writes the arrays of a cache one after the other; see ``writing``.

    Args:
        folder: an empty folder.
        beside: a folder on the same disk for whatever is needed meanwhile; it is deleted.
    """

    def __init__(self, folder: Path, beside: Path) -> None:
        self.folder, self.beside = folder, beside
        self._arrays: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
        self._rows: dict[str, int] = {}
        for split in SPLITS:
            (folder / split).mkdir()

    def write(self, split: str, blocks: Iterable[Mapping[Name, np.ndarray]]) -> None:
        """Write some arrays, block by block; one block at a time is in memory.

        Args:
            split: name of the split.
            blocks: dicts of all these arrays, each with further rows.

        Raises:
            ValueError: another number of rows than the arrays of this split before.
        """
        files: dict[Name, Growing] = {}
        with contextlib.ExitStack() as stack:
            for block in blocks:
                for name, array in block.items():
                    if name not in files:
                        file = Growing(self.folder, self.place(split, *name), array)
                        files[name] = stack.enter_context(contextlib.closing(file))
                    files[name].append(array)
        for name, file in files.items():
            self.register(split, *name, file.file_name, file.num_rows)

    def place(self, split: str, kind: str, name: str | None) -> str:
        """The name of the file that an array will have, relative to the folder."""
        number = sum(one["kind"] == kind for one in self._arrays[split])
        stem = kind if name is None else f"{kind}.{name if _PLAIN.match(name) else number}"
        file = f"{split}/{stem}.npy"
        while (self.folder / file).exists():  # the name is the number of another array
            file = f"{split}/{kind}.number.{number}.npy"
            number += 1
        return file

    def register(self, split: str, kind: str, name: str | None, file: str, num_rows: int) -> None:
        """Note an array whose file is in the folder.

        Raises:
            ValueError: another number of rows than the arrays of this split before.
        """
        rows = self._rows.setdefault(split, num_rows)
        if num_rows != rows:
            raise ValueError(f"{split}, {kind}[{name!r}]: expected {rows} rows, got {num_rows}")
        size = (self.folder / file).stat().st_size
        self._arrays[split].append({"kind": kind, "name": name, "file": file, "bytes": size})

    def splits(self) -> dict[str, Split]:
        """The splits that have been written, mapped into memory."""
        return {split: _split(self.folder, self._note(split)) for split in SPLITS}

    def _note(self, split: str) -> dict[str, Any]:
        return {"rows": self._rows[split], "arrays": self._arrays[split]}

    def finish(
        self,
        checksum: str,
        name: str,
        columns: Iterable[Any],
        tasks: Mapping[str, str],
        details: Mapping[str, Any],
    ) -> None:
        """Write ``cache.json``.

        Args:
            checksum: see ``checksum_of``.
            name, columns, tasks: of the data set.
            details: anything that JSON can hold; ``read`` returns it.
        """
        note = {
            "format": FORMAT,
            "checksum": checksum,
            "name": name,
            "columns": [column_to_config(column) for column in columns],
            "tasks": dict(tasks),
            "splits": {split: self._note(split) for split in SPLITS},
            "details": details,
        }
        (self.folder / NOTE).write_text(json.dumps(note), encoding="utf-8")


class Growing:
    """A file in NumPy's format to which rows are appended; its header is rewritten at the end.

    Args:
        folder, file_name: of the file.
        values: rows of it, of which type and shape are read.
    """

    def __init__(self, folder: Path, file_name: str, values: np.ndarray) -> None:
        self.file_name, self.shape, self.dtype = file_name, values.shape[1:], values.dtype
        self.num_rows = 0
        self._file: BinaryIO = open(folder / file_name, "wb")
        self._write_header()
        self._header = self._file.tell()

    def append(self, values: np.ndarray) -> None:
        """Write further rows."""
        np.ascontiguousarray(values).tofile(self._file)
        self.num_rows += len(values)

    def _write_header(self) -> None:
        # NumPy leaves room for a first axis that grows.
        described = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (self.num_rows, *self.shape),
        }
        np.lib.format.write_array_header_1_0(self._file, described)

    def close(self) -> None:
        """Write how many rows there are, and close the file."""
        self._file.seek(0)
        self._write_header()
        assert self._file.tell() == self._header, f"{self.file_name}: the header outgrew its room"
        self._file.close()


def arrays_of_groups(groups: Mapping[str, np.ndarray]) -> dict[Name, np.ndarray]:
    """The groups of a split by the names of their arrays: users alone are ``group``."""
    if list(groups) == ["user"]:
        return {("group", None): groups["user"]}
    return {("groups", name): values for name, values in groups.items()}


def arrays_of(split: Split) -> dict[Name, np.ndarray]:
    """All arrays of a split, by their names."""
    found: dict[Name, np.ndarray] = {
        (kind, name): values
        for kind in ARRAYS_BY_NAME
        if kind != "groups"
        for name, values in getattr(split, kind).items()
    }
    found |= arrays_of_groups(split.groups)
    alone = {kind: getattr(split, kind) for kind in ALONE if kind != "group"}
    return found | {(kind, None): values for kind, values in alone.items() if values is not None}


@contextlib.contextmanager
def writing(folder: str | os.PathLike[str]) -> Iterator[Writer]:
    """A ``Writer`` whose cache takes the place of ``folder`` once the block ends without an error.

    Args:
        folder: of the cache; an older cache there is replaced.

    Raises:
        ValueError: the folder holds something other than a cache, or the block wrote no
            ``cache.json``.

    Example:
        >>> import tempfile
        >>> from recsys_lib.data import simulator
        >>> world = simulator.second_order(num_rows=500, num_valid_rows=100, num_test_rows=100)
        >>> with tempfile.TemporaryDirectory() as parent:
        ...     with writing(f"{parent}/cache") as writer:
        ...         for name, split in world.splits.items():
        ...             writer.write(name, [arrays_of(split)])
        ...         writer.finish("1234", world.name, world.feature_columns, world.tasks, {})
        ...     len(read(f"{parent}/cache", "1234").splits["train"])
        500
    """
    folder = Path(folder)
    if folder.exists() and not (folder / NOTE).is_file() and any(folder.iterdir()):
        raise ValueError(f"{folder}: expected a cache or no folder, got one with other files")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        whole, beside = temporary / "whole", temporary / "beside"
        whole.mkdir()
        beside.mkdir()
        yield Writer(whole, beside)
        if not (whole / NOTE).is_file():
            raise ValueError(f"{folder}: expected the writer's finish to be called")
        if folder.exists():
            # A process that has mapped the old cache keeps it.
            os.rename(folder, temporary / "old")
        os.rename(whole, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read(folder: str | os.PathLike[str], checksum: str | None = None) -> Cached | None:
    """The cache in a folder; None if it is incomplete or has another checksum.

    Args:
        folder: of the cache.
        checksum: that it must have; None: any.

    Returns:
        ``Cached``; its arrays are mapped read-only.
    """
    folder = Path(folder)
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        if note["format"] != FORMAT or checksum not in (None, note["checksum"]):
            return None
        splits = {name: _split(folder, note["splits"][name]) for name in SPLITS}
        columns = tuple(map(column_from_config, note["columns"]))
        return Cached(note["name"], columns, note["tasks"], splits, note["details"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _split(folder: Path, note: Mapping[str, Any]) -> Split:
    fields: dict[str, Any] = {kind: {} for kind in ARRAYS_BY_NAME}
    for one in note["arrays"]:
        path = folder / one["file"]
        if path.stat().st_size != one["bytes"]:
            raise ValueError(f"{path}: expected {one['bytes']} bytes")
        array = np.load(path, mmap_mode="r")
        if len(array) != note["rows"]:
            raise ValueError(f"{path}: expected {note['rows']} rows, got {len(array)}")
        if one["kind"] in ALONE:
            fields[one["kind"]] = array
        else:
            fields[one["kind"]][one["name"]] = array
    return Split(**fields)
