"""The plan of a run, checked before a row is read: model, tasks, options and data."""

import ast
import dataclasses
import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from recsys_lib import zoo
from recsys_lib.checks import check_integer
from recsys_lib.features.columns import (
    CANDIDATE_GROUP,
    CategoricalColumn,
    Column,
    SequenceColumn,
    select,
)
from recsys_pipeline.files import checks_of_values as values
from recsys_pipeline.files.description import Description
from recsys_pipeline.files.placeholders import placeholders
from recsys_pipeline.train.settings import Settings

SCORES = "scores.json"
"""The file that is written last: a folder that has it is finished."""
EXPORTED = "exported.json"
"""Folder and checksum of the export, for a run that has written its export and not its scores."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """The plan of a run.

    Args:
        model: the zoo's row.
        tasks: task to kind, in the model's order.
        options: of its builder.
        fit: ``epochs`` and ``batch_size``.
        settings: the other options of ``fit``.
        seed: of initial weights, dropout and the order of rows.
    """

    model: zoo.Model
    tasks: Mapping[str, str]
    options: Mapping[str, Any]
    fit: Mapping[str, Any]
    settings: Settings
    seed: int

    @property
    def tasks_argument(self) -> Any:
        """The builder's argument: the name of a binary task, or a dict."""
        several = "several tasks" in self.model.needs
        if len(self.tasks) == 1 and not several and "binary" in self.tasks.values():
            return next(iter(self.tasks))
        return dict(self.tasks)

    def options_for(self, columns: Sequence[Column]) -> dict[str, Any]:
        """Options of the builder for these columns, with the histories that it reads.

        Args:
            columns: the data set's.
        """
        return {**_histories(self.model, columns, self.options), **self.options}

    def build(self, columns: Sequence[Column]) -> Any:
        """The model for these columns."""
        return self.model.build(columns, self.tasks_argument, **self.options_for(columns))


def read_options(texts: Iterable[str]) -> dict[str, Any]:
    """Parse ``name=value``; values are Python literals, and any other word is text.

    Args:
        texts: such as ``"hidden_units=64,32"``.

    Returns:
        Dict of option to value.

    Raises:
        ValueError: text of another form.

    Example:
        >>> read_options(["hidden_units=64,32", "activation=tanh"])
        {'hidden_units': (64, 32), 'activation': 'tanh'}
    """
    found = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name.isidentifier() or not value:
            raise ValueError(f"option: expected name=value, got {text!r}")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            if not value.isidentifier():
                raise ValueError(
                    f"option {name}: expected a number, a word or a tuple, got {value!r}"
                ) from None
            found[name] = value
    return found


def check_output(folder: str | Path) -> None:
    """Raise ``ValueError`` for a folder that holds a finished run, or files of another kind."""
    folder = Path(folder)
    if (folder / SCORES).exists():
        raise ValueError(f"{folder}: holds a finished run; give another --output")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder, got a file")


def own_export(folder: str | Path, output: str | Path) -> bool:
    """Whether a run wrote an export before it was killed, and so may replace it.

    Args:
        folder: of the export.
        output: of the run.
    """
    from recsys_pipeline.export.folders import checksum

    try:
        said = json.loads((Path(output) / EXPORTED).read_text(encoding="utf-8"))
        return said == [str(Path(folder).resolve()), checksum(folder)]
    except (OSError, ValueError):
        return False


def check_export(folder: str | Path, output: str | Path) -> None:
    """Raise ``ValueError`` if the model of a run could not be exported.

    Args:
        folder: of the export.
        output: of the run.
    """
    from recsys_pipeline.export.folders import check_target

    folder = Path(folder)
    if folder.resolve() == Path(output).resolve():
        raise ValueError(f"export: expected another folder than that of the run, got {folder}")
    if own_export(folder, output):
        return
    try:
        check_target(folder)
    except ValueError as error:
        raise ValueError(f"export, {error}") from None


