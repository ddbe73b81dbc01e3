"""The field-weighted factorization machine: its formula, and FM as its start."""

import numpy as np
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

from recsys_lib.second_order import build_fm, build_fwfm


def test_probabilities_and_terms_equal_the_formula():
    model = randomize(build_fwfm(COLUMNS, embedding_dim=WIDTH))
    fields, strengths = reference_fields(model), weight(model, "fwfm_pairs", "weight")
    terms = np.array(
        [
            [strengths[n] * (row[i] @ row[j]) for n, (i, j) in enumerate(pairs_of(len(row)))]
            for row in fields
        ]
    )
    assert terms.shape == (NUM_ROWS, NUM_PAIRS)
    np.testing.assert_allclose(by_name(model, "fwfm_pairs"), terms, rtol=1e-4, atol=1e-6)
    expected = sigmoid(first_order(model) + terms.sum(axis=1))
    np.testing.assert_allclose(model(FEATURES), expected, rtol=2e-5)


def test_it_starts_as_a_factorization_machine():
    model, machine = (
        build_fwfm(COLUMNS, embedding_dim=WIDTH),
        randomize(build_fm(COLUMNS, embedding_dim=WIDTH)),
    )
    copy_weights(machine, model, EMBEDDING_LAYERS)
    np.testing.assert_allclose(model(FEATURES), machine(FEATURES), rtol=1e-5)
    model.get_layer("fwfm_pairs").weight.assign(np.zeros(NUM_PAIRS))
    np.testing.assert_allclose(model(FEATURES), sigmoid(first_order(model)), rtol=1e-5)


def test_it_has_one_parameter_a_pair_more():
    machine, model = (
        build_fm(COLUMNS, embedding_dim=WIDTH),
        build_fwfm(COLUMNS, embedding_dim=WIDTH),
    )
    assert model.count_params() == machine.count_params() + NUM_PAIRS
