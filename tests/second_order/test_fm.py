"""The factorization machine against the double loop of its definition."""

import numpy as np
from reference import randomize, sigmoid
from tiny_crosses import (
    COLUMNS,
    FEATURES,
    NUM_FIELDS,
    NUM_ROWS,
    WIDTH,
    by_name,
    first_order,
    pairs_of,
    random_fields,
    reference_fields,
)

from recsys_lib.second_order import build_fm
from recsys_lib.second_order.fm import FactorizationMachine


def sum_of_pairs(fields):
    return np.array([sum(row[i] @ row[j] for i, j in pairs_of(len(row))) for row in fields])


def test_the_second_order_term_equals_the_double_loop():
    fields = random_fields(8, 7, 5)
    term = FactorizationMachine(dtype="float64")(fields)
    assert term.shape == (8, 1)
    np.testing.assert_allclose(term[:, 0], sum_of_pairs(fields), rtol=1e-10)


def test_a_worked_example():
    """<(1,2),(3,-1)> + <(1,2),(0,2)> + <(3,-1),(0,2)> = 1 + 4 - 2."""
    fields = np.array([[[1, 2], [3, -1], [0, 2]]], np.float32)
    np.testing.assert_array_equal(FactorizationMachine()(fields), [[3.0]])


def test_probabilities_equal_the_formula():
    model = randomize(build_fm(COLUMNS, embedding_dim=WIDTH))
    fields = reference_fields(model)
    np.testing.assert_allclose(by_name(model, "fields"), fields, rtol=1e-5, atol=1e-6)
    logits = first_order(model) + sum_of_pairs(fields)
    assert model(FEATURES).shape == (NUM_ROWS,)
    np.testing.assert_allclose(model(FEATURES), sigmoid(logits), rtol=2e-5)


def test_the_parameters_are_counted():
    """One weight and one vector for each row of the three tables and for the number, one bias."""
    model = build_fm(COLUMNS, embedding_dim=WIDTH)
    assert model.count_params() == (6 + 8 + 5 + 1) * (1 + WIDTH) + 1
    assert by_name(model, "fm").shape == (NUM_ROWS, 1)
    assert by_name(model, "fields").shape == (NUM_ROWS, NUM_FIELDS, WIDTH)


def test_the_width_is_sixteen_unless_stated():
    assert build_fm(COLUMNS).get_layer("embedding").table.shape == (19, 16)
