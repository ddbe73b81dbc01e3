"""Read a description file and check its keys, their values, and which keys go together."""

import dataclasses
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from recsys_pipeline.files import checks_of_values as values
from recsys_pipeline.files.description import (
    FORMATS,
    FORMATS_OF_TABLES,
    KINDS,
    LABEL_KINDS,
    MISSING,
    OTHERS,
    PARTS,
    SCALINGS,
    SPLITS_BY,
    ColumnDescription,
    Description,
    GroupDescription,
    HistoryDescription,
    LabelDescription,
    SplitDescription,
    TableDescription,
    TimeDescription,
)

Checks = dict[str, Callable[[str, Any], Any]]

_OF_TYPE: dict[Any, Callable[[str, Any], Any]] = {
    str: values.text,
    str | None: values.text,
    bool: values.flag,
    int: values.integer(1),
    int | None: values.integer(1),
    float | None: values.number,
    tuple[str, ...]: values.texts,
    tuple[int, ...] | None: values.integers,
    tuple[float, ...] | None: values.ascending,
    tuple[int, int] | None: values.pair,
    tuple[float, float, float]: values.ratios,
    Any: values.moment,
}
"""The check of a key by the type of its field; fields of other types are tables of their own."""


def _checks(described_by: type, **others: Callable[[str, Any], Any]) -> Checks:
    """The keys of a table, by the class that describes it, with the check of each.

    Args:
        described_by: dataclass.
        **others: checks of keys of which their type does not say enough.
    """
    types = {field.name: field.type for field in dataclasses.fields(described_by)}
    return {name: _OF_TYPE[one] for name, one in types.items() if one in _OF_TYPE} | others


_HISTORY = _checks(HistoryDescription, name=values.name)
_CHECKS: dict[str, Checks] = {
    "label": _checks(LabelDescription, kind=values.choice(LABEL_KINDS), positive=values.ids),
    "column": _checks(
        ColumnDescription,
        kind=values.choice(KINDS),
        group=values.name,
        missing=values.choice(MISSING),
        scaling=values.choice(SCALINGS),
        num_bins=values.integer(2),
        combiner=values.choice(("mean", "sum")),
    ),
    "groups": {"surface": values.texts, "gap": values.duration},
    "history": {"from": _HISTORY.pop("source"), **_HISTORY},
    "tables": _checks(TableDescription, format=values.choice(FORMATS_OF_TABLES)),
    "time": _checks(TimeDescription, unit=values.choice(("s", "ms", "us", "ns", "any"))),
    "split": _checks(SplitDescription, by=values.choice(SPLITS_BY), seed=values.integer(0)),
    "top": _checks(Description, format=values.choice(FORMATS), other_columns=values.choice(OTHERS)),
}

# The kinds of columns that each setting is for.
_OF_KIND = {
    "categorical": {"group", "table", "embedding_dim", "min_count", "missing"},
    "numeric": {"group", "missing", "scaling", "num_bins", "edges", "embedding_dim"},
    "sequence": {"group", "table", "embedding_dim", "min_count", "separator", "max_length"}
    | {"combiner", "ordered", "newest_first", "times", "sessions"},
    "ignore": set(),
}


