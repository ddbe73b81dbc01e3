"""Mini-batch aware regularisation: Zhou et al. 2018, equations 4 to 6."""

import types

import numpy as np
import pytest
import tensorflow as tf
from tiny_requests import COLUMNS, FEATURES, WIDTH, inputs_of

from recsys_lib.features.columns import CategoricalColumn, EmbeddingL2, SequenceColumn
from recsys_lib.sequence import (
    build_bst,
    build_dien,
    build_din,
    build_dsin,
    build_gru,
    build_pooled,
    count_ids,
)

COUNTS = np.arange(12) % 5
PENALTY = EmbeddingL2(0.3, id_counts={"item_id": COUNTS})
BUILDERS = (build_pooled, build_gru, build_din, build_dien, build_dsin, build_bst)


def built(build, **options):
    sessions = {"num_sessions": 2} if build is build_dsin else {}
    return build(COLUMNS, embedding_dim=WIDTH, **sessions, **options)


def with_random_table(model):
    layer = model.get_layer("embedding")
    table = np.random.default_rng(0).normal(size=layer.table.shape).astype(np.float32)
    layer.table.assign(table)
    return layer, table.astype(np.float64)


def penalty_by_hand(layer, table):
    """The penalty of the batch and its gradient: every item of the batch once, others never."""
    expected, value = np.zeros(table.shape), 0.0
    start = layer.rows_of("item_id").start
    present = set(FEATURES["item_id"]) | set(FEATURES["history"].ravel())
    for item in present - {0}:
        row = table[start + item]
        expected[start + item] = 0.3 / max(COUNTS[item], 1) * row
        value += 0.5 * 0.3 / max(COUNTS[item], 1) * (row @ row)
    return value, expected


def test_the_gradient_is_lambda_over_n_times_the_row_once_for_each_id_present():
    model = built(build_din, embedding_l2=PENALTY)
    layer, table = with_random_table(model)
    with tf.GradientTape() as tape:
        model(inputs_of(model), training=True)
        (penalty,) = model.losses
    gradient = tf.convert_to_tensor(tape.gradient(penalty, layer.table)).numpy()
    value, expected = penalty_by_hand(layer, table)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(penalty, value, rtol=1e-4)
    repeated = np.bincount(FEATURES["history"].ravel(), minlength=12)[1:]
    assert repeated.max() > 1  # some id occurs several times in the batch


@pytest.mark.parametrize("build", BUILDERS)
def test_every_model_penalises_the_rows_of_the_batch_and_no_drawn_negative(build):
    model = built(build, embedding_l2=PENALTY)
    layer, table = with_random_table(model)
    model(inputs_of(model), training=True)
    (penalty,) = layer.losses
    np.testing.assert_allclose(penalty, penalty_by_hand(layer, table)[0], rtol=1e-4)


@pytest.mark.parametrize("build", BUILDERS)
def test_a_mistyped_table_is_named(build):
    penalty = EmbeddingL2(0.3, id_counts={"itemid": COUNTS})
    with pytest.raises(ValueError, match=r"id_counts: expected tables of .*got \['itemid'\]"):
        built(build, embedding_l2=penalty)


def test_it_is_there_in_training_only_and_leaves_the_vectors_alone():
    plain, model = built(build_din), built(build_din, embedding_l2=PENALTY)
    trainable = {v.path: v for v in model.trainable_variables}
    for variable in plain.trainable_variables:
        trainable[variable.path].assign(variable)
    np.testing.assert_array_equal(model(inputs_of(model)), plain(inputs_of(plain)))
    assert not model.losses


def test_the_gradient_of_the_table_stays_row_by_row():
    model = built(build_din, embedding_l2=PENALTY)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(inputs_of(model), training=True)) + tf.add_n(model.losses)
    assert isinstance(tape.gradient(loss, model.get_layer("embedding").table), tf.IndexedSlices)


def test_ids_are_counted_once_a_row_over_all_columns_of_a_table():
    columns = (
        CategoricalColumn("item_id", 6, group="item"),
        SequenceColumn("history", 6, 3, table="item_id"),
        CategoricalColumn("user_id", 3),
    )
    features = {
        "item_id": np.array([1, 0, 4, 2]),
        "history": np.array([[1, 1, 0], [2, 0, 0], [4, 1, 2], [4, 4, 4]]),
        "user_id": np.array([2, 2, 1, 0]),
    }
    dataset = types.SimpleNamespace(
        feature_columns=columns, train=types.SimpleNamespace(features=features)
    )
    counts = count_ids(dataset)
    assert set(counts) == {"item_id", "user_id"}
    rows = [{1}, {2}, {4, 1, 2}, {2, 4}]
    expected = [0] + [sum(item in row for row in rows) for item in range(1, 6)]
    np.testing.assert_array_equal(counts["item_id"], expected)
    np.testing.assert_array_equal(counts["user_id"], [0, 1, 2])
    some = count_ids(dataset, columns=("item_id",))
    np.testing.assert_array_equal(some["item_id"], [0, 1, 1, 0, 1, 0])
    assert set(some) == {"item_id"}
    np.testing.assert_array_equal(features["history"][2], [4, 1, 2])  # the data are left alone
    with pytest.raises(ValueError, match="no feature column is named"):
        count_ids(dataset, columns=("items",))
