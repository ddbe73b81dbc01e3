"""``suggest``: a first ``data.toml`` by looking at the data, with the reason beside each guess."""

import dataclasses
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.files import outcomes
from recsys_pipeline.files.arrays import as_categories, canonical_texts, number_values
from recsys_pipeline.files.description import TimeDescription, task_name
from recsys_pipeline.files.lists import as_lists
from recsys_pipeline.files.pairs import NUMBER
from recsys_pipeline.files.parsing import parse
from recsys_pipeline.files.sources import format_of, sample
from recsys_pipeline.files.times import as_seconds
from recsys_pipeline.files.warnings import MIN_ROWS, UNIQUE_SHARE, list_separator

LONGEST = 50
"""Most ids of a list that a first description keeps."""

_MEASURES = frozenset(["time", "seconds", "sec", "ms", "duration", "rating", "stars", "score"])


@dataclasses.dataclass
class _Column:
    """What a sample tells of a column."""

    name: str
    values: pa.ChunkedArray
    separator: str | None = None
    is_list: bool = False
    is_number: bool = False
    numbers: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0))
    distinct: int = 0
    missing: float = 0.0

    def says(self, what: str) -> bool:
        """Whether the column's name has one of the words for a role."""
        return outcomes.says(self.name, what)

    @property
    def is_measured(self) -> bool:
        return not _MEASURES.isdisjoint(outcomes.words_of(self.name))

    @property
    def is_binary(self) -> bool:
        known = set(np.unique(self.numbers[~np.isnan(self.numbers)]).tolist())
        return self.is_number and len(known) == 2 and known in ({0, 1}, {-1, 1})

    @property
    def is_whole(self) -> bool:
        known = self.numbers[~np.isnan(self.numbers)]
        return self.is_number and bool((known == np.floor(known)).all())


def suggest(
    paths: str | Path | Sequence[str | Path],
    *,
    format: str | None = None,
    header: bool = True,
    separator: str | None = None,
    label: Iterable[str] = (),
    time: str | None = None,
    group: str | None = None,
    folder: str | Path = ".",
) -> str:
    """A first description of files, guessed from the first rows of the first file.

    Everything in it is a guess, with its reason beside it. Read it before you train.

    Args:
        paths: one file, or train, valid and test.
        format, header, separator: as for ``load``.
        label, time, group: names of columns, if they are known.
        folder: of the description; paths are written relative to it.

    Returns:
        The text of a ``data.toml``.

    Raises:
        ValueError: a file that cannot be read, or in which no column looks like a label.
    """
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(one) for one in paths]
    if len(files) not in (1, 3):
        raise ValueError(f"paths: expected one file, or train, valid and test, got {len(files)}")
    kind = format_of(files[0], format)
    if kind not in ("csv", "parquet"):
        raise ValueError(
            f"{files[0]}: expected CSV or Parquet, whose columns have names, got {kind}"
        )
    raw = sample(files[0], kind, header, separator)
    columns = {name: _look(name, values) for name, values in raw.items()}
    for name in (*label, time, group):
        if name is not None and name not in columns:
            raise ValueError(
                f"{files[0]}: expected one of the columns {list(columns)}, got {name!r}"
            )
    labels = _labels(columns, tuple(label), str(files[0]))
    moment = time or next((n for n, c in columns.items() if n not in labels and _is_time(c)), None)
    rest = {n: c for n, c in columns.items() if n not in labels and n != moment}
    lines = ["# A first description, guessed from the data: read every line of it.", ""]
    lines += _top(files, Path(folder), kind, header, separator, format, rest, group)
    if moment is not None:
        lines += _time(columns[moment])
        if len(files) == 1:
            lines += [
                "[split]",
                'by = "time"                      # the latest rows are the test',
                "",
            ]
    for name, reason in labels.items():
        lines += _label(columns[name], reason)
    if moment is not None:
        lines += _history([columns[name] for name in labels], rest, group)
    for name, column in rest.items():
        known = [columns[label] for label in labels]
        outcome = None if name == group else _outcome(column, known, columns)
        lines += _ignored(name, outcome) if outcome else _described(column, rest)
    text = "\n".join(lines).rstrip() + "\n"
    parse({**tomllib.loads(text), "folder": folder})
    return text


def _look(name: str, values: pa.ChunkedArray) -> _Column:
    kind = values.type
    if pa.types.is_nested(kind):
        return _Column(name, values, is_list=True)
    if pa.types.is_temporal(kind):
        return _Column(name, values, missing=values.null_count / len(values))
    found = as_categories(values)
    texts = canonical_texts(found.cast(pa.string()))
    column = _Column(name, texts, missing=texts.null_count / len(texts))
    column.distinct = pc.count_distinct(texts).as_py()
    known = texts.drop_null()
    shape = f"^ *(?:{NUMBER.decode()}) *$"
    column.is_number = len(known) > 0 and pc.all(pc.match_substring_regex(known, shape)).as_py()
    if column.is_number:
        column.numbers = pc.utf8_trim_whitespace(texts).cast(pa.float64()).to_numpy()
    elif not pa.types.is_integer(kind):
        column.separator = list_separator(pc.unique(texts).drop_null().to_pylist())
        column.is_list = column.separator is not None
    return column


