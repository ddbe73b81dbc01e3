"""How an export describes a model's columns: how each raw value becomes what the model reads."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras

from recsys_lib.features.columns import (
    CANDIDATE_GROUP,
    CategoricalColumn,
    Column,
    NumericColumn,
    SequenceColumn,
)
from recsys_lib.keras_internals import layers_of
from recsys_lib.training.batches import model_columns
from recsys_lib.training.prediction import input_columns, output_tasks
from recsys_pipeline.export.encoders import values_of_encoders
from recsys_pipeline.export.values import Values


def columns_of(model: keras.Model, dataset: Any = None) -> tuple[Column, ...]:
    """The columns of a model's inputs; if there is a data set, its columns in its order.

    Raises:
        ValueError: an input that is not a column of the data set, or a different vocabulary.
    """
    own = input_columns(model)
    if dataset is None:
        return own
    sizes = {column.name: getattr(column, "vocabulary_size", None) for column in own}
    columns = model_columns(model, dataset.feature_columns)
    for column in columns:
        size = getattr(column, "vocabulary_size", None)
        if size != sizes[column.name]:
            raise ValueError(
                f"column {column.name!r}: expected the {sizes[column.name]} ids that the model was "
                f"built for, got {size} in the data set"
            )
    return tuple(column for column in dataset.feature_columns if column in columns)


def values_of(
    columns: Iterable[Column], dataset: Any, given: Mapping[str, Values] | None
) -> dict[str, Values]:
    """How the raw values of each column are read.

    Args:
        columns: the model's.
        dataset: a data set. Its ``encoders`` are used or, if it has none, its ``vocabularies``, in
            which id ``i`` is entry ``i - 1``. A column that they do not name is read like the
            column that owns its table.
        given: ``Values`` by column from the caller, which override both.

    Raises:
        ValueError: values of a column that the model does not read.
    """
    by_name = {column.name: column for column in columns}
    given = dict(given or {})
    if unknown := sorted(set(given) - set(by_name)):
        raise ValueError(f"values: expected columns of {sorted(by_name)}, got {unknown}")
    if getattr(dataset, "encoders", None):
        said = values_of_encoders(dataset.encoders)
    else:
        vocabularies = getattr(dataset, "vocabularies", None) or {}
        said = {name: Values(known=known) for name, known in vocabularies.items()}
    said |= given
    return {
        name: said.get(name) or said.get(getattr(column, "table_name", name)) or Values()
        for name, column in by_name.items()
    }


def request_side(
    columns: Iterable[Column], given: Iterable[str] | None, is_known: bool = True
) -> list[str]:
    """Names of the columns that a request gives once.

    Args:
        columns: the model's.
        given: names; default: every column that is not of group ``item``, and none where no
            column is of that group.
        is_known: whether the groups of numbers are a data set's. A model's inputs do not say them.

    Raises:
        ValueError: an unknown column, no column left for the candidates, or names that are needed
            and not given.
    """
    columns = tuple(columns)
    names = [column.name for column in columns]
    numbers = [column.name for column in columns if isinstance(column, NumericColumn)]
    if given is None and numbers and not is_known:
        raise ValueError(
            f"request_columns: expected those of {names} that a request gives once, or a data set, "
            f"got neither; the model does not say whose numbers {numbers} are"
        )
    if given is None:
        items = [column.name for column in columns if column.group == CANDIDATE_GROUP]
        return [name for name in names if name not in items] if items else []
    given = list(given)
    if set(given) - set(names) or not set(names) - set(given):
        raise ValueError(f"request_columns: expected some of {names} and not all, got {given}")
    return [name for name in names if name in given]


def lists_side_by_side(
    columns: Iterable[Column],
    request: Sequence[str],
    dataset: Any,
    given: Iterable[Sequence[str]] | None,
) -> list[list[str]]:
    """Lists whose steps belong together: a step that is unknown in one is left out of all.

    Args:
        columns: the model's.
        request: names of the columns that a request gives once.
        dataset: a data set, or None.
        given: groups of names; default: ordered lists of one length and layout on one side, if
            they have equally many steps on all test rows of the data set; none where encoders made
            the features, since these read each list by itself.

    Raises:
        ValueError: columns that are not lists of one layout on one side, or one in two groups.
    """
    if given is None and getattr(dataset, "encoders", None):
        given = ()
    layouts = {
        column.name: (column.max_length, column.num_sessions, column.name in request)
        for column in columns
        if isinstance(column, SequenceColumn) and (given is not None or column.ordered)
    }
    if given is not None:
        groups = [list(names) for names in given]
        flat = [name for names in groups for name in names]
        wrong = [names for names in groups if len({layouts.get(name) for name in names}) != 1]
        if wrong or set(flat) - set(layouts) or len(set(flat)) < len(flat):
            raise ValueError(
                f"side_by_side: expected groups of lists of one length on one side, of "
                f"{sorted(layouts)}, each in one group, got {groups}"
            )
        return [names for names in groups if len(names) > 1]
    found: dict[tuple[Any, ...], list[str]] = {}
    for name, layout in layouts.items():
        steps = b"" if dataset is None else (dataset.test.features[name] != 0).tobytes()
        found.setdefault((*layout, steps), []).append(name)
    return [names for names in found.values() if len(names) > 1]


def describe_column(column: Column, values: Values) -> dict[str, Any]:
    """A column's entry in the description."""
    spec: dict[str, Any] = {"name": column.name, "group": column.group}
    spec["values"] = values.to_config(column)
    if isinstance(column, NumericColumn):
        return {**spec, "kind": "number", "length": column.dimension}
    spec["vocabulary_size"] = column.vocabulary_size
    if isinstance(column, CategoricalColumn):
        return {**spec, "kind": "id", "length": 1}
    return {
        **spec,
        "kind": "list",
        "length": column.max_length,
        "sessions": column.num_sessions,
        "ordered": column.ordered,
    }


def kinds_of_tasks(model: keras.Model, dataset: Any = None) -> dict[str, str]:
    """Dict of task to ``"binary"`` or ``"regression"``.

    Args:
        model: whose heads, layers that are named like their tasks, determine it.
        dataset: a data set, or None; it determines the kinds for a model with other heads.
    """
    kinds = getattr(dataset, "tasks", None) or {}
    heads = {layer.name: getattr(layer, "kind", None) for layer in layers_of(model)}
    return {task: heads.get(task) or kinds.get(task, "binary") for task in output_tasks(model)}
