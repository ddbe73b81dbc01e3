"""Logistic regression against its formula."""

import numpy as np
import pytest

from recsys_lib.features import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.memorization import build_logistic_regression
from recsys_lib.training import load, predict, save

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
    model = build_logistic_regression(COLUMNS)
    draw = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(draw.normal(size=variable.shape))
    return model


def test_equals_the_formula(model):
    table = np.asarray(model.get_layer("linear").table, np.float64)[:, 0]
    users, films = table[:5].copy(), table[5:].copy()
    users[0] = films[0] = 0.0
    numbers = np.asarray(model.get_layer("linear_numeric").kernel, np.float64)[:, 0]
    z = users[ROWS["user_id"]] + films[ROWS["movie_id"]]
    z += [(films[1] + films[2]) / 2, 0.0, (2 * films[3] + films[4]) / 3]
    z += ROWS["ages"] @ numbers + float(model.get_layer("click").bias)
    np.testing.assert_allclose(predict(model, ROWS)["click"], 1 / (1 + np.exp(-z)), atol=1e-6)


def test_it_starts_at_one_half():
    fresh = build_logistic_regression(COLUMNS, task="like")
    np.testing.assert_array_equal(predict(fresh, ROWS)["like"], np.full(3, 0.5, np.float32))


def test_numbers_alone_are_enough():
    fresh = build_logistic_regression([NumericColumn("age")])
    assert fresh.count_params() == 2


def test_saved_and_loaded_it_predicts_the_same_bits(model, tmp_path):
    save(model, tmp_path / "model.keras")
    again = predict(load(tmp_path / "model.keras"), ROWS)["click"]
    np.testing.assert_array_equal(again, predict(model, ROWS)["click"])
