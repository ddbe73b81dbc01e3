"""The platform lens: probabilities row by row, knobs that turn one thing, whole requests."""

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import digest

from recsys_lib.data import simulator
from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn

SMALL = {"num_rows": 6_000, "num_valid_rows": 1_000, "num_test_rows": 2_000}
FEW = SMALL | {"num_categories": 8, "items_per_category": 5, "num_interests": 3}
CANDIDATE = ("item_id", "category", "log_price")


@pytest.fixture(scope="module")
def small():
    return simulator.platform(**SMALL)


def assert_same_rows(first, second, but=()):
    for name in ("train", "valid", "test"):
        for column, values in first.splits[name].features.items():
            if column not in but:
                other = second.splits[name].features[column]
                np.testing.assert_array_equal(values, other, err_msg=f"{name} {column}")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def probabilities_of_row(dataset, split, row):
    """Click, and conversion after it, straight from the docstring's formulas."""
    knobs, truth = dataset.knobs, dataset.truth
    surface, budget, item = (
        int(split.features[name][row]) for name in ("surface", "budget", "item_id")
    )
    category = truth["category"][item]
    m = np.mean([truth["category"][i] == category for i in split.features["history"][row]])
    share = knobs["share"]

    def effect(task):
        taste = np.sqrt(share) * truth[f"{task}_taste"][0, category]
        taste += np.sqrt(1 - share) * truth[f"{task}_taste"][surface, category]
        return knobs["taste_sd"] * taste + knobs["item_sd"] * truth[f"{task}_item"][item]

    click = knobs["click_bias"][surface - 1] + effect("click") + knobs["interest"] * (m > 0)
    after = knobs["conversion_bias"][surface - 1] + effect("conversion") + knobs["loyalty"] * m
    after -= knobs["sensitivity"][budget - 1] * np.float64(truth["log_price"][item])
    return sigmoid(click), sigmoid(after)


def test_the_default_has_the_stated_columns_and_sizes():
    dataset = simulator.platform(num_rows=50_000)
    assert [len(split) for split in dataset.splits.values()] == [50_000, 20_000, 60_000]
    assert dataset.feature_columns == (
        CategoricalColumn("surface", 4, group="scenario"),
        CategoricalColumn("budget", 4, group="user"),
        SequenceColumn("history", 1201, 20, table="item_id"),
        SequenceColumn("history_category", 26, 20, table="category"),
        CategoricalColumn("item_id", 1201, group="item"),
        CategoricalColumn("category", 26, group="item"),
        NumericColumn("log_price", group="item"),
    )
    assert dataset.tasks == {"click": "binary", "conversion": "binary"}
    counts = np.bincount(dataset.train.features["surface"][::10], minlength=4)[1:] / 5_000
    np.testing.assert_allclose(counts, [0.70, 0.25, 0.05], atol=0.03)
    budgets = np.bincount(dataset.train.features["budget"][::10], minlength=4)[1:] / 5_000
    np.testing.assert_allclose(budgets, 1 / 3, atol=0.03)
    for split in dataset.splits.values():
        for number in (1, 2, 3):
            chosen = split.slices[f"surface_{number}"]
            np.testing.assert_array_equal(chosen, split.features["surface"] == number)


@pytest.mark.parametrize("share", [0, 0.4, 1])
def test_every_probability_is_the_stated_function_of_the_row(share):
    dataset = simulator.platform(**FEW, share=share, click_bias=(-1, 0, 1), sensitivity=(1, -0.5))
    for split in (*dataset.splits.values(), simulator.whole_requests(dataset, 4, 30)):
        for row in range(0, len(split), 17):
            click, after = probabilities_of_row(dataset, split, row)
            assert split.probability["click"][row] == pytest.approx(click, rel=1e-10)
            assert split.probability["conversion"][row] == pytest.approx(click * after, rel=1e-10)


def test_what_belongs_to_the_item_is_in_its_columns(small):
    truth = small.truth
    for split in (small.train, simulator.whole_requests(small, 3)):
        features = split.features
        item = features["item_id"]
        np.testing.assert_array_equal(features["category"], truth["category"][item])
        np.testing.assert_array_equal(features["log_price"], truth["log_price"][item])
        steps = truth["category"][features["history"]]
        np.testing.assert_array_equal(features["history_category"], steps)
        assert features["log_price"].dtype == np.float32
    assert truth["log_price"][1:].std() == pytest.approx(1, abs=1e-5)
    assert np.median(truth["price"][1:]) == pytest.approx(10, rel=0.1)
    assert np.log(truth["price"][1:]).std() == pytest.approx(0.7, abs=1e-4)


