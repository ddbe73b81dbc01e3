"""The field-aware factorization machine: its formula, FM as a special case, and who learns."""

import numpy as np
import tensorflow as tf
from reference import randomize, sigmoid
from tiny_crosses import (
    COLUMNS,
    EMBEDDING_LAYERS,
    FEATURES,
    NUM_FIELDS,
    NUM_PAIRS,
    NUM_ROWS,
    WIDTH,
    by_name,
    copy_weights,
    first_order,
    pairs_of,
    reference_fields,
)

from recsys_lib.second_order import build_ffm, build_fm


def built():
    return randomize(build_ffm(COLUMNS, embedding_dim=WIDTH))


def term(row, i, j):
    """``<v_{i,j}, v_{j,i}>`` of a row's fields, each its vectors for all fields, side by side."""
    for_j, for_i = slice(j * WIDTH, (j + 1) * WIDTH), slice(i * WIDTH, (i + 1) * WIDTH)
    return row[i][for_j] @ row[j][for_i]


def test_probabilities_and_terms_equal_the_formula():
    model = built()
    fields = reference_fields(model)
    terms = np.array([[term(row, i, j) for i, j in pairs_of(NUM_FIELDS)] for row in fields])
    assert terms.shape == (NUM_ROWS, NUM_PAIRS)
    np.testing.assert_allclose(by_name(model, "ffm_pairs"), terms, rtol=1e-4, atol=1e-5)
    expected = sigmoid(first_order(model) + terms.sum(axis=1))
    np.testing.assert_allclose(model(FEATURES), expected, rtol=5e-5)


def test_equal_vectors_for_all_fields_make_it_a_factorization_machine():
    machine = randomize(build_fm(COLUMNS, embedding_dim=WIDTH))
    model = build_ffm(COLUMNS, embedding_dim=WIDTH)
    copy_weights(machine, model, EMBEDDING_LAYERS[2:])
    for name in EMBEDDING_LAYERS[:2]:
        (vectors,) = machine.get_layer(name).get_weights()
        model.get_layer(name).set_weights([np.tile(vectors, NUM_FIELDS)])
    np.testing.assert_allclose(model(FEATURES), machine(FEATURES), rtol=1e-4)


def test_a_feature_has_a_vector_for_each_field():
    machine = build_fm(COLUMNS, embedding_dim=WIDTH)
    model = build_ffm(COLUMNS, embedding_dim=WIDTH)
    features = sum(
        machine.get_layer(name).get_weights()[0].shape[0] for name in EMBEDDING_LAYERS[:2]
    )
    more = features * WIDTH * (NUM_FIELDS - 1)
    assert model.count_params() == machine.count_params() + more


def test_an_absent_feature_takes_its_pairs_out_of_the_sum():
    terms = by_name(built(), "ffm_pairs")
    absent = FEATURES["movie_id"] == 0
    of_movie = [1 in pair for pair in pairs_of(NUM_FIELDS)]
    assert (terms[np.ix_(absent, of_movie)] == 0).all()
    assert np.abs(terms[np.ix_(~absent, of_movie)]).max() > 0


def test_a_pair_trains_the_vectors_that_it_owns_and_no_other():
    model = built()
    layer = model.get_layer("embedding")
    reader = tf.keras.Model(model.inputs, model.get_layer("ffm_pairs").output)
    user, movie = (layer.rows_of(name).start for name in ("user_id", "movie_id"))
    with tf.GradientTape() as tape:
        pair = reader(FEATURES)[0, 0]  # user 1 with movie 7
    gradient = tf.convert_to_tensor(tape.gradient(pair, layer.trainable_variables[0])).numpy()
    trained = {(row, at // WIDTH) for row, at in zip(*np.nonzero(gradient), strict=True)}
    assert trained == {(user + 1, 1), (movie + 7, 0)}


def test_the_vectors_for_the_own_field_are_never_trained():
    model = built()
    (table,) = model.get_layer("embedding").trainable_variables
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sin(5.0 * model(FEATURES)))
    gradient = tf.convert_to_tensor(tape.gradient(loss, table)).numpy()
    rows = gradient[model.get_layer("embedding").rows_of("user_id")].reshape(6, NUM_FIELDS, WIDTH)
    assert (rows[:, 0] == 0).all()
    assert (np.abs(rows[1, 1:]).max(axis=-1) > 0).all()
    assert (rows[4] == 0).all()  # user 4 does not occur
