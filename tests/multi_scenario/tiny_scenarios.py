"""Columns, rows and helpers that the tests of the multi-scenario models share."""

import keras
import numpy as np
import tensorflow as tf

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn

COLUMNS = (
    CategoricalColumn("user_id", 6, group="user"),
    CategoricalColumn("surface", 4, group="scenario"),
    CategoricalColumn("item_id", 5, group="item"),
    NumericColumn("price", group="item"),
    SequenceColumn("history", 5, 3, table="item_id"),
)
COUNT, NUM_ROWS, WIDTH = 3, 9, 2
FEATURES = {
    "user_id": np.array([1, 2, 0, 5, 3, 4, 1, 2, 5], np.int32),
    "surface": np.array([2, 1, 3, 1, 2, 1, 3, 1, 2], np.int32),
    "item_id": np.array([4, 1, 3, 0, 2, 2, 4, 1, 3], np.int32),
    "price": np.array([0.5, -1.0, 2.0, 1.5, 0.0, -0.5, 0.5, 1.0, -2.0], np.float32),
    "history": np.array(
        [
            *([1, 2, 0], [0, 0, 0], [3, 4, 1]),
            *([2, 0, 0], [1, 1, 0], [4, 0, 0]),
            *([2, 3, 4], [3, 0, 0], [4, 2, 1]),
        ],
        np.int32,
    ),
}


def rows(chosen, **replaced):
    """The features of some rows, columns replaced by others."""
    features = {**FEATURES, **replaced}
    return {name: values[chosen] for name, values in features.items()}


def surfaces(*ids):
    """All rows, of these scenarios in turn."""
    return rows(slice(None), surface=np.resize(np.array(ids, np.int32), NUM_ROWS))


def output_of(model, name, features=FEATURES):
    """What a named layer returns, in double precision."""
    outputs = keras.Model(model.inputs, model.get_layer(name).output)
    return np.asarray(outputs(features)).astype(np.float64)


def numbers(layer, name):
    """A layer's weight in double precision."""
    found = [v for v in layer.weights if v.path.endswith(f"/{name}")]
    assert len(found) == 1
    return found[0].numpy().astype(np.float64)


def vectors_of(model, table, name, ids):
    """A column's vectors in a named table, zero for id 0, in double precision."""
    layer = model.get_layer(table)
    found = layer.table.numpy()[layer.rows_of(name)][ids].astype(np.float64)
    return found * (ids != 0)[:, None]


def relu_network(inputs, kernels, biases):
    """ReLU after every layer but the last."""
    for position, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
        inputs = inputs @ kernel + bias
        if position < len(kernels) - 1:
            inputs = np.maximum(inputs, 0)
    return inputs


def mlp(layer):
    """Kernels and biases of an ``MLP``, in double precision."""
    weights = [w.numpy().astype(np.float64) for w in layer.weights]
    return weights[::2], weights[1::2]


def gradients_of(model, features=FEATURES, training=False):
    """Gradient of the outputs by the variable's path, zeros where it does not reach."""
    count = len(next(iter(features.values())))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(
            tf.sin(3.0 * model(features, training=training)) * np.arange(1.0, count + 1)
        )
    found = tape.gradient(loss, model.trainable_variables)
    return {
        variable.path: np.zeros(variable.shape)
        if gradient is None
        else tf.convert_to_tensor(gradient).numpy()
        for variable, gradient in zip(model.trainable_variables, found, strict=True)
    }