def test_histories_hold_every_interest_and_nothing_else(small):
    for steps in small.train.features["history_category"][::10]:
        assert len(set(steps)) == 4
    for features, expected in (
        (small.train.features, 0.3),  # own_share of what is shown
        (simulator.whole_requests(small, 30).features, 4 / 25),  # all items alike
    ):
        own = (features["history_category"] == features["category"][:, None]).any(axis=1)
        assert own.mean() == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("agreement", [-1, -0.5, 0, 1])
def test_effects_have_mean_zero_variance_one_and_the_stated_correlation(agreement):
    truth = simulator.platform(**FEW, agreement=agreement).truth
    pairs = [(truth["click_item"][1:], truth["conversion_item"][1:])]
    pairs += zip(truth["click_taste"][:, 1:], truth["conversion_taste"][:, 1:], strict=True)
    for click, conversion in pairs:
        for effect in (click, conversion):
            assert effect.mean() == pytest.approx(0, abs=1e-12)
            assert effect.std() == pytest.approx(1)
        assert np.mean(click * conversion) == pytest.approx(agreement, abs=1e-12)
    assert np.abs(np.corrcoef(truth["click_taste"][:, 1:])[~np.eye(4, dtype=bool)]).max() < 0.9
    for name in ("click_item", "conversion_item", "click_taste", "conversion_taste"):
        assert (truth[name][..., 0] == 0).all()


def test_labels_follow_the_probabilities_and_no_conversion_is_without_a_click():
    dataset = simulator.platform(num_rows=100_000, num_valid_rows=10, num_test_rows=10)
    split = dataset.train
    assert (split.labels["conversion"] <= split.labels["click"]).all()
    for task, p in split.probability.items():
        for low, high in ((0, 0.02), (0.02, 0.1), (0.1, 0.3), (0.3, 1)):
            chosen = (p >= low) & (p < high)
            error = np.sqrt((p * (1 - p))[chosen].sum())
            assert abs(split.labels[task][chosen].sum() - p[chosen].sum()) < 4.5 * error
    clicked = split.labels["click"] == 1
    after = (split.probability["conversion"] / split.probability["click"])[clicked]
    error = np.sqrt((after * (1 - after)).sum())
    assert abs(split.labels["conversion"][clicked].sum() - after.sum()) < 4.5 * error


def test_a_request_is_one_user_on_one_surface(small):
    for split, each in ((small.train, 10), (simulator.whole_requests(small, 5, 200), 200)):
        assert (np.bincount(split.group - split.group[0]) == each).all()
        for name, values in split.features.items():
            if name not in CANDIDATE:
                np.testing.assert_array_equal(values, np.repeat(values[::each], each, axis=0))


def test_whole_requests_are_new_and_their_candidates_all_differ(small):
    requests = simulator.whole_requests(small, 7, 1_000)
    assert len(requests) == 7_000
    np.testing.assert_array_equal(requests.features["surface"][::1000], [1, 2, 3, 1, 2, 3, 1])
    for item in requests.features["item_id"].reshape(7, -1):
        assert len(set(item)) == 1_000
    seen = np.concatenate([split.row_id for split in small.splits.values()])
    assert not set(seen) & set(requests.row_id)
    groups = np.concatenate([split.group for split in small.splits.values()])
    assert not set(groups) & set(requests.group)
    fewer = simulator.whole_requests(small, 3, 1_000)
    for name, values in fewer.features.items():
        np.testing.assert_array_equal(values, requests.features[name][:3_000])
    for task, values in fewer.labels.items():
        np.testing.assert_array_equal(values, requests.labels[task][:3_000])


def test_whole_requests_differ_from_the_test_split(small):
    requests = simulator.whole_requests(small, 60, 10)
    own, other = (split.features["history"][::10][:60] for split in (requests, small.test))
    assert not (own == other).all(axis=1).any()


def test_the_same_seed_gives_the_same_bytes(small):
    assert digest(simulator.platform(**SMALL)) == digest(small)
    assert digest(simulator.platform(**SMALL, seed=1)) != digest(small)