def read_toml(path: str | Path) -> dict[str, Any]:
    """The unchecked tables of a description file; ``"folder"`` is the folder that it is in.

    Raises:
        ValueError: a missing file, or invalid TOML, with the line.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return {**tomllib.load(file), "folder": path.parent}
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None


def parse(tables: Mapping[str, Any], place: str = "data.toml") -> Description:
    """The checked ``Description`` of a description file's tables.

    Args:
        tables: as ``read_toml`` returns them.
        place: name of the file, for messages.

    Returns:
        ``Description``.

    Raises:
        ValueError: an unknown key, with the most similar known one; a value that a key cannot have;
            keys that do not go together.

    Example:
        >>> parse({"files": "log.csv", "labels": {"click": {"treshold": 4}}})
        Traceback (most recent call last):
        ...
        ValueError: data.toml, [labels.click]: unknown key 'treshold'; did you mean 'threshold'?
    """
    folder = Path(tables.get("folder", ""))
    rest = {key: value for key, value in tables.items() if key != "folder"}
    tables_of = ("files", "time", "split", "labels", "groups", "columns", "history", "tables")
    _refuse_unknown(place, rest, [*_CHECKS["top"], *tables_of])
    top = _take(place, {k: v for k, v in rest.items() if k not in tables_of}, "top")
    files = _files(place, rest.get("files"))
    labels = {
        values.name(f"{place}, [labels]", task): _label(f"{place}, [labels.{task}]", task, given)
        for task, given in _table(f"{place}, [labels]", rest.get("labels", {})).items()
    }
    if not labels:
        raise ValueError(f"{place}, [labels]: expected at least one label, got none")
    columns = {
        str(name): _column(f"{place}, [columns.{name}]", given)
        for name, given in _table(f"{place}, [columns]", rest.get("columns", {})).items()
    }
    time = None
    if "time" in rest:
        given = _take(f"{place}, [time]", rest["time"], "time")
        if "column" not in given:
            raise ValueError(f"{place}, [time]: expected a column, got {sorted(given)}")
        time = TimeDescription(**given)
    groups = _groups(f"{place}, [groups]", rest.get("groups", {}), time, top)
    split = _split(f"{place}, [split]", rest.get("split"), files, time, top.get("group"))
    histories = tuple(
        _history(where, given, labels, time, top.get("group"))
        for where, given in _several(place, "history", rest)
    )
    names = [history.name for history in histories]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{place}, [[history]]: expected a name for each list, got twice {twice}")
    joined = tuple(_joined(where, given) for where, given in _several(place, "tables", rest))
    parts = (files, labels, columns, split, time, histories, joined)
    return Description(*parts, folder=folder, groups=groups, **top)


def _refuse_unknown(place: str, given: Mapping[str, Any], known: Collection[str]) -> None:
    for key in given:
        if key not in known:
            raise ValueError(f"{place}: unknown key {key!r}{values.nearest(key, known)}")


def _table(place: str, given: Any) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise ValueError(f"{place}: expected a table, got {given!r}")
    return given


def _take(place: str, given: Any, what: str) -> dict[str, Any]:
    checks = _CHECKS[what]
    _refuse_unknown(place, _table(place, given), checks)
    return {key: checks[key](f"{place}, {key}", value) for key, value in given.items()}


def _files(place: str, given: Any) -> Mapping[str, tuple[str, ...]]:
    place = f"{place}, files"
    if not isinstance(given, Mapping):
        return MappingProxyType({"all": values.texts(place, given)})
    _refuse_unknown(place, given, PARTS)
    if missing := [part for part in PARTS if part not in given]:
        raise ValueError(f"{place}: expected train, valid and test, or one table; no {missing}")
    return MappingProxyType({part: values.texts(f"{place}.{part}", given[part]) for part in PARTS})


def _several(place: str, what: str, rest: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The checked tables ``[[what]]``, or the only one, ``[what]``, each with its place."""
    given = rest.get(what, [])
    place = f"{place}, [{what}]"
    tables = given if isinstance(given, list) else [given]
    return [(place, _take(place, one, what)) for one in tables]


def _label(place: str, task: str, given: Any) -> LabelDescription:
    said = _take(place, given, "label")
    label = LabelDescription(**{"column": task, **said})
    ways = [key for key in ("threshold", "positive") if key in said]
    if label.kind == "regression" and (ways or label.columns != (label.column,)):
        key = [*ways, *({"all", "any", "none"} & set(said))][0]
        raise ValueError(f"{place}, {key}: of binary labels only, got a regression")
    of_several = sorted({"all", "any", "none"} & set(said))
    if len(ways) > 1 or (of_several and (ways or "column" in said)):
        others = [*({"column"} & set(said)), *ways]
        raise ValueError(
            f"{place}: expected one of threshold, positive, or all, any and none without a column, "
            f"got {others + of_several}"
        )
    return label


