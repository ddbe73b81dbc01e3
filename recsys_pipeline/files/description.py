"""The description of files and their columns: the content of ``data.toml``.

    name = "shop"
    files = "log.csv"                  # or a list, a pattern "day_*.csv", or [files] with train,
                                       # valid and test
    group = "user_id"                  # GAUC ranks within it
    slices = ["page"]                  # one slice for each value
    other_columns = "ignore"           # or "categorical"; default: an error

    [time]
    column = "seconds"

    [split]
    by = "time"
    valid_from = 2024-05-05
    test_from = 2024-05-06

    [groups]                           # other ways to say which rows are ranked against each other
    request = "request_id"             # rows with one value of a column
    page = { surface = "tab", gap = "30min" }  # or of one user and surface, without a longer pause

    [labels.click]
    column = "is_click"

    [labels.watch_time]
    kind = "regression"
    where = "is_click"                 # it exists on these rows only

    [history]                          # a list for each row, made from earlier rows of its user
    from = "click"
    length = 20

    [[tables]]                         # more columns, found by a key
    file = "items.csv"
    key = "item_id"

    [columns.user_id]
    kind = "categorical"
    group = "user"

    [columns.seen]                     # a list that the file holds
    kind = "sequence"
    separator = "|"
    max_length = 20
    table = "item_id"

    [columns."7-9"]                    # the seventh to the ninth column of the file
    kind = "numeric"
    scaling = "log"

Groups, tables, ``max_length`` and other terms are the library's. The classes below list every key
with its default. This module reads no data.
"""

import dataclasses
import datetime
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KINDS = ("categorical", "numeric", "sequence", "ignore")
LABEL_KINDS = ("binary", "regression")
MISSING = ("own", "zero")
SCALINGS = ("standard", "none", "log", "bins")
SPLITS_BY = ("random", "order", "time", "user")
FORMATS = ("csv", "libffm", "libsvm", "parquet")
FORMATS_OF_TABLES = ("csv", "parquet")
OTHERS = ("refuse", "ignore", "categorical")
PARTS = ("train", "valid", "test")


