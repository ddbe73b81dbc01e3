"""The field-matrixed factorization machine: its formula, and its special cases FM, FwFM, FvFM."""

import numpy as np
import pytest
from reference import randomize, sigmoid
from tiny_crosses import (
    COLUMNS,
    EMBEDDING_LAYERS,
    FEATURES,
    NUM_PAIRS,
    NUM_ROWS,
    WIDTH,
    by_name,
    copy_weights,
    first_order,
    pairs_of,
    reference_fields,
    weight,
)

from recsys_lib.second_order import build_fm, build_fmfm, build_fwfm


@pytest.mark.parametrize("matrices", ["full", "diagonal"])
def test_probabilities_and_terms_equal_the_formula(matrices):
    model = randomize(build_fmfm(COLUMNS, embedding_dim=WIDTH, matrices=matrices))
    fields, kernel = reference_fields(model), weight(model, "fmfm_pairs", "kernel")
    between = kernel if matrices == "full" else [np.diag(row) for row in kernel]
    terms = np.array(
        [
            [row[i] @ between[n] @ row[j] for n, (i, j) in enumerate(pairs_of(len(row)))]
            for row in fields
        ]
    )
    assert terms.shape == (NUM_ROWS, NUM_PAIRS)
    np.testing.assert_allclose(by_name(model, "fmfm_pairs"), terms, rtol=1e-4, atol=1e-5)
    expected = sigmoid(first_order(model) + terms.sum(axis=1))
    np.testing.assert_allclose(model(FEATURES), expected, rtol=5e-5)


@pytest.mark.parametrize("matrices", ["full", "diagonal"])
def test_it_starts_as_a_factorization_machine(matrices):
    model = build_fmfm(COLUMNS, embedding_dim=WIDTH, matrices=matrices)
    machine = randomize(build_fm(COLUMNS, embedding_dim=WIDTH))
    copy_weights(machine, model, EMBEDDING_LAYERS)
    np.testing.assert_allclose(model(FEATURES), machine(FEATURES), rtol=1e-5)


def test_multiples_of_the_identity_make_it_field_weighted():
    weighted = randomize(build_fwfm(COLUMNS, embedding_dim=WIDTH))
    strengths = weighted.get_layer("fwfm_pairs").weight.numpy()
    kernels = {
        "full": strengths[:, None, None] * np.eye(WIDTH),
        "diagonal": strengths[:, None] * np.ones(WIDTH),
    }
    for matrices, kernel in kernels.items():
        model = build_fmfm(COLUMNS, embedding_dim=WIDTH, matrices=matrices)
        copy_weights(weighted, model, EMBEDDING_LAYERS)
        model.get_layer("fmfm_pairs").kernel.assign(kernel)
        np.testing.assert_allclose(model(FEATURES), weighted(FEATURES), rtol=1e-4)


def test_diagonal_matrices_make_it_field_vectorized():
    vectorized = randomize(build_fmfm(COLUMNS, embedding_dim=WIDTH, matrices="diagonal"))
    model = build_fmfm(COLUMNS, embedding_dim=WIDTH)
    copy_weights(vectorized, model, EMBEDDING_LAYERS)
    diagonals = vectorized.get_layer("fmfm_pairs").kernel.numpy()
    model.get_layer("fmfm_pairs").kernel.assign(np.array([np.diag(row) for row in diagonals]))
    np.testing.assert_allclose(model(FEATURES), vectorized(FEATURES), rtol=1e-4)


@pytest.mark.parametrize("matrices, of_a_pair", [("full", WIDTH**2), ("diagonal", WIDTH)])
def test_a_pair_has_a_matrix_more(matrices, of_a_pair):
    machine = build_fm(COLUMNS, embedding_dim=WIDTH)
    model = build_fmfm(COLUMNS, embedding_dim=WIDTH, matrices=matrices)
    assert model.count_params() == machine.count_params() + NUM_PAIRS * of_a_pair


def test_an_unknown_kind_of_matrices_is_refused():
    with pytest.raises(ValueError, match=r"matrices: expected one of .*, got 'sparse'"):
        build_fmfm(COLUMNS, matrices="sparse")
