"""L2 penalties of tables: which rows, how often each, and that gradients stay row by row.

The form with counts is Zhou et al. 2018, equations 4 to 7: with alpha_mj = 1 where id j occurs in
batch m, the penalty of the batch is lambda / 2 sum_j alpha_mj / n_j ||w_j||^2.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import double, randomize

from recsys_lib.features.columns import (
    CategoricalColumn,
    EmbeddingL2,
    NumericColumn,
    SequenceColumn,
    check_l2,
    read_l2,
)
from recsys_lib.features.crosses import CrossProduct
from recsys_lib.features.embedding import FusedEmbedding, build_inputs
from recsys_lib.layers.blocks import linear_logit

COLUMNS = (
    CategoricalColumn("user_id", 5, group="user"),
    CategoricalColumn("movie_id", 7, group="item"),
    SequenceColumn("history", 7, 3, table="movie_id"),
    NumericColumn("price"),
)
FEATURES = {
    "user_id": np.array([1, 1, 0, 4], np.int32),
    "movie_id": np.array([6, 2, 0, 6], np.int32),
    "history": np.array([[6, 2, 0], [2, 0, 0], [0, 0, 0], [5, 6, 6]], np.int32),
    "price": np.zeros(4, np.float32),
}
PRESENT = {"user_id": {1, 4}, "movie_id": {2, 5, 6}}
SIZES = {"user_id": 5, "movie_id": 7}
COUNTS = {"movie_id": np.array([0, 3, 4, 0, 9, 0, 2])}
LAMBDA = 0.3


def penalty_and_gradient(layer, features=FEATURES):
    """The one loss of a look-up in training, and what it does to the table."""
    with tf.GradientTape() as tape:
        layer(features, training=True)
        (penalty,) = layer.losses
    gradient = tape.gradient(penalty, layer.table)
    return float(penalty), gradient


def embedding(l2, width=3):
    layer = FusedEmbedding(COLUMNS, width, l2=l2)
    layer.build()
    layer.table.assign(np.random.default_rng(0).normal(size=layer.table.shape))
    return layer


def weight_of(l2, name, identity):
    """What multiplies ``||w_j||^2 / 2`` by the formula, ``lambda / n_j`` or nothing."""
    if identity == 0 or (l2.rows == "batch" and identity not in PRESENT[name]):
        return 0.0
    if l2.id_counts is None:
        return l2.strength
    return l2.strength / max(l2.id_counts[name][identity], 1) if name in l2.id_counts else 0.0


@pytest.mark.parametrize(
    "l2",
    [
        EmbeddingL2(LAMBDA),
        EmbeddingL2(LAMBDA, rows="table"),
        EmbeddingL2(LAMBDA, id_counts=COUNTS),
    ],
    ids=["batch", "table", "counts"],
)
def test_the_penalty_of_a_table_and_its_gradient_equal_the_formula(l2):
    layer = embedding(l2)
    table = double(layer.table)
    expected, value = np.zeros(table.shape), 0.0
    for name, size in SIZES.items():
        rows = table[layer.rows_of(name)]
        for identity in range(size):
            factor = weight_of(l2, name, identity)
            value += 0.5 * factor * rows[identity] @ rows[identity]
            expected[layer.rows_of(name)][identity] = factor * rows[identity]
    penalty, gradient = penalty_and_gradient(layer)
    assert value > 0.1
    np.testing.assert_allclose(penalty, value, rtol=1e-5)
    assert isinstance(gradient, tf.IndexedSlices) == (l2.rows == "batch")
    np.testing.assert_allclose(tf.convert_to_tensor(gradient), expected, rtol=1e-4, atol=1e-6)


def test_a_number_is_a_penalty_of_the_batch_without_counts():
    penalty, _ = penalty_and_gradient(embedding(LAMBDA))
    assert penalty == penalty_and_gradient(embedding(EmbeddingL2(LAMBDA)))[0]


def test_it_is_there_in_training_only_and_not_at_strength_0():
    layer = embedding(LAMBDA)
    vectors = layer(FEATURES)
    assert layer.losses == []
    for name, block in layer(FEATURES, training=True).items():
        np.testing.assert_array_equal(block, vectors[name])
    layer(FEATURES, training=True, is_penalised=False)
    none = embedding(0.0)
    none(FEATURES, training=True)
    assert none.losses == []
    assert len(none.weights) == 1


def test_the_linear_term_has_a_penalty_of_its_own():
    inputs = build_inputs(COLUMNS)
    logit = linear_logit(inputs, COLUMNS, l2=EmbeddingL2(LAMBDA, rows="table"))
    model = randomize(keras.Model(inputs, logit))
    model(FEATURES, training=True)
    (penalty,) = model.losses
    layer = model.get_layer("linear")
    known = [double(layer.table)[layer.rows_of(name)][1:] for name in SIZES]
    expected = 0.5 * LAMBDA * sum((rows**2).sum() for rows in known)
    np.testing.assert_allclose(penalty, expected, rtol=1e-5)


PAIRS = (("user_id", "movie_id"), ("user_id", "history"))


def crosses(l2, **limits):
    layer = CrossProduct(COLUMNS, PAIRS, l2=l2, **limits)
    layer.build()
    layer.table.assign(np.random.default_rng(1).normal(size=layer.table.shape))
    return layer


def penalised_rows(layer, form):
    """Rows of the crosses' table by loops over pairs of known ids: of the batch, or all."""
    found = set()
    if form == "table":
        for pair in PAIRS:
            start = layer.table_rows[pair].start
            found |= {start + u * 7 + m for u in range(1, 5) for m in range(1, 7)}
        return found
    for row in range(4):
        user = FEATURES["user_id"][row]
        for pair in PAIRS:
            for movie in np.atleast_1d(FEATURES[pair[1]][row]):
                if user and movie:
                    found.add(layer.table_rows[pair].start + user * 7 + movie)
    return found


