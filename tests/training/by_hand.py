"""A model of one number and one weight for each task, whose losses are computed by hand."""

import keras
import numpy as np

from recsys_lib.data import Dataset, Split
from recsys_lib.features.columns import NumericColumn
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.heads import PredictionHead


class Logit(keras.layers.Layer):
    """The sum of its inputs times one weight: a model whose loss is computed by hand."""

    def build(self, input_shape):
        self.weight = self.add_weight(name="weight", shape=(), initializer="ones")

    def call(self, inputs):
        return self.weight * keras.ops.expand_dims(inputs, -1)


NUMBER = (NumericColumn("x"),)


def number_data(x, labels, kinds=None, masks=None):
    splits, first = {}, 0
    for name in ("train", "valid", "test"):
        splits[name] = Split(
            features={"x": np.asarray(x, np.float32)},
            labels={task: np.asarray(values, np.float32) for task, values in labels.items()},
            group=np.zeros(len(x), np.int64),
            row_id=np.arange(first, first + len(x)),
            label_masks=masks or {},
        )
        first += len(x)
    return Dataset("numbers", NUMBER, **splits, tasks=kinds)


def number_model(kinds=None):
    inputs = build_inputs(NUMBER)
    kinds = kinds or {"like": "binary"}
    outputs = {
        task: PredictionHead(kind, name=task)(Logit(name=f"{task}_logit")(inputs["x"]))
        for task, kind in kinds.items()
    }
    return keras.Model(inputs, outputs if len(kinds) > 1 else next(iter(outputs.values())))


def cross_entropy(logit, label):
    """In float64, from the logit: log(1 + exp(-z)) for a positive, log(1 + exp(z)) else."""
    logit, label = np.asarray(logit, np.float64), np.asarray(label)
    return np.logaddexp(0, np.where(label == 1, -logit, logit))
