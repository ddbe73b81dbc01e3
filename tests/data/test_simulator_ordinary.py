"""Ordinary platforms: a prior's draws are what it says, and so is the truth about each of them."""

import functools

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import digest

from recsys_lib.data import simulator
from recsys_lib.data.simulator.ordinary_columns import draw_items, draw_users, zipf
from recsys_lib.data.simulator.ordinary_prior import FAMILIES, IDS, draw_plan
from recsys_lib.training.metrics import auc, calibration_bins

SEEDS = (200, 201, 202, 203)
SMALL = {"num_rows": 12_000, "num_valid_rows": 1_000, "num_test_rows": 4_000}


@functools.cache
def platform(seed, **sizes):
    return simulator.ordinary(**SMALL | sizes, seed=seed)


@pytest.fixture(params=SEEDS)
def seed(request):
    return request.param


def of_all(data, name):
    """A column, or the probability, of the rows of all splits."""
    return np.concatenate(
        [
            split.probability["click"] if name == "click" else split.features[name]
            for split in data.splits.values()
        ]
    )


def assert_shares(ids, num_ids, exponent):
    """Counts of ids are those of Zipf's law, each within 4.5 standard errors."""
    share = np.arange(1, num_ids + 1) ** -exponent
    expected = len(ids) * share / share.sum()
    counts = np.bincount(ids, minlength=num_ids + 1)[1:]
    assert len(counts) == num_ids
    assert (np.abs(counts - expected) <= 4.5 * np.sqrt(expected) + 3).all()


def constant_in(groups, values):
    """Whether all rows of a group have one value."""
    first = dict(zip(groups[::-1].tolist(), values[::-1].tolist(), strict=True))
    return all(first[group] == value for group, value in zip(groups, values, strict=True))


def pairwise_auc(score, p):
    """Chance that a click scores above a row without one, over all pairs of rows."""
    above = (score[:, None] > score[None, :]) + 0.5 * (score[:, None] == score[None, :])
    weight = p[:, None] * (1 - p)[None, :]
    return (above * weight).sum() / weight.sum()


def test_plans_lie_in_the_ranges_of_the_prior():
    plans = [draw_plan(seed) for seed in range(200, 280)]
    for name, low, high in (
        ("rows_per_user", 2, 200),
        ("rows_per_item", 2, 200),
        ("user_exponent", 0.4, 0.9),
        ("item_exponent", 0.6, 1.1),
        ("num_interests", 2, 7),
        ("length", 20, 50),
        ("stay", 0, 0.8),
        ("new_share", 0, 0.12),
        ("auc", 0.75, 0.85),
        ("base_rate", 0.1, 0.4),
    ):
        drawn = np.array([getattr(plan, name) for plan in plans])
        assert low <= drawn.min() < drawn.max() <= high, name
        if name.startswith("rows"):
            drawn, low, high = np.log(drawn), np.log(low), np.log(high)
        # Uniform: the mean of 80 within 4 standard errors, which of integers are a bit larger.
        error = 1.2 * (high - low) / np.sqrt(12 * 80)
        assert abs(drawn.mean() - (low + high) / 2) < 4 * error, name
    most = dict(zip(FAMILIES, (12, 2, 5, 5, 5, 3, 2, 2, 2, 4, 2), strict=True))
    fewest = {"pairs of attributes": 2, "pairs of ids": 1, "history": 1}
    for family in FAMILIES:
        counts = {sum(one.family == family for one in plan.effects) for plan in plans}
        assert max(counts) <= most[family] and min(counts) >= fewest.get(family, 0), family
        assert len(counts) > 1
    for plan in plans:
        np.testing.assert_allclose(sum(one.share for one in plan.effects), 1)
        assert len({one.name for one in plan.effects}) == len(plan.effects)
        noise = {column.name for column in plan.columns if column.is_noise}
        assert 2 <= len(noise) <= 5 and "number_6" in noise
        assert not any(noise & set(one.columns) for one in plan.effects)


