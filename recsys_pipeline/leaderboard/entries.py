"""Entries of a board: rows of the zoo, and forms of them that published boards have."""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from recsys_lib import zoo

if TYPE_CHECKING:
    from recsys_lib.data import Dataset

FORMS = {
    "wide_and_deep": zoo.Model(
        key="wide_and_deep_first_order",
        name="Wide & Deep, first order",
        builder="recsys_lib.memorization:build_wide_and_deep",
        lesson="01_memorization_generalization/01_wide_and_deep",
        paper="Cheng et al. 2016",
        options={"cross_pairs": ()},
    )
}
"""The row of this key is followed by one more model. The paper's wide part has crosses that its
authors chose; published boards, where nobody crossed columns by hand, have only ids' weights."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the board.

    Args:
        name: printed name.
        model: row of the zoo.
        options: of its builder, in the form of a recipe's file or of the command line.
        fit: of its training, likewise.
        grid: option, or setting of the training, to the values to choose from.
    """

    name: str
    model: zoo.Model
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fit: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    grid: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("options", "fit", "grid"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


def every_model() -> dict[str, zoo.Model]:
    """All models that can be on the board of some data set.

    Returns:
        Dict of printed name to row, in the order of the book.
    """
    found = {}
    for row in zoo.MODELS:
        for model in (row, FORMS.get(row.key)):
            if model is not None:
                found[model.name] = model
    return found


def models() -> dict[str, zoo.Model]:
    """The models for one label and plain columns.

    Returns:
        Dict of printed name to row, in the order of the book.
    """
    return {name: model for name, model in every_model().items() if not model.needs}


def chosen(names: Iterable[str] | None = None) -> dict[str, zoo.Model]:
    """The models of these names.

    Args:
        names: printed names or keys; None: the models for one label and plain columns.

    Returns:
        Dict of printed name to row, in the order asked for.

    Raises:
        ValueError: an unknown model, one named twice, or no model.
    """
    if names is None:
        return models()
    known = every_model()
    either = known | {model.key: model for model in known.values()}
    names = list(names)
    if not names or any(name not in either for name in names):
        raise ValueError(f"models: expected some of {list(known)}, got {names}")
    found = [either[name] for name in names]
    if len({model.key for model in found}) < len(found):
        raise ValueError(f"models: expected each one once, got {names}")
    return {model.name: model for model in found}


def provided(dataset: "Dataset") -> frozenset[str]:
    """Which needs of models a data set meets.

    Args:
        dataset: ``Dataset``.

    Returns:
        Some of ``recsys_lib.zoo.NEEDS``.
    """
    import numpy as np

    from recsys_lib.features.columns import CategoricalColumn, SequenceColumn

    columns, tasks, found = dataset.feature_columns, dataset.tasks or {}, set()
    candidate = {
        column.table_name
        for column in columns
        if isinstance(column, CategoricalColumn) and column.group == "item"
    }
    for column in columns:
        if isinstance(column, SequenceColumn) and column.ordered and column.table_name in candidate:
            found.add("sessions" if column.num_sessions > 1 else "history")
    if any(column.group == "scenario" for column in columns):
        found.add("scenario")
    if len(tasks) > 1:
        found.add("several tasks")
    if len(tasks) > 1 and set(tasks.values()) == {"binary"}:
        splits, pairs = dataset.splits.values(), list(itertools.pairwise(tasks))
        # A label that does not exist is held as 0, and so is never above the one before.
        is_above = [
            np.any((split.labels[second] > split.labels[first])[split.rows_of(first)])
            for split in splits
            for first, second in pairs
        ]
        if not any(is_above):
            found.add("chain of tasks")
            if len(tasks) == 2 and not any(split.label_masks for split in splits):
                found.add("two tasks")
    return frozenset(found)


def fitting(dataset: "Dataset") -> dict[str, zoo.Model]:
    """The models whose needs a data set meets.

    Args:
        dataset: ``Dataset``.

    Returns:
        Dict of printed name to row, in the order of the book.
    """
    there = provided(dataset)
    return {name: model for name, model in every_model().items() if set(model.needs) <= there}


def missing(model: zoo.Model, dataset: "Dataset") -> str | None:
    """The needs of a model that the data set does not meet, in words; None if it meets all."""
    lacking = [need for need in model.needs if need not in provided(dataset)]
    return f"needs {' and '.join(lacking)}, which the data do not have" if lacking else None
