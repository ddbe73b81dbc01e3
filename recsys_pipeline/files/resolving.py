"""Which columns of the files a description names, and in which form each is read."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from recsys_pipeline.files import checks_of_values as values
from recsys_pipeline.files.description import (
    ColumnDescription,
    Description,
    HistoryDescription,
    task_name,
)
from recsys_pipeline.files.joining import Table
from recsys_pipeline.files.sources import Source

_POSITIONS = re.compile(r"([1-9]\d*)(?:-([1-9]\d*))?\Z")


def resolve(
    description: Description, source: Source, tables: Sequence[Table] = ()
) -> dict[str, ColumnDescription]:
    """The description of each column that is a feature, in the order of the files.

    Args:
        description: of the data set.
        source: one of its files.
        tables: whose columns join those of the files.

    Returns:
        Dict of name in the file to ``ColumnDescription``: the columns of the files, those of the
        tables, then the lists that are made from the log.

    Raises:
        ValueError: a column that is missing, that is a label too, or that is not described.
    """
    place = f"{source.path}"
    names = names_of(source, tables)
    numbers = source.numbers.union(*(table.numbers for table in tables))
    lists = {history.name for history in description.histories} - set(names)
    used = _used(description)
    for what, name in used:
        _require(place, what, name, names)
    if description.group is not None:
        _require(place, "group", description.group, names)
    for group, said in description.groups.items():
        for name in said.columns:
            _require(place, f"[groups] {group}", name, names)
    for name in description.slices:
        _require(place, "slices", name, names)
    taken = {name for what, name in used if what != "user"}
    labels = {name for label in description.labels.values() for name in label.columns}
    settings: dict[str, dict[str, Any]] = {}
    for key, given in description.columns.items():
        if key in lists:
            if given.get("kind") != "ignore":
                raise ValueError(
                    f"columns, {key!r}: expected kind = 'ignore' or no entry, since [history] "
                    f"makes the column and describes it, got {dict(given)}"
                )
        elif key in names:
            if key in labels:
                raise ValueError(f"label: the column {key!r} can be neither numeric nor ignored")
            settings[key] = {**settings.get(key, {}), **given}
        else:
            for name in _range(place, key, names):
                if name not in taken:
                    settings[name] = {**given, **settings.get(name, {})}
    others = [name for name in names if name not in settings and name not in taken]
    if others and description.other_columns == "refuse":
        of_both = " of the log and its tables" * bool(tables)
        raise ValueError(
            f"{place}: expected a description of each column{of_both}, got none of {others}; "
            "describe them, or say other_columns = 'ignore' or 'categorical'"
        )
    if description.other_columns == "categorical":
        for name in others:
            settings[name] = {"kind": "numeric"} if name in numbers else {}
    kept = {
        name: settings[name]
        for name in names
        if settings.get(name, {"kind": "ignore"}).get("kind") != "ignore"
    }
    for history in description.histories:
        if history.name in names:
            raise ValueError(
                f"{place}: expected no column {history.name!r}, since [history] makes it; give the "
                "list another name"
            )
        if history.name not in description.columns:
            kept[history.name] = _made(place, history, kept, source.names)
    _share(kept)
    found = {name: description.column(said) for name, said in kept.items()}
    _check_names(place, found)
    return found


def names_of(source: Source, tables: Sequence[Table]) -> list[str]:
    """The columns of a log and of its tables.

    Raises:
        ValueError: two of one name, or no column in the log for a table's key.
    """
    names = list(source.names)
    for table in tables:
        path = table.sources[0].path
        _require(f"{source.path}", f"the table {path}", table.said.column, source.names)
        if twice := sorted(set(names) & set(table.names)):
            raise ValueError(
                f"{path}: expected other names than those of {source.path}, got twice {twice}"
            )
        names += table.names
    return names


def _made(
    place: str,
    history: HistoryDescription,
    kept: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
) -> dict[str, Any]:
    """The settings of a list that is made from the log.

    Raises:
        ValueError: no item, or no single one.
    """
    categories = [
        name
        for name, given in kept.items()
        if name in names and given.get("kind", "categorical") == "categorical"
    ]
    item = history.item
    if item is None:
        items = [name for name in categories if kept[name].get("group") == "item"]
        if len(items) != 1:
            raise ValueError(
                f"{place}: [history] expected item, the column of the items, or one category of "
                f"the log with group = 'item', got {items}"
            )
        item = items[0]
    elif item not in categories:
        raise ValueError(
            f"{place}: [history], item: expected a category of the log that is a feature, one of "
            f"{categories}, got {item!r}"
        )
    return {
        "kind": "sequence",
        "max_length": history.length,
        "table": kept[item].get("table", item),
        "sessions": history.sessions,
        "history": dataclasses.replace(history, item=item),
    }


def undescribed(description: Description, names: Sequence[str]) -> set[str]:
    """The columns that are features only because ``other_columns`` makes all others features.

    Args:
        description: of the data set.
        names: the columns of its files.
    """
    if description.other_columns != "categorical":
        return set()
    named = {description.group, *description.slices}
    named.update(_of_groups(description))
    for key, given in description.columns.items():
        named.update([key] if key in names else _range("files", key, names), [given.get("table")])
    return set(names) - named


def _of_groups(description: Description) -> list[str]:
    return [name for said in description.groups.values() for name in said.columns]


def _share(settings: dict[str, dict[str, Any]]) -> None:
    """Settings of a table that one of its columns states hold for its other columns."""
    tables: dict[str, list[str]] = {}
    for name, given in settings.items():
        if given.get("kind") != "numeric":
            tables.setdefault(task_name(given.get("table", name)), []).append(name)
    for table, members in tables.items():
        for what in ("embedding_dim", "min_count", "missing"):
            said = {settings[name][what] for name in members if what in settings[name]}
            if len(said) > 1:
                raise ValueError(
                    f"columns {members}: expected one {what} for the table {table!r}, got "
                    f"{sorted(said)}"
                )
            for name in members if said else ():
                if what != "missing" or settings[name].get("kind") != "sequence":
                    settings[name] = {**settings[name], what: next(iter(said))}


def _used(description: Description) -> list[tuple[str, str]]:
    """Columns with another role, which are features only if they are described as features."""
    found = [("label", name) for label in description.labels.values() for name in label.columns]
    found += [("where", label.where) for label in description.labels.values() if label.where]
    found += [("time", description.time.column)] if description.time else []
    for history in description.histories:
        found += [("user", str(history.user))]
        found += [("from", history.source)] if history.source not in description.labels else []
    times = [given["times"] for given in description.columns.values() if "times" in given]
    return found + [("times", name) for name in times]


def _require(place: str, what: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise ValueError(
            f"{place}: {what} names the column {name!r}, which is not there"
            f"{values.nearest(name, names)}"
        )


def _range(place: str, key: str, names: Sequence[str]) -> Sequence[str]:
    found = _POSITIONS.match(key)
    if found is None:
        raise ValueError(
            f"{place}: columns names {key!r}, which is not there{values.nearest(key, names)}"
        )
    first, last = int(found[1]), int(found[2] or found[1])
    if not first <= last <= len(names):
        raise ValueError(f"{place}: expected positions from 1 to {len(names)}, got {key!r}")
    return names[first - 1 : last]


def _check_names(place: str, found: Mapping[str, ColumnDescription]) -> None:
    taken: set[str] = set()
    for name in found:
        short = task_name(name)
        if short in taken:
            raise ValueError(
                f"{place}: two columns are called {short!r} once {name!r} is lower case"
            )
        taken.add(short)


def wanted(
    description: Description, columns: Mapping[str, ColumnDescription]
) -> dict[str, set[str]]:
    """The columns that have to be read, and in which forms; see ``Source.load``."""
    found: dict[str, set[str]] = {}
    for name, column in columns.items():
        if column.history is not None:
            found.setdefault(str(column.history.user), set()).add("category")
            if column.history.source not in description.labels:
                found.setdefault(column.history.source, set()).add("category")
            continue
        kind = {"categorical": "category", "numeric": "number", "sequence": "list"}[column.kind]
        found.setdefault(name, set()).add(kind)
        if column.times is not None:
            found.setdefault(column.times, set()).add("list")
    for label in description.labels.values():
        for name in label.columns:
            found.setdefault(name, set()).add("number" if label.is_number else "category")
    where = [label.where for label in description.labels.values() if label.where is not None]
    groups = [] if description.group is None else [description.group]
    keys = [table.column for table in description.tables]
    groups += _of_groups(description)
    for name in (*where, *groups, *keys, *description.slices):
        found.setdefault(name, set()).add("category")
    if description.time is not None:
        found.setdefault(description.time.column, set()).add("raw")
    return found