def test_users_and_items_follow_from_rows_of_each():
    for seed in range(200, 220):
        plan = draw_plan(seed)
        users, items = (draw(plan, 30_000, seed) for draw in (draw_users, draw_items))
        assert users.count == max(50, round(30_000 / plan.rows_per_user))
        assert items.count == max(200, round(30_000 / plan.rows_per_item))


def test_zipf_is_the_inverse_of_its_shares():
    share = np.array([1, 1 / 2, 1 / 3])
    ends = np.cumsum(share / share.sum())
    uniform = [0, ends[0] - 1e-9, ends[0] + 1e-9, ends[1] - 1e-9, ends[1] + 1e-9, 1 - 1e-16]
    assert list(zipf(np.array(uniform), 3, 1.0)) == [1, 1, 2, 2, 3, 3]


def test_shares_of_ids_follow_zipf(seed):
    data, plan = platform(seed), draw_plan(seed)
    requests = np.unique(data.train.group, return_index=True)[1]
    users = data.train.features["user_id"][requests]
    assert_shares(users, data.truth["num_users"], plan.user_exponent)
    items = draw_items(plan, 12_000, seed).columns
    for column in plan.columns:
        if column.side == "context" and column.num_ids:
            assert_shares(
                data.train.features[column.name][requests], column.num_ids, column.exponent
            )
        if column.side == "item" and column.num_ids and not column.follows:
            assert_shares(items[column.name][1:], column.num_ids, column.exponent)


def test_columns_of_a_user_or_an_item_are_functions_of_it(seed):
    data, plan = platform(seed), draw_plan(seed)
    for column in plan.columns:
        if column.side in ("user", "item"):
            assert constant_in(of_all(data, f"{column.side}_id"), of_all(data, column.name))
        else:
            assert not constant_in(of_all(data, "user_id"), of_all(data, column.name))


def test_attributes_that_follow_do_so():
    nested = following = 0
    for seed in range(200, 220):
        plan = draw_plan(seed)
        items, users = (draw(plan, 12_000, seed) for draw in (draw_items, draw_users))
        for column in plan.columns:
            if column.side == "item" and column.follows:
                ids = items.columns[column.name]
                assert constant_in(ids, items.columns["category"])
                assert 1 <= ids.min() and ids.max() <= column.num_ids
                nested += 1
            elif column.side == "user" and column.num_ids and users.count > 500:
                first = users.interests[:, 0] == 1
                most = np.bincount(users.columns[column.name][first]).max() / first.sum()
                alone = np.arange(1, column.num_ids + 1) ** -column.exponent
                if column.follows:
                    assert most > 0.6
                    following += 1
                else:
                    assert most < (alone / alone.sum())[0] + 0.15
    assert nested > 5 and following > 5


def test_rows_of_a_request_share_user_and_context_and_differ_in_the_item(seed):
    data, plan = platform(seed), draw_plan(seed)
    for name, each in (("train", 10), ("valid", 10), ("test", 20)):
        split = data.splits[name]
        assert (np.unique(split.group, return_counts=True)[1] == each).all()
        np.testing.assert_array_equal(split.group, split.group_of("request"))
        np.testing.assert_array_equal(split.group_of("user"), split.features["user_id"])
        shared = [one.name for one in plan.columns if one.side in ("user", "context")]
        for column in (*shared, "user_id"):
            assert constant_in(split.group, split.features[column]), column
        shown = np.sort(split.features["item_id"].reshape(-1, each), axis=1)
        assert (shown[:, 1:] > shown[:, :-1]).all()
    groups = {column.name: column.group for column in data.feature_columns}
    assert groups["scenario"] == "scenario" and groups["number_5"] == groups["category"] == "item"