def _labels(columns: Mapping[str, _Column], given: Sequence[str], place: str) -> dict[str, str]:
    """Names of the labels, each with the reason."""
    if given:
        return dict.fromkeys(given, "as it was asked for")
    found = {}
    for name, column in columns.items():
        if column.is_binary and column.says("binary"):
            found[name] = "two values, and a name like that of a label"
        elif column.says("regression") and column.is_number and column.is_measured:
            found[name] = "a number, and a name like that of something measured afterwards"
    if not found:
        raise ValueError(
            f"{place}: expected a column that looks like a label, got {list(columns)}; name it"
        )
    return found


def _outcome(
    column: _Column, labels: Sequence[_Column], columns: Mapping[str, _Column]
) -> str | None:
    """The reason why a column may hold a label, or None."""
    names = [label.name for label in labels]
    reason = outcomes.named_like(column.name, names, columns, column.is_binary)
    if reason is not None and not _is_time(column):
        return reason
    is_one_value = not (column.is_list or pa.types.is_temporal(column.values.type))
    if not is_one_value or outcomes.is_context(column.name, column.distinct):
        return None
    if column.is_number and column.distinct > outcomes.NUM_RANGES:
        values = outcomes.ranges_of(column.numbers)
    else:
        values = number_values(column.values).codes + 1
    known = {one.name: _known(one) for one in labels if one.is_number}

    def shown(value: int) -> str:
        return f"a value like {column.values[int(np.argmax(values == value))].as_py()}"

    return outcomes.gives_away(values, known, shown)


def _known(label: _Column) -> np.ndarray:
    """A label's values, those of a binary one as 0 and 1; NaN where there is none."""
    numbers = label.numbers
    return np.where(np.isnan(numbers), np.nan, numbers == 1) if label.is_binary else numbers


def _ignored(name: str, reason: str) -> list[str]:
    why = f"{reason}; is it known before?"
    return [f"[columns.{_key(name)}]", f'kind = "ignore"            # {why}', ""]


def _is_time(column: _Column) -> bool:
    if not column.says("time"):
        return False
    if pa.types.is_temporal(column.values.type):
        return True
    if column.is_number:
        known = column.numbers[~np.isnan(column.numbers)]
        return bool(column.missing == 0 and len(known) and known.min() > 1e7)
    return column.missing == 0 and bool(
        np.isfinite(as_seconds(column.values.cast(pa.string()), TimeDescription("")))[:100].all()
    )


def _time(column: _Column) -> list[str]:
    lines = ["[time]", f"column = {_quoted(column.name)}"]
    if column.is_number:
        largest = np.nanmax(column.numbers)
        if 1.9e7 < largest < 2.2e7:
            lines.append('format = "%Y%m%d"')
        else:
            unit = "s" if largest < 1e11 else "ms" if largest < 1e14 else "us"
            unit = "ns" if largest >= 1e17 else unit
            lines.append(f'unit = "{unit}"')
    return [*lines, ""]


def _top(
    files: Sequence[Path],
    folder: Path,
    kind: str,
    header: bool,
    separator: str | None,
    format: str | None,
    columns: Mapping[str, _Column],
    group: str | None,
) -> list[str]:
    seen = [os.path.relpath(path, folder).replace(os.sep, "/") for path in files]
    lines = [f"name = {_quoted(task_name(files[0].name.split('.')[0]))}"]
    if len(seen) == 1:
        lines.append(f"files = {_quoted(seen[0])}")
    lines += [f"format = {_quoted(kind)}"] if format is not None else []
    lines += [] if header else ["header = false"]
    lines += [f"separator = {_quoted(separator)}"] if separator is not None else []
    users = [name for name, column in columns.items() if column.says("user") and not column.is_list]
    group = group or (users[0] if users else None)
    if group is not None:
        lines.append(f"group = {_quoted(group)}              # GAUC ranks within it")
    scenarios = [n for n, c in columns.items() if c.says("scenario") and c.distinct <= 50]
    if scenarios:
        lines.append(f"slices = [{_quoted(scenarios[0])}]            # scores of each value apart")
    if len(seen) == 3:
        lines += ["", "[files]"]
        parts = zip(("train", "valid", "test"), seen, strict=True)
        lines += [f"{part} = {_quoted(path)}" for part, path in parts]
    return [*lines, ""]


