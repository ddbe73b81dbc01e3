"""A small shop with raw values, and models of it, for the tests of exports and of their service."""

import json

import keras
import numpy as np
from reference import randomize

from recsys_lib.data import Split
from recsys_lib.features import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.multi_task import build_mmoe
from recsys_lib.sequence import build_din
from recsys_pipeline.files import FileDataset

STEPS = 4
USERS = np.array(["ann", "bob", "cy", "dee"])
ITEMS = np.array(["i1", "i2", "i3", "i4", "i5", "i6"])
CATEGORIES = np.array([10, 20, 30])  # integers, as a libsvm file has them

COLUMNS = (
    CategoricalColumn("user_id", 5, group="user"),
    CategoricalColumn("item_id", 7, group="item"),
    CategoricalColumn("category", 4, group="item"),
    NumericColumn("price", group="item"),
    NumericColumn("place", 2),
    SequenceColumn("history", 7, STEPS, table="item_id"),
    SequenceColumn("history_category", 4, STEPS, table="category"),
)
TASKS = ("zeta", "alpha")
USER_SIDE = ["user_id", "place", "history", "history_category"]

REQUEST = {
    "user_id": "ann",
    "place": [0.5, -1.0],
    "history": ["i3", "i1"],
    "history_category": [20, 30],
}
CANDIDATES = {"item_id": ["i1", "i6", "i2"], "category": [10, 20, "30"], "price": [0.1, -2, 3.5]}
BODY = {"request": REQUEST, "candidates": CANDIDATES}
"""A request, raw."""


def features(rows, seed):
    """Ids of known values, and histories of every length that end together."""
    draw = np.random.default_rng(seed)
    found = {}
    real = np.arange(STEPS) < draw.integers(0, STEPS + 1, rows)[:, None]
    for column in COLUMNS:
        shape = (rows, *column.input_shape)
        if isinstance(column, NumericColumn):
            found[column.name] = draw.normal(size=shape).astype(np.float32)
        else:
            found[column.name] = draw.integers(1, column.vocabulary_size, shape, np.int32)
    for name in ("history", "history_category"):
        found[name] = np.where(real, found[name], 0).astype(np.int32)
    return found


def dataset(tasks=("click",)):
    """A data set that knows the raw values behind its ids."""
    splits, first = {}, 0
    for seed, (name, rows) in enumerate({"train": 40, "valid": 20, "test": 20}.items()):
        labels = {task: (np.arange(rows) + place) % 2 for place, task in enumerate(tasks)}
        splits[name] = Split(
            features=features(rows, seed),
            labels=labels,
            group=np.arange(rows) // 4,
            row_id=np.arange(first, first + rows),
        )
        first += rows
    vocabularies = {"user_id": USERS, "item_id": ITEMS, "category": CATEGORIES}
    return FileDataset("shop", COLUMNS, **splits, vocabularies=vocabularies)


def din(seed=0):
    """One task, with the histories."""
    keras.utils.set_random_seed(seed)
    model = build_din(COLUMNS, embedding_dim=4, hidden_units=(6,))
    randomize(model, seed=seed)
    return model


def mmoe(seed=0):
    """Two tasks, without the histories."""
    keras.utils.set_random_seed(seed)
    model = build_mmoe(COLUMNS[:5], TASKS, embedding_dim=4, expert_units=(5,), tower_units=(3,))
    randomize(model, seed=seed)
    return model


def description_of(folder):
    """What an export says of itself."""
    return json.loads((folder / "description.json").read_text())
