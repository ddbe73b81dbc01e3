"""Any file of categorical fields as a ``Dataset``, so that published leaderboards can be tried.

``load`` reads one file and cuts it, or three files that were cut already. What is fitted to data
(which ids are known, mean and spread of numbers) is fitted to training rows alone.

    python -m recsys_lib.data FILE [VALID TEST]           what is in it, and how much is unknown
    python -m recsys_lib.leaderboard FILE [VALID TEST]    every model of chapters 02 and 03 on it
"""

import dataclasses
import pathlib
import re

import numpy as np
import pandas as pd

from recsys_lib.data.dataset import Dataset, Split
from recsys_lib.data.file_formats import (
    MISSING_ID,
    format_of,
    read_csv,
    read_pairs,
    rows_of_pairs,
)
from recsys_lib.features.columns import CategoricalColumn, NumericColumn

TASK = "click"
SPLITS = ("train", "valid", "test")


@dataclasses.dataclass(frozen=True)
class FileDataset(Dataset):
    """A ``Dataset`` that was read from files.

    Args:
        vocabularies: column name to the values behind its ids; id ``i`` is entry ``i - 1``.
        left_out: name of each column that carries nothing to the reason why.

    The other arguments, and the errors, are those of ``Dataset``.
    """

    vocabularies: dict = dataclasses.field(default_factory=dict)
    left_out: dict = dataclasses.field(default_factory=dict)


def load(
    paths,
    *,
    format=None,
    label=None,
    numeric=(),
    ignore=(),
    group=None,
    header=True,
    separator=None,
    field_starts=None,
    ratios=(0.8, 0.1, 0.1),
    split="random",
    seed=0,
    min_count=1,
    threshold=None,
    name=None,
):
    """Read a data set of categorical fields.

    Rules, each of which a test holds:

    - **Unknown values.** Ids are numbered from 1 in the order in which training rows show them. A
      value that training rows show fewer than ``min_count`` times or never, and a missing one,
      is id 0: the zero vector, without a weight of its own.
    - **A column with one value** on all training rows says nothing and is left out; ``left_out``
      names it.
    - **Labels** are 0 and 1, or -1 and 1 (-1 becomes 0), or anything with a ``threshold``.
    - **Numbers** are shifted and scaled to mean 0 and spread 1 over training rows; a missing one
      becomes 0, the mean.
    - **A line that is short, long or empty**, a label or a number that is none, is an error with
      file and line. Nothing is skipped.

    Args:
        paths: one file, or a list of one or of three: train, valid, test.
        format: ``"csv"``, ``"libsvm"`` (also libfm) or ``"libffm"``; default: by the file's name.
        label: CSV: the label's column; default ``"label"``, without a header ``"column_1"``.
        numeric, ignore: CSV: names of columns that hold numbers, and of columns to leave out.
        group: name of the column whose values GAUC ranks within (usually the user); it stays a
            feature. Default: all rows are one group.
        header, separator: CSV: see ``file_formats.read_csv``.
        field_starts: libsvm: see ``file_formats.read_pairs``.
        ratios: shares of train, valid and test where one file is given.
        split: ``"random"``, or ``"ordered"``: cut in the order of the file.
        seed: of the random split.
        min_count: training rows that a value needs to become an id.
        threshold: labels of this or more are 1, all others 0.
        name: of the data set; default: the first file's name.

    Returns:
        ``FileDataset`` with the task ``click``. Column names are turned to lower case and ``_``.
        ``row_id`` numbers the rows of all files together, in order; there is no time.

    Raises:
        ValueError: as said above; options that do not fit; files whose columns differ.
    """
    paths = [paths] if isinstance(paths, str | pathlib.Path) else list(paths)
    paths = [pathlib.Path(path) for path in paths]
    _check_options(paths, ratios, split, min_count)
    kind = format_of(paths[0], format)
    files = _read(paths, kind, label, numeric, ignore, header, separator, field_starts)
    for other in files[1:]:
        for what in ("ids", "numbers"):
            expected, got = sorted(getattr(files[0], what)), sorted(getattr(other, what))
            if got != expected:
                raise ValueError(
                    f"{other.path}: expected the columns of {files[0].path}, {expected}, got {got}"
                )
    labels = np.concatenate([_binary_labels(rows, threshold) for rows in files])
    sizes = [len(rows.label) for rows in files]
    parts = _parts(sizes, ratios, split, seed)
    train = parts["train"]
    if np.ptp(labels[train]) == 0:
        raise ValueError(
            f"{paths[0]}: expected training rows with both labels, got only {labels[train][0]:g}"
        )
    columns, features, vocabularies, left_out = _encode(files, train, min_count)
    groups = _groups(files, group)
    whole = {"features": features, "labels": {TASK: labels}, "group": groups}
    whole = Split(**whole, row_id=np.arange(len(labels)))
    return FileDataset(
        name or paths[0].stem,
        columns,
        *(whole.take(parts[part]) for part in SPLITS),
        vocabularies=vocabularies,
        left_out=left_out,
    )


def describe(dataset):
    """Rows, share of positive labels and, for each id column, share of unknown ids, split by split.

    Args:
        dataset: what ``load`` returned.

    Returns:
        A frame with a row for each split: ``rows``, ``click_rate``, ``unknown_<column>``.
    """
    table = []
    for split_name, part in dataset.splits.items():
        row = {"split": split_name, "rows": len(part), "click_rate": float(part.label.mean())}
        for column in dataset.feature_columns:
            if isinstance(column, CategoricalColumn):
                row[f"unknown_{column.name}"] = float((part.features[column.name] == 0).mean())
        table.append(row)
    return pd.DataFrame(table).set_index("split")


