"""Match counts for trees: against loops, and told to the trees of every split."""

import dataclasses

import numpy as np
import pytest

from experiments.sequence._matches import match_counts, trees_with_matches
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import CategoricalColumn, SequenceColumn
from recsys_lib.training.metrics import auc

MAKER = np.array([0, 1, 1, 2, 2, 3, 3])  # of the items 1 to 6; 0 is padding
TAGS = np.array([[0, 0], [1, 2], [2, 0], [3, 0], [1, 3], [0, 0], [4, 0]])


def log(num_rows=900, seed=0):
    """A click where a behaviour is of the candidate's maker, and seldom elsewhere."""
    draw = np.random.default_rng(seed)
    item, history = draw.integers(1, 7, num_rows), draw.integers(1, 7, (num_rows, 2))
    history[draw.random(num_rows) < 0.3, 1] = 0
    history[draw.random(num_rows) < 0.1] = 0
    own = ((MAKER[history] == MAKER[item][:, None]) & (history > 0)).any(axis=1)
    label = (draw.random(num_rows) < np.where(own, 0.9, 0.1)).astype(np.float32)
    features = {"item": item, "maker": MAKER[item], "tags": TAGS[item], "history": history}
    columns = (
        CategoricalColumn("item", 7, group="item"),
        CategoricalColumn("maker", 4, group="item"),
        SequenceColumn("tags", 5, 2, group="item", ordered=False),
        SequenceColumn("history", 7, 2, group="history", table="item"),
    )

    def split(start, end):
        rows = slice(start, end)
        return Split(
            features={name: values[rows].astype(np.int32) for name, values in features.items()},
            labels={"click": label[rows]},
            group=item[rows],
            row_id=np.arange(num_rows)[rows],
            time=np.arange(num_rows)[rows],
        )

    ends = (0, num_rows // 2, 3 * num_rows // 4, num_rows)
    return Dataset("matches", columns, *(split(*ends[one : one + 2]) for one in range(3)))


def test_counts_are_those_of_a_loop():
    data = log()
    split = data.test
    counts = match_counts(data, split, ("item", "maker", "tags"))
    for row, found in enumerate(counts):
        item, history = split.features["item"][row], split.features["history"][row]
        real = [one for one in history if one > 0]
        tags = {tag for tag in TAGS[item] if tag}
        assert found.tolist() == [
            sum(one == item for one in real),
            sum(MAKER[one] == MAKER[item] for one in real),
            sum(bool(tags & set(TAGS[one].tolist())) for one in real),
        ]


def test_padding_and_an_unknown_candidate_match_nothing():
    data = log()
    features = {name: values.copy() for name, values in data.test.features.items()}
    features["item"][:], features["maker"][:], features["tags"][:] = 0, 0, 0
    unknown = dataclasses.replace(data.test, features=features)
    assert not match_counts(data, unknown, ("item", "maker", "tags")).any()


def test_trees_that_are_told_rank_by_matches():
    data = log(3_000)
    told = trees_with_matches(data, seed=0, matches=("maker",))
    blind = trees_with_matches(data, seed=0, matches=("item",))
    scores = [auc(data.test.label, predict(data.test)["click"]) for predict in (told, blind)]
    assert scores[0] > 0.85 > scores[1] + 0.05
    # Rows whose history is another one are told what is in it.
    empty = data.test.features | {"history": np.zeros_like(data.test.features["history"])}
    still = told(dataclasses.replace(data.test, features=empty))["click"]
    assert still.max() < 0.5 < told(data.test)["click"].max()


def test_a_data_set_without_a_history_is_named():
    with pytest.raises((KeyError, ValueError), match="history"):
        trees_with_matches(log().with_columns(["item", "maker"]), seed=0, matches=("maker",))
