"""The intervals hold what they say, and the verdicts err no more often than they may."""

import numpy as np
import pytest
import scipy.stats
from drawn_intervals import intervals

from recsys_lib.training.intervals import Interval, satterthwaite, t_interval, verdict

MARGIN = 2.0


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("num_units", [2, 5, 12])
def test_an_interval_is_that_of_the_t_test(num_units, level):
    values = np.random.default_rng(num_units).normal(1.0, 2.0, num_units)
    found = t_interval(values, level)
    low, high = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(level)
    np.testing.assert_allclose(found, (values.mean(), low, high, num_units))
    np.testing.assert_allclose(found.half_width, high - found.mean)


def test_the_degrees_of_freedom_of_a_sum_of_variances():
    assert satterthwaite([2.0], [7.0]) == 7.0
    assert satterthwaite([3.0, 1.0], [5.0, 2.0]) == pytest.approx(16 / (9 / 5 + 1 / 2))
    assert satterthwaite([3.0, 0.0], [5.0, 2.0]) == 5.0
    assert satterthwaite([0.0, 0.0], [5.0, 2.0]) == np.inf


def coverage(found, truth=0.0):
    return np.mean([one.low <= truth <= one.high for one in found])


@pytest.mark.parametrize("num_units", [5, 10, 20])
def test_intervals_of_normal_draws_cover(num_units):
    assert 0.935 <= coverage(intervals("normal", num_units)) <= 0.965


@pytest.mark.parametrize(
    ("kind", "num_units", "least"),
    # What a t-interval is worth on other draws, for whoever reads the ledger: skewed draws are
    # covered less often, two peaks about as often as Normal ones.
    [
        ("skewed", 5, 0.86),
        ("skewed", 10, 0.88),
        ("skewed", 20, 0.90),
        ("peaks", 5, 0.92),
        ("peaks", 10, 0.93),
        ("peaks", 20, 0.93),
    ],
)
def test_what_intervals_of_other_draws_cover(kind, num_units, least):
    assert least <= coverage(intervals(kind, num_units)) <= 0.98


def share(found, wanted):
    return np.mean([verdict(one, MARGIN) == wanted for one in found])


@pytest.mark.parametrize("num_units", [10, 20])
@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_verdicts_err_no_more_than_they_may(num_units, spread):
    at_margin = intervals("normal", num_units, MARGIN, spread, seed=1)
    assert share(at_margin, "better") <= 0.035
    assert share(at_margin, "level") <= 0.035
    beyond = intervals("normal", num_units, 2 * MARGIN, spread, seed=2)
    assert share(beyond, "level") <= 0.001
    below = intervals("normal", num_units, -MARGIN, spread, seed=3)
    assert np.mean([verdict(one, MARGIN) in ("better", "not worse") for one in below]) <= 0.035


def test_verdicts_are_reached():
    assert share(intervals("normal", 20, 2 * MARGIN, 1.0), "better") > 0.95
    assert share(intervals("normal", 20, 0.0, 1.0), "level") > 0.95
    assert share(intervals("normal", 20, 0.0, 20.0), "cannot tell") > 0.9


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (2.1, 5.0, "better"),
        (2.0, 5.0, "not worse"),
        (-1.9, 1.9, "level"),
        (-1.9, 2.0, "not worse"),
        (-2.0, 1.0, "cannot tell"),
        (-9.0, -3.0, "cannot tell"),
        (-9.0, 9.0, "cannot tell"),
    ],
)
def test_a_verdict_is_where_the_interval_lies(low, high, wanted):
    assert verdict(Interval((low + high) / 2, low, high, 20), MARGIN) == wanted


@pytest.mark.parametrize("values", [[1.0], [[1.0, 2.0]], [1.0, np.nan]])
def test_what_is_no_column_of_differences_is_refused(values):
    with pytest.raises(ValueError, match="differences: expected"):
        t_interval(values)


@pytest.mark.parametrize("margin", [0, -1.0, np.nan])
def test_a_margin_is_above_zero(margin):
    with pytest.raises(ValueError, match=f"margin: expected above 0, got {margin}"):
        verdict(Interval(1.0, 0.5, 1.5, 20), margin)
