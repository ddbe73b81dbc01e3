"""A small built model for each row of the zoo, whose shapes stand in a sketch without a model."""

import functools
from typing import TYPE_CHECKING

from recsys_lib.features.columns import CategoricalColumn, Column, NumericColumn, SequenceColumn
from recsys_lib.zoo import Model, find

if TYPE_CHECKING:
    import keras

_SESSIONS, _STEPS = 5, 20


def example_columns(row: Model) -> tuple[Column, ...]:
    """Columns such as the book's data sets have, and those that the row needs beside them.

    Args:
        row: of the zoo.

    Returns:
        Feature columns.
    """
    columns: list[Column] = [
        CategoricalColumn("user_id", 100, group="user"),
        CategoricalColumn("item_id", 100, group="item"),
        CategoricalColumn("category", 20, group="item"),
        CategoricalColumn("hour", 25, group="context"),
        NumericColumn("price", group="item"),
    ]
    if "scenario" in row.needs:
        columns.append(CategoricalColumn("surface", 4, group="scenario"))
    if {"history", "sessions"} & set(row.needs):
        sessions = _SESSIONS if "sessions" in row.needs else 1
        columns += [
            SequenceColumn("history", 100, _STEPS, table="item_id", num_sessions=sessions),
            SequenceColumn("categories", 20, _STEPS, table="category", num_sessions=sessions),
        ]
    return tuple(columns)


def example_tasks(row: Model) -> str | tuple[str, ...]:
    """The tasks of an example: two where its row is a model of several tasks."""
    if {"two tasks", "chain of tasks"} & set(row.needs) or row.chapter.startswith("07"):
        return ("click", "conversion")
    return ("click", "like") if "several tasks" in row.needs else "click"


def example(row: Model) -> "keras.Model":
    """A built model of a row, with its builder's own options.

    Args:
        row: of the zoo.

    Returns:
        The model; the same object for the same row.
    """
    return _built(row.key)


@functools.cache
def _built(key):
    row = find(key)
    return row.build(example_columns(row), example_tasks(row))
