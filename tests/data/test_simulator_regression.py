"""The regression lens against the published recipe."""

import time

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import assert_same_rows, digest

from recsys_lib.data import simulator
from recsys_lib.features.columns import NumericColumn
from recsys_lib.training import baselines

SMALL = {"num_rows": 8_000, "num_valid_rows": 2_000, "num_test_rows": 4_000}
TASKS = ("first", "second")


@pytest.fixture(scope="module")
def small():
    return simulator.correlated_regression(**SMALL)


def test_the_default_is_recipe_sized_and_fast():
    start = time.perf_counter()
    dataset = simulator.correlated_regression()
    assert time.perf_counter() - start < 5  # 0.1 s on an idle machine
    assert [len(split) for split in dataset.splits.values()] == [40_000, 5_000, 20_000]
    assert dataset.feature_columns == (NumericColumn("numbers", 32),)
    assert dataset.tasks == {"first": "regression", "second": "regression"}
    values = dataset.train.features["numbers"]
    assert values.dtype == np.float32
    assert abs(values.mean()) < 4 / np.sqrt(values.size)
    assert abs(values.var() - 1) < 4 * np.sqrt(2 / values.size)
    groups = np.concatenate([split.group for split in dataset.splits.values()])
    np.testing.assert_array_equal(groups, np.arange(65_000) // 10)


def test_the_same_seed_gives_the_same_bytes(small):
    assert digest(simulator.correlated_regression(**SMALL)) == digest(small)
    assert digest(simulator.correlated_regression(**SMALL, seed=1)) != digest(small)


def test_another_process_gives_the_same_bytes(small):
    assert digest_elsewhere("correlated_regression", SMALL) == digest(small)


@pytest.mark.parametrize("cosine", [-1, -0.5, 0, 0.5, 1])
def test_weight_vectors_have_the_stated_cosine_and_length(cosine):
    knobs = {"cosine": cosine, "weight_norm": 2.5}
    weights = simulator.correlated_regression(**SMALL, **knobs).truth["weights"]
    np.testing.assert_allclose(
        weights @ weights.T, 2.5**2 * np.array([[1, cosine], [cosine, 1]]), atol=1e-12
    )


@pytest.mark.parametrize("num_sinusoids", [0, 1, 4])
def test_expected_labels_are_the_line_and_the_sinusoids(num_sinusoids):
    dataset = simulator.correlated_regression(
        **SMALL, num_sinusoids=num_sinusoids, scales=(1, 10), noise_sd=0.3
    )
    truth = dataset.truth
    np.testing.assert_array_equal(truth["alpha"], np.arange(1, num_sinusoids + 1))
    assert (truth["beta"] >= 0).all() and (truth["beta"] < 2 * np.pi).all()
    for split in dataset.splits.values():
        x = split.features["numbers"].astype(np.float64)
        for task, weights, scale in zip(TASKS, truth["weights"], (1, 10), strict=True):
            expected = []
            for row in x:
                score = row @ weights
                waves = np.sin(truth["alpha"] * score + truth["beta"])
                expected.append(scale * (score + waves.sum()))
            np.testing.assert_allclose(split.probability[task], expected, atol=1e-9)


def test_noise_has_the_stated_spread_and_is_drawn_apart():
    dataset = simulator.correlated_regression(noise_sd=0.3, scales=(1, 10))
    noise = {}
    for name, split in dataset.splits.items():
        for task, scale in zip(TASKS, (1, 10), strict=True):
            noise[name, task] = (split.labels[task] - split.probability[task]) / scale
            rows = len(split)
            assert noise[name, task].std() == pytest.approx(0.3, rel=4 / np.sqrt(2 * rows))
            assert abs(noise[name, task].mean()) < 4 * 0.3 / np.sqrt(rows)
    together = np.corrcoef(noise["test", "first"], noise["test", "second"])[0, 1]
    assert abs(together) < 4 / np.sqrt(20_000)
    splits = np.corrcoef(noise["train", "first"][:5_000], noise["valid", "first"])[0, 1]
    assert abs(splits) < 4 / np.sqrt(5_000)


def test_the_oracles_error_is_the_noise():
    dataset = simulator.correlated_regression()
    for task in TASKS:
        bounds = baselines.score_bounds(dataset, dataset.test, task)["mean_squared_error"]
        assert bounds.oracle == pytest.approx(0.01, rel=0.05)
        assert bounds.trivial == pytest.approx(dataset.test.labels[task].var(), rel=0.01)


def test_labels_agree_with_the_cosine():
    """Figure 2 of the paper: the labels' correlation rises with the cosine of the weights."""
    found = [
        np.corrcoef(
            [simulator.correlated_regression(cosine=cosine).train.labels[task] for task in TASKS]
        )[0, 1]
        for cosine in (-1, -0.5, 0, 0.5, 1)
    ]
    assert found == sorted(found)
    assert found[0] < -0.5
    assert abs(found[2]) < 0.03
    assert found[4] > 0.99


def test_the_cosine_turns_the_second_task_alone(small):
    other = simulator.correlated_regression(**SMALL, cosine=-0.5)
    assert_same_rows(small, other)
    np.testing.assert_array_equal(other.train.labels["first"], small.train.labels["first"])
    assert (other.train.labels["second"] != small.train.labels["second"]).mean() > 0.99


@pytest.mark.parametrize(
    "knobs", [{"weight_norm": 2}, {"noise_sd": 0}, {"scales": 5}, {"num_sinusoids": 1}], ids=str
)
def test_what_is_planted_keeps_the_rows(small, knobs):
    other = simulator.correlated_regression(**SMALL, **knobs)
    assert_same_rows(small, other)
    for task in TASKS:
        assert (other.train.labels[task] != small.train.labels[task]).mean() > 0.99


def test_scales_multiply_label_and_expectation(small):
    other = simulator.correlated_regression(**SMALL, scales=(1, 8))
    np.testing.assert_array_equal(other.test.labels["first"], small.test.labels["first"])
    np.testing.assert_array_equal(other.test.labels["second"], 8 * small.test.labels["second"])
    np.testing.assert_allclose(
        other.test.probability["second"], 8 * small.test.probability["second"]
    )


def test_a_longer_log_begins_with_the_shorter_one(small):
    longer = simulator.correlated_regression(**SMALL | {"num_rows": 9_000})
    values = small.train.features["numbers"]
    np.testing.assert_array_equal(longer.train.features["numbers"][:8_000], values)
    for task in TASKS:
        np.testing.assert_array_equal(longer.train.labels[task][:8_000], small.train.labels[task])
        np.testing.assert_array_equal(longer.test.labels[task], small.test.labels[task])


def test_the_knobs_are_kept():
    dataset = simulator.correlated_regression(**SMALL, scales=3, cosine=0, seed=5)
    assert dataset.knobs["scales"] == (3.0, 3.0)
    assert digest(simulator.correlated_regression(**dataset.knobs)) == digest(dataset)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"num_rows": 0}, "num_rows: expected an integer of 1 or more, got 0"),
        ({"cosine": -2}, "cosine: expected a finite number from -1 to 1, got -2"),
        ({"num_features": 1}, "num_features: expected an integer of 2 or more, got 1"),
        ({"num_sinusoids": -1}, "num_sinusoids: expected an integer of 0 or more, got -1"),
        ({"weight_norm": -1}, "weight_norm: expected a finite number from 0, got -1"),
        ({"noise_sd": -0.1}, "noise_sd: expected a finite number from 0, got -0.1"),
        ({"scales": (1, 0)}, "scales: expected a finite number from 0 excluding 0, got 0"),
        ({"scales": (1,)}, "scales: expected a number for each of 2 tasks, got 1"),
        ({"seed": -1}, "seed: expected an integer of 0 or more, got -1"),
    ],
    ids=str,
)
def test_bad_knobs_are_named(knobs, message):
    with pytest.raises(ValueError, match=message):
        simulator.correlated_regression(**SMALL | knobs)