def make_plan(
    description: Description,
    model: str,
    *,
    tasks: Iterable[str] | None = None,
    options: Mapping[str, Any] | None = None,
    epochs: int = 10,
    batch_size: int = 1024,
    seed: int = 0,
    **settings: Any,
) -> Plan:
    """A checked plan: the model is built once, for columns with few ids, before a row is read.

    Args:
        description: of the data.
        model: key or name of a row of the zoo.
        tasks: labels that the model predicts; default: all if it takes several, the only one if
            it takes one.
        options: of the builder.
        epochs, batch_size: as for ``fit``.
        seed: of initial weights, dropout and the order of rows.
        **settings: those of ``Settings``.

    Returns:
        ``Plan``.

    Raises:
        ValueError: an unknown model, task or option; data that lack what the model needs; a value
            that builder, optimizer or balancing method refuses.
    """
    known = {row.key for row in zoo.MODELS} | {row.name for row in zoo.MODELS}
    if model not in known:
        keys = [row.key for row in zoo.MODELS]
        raise ValueError(f"model: unknown name {model!r}{values.nearest(model, keys)}")
    row = zoo.find(model)
    plan = Plan(
        row,
        _tasks(row, description, tasks),
        dict(options or {}),
        {
            "epochs": check_integer("epochs", epochs),
            "batch_size": check_integer("batch_size", batch_size),
        },
        Settings(**settings),
        check_integer("seed", seed, 0),
    )
    loss_weights = plan.settings.loss_weights
    if loss_weights is not None and (unknown := set(loss_weights) - set(plan.tasks)):
        raise ValueError(f"loss_weights: expected tasks of {list(plan.tasks)}, got {unknown}")
    columns = placeholders(description)
    if columns is not None:
        _check_needs(row, columns)
    _check_names(row, plan.options)
    if columns is not None:
        try:
            built = plan.build(columns)
            plan.settings.check_with(built, plan.tasks)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{row.key}: {error}") from None
    return plan


def _tasks(row: zoo.Model, description: Description, tasks: Iterable[str] | None) -> dict[str, str]:
    labels = {task: label.kind for task, label in description.labels.items()}
    if tasks is not None:
        for task in (names := tuple(tasks)):
            if task not in labels:
                raise ValueError(f"tasks: unknown {task!r}{values.nearest(task, labels)}")
        found = {task: labels[task] for task in names}
    elif "several tasks" in row.needs or len(labels) == 1:
        found = labels
    else:
        raise ValueError(
            f"{row.key}: the data have the labels {list(labels)}; name those that it predicts in "
            "tasks"
        )
    if "two tasks" in row.needs and list(found.values()) != ["binary", "binary"]:
        raise ValueError(
            f"{row.key}: needs two binary tasks, a click and what follows it, got {found}"
        )
    if "chain of tasks" in row.needs and set(found.values()) != {"binary"}:
        raise ValueError(f"{row.key}: needs binary tasks, each part of the one before, got {found}")
    if "several tasks" in row.needs and len(found) < 2:
        raise ValueError(f"{row.key}: needs several labels, got {list(found)}")
    return found


def _check_needs(row: zoo.Model, columns: Sequence[Column]) -> None:
    if "scenario" in row.needs and len(select(columns, group="scenario")) != 1:
        found = [column.name for column in select(columns, group="scenario")]
        raise ValueError(f"{row.key}: needs one column with group = 'scenario', got {found}")
    if "sessions" in row.needs and not _sessions(columns):
        raise ValueError(
            f"{row.key}: needs a history in sessions: a sequence with times and sessions"
        )
    if "history" in row.needs and not _behaviours(columns):
        raise ValueError(
            f"{row.key}: needs a history: an ordered sequence whose table is that of a categorical "
            "column with group = 'item'"
        )


def _behaviours(columns: Sequence[Column]) -> list[SequenceColumn]:
    items = select(columns, kind=CategoricalColumn, group=CANDIDATE_GROUP)
    tables = {column.table_name for column in items}
    found = select(columns, kind=SequenceColumn)
    return [column for column in found if column.ordered and column.table_name in tables]


def _sessions(columns: Sequence[Column]) -> list[SequenceColumn]:
    return [column for column in _behaviours(columns) if column.num_sessions > 1]


def _histories(
    row: zoo.Model, columns: Sequence[Column], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The histories that the model reads, if the data have some of them in sessions too."""
    sessions = _sessions(columns)
    reads = "history" in row.needs or options.get("interest") == "attention"
    if not reads or not sessions or "histories" in options:
        return {}
    if "sessions" in row.needs:
        names = tuple(column.name for column in sessions)
        return {"histories": names, "num_sessions": sessions[0].num_sessions}
    plain = [column for column in _behaviours(columns) if column not in sessions]
    return {"histories": tuple(column.name for column in plain)}


def _check_names(row: zoo.Model, options: Mapping[str, Any]) -> None:
    known = list(inspect.signature(row.function).parameters)[2:]
    for name in options:
        if name not in known:
            raise ValueError(f"{row.key}: unknown option {name!r}{values.nearest(name, known)}")
