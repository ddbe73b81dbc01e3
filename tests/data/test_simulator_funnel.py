"""The funnel lens: only clicks convert, rates are exact, and selection does what it says."""

import time

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import assert_same_rows, digest

from recsys_lib.data import simulator
from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.training import baselines, metrics

SMALL = {"num_rows": 8_000, "num_valid_rows": 2_000, "num_test_rows": 4_000}
SMALL |= {"num_users": 80, "num_items": 50}
HIDDEN = ("user_appeal", "user_need", "item_appeal", "item_need")


@pytest.fixture(scope="module")
def default():
    return simulator.funnel()


@pytest.fixture(scope="module")
def small():
    return simulator.funnel(**SMALL)


def of_rows(dataset, split):
    """Appeal and need of each row."""
    user, item = split.features["user_id"] - 1, split.features["item_id"] - 1
    truth = dataset.truth
    return tuple(
        (truth[f"user_{part}"][user] + truth[f"item_{part}"][item]) / np.sqrt(2)
        for part in ("appeal", "need")
    )


def log_odds(probability):
    return np.log(probability) - np.log1p(-probability)


def test_the_default_is_recipe_sized_and_fast():
    start = time.perf_counter()
    dataset = simulator.funnel()
    assert time.perf_counter() - start < 10  # 0.4 s on an idle machine
    assert [len(split) for split in dataset.splits.values()] == [60_000, 20_000, 60_000]
    assert dataset.feature_columns == (
        CategoricalColumn("user_id", 1001, group="user"),
        CategoricalColumn("item_id", 1001, group="item"),
    )
    assert dataset.tasks == {"click": "binary", "conversion": "binary"}
    for values in dataset.train.features.values():
        assert values.dtype == np.int32
        counts = np.bincount(values, minlength=1001)
        assert counts[0] == 0
        assert (abs(counts[1:] - 60) < 5 * np.sqrt(60)).all()
    np.testing.assert_array_equal(dataset.test.group, dataset.test.features["user_id"])
    assert 1_500 < dataset.train.labels["conversion"].sum() < 2_100


def test_the_same_seed_gives_the_same_bytes(small):
    assert digest(simulator.funnel(**SMALL)) == digest(small)
    assert digest(simulator.funnel(**SMALL, seed=1)) != digest(small)


def test_another_process_gives_the_same_bytes(small):
    assert digest_elsewhere("funnel", SMALL) == digest(small)


def test_only_clicks_convert(default):
    for split in default.splits.values():
        assert (split.labels["conversion"] <= split.labels["click"]).all()
        both = split.labels["conversion"] * split.labels["click"]
        np.testing.assert_array_equal(split.labels["conversion"], both)
        np.testing.assert_array_equal(split.slices["clicked"], split.labels["click"] == 1)


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"selection": -0.8, "click_strength": 0.7},
        {"selection": 1, "conversion_strength": 3},
        {"selection": 0, "click_rate": 0.6, "conversion_rate": 0.01},
    ],
    ids=str,
)
def test_every_probability_is_the_stated_function_of_the_features(knobs):
    dataset = simulator.funnel(**SMALL, **knobs)
    knobs, truth = dataset.knobs, dataset.truth
    for name in HIDDEN:
        assert truth[name].mean() == pytest.approx(0, abs=1e-12)
        assert truth[name].std() == pytest.approx(1)
    for side in ("user", "item"):
        together = (truth[f"{side}_appeal"] * truth[f"{side}_need"]).mean()
        assert together == pytest.approx(0, abs=1e-12)
    r = knobs["selection"]
    constants = {"click": set(), "conversion": set()}
    for split in dataset.splits.values():
        appeal, need = of_rows(dataset, split)
        click = truth["p_click"][split.row_id]
        conversion = truth["p_conversion_given_click"][split.row_id]
        np.testing.assert_array_equal(split.probability["click"], click)
        np.testing.assert_allclose(split.probability["conversion"], click * conversion)
        bias = log_odds(click) - knobs["click_strength"] * appeal
        constants["click"] |= set(np.round(bias, 8))
        wish = r * appeal + np.sqrt(1 - r**2) * need
        bias = log_odds(conversion) - knobs["conversion_strength"] * wish
        constants["conversion"] |= set(np.round(bias, 8))
    assert {task: len(biases) for task, biases in constants.items()} == {
        "click": 1,
        "conversion": 1,
    }


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"click_rate": 0.5, "conversion_rate": 0.02, "selection": -0.9},
        {"click_rate": 0.002, "click_strength": 8, "conversion_strength": 0},
    ],
    ids=str,
)
def test_rates_are_exact_over_all_pairs(knobs):
    """Of every pair of a user and an item, from the planted parts alone."""
    dataset = simulator.funnel(**SMALL, **knobs)
    knobs, truth = dataset.knobs, dataset.truth
    user, item = dataset.train.features["user_id"] - 1, dataset.train.features["item_id"] - 1
    pairs, first = np.unique(user.astype(np.int64) * 50 + item, return_index=True)
    click, conversion = np.full(4_000, np.nan), np.full(4_000, np.nan)
    click[pairs] = truth["p_click"][first]
    conversion[pairs] = truth["p_conversion_given_click"][first]
    appeal, need = (
        (truth[f"user_{part}"][:, None] + truth[f"item_{part}"]).ravel() / np.sqrt(2)
        for part in ("appeal", "need")
    )
    r = knobs["selection"]
    wish = r * appeal + np.sqrt(1 - r**2) * need
    seen = pairs[0]
    bias = log_odds(click[seen]) - knobs["click_strength"] * appeal[seen]
    every_click = 1 / (1 + np.exp(-bias - knobs["click_strength"] * appeal))
    bias = log_odds(conversion[seen]) - knobs["conversion_strength"] * wish[seen]
    every_conversion = 1 / (1 + np.exp(-bias - knobs["conversion_strength"] * wish))
    assert every_click.mean() == pytest.approx(knobs["click_rate"])
    converted = (every_click * every_conversion).mean() / every_click.mean()
    assert converted == pytest.approx(knobs["conversion_rate"])


