"""The task lens: what it plants is what the rows hold, and each knob turns one thing."""

import time

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import assert_same_rows, digest

from recsys_lib.data import simulator
from recsys_lib.features.columns import NumericColumn
from recsys_lib.training import baselines, metrics

SMALL = {"num_rows": 8_000, "num_valid_rows": 2_000, "num_test_rows": 4_000}
TASKS = ("click", "like")


def numbers(split):
    return np.concatenate(list(split.features.values()), axis=1).astype(np.float64)


def log_odds(probability):
    return np.log(probability) - np.log1p(-probability)


@pytest.fixture(scope="module")
def default():
    return simulator.tasks()


@pytest.fixture(scope="module")
def small():
    return simulator.tasks(**SMALL)


def test_the_default_is_recipe_sized_and_fast():
    start = time.perf_counter()
    dataset = simulator.tasks()
    assert time.perf_counter() - start < 5  # 0.1 s on an idle machine
    assert [len(split) for split in dataset.splits.values()] == [60_000, 10_000, 40_000]
    assert dataset.feature_columns == tuple(
        NumericColumn(name, 8) for name in ("agreeing", "conflicting", "null")
    )
    assert dataset.tasks == {"click": "binary", "like": "binary"}
    for values in dataset.train.features.values():
        assert values.dtype == np.float32
        # Mean 0 and variance 1 of 480,000 numbers.
        assert abs(values.mean()) < 4 / np.sqrt(480_000)
        assert abs(values.var() - 1) < 4 * np.sqrt(2 / 480_000)


def test_ten_rows_after_another_are_a_request_of_their_own(small):
    groups = np.concatenate([split.group for split in small.splits.values()])
    np.testing.assert_array_equal(groups, np.repeat(np.arange(1400), 10))
    odd = simulator.tasks(num_rows=15, num_valid_rows=11, num_test_rows=10)
    sizes = np.bincount(np.concatenate([split.group for split in odd.splits.values()]))
    assert sizes.tolist() == [10, 5, 10, 1, 10]


def test_the_same_seed_gives_the_same_bytes(small):
    assert digest(simulator.tasks(**SMALL)) == digest(small)
    assert digest(simulator.tasks(**SMALL, seed=1)) != digest(small)


def test_another_process_gives_the_same_bytes(small):
    assert digest_elsewhere("tasks", SMALL) == digest(small)


@pytest.mark.parametrize("correlation", [1, 0.6, 0, -0.6, -1])
def test_every_probability_is_the_stated_function_of_the_features(correlation):
    dataset = simulator.tasks(**SMALL, correlation=correlation, strength=1.5, biases=(-1, -3))
    agreeing, conflicting, null = dataset.truth["directions"]
    for direction in (agreeing, conflicting):
        assert np.linalg.norm(direction) == pytest.approx(1)
    assert not null.any()
    c = correlation
    for split in dataset.splits.values():
        a = split.features["agreeing"].astype(np.float64) @ agreeing
        b = split.features["conflicting"].astype(np.float64) @ conflicting
        for task, bias, sign in (("click", -1, 1), ("like", -3, -1)):
            z = np.sqrt((1 + c) / 2) * a + sign * np.sqrt((1 - c) / 2) * b
            expected = 1 / (1 + np.exp(-bias - 1.5 * z))
            np.testing.assert_allclose(split.probability[task], expected, rtol=1e-10)


@pytest.mark.parametrize("correlation", [1, 0.2, -0.6, -1])
def test_weights_are_unit_vectors_with_the_stated_correlation(correlation):
    dataset = simulator.tasks(correlation=correlation, num_test_rows=10)
    weights = dataset.truth["weights"]
    assert weights.shape == (2, 24)
    expected = [[1, correlation], [correlation, 1]]
    np.testing.assert_allclose(weights @ weights.T, expected, atol=1e-12)
    scores = [log_odds(p) for p in dataset.train.probability.values()]
    # Standard error of a correlation of 60,000 rows: .004 at most.
    assert np.corrcoef(scores)[0, 1] == pytest.approx(correlation, abs=0.016)
    for score, of_task in zip(scores, weights, strict=True):
        np.testing.assert_allclose(score, -1 + 2 * numbers(dataset.train) @ of_task, atol=1e-9)


def test_labels_follow_the_probability_and_not_each_other(default):
    split = default.train
    for task in TASKS:
        probability, label = split.probability[task], split.labels[task]
        for low in np.arange(0, 1, 0.1):
            rows = (probability >= low) & (probability < low + 0.1)
            error = np.sqrt((probability * (1 - probability))[rows].sum())
            assert abs(label[rows].sum() - probability[rows].sum()) < 4.5 * error
    surprise = [split.labels[task] - split.probability[task] for task in TASKS]
    assert abs(np.corrcoef(surprise)[0, 1]) < 4 / np.sqrt(60_000)


