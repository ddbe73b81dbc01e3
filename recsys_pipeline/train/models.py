"""Which models there are, what each needs, and whether the data have it."""

import dataclasses
import inspect
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recsys_lib import zoo
from recsys_pipeline.files.checks_of_values import nearest

if TYPE_CHECKING:
    from recsys_lib.data import Dataset
    from recsys_lib.features.columns import Column

FIRST_ORDER = dataclasses.replace(
    zoo.find("wide_and_deep"),
    key="wide_and_deep_first_order",
    name="Wide & Deep, first order",
    options={"cross_pairs": ()},
)
"""A second form. The paper's wide part has crosses that its authors chose; published boards, where
nobody crossed columns by hand, have only ids' weights."""

NEEDS = {
    "history": "a history: an ordered sequence whose table is that of a categorical column with "
    "group = 'item'",
    "sessions": "a history in sessions: a sequence with times and sessions",
    "scenario": "one column with group = 'scenario'",
    "several tasks": "several labels",
    "two tasks": "two binary tasks, a click and what follows it",
    "chain of tasks": "binary tasks, each part of the one before",
}
"""Needs of ``recsys_lib.zoo`` in the words of a description."""


def every_model() -> dict[str, zoo.Model]:
    """All models, printed name to row, in the order of the book."""
    rows = [*zoo.MODELS]
    rows.insert(rows.index(zoo.find("wide_and_deep")) + 1, FIRST_ORDER)
    return {model.name: model for model in rows}


def plain_models() -> dict[str, zoo.Model]:
    """The models for one label and plain columns, printed name to row."""
    return {name: model for name, model in every_model().items() if not model.needs}


def find(name: str, where: str = "model") -> zoo.Model:
    """The model of a printed name or key; ``ValueError`` tells the nearest one.

    Example:
        >>> find("dcn_v2").name
        'DCN-V2'
    """
    known = every_model()
    for model in known.values():
        if name in (model.key, model.name):
            return model
    keys = [model.key for model in known.values()]
    raise ValueError(f"{where}: unknown name {name!r}{nearest(str(name), [*known, *keys])}")


def parameters(model: zoo.Model) -> Mapping[str, inspect.Parameter]:
    """The options of a model's builder; its modules are imported."""
    found = inspect.signature(model.function).parameters
    return {name: found[name] for name in list(found)[2:]}


def takes(model: zoo.Model, option: str) -> bool:
    """Whether an option that is set for all models applies to this one.

    ``hidden_units`` does not apply to models that have no network by default.
    """
    parameter = parameters(model).get(option)
    if parameter is None:
        return False
    return option != "hidden_units" or model.options.get(option, parameter.default) != ()


def read_by(
    model: zoo.Model, columns: Sequence["Column"], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The option ``histories`` of a model, where the data have some of them in sessions too."""
    from recsys_lib.sequence.behaviours import histories_of

    histories = histories_of(columns)
    in_sessions = [column for column in histories if column.num_sessions > 1]
    reads = "history" in model.needs or options.get("interest") == "attention"
    if not reads or not in_sessions or "histories" in options:
        return {}
    if "sessions" in model.needs:
        names = tuple(column.name for column in in_sessions)
        return {"histories": names, "num_sessions": in_sessions[0].num_sessions}
    plain = [column.name for column in histories if column not in in_sessions]
    return {"histories": tuple(plain)}


def provided(
    columns: Sequence["Column"], tasks: Mapping[str, str], dataset: "Dataset | None" = None
) -> frozenset[str]:
    """Which of ``NEEDS`` a data set meets, by its columns, or placeholders for them, and tasks.

    Its rows tell whether each task is part of the one before; where they are not known yet, binary
    tasks are taken for a chain.
    """
    from recsys_lib.sequence.behaviours import histories_of

    found = {"sessions" if one.num_sessions > 1 else "history" for one in histories_of(columns)}
    if sum(column.group == "scenario" for column in columns) == 1:
        found.add("scenario")
    if len(tasks) > 1:
        found.add("several tasks")
        if set(tasks.values()) == {"binary"} and (dataset is None or _are_nested(tasks, dataset)):
            found.add("chain of tasks")
            masked = dataset and any(split.label_masks for split in dataset.splits.values())
            if len(tasks) == 2 and not masked:
                found.add("two tasks")
    return frozenset(found)


def _are_nested(tasks, dataset):
    # A label that does not exist is held as 0, and so is never above the one before.
    return not any(
        ((split.labels[second] > split.labels[first])[split.rows_of(first)]).any()
        for split in dataset.splits.values()
        for first, second in itertools.pairwise(tasks)
    )


def missing(model: zoo.Model, there: frozenset[str]) -> str | None:
    """The needs of a model that are not there, in words; None if all are."""
    lacking = [NEEDS[need] for need in model.needs if need not in there]
    return f"needs {', and '.join(lacking)}" if lacking else None
