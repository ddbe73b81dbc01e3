"""What all lenses share: independent streams, checked knobs, labels and splits."""

import numpy as np
import pytest

from recsys_lib.data.simulator import world
from recsys_lib.features.columns import CategoricalColumn


def test_streams_depend_on_seed_lens_and_part_alone():
    def numbers(*key):
        return world.stream(*key).random(1000)

    first = numbers(0, "memorization", "labels/train")
    np.testing.assert_array_equal(first, numbers(0, "memorization", "labels/train"))
    for other in (
        (1, "memorization", "labels/train"),
        (0, "tasks", "labels/train"),
        (0, "memorization", "labels/test"),
    ):
        # Correlation of independent numbers: 1000 ** -0.5 = .03 is one standard error.
        assert abs(np.corrcoef(first, numbers(*other))[0, 1]) < 0.15


def test_a_longer_draw_begins_with_the_shorter_one():
    short = world.stream(0, "lens", "part").random(10)
    np.testing.assert_array_equal(world.stream(0, "lens", "part").random(100)[:10], short)


def test_sigmoid_is_exact_and_does_not_overflow():
    logit = np.array([-800.0, -30.0, -1.0, 0.0, 2.0, 40.0, 800.0])
    with np.errstate(over="raise"):
        found = world.sigmoid(logit)
    expected = [0.0, 9.357622968839299e-14, 0.2689414213699951, 0.5, 0.8807970779778823, 1.0, 1.0]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_lowest_share_is_exact_and_nested():
    values = np.random.default_rng(0).random((20, 50))
    small, large = world.lowest_share(values, 0.1), world.lowest_share(values, 0.25)
    assert (small.sum(), large.sum()) == (100, 250)
    assert small.shape == values.shape
    assert (large | ~small).all()
    assert values[small].max() < values[~small].min()


def test_choose_reaches_every_candidate_alike():
    candidates = np.array([3, 5, 9])
    found = world.choose(candidates, np.array([0.0, 0.33, 0.34, 0.66, 0.67, np.nextafter(1, 0)]))
    assert list(found) == [3, 3, 5, 5, 9, 9]


def test_labels_follow_the_probability():
    probability = np.repeat([0.0, 0.2, 1.0], 20_000)
    label = world.draw_labels(probability, world.stream(0, "lens", "labels"))
    assert label.dtype == np.float32
    rates = label.reshape(3, -1).mean(axis=1)
    assert rates[0] == 0 and rates[2] == 1
    assert abs(rates[1] - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 20_000)


def test_make_dataset_times_the_splits_and_seals_the_truth():
    def rows(size):
        ids = np.arange(size, dtype=np.int32) % 3 + 1
        return world.Rows(
            {"item": ids},
            {"click": np.full(size, 0.5), "buy": np.full(size, 0.5)},
            ids,
            {"some": ids == 1, "none": ids == 9},
        )

    dataset = world.make_dataset(
        "example",
        (CategoricalColumn("item", 4, group="item"),),
        {"train": rows(30), "valid": rows(9), "test": rows(12)},
        seed=0,
        truth={"table": np.zeros((2, 2)), "bias": -1.0},
        knobs={"bias": -1.0},
    )
    assert dataset.name == "simulated example"
    assert dataset.tasks == {"click": "binary", "buy": "binary"}
    all_times = np.concatenate([split.time for split in dataset.splits.values()])
    np.testing.assert_array_equal(all_times, np.arange(51))
    assert set(dataset.test.slices) == {"some"}
    assert (dataset.train.labels["click"] != dataset.train.labels["buy"]).any()
    assert (dataset.train.labels["click"][:9] != dataset.valid.labels["click"]).any()
    with pytest.raises(ValueError, match="read-only"):
        dataset.truth["table"][0, 0] = 1
    assert dataset.with_columns(["item"]).truth is dataset.truth
