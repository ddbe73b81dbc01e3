"""What a verdict is worth on new worlds, and how wide a margin has to be."""

import numpy as np
import pytest
from drawn_intervals import intervals
from scipy import stats

from experiments.engine import statistics
from recsys_lib.training.intervals import Interval, verdict

MARGIN = 2.0


def test_a_finding_holds_on_the_side_that_it_claims():
    assert statistics.holds("better", 2.1, MARGIN) and not statistics.holds("better", 2.0, MARGIN)
    assert statistics.holds("level", -1.9, MARGIN) and not statistics.holds("level", 2.0, MARGIN)
    assert statistics.holds("not worse", -1.9, MARGIN)
    assert not statistics.holds("not worse", -2.0, MARGIN)
    with pytest.raises(ValueError, match="said: expected one of"):
        statistics.holds("cannot tell", 0.0, MARGIN)


@pytest.mark.parametrize(("said", "mean"), [("better", 2.8), ("level", 1.2), ("not worse", -1.3)])
def test_the_chance_to_hold_is_that_of_simulated_replications(said, mean):
    random = np.random.default_rng(4)
    # The truth lies around the recorded mean as far as the recorded spread says.
    truth = mean + random.normal(size=4_000) * 3 / np.sqrt(20)
    new = truth + random.normal(size=4_000) * 3 / np.sqrt(10)
    held = np.mean([statistics.holds(said, one, MARGIN) for one in new])
    reach = stats.t.ppf(0.975, 19) * 3 / np.sqrt(20)
    recorded = Interval(mean, mean - reach, mean + reach, 20)
    expected = statistics.chance_to_hold(said, recorded, MARGIN, 10)
    assert held == pytest.approx(expected, abs=0.025)


def test_a_recorded_mean_without_spread_holds_or_does_not():
    point = Interval(3.0, 3.0, 3.0, 20)
    assert statistics.chance_to_hold("better", point, MARGIN, 10) == 1.0
    assert statistics.chance_to_hold("level", point, MARGIN, 10) == 0.0


@pytest.mark.parametrize("share_of_failures", [0.02, 0.1, 0.5])
def test_exact_intervals_of_a_share_cover_at_least_what_they_say(share_of_failures):
    ends = np.array([statistics.share_interval(count, 20) for count in range(21)])
    covered = (ends[:, 0] <= share_of_failures) & (share_of_failures <= ends[:, 1])
    chances = stats.binom.pmf(np.arange(21), 20, share_of_failures)
    assert 0.95 <= chances @ covered < 1


def test_shares_at_their_ends():
    assert statistics.share_interval(0, 20)[0] == 0 and statistics.share_interval(20, 20)[1] == 1
    for count, of in ((-1, 20), (21, 20), (0, 0)):
        with pytest.raises(ValueError, match="count: expected 0 to"):
            statistics.share_interval(count, of)


@pytest.mark.parametrize("num_units", [10, 20])
def test_at_the_least_margin_four_of_five_ties_are_level(num_units):
    margin = statistics.least_margin(1.0, num_units)
    found = intervals("normal", num_units, repetitions=4_000, seed=6)
    assert np.mean([verdict(one, margin) == "level" for one in found]) == pytest.approx(
        0.78, abs=0.04
    )


def test_as_many_findings_may_fall_as_the_protocol_says():
    assert [statistics.may_fall(count) for count in (20, 30, 50, 300)] == [4, 5, 7, 24]
    # No more fall by chance in 99 of 100 chapters whose findings fall one time in twenty.
    assert stats.binom.cdf(statistics.may_fall(40), 40, 0.05) >= 0.99


def test_a_margin_needs_a_spread():
    with pytest.raises(ValueError, match="num_units: expected at least 2, got 1"):
        statistics.least_margin(1.0, 1)
