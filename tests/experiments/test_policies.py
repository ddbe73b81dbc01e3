"""Policies from day to day: no score knows its own day, and each does what its name says."""

import dataclasses

import numpy as np
import pytest

from experiments.engine import registry
from experiments.engine.cells import for_tuning
from experiments.one_request._policies import POLICIES, _days, day_by_day
from recsys_lib.data import Dataset, Split, simulator
from recsys_lib.second_order import build_fm
from recsys_lib.training import Adam, fit, grow, predict
from recsys_lib.training.restarts import build_with_seed

SIZES = {"num_rows": 800, "rows_per_day": 400, "num_valid_rows": 800, "num_test_rows": 1_200}
SIZES |= {"num_segments": 150, "num_categories": 3, "new_items": 6, "lifetime": 3}
FEW = {"seed": 3, "epochs": 2, "batch_size": 64}
OTHERS = {
    "stale": {"policy": "stale"},
    "all days": {"policy": "fresh", "window": None},
    "last days": {"policy": "fresh", "window": 2},
    "warm": {"policy": "warm"},
    "old rows": {"policy": "warm", "replay": 1.0},
    "new optimizer": {"policy": "warm", "keeps_optimizer": False},
    "no new rows": {"policy": "warm", "grows": False},
}


@pytest.fixture(scope="module")
def world():
    return simulator.days(**SIZES, drift=0.2, seed=5)


@pytest.fixture(scope="module")
def scores(world):
    """Scores of the test rows by policy."""
    return {name: run(world, **options) for name, options in OTHERS.items()}


def run(data, **options):
    return day_by_day(data, **FEW | options)(data.test)["click"]


def turned(data, day):
    """The same log, with the labels of a test day and of all later ones turned around."""
    late = simulator.day_of(data, data.test) >= day
    labels = np.where(late, 1 - data.test.label, data.test.label)
    return dataclasses.replace(data, test=dataclasses.replace(data.test, labels={"click": labels}))


@pytest.mark.parametrize("name", OTHERS)
def test_no_score_depends_on_a_label_of_its_own_day_or_a_later_one(world, scores, name):
    before = simulator.day_of(world, world.test) <= 5
    other = run(turned(world, 5), **OTHERS[name])
    np.testing.assert_array_equal(other[before], scores[name][before])
    if name != "stale":
        assert (other[~before] != scores[name][~before]).mean() > 0.9


@pytest.mark.parametrize("name", ["warm", "all days"])
def test_no_score_depends_on_rows_of_later_days(world, scores, name):
    until = dataclasses.replace(world, test=world.test.take(np.arange(800)))
    np.testing.assert_array_equal(run(until, **OTHERS[name]), scores[name][:800])


def test_a_stale_model_is_the_fresh_one_of_the_first_test_day(world, scores):
    first = simulator.day_of(world, world.test) == 4
    np.testing.assert_array_equal(scores["stale"][first], scores["all days"][first])
    assert (scores["stale"][~first] != scores["all days"][~first]).mean() > 0.9


def test_a_fresh_start_on_all_days_is_one_whose_window_holds_them(world, scores):
    np.testing.assert_array_equal(run(world, policy="fresh", window=7), scores["all days"])
    assert (scores["last days"] != scores["all days"]).mean() > 0.9


def test_a_window_leaves_out_what_lies_before_it(world, scores):
    """Labels of the first four days do not reach a model of the two days before the last."""
    labels = {"click": 1 - world.train.label}
    other = dataclasses.replace(world, train=dataclasses.replace(world.train, labels=labels))
    np.testing.assert_array_equal(run(other, **OTHERS["last days"]), scores["last days"])
    assert (run(other, **OTHERS["all days"]) != scores["all days"]).mean() > 0.9


