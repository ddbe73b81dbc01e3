"""What the library takes from inside Keras is what it takes it for."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from recsys_lib.keras_graphs import (
    calls_of,
    joined_axis,
    leaves_values_alone,
    new_shape,
    run_through_graph,
    works_elementwise,
)
from recsys_lib.keras_internals import (
    ReducedBefore,
    keep_logits,
    layers_of,
    optimizers_by_pattern,
    resource_of,
    variable_key,
)


def test_all_layers_of_a_model_are_found_once_those_inside_others_too():
    shared = keras.layers.Dense(2, name="shared")
    inner = keras.Sequential([shared, keras.layers.Dense(2, name="deep")], name="inner")
    inputs = keras.Input((2,), name="x")
    model = keras.Model(inputs, shared(inner(inputs)))
    found = [
        layer.name for layer in layers_of(model) if not isinstance(layer, keras.layers.InputLayer)
    ]
    assert sorted(found) == ["deep", "inner", "shared"]


def test_the_graph_is_walked_in_order_with_whatever_the_inputs_are():
    inputs = {name: keras.Input((2,), name=name) for name in ("a", "b")}
    total = keras.layers.Add(name="total")([inputs["a"], inputs["b"]])
    model = keras.Model(inputs, {"twice": total + total, "sum": total})
    order = []

    def wrap(operation):
        def call(*args):
            order.append(operation.name)
            return f"{operation.name}({', '.join(tf.nest.flatten(args))})"

        return call

    outputs = run_through_graph(model, [f"<{tensor.name}>" for tensor in model.inputs], wrap)
    assert outputs["sum"] == "total(<a>, <b>)"
    assert outputs["twice"] == f"{order[1]}(total(<a>, <b>), total(<a>, <b>))"
    assert order[0] == "total"
    assert len(order) == 2


def test_calls_of_a_graph_come_in_order_with_their_arguments_and_tensors():
    inputs = {name: keras.Input((2,), name=name) for name in ("b", "a")}
    shared = keras.layers.Dense(2, name="shared")
    first = shared(inputs["b"])
    second = shared(keras.layers.Add(name="total")([first, inputs["a"]]), training=False)
    calls = calls_of(keras.Model(inputs, second))
    assert [call.operation.name for call in calls[:2]] in (["a", "b"], ["b", "a"])
    assert [call.operation.name for call in calls[2:]] == ["shared", "total", "shared"]
    assert calls[2].args[0] is calls[2].inputs[0] is inputs["b"]
    assert calls[2].outputs[0] is first and calls[4].outputs[0] is second
    assert [tensor is calls[3].args[0][n] for n, tensor in enumerate(calls[3].inputs)] == [True] * 2
    assert calls[4].kwargs == {"training": False}


def test_rows_are_gathered_from_the_resource_without_a_copy_of_the_table():
    table = keras.Variable(np.arange(8.0).reshape(4, 2))

    @tf.function
    def read(rows):
        return tf.gather(resource_of(table), rows)

    np.testing.assert_array_equal(read(tf.constant([2])), [[4, 5]])
    kinds = {op.type for op in read.get_concrete_function(tf.constant([0])).graph.get_operations()}
    assert "ResourceGather" in kinds
    assert "ReadVariableOp" not in kinds
    assert isinstance(resource_of(table), tf.Variable)


def test_an_optimizer_files_statistics_under_one_key_for_both_variables():
    first, second = keras.Variable(1.0), keras.Variable(2.0)
    optimizer = keras.optimizers.Adam()
    optimizer.build([first, second])
    assert variable_key(optimizer, first) == variable_key(optimizer, resource_of(first))
    assert variable_key(optimizer, first) != variable_key(optimizer, second)


def test_keras_does_not_add_up_gradients_that_were_added_up_before():
    """Of the optimizer's own classes: what stands in a place of Keras's, and that it is asked."""
    asked = []

    class Descent(ReducedBefore, keras.optimizers.SGD):
        def _all_reduce_sum_gradients(self, grads_and_vars):
            asked.append(len(grads_and_vars))
            return super()._all_reduce_sum_gradients(grads_and_vars)

    variable = keras.Variable(1.0)
    Descent(0.5).apply([tf.constant(1.0)], [variable])
    assert float(variable) == 0.5 and asked == [1]
    pairs = [(tf.constant(1.0), variable.value)]
    assert Descent()._all_reduce_sum_gradients(pairs) is pairs


def test_the_patterns_of_an_optimizer_map_keep_their_order():
    wide, deep = keras.optimizers.Ftrl(), keras.optimizers.Adam()
    patterns = {"wide.*": wide, "deep.*": deep}
    found = optimizers_by_pattern(keras.optimizers.OptimizerMap(wide, patterns))
    assert list(found.items()) == list(patterns.items())
    multi = keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(wide, patterns))
    assert list(optimizers_by_pattern(multi)) == list(patterns)


def test_the_loss_is_computed_from_the_logit_that_was_kept():
    logits = tf.constant([40.0, -40.0])
    probability = keep_logits(tf.identity(ops.sigmoid(logits)), logits)
    labels = tf.constant([0.0, 1.0])
    loss = keras.losses.binary_crossentropy(labels, probability)
    assert float(loss) == pytest.approx(40.0)
    clipped = keras.losses.binary_crossentropy(labels, tf.identity(ops.sigmoid(logits)))
    assert float(clipped) < 20


FIELDS, OTHERS = keras.Input((2, 3)), keras.Input((2, 3))
ASKED = {
    "joined": lambda operation: joined_axis(operation),
    "shape": lambda operation: new_shape(operation),
    "alone": lambda operation: leaves_values_alone(operation),
    "elementwise": lambda operation: works_elementwise(operation),
}
NOTHING = {"joined": None, "shape": None, "alone": False, "elementwise": False}


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: ops.concatenate([FIELDS, OTHERS], axis=-1), {"joined": -1}),
        (lambda: keras.layers.Concatenate(axis=1)([FIELDS, OTHERS]), {"joined": 1}),
        (lambda: ops.reshape(FIELDS, (-1, 6)), {"shape": (-1, 6)}),
        (lambda: ops.stop_gradient(FIELDS), {"alone": True}),
        (lambda: keras.layers.Identity()(FIELDS), {"alone": True}),
        (lambda: FIELDS + OTHERS, {"elementwise": True}),
        (lambda: FIELDS - OTHERS, {"elementwise": True}),
        (lambda: FIELDS * OTHERS, {"elementwise": True}),
        (lambda: FIELDS / OTHERS, {"elementwise": True}),
        (lambda: ops.maximum(FIELDS, OTHERS), {"elementwise": True}),
        (lambda: ops.minimum(FIELDS, OTHERS), {"elementwise": True}),
        (lambda: keras.layers.Add()([FIELDS, OTHERS]), {"elementwise": True}),
        (lambda: keras.layers.Subtract()([FIELDS, OTHERS]), {"elementwise": True}),
        (lambda: keras.layers.Multiply()([FIELDS, OTHERS]), {"elementwise": True}),
        (lambda: keras.layers.Average()([FIELDS, OTHERS]), {"elementwise": True}),
        (lambda: ops.stack([FIELDS, OTHERS], axis=1), {}),
        (lambda: ops.matmul(FIELDS, ops.transpose(OTHERS, (0, 2, 1))), {}),
        (lambda: ops.expand_dims(FIELDS, -1), {}),
        (lambda: keras.layers.Reshape((6,))(FIELDS), {}),
        (lambda: keras.layers.Dense(2)(FIELDS), {}),
    ],
)
def test_operations_of_a_graph_are_told_apart(make, expected):
    """The graph is walked, since the operation behind a tensor is no public attribute either."""
    operations = []
    run_through_graph(
        keras.Model([FIELDS, OTHERS], make() + 0),
        [FIELDS, OTHERS],
        lambda operation: operations.append(operation) or operation,
    )
    found = {name: ask(operations[-2]) for name, ask in ASKED.items()}
    assert found == {**NOTHING, **expected}