def _groups(
    place: str, given: Any, time: TimeDescription | None, top: dict[str, Any]
) -> dict[str, GroupDescription]:
    """The groups beside that of the user, which becomes the description's ``group``."""
    found = {}
    for name, said in _table(place, given).items():
        where = f"{place}, {values.name(place, name)}"
        if isinstance(said, str):
            found[name] = GroupDescription(values.text(where, said))
            continue
        found[name] = GroupDescription(**_take(where, said, "groups"))
        if time is None or time.unit == "any":
            raise ValueError(f"{where}: expected [time] with a unit, of which pages are made")
    if user := found.pop("user", None):
        if user.column is None or "group" in top:
            raise ValueError(f"{place}, user: expected a column, and no group beside it")
        top["group"] = user.column
    if found and "group" not in top:
        raise ValueError(f"{place}: expected user, the column of the user, got {sorted(found)}")
    return found


def _history(
    place: str,
    said: Mapping[str, Any],
    labels: Mapping[str, LabelDescription],
    time: Any,
    group: str | None,
) -> HistoryDescription:
    if "from" not in said:
        raise ValueError(f"{place}: expected from, a label or a column, got {sorted(said)}")
    history = HistoryDescription(
        source=said["from"], **{k: v for k, v in said.items() if k != "from"}
    )
    label = labels.get(history.source)
    if label is not None and label.kind != "binary":
        raise ValueError(
            f"{place}, from: expected a binary label, got {history.source!r}, a regression; a "
            "further label of the same column with a threshold is binary"
        )
    if time is None:
        raise ValueError(f"{place}: it needs [time], the rows' own moment")
    if history.user is None and group is None:
        raise ValueError(f"{place}, user: expected the column that names the user, or a group")
    return dataclasses.replace(history, user=history.user or group)


def _joined(place: str, said: Mapping[str, Any]) -> TableDescription:
    if missing := [key for key in ("file", "key") if key not in said]:
        raise ValueError(f"{place}: expected file and key, got no {missing[0]}")
    return TableDescription(**{"column": said["key"], **said})


def _column(place: str, given: Any) -> dict[str, Any]:
    settings = _take(place, given, "column")
    kind = settings.get("kind", "categorical")
    for key in settings:
        if key != "kind" and key not in _OF_KIND[kind]:
            kinds = [one for one, keys in _OF_KIND.items() if key in keys]
            raise ValueError(f"{place}, {key}: of {' and '.join(kinds)} columns, got kind {kind!r}")
    if kind == "sequence" and "max_length" not in settings:
        raise ValueError(f"{place}: a sequence needs a max_length")
    bins = {"num_bins", "edges"} & set(settings)
    if (settings.get("scaling") == "bins") != (len(bins) == 1):
        raise ValueError(
            f"{place}: scaling = 'bins' goes with either num_bins or edges, got "
            f"{settings.get('scaling')!r} with {sorted(bins)}"
        )
    if kind == "numeric" and "embedding_dim" in settings and not bins:
        raise ValueError(f"{place}, embedding_dim: of bins and ids, got a number")
    if "sessions" in settings and "times" not in settings:
        raise ValueError(f"{place}, sessions: they need times, the moment of each id")
    return settings


def _split(
    place: str, given: Any, files: Mapping[str, Any], time: Any, group: str | None
) -> SplitDescription | None:
    if "all" not in files:
        if given is not None:
            raise ValueError(f"{place}: the files are train, valid and test already")
        return None
    settings = _take(place, {} if given is None else given, "split")
    split = SplitDescription(**{"by": "time" if time else "random", **settings})
    if split.by in ("time", "user") and time is None:
        raise ValueError(f"{place}, by: {split.by!r} needs [time]")
    if split.by == "user" and group is None:
        raise ValueError(f"{place}, by: 'user' needs group, the column that names the user")
    if (split.valid_from is None) != (split.test_from is None):
        raise ValueError(f"{place}: valid_from and test_from go together, got one of them")
    if split.valid_from is not None and split.by != "time":
        raise ValueError(f"{place}, valid_from: of a split by 'time', got {split.by!r}")
    if split.valid_from is not None and "ratios" in settings:
        raise ValueError(f"{place}: expected ratios, or valid_from and test_from, got both")
    return split
