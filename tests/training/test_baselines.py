"""The trivial baselines against loops over the training rows, and the oracle against the truth."""

import dataclasses

import numpy as np
import pytest

from recsys_lib.data import Dataset, Split, simulator
from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.training import baselines, metrics

SMALL = {"num_rows": 20_000, "num_valid_rows": 3_000, "num_test_rows": 9_000}
SMALL |= {"num_segments": 40, "num_items": 100}
COLUMNS = (
    CategoricalColumn("user_id", 4, group="user"),
    CategoricalColumn("movie_id", 6, group="item"),
    NumericColumn("age", group="user"),
)


def make_split(users, movies, labels, first_row):
    size = len(users)
    return Split(
        features={
            "user_id": np.array(users, np.int32),
            "movie_id": np.array(movies, np.int32),
            "age": np.zeros(size, np.float32),
        },
        labels={"like": np.array(labels, np.float32)},
        group=np.array(users),
        row_id=np.arange(first_row, first_row + size),
    )


@pytest.fixture(scope="module")
def ratings():
    return Dataset(
        "ratings",
        COLUMNS,
        # Movie 4 has no training row, movie 0 is unknown but has one.
        train=make_split([1, 1, 2, 2, 3, 3, 3], [1, 2, 1, 3, 1, 2, 0], [1, 0, 1, 0, 0, 1, 1], 0),
        valid=make_split([1, 2], [1, 2], [1, 0], 10),
        test=make_split([1, 2, 3, 0, 3], [1, 2, 3, 4, 0], [1, 0, 1, 0, 1], 20),
    )


@pytest.fixture(scope="module")
def simulated():
    return simulator.memorization(**SMALL)


def mean_by_loop(dataset, column, smoothing, split):
    labels = dataset.train.label.astype(float)
    base = labels.mean()
    found = []
    for value in split.features[column]:
        rows = dataset.train.features[column] == value
        if value == 0 or rows.sum() + smoothing == 0:
            found.append(base)
        else:
            found.append((labels[rows].sum() + smoothing * base) / (rows.sum() + smoothing))
    return np.clip(found, 1e-6, 1 - 1e-6)


def test_base_rate_is_the_training_mean(ratings):
    baseline = baselines.base_rate(ratings)
    assert (baseline.name, baseline.task) == ("base rate", "like")
    predicted = baseline(ratings.test)
    assert predicted.dtype == np.float64
    np.testing.assert_allclose(predicted, np.full(5, 4 / 7))


def test_column_mean_on_worked_rows(ratings):
    predicted = baselines.column_mean(ratings, "movie_id", smoothing=7)(ratings.test)
    # Movies 1 (2 of 3), 2 (1 of 2), 3 (0 of 1), 4 (never seen), 0 (unknown); 7 rows at 4/7.
    np.testing.assert_allclose(predicted, [6 / 10, 5 / 9, 4 / 8, 4 / 7, 4 / 7])


@pytest.mark.parametrize("smoothing", [0, 0.5, 20])
@pytest.mark.parametrize("column", ["segment", "item"])
def test_column_mean_equals_a_loop(simulated, column, smoothing):
    part = simulated.test.take(np.arange(200))
    predicted = baselines.column_mean(simulated, column, smoothing)(part)
    np.testing.assert_allclose(predicted, mean_by_loop(simulated, column, smoothing, part))


def test_without_smoothing_probabilities_stay_off_0_and_1(ratings):
    predicted = baselines.column_mean(ratings, "movie_id", smoothing=0)(ratings.test)
    np.testing.assert_allclose(predicted, [2 / 3, 1 / 2, 1e-6, 4 / 7, 4 / 7])
    assert metrics.log_loss(ratings.test.label, predicted) < 4


def test_column_mean_learns_from_the_training_split_only(ratings):
    flipped = dataclasses.replace(
        ratings,
        test=dataclasses.replace(ratings.test, labels={"like": 1 - ratings.test.label}),
        valid=dataclasses.replace(ratings.valid, labels={"like": 1 - ratings.valid.label}),
    )
    for build in (
        baselines.base_rate,
        lambda data: baselines.column_mean(data, "movie_id"),
        lambda data: baselines.additive_means(data, ["movie_id", "user_id"]),
    ):
        np.testing.assert_array_equal(build(ratings)(ratings.test), build(flipped)(ratings.test))


def test_additive_means_add_log_odds(simulated):
    part = simulated.test.take(np.arange(200))
    baseline = baselines.additive_means(simulated, ["item", "segment"], smoothing=5)
    assert baseline.name == "item mean + segment mean"

    def logit(probability):
        return np.log(probability / (1 - probability))

    base = logit(simulated.train.label.mean(dtype=float))
    total = base + sum(
        logit(mean_by_loop(simulated, column, 5, part)) - base for column in ("item", "segment")
    )
    np.testing.assert_allclose(baseline(part), 1 / (1 + np.exp(-total)), rtol=1e-9)


def test_additive_means_of_one_column_is_its_mean(ratings):
    np.testing.assert_allclose(
        baselines.additive_means(ratings, ["movie_id"])(ratings.test),
        baselines.column_mean(ratings, "movie_id")(ratings.test),
    )