def _label(column: _Column, reason: str) -> list[str]:
    lines = [f"[labels.{task_name(column.name)}]        # {reason}"]
    if task_name(column.name) != column.name:
        lines.append(f"column = {_quoted(column.name)}")
    if not column.is_binary:
        lines.append('kind = "regression"')
    if column.missing:
        lines.append(f"optional = true            # {column.missing:.1%} of the rows have none")
    return [*lines, ""]


def _history(
    labels: Sequence[_Column], columns: Mapping[str, _Column], group: str | None
) -> list[str]:
    """A list that is made from the log, where it has a user, an item and a label, and no list."""
    binary = [task_name(label.name) for label in labels if label.is_binary]
    users = [column for column in columns.values() if column.says("user")]
    items = [
        column
        for column in columns.values()
        if _group(column) == "item" and 'kind = "categorical"' in _described(column, columns)[1]
    ]
    has_list = any(column.is_list for column in columns.values())
    if has_list or not binary or not items or not (users or group):
        return []
    item = max(items, key=lambda column: column.distinct)
    return [
        "[history]                       # what a user did before a row, the newest last",
        f"from = {_quoted(binary[0])}              # the label of the rows that it is made from",
        f"item = {_quoted(item.name)}",
        "# length = 20                  # most items of it",
        "",
    ]


def _described(column: _Column, columns: Mapping[str, _Column]) -> list[str]:
    lines = [f"[columns.{_key(column.name)}]"]
    if column.is_list:
        return [*lines, *_sequence(column, columns), ""]
    if pa.types.is_temporal(column.values.type):
        return [*lines, 'kind = "ignore"            # a second time', ""]
    is_code = column.says("code") or column.says("user")
    if column.is_number and not is_code and (not column.is_whole or column.distinct > MIN_ROWS):
        return [*lines, *_number(column), ""]
    if _names_rows(column):
        reason = f"{column.distinct:,} values on {len(column.values):,} rows: it names the row"
        return [*lines, f'kind = "ignore"            # {reason}', ""]
    reason = f"{column.distinct:,} values" + (
        f", {column.missing:.1%} missing" * (column.missing > 0)
    )
    lines += [f'kind = "categorical"       # {reason}', f'group = "{_group(column)}"']
    return [*lines, ""]


def _names_rows(column: _Column) -> bool:
    rows = len(column.values)
    return rows >= MIN_ROWS and column.distinct >= UNIQUE_SHARE * rows


def _group(column: _Column) -> str:
    for group in ("user", "item"):
        if column.says(group):
            return group
    return "scenario" if column.says("scenario") and column.distinct <= 50 else "context"


def _number(column: _Column) -> list[str]:
    known = column.numbers[~np.isnan(column.numbers)]
    median, high = np.median(known), np.quantile(known, 0.99)
    has_tail = known.min() >= 0 and high > 20 * max(median, 1e-9) and high > 1
    scaling = "log" if has_tail else "standard"
    reason = "a long tail" if has_tail else f"{known.min():g} to {known.max():g}"
    missing = f", {column.missing:.1%} missing" * (column.missing > 0)
    return [
        'kind = "numeric"',
        f'scaling = "{scaling}"{" " * (16 - len(scaling))}# {reason}{missing}',
        f'group = "{_group(column)}"',
    ]


def _sequence(column: _Column, columns: Mapping[str, _Column]) -> list[str]:
    flat, lengths = as_lists(column.values, column.separator or "|")
    longest = int(np.clip(np.quantile(lengths, 0.99), 1, LONGEST))
    lines = ['kind = "sequence"']
    if column.separator is not None:
        lines.append(f"separator = {_quoted(column.separator)}")
    told = f"{lengths.max()} at most, {lengths.mean():.1f} on average"
    lines.append(f"max_length = {longest}            # {told}")
    elements = pc.unique(canonical_texts(flat.cast(pa.string())))
    shares, alike = {}, {}
    for name, other in columns.items():
        if other.is_list or other.distinct < 2 or _names_rows(other):
            continue
        known = pc.unique(other.values)
        common = pc.sum(pc.is_in(elements, known)).as_py() or 0
        shares[name] = common / max(len(elements), 1)
        # Small whole numbers occur in many columns: the item's is the likely one.
        alike[name] = (other.says("item"), common / (len(elements) + len(known) - common))
    candidates = [name for name in shares if shares[name] > 0.5]
    best = max(candidates, key=lambda name: alike[name], default=None)
    if best is not None:
        lines.append(
            f"table = {_quoted(best)}         # {shares[best]:.0%} of its ids are values of it"
        )
        lines.append("# newest_first = true      # if the newest id stands in front")
    else:
        lines += [f'group = "{_group(column)}"', "ordered = false"]
    return lines


def _quoted(text: Any) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)