def test_candidates_come_by_popularity_from_interests_and_were_seen_before():
    plan, data = draw_plan(203), platform(203)
    users = draw_users(plan, 12_000, 203)
    features = data.train.features
    own = (users.interests[features["user_id"]] == features["category"][:, None]).any(axis=1)
    seen = (features["history"] == features["item_id"][:, None]).any(axis=1)
    popular, interests, before = plan.mix
    assert seen.mean() > before - 0.05
    assert own.mean() > interests + before - 0.05
    top = features["item_id"] <= 20
    share = np.arange(1, data.truth["num_items"] + 1) ** -plan.item_exponent
    assert top.mean() > 0.7 * popular * share[:20].sum() / share.sum()


def test_new_items_are_shown_after_training_alone(seed):
    data, plan = platform(seed), draw_plan(seed)
    last = data.truth["num_items"]
    assert data.train.features["item_id"].max() <= last
    assert all(split.features["history"].max() <= last for split in data.splits.values())
    is_new = data.test.features["item_id"] > last
    # Some are drawn twice within a request, and then again among the known ones.
    assert abs(is_new.mean() - plan.new_share) < 4 * np.sqrt(0.12 / 4_000) + plan.new_share / 2
    np.testing.assert_array_equal(data.test.slices["new_items"], is_new)


def test_a_history_is_the_window_before_the_request_in_one_sequence_of_clicks(seed):
    data, plan = platform(seed), draw_plan(seed)
    users, items = (draw(plan, 12_000, seed) for draw in (draw_users, draw_items))
    last_seen, moved = {}, 0
    for split in data.splits.values():
        first_rows = np.unique(split.group, return_index=True)[1]
        assert (np.diff(split.time) > 0).all()
        for row in first_rows:
            user, history = split.features["user_id"][row], split.features["history"][row]
            if user in last_seen and plan.between < plan.length:
                np.testing.assert_array_equal(history[: -plan.between], last_seen[user])
                moved += 1
            last_seen[user] = history[plan.between :]
        # The same for all rows of a request, clicked or not: none sees its own label.
        assert (
            split.features["history"]
            == split.features["history"][np.searchsorted(split.group, split.group)]
        ).all()
        for name in ("category", "item_2"):
            of_item = items.columns[name][split.features["history"]]
            np.testing.assert_array_equal(split.features[f"history_{name}"], of_item)
        own = users.interests[split.features["user_id"]]
        is_own = (split.features["history_category"][:, :, None] == own[:, None, :]).any(axis=2)
        has_items = np.isin(own, items.columns["category"][1 : items.count + 1]).all(axis=1)
        assert is_own[has_items].all()
    assert moved > 50


def test_the_oracle_and_the_base_rate_are_those_that_were_drawn(seed):
    data, plan = platform(seed), draw_plan(seed)
    p = of_all(data, "click")
    assert (data.truth["auc"], data.truth["base_rate"]) == (plan.auc, plan.base_rate)
    assert abs(p.mean() - plan.base_rate) < 1e-4
    assert abs(pairwise_auc(p[::4], p[::4]) - plan.auc) < 0.01
    label = np.concatenate([split.label for split in data.splits.values()])
    assert abs(auc(label, p) - plan.auc) < 4 * np.sqrt(1 / (12 * len(p) * plan.base_rate))


def test_labels_follow_the_probabilities(seed):
    data = platform(seed)
    label = np.concatenate([split.label for split in data.splits.values()])
    found = calibration_bins(label, of_all(data, "click"))
    spread = np.sqrt(found.mean_probability * (1 - found.mean_probability) / found.num_rows)
    assert (np.abs(found.mean_label - found.mean_probability) < 4 * spread).all()


def test_log_odds_are_the_sum_of_effects_that_depend_on_their_columns_alone(seed):
    data = platform(seed)
    truth, features, p = data.truth, data.test.features, data.test.probability["click"]
    log_odds = truth["bias"] + truth["effect"].sum(axis=0)
    np.testing.assert_allclose(log_odds, np.log(p / (1 - p)), atol=1e-4)
    for family, columns, effect in zip(
        truth["family"], truth["columns"], truth["effect"], strict=True
    ):
        if family != "history":
            names = columns.split(" x ")
            _, cell = np.unique(
                np.column_stack([features[name] for name in names]), axis=0, return_inverse=True
            )
            spread = [np.ptp(effect[cell == one]) for one in range(0, cell.max() + 1, 7)]
            assert max(spread) < 1e-5
            assert set(names) & set(IDS) or "ids" not in family