def test_a_warm_start_is_that_of_a_model_that_grows(world, scores):
    """The library's own way, with a table that grows each evening, gives the same scores."""
    whole = build_with_seed(lambda: build_fm(world.feature_columns, "click", embedding_dim=8), 3)
    model, optimizer = (
        build_fm(simulator.columns_of_day(world, 1), "click", embedding_dim=8),
        Adam(1e-2),
    )
    as_the_whole(model, whole, [0] * len(model.variables))
    train(model, optimizer, world, [0, 1], epochs=2, seed=3_000)
    found = []
    for today in range(2, 7):
        if today >= 4:
            rows = rows_of(world, [today])
            before = rows_of(world, range(today)).features
            features = {
                name: np.where(np.isin(ids, before[name]), ids, 0)
                for name, ids in rows.features.items()
            }
            found.append(predict(model, features)["click"])
        sizes = [sum(variable.shape[:1]) for variable in model.variables]
        model, optimizer = grow(model, simulator.columns_of_day(world, today), optimizer)
        as_the_whole(model, whole, sizes)
        train(model, optimizer, world, [today], epochs=1, seed=3_000 + today - 1)
    np.testing.assert_allclose(np.concatenate(found), scores["warm"], rtol=1e-5, atol=1e-6)


def rows_of(world, days):
    parts = [split.take(np.isin(simulator.day_of(world, split), list(days)))
             for split in world.splits.values()]  # fmt: skip
    features = {name: np.concatenate([part.features[name] for part in parts])
                for name in parts[0].features}  # fmt: skip
    row = np.concatenate([part.row_id for part in parts])
    labels = {"click": np.concatenate([part.label for part in parts])}
    return Split(features=features, labels=labels, group=row, row_id=row)


def as_the_whole(model, whole, sizes):
    """The rows behind these sizes as the larger model was born with; items are the last rows."""
    for size, target, source in zip(sizes, model.variables, whole.variables, strict=True):
        values, born = target.numpy(), source.numpy()
        if values.ndim:
            target.assign(np.concatenate([values[:size], born[size : len(values)]]))


def train(model, optimizer, world, days, epochs, seed):
    rows = rows_of(world, days)
    none = [dataclasses.replace(rows.take([0]), row_id=np.array([-n])) for n in (1, 2)]
    data = Dataset("evening", simulator.columns_of_day(world, days[-1]), rows, *none)
    options = {"epochs": epochs, "batch_size": 64, "seed": seed, "patience": None}
    fit(model, data, optimizer, **options, progress=False)


def test_a_first_model_of_some_days_walks_through_the_others(world, scores):
    """The first model of two days is the usual one; of one day it trains on the next evening."""
    np.testing.assert_array_equal(run(world, policy="warm", warm_up=2), scores["warm"])
    assert (run(world, policy="warm", warm_up=1) != scores["warm"]).mean() > 0.9
    few = dataclasses.replace(
        world, train=world.train.take(np.arange(400)), valid=world.train.take(np.arange(400, 800)),
        test=world.valid,
    )  # fmt: skip
    policy = day_by_day(world, **FEW, policy="warm", warm_up=1)
    np.testing.assert_array_equal(policy(world.valid)["click"], run(few, policy="warm"))


def test_an_aged_model_is_the_stale_one_of_an_earlier_test(world, scores):
    until = dataclasses.replace(
        world, train=world.train.take(np.arange(400)), valid=world.train.take(np.arange(400, 800))
    )
    found = run(world, policy="stale", age=2)
    np.testing.assert_array_equal(found, run(until, policy="stale", age=2))
    labels = {"click": 1 - world.valid.label}
    other = dataclasses.replace(world, valid=dataclasses.replace(world.valid, labels=labels))
    np.testing.assert_array_equal(found, run(other, policy="stale", age=2))
    assert (found != scores["stale"]).mean() > 0.9


def test_tables_that_do_not_grow_read_new_items_as_one(world, scores):
    test = world.test
    day = simulator.day_of(world, test)
    new = world.truth["first_day"][test.features["item_id"]] >= 4
    kind = np.stack([day, test.features["segment"], test.features["category"]], axis=1)
    last = new & (day == 6)
    _, which = np.unique(kind[last], axis=0, return_inverse=True)
    for name, is_alike in (("no new rows", True), ("warm", False)):
        values = scores[name][last]
        spread = max(np.ptp(values[which.ravel() == one]) for one in range(which.max() + 1))
        assert (spread < 1e-6) == is_alike, name


