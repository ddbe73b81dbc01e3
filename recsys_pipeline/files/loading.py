"""``load``: read files as a ``Dataset``, by a description or by options, or from a cache."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from recsys_lib.data.splits import Split
from recsys_pipeline.chunks import cache as caches
from recsys_pipeline.files import outcomes
from recsys_pipeline.files.description import ColumnDescription, Description, task_name
from recsys_pipeline.files.encoders import Encoder
from recsys_pipeline.files.fitting import Encoded, encode
from recsys_pipeline.files.histories import MadeLists, happened, warnings_on_lists
from recsys_pipeline.files.joining import open_tables
from recsys_pipeline.files.label_values import labels_of
from recsys_pipeline.files.options import DESCRIPTION, tables_of, with_options
from recsys_pipeline.files.parsing import parse, read_toml
from recsys_pipeline.files.resolving import names_of, resolve, undescribed, wanted
from recsys_pipeline.files.rows import (
    Rows,
    further_groups_of,
    groups_of,
    parts_of,
    seconds_of,
    slices_of,
)
from recsys_pipeline.files.sequence_encoder import SequenceEncoder
from recsys_pipeline.files.sources import files_of, format_of, open_sources
from recsys_pipeline.files.tables import FileDataset, encoders_from, vocabularies_of
from recsys_pipeline.files.warnings import warnings_on


def load(
    paths: Any,
    *,
    format: str | None = None,
    label: str | Iterable[str] | None = None,
    numeric: Iterable[str] = (),
    ignore: Iterable[str] = (),
    group: str | Iterable[str] | None = None,
    gap: str | None = None,
    header: bool | None = None,
    separator: str | None = None,
    field_starts: Iterable[int] | None = None,
    time: str | None = None,
    time_unit: str | None = None,
    split: str | None = None,
    ratios: Iterable[float] | None = None,
    seed: int | None = None,
    valid_from: Any = None,
    test_from: Any = None,
    slices: Iterable[str] = (),
    min_count: int | None = None,
    threshold: float | None = None,
    name: str | None = None,
    cache: str | Path | None = None,
) -> FileDataset:
    """Read a data set from files.

    ``paths`` is a description file (``data.toml``, see ``recsys_pipeline.files.description``),
    of which the other arguments replace keys; or the files themselves, in which every column that
    no argument names is a category.

    Rules, each of which is tested:

    - **Unknown values.** Ids are numbered from 1 in the order in which they appear in the training
      rows. A value that appears there never or fewer than ``min_count`` times is id 0: the zero
      vector, without a weight.
    - **Missing values.** A missing category is a value like others and has an id. A missing number
      becomes 0, the mean, and is marked in a column ``<name>_missing``.
    - **A column with one value** on all training rows carries no information and is left out;
      ``left_out`` names it.
    - **Labels** are 0 and 1, or -1 and 1 (-1 becomes 0), or anything with a ``threshold``. The
      task has the name of its column.
    - **Numbers** are shifted and scaled to mean 0 and standard deviation 1 over training rows.
    - **A line that is short, long or empty**, or a label or number that is not one, is an error
      with file and line. No line is skipped.
    - **With a time**, no row of an earlier split may be later than a row of the same group in a
      later one.

    Args:
        paths: a description file; or one file or pattern (``"day_*.csv"``), or a list of one or of
            three: train, valid, test, each a file, a pattern or a list of files.
        format: ``"csv"``, ``"libsvm"`` (also libfm), ``"libffm"`` or ``"parquet"``; default: by
            the file's name, with or without ``.gz`` at the end.
        label: columns of the labels; default ``"label"``, without a header ``"column_1"``.
        numeric, ignore: columns that hold numbers, and columns to leave out: names, or positions
            such as ``"2-14"``.
        group: name of the column whose values GAUC ranks within (usually the user); it stays a
            feature. Default: all rows are one group. Further columns, and ``gap``, make the group
            ``page``: rows of one user and of one value of each of them.
        gap: longest pause within a page; default: 30min.
        header, separator: CSV: whether line 1 holds the names, and the character between
            fields (default: tab in ``.tsv`` files, else comma).
        field_starts: libsvm: the smallest id of each field; default: fields by their order.
        time, time_unit: column of the rows' moment, and the unit of numbers in it.
        split: ``"random"``, ``"order"`` (of the file), ``"time"`` or ``"user"`` (the latest rows of
            each group), if one table is given; default: by time if there is one, else random.
        ratios: shares of train, valid and test; default .8, .1, .1.
        seed: of the random split.
        valid_from, test_from: first moments of validation and test, instead of ratios.
        slices: columns; each value makes a slice.
        min_count: how often training rows must show a value to make it an id.
        threshold: labels of this or more are 1, all others 0.
        name: of the data set; default: the first file's name.
        cache: folder for the encoded data: they are read from it if files and description are
            unchanged, else written to it; see ``recsys_pipeline.chunks.cache``.

    Returns:
        ``FileDataset``. Column names are converted to lower case and ``_``. ``row_id`` numbers the
        rows of all files together, in order.

    Raises:
        ValueError: a broken rule; options that do not go together; files whose columns differ.
    """
    options = {
        "format": format,
        "label": _tuple(label),
        "numeric": _tuple(numeric),
        "ignore": _tuple(ignore),
        "group": _tuple(group),
        "gap": gap,
        "header": header,
        "separator": separator,
        "field_starts": None if field_starts is None else list(field_starts),
        "time": time,
        "time_unit": time_unit,
        "split": split,
        "ratios": None if ratios is None else list(ratios),
        "seed": seed,
        "valid_from": valid_from,
        "test_from": test_from,
        "slices": _tuple(slices),
        "min_count": min_count,
        "threshold": threshold,
        "name": name,
    }
    return load_described(described(paths, options), cache)


def described(paths: Any, options: Mapping[str, Any]) -> Description:
    """The description of a data set, by a file or by options; no row is read.

    Args:
        paths, options: as for ``load``.

    Returns:
        ``Description``.

    Raises:
        ValueError: as ``parse``, or options that do not go together.
    """
    first = paths if isinstance(paths, str | Path) else (list(paths) or [""])[0]
    if isinstance(first, str | Path) and Path(first).suffix.lower() == DESCRIPTION:
        if not isinstance(paths, str | Path) and len(list(paths)) > 1:
            raise ValueError(f"paths: expected {first} alone, got {list(map(str, paths))}")
        return parse(with_options(read_toml(first), options), str(first))
    return parse(with_options(tables_of(paths, options), options), "options")


def load_described(description: Description, cache: str | Path | None = None) -> FileDataset:
    """The data set of a description.

    Args:
        description: what ``described`` returned.
        cache: as for ``load``.

    Returns:
        ``FileDataset``.

    Raises:
        ValueError: as ``load``.
    """
    files = files_of(description)
    paths = [path for part in files.values() for path in part]
    name = description.name or Path(paths[0].name.removesuffix(".gz")).stem
    if cache is None:
        contents = _Contents(description, files, name)
        arrays: dict[str, dict[str, Any]] = {split: {} for split in caches.SPLITS}
        for split_name, blocks in contents.arrays():
            for (kind, key), array in _together(blocks).items():
                if key is None:
                    arrays[split_name][kind] = array
                else:
                    arrays[split_name].setdefault(kind, {})[key] = array
        splits = {split_name: Split(**fields) for split_name, fields in arrays.items()}
        return _with_warnings(contents.dataset(splits))
    counts = [len(part) for part in files.values()]
    joined = [path for table in open_tables(description) for path in table.paths]
    checksum = caches.checksum_of([*paths, *joined], description.as_dict(), counts, name)
    found = caches.read(cache, checksum)
    if found is None:
        with caches.writing(cache) as writer:
            contents = _Contents(description, files, name, writer.beside)
            for split_name, blocks in contents.arrays():
                writer.write(split_name, blocks)
            splits = writer.splits()
            dataset = _with_warnings(contents.dataset(splits))
            about = (name, dataset.feature_columns, dataset.tasks or {})
            writer.finish(checksum, *about, _details(dataset))
        found = caches.read(cache, checksum)
        if found is None:
            raise ValueError(f"{cache}: expected the cache that was just written")
    return _from_details(found)


def _together(blocks: Iterable[dict[caches.Name, np.ndarray]]) -> dict[caches.Name, np.ndarray]:
    """The arrays of all blocks, one behind the other."""
    found = list(blocks)
    if len(found) == 1:
        return found[0]
    return {name: np.concatenate([block[name] for block in found]) for name in found[0]}


class _Contents:
    """The arrays of a data set, computed one after the other."""

    def __init__(
        self,
        description: Description,
        files: Mapping[str, list[Path]],
        name: str,
        spill: Path | None = None,
    ) -> None:
        self.description, self.name = description, name
        paths = [path for part in files.values() for path in part]
        kind = format_of(paths[0], description.format)
        sources = open_sources(paths, description, spill)
        parts = [part for part, some in files.items() for _ in some]
        tables = open_tables(description)
        self.columns = resolve(description, sources[0], tables)
        is_table = kind in ("csv", "parquet")  # other formats hold nothing but labels and features
        names = names_of(sources[0], tables)
        self.assumed = undescribed(description, names) if is_table else set()
        needed = wanted(description, self.columns)
        mine = {name: kinds for name, kinds in needed.items() if name in sources[0].names}
        self.rows = Rows(sources, parts, mine)
        self.without = {table.said.file: table.join(self.rows, needed) for table in tables}
        self.first = paths[0]
        self.encoders: list[Encoder] = []
        self.left_out: dict[str, str] = {}
        self.unknown: dict[str, dict[str, float]] = {}

    def arrays(self) -> Any:
        """Yields the name of a split, and its blocks of arrays; fills ``encoders``."""
        description, rows = self.description, self.rows
        labels, masks = labels_of(rows, description.labels)
        time = description.time
        seconds = None if time is None else seconds_of(rows, time)
        groups = groups_of(rows, description.group)
        parts = parts_of(rows, description.split, time, seconds, groups)
        known = {
            task: np.where(masks.get(task, True), label, np.nan)[parts["train"]]
            for task, label in labels.items()
        }
        self._check_labels(known)
        further = further_groups_of(rows, description.groups, groups, seconds)
        whole: dict[caches.Name, Any] = caches.arrays_of_groups({"user": groups, **further})
        whole |= {("row_id", None): np.arange(len(rows))}
        whole |= {} if seconds is None else {("time", None): seconds}
        slices = slices_of(rows, description.slices, parts["test"])
        for kind, arrays in (("labels", labels), ("label_masks", masks), ("slices", slices)):
            whole |= {(kind, name): array for name, array in arrays.items()}
        for name, array in whole.items():
            for split_name, positions in parts.items():
                yield split_name, [{name: array[positions]}]
        columns = self._without_outcomes(known, parts["train"])
        for file, is_without in self.without.items():
            self.unknown[file] = {name: float(is_without[of].mean()) for name, of in parts.items()}
        when = happened(columns.values(), rows, seconds, labels, masks)
        encoded = encode(description, columns, rows, parts["train"], seconds, self.left_out, when)
        for one in encoded:
            self.encoders.append(one.encoder)
            for split_name, positions in parts.items():
                yield split_name, self._counted(one, split_name, positions)
        if not self.encoders:
            raise ValueError(
                f"{self.first}: expected a column that tells rows apart, got none: {self.left_out}"
            )

    def _without_outcomes(
        self, known: Mapping[str, np.ndarray], train: np.ndarray
    ) -> dict[str, ColumnDescription]:
        """The columns but those that nobody described and that may hold a label."""
        kept = dict(self.columns)
        names = [label.column for label in self.description.labels.values()]
        for name in [name for name in self.columns if name in self.assumed]:
            found = self.rows.categories(name)
            codes = found.codes[train] + 1
            count = len(np.unique(codes))
            reason = outcomes.named_like(name, names, self.columns, count == 2)
            if reason is None and not outcomes.is_context(name, count):
                reason = outcomes.gives_away(codes, known, _shown_by(found.values))
            if reason is not None:
                self.left_out[task_name(name)] = (
                    f"{reason}; describe it if it is known before the label is"
                )
                del kept[name]
        return kept

    def _counted(
        self, encoded: Encoded | MadeLists, split_name: str, positions: np.ndarray
    ) -> Iterator[dict[caches.Name, np.ndarray]]:
        """The blocks of a column; the unknown ids of its lists are counted."""
        total = np.zeros(2)
        for block in encoded.blocks(positions):
            features = {("features", name): array for name, array in block.features.items()}
            yield features | {("as_of", name): array for name, array in block.as_of.items()}
            total += 0 if block.counts is None else block.counts.sum(axis=0)
        if isinstance(encoded.encoder, SequenceEncoder):
            of_list = self.unknown.setdefault(encoded.encoder.column.name, {})
            of_list[split_name] = float(total[0] / max(total[1], 1))

    def _check_labels(self, known: Mapping[str, np.ndarray]) -> None:
        for task, label in self.description.labels.items():
            values = known[task][~np.isnan(known[task])]
            if not len(values):
                raise ValueError(f"{self.first}: no training row has the label {task!r}")
            if np.ptp(values) == 0:
                both = " both" if label.kind == "binary" else " different"
                raise ValueError(
                    f"{self.first}: expected training rows with{both} labels, got only "
                    f"{values[0]:g} of {task!r}"
                )

    def dataset(self, splits: Mapping[str, Split]) -> FileDataset:
        """The data set of the arrays."""
        # In the order of the file, whatever the order in which they were fitted.
        order = list(self.columns)
        encoders = sorted(self.encoders, key=lambda encoder: order.index(encoder.source))
        return FileDataset(
            self.name,
            tuple(column for encoder in encoders for column in encoder.columns),
            train=splits["train"],
            valid=splits["valid"],
            test=splits["test"],
            tasks={task: label.kind for task, label in self.description.labels.items()},
            vocabularies=vocabularies_of(encoders),
            left_out=self.left_out,
            unknown=self.unknown,
            encoders=tuple(encoders),
            description=self.description.as_dict(),
        )


def _shown_by(values: pa.Array) -> Callable[[int], str]:
    return lambda code: f"the value {values[code - 1].as_py()}" if code else "a missing value"


def _with_warnings(dataset: FileDataset) -> FileDataset:
    return dataclasses.replace(
        dataset, warnings=(*warnings_on(dataset), *warnings_on_lists(dataset))
    )


def _details(dataset: FileDataset) -> dict[str, Any]:
    return {
        **dataset.encoding(),
        "left_out": dataset.left_out,
        "unknown": dataset.unknown,
        "remarks": list(dataset.warnings),
        "description": dataset.description,
    }


def _from_details(found: caches.Cached) -> FileDataset:
    encoders = encoders_from(found.details)
    return FileDataset(
        found.name,
        found.columns,
        train=found.splits["train"],
        valid=found.splits["valid"],
        test=found.splits["test"],
        tasks=found.tasks,
        vocabularies=vocabularies_of(encoders),
        left_out=found.details["left_out"],
        unknown=found.details["unknown"],
        encoders=encoders,
        warnings=tuple(found.details["remarks"]),
        description=found.details["description"],
    )


def _tuple(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)
