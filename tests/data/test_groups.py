"""Groups by name, and pages, against a loop over the rows."""

import dataclasses

import numpy as np
import pytest

from recsys_lib.data import Dataset, Split, pages
from recsys_lib.features import CategoricalColumn, SequenceColumn

RNG = np.random.default_rng(0)
USER = RNG.integers(1, 6, 200)
TAB = RNG.integers(0, 3, 200)
TIME = np.cumsum(RNG.exponential(120, 200))


def pages_by_hand(user, time, surface, seconds):
    """Sets of rows, each one page."""
    found, last = {}, {}
    for row in np.argsort(time, kind="stable"):
        key = (user[row], surface[row])
        before = last.get(key)
        if before is None or time[row] - time[before[-1]] > seconds:
            last[key] = []
            found[len(found)] = last[key]
        last[key].append(row)
    return {frozenset(rows) for rows in found.values()}


@pytest.mark.parametrize("gap", ["5min", "30min", "2h"])
def test_pages_are_those_of_a_loop(gap):
    seconds = {"5min": 300, "30min": 1800, "2h": 7200}[gap]
    mixed = RNG.permutation(200)
    found = pages(USER[mixed], TIME[mixed], TAB[mixed], gap)
    sets = {frozenset(mixed[found == page]) for page in np.unique(found)}
    assert sets == pages_by_hand(USER, TIME, TAB, seconds)
    alone = pages(USER, TIME, gap=gap)
    expected = pages_by_hand(USER, TIME, np.zeros(200), seconds)
    assert {frozenset(np.flatnonzero(alone == page)) for page in np.unique(alone)} == expected


@pytest.mark.parametrize("gap", ["soon", "-5min", "30", 0])
def test_a_gap_is_a_duration(gap):
    with pytest.raises(ValueError, match="gap: expected a duration such as '30min', got"):
        pages(USER, TIME, gap=gap)
    with pytest.raises(ValueError, match="expected user, time and surface of one length"):
        pages(USER, TIME[1:])


def split_of(**groups):
    rows = np.arange(4)
    return Split({"item_id": rows}, {"click": rows % 2}, row_id=rows, **groups)


def test_group_is_short_for_the_first_of_groups():
    assert list(split_of(group=[1, 1, 2, 2]).groups) == ["user"]
    named = split_of(groups={"visitor": [1, 1, 2, 2], "page": [1, 2, 3, 4]})
    assert named.group.tolist() == [1, 1, 2, 2]
    assert named.group_of("page").tolist() == [1, 2, 3, 4]
    moved = dataclasses.replace(named, group=[5, 6, 7, 8])
    assert moved.groups["visitor"].tolist() == moved.group.tolist() == [5, 6, 7, 8]
    assert list(moved.groups) == ["visitor", "page"]
    more = moved.with_groups(day=[0, 0, 0, 1])
    assert list(more.groups) == ["visitor", "page", "day"]
    assert more.take([3, 0]).groups["day"].tolist() == [1, 0]
    with pytest.raises(ValueError, match="no group is named 'tab'; there are"):
        more.group_of("tab")
    with pytest.raises(ValueError, match="group: expected the group of each row, got None"):
        split_of()


def test_groups_are_checked_as_rows_are():
    columns = (CategoricalColumn("item_id", 9),)

    def data(**groups):
        parts = [
            dataclasses.replace(split_of(group=[1, 1, 2, 2]), row_id=np.arange(4) + first)
            for first in (0, 10, 20)
        ]
        return Dataset("groups", columns, parts[0].with_groups(**groups), *parts[1:])

    with pytest.raises(ValueError, match=r"train, groups\['page'\]: expected shape"):
        data(page=[1, 2])
    with pytest.raises(ValueError, match=r"train, groups\['page'\]: expected integers"):
        data(page=[0.5, 1, 2, 3])


def test_rows_are_held_still_until_the_user_pauses():
    columns = (
        CategoricalColumn("item_id", 9, group="item"),
        SequenceColumn("history", 9, 1, group="history", table="item_id"),
    )
    rows = np.arange(4)
    split = Split(
        {"item_id": rows, "history": (rows + 1)[:, None]},
        {"click": rows % 2},
        group=[3, 3, 3, 3],
        row_id=rows,
        time=[0, 600, 4000, 4100],
    )
    data = Dataset(
        "held",
        columns,
        split,
        *(dataclasses.replace(split, row_id=rows + n, time=split.time + n) for n in (5000, 10000)),
    )
    assert data.held_still(split).features["history"][:, 0].tolist() == [1, 1, 1, 1]
    held = data.held_still(split, gap="30min").features
    assert held["history"][:, 0].tolist() == [1, 1, 3, 3]
    assert held["item_id"].tolist() == [0, 1, 2, 3]