def test_labels_follow_their_probabilities(default):
    split = default.train
    given = default.truth["p_conversion_given_click"][split.row_id]
    clicked = split.labels["click"] == 1
    for label, probability in (
        (split.labels["click"], split.probability["click"]),
        (split.labels["conversion"], split.probability["conversion"]),
        (split.labels["conversion"][clicked], given[clicked]),
    ):
        for rows in np.array_split(np.argsort(probability), 10):
            error = np.sqrt((probability * (1 - probability))[rows].sum())
            assert abs(label[rows].sum() - probability[rows].sum()) < 4.5 * error


def test_selection_decides_how_much_better_clicked_rows_convert():
    lifts = []
    for selection in (-0.8, 0, 0.8):
        dataset = simulator.funnel(selection=selection)
        given = dataset.truth["p_conversion_given_click"]
        click = np.concatenate([split.labels["click"] for split in dataset.splits.values()])
        lifts.append(given[click == 1].mean() / given.mean())
    assert lifts[0] < 0.6
    assert lifts[1] == pytest.approx(1, abs=0.05)
    assert lifts[2] > 1.6


def test_without_click_strength_clicked_rows_are_a_random_sample():
    dataset = simulator.funnel(click_strength=0)
    np.testing.assert_allclose(dataset.train.probability["click"], 0.15)
    given, click = dataset.truth["p_conversion_given_click"], dataset.train.labels["click"]
    given = given[dataset.train.row_id]
    error = given.std() / np.sqrt(click.sum())
    assert abs(given[click == 1].mean() - given.mean()) < 4 * error


def test_likely_and_unlikely_halves(default):
    for split in default.splits.values():
        likely = split.slices["likely"]
        np.testing.assert_array_equal(split.slices["unlikely"], ~likely)
        assert likely.mean() == pytest.approx(0.5, abs=0.02)
        probability = split.probability["click"]
        assert probability[likely].min() > probability[~likely].max()


def test_the_oracle_beats_the_means(default):
    test = default.test
    for task in default.tasks:
        bounds = baselines.score_bounds(default, test, task)
        means = baselines.additive_means(default, ["user_id", "item_id"], task=task)(test)
        assert bounds["auc"].oracle > metrics.auc(test.labels[task], means) + 0.005
        assert bounds["log_loss"].oracle < metrics.log_loss(test.labels[task], means)


@pytest.mark.parametrize(
    "knobs",
    [
        {"click_rate": 0.3},
        {"conversion_rate": 0.5},
        {"selection": -0.5},
        {"click_strength": 1},
        {"conversion_strength": 1},
    ],
    ids=str,
)
def test_what_is_planted_keeps_the_rows(small, knobs):
    other = simulator.funnel(**SMALL, **knobs)
    assert_same_rows(small, other)
    for name in HIDDEN:
        np.testing.assert_array_equal(small.truth[name], other.truth[name])
    changed = other.train.probability["conversion"] != small.train.probability["conversion"]
    assert changed.mean() > 0.99
    click = other.train.labels["click"]
    if "click_rate" in knobs:  # a label turns from 0 to 1 and none from 1 to 0
        assert (click >= small.train.labels["click"]).all()
    elif "click_strength" not in knobs:
        np.testing.assert_array_equal(click, small.train.labels["click"])


def test_a_longer_log_begins_with_the_shorter_one(small):
    longer = simulator.funnel(**SMALL | {"num_rows": 9_000})
    for name, values in small.train.features.items():
        np.testing.assert_array_equal(longer.train.features[name][:8_000], values)
    for task in small.tasks:
        np.testing.assert_array_equal(longer.train.labels[task][:8_000], small.train.labels[task])
        np.testing.assert_array_equal(longer.test.labels[task], small.test.labels[task])


def test_the_knobs_are_kept():
    dataset = simulator.funnel(**SMALL, selection=0, seed=5)
    assert dataset.knobs["selection"] == 0.0
    assert digest(simulator.funnel(**dataset.knobs)) == digest(dataset)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"num_rows": 0}, "num_rows: expected an integer of 1 or more, got 0"),
        ({"click_rate": 0}, "click_rate: .* from 0 to 1 excluding 0 and 1, got 0"),
        ({"conversion_rate": 1}, "conversion_rate: .* from 0 to 1 excluding 0 and 1, got 1"),
        ({"selection": 2}, "selection: expected a finite number from -1 to 1, got 2"),
        ({"click_strength": -1}, "click_strength: expected a finite number from 0, got -1"),
        ({"conversion_strength": "no"}, "conversion_strength: expected a finite number .* 'no'"),
        ({"num_users": 2}, "num_users: expected an integer of 3 or more, got 2"),
        ({"num_items": 1.5}, "num_items: expected an integer of 3 or more, got 1.5"),
        ({"seed": -1}, "seed: expected an integer of 0 or more, got -1"),
    ],
    ids=str,
)
def test_bad_knobs_are_named(knobs, message):
    with pytest.raises(ValueError, match=message):
        simulator.funnel(**SMALL | knobs)