def test_without_an_effect_the_oracle_loses_what_the_truth_says(seed):
    data = platform(seed)
    truth, p = data.truth, data.test.probability["click"]
    score = np.log(p / (1 - p))
    best = pairwise_auc(score, p) - 0.5

    def lost(effects):
        left = score - truth["effect"][effects].sum(axis=0)
        return 100 * (1 - (pairwise_auc(left, p) - 0.5) / best)

    for number in (0, len(truth["worth"]) - 1):
        np.testing.assert_allclose(lost([number]), truth["worth"][number], atol=1e-3)
    largest = int(np.argmax(truth["family_worth"]))
    of_family = truth["family"] == FAMILIES[largest]
    np.testing.assert_allclose(lost(of_family), truth["family_worth"][largest], atol=1e-3)
    absent = ~np.isin(FAMILIES, truth["family"])
    np.testing.assert_allclose(truth["family_worth"][absent], 0, atol=1e-9)


@pytest.mark.parametrize("name", ["points", "points_of_forms"])
def test_more_rows_and_more_columns_teach_more_and_never_more_than_the_oracle(seed, name):
    truth = platform(seed).truth
    points = truth[name]
    assert list(truth["rows"]) == [12_000, 1e4, 3e4, 1e5, 1e6, np.inf]
    assert list(truth["uses"]) == ["single", "history", "second", "third", "everything"]
    assert (np.diff(points[:, 1:], axis=1) > -0.3).all()
    assert (np.diff(points, axis=0) > -0.5).all()
    assert (points[:, 1:] < 100 + 1e-9).all() and points[4, 1] < points[4, 4] - 3
    np.testing.assert_allclose(points[4, -1], 100)
    assert (truth["points_of_forms"] - truth["points"] > -0.5).all()


def test_the_same_seed_is_the_same_platform_at_any_number_of_rows():
    few, many = platform(202), platform(202, num_rows=24_000)
    for name in ("family", "columns", "form", "share", "noise_columns"):
        np.testing.assert_array_equal(few.truth[name], many.truth[name])
    plan = draw_plan(202)
    for draw in (draw_users, draw_items):
        small, large = draw(plan, 12_000, 202), draw(plan, 24_000, 202)
        for name, values in small.columns.items():
            np.testing.assert_array_equal(
                values[: small.count + 1], large.columns[name][: small.count + 1]
            )
    # An effect of one column of ids: the same numbers, but for centre and scale.
    number = int(np.flatnonzero(few.truth["family"] == "attributes and contexts")[0])
    column = few.truth["columns"][number]
    by_id = [
        dict(zip(one.test.features[column].tolist(), one.truth["effect"][number], strict=True))
        for one in (few, many)
    ]
    both = sorted(set(by_id[0]) & set(by_id[1]))
    same = np.corrcoef([by_id[0][one] for one in both], [by_id[1][one] for one in both])[0, 1]
    assert len(both) > 2 and same > 0.999


def test_the_seed_alone_decides_the_bytes():
    knobs = {"num_rows": 2_000, "num_valid_rows": 200, "num_test_rows": 400, "seed": 200}
    found = digest_elsewhere("ordinary", knobs)
    assert digest(simulator.ordinary(**knobs)) == found
    assert digest(simulator.ordinary(**knobs | {"seed": 201})) != found


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"num_rows": 12_005}, "num_rows: expected a multiple of candidates, which is 10, got"),
        ({"num_test_rows": 410}, "num_test_rows: expected a multiple of test_candidates, which"),
        ({"candidates": 101}, "candidates: expected an integer from 1 to 100, got 101"),
        ({"seed": -1}, "seed: expected an integer of 0 or more, got -1"),
    ],
)
def test_arguments_out_of_range_are_named(knobs, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        simulator.ordinary(**SMALL | knobs)
