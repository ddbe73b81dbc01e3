"""The law of a thinned log: against counting, against the identities, and its limits."""

import numpy as np
import pytest

from recsys_lib.data import simulator
from recsys_lib.one_request import undo_sampling, undo_sampling_of_both
from recsys_lib.one_request.calibration import thin

P = np.linspace(0.001, 1, 50)


def on_the_thinned_log(p, after, share):
    """Probabilities of a click, and of click and conversion, among the rows that are kept."""
    kept = p + share * (1 - p)
    return p / kept, p * after / kept


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 1])
@pytest.mark.parametrize("after", [0.02, 0.5, 1])
def test_both_probabilities_come_back(share, after):
    click, both = on_the_thinned_log(P, after, share)
    np.testing.assert_allclose(undo_sampling(click, share), P, rtol=1e-10)
    found = undo_sampling_of_both(click, both, share)
    np.testing.assert_allclose(found[0], P, rtol=1e-10)
    np.testing.assert_allclose(found[1], P * after, rtol=1e-10)


def test_the_click_s_law_is_wrong_for_the_conversion():
    click, both = on_the_thinned_log(0.1, 0.1, 0.1)
    assert undo_sampling(both, 0.1) == pytest.approx(0.01 / (1 + 0.09 * 9))
    assert undo_sampling_of_both(click, both, 0.1)[1] == pytest.approx(0.01)


def test_odds_are_divided_by_the_factor_and_order_stays():
    q = np.linspace(0.01, 0.99, 30)
    p = undo_sampling(q, 0.2)
    np.testing.assert_allclose(p / (1 - p), 0.2 * q / (1 - q))
    assert (np.diff(p) > 0).all()


def test_the_ends_and_a_full_log_stay():
    np.testing.assert_array_equal(undo_sampling(np.array([0.0, 1.0]), 0.1), [0, 1])
    np.testing.assert_allclose(undo_sampling(P, 1), P)
    click, both = undo_sampling_of_both(np.array([0.0, 1.0]), np.array([0.0, 0.3]), 0.1)
    np.testing.assert_array_equal(click, [0, 1])
    np.testing.assert_array_equal(both, [0, 0.3])


def test_where_no_click_can_be_no_conversion_can():
    # Two models trained apart may disagree.
    click, both = undo_sampling_of_both(np.array([0.0, 0.5]), np.array([0.3, 0.25]), 0.1)
    np.testing.assert_allclose(both, [0, click[1] / 2])


def test_numbers_in_single_precision_are_worked_out_in_double():
    p = undo_sampling(np.float32([0.1, 0.9999999]), 0.01)
    assert p.dtype == np.float64


def test_thinning_keeps_every_click_and_the_stated_share_of_the_rest():
    split = simulator.platform(100_000, num_valid_rows=10, num_test_rows=10).train
    kept = thin(split, 0.1, np.random.default_rng(0))
    clicked = split.labels["click"] == 1
    assert kept[clicked].all()
    assert kept[~clicked].mean() == pytest.approx(0.1, abs=0.005)
    assert thin(split, 1, np.random.default_rng(0)).all()
    # What the law says about the rows that are left.
    p = split.probability["click"][kept]
    expected = on_the_thinned_log(p, 1, 0.1)[0]
    low, high = expected < 0.5, expected >= 0.5
    for part in (low, high):
        found = split.labels["click"][kept][part].mean()
        error = np.sqrt((expected * (1 - expected))[part].sum()) / part.sum()
        assert abs(found - expected[part].mean()) < 4.5 * error


@pytest.mark.parametrize("share", [0, -0.1, 1.1, np.nan, None, "0.1", np.array([0.1, 0.2])])
def test_bad_shares_are_named(share):
    split = simulator.platform(10, num_valid_rows=10, num_test_rows=10).train
    for call in (
        lambda: undo_sampling(P, share),
        lambda: undo_sampling_of_both(P, P, share),
        lambda: thin(split, share, np.random.default_rng(0)),
    ):
        with pytest.raises(ValueError, match=r"share: expected .* from 0 to 1 excluding 0, got"):
            call()


def test_bad_probabilities_are_named():
    for bad in (-0.1, 1.2, np.nan):
        with pytest.raises(ValueError, match=f"probability: .* from 0 to 1, got {bad:g}"):
            undo_sampling(np.array([0.5, bad]), 0.1)
        with pytest.raises(ValueError, match="both: expected numbers from 0 to 1"):
            undo_sampling_of_both(np.array([0.5]), np.array([bad]), 0.1)


def test_other_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"both: .*shape of click, \(3,\), got \(3, 1\)"):
        undo_sampling_of_both(np.full(3, 0.5), np.full((3, 1), 0.1), 0.1)
    split = simulator.platform(10, num_valid_rows=10, num_test_rows=10).train
    with pytest.raises(ValueError, match=r"task: expected one of \('click', .*got 'like'"):
        thin(split, 0.1, np.random.default_rng(0), "like")