@pytest.mark.parametrize("form", ["batch", "table"])
def test_the_penalty_of_crosses_equals_the_formula(form):
    layer = crosses(EmbeddingL2(LAMBDA, rows=form))
    table, rows = double(layer.table)[:, 0], sorted(penalised_rows(layer, form))
    penalty, gradient = penalty_and_gradient(layer)
    np.testing.assert_allclose(penalty, 0.5 * LAMBDA * (table[rows] ** 2).sum(), rtol=1e-5)
    assert isinstance(gradient, tf.IndexedSlices) == (form == "batch")
    expected = np.zeros(len(table))
    expected[rows] = LAMBDA * table[rows]
    dense = tf.convert_to_tensor(gradient).numpy()[:, 0]
    np.testing.assert_allclose(dense, expected, rtol=1e-4, atol=1e-6)


def test_a_bucket_that_unknown_pairs_share_is_penalised_once_and_in_full():
    layer = crosses(LAMBDA, max_rows=1, num_buckets=2)
    rows, known = (part.numpy() for part in layer.rows(FEATURES))
    assert set(rows[known]) & set(rows[~known])
    table = double(layer.table)[:, 0]
    penalty, _ = penalty_and_gradient(layer)
    expected = 0.5 * LAMBDA * (table[np.unique(rows[known])] ** 2).sum()
    np.testing.assert_allclose(penalty, expected, rtol=1e-5)
    whole = crosses(EmbeddingL2(LAMBDA, rows="table"), max_rows=1, num_buckets=2)
    np.testing.assert_allclose(
        penalty_and_gradient(whole)[0], 0.5 * LAMBDA * (table**2).sum(), rtol=1e-5
    )


def test_crosses_have_a_penalty_in_training_only_and_keep_it_in_their_configuration():
    layer = crosses(EmbeddingL2(LAMBDA, rows="table"))
    layer(FEATURES)
    assert layer.losses == []
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (twin.l2.strength, twin.l2.rows) == (LAMBDA, "table")
    without = layer.get_config()
    del without["l2"]  # as a file says that was saved before there was a penalty
    assert CrossProduct.from_config(without).l2.strength == 0


def test_a_saved_model_keeps_its_penalty_and_its_counts(tmp_path):
    inputs = build_inputs(COLUMNS)
    layer = FusedEmbedding(COLUMNS, 3, l2=EmbeddingL2(LAMBDA, id_counts=COUNTS), name="embedding")
    model = randomize(keras.Model(inputs, layer(inputs)))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    model(FEATURES, training=True), loaded(FEATURES, training=True)
    np.testing.assert_array_equal(loaded.losses[0], model.losses[0])
    assert float(model.losses[0]) > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: read_l2(-0.1), "embedding_l2: expected a finite number from 0, got -0.1"),
        (lambda: read_l2("1"), "embedding_l2: expected a number or an EmbeddingL2, got '1'"),
        (lambda: read_l2(-1, "linear_l2"), "linear_l2: expected a finite number from 0, got -1"),
        (lambda: EmbeddingL2(0.1, rows="all"), r"rows: expected one of \('batch', 'table'\)"),
        (lambda: EmbeddingL2(0.1, "table", COUNTS), "expected rows='batch' beside counts"),
        (
            lambda: check_l2(COLUMNS, EmbeddingL2(0.1, id_counts={"movie": [1]})),
            r"id_counts: expected tables of \['movie_id', 'user_id'\], got \['movie'\]",
        ),
        (
            lambda: embedding(EmbeddingL2(0.1, id_counts={"movie_id": [1, 2]})),
            r"table 'movie_id': expected 7 counts of 0 or more, got shape \(2,\)",
        ),
        (
            lambda: embedding(EmbeddingL2(0.1, id_counts={"movie_id": [-1] * 7})),
            r"expected 7 counts of 0 or more, got shape \(7,\) with -1",
        ),
        (
            lambda: crosses(EmbeddingL2(0.1, id_counts=COUNTS)),
            r"CrossProduct, l2: expected no id_counts.* got those of \['movie_id'\]",
        ),
        (lambda: crosses(-2), "linear_l2: expected a finite number from 0, got -2"),
    ],
)
def test_bad_penalties_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
