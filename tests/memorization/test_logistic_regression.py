"""Logistic regression against its formula."""

import numpy as np
import pytest
from reference import double, randomize, sigmoid

from recsys_lib.features import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.memorization import build_logistic_regression
from recsys_lib.training import predict

COLUMNS = (
    CategoricalColumn("user_id", 5, group="user"),
    CategoricalColumn("movie_id", 7, group="item"),
    SequenceColumn("history", 7, 3, table="movie_id"),
    NumericColumn("ages", 2, group="user"),
)
ROWS = {
    "user_id": np.array([1, 0, 4]),
    "movie_id": np.array([6, 2, 0]),
    "history": np.array([[1, 2, 0], [0, 0, 0], [3, 3, 4]]),
    "ages": np.array([[0.5, -1.0], [2.0, 0.0], [0.0, 1.5]], np.float32),
}


@pytest.fixture(scope="module")
def model():
    return randomize(build_logistic_regression(COLUMNS), scale=1.0)


def test_equals_the_formula(model):
    table = double(model.get_layer("linear").table)[:, 0]
    users, films = table[:5].copy(), table[5:].copy()
    users[0] = films[0] = 0.0
    numbers = double(model.get_layer("linear_numeric").kernel)[:, 0]
    z = users[ROWS["user_id"]] + films[ROWS["movie_id"]]
    z += [(films[1] + films[2]) / 2, 0.0, (2 * films[3] + films[4]) / 3]
    z += ROWS["ages"] @ numbers + float(model.get_layer("click").bias)
    np.testing.assert_allclose(predict(model, ROWS)["click"], sigmoid(z), atol=1e-6)


def test_it_starts_at_one_half():
    fresh = build_logistic_regression(COLUMNS, tasks="like")
    np.testing.assert_array_equal(predict(fresh, ROWS)["like"], np.full(3, 0.5, np.float32))


def test_numbers_alone_are_enough():
    fresh = build_logistic_regression([NumericColumn("age")])
    assert fresh.count_params() == 2


def test_the_penalty_is_on_the_ids_of_the_batch():
    model = randomize(build_logistic_regression(COLUMNS, linear_l2=0.5))
    model(ROWS, training=True)
    (penalty,) = model.losses
    table = double(model.get_layer("linear").table)[:, 0]
    users, films = table[:5], table[5:]
    present = (users[[1, 4]], films[[1, 2, 3, 4, 6]])
    expected = 0.5 * 0.5 * sum((weights**2).sum() for weights in present)
    np.testing.assert_allclose(penalty, expected, rtol=1e-5)
