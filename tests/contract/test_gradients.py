"""Autodiff equals a central difference along a random direction, in every variable.

In double precision, training off, with smooth activations. A tensor that the paper stops is held
at its value while the weights move; anything else that stops a gradient makes the two differ.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from graph import frozen_stops
from rows import CHECKED
from world import columns_by_key, features_by_key, fresh

STEP = 1e-5


@pytest.fixture
def double_precision():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy("float32")


def loss_of(outputs, labels):
    """Mean log loss over rows and tasks; regression would do as well."""
    outputs = list(outputs.values()) if isinstance(outputs, dict) else tf.nest.flatten(outputs)
    losses = [
        -tf.reduce_mean(y * tf.math.log(p) + (1 - y) * tf.math.log(1 - p))
        for p, y in zip(outputs, labels, strict=True)
    ]
    return tf.add_n(losses)


@pytest.mark.parametrize("key", CHECKED)
def test_gradients_are_those_of_the_formula(key, double_precision):
    row = CHECKED[key]
    model = fresh(key, **row.smooth)
    rng = np.random.default_rng(2)
    for variable in model.trainable_variables:
        variable.assign(0.5 * rng.normal(size=variable.shape))
    features = features_by_key(key)
    inputs = {}
    for tensor in model.inputs:
        values = features[tensor.name]
        inputs[tensor.name] = tf.constant(
            values, tf.float64 if values.dtype.kind == "f" else tf.int32
        )
    num_rows = len(features["user_id"])
    num_outputs = len(model.outputs)
    labels = [tf.constant(rng.integers(0, 2, num_rows), tf.float64) for _ in range(num_outputs)]
    with tf.GradientTape() as tape:
        outputs = model(inputs, training=False)
        loss = loss_of(outputs, labels)
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    with frozen_stops(model, row.stops) as run:
        _, recorded = run(inputs)
    assert len(recorded) >= len(row.stops), "the row lists stops that the model does not have"
    with frozen_stops(model, row.stops, recorded) as run:
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
            value = variable.numpy()
            direction = rng.normal(size=value.shape)
            if gradient is None:
                analytic = 0.0
            else:
                analytic = float(np.sum(tf.convert_to_tensor(gradient).numpy() * direction))
            differences = []
            for sign in (1, -1):
                variable.assign(value + sign * STEP * direction)
                differences.append(float(loss_of(run(inputs)[0], labels)))
            variable.assign(value)
            numeric = (differences[0] - differences[1]) / (2 * STEP)
            assert analytic == pytest.approx(numeric, rel=1e-5, abs=1e-8), variable.path


def test_the_test_sees_a_gradient_that_is_cut():
    """A model with a stop that no row lists: its two gradients differ."""
    inputs = keras.Input((3,), name="x")
    hidden = keras.layers.Dense(4, "tanh", name="hidden")(inputs)
    both = hidden + keras.ops.stop_gradient(2.0 * hidden)
    output = keras.layers.Dense(1, "sigmoid", name="output")(both)
    model = keras.Model({"x": inputs}, output)
    values = {"x": tf.constant(np.random.default_rng(0).normal(size=(5, 3)), tf.float32)}
    kernel = model.get_layer("hidden").kernel
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(values))
    analytic = float(tf.reduce_sum(tape.gradient(loss, kernel.value)))
    before = kernel.numpy()

    def numeric(stops):
        found = []
        with frozen_stops(model, stops) as run:
            _, recorded = run(values)
        with frozen_stops(model, stops, recorded) as run:
            for sign in (1, -1):
                kernel.assign(before + sign * 1e-2)
                found.append(float(tf.reduce_sum(run(values)[0])))
        kernel.assign(before)
        return (found[0] - found[1]) / 2e-2

    assert analytic != pytest.approx(numeric(()), rel=0.1)
    multiplied = next(op.name for op in model.operations if op.name.startswith("multiply"))
    assert analytic == pytest.approx(numeric((multiplied,)), rel=0.02)


def test_columns_of_all_kinds_take_part():
    names = {column.name for column in columns_by_key("din")}
    assert {"history", "genres", "price", "surface"} <= names
