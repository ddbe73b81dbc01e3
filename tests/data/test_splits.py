"""Rows of a log as they would be in one request."""

import dataclasses

import numpy as np
import pytest

from recsys_lib.data import Split

LATE_FIRST = Split(
    features={
        "item_id": np.arange(4),
        "history": np.arange(8).reshape(4, 2),
        "count": np.arange(4, dtype=np.float32),
    },
    labels={"like": np.array([0.0, 1.0, 0.0, 1.0])},
    group=np.array([0, 1, 0, 1]),
    row_id=np.arange(4),
    time=np.array([4, 3, 2, 1]),
    as_of={"count": np.arange(4) - 1.0},
)


def test_rows_held_still_have_the_columns_of_their_groups_first_row():
    held = LATE_FIRST.held_still(["count", "history"])
    # Rows 0 and 2 are one group, and row 2 came first; rows 1 and 3 are another.
    assert held.features["count"].tolist() == [2, 3, 2, 3]
    assert held.features["history"].tolist() == [[4, 5], [6, 7], [4, 5], [6, 7]]
    assert held.as_of["count"].tolist() == [1, 2, 1, 2]
    assert held.features["item_id"].tolist() == [0, 1, 2, 3]
    assert held.labels["like"].tolist() == [0, 1, 0, 1]
    with pytest.raises(ValueError, match="time: expected the moments of the rows, got None"):
        dataclasses.replace(LATE_FIRST, time=None).held_still(["count"])


@pytest.mark.parametrize(("names", "got"), [(["count", "rate"], "'rate'"), ("history", "'h'")])
def test_only_features_are_held_still(names, got):
    """A text is a collection of letters: it would hold still every feature whose name it holds."""
    with pytest.raises(ValueError, match=f"names: expected some of .*'history'.*, got {got}"):
        LATE_FIRST.held_still(names)