@dataclasses.dataclass(frozen=True)
class LabelDescription:
    """A label, ``[labels.<task>]``.

    Args:
        column: of the file; default: the task's name.
        kind: ``"binary"``: 0 and 1, or -1 and 1, or no and yes, or false and true; or
            ``"regression"``.
        threshold: of a binary label: values of this or more are 1, all others 0.
        positive: of a binary label: these values are 1, all others 0.
        all, any, none: of a binary label, instead of ``column``: it is 1 where all of these
            columns are, and one of those, and none of the last; each of them is 0 and 1.
        optional: whether cells may be empty; their rows have no such label.
        where: name of a column of 0 and 1: only rows with a 1 have the label.
    """

    column: str
    kind: str = "binary"
    threshold: float | None = None
    positive: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    optional: bool = False
    where: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the file that make the label."""
        return (*self.all, *self.any, *self.none) or (self.column,)

    @property
    def is_number(self) -> bool:
        """Whether its column is read as numbers."""
        return self.kind == "regression" or self.threshold is not None


@dataclasses.dataclass(frozen=True)
class HistoryDescription:
    """A list that is made for each row, ``[history]``, or one of several, ``[[history]]``.

    It holds the items of the same user's positive rows with an earlier moment, the newest last.

    Args:
        source: ``from`` in the file: the task, or a column of 0 and 1, that tells which rows are
            positive.
        name: of the list, as a request to a served model gives it.
        length: most items that are kept, the newest ones.
        user: column of the user; default: ``group``.
        item: column of the item, whose ids and embedding table the list shares; default: the one
            category with ``group = "item"``.
        sessions: as in ``ColumnDescription``; a request gives the moments as ``<name>_times``.
    """

    source: str
    name: str = "history"
    length: int = 20
    user: str | None = None
    item: str | None = None
    sessions: tuple[int, int] | None = None


@dataclasses.dataclass(frozen=True)
class TableDescription:
    """A table of users or items, ``[[tables]]``, whose columns join those of the log.

    Args:
        file: a file or a pattern.
        key: its column that says whom a row is about; each value stands in it once.
        column: of the log, where it has another name than ``key``.
        format, header, separator: of the file, see ``load``.
    """

    file: str
    key: str
    column: str
    format: str | None = None
    header: bool = True
    separator: str | None = None


@dataclasses.dataclass(frozen=True)
class ColumnDescription:
    """A column, ``[columns.<name>]``.

    Args:
        kind: ``"categorical"``, ``"numeric"``, ``"sequence"`` (a list of ids), or ``"ignore"``.
        group: what the column describes: ``"user"``, ``"item"``, ``"context"``, ``"scenario"``,
            ``"history"`` or another name; default: ``"history"`` of sequences, else
            ``"context"``.
        table: name of the column whose embedding table it shares.
        embedding_dim: width of its embedding; default: the model's.
        min_count: how often training rows must show a value to make it an id; columns of one table
            are counted together.
        missing: in categories, ``"own"`` gives missing values an id, and ``"zero"`` makes them
            id 0, like unknown values. In numbers, ``"own"`` adds a column ``<name>_missing`` of 0
            and 1, or a bin for missing values, and ``"zero"`` makes them the mean, or id 0.
        scaling: of numbers: ``"standard"``: mean 0 and standard deviation 1 over training rows;
            ``"none"``; ``"log"``: sign(x) log(1 + abs(x)), then ``"standard"``; ``"bins"``: the bin
            as an id.
        num_bins: number of bins, which hold equally many training rows.
        edges: borders between bins, instead of ``num_bins``.
        separator: between the ids of a list in a text file.
        max_length: most ids of a list that are kept: the last ones, or the first ones of a list
            without an order.
        combiner, ordered: as in ``SequenceColumn``.
        newest_first: whether lists in the file begin with the newest id; they are reversed.
        times: name of a column of lists: the moment of each id, in the unit of ``[time]``.
        sessions: ``[number, length]``: put the most recent sessions into a further column,
            ``session_<name>``; needs ``times``.
        history: of a list that ``[history]`` makes.
    """

    kind: str = "categorical"
    group: str = "context"
    table: str | None = None
    embedding_dim: int | None = None
    min_count: int = 1
    missing: str = "own"
    scaling: str = "standard"
    num_bins: int | None = None
    edges: tuple[float, ...] | None = None
    separator: str = "|"
    max_length: int | None = None
    combiner: str = "mean"
    ordered: bool = True
    newest_first: bool = False
    times: str | None = None
    sessions: tuple[int, int] | None = None
    history: HistoryDescription | None = None


@dataclasses.dataclass(frozen=True)
class TimeDescription:
    """When each row happened, ``[time]``.

    Args:
        column: of the file.
        unit: of numbers: ``"s"``, ``"ms"``, ``"us"`` or ``"ns"`` since 1970, or any for times that
            are only compared. Dates and times of day (ISO 8601, UTC) need no unit.
        format: of text, as ``strptime`` has it, such as ``"%Y%m%d"``.
    """

    column: str
    unit: str = "s"
    format: str | None = None


@dataclasses.dataclass(frozen=True)
class SplitDescription:
    """How one table is divided into train, valid and test, ``[split]``.

    Args:
        by: ``"random"``; ``"order"``: of the file; ``"time"``: the earliest rows are for training;
            ``"user"``: the earliest rows of each group are. Default: ``"time"`` where there is a
            time, else ``"random"``.
        ratios: shares of the three parts.
        seed: of the random split.
        valid_from, test_from: by time: the first moments of validation and test, instead of
            ``ratios``: dates, or numbers in the unit of ``[time]``.
    """

    by: str
    ratios: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0
    valid_from: Any = None
    test_from: Any = None


@dataclasses.dataclass(frozen=True)
class GroupDescription:
    """Rows that are ranked against each other, ``[groups]``: those of a column, or pages.

    Args:
        column: rows with one value of it form a group; None: these are pages, see
            ``recsys_lib.data.pages``.
        surface: columns that name where the page's rows were shown.
        gap: the longest pause within a page.
    """

    column: str | None = None
    surface: tuple[str, ...] = ()
    gap: str = "30min"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the file that make the groups, beside the user's."""
        return self.surface if self.column is None else (self.column,)


