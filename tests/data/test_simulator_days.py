"""The days lens: what a day holds, what it brings, and how tastes move from one to the next."""

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import digest

from recsys_lib.data import simulator

SMALL = {"num_rows": 900, "rows_per_day": 300, "num_valid_rows": 300, "num_test_rows": 600}
SMALL |= {"new_items": 10, "lifetime": 3, "num_segments": 8}


def logit(probability):
    return np.log(probability / (1 - probability))


def test_the_probability_of_every_row_is_that_of_the_formula():
    data = simulator.days(**SMALL, drift=0.3, bias=-0.4, taste_sd=1.1, quality_sd=0.7, seed=2)
    truth = data.truth
    for split in data.splits.values():
        for row, day in enumerate(simulator.day_of(data, split)):
            features = {name: values[row] for name, values in split.features.items()}
            item = features["item_id"]
            assert truth["category"][item] == features["category"]
            taste = (
                truth["taste"][day, features["segment"]] @ truth["direction"][features["category"]]
            )
            expected = -0.4 + 1.1 * taste / np.sqrt(3) + truth["quality"][item]
            found = logit(split.probability["click"][row])
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_a_day_shows_the_items_of_the_last_days_all_alike():
    data = simulator.days(
        num_rows=20_000, rows_per_day=10_000, num_valid_rows=10_000, num_test_rows=10_000,
        new_items=10, lifetime=3,
    )  # fmt: skip
    first_day = data.truth["first_day"]
    for split in data.splits.values():
        for day in np.unique(simulator.day_of(data, split)):
            items = split.features["item_id"][simulator.day_of(data, split) == day]
            counts = np.bincount(items, minlength=len(first_day))
            shown = np.flatnonzero(counts)
            np.testing.assert_array_equal(shown, np.arange(10 * day + 1, 10 * day + 31))
            np.testing.assert_allclose(counts[shown] / len(items), 1 / 30, atol=0.01)
            # Those of the first day are as old as one likes; all others are at most 2 days old.
            assert (first_day[shown] <= day).all()
            assert (first_day[shown] >= max(day - 2, 0)).all()
            assert (first_day[shown] == day).sum() == (30 if day == 0 else 10)


def test_slices_count_the_days_of_a_split_and_mark_what_is_new():
    data = simulator.days(**SMALL)
    assert [name for name in data.test.slices if name.startswith("day")] == ["day_1", "day_2"]
    day = simulator.day_of(data, data.test)
    np.testing.assert_array_equal(day, np.repeat([4, 5], 300))
    np.testing.assert_array_equal(data.test.slices["day_2"], day == 5)
    new = data.truth["first_day"][data.test.features["item_id"]] == day
    np.testing.assert_array_equal(data.test.slices["new_items"], new)
    on_first_day = simulator.day_of(data, data.train) == 0
    assert not data.train.slices["new_items"][on_first_day].any()


def test_tastes_keep_their_spread_and_forget_at_the_rate_of_the_drift():
    sizes = {"num_rows": 100, "rows_per_day": 1, "num_valid_rows": 1, "num_test_rows": 1}
    data = simulator.days(**sizes, drift=0.2, num_segments=3_000, new_items=1)
    taste = data.truth["taste"][:, 1:]
    np.testing.assert_allclose(taste.std(axis=(1, 2)), 1, atol=0.03)
    for lag in (1, 2, 5):
        found = np.corrcoef(taste[:-lag].ravel(), taste[lag:].ravel())[0, 1]
        assert found == pytest.approx(0.8**lag, abs=0.01)


@pytest.mark.parametrize(("drift", "same"), [(0.0, True), (1.0, False)])
def test_no_drift_leaves_tastes_as_they_are(drift, same):
    taste = simulator.days(**SMALL, drift=drift).truth["taste"]
    assert np.array_equal(taste[0], taste[-1]) == same


def test_all_categories_are_a_matter_of_taste_to_the_same_degree():
    truth = simulator.days(**SMALL).truth
    np.testing.assert_allclose(np.linalg.norm(truth["direction"][1:], axis=1), np.sqrt(3))
    for name in ("direction", "quality", "category"):
        assert not truth[name][0].any()
    assert not truth["taste"][:, 0].any()


def test_effects_are_as_large_as_their_knobs_say():
    data = simulator.days(new_items=300, num_segments=400, taste_sd=1.2, quality_sd=0.8)
    assert data.truth["quality"][1:].std() == pytest.approx(0.8, abs=0.03)
    split = data.train
    taste = (
        logit(split.probability["click"]) + 1.0 - data.truth["quality"][split.features["item_id"]]
    )
    assert taste.std() == pytest.approx(1.2, abs=0.05)


def test_knobs_of_the_click_leave_the_rows_alone():
    before = simulator.days(**SMALL)
    for knob in ({"drift": 0.5}, {"taste_sd": 0.5}, {"quality_sd": 0.1}, {"bias": 1.0}):
        other = simulator.days(**SMALL | knob)
        for name, values in before.test.features.items():
            np.testing.assert_array_equal(other.test.features[name], values)
        assert (other.test.probability["click"] != before.test.probability["click"]).any(), knob


def test_a_longer_log_begins_with_the_days_of_the_shorter_one():
    short, long = simulator.days(**SMALL), simulator.days(**SMALL | {"num_test_rows": 1_200})
    for name, values in short.test.features.items():
        np.testing.assert_array_equal(long.test.features[name][:600], values)
    np.testing.assert_array_equal(long.test.label[:600], short.test.label)
    size = len(short.truth["quality"])
    np.testing.assert_array_equal(long.truth["quality"][:size], short.truth["quality"])


def test_the_columns_of_a_day_know_its_items_and_no_later_ones():
    data = simulator.days(**SMALL)
    sizes = [simulator.columns_of_day(data, day)[-1].vocabulary_size for day in range(6)]
    assert sizes == [31, 41, 51, 61, 71, 81]
    assert simulator.columns_of_day(data, 5) == data.feature_columns
    for split in data.splits.values():
        days = simulator.day_of(data, split)
        assert (split.features["item_id"] < np.array(sizes)[days]).all()
    with pytest.raises(ValueError, match=r"^day: expected at most 5, got 6$"):
        simulator.columns_of_day(data, 6)
    with pytest.raises(ValueError, match=r"^day: expected an integer"):
        simulator.columns_of_day(data, 0.5)


def test_a_day_may_lie_in_two_splits():
    data = simulator.days(**SMALL | {"num_rows": 400, "num_valid_rows": 100})
    assert set(simulator.day_of(data, data.train)) == {0, 1}
    assert set(simulator.day_of(data, data.valid)) == {1}
    assert set(simulator.day_of(data, data.test)) == {1, 2, 3}


def test_the_seed_alone_decides_the_bytes():
    assert digest(simulator.days(**SMALL)) == digest_elsewhere("days", SMALL)
    assert digest(simulator.days(**SMALL)) != digest(simulator.days(**SMALL, seed=1))