def _check_options(paths, ratios, split, min_count):
    if len(paths) not in (1, 3):
        raise ValueError(f"paths: expected one file, or train, valid and test, got {len(paths)}")
    for path in paths:
        if not path.is_file():
            raise ValueError(f"{path}: no such file")
    ratios = tuple(ratios)
    if len(ratios) != 3 or min(ratios) <= 0 or abs(sum(ratios) - 1) > 1e-6:
        raise ValueError(f"ratios: expected three shares above 0 that add up to 1, got {ratios}")
    if split not in ("random", "ordered"):
        raise ValueError(f"split: expected 'random' or 'ordered', got {split!r}")
    if isinstance(min_count, bool) or not isinstance(min_count, int) or min_count < 1:
        raise ValueError(f"min_count: expected an integer of 1 or more, got {min_count!r}")


def _read(paths, kind, label, numeric, ignore, header, separator, field_starts):
    if kind == "csv":
        if field_starts is not None:
            raise ValueError("field_starts: for libsvm files only, got a CSV file")
        label = label or ("label" if header else "column_1")
        return [read_csv(path, label, numeric, ignore, header, separator) for path in paths]
    if label is not None or tuple(numeric) or tuple(ignore) or not header or separator is not None:
        raise ValueError(
            f"label, numeric, ignore, header and separator are for CSV files only, got {kind}"
        )
    if kind == "libffm" and field_starts is not None:
        raise ValueError("field_starts: a libffm file names its fields itself")
    files = [read_pairs(path, kind, field_starts) for path in paths]
    return rows_of_pairs(files, same_fields=kind == "libsvm")


def _binary_labels(rows, threshold):
    if threshold is not None:
        return (rows.label >= threshold).astype(np.float32)
    wrong = ~np.isin(rows.label, (-1, 0, 1))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{rows.path}, line {rows.first_line + row}: expected a label 0 or 1 (or -1), got "
            f"{rows.label[row]:g}; other labels need a threshold"
        )
    if (rows.label == -1).any() and (rows.label == 0).any():
        row = int(np.flatnonzero(rows.label == 0)[0])
        raise ValueError(
            f"{rows.path}, line {rows.first_line + row}: expected labels -1 and 1, or 0 and 1, "
            "got 0 beside -1"
        )
    return (rows.label == 1).astype(np.float32)


def _parts(sizes, ratios, split, seed):
    if len(sizes) == 3:
        ends = np.cumsum(sizes)
        order = np.arange(ends[-1])
    else:
        ends = np.rint(np.cumsum(ratios) * sizes[0]).astype(int)
        order = np.arange(sizes[0])
        if split == "random":
            # Sorted again below: only which rows a split holds is drawn, not their order.
            order = np.random.default_rng(seed).permutation(sizes[0])
    pieces = np.split(order, ends[:2])
    empty = [name for name, piece in zip(SPLITS, pieces, strict=True) if not len(piece)]
    if empty:
        raise ValueError(f"{sum(sizes)} rows are too few for the ratios: {empty} would be empty")
    return {name: np.sort(piece) for name, piece in zip(SPLITS, pieces, strict=True)}


def _encode(files, train, min_count):
    columns, features, vocabularies, left_out = [], {}, {}, {}
    for original in files[0].ids:
        name = _column_name(original, files[0].path, {*features, *left_out})
        values = np.concatenate([rows.ids[original] for rows in files])
        # Values to 0, 1, 2, ... in order of appearance; what is missing to -1.
        codes, uniques = pd.factorize(values)
        absent = np.array([value in ("", MISSING_ID) for value in uniques], bool)
        counts = np.bincount(codes[train], minlength=len(uniques))
        known = (counts >= min_count) & ~absent
        if (counts > 0).sum() < 2:
            value = uniques[counts > 0][0]
            shown = "missing" if value in ("", MISSING_ID) else value
            left_out[name] = f"one value on all training rows: {shown}"
            continue
        if not known.any():
            left_out[name] = f"no value stands on {min_count} training rows"
            continue
        first_seen = np.full(len(uniques), len(values))
        np.minimum.at(first_seen, codes[train], train)
        order = np.argsort(np.where(known, first_seen, len(values)), kind="stable")[: known.sum()]
        id_of = np.zeros(len(uniques), np.int32)
        id_of[order] = np.arange(1, len(order) + 1)
        features[name] = id_of[codes]
        vocabularies[name] = np.asarray(uniques)[order]
        columns.append(CategoricalColumn(name, len(order) + 1))
    for original in files[0].numbers:
        name = _column_name(original, files[0].path, {*features, *left_out})
        values = np.concatenate([rows.numbers[original] for rows in files])
        known = values[train][~np.isnan(values[train])]
        if not len(known) or np.ptp(known) == 0:
            shown = "missing" if not len(known) else f"{known[0]:g}"
            left_out[name] = f"one value on all training rows: {shown}"
            continue
        scaled = (values - known.mean()) / known.std()
        features[name] = np.nan_to_num(scaled).astype(np.float32)
        columns.append(NumericColumn(name))
    if not columns:
        raise ValueError(f"{files[0].path}: every column has one value on all training rows")
    return tuple(columns), features, vocabularies, left_out


def _column_name(original, path, taken):
    name = re.sub(r"[^a-z0-9_]+", "_", original.lower()).strip("_")
    if not re.match(r"[a-z]", name):
        name = f"column_{name}"
    if name in taken:
        raise ValueError(f"{path}: two columns are called {name!r} once {original!r} is lower case")
    return name


def _groups(files, group):
    num_rows = sum(len(rows.label) for rows in files)
    if group is None:
        return np.zeros(num_rows, np.int64)
    if group not in files[0].ids:
        raise ValueError(f"group: expected one of {list(files[0].ids)}, got {group!r}")
    return pd.factorize(np.concatenate([rows.ids[group] for rows in files]))[0]