@dataclasses.dataclass(frozen=True)
class Description:
    """A data set in files: the content of ``data.toml``; see the module.

    Args:
        files: dict of ``"all"``, or of ``"train"``, ``"valid"`` and ``"test"``, to the files and
            patterns that make that table.
        labels: dict of task to ``LabelDescription``.
        columns: dict of column name, position or range of positions to what the file says of it:
            a dict of some of the fields of ``ColumnDescription``.
        split: ``SplitDescription``, None where there are three tables.
        time: ``TimeDescription`` or None.
        histories: lists that are made from the log.
        tables: whose columns join the log's.
        name: of the data set; default: the first file's name.
        format, header, separator, field_starts: of the files, see ``load``.
        group: column that GAUC ranks within, the user's; default: all rows are one group. It is
            the group ``user``, and ``[groups]`` may name it.
        groups: dict of the name of each further group to ``GroupDescription``.
        slices: columns; each value makes a slice.
        min_count: default of columns that state none.
        other_columns: what becomes of columns that are not described: ``"refuse"``, ``"ignore"``
            or ``"categorical"``.
        folder: that relative paths start from.
    """

    files: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, LabelDescription]
    columns: Mapping[str, Mapping[str, Any]]
    split: SplitDescription | None
    time: TimeDescription | None = None
    histories: tuple[HistoryDescription, ...] = ()
    tables: tuple[TableDescription, ...] = ()
    name: str | None = None
    format: str | None = None
    header: bool = True
    separator: str | None = None
    field_starts: tuple[int, ...] | None = None
    group: str | None = None
    groups: Mapping[str, GroupDescription] = dataclasses.field(default_factory=dict)
    slices: tuple[str, ...] = ()
    min_count: int = 1
    other_columns: str = "refuse"
    folder: Path = Path()

    def column(self, settings: Mapping[str, Any]) -> ColumnDescription:
        """The description of a column with these settings."""
        kind = settings.get("kind", "categorical")
        default = {"group": "history" if kind == "sequence" else "context"}
        return ColumnDescription(**{"min_count": self.min_count, **default, **settings})

    def as_dict(self) -> dict[str, Any]:
        """The fields that the data depend on, for JSON: all but folder and file names."""
        left_out = ("folder", "files", *(() if self.groups else ("groups",)))
        return to_json({k: v for k, v in vars(self).items() if k not in left_out}) | {
            "parts": list(self.files)
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "Description":
        """The description that ``as_dict`` returned, without files and folder."""
        time, split = said["time"], said["split"]
        parts = {
            "files": dict.fromkeys(said["parts"], ()),
            "labels": {task: LabelDescription(**one) for task, one in said["labels"].items()},
            "split": None if split is None else SplitDescription(**split),
            "time": None if time is None else TimeDescription(**time),
            "groups": {n: GroupDescription(**one) for n, one in said.get("groups", {}).items()},
            "histories": tuple(HistoryDescription(**one) for one in said["histories"]),
            "tables": tuple(TableDescription(**one) for one in said["tables"]),
        }
        return cls(**{name: value for name, value in said.items() if name != "parts"} | parts)


def task_name(text: str) -> str:
    """A name in the library's form: a lower-case letter, then lower case, digits and ``_``."""
    name = re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_")
    return name if re.match(r"[a-z]", name) else f"column_{name}"


def to_json(value: Any) -> Any:
    """The same value, a description or a part of one, in types that JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_json(vars(value))
    if isinstance(value, Mapping):
        return {key: to_json(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(one) for one in value]
    return value.isoformat() if isinstance(value, datetime.date) else value
