"""A tiny data set and tiny models with every kind of column, shared by the tests of training."""

import keras
import numpy as np
from keras import ops

from recsys_lib.data import Dataset, Split
from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.features.crosses import CrossProduct
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.layers.blocks import MLP, linear_logit
from recsys_lib.layers.heads import PredictionHead

COLUMNS = (
    CategoricalColumn("user_id", 30, group="user"),
    CategoricalColumn("movie_id", 20, group="item"),
    NumericColumn("price", group="item"),
    SequenceColumn("genres", 6, 2, group="item", ordered=False),
    SequenceColumn("history", 20, 3, table="movie_id"),
    NumericColumn("weather", 2, group="context"),
)
SMALL = (COLUMNS[0], COLUMNS[1])
SIZES = {"train": 150, "valid": 60, "test": 80}


def make_features(columns, num_rows, rng):
    features = {}
    for column in columns:
        shape = (num_rows, *column.input_shape)
        if isinstance(column, NumericColumn):
            features[column.name] = rng.normal(size=shape).astype(np.float32)
        else:
            ids = rng.integers(0, column.vocabulary_size, shape, np.int32)
            if isinstance(column, SequenceColumn) and column.ordered:
                ids = np.take_along_axis(ids, np.argsort(ids == 0, axis=1, kind="stable"), axis=1)
            features[column.name] = ids
    return features


def make_dataset(columns=COLUMNS, tasks=None, seed=0, sizes=None):
    """Labels that follow the parity of user and film, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    tasks = tasks or {"like": "binary"}
    splits, first = {}, 0
    for name, num_rows in (sizes or SIZES).items():
        features = make_features(columns, num_rows, rng)
        signal = (features["user_id"] % 2 + features["movie_id"] % 3 - 1.5) * 1.2
        probability = 1 / (1 + np.exp(-signal))
        labels = {}
        for task, kind in tasks.items():
            label = rng.random(num_rows) < probability if kind == "binary" else signal
            labels[task] = np.asarray(label, np.float32)
        splits[name] = Split(
            features=features,
            labels=labels,
            group=features["user_id"] // 6,
            row_id=np.arange(first, first + num_rows),
            probability={t: probability for t, kind in tasks.items() if kind == "binary"},
            slices={"even_users": features["user_id"] % 2 == 0},
        )
        first += num_rows
    return Dataset("tiny", columns, **splits, tasks=tasks)


def build_small(columns=SMALL, tasks=("like",), kinds=None):
    """Embeddings and one layer: traced in no time."""
    kinds = kinds or {}
    inputs = build_inputs(columns)
    groups = list(embed_groups(inputs, columns, 4).values())
    hidden = MLP([6])(ops.concatenate(groups, axis=-1) if len(groups) > 1 else groups[0])
    outputs = {
        task: PredictionHead(kinds.get(task, "binary"), name=task)(keras.layers.Dense(1)(hidden))
        for task in tasks
    }
    return keras.Model(inputs, outputs if len(tasks) > 1 else outputs[tasks[0]], name="small")


def build_large(columns=COLUMNS, tasks=("like",), dropout_rate=0.0, batch_normalization=False):
    """Linear term, crosses, pooled histories and a network, with an output for each task."""
    inputs = build_inputs(columns)
    groups = embed_groups(inputs, columns, 4)
    hidden = MLP([8, 4], dropout_rate=dropout_rate, batch_normalization=batch_normalization)(
        ops.concatenate(list(groups.values()), axis=-1)
    )
    wide = [
        linear_logit(inputs, columns, name="wide_linear"),
        CrossProduct(columns, [("user_id", "movie_id"), ("user_id", "genres")], name="wide_cross")(
            inputs
        ),
    ]
    outputs = {
        task: PredictionHead(name=task)(
            [*wide, keras.layers.Dense(1, name=f"{task}_logit")(hidden)]
        )
        for task in tasks
    }
    return keras.Model(inputs, outputs if len(tasks) > 1 else outputs[tasks[0]])


def randomize(model, seed=0, scale=0.5):
    """Random weights everywhere, also in tables that start at zero; returns the model."""
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(scale * rng.normal(size=variable.shape))
    return model


def weights_of(model):
    return [variable.numpy() for variable in model.variables]


def assert_same_bits(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