def test_additive_means_of_unknown_ids_is_the_base_rate(ratings):
    predicted = baselines.additive_means(ratings, ["movie_id", "user_id"])(ratings.test)
    assert predicted[3] == pytest.approx(4 / 7)  # movie 4, never seen, by user 0, unknown


def test_the_oracle_is_the_true_probability_and_beats_everything(simulated):
    best = baselines.oracle(simulated)
    np.testing.assert_array_equal(best(simulated.test), simulated.test.probability["click"])
    label = simulated.test.label
    for other in (
        baselines.base_rate(simulated),
        baselines.column_mean(simulated, "item"),
        baselines.additive_means(simulated, ["item", "segment"]),
    ):
        predicted = other(simulated.test)
        assert metrics.auc(label, best(simulated.test)) > metrics.auc(label, predicted) + 0.1
        assert metrics.log_loss(label, best(simulated.test)) < metrics.log_loss(label, predicted)


def test_the_oracle_of_the_default_lens_scores_what_the_recipe_says():
    dataset = simulator.memorization()
    recipe = {"seen_rules": 0.958, "seen_plain": 0.761, "unseen_plain": 0.758}
    for name, expected in recipe.items():
        bounds = baselines.score_bounds(dataset, dataset.test.slice(name))
        assert bounds["auc"].trivial == 0.5
        assert bounds["auc"].oracle == pytest.approx(expected, abs=0.012)
        assert bounds["log_loss"].oracle < bounds["log_loss"].trivial


def test_score_bounds(simulated):
    label, probability = simulated.test.label, simulated.test.probability["click"]
    bounds = baselines.score_bounds(simulated, simulated.test)
    rate = np.full(len(label), simulated.train.label.mean(dtype=float))
    assert bounds["auc"] == (0.5, metrics.auc(label, probability))
    assert bounds["log_loss"] == (
        pytest.approx(metrics.log_loss(label, rate)),
        metrics.log_loss(label, probability),
    )


def test_tasks_are_resolved():
    def split(first_row):
        ids = np.array([1, 2, 1, 2], np.int32)
        return Split(
            features={"item": ids},
            labels={
                "click": np.array([1, 1, 0, 1], np.float32),
                "like": np.array([0, 1, 0, 0], np.float32),
                "seconds": np.array([3.0, 9.0, 1.0, 2.0], np.float32),
            },
            group=ids,
            row_id=np.arange(first_row, first_row + 4),
        )

    dataset = Dataset(
        "tasks",
        (CategoricalColumn("item", 3),),
        *(split(first_row) for first_row in (0, 10, 20)),
        tasks={"click": "binary", "like": "binary", "seconds": "regression"},
    )
    assert baselines.base_rate(dataset, "like")(dataset.test)[0] == 0.25
    assert baselines.column_mean(dataset, "item", 0, task="click")(dataset.test)[0] == 0.5
    with pytest.raises(ValueError, match=r"task: expected one of \['click', .*\], got none"):
        baselines.base_rate(dataset)
    with pytest.raises(ValueError, match=r"task: expected one of .*, got 'buy'"):
        baselines.column_mean(dataset, "item", task="buy")
    with pytest.raises(
        ValueError, match="task 'seconds': expected a binary task, got 'regression'"
    ):
        baselines.column_mean(dataset, "item", task="seconds")
    # The mean of a regression task is no probability and stays as it is.
    np.testing.assert_array_equal(baselines.base_rate(dataset, "seconds")(dataset.test), 3.75)


def test_bounds_of_a_regression_task_are_errors_of_mean_and_expectation():
    dataset = simulator.correlated_regression(num_rows=500, num_valid_rows=10, num_test_rows=300)
    test, mean = dataset.test, dataset.train.labels["second"].mean(dtype=float)
    expected, label = test.probability["second"], test.labels["second"]
    assert expected.max() > 1 and expected.min() < 0
    np.testing.assert_array_equal(baselines.oracle(dataset, "second")(test), expected)
    bounds = baselines.score_bounds(dataset, test, "second")
    assert list(bounds) == ["mean_squared_error"]
    assert bounds["mean_squared_error"] == (
        pytest.approx(np.mean((label - mean) ** 2)),
        pytest.approx(np.mean((label - expected) ** 2)),
    )


def test_bad_arguments_are_named(ratings):
    with pytest.raises(ValueError, match="no feature column is named 'film'"):
        baselines.column_mean(ratings, "film")
    with pytest.raises(
        ValueError, match="column 'age': expected a categorical column, got Numeric"
    ):
        baselines.column_mean(ratings, "age")
    for smoothing in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match="smoothing: expected a finite number of 0 or more"):
            baselines.column_mean(ratings, "movie_id", smoothing)
    for columns in ([], "movie_id", ["movie_id", "movie_id"]):
        with pytest.raises(ValueError, match="columns: expected a list of different names"):
            baselines.additive_means(ratings, columns)
    with pytest.raises(ValueError, match=r"oracle: .* 'ratings' has none in \['train', 'valid'"):
        baselines.oracle(ratings)
    stray = make_split([1], [9], [1], 0)
    with pytest.raises(ValueError, match="column 'movie_id': expected ids from 0 to 5, got 9"):
        baselines.column_mean(ratings, "movie_id")(stray)
