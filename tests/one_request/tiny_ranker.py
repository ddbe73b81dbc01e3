"""A tiny request and a ranker small enough for tests, and what its layers hold in NumPy."""

import keras
import numpy as np

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.one_request import build_ranker

STEPS, WIDTH = 4, 3
COLUMNS = (
    CategoricalColumn("surface", 4, group="scenario"),
    CategoricalColumn("budget", 4, group="user"),
    SequenceColumn("history", 9, STEPS, table="item_id"),
    CategoricalColumn("item_id", 9, group="item"),
    NumericColumn("log_price", group="item"),
)
FEATURES = {
    "surface": np.array([1, 2, 3, 1, 2, 3], np.int32),
    "budget": np.array([1, 2, 3, 0, 1, 2], np.int32),
    "history": np.array(
        [[1, 2, 3, 4], [5, 5, 0, 0], [0, 0, 0, 0], [8, 0, 0, 0], [2, 1, 2, 0], [3, 4, 0, 0]],
        np.int32,
    ),
    "item_id": np.array([2, 5, 7, 1, 0, 3], np.int32),
    "log_price": np.array([0.5, -1.0, 2.0, 0.0, 1.5, -0.5], np.float32),
}
SMALL = {
    "embedding_dim": WIDTH,
    "num_experts": 2,
    "expert_units": (5,),
    "tower_units": (4,),
    "attention_units": (6,),
    "gate_units": 3,
}
PARTS = [
    {},
    {"interest": "mean"},
    {"interest": "none"},
    {"scenario_use": "feature"},
    {"scenario_use": "none"},
    {"num_experts": 1},
    {"tasks": ("conversion",)},
    {"attention_activation": "dice"},
]


def build(**options):
    return build_ranker(COLUMNS, **SMALL | options)


def inputs_of(model, features=FEATURES):
    return {tensor.name: features[tensor.name] for tensor in model.inputs}


def output_of(model, name):
    layer = keras.Model(model.inputs, model.get_layer(name).output)
    return np.asarray(layer(inputs_of(model))).astype(np.float64)


def vectors(model, name, ids, layer="embedding"):
    table = model.get_layer(layer)
    rows = table.table.numpy()[table.rows_of(name)].astype(np.float64)
    return np.where(np.asarray(ids)[..., None] > 0, rows[ids], 0)


def weights_of(layer):
    return [np.asarray(w).astype(np.float64) for w in layer.weights]
