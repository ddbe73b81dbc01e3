"""The higher-order lens: what it plants is what the rows hold, and each knob turns one thing."""

import itertools
import time

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import assert_same_rows, digest

from recsys_lib.data import simulator
from recsys_lib.features.columns import CategoricalColumn, NumericColumn

SMALL = {"num_rows": 8_000, "num_valid_rows": 2_000, "num_test_rows": 4_000}


def signs(dataset, split):
    """``(F, N)`` of +1 and -1."""
    rows = np.stack(list(split.features.values()))
    if dataset.knobs["as_numbers"]:
        return rows.astype(np.float64)
    return np.where(rows > dataset.knobs["num_ids"] // 2, 1.0, -1.0)


@pytest.fixture(scope="module")
def default():
    return simulator.higher_order()


@pytest.fixture(scope="module")
def small():
    return simulator.higher_order(**SMALL)


def test_the_default_is_recipe_sized_and_fast():
    start = time.perf_counter()
    dataset = simulator.higher_order()
    assert time.perf_counter() - start < 5  # 0.03 s on an idle machine
    assert [len(split) for split in dataset.splits.values()] == [100_000, 10_000, 40_000]
    expected = tuple(NumericColumn(f"field_{field}") for field in range(8))
    assert dataset.feature_columns == expected
    for values in dataset.train.features.values():
        assert values.dtype == np.float32
        assert set(np.unique(values)) == {-1.0, 1.0}
        assert abs(values.mean()) < 4 / np.sqrt(100_000)
    group = np.where(dataset.test.features["field_0"] < 0, 1, 2)
    np.testing.assert_array_equal(dataset.test.group, group)


def test_the_same_seed_gives_the_same_bytes(small):
    assert digest(simulator.higher_order(**SMALL)) == digest(small)
    assert digest(simulator.higher_order(**SMALL, seed=1)) != digest(small)


def test_another_process_gives_the_same_bytes(small):
    assert digest_elsewhere("higher_order", SMALL) == digest(small)


@pytest.mark.parametrize(
    ("knobs", "terms"),
    [
        ({"order": 3}, [[0, 1, 2]]),
        ({"order": 1}, [[0]]),
        ({"order": 4, "products": 2, "bias": -0.5}, [[0, 1, 2, 3], [4, 5, 6, 7]]),
        ({"order": 2, "products": 3, "label_noise": 0.1}, [[0, 1], [2, 3], [4, 5]]),
        ({"order": 3, "as_numbers": False, "num_ids": 6, "strength": 1}, [[0, 1, 2]]),
    ],
    ids=str,
)
def test_every_probability_is_the_stated_function_of_the_features(knobs, terms):
    dataset = simulator.higher_order(**SMALL, **knobs)
    np.testing.assert_array_equal(dataset.truth["products"], terms)
    noise = knobs.get("label_noise", 0.0)
    for split in dataset.splits.values():
        values = signs(dataset, split)
        logit = np.full(len(split), knobs.get("bias", 0.0))
        for fields in terms:
            term = knobs.get("strength", 2.5) * np.ones(len(split))
            for field in fields:
                term = term * values[field]
            logit += term
        expected = noise + (1 - 2 * noise) / (1 + np.exp(-logit))
        np.testing.assert_allclose(split.probability["click"], expected, rtol=1e-12)


def test_only_the_whole_product_says_anything(default):
    """Every smaller product of fields is uncorrelated with the label; the planted one is not."""
    values, label = signs(default, default.train), default.train.label - default.train.label.mean()
    largest = {}
    for degree in (1, 2, 3):
        for fields in itertools.combinations(range(8), degree):
            largest[fields] = abs(np.mean(label * values[list(fields)].prod(axis=0)))
    # |E[label * product]| = tanh(2.5 / 2) / 2 = 0.424; of all others 0, standard error 0.0016.
    assert largest.pop((0, 1, 2)) == pytest.approx(0.424, abs=0.007)
    assert max(largest.values()) < 4.5 * 0.5 / np.sqrt(100_000)


def test_labels_are_calibrated_for_every_probability():
    dataset = simulator.higher_order(products=2, label_noise=0.1)
    for split in dataset.splits.values():
        probability, label = split.probability["click"], split.labels["click"]
        assert len(np.unique(probability)) == 3
        for value in np.unique(probability):
            rows = probability == value
            error = np.sqrt(value * (1 - value) / rows.sum())
            assert abs(label[rows].mean() - value) < 4 * error


def test_same_product_is_the_map_of_planted_interactions():
    found = simulator.higher_order(**SMALL, products=2).truth["same_product"]
    expected = np.zeros((8, 8))
    expected[:3, :3] = expected[3:6, 3:6] = 1
    np.fill_diagonal(expected, 0)
    np.testing.assert_array_equal(found, expected)


def test_ids_carry_the_signs_of_the_numbers(small):
    for num_ids in (2, 4):
        dataset = simulator.higher_order(**SMALL, as_numbers=False, num_ids=num_ids)
        expected = tuple(CategoricalColumn(f"field_{f}", num_ids + 1) for f in range(8))
        assert dataset.feature_columns == expected
        for split_name, split in dataset.splits.items():
            other = small.splits[split_name]
            np.testing.assert_array_equal(signs(dataset, split), signs(small, other))
            np.testing.assert_array_equal(split.label, other.label)
            np.testing.assert_array_equal(split.group, other.group)
        sign = dataset.truth["sign"]
        np.testing.assert_array_equal(sign, [-1.0] * (num_ids // 2) + [1.0] * (num_ids // 2))
        for values in dataset.train.features.values():
            assert values.dtype == np.int32
            counts = np.bincount(values, minlength=num_ids + 1)
            assert counts[0] == 0
            spread = np.sqrt(8_000 / num_ids)
            assert (abs(counts[1:] - 8_000 / num_ids) < 4 * spread).all()


@pytest.mark.parametrize(
    "knobs",
    [{"order": 4}, {"products": 2}, {"strength": 1}, {"label_noise": 0.2}, {"bias": -1}],
    ids=str,
)
def test_what_is_planted_keeps_the_rows(small, knobs):
    other = simulator.higher_order(**SMALL, **knobs)
    assert_same_rows(small, other)
    changed = other.train.probability["click"] != small.train.probability["click"]
    assert changed.mean() > 0.4


def test_strength_zero_leaves_the_base_rate():
    dataset = simulator.higher_order(**SMALL, strength=0)
    np.testing.assert_array_equal(dataset.train.probability["click"], 0.5)


def test_a_longer_log_begins_with_the_shorter_one(small):
    longer = simulator.higher_order(**SMALL | {"num_rows": 9_000})
    for name, values in small.train.features.items():
        np.testing.assert_array_equal(longer.train.features[name][:8_000], values)
    np.testing.assert_array_equal(longer.train.label[:8_000], small.train.label)
    np.testing.assert_array_equal(longer.test.label, small.test.label)


def test_the_knobs_are_kept():
    dataset = simulator.higher_order(**SMALL, strength=2, as_numbers=False, num_ids=4, seed=5)
    assert dataset.knobs["strength"] == 2.0
    assert digest(simulator.higher_order(**dataset.knobs)) == digest(dataset)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"num_rows": 0}, "num_rows: expected an integer of 1 or more, got 0"),
        ({"order": 0}, "order: expected an integer of 1 or more, got 0"),
        ({"order": 9}, "products: 1 of order 9 need 9 fields, expected at most .* which is 8"),
        ({"products": 3}, "products: 3 of order 3 need 9 fields, expected at most .* which is 8"),
        ({"products": 0}, "products: expected an integer of 1 or more, got 0"),
        ({"strength": -1}, "strength: expected a finite number from 0, got -1"),
        ({"label_noise": 0.5}, "label_noise: .* from 0 to 0.5 excluding 0.5, got 0.5"),
        ({"bias": "low"}, "bias: expected a finite number, got 'low'"),
        ({"as_numbers": 1}, "as_numbers: expected True or False, got 1"),
        ({"num_ids": 4}, "num_ids: expected 2 where the fields are numbers, got 4"),
        ({"as_numbers": False, "num_ids": 3}, "num_ids: expected an even number, got 3"),
        ({"seed": -1}, "seed: expected an integer of 0 or more, got -1"),
    ],
    ids=str,
)
def test_bad_knobs_are_named(knobs, message):
    with pytest.raises(ValueError, match=message):
        simulator.higher_order(**SMALL | knobs)
