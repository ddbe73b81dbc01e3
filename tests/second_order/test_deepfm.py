"""DeepFM: its formula, and one table that feeds both of its parts."""

import keras
import numpy as np
import pytest
from reference import randomize, sigmoid
from test_fm import sum_of_pairs
from tiny_crosses import (
    COLUMNS,
    FEATURES,
    NUM_FIELDS,
    NUM_ROWS,
    WIDTH,
    by_name,
    first_order,
    hidden_layers,
    outputs_of,
    reference_fields,
    weight,
)

from recsys_lib.second_order import build_deepfm, build_fm

ROWS = 6 + 8 + 5 + 1


@pytest.mark.parametrize("shared", [True, False])
def test_probabilities_equal_the_formula(shared):
    model = randomize(
        build_deepfm(COLUMNS, embedding_dim=WIDTH, hidden_units=(6, 3), shared_embedding=shared)
    )
    fields = reference_fields(model)
    deep_fields = fields if shared else reference_fields(model, name="deep_embedding")
    hidden = hidden_layers(model, "deep", deep_fields.reshape(NUM_ROWS, -1))
    deep = (hidden @ weight(model, "deep_logit", "kernel"))[:, 0]
    logits = first_order(model) + sum_of_pairs(fields) + deep
    np.testing.assert_allclose(model(FEATURES), sigmoid(logits), rtol=2e-5)


def both_parts(model):
    return [np.asarray(part)[:, 0] for part in outputs_of(model, "fm", "deep_logit")(FEATURES)]


def moved_by(model, table):
    """Which rows of the two parts' logits move with the vector of user 1."""
    before = both_parts(model)
    layer = model.get_layer(table)
    values = layer.table.numpy()
    values[layer.rows_of("user_id").start + 1] += 0.3
    layer.table.assign(values)
    after = both_parts(model)
    return [np.flatnonzero(a != b).tolist() for a, b in zip(before, after, strict=True)]


def test_one_row_of_the_shared_table_moves_both_parts():
    model = randomize(build_deepfm(COLUMNS, embedding_dim=WIDTH, hidden_units=(8,)))
    assert moved_by(model, "embedding") == [[0, 6], [0, 6]]


def test_with_two_tables_each_moves_its_own_part():
    model = randomize(
        build_deepfm(COLUMNS, embedding_dim=WIDTH, hidden_units=(8,), shared_embedding=False)
    )
    assert moved_by(model, "embedding") == [[0, 6], []]
    assert moved_by(model, "deep_embedding") == [[], [0, 6]]


def test_two_tables_start_with_different_vectors():
    model = build_deepfm(COLUMNS, embedding_dim=WIDTH, shared_embedding=False)
    tables = [model.get_layer(n).table.numpy() for n in ("embedding", "deep_embedding")]
    assert np.abs(tables[0] - tables[1]).max() > 0.01


def test_two_tables_start_with_different_vectors_also_from_one_initializer():
    """An initializer without a seed returns the same values each time that it is called."""
    for initializer in (keras.initializers.RandomNormal(stddev=0.1), "random_normal"):
        model = build_deepfm(
            COLUMNS,
            embedding_dim=WIDTH,
            shared_embedding=False,
            embeddings_initializer=initializer,
        )
        tables = [model.get_layer(n).table.numpy() for n in ("embedding", "deep_embedding")]
        assert np.abs(tables[0] - tables[1]).max() > 0.01


def test_a_network_is_part_of_the_model():
    with pytest.raises(ValueError, match=r"hidden_units: expected at least 1 layer, got \(\)"):
        build_deepfm(COLUMNS, hidden_units=())


def test_the_parameters_are_counted():
    network = NUM_FIELDS * WIDTH * 6 + 6 + 6 * 3 + 3 + 3
    shared = build_deepfm(COLUMNS, embedding_dim=WIDTH, hidden_units=(6, 3))
    assert shared.count_params() == build_fm(COLUMNS, embedding_dim=WIDTH).count_params() + network
    apart = build_deepfm(COLUMNS, embedding_dim=WIDTH, hidden_units=(6, 3), shared_embedding=False)
    assert apart.count_params() == shared.count_params() + ROWS * WIDTH


def test_dropout_is_passed_on_and_off_by_default():
    assert build_deepfm(COLUMNS).get_layer("deep").dropout_rate == 0
    assert build_deepfm(COLUMNS, dropout_rate=0.2).get_layer("deep").dropout_rate == 0.2


def test_named_outputs_have_the_stated_shapes():
    model = build_deepfm(COLUMNS, embedding_dim=WIDTH, shared_embedding=False)
    for name in ("fm", "deep_logit"):
        assert by_name(model, name).shape == (NUM_ROWS, 1)
    for name in ("fields", "deep_embedding_fields"):
        assert by_name(model, name).shape == (NUM_ROWS, NUM_FIELDS, WIDTH)
