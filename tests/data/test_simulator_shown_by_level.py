"""The shown-by-level lens: what the old ranker showed whom, and what it does to a weight."""

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import digest

from recsys_lib.data import simulator
from recsys_lib.training.metrics import gauc, num_pairs

SMALL = {"num_rows": 4_000, "num_valid_rows": 400, "num_test_rows": 800}


def parts(split):
    """Kind, weighed numbers without their strength, and user of each row."""
    return split.features["kind"], split.features["numbers"], split.features["user"]


def test_the_probability_of_every_row_is_that_of_the_formula():
    knobs = {"level_sd": 1.2, "kind_effect": -0.6, "strength": 0.9, "bias": -0.4, "seed": 3}
    data = simulator.shown_by_level(**SMALL, **knobs)
    direction = data.truth["direction"]
    np.testing.assert_allclose((direction**2).sum(), 1)
    for split in data.splits.values():
        kind, numbers, user = parts(split)
        logit = -0.4 + data.truth["level"][user] - 0.6 * kind + 0.9 * (numbers @ direction)
        p = split.probability["click"]
        np.testing.assert_allclose(np.log(p / (1 - p)), logit, rtol=1e-4, atol=1e-5)


def test_a_user_has_whole_pages_and_is_in_one_split():
    data = simulator.shown_by_level(**SMALL, rows_per_user=8, per_page=4)
    user = np.concatenate([one.group_of("user") for one in data.splits.values()])
    page = np.concatenate([one.group_of("page") for one in data.splits.values()])
    np.testing.assert_array_equal(user, 1 + np.arange(5_200) // 8)
    np.testing.assert_array_equal(page, np.arange(5_200) // 4)
    assert len(data.truth["level"]) == 651 and data.truth["level"][0] == 0
    for split in data.splits.values():
        np.testing.assert_array_equal(split.features["user"], split.group_of("user"))
        np.testing.assert_array_equal(split.group, split.group_of("user"))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8, 1.0])
def test_the_share_of_rows_that_follows_the_level_is_what_the_knob_says(share):
    data = simulator.shown_by_level(num_rows=40_000, share_confounded=share)
    kind, _, user = parts(data.train)
    level = data.truth["level"][user]
    for is_high, expected in ((True, (1 + share) / 2), (False, (1 - share) / 2)):
        np.testing.assert_allclose(kind[(level > 0) == is_high].mean(), expected, atol=0.015)
    np.testing.assert_allclose(np.std(data.truth["level"][1:]), 1.5, rtol=0.05)


def test_between_users_the_kind_goes_along_with_clicks_and_within_a_user_it_does_not():
    data = simulator.shown_by_level()
    kind, _, user = parts(data.train)
    label = data.train.label
    assert label[kind == 1].mean() - label[kind == 0].mean() > 0.05
    rows, shown = np.bincount(user), np.bincount(user, kind)
    clicks = [np.bincount(user, label * (kind == one)) for one in (0, 1)]
    both = (shown > 0) & (shown < rows)
    within = (clicks[1][both] / shown[both]) - clicks[0][both] / (rows - shown)[both]
    assert within.mean() < -0.05
    even = simulator.shown_by_level(share_confounded=0.0).train
    clicked = even.label
    difference = clicked[even.features["kind"] == 1].mean() - clicked[even.features["kind"] == 0]
    assert difference.mean() < -0.05


def test_a_fit_to_rows_learns_the_wrong_sign_and_loses_pages_but_leads_in_auc():
    from sklearn.linear_model import LogisticRegression

    from recsys_lib.training.metrics import auc

    data = simulator.shown_by_level()
    columns = [np.column_stack(parts(split)[:2]) for split in (data.train, data.test)]
    fitted = LogisticRegression(C=1e6).fit(columns[0], data.train.label)
    assert fitted.coef_[0][0] > 0.5
    page, label = data.test.group_of("page"), data.test.label
    ideal = columns[1] @ np.append(-0.8, 0.8 * data.truth["direction"])
    learned = columns[1] @ fitted.coef_[0]
    oracle = gauc(label, data.test.probability["click"], page).value
    # The level is the same for all rows of a page: without it the order is still the best.
    np.testing.assert_allclose(gauc(label, ideal, page).value, oracle, atol=1e-9)
    closed = (gauc(label, learned, page).value - 0.5) / (oracle - 0.5)
    assert 0.7 < closed < 0.9
    assert auc(label, learned) > auc(label, ideal) + 0.05
    assert num_pairs(data.valid.label, data.valid.group_of("page")) > 10_000


def test_a_past_rate_knows_the_level_as_well_as_so_many_rows_do():
    data = simulator.shown_by_level(num_rows=40_000, past_rows=5)
    level = data.truth["level"][data.train.features["user"]]
    log_odds = data.train.features["past_log_odds"]
    clicks = 6 / (1 + np.exp(-log_odds.astype(np.float64))) - 0.5
    np.testing.assert_allclose(clicks, np.round(clicks), atol=1e-4)
    assert 0.4 < np.corrcoef(level, log_odds)[0, 1] < 0.8
    more = simulator.shown_by_level(num_rows=40_000, past_rows=100)
    assert np.corrcoef(level, more.train.features["past_log_odds"])[0, 1] > 0.9
    # The clicks that are counted are not those that are asked for.
    np.testing.assert_array_equal(more.train.label, data.train.label)
    none = simulator.shown_by_level(**SMALL, past_rows=0)
    assert not none.train.features["past_log_odds"].any()


def test_the_share_moves_kinds_and_no_user_and_no_number():
    before, after = (simulator.shown_by_level(**SMALL, share_confounded=s) for s in (0.2, 0.7))
    for name, split in after.splits.items():
        numbers = before.splits[name].features["numbers"]
        np.testing.assert_array_equal(split.features["numbers"], numbers)
        moved = split.features["kind"] != before.splits[name].features["kind"]
        high = after.truth["level"][split.features["user"]] > 0
        np.testing.assert_array_equal(split.features["kind"][moved], high[moved])
        assert 0.15 < moved.mean() < 0.35
    np.testing.assert_array_equal(before.truth["level"], after.truth["level"])


def test_the_seed_alone_decides_the_bytes():
    found = digest_elsewhere("shown_by_level", SMALL)
    assert digest(simulator.shown_by_level(**SMALL)) == found


def test_pages_have_to_fill_a_user():
    with pytest.raises(ValueError, match=r"^rows_per_user: expected a multiple of per_page"):
        simulator.shown_by_level(**SMALL, rows_per_user=20, per_page=7)
