"""Mini-batch aware regularisation: Zhou et al. 2018, equations 4 to 6."""

import types

import numpy as np
import pytest
import tensorflow as tf
from tiny_requests import COLUMNS, FEATURES, WIDTH, inputs_of

from recsys_lib.features.columns import CategoricalColumn, SequenceColumn
from recsys_lib.sequence import build_din, count_ids
from recsys_lib.sequence.regularization import MiniBatchAwareL2

COUNTS = np.arange(12) % 5


def test_the_gradient_is_lambda_over_n_times_the_row_once_for_each_id_present():
    model = build_din(COLUMNS, WIDTH, l2=0.3, id_counts={"item_id": COUNTS})
    layer = model.get_layer("embedding")
    table = np.random.default_rng(0).normal(size=layer.table.shape).astype(np.float32)
    layer.table.assign(table)
    with tf.GradientTape() as tape:
        model(inputs_of(model), training=True)
        (penalty,) = model.losses
    gradient = tf.convert_to_tensor(tape.gradient(penalty, layer.table)).numpy()
    expected, value = np.zeros(table.shape), 0.0
    start = layer.rows_of("item_id").start
    present = set(FEATURES["item_id"]) | set(FEATURES["history"].ravel())
    for item in present - {0}:
        row = table[start + item].astype(np.float64)
        expected[start + item] = 0.3 / max(COUNTS[item], 1) * row
        value += 0.5 * 0.3 / max(COUNTS[item], 1) * (row @ row)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(penalty, value, rtol=1e-4)
    repeated = np.bincount(FEATURES["history"].ravel(), minlength=12)[1:]
    assert repeated.max() > 1  # some id occurs several times in the batch


def test_it_is_there_in_training_only_and_leaves_the_vectors_alone():
    plain = build_din(COLUMNS, WIDTH)
    model = build_din(COLUMNS, WIDTH, l2=0.3, id_counts={"item_id": COUNTS})
    model.get_layer("item_id_l2")
    trainable = {v.path: v for v in model.trainable_variables}
    for variable in plain.trainable_variables:
        trainable[variable.path].assign(variable)
    np.testing.assert_array_equal(model(inputs_of(model)), plain(inputs_of(plain)))
    assert not model.losses


def test_the_gradient_of_the_table_stays_row_by_row():
    model = build_din(COLUMNS, WIDTH, l2=0.3, id_counts={"item_id": COUNTS})
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(inputs_of(model), training=True)) + tf.add_n(model.losses)
    assert isinstance(tape.gradient(loss, model.get_layer("embedding").table), tf.IndexedSlices)


def test_ids_are_counted_over_all_columns_of_a_table():
    columns = (
        CategoricalColumn("item_id", 5, group="item"),
        SequenceColumn("history", 5, 3, table="item_id"),
        CategoricalColumn("user_id", 3),
    )
    features = {
        "item_id": np.array([1, 0, 4]),
        "history": np.array([[1, 1, 0], [2, 0, 0], [4, 1, 2]]),
        "user_id": np.array([2, 2, 1]),
    }
    dataset = types.SimpleNamespace(
        feature_columns=columns, train=types.SimpleNamespace(features=features)
    )
    counts = count_ids(dataset)
    assert set(counts) == {"item_id", "user_id"}
    np.testing.assert_array_equal(counts["item_id"], [0, 4, 2, 0, 2])
    np.testing.assert_array_equal(counts["user_id"], [0, 1, 2])
    some = count_ids(dataset, columns=("item_id",))
    np.testing.assert_array_equal(some["item_id"], [0, 1, 0, 0, 1])
    assert set(some) == {"item_id"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-0.1, 5), "l2: expected 0 or more, got -0.1"),
        ((0.1, 5, [1, 2]), "id_counts: expected 5 counts"),
        ((0.1, 2, [1, -2]), "id_counts: expected 2 counts of 0 or more"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        MiniBatchAwareL2(*arguments)