def test_the_oracle_is_the_best_and_the_other_tasks_oracle_is_worth_its_correlation(default):
    test, shares = default.test, {}
    for task, other in (TASKS, TASKS[::-1]):
        bounds = baselines.score_bounds(default, test, task)
        assert bounds["auc"].oracle == pytest.approx(0.864, abs=0.01)
        assert bounds["log_loss"].oracle < bounds["log_loss"].trivial - 0.15
        auc = metrics.auc(test.labels[task], test.probability[other])
        shares[task] = metrics.share_of_gap(auc, *bounds["auc"])
    for share in shares.values():
        assert 0.1 < share < 0.3  # of a correlation of .2
    opposite = simulator.tasks(correlation=-1)
    auc = metrics.auc(opposite.test.labels["click"], opposite.test.probability["like"])
    assert auc < 0.2


def test_biases_make_a_task_rare():
    rates = {}
    for bias in (-1, -4, -6):
        labels = simulator.tasks(biases=(-1, bias)).train.labels
        rates[bias] = labels["like"].mean()
        assert labels["click"].mean() == pytest.approx(0.35, abs=0.01)
    assert rates[-4] == pytest.approx(0.07, abs=0.01)
    assert rates[-6] == pytest.approx(0.014, abs=0.003)


@pytest.mark.parametrize("knobs", [{"correlation": -0.6}, {"strength": 1}, {"biases": -2}], ids=str)
def test_what_is_planted_keeps_the_rows(small, knobs):
    other = simulator.tasks(**SMALL, **knobs)
    assert_same_rows(small, other)
    np.testing.assert_array_equal(small.truth["directions"], other.truth["directions"])
    for task in TASKS:
        changed = other.train.probability[task] != small.train.probability[task]
        assert changed.mean() > 0.99


def test_one_tasks_bias_leaves_the_other_task_alone(small):
    other = simulator.tasks(**SMALL, biases=(-1, -4))
    np.testing.assert_array_equal(other.train.labels["click"], small.train.labels["click"])
    # A label turns from 1 to 0 and none from 0 to 1.
    assert (other.train.labels["like"] <= small.train.labels["like"]).all()


def test_strength_zero_leaves_the_base_rate():
    dataset = simulator.tasks(**SMALL, strength=0, biases=(0, -1))
    np.testing.assert_array_equal(dataset.train.probability["click"], 0.5)
    np.testing.assert_allclose(dataset.train.probability["like"], 1 / (1 + np.e))


def test_a_longer_log_begins_with_the_shorter_one(small):
    longer = simulator.tasks(**SMALL | {"num_rows": 9_000})
    for name, values in small.train.features.items():
        np.testing.assert_array_equal(longer.train.features[name][:8_000], values)
    for task in TASKS:
        np.testing.assert_array_equal(longer.train.labels[task][:8_000], small.train.labels[task])
        np.testing.assert_array_equal(longer.test.labels[task], small.test.labels[task])


def test_blocks_have_the_stated_size():
    dataset = simulator.tasks(**SMALL, block_size=3)
    assert dataset.train.features["null"].shape == (8_000, 3)
    assert dataset.truth["weights"].shape == (2, 9)


def test_the_knobs_are_kept():
    dataset = simulator.tasks(**SMALL, biases=-3, correlation=0, seed=5)
    assert dataset.knobs["biases"] == (-3.0, -3.0)
    assert digest(simulator.tasks(**dataset.knobs)) == digest(dataset)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"num_rows": 0}, "num_rows: expected an integer of 1 or more, got 0"),
        ({"correlation": 1.1}, "correlation: expected a finite number from -1 to 1, got 1.1"),
        ({"strength": -1}, "strength: expected a finite number from 0, got -1"),
        ({"biases": (1, 2, 3)}, "biases: expected a number for each of 2 tasks, got 3"),
        ({"biases": "low"}, "biases: expected a finite number, got 'low'"),
        ({"biases": (0, None)}, "biases: expected a finite number, got None"),
        ({"block_size": 1}, "block_size: expected an integer of 2 or more, got 1"),
        ({"seed": -1}, "seed: expected an integer of 0 or more, got -1"),
    ],
    ids=str,
)
def test_bad_knobs_are_named(knobs, message):
    with pytest.raises(ValueError, match=message):
        simulator.tasks(**SMALL | knobs)