def test_items_of_the_day_itself_are_unknown_in_every_policy(world, scores):
    test = world.test
    new = test.slices["new_items"]
    kind = np.stack(
        [simulator.day_of(world, test), test.features["segment"], test.features["category"]], 1
    )
    _, which = np.unique(kind[new], axis=0, return_inverse=True)
    for name, values in scores.items():
        spread = max(np.ptp(values[new][which.ravel() == one]) for one in range(which.max() + 1))
        assert spread < 1e-6, name


def test_each_option_acts(world, scores):
    for name in ("old rows", "new optimizer", "no new rows"):
        assert (scores[name] != scores["warm"]).mean() > 0.3, name
    for option in ({"daily_rate": 0.3}, {"daily_epochs": 2}, {"learning_rate": 3e-3}):
        assert (run(world, policy="warm", **option) != scores["warm"]).mean() > 0.9
    for option in ({"embedding_l2": 0.01}, {"embedding_dim": 4}, {"model": "deepfm"}):
        assert (run(world, policy="warm", **option) != scores["warm"]).mean() > 0.9


def test_runs_come_out_again_whatever_ran_before(world, scores):
    for name in ("warm", "new optimizer", "last days"):
        np.testing.assert_array_equal(run(world, **OTHERS[name]), scores[name])
    assert (run(world, policy="warm", seed=4) != scores["warm"]).mean() > 0.9


def test_in_tuning_the_days_of_validation_are_gone_through_once(world):
    """They are test days then: two of them, and nothing before them but the training days."""
    shown = for_tuning(world)
    found = day_by_day(shown, **FEW, policy="warm")(shown.test)["click"]
    alone = dataclasses.replace(
        world, valid=world.train.take(np.arange(400, 800)), train=world.train.take(np.arange(400)),
        test=world.valid,
    )  # fmt: skip
    warm = day_by_day(alone, **FEW, policy="warm", warm_up=2)(alone.test)["click"]
    np.testing.assert_array_equal(found, warm)
    labels = {"click": 1 - shown.test.label}
    other = dataclasses.replace(shown, test=dataclasses.replace(shown.test, labels=labels))
    again = day_by_day(other, **FEW, policy="warm")(other.test)["click"]
    np.testing.assert_array_equal(again[:400], found[:400])
    assert (again[400:] != found[400:]).mean() > 0.9


def test_days_without_rows_pass(world):
    """A replayed prefix has the first rows of training alone, and all days behind them."""
    few = dataclasses.replace(world, train=world.train.take(np.arange(300)))
    for options in ({"policy": "warm", "warm_up": 1}, {"policy": "fresh"}, {"policy": "stale"}):
        assert np.isfinite(day_by_day(few, **FEW, **options)(few.train)["click"]).all()


def test_training_rows_are_scored_too(world):
    policy = day_by_day(world, **FEW, policy="stale")
    few = world.train.take(np.arange(5, 90))
    np.testing.assert_array_equal(policy(few)["click"], policy(world.train)["click"][5:90])


def test_a_day_of_a_log_begins_an_hour_before_midnight_in_china():
    """As the dates of KuaiRand do, so that no date is spread over three days."""
    midnight = 1_651_593_600  # 2022-05-04 00:00 in China
    moments = midnight + np.array([-3_601, -3_600, 0, 82_799, 82_800])
    row = np.arange(5)
    split = Split(features={}, labels={"click": row % 2}, group=row, row_id=row, time=moments)
    np.testing.assert_array_equal(np.diff(_days(None, split)), [1, 0, 0, 1])


def test_other_policies_and_several_tasks_are_refused(world):
    with pytest.raises(ValueError, match=r"^policy: expected one of .* got 'cold'$"):
        run(world, policy="cold")
    two = simulator.platform(num_rows=100, num_valid_rows=100, num_test_rows=100)
    with pytest.raises(ValueError, match=r"^day_by_day: expected one task"):
        day_by_day(two, seed=0)


def test_the_declared_arms_are_these_policies():
    for name in ("day_by_day", "kuairand_days"):
        experiment = registry.load(f"one_request.{name}")
        assert {arm.function for arm in experiment.arms} == {day_by_day}
        assert {arm.options["policy"] for arm in experiment.arms} == set(POLICIES)
