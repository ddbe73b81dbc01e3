"""Options of ``load`` and of the commands, which replace keys of a description file."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recsys_pipeline.files import checks_of_values as values
from recsys_pipeline.files.description import task_name
from recsys_pipeline.files.sources import format_of

DESCRIPTION = ".toml"
"""The ending of a description file's name."""

_TOP = ("name", "format", "header", "separator", "field_starts", "min_count")
_SPLITS = {"ordered": "order"}
"""Earlier names of kinds of splits."""


def tables_of(paths: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of a description without a file: every column is a category.

    Args:
        paths: one file or pattern, or a list of one, or of three: train, valid, test, each of
            which may be a list.
        options: of ``load``, None where they are not given.

    Returns:
        Tables, as ``read_toml`` returns them.

    Raises:
        ValueError: another number of files, or options that the format does not have.
    """
    from pathlib import Path

    entries = [paths] if isinstance(paths, str | Path) else list(paths)
    if len(entries) not in (1, 3):
        raise ValueError(
            f"paths: expected one file, or train, valid and test, got {len(entries)}; several "
            "files that make one table are a pattern such as 'day_*.csv', or a list in the list"
        )
    texts = [
        [str(entry)] if isinstance(entry, str | Path) else [str(one) for one in entry]
        for entry in entries
    ]
    kind = format_of(Path(texts[0][0]), options.get("format"))
    _refuse_foreign(kind, options)
    label = options.get("label")
    if not label:
        label = "column_1" if options.get("header") is False else "label"
    files = (
        texts[0] if len(texts) == 1 else dict(zip(("train", "valid", "test"), texts, strict=True))
    )
    return {
        "files": files,
        "format": kind,
        "other_columns": "categorical",
        "labels": {task_name(name): {"column": name} for name in _names("label", label)},
    }


def _refuse_foreign(kind: str, options: Mapping[str, Any]) -> None:
    given = {name for name, value in options.items() if value not in (None, (), [])}
    of_text = sorted(given & {"header", "separator"})
    of_names = sorted(given & {"label", "numeric"})
    if of_text and kind != "csv":
        raise ValueError(f"{' and '.join(of_text)}: for CSV files only, got {kind}")
    if of_names and kind in ("libsvm", "libffm"):
        raise ValueError(f"{' and '.join(of_names)}: a {kind} file says this itself")
    if "field_starts" in given and kind != "libsvm":
        why = "; a libffm file names its fields itself" if kind == "libffm" else ""
        raise ValueError(f"field_starts: for libsvm files only, got {kind}{why}")


def with_options(tables: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Tables in which options replace keys; an option that is None replaces none.

    Args:
        tables: of a description.
        options: ``name``, ``format``, ``header``, ``separator``, ``field_starts`` and ``min_count``
            replace the keys of that name; ``group``: the column of the user, with further ones and
            ``gap`` the group ``page``, or the name of a described group; ``label``: columns of
            labels, described or not; ``threshold``: of every binary label; ``numeric`` and
            ``ignore``: columns or ranges of positions; ``slices``; ``time``, ``time_unit``;
            ``split``, ``ratios``, ``seed``, ``valid_from``, ``test_from``.

    Returns:
        New tables.

    Raises:
        ValueError: an option that needs another.
    """
    given = {name: value for name, value in options.items() if value not in (None, (), [])}
    changed = {**tables}
    changed |= {name: given[name] for name in _TOP if name in given}
    changed |= _grouped(tables, _names("group", given.get("group", ())), given.get("gap"))
    if "slices" in given:
        changed["slices"] = list(_names("slices", given["slices"]))
    if "label" in given:
        changed["labels"] = _labels(tables.get("labels", {}), _names("label", given["label"]))
    if "threshold" in given:
        changed["labels"] = {
            task: {**label, "threshold": given["threshold"]}
            if label.get("kind", "binary") == "binary"
            else label
            for task, label in changed.get("labels", {}).items()
        }
    columns = dict(changed.get("columns", {}))
    for option, kind in (("numeric", "numeric"), ("ignore", "ignore")):
        for name in _names(option, given.get(option, ())):
            was = columns.get(name, {})
            columns[name] = was if was.get("kind") == kind else {"kind": kind}
            if kind == "ignore" and "times" in was:  # no other option reads them
                columns.setdefault(was["times"], {"kind": kind})
    if columns:
        changed["columns"] = columns
    keys = {"column": "time", "unit": "time_unit"}
    if time := {key: given[option] for key, option in keys.items() if option in given}:
        changed["time"] = {**changed.get("time", {}), **time}
    split = {**changed.get("split", {})}
    if "split" in given:
        # Another kind of split has other keys.
        split = {"by": _SPLITS.get(given["split"], given["split"])}
    if {"valid_from", "test_from"} & set(given):
        split.pop("ratios", None)
    if "ratios" in given:
        split = {k: v for k, v in split.items() if k not in ("valid_from", "test_from")}
    keys_of_split = ("ratios", "seed", "valid_from", "test_from")
    split |= {name: given[name] for name in keys_of_split if name in given}
    if split:
        changed["split"] = split
    return changed


def _grouped(tables: Mapping[str, Any], columns: tuple[str, ...], gap: Any) -> dict[str, Any]:
    """The keys that say which rows are ranked against each other."""
    known, found = tables.get("groups", {}), {}
    if columns and (len(columns) > 1 or columns[0] not in known):
        known = {name: said for name, said in known.items() if name != "user"}
        found = {"group": columns[0], "groups": known}
    if is_page(columns, gap):
        said = {"surface": list(columns[1:]), "gap": gap}
        page = {key: value for key, value in said.items() if value}
        found["groups"] = {**known, "page": page}
    return found


def is_page(columns: Sequence[str], gap: str | None) -> bool:
    """Whether the options ``group`` and ``gap`` describe pages."""
    return len(columns) > 1 or gap is not None


def _labels(known: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The described labels of these tasks or columns; others are binary."""
    found = {}
    for name in names:
        tasks = [task for task, label in known.items() if name in (task, label.get("column", task))]
        task = tasks[0] if tasks else task_name(name)
        found[task] = known[task] if tasks else {"column": name}
    return found


def _names(option: str, given: Any) -> tuple[str, ...]:
    return values.texts(option, list(given) if isinstance(given, tuple) else given) if given else ()
