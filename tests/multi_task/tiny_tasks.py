"""Columns, rows and helpers that the tests of the multi-task models share."""

import keras
import numpy as np
import tensorflow as tf
from reference import relu, sigmoid

from recsys_lib.features.columns import CategoricalColumn, NumericColumn

COLUMNS = (
    CategoricalColumn("user_id", 6, group="user"),
    CategoricalColumn("item_id", 5, group="item"),
    NumericColumn("price", group="item"),
)
TASKS = {"click": "binary", "like": "binary", "minutes": "regression"}
NUM_ROWS, WIDTH = 7, 3
FEATURES = {
    "user_id": np.array([1, 2, 0, 5, 3, 4, 1], np.int32),
    "item_id": np.array([4, 1, 3, 0, 2, 2, 4], np.int32),
    "price": np.array([0.5, -1.0, 2.0, 1.5, 0.0, -0.5, 0.5], np.float32),
}


def by_name(model, name):
    outputs = keras.Model(model.inputs, model.get_layer(name).output)
    return np.asarray(outputs(FEATURES)).astype(np.float64)


def numbers(layer, name):
    """A layer's weight in double precision."""
    found = [v for v in layer.weights if v.path.endswith(name)]
    assert len(found) == 1
    return found[0].numpy().astype(np.float64)


def network(layer, position, inputs, last_is_linear=False):
    """One network of a stack by matrix products, ReLU after every layer but a linear last one."""
    depth = len(layer.kernels)
    for index in range(depth):
        kernel = numbers(layer, f"/kernel_{index}")[position]
        inputs = inputs @ kernel + numbers(layer, f"/bias_{index}")[position]
        if not (last_is_linear and index == depth - 1):
            inputs = relu(inputs)
    return inputs


def predictions(model, representations, tasks=TASKS):
    """Towers and heads by matrix products, from ``(batch, tasks, units)``."""
    towers, outputs = model.get_layer("towers"), {}
    for position, (task, kind) in enumerate(tasks.items()):
        logit = network(towers, position, representations[:, position], last_is_linear=True)[:, 0]
        logit = logit + numbers(model.get_layer(task), "bias")
        outputs[task] = sigmoid(logit) if kind == "binary" else logit
    return outputs


def gradients_of(model, task):
    """Gradient of one task's outputs by the variable's path; None where it does not reach."""
    with tf.GradientTape() as tape:
        output = model(FEATURES)[task]
        loss = tf.reduce_sum(tf.sin(3.0 * output) * np.arange(1.0, NUM_ROWS + 1))
    found = tape.gradient(loss, model.trainable_variables)
    return {
        variable.path: None if gradient is None else tf.convert_to_tensor(gradient).numpy()
        for variable, gradient in zip(model.trainable_variables, found, strict=True)
    }
