"""Columns of every kind, rows with unknown ids, and references by loops in double precision."""

import itertools
import types

import keras
import numpy as np
from reference import double, relu

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.features.embedding import field_names

COLUMNS = (
    CategoricalColumn("user_id", 6, group="user"),
    CategoricalColumn("movie_id", 8, group="item"),
    SequenceColumn("genres", 5, 2, group="item", combiner="sum", ordered=False),
    SequenceColumn("history", 8, 3, table="movie_id"),
    NumericColumn("price", group="item"),
)
NUM_FIELDS, NUM_PAIRS, WIDTH = 5, 10, 4
NUM_ROWS = 7
FEATURES = {
    "user_id": np.array([1, 2, 0, 5, 3, 0, 1], np.int32),
    "movie_id": np.array([7, 1, 3, 0, 2, 0, 7], np.int32),
    "genres": np.array([[1, 2], [4, 0], [3, 3], [2, 0], [0, 0], [0, 0], [1, 4]], np.int32),
    "history": np.array(
        [[2, 7, 0], [1, 0, 0], [4, 5, 6], [0, 0, 0], [3, 3, 0], [0, 0, 0], [7, 2, 0]], np.int32
    ),
    "price": np.array([0.5, -1.0, 2.0, 1.5, 0.0, 0.0, 0.5], np.float32),
}


def pairs_of(num_fields):
    return list(itertools.combinations(range(num_fields), 2))


def random_fields(num_rows=6, num_fields=5, width=4, seed=0):
    return np.random.default_rng(seed).normal(size=(num_rows, num_fields, width))


def weight(model, layer, name):
    """A layer's weight in double precision."""
    return double(getattr(model.get_layer(layer), name))


def reference_fields(model, features=FEATURES, columns=COLUMNS, name="embedding"):
    """Vectors of all fields by loops over rows, columns and steps, ``(rows, fields, width)``."""
    layer = model.get_layer(name)
    table = double(layer.table)
    by_name = {column.name: column for column in columns}
    rows = []
    for row in range(len(next(iter(features.values())))):
        fields = []
        for field in field_names(columns):
            column, value = by_name[field], features[field][row]
            if isinstance(column, NumericColumn):
                numbers = [c.name for c in columns if isinstance(c, NumericColumn)]
                vectors = weight(model, f"{name}_numeric", "vectors")
                fields.append(float(value) * vectors[numbers.index(field)])
                continue
            start = layer.rows_of(field).start
            steps = [table[start + i] for i in np.atleast_1d(value) if i]
            total = np.sum(steps, axis=0) if steps else np.zeros(table.shape[1])
            is_mean = isinstance(column, SequenceColumn) and column.combiner == "mean"
            fields.append(total / max(len(steps), 1) if is_mean else total)
        rows.append(fields)
    return np.array(rows)


class _LinearWeights:
    """Shows ``reference_fields`` a model's linear weights as vectors of width one."""

    def __init__(self, model):
        self.model = model

    def get_layer(self, name):
        if name == "embedding_numeric":
            return types.SimpleNamespace(vectors=self.model.get_layer("linear_numeric").kernel)
        return self.model.get_layer("linear")


def first_order(model, features=FEATURES, columns=COLUMNS):
    """First-order term plus the head's bias by loops, ``(rows,)``."""
    weights = reference_fields(_LinearWeights(model), features, columns)
    return weights[:, :, 0].sum(axis=1) + float(model.get_layer("click").bias.numpy())


def hidden_layers(model, name, inputs):
    """A ``MLP`` without batch normalization by matrix products, ReLU after every layer."""
    weights = [double(w) for w in model.get_layer(name).weights]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        inputs = relu(inputs @ kernel + bias)
    return inputs


def outputs_of(model, *names):
    """The model as a function to the outputs of named layers."""
    outputs = [model.get_layer(name).output for name in names]
    return keras.Model(model.inputs, outputs if len(outputs) > 1 else outputs[0])


def by_name(model, name, features=FEATURES):
    return np.asarray(outputs_of(model, name)(features))


def copy_weights(source, target, layers):
    for name in layers:
        target.get_layer(name).set_weights(source.get_layer(name).get_weights())


EMBEDDING_LAYERS = ("embedding", "embedding_numeric", "linear", "linear_numeric", "click")
