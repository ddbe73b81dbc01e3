"""Rows of a log as they would be in one request."""

import dataclasses

import numpy as np
import pytest

from recsys_lib.data import Dataset, Split
from recsys_lib.features import CategoricalColumn, NumericColumn, SequenceColumn

TIMES = np.array([4, 3, 2, 1])


def split_of(first_row):
    return Split(
        features={
            "item_id": np.arange(4),
            "history": np.arange(1, 9).reshape(4, 2),
            "count": np.arange(4, dtype=np.float32),
        },
        labels={"like": np.array([0.0, 1.0, 0.0, 1.0])},
        group=np.array([0, 1, 0, 1]),
        row_id=first_row + np.arange(4),
        time=first_row + TIMES,
        as_of={"count": first_row + TIMES - 5.0},
    )


DATA = Dataset(
    "log",
    (
        CategoricalColumn("item_id", 9, group="item"),
        SequenceColumn("history", 9, 2, table="item_id"),
        NumericColumn("count", group="user"),
    ),
    *map(split_of, (0, 10, 20)),
)


def test_columns_of_the_user_are_as_they_were_at_the_users_first_row():
    test = DATA.test
    held = DATA.held_still(test)
    # Rows 0 and 2 are of one user, and row 2 came first; rows 1 and 3 are of another.
    assert held.features["count"].tolist() == [2, 3, 2, 3]
    assert held.features["history"].tolist() == [[5, 6], [7, 8], [5, 6], [7, 8]]
    assert held.as_of["count"].tolist() == (20 + TIMES - 5.0)[[2, 3, 2, 3]].tolist()
    assert held.features["item_id"].tolist() == [0, 1, 2, 3]
    assert held.labels["like"].tolist() == [0, 1, 0, 1]


def test_rows_without_times_have_no_first_one():
    with pytest.raises(ValueError, match="time: expected the moments of the rows, got None"):
        DATA.held_still(dataclasses.replace(DATA.test, time=None))