def test_another_process_gives_the_same_bytes(small):
    assert digest_elsewhere("platform", SMALL) == digest(small)


@pytest.mark.parametrize(
    "knobs",
    [
        {"share": 0.9},
        {"click_bias": -1, "conversion_bias": -1},
        {"interest": 1, "loyalty": 1},
        {"taste_sd": 0.5},
        {"item_sd": 1},
        {"sensitivity": (0.3, 0.2, 0.1)},
        {"agreement": 0.5},
    ],
    ids=str,
)
def test_what_is_planted_keeps_the_rows(small, knobs):
    other = simulator.platform(**SMALL, **knobs)
    assert_same_rows(small, other)
    changed = small.test.probability["conversion"] != other.test.probability["conversion"]
    assert changed.mean() > 0.25  # interest and loyalty touch own categories alone


def test_prices_and_values_change_no_probability(small):
    other = simulator.platform(**SMALL, price_sd=0.1, median_price=99, click_value=0)
    assert_same_rows(small, other)
    for task, values in small.test.probability.items():
        np.testing.assert_array_equal(values, other.test.probability[task])
    assert other.truth["price"].min() > 50 and other.knobs["click_value"] == 0


def test_sizes_change_whose_surface_it_is_and_no_item(small):
    other = simulator.platform(**SMALL, sizes=(1, 1, 8))
    assert_same_rows(small, other, but=("surface",))
    assert np.mean(other.train.features["surface"] == 3) == pytest.approx(0.8, abs=0.06)


def test_a_longer_log_begins_with_the_shorter_one(small):
    longer = simulator.platform(**SMALL | {"num_rows": 7_000})
    for name, values in small.train.features.items():
        np.testing.assert_array_equal(longer.train.features[name][:6_000], values)
    np.testing.assert_array_equal(
        longer.train.labels["conversion"][:6_000], small.train.labels["conversion"]
    )


def test_the_knobs_are_kept(small):
    dataset = simulator.platform(**SMALL, sizes=[3, 1], click_bias=-2, conversion_bias=[1, 2])
    assert dataset.knobs["sizes"] == (3.0, 1.0)
    assert [dataset.knobs[name] for name in ("click_bias", "conversion_bias")] == [
        (-2.0, -2.0),
        (1.0, 2.0),
    ]
    assert digest(simulator.platform(**dataset.knobs)) == digest(dataset)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"num_rows": 0}, "num_rows: expected an integer of 1 or more, got 0"),
        ({"num_rows": 6_001}, "num_rows: expected a multiple of per_request, which is 10, got"),
        ({"num_interests": 25}, "which leaves 20, got 25"),
        ({"sizes": ()}, "sizes: expected some numbers"),
        ({"sizes": (1, 0, 1)}, "sizes: expected a finite number from 0 excluding 0, got 0"),
        ({"click_bias": (1, 2)}, "click_bias: expected a number for each of 3 surfaces"),
        ({"conversion_bias": None}, "conversion_bias: expected a finite number, got None"),
        ({"share": 1.5}, "share: expected a finite number from 0 to 1"),
        ({"own_share": -1}, "own_share: expected a finite number from 0 to 1"),
        ({"agreement": 2}, "agreement: expected a finite number from -1 to 1"),
        ({"median_price": 0}, "median_price: expected a finite number from 0 excluding 0"),
        ({"price_sd": -1}, "price_sd: expected a finite number from 0"),
        ({"sensitivity": 1}, "sensitivity: expected some numbers, got 1"),
        ({"seed": -1}, "seed: expected an integer of 0 or more, got -1"),
        ({"num_categories": 2, "num_interests": 1}, "num_categories: expected an integer of 3 or"),
    ],
    ids=str,
)
def test_bad_knobs_are_named(knobs, message):
    with pytest.raises(ValueError, match=message):
        simulator.platform(**SMALL | knobs)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 10), "num_requests: expected an integer of 1 or more, got 0"),
        ((1, 0), "num_candidates: expected an integer of 1 or more, got 0"),
        ((1, 1_201), "num_candidates: expected at most 1200, got 1201"),
    ],
)
def test_bad_requests_are_named(small, sizes, message):
    with pytest.raises(ValueError, match=message):
        simulator.whole_requests(small, *sizes)
