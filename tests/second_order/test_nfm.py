"""The neural factorization machine: its formula, and FM as its case without hidden layers."""

import numpy as np
import pytest
from reference import randomize, sigmoid
from test_fm import sum_of_pairs
from tiny_crosses import (
    COLUMNS,
    EMBEDDING_LAYERS,
    FEATURES,
    NUM_ROWS,
    WIDTH,
    by_name,
    copy_weights,
    first_order,
    hidden_layers,
    outputs_of,
    pairs_of,
    reference_fields,
    weight,
)

from recsys_lib.second_order import build_fm, build_nfm


def test_probabilities_equal_the_formula():
    model = randomize(
        build_nfm(COLUMNS, embedding_dim=WIDTH, hidden_units=(6, 3), batch_normalization=False)
    )
    fields = reference_fields(model)
    pooled = np.array([sum(r[i] * r[j] for i, j in pairs_of(len(r))) for r in fields])
    np.testing.assert_allclose(by_name(model, "bi_interaction"), pooled, rtol=1e-4, atol=1e-6)
    hidden = hidden_layers(model, "nfm_hidden", pooled)
    logits = first_order(model) + (hidden @ weight(model, "nfm_logit", "kernel"))[:, 0]
    np.testing.assert_allclose(model(FEATURES), sigmoid(logits), rtol=2e-5)


def test_without_hidden_layers_and_with_ones_it_is_the_factorization_machine():
    machine = randomize(build_fm(COLUMNS, embedding_dim=WIDTH))
    model = build_nfm(COLUMNS, embedding_dim=WIDTH, hidden_units=(), batch_normalization=False)
    copy_weights(machine, model, EMBEDDING_LAYERS)
    model.get_layer("nfm_logit").kernel.assign(np.ones((WIDTH, 1)))
    np.testing.assert_allclose(model(FEATURES), machine(FEATURES), rtol=1e-5)
    expected = sigmoid(first_order(model) + sum_of_pairs(reference_fields(model)))
    np.testing.assert_allclose(model(FEATURES), expected, rtol=2e-5)


def test_the_pooled_pairs_keep_the_width():
    assert by_name(build_nfm(COLUMNS, embedding_dim=3), "bi_interaction").shape == (NUM_ROWS, 3)


def test_normalization_and_dropout_sit_on_the_pooled_pairs_in_this_order():
    model = randomize(
        build_nfm(COLUMNS, embedding_dim=WIDTH, hidden_units=(6,), interaction_dropout_rate=0.5)
    )
    names = ("bi_interaction", "nfm_normalization", "nfm_dropout")
    pooled, normalized, dropped = (
        np.asarray(x) for x in outputs_of(model, *names)(FEATURES, training=True)
    )
    layer = model.get_layer("nfm_normalization")
    scale, shift = layer.gamma.numpy(), layer.beta.numpy()
    standard = (pooled - pooled.mean(axis=0)) / np.sqrt(pooled.var(axis=0) + 1e-3)
    np.testing.assert_allclose(normalized, standard * scale + shift, rtol=1e-3, atol=1e-4)
    kept = dropped != 0
    assert 0 < kept.mean() < 1
    np.testing.assert_allclose(dropped[kept], 2 * normalized[kept], rtol=1e-6)
    assert model.get_layer("nfm_hidden").input is model.get_layer("nfm_dropout").output


def test_normalization_moves_by_a_tenth_and_reaches_the_hidden_layers():
    model = build_nfm(COLUMNS, embedding_dim=WIDTH, hidden_units=(6,))
    assert model.get_layer("nfm_normalization").momentum == 0.9
    assert model.get_layer("nfm_hidden").batch_normalization
    assert (
        not build_nfm(COLUMNS, batch_normalization=False)
        .get_layer("nfm_hidden")
        .batch_normalization
    )


def test_dropout_of_hidden_layers_is_passed_on_and_off_by_default():
    assert build_nfm(COLUMNS, dropout_rate=0.3).get_layer("nfm_hidden").dropout_rate == 0.3
    model = build_nfm(COLUMNS)
    assert model.get_layer("nfm_hidden").dropout_rate == 0
    assert model.get_layer("nfm_dropout").rate == 0


def test_the_parameters_are_counted():
    tables = build_fm(COLUMNS, embedding_dim=WIDTH).count_params()
    plain = build_nfm(COLUMNS, embedding_dim=WIDTH, hidden_units=(6, 3), batch_normalization=False)
    assert plain.count_params() == tables + (WIDTH * 6 + 6) + (6 * 3 + 3) + 3
    normalized = build_nfm(COLUMNS, embedding_dim=WIDTH, hidden_units=(6, 3))
    assert normalized.count_params() == plain.count_params() + 4 * (WIDTH + 6 + 3)


def test_bad_widths_are_refused():
    with pytest.raises(ValueError, match="hidden_units: expected an integer of 1 or more, got 0"):
        build_nfm(COLUMNS, hidden_units=(4, 0))
