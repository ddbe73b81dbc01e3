"""The metrics against scikit-learn, worked rows and the properties that define them."""

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from recsys_lib.training import metrics

# No limit on time: a busy machine must not fail a property.
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def labelled_scores(draw, min_size=2, max_size=60):
    """Labels of both classes and scores with many ties: multiples of 1/8 in [0, 1]."""
    size = draw(st.integers(min_size, max_size))
    label = draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    score = draw(st.lists(st.integers(0, 8), min_size=size, max_size=size))
    label[0], label[-1] = 0, 1
    return np.array(label, np.float32), np.array(score) / 8


@st.composite
def grouped_scores(draw):
    label, score = draw(labelled_scores())
    group = draw(st.lists(st.integers(-3, 5), min_size=len(label), max_size=len(label)))
    group[0] = group[-1]  # so that one group at least holds both classes
    return label, score, np.array(group, np.int32)


def gauc_by_loop(label, score, group):
    total, weight, one_class = 0.0, 0, 0
    for value in np.unique(group):
        rows = group == value
        if label[rows].min() == label[rows].max():
            one_class += 1
            continue
        total += rows.sum() * roc_auc_score(label[rows], score[rows])
        weight += rows.sum()
    return total / weight, len(np.unique(group)), one_class, weight / len(label)


@SETTINGS
@given(labelled_scores())
def test_auc_equals_scikit_learn_with_ties(data):
    label, score = data
    assert metrics.auc(label, score) == pytest.approx(roc_auc_score(label, score), abs=1e-12)


@SETTINGS
@given(labelled_scores())
def test_auc_is_the_share_of_pairs_in_order(data):
    label, score = data
    difference = score[label == 1][:, None] - score[label == 0][None, :]
    wins = (difference > 0).sum() + 0.5 * (difference == 0).sum()
    assert metrics.auc(label, score) == pytest.approx(wins / difference.size, abs=1e-12)


@SETTINGS
@given(labelled_scores(), st.randoms(use_true_random=False))
def test_auc_ignores_row_order_and_monotone_transforms_to_the_last_digit(data, random):
    label, score = data
    expected = metrics.auc(label, score)
    rows = np.array(random.sample(range(len(label)), len(label)))
    assert metrics.auc(label[rows], score[rows]) == expected
    assert metrics.auc(label, np.exp(5 * score) - 40) == expected
    assert metrics.auc(label, score.astype(np.float32)) == expected
    assert metrics.auc(label, -score) == pytest.approx(1 - expected, abs=1e-12)
    assert metrics.auc(1 - label, score) == pytest.approx(1 - expected, abs=1e-12)


@SETTINGS
@given(grouped_scores())
def test_gauc_equals_a_loop_over_groups(data):
    label, score, group = data
    value, num_groups, num_one_class, share = gauc_by_loop(label, score, group)
    found = metrics.gauc(label, score, group)
    assert found.value == pytest.approx(value, abs=1e-12)
    assert found[1:3] == (num_groups, num_one_class)
    assert found.share_of_rows == pytest.approx(share, abs=1e-12)


@SETTINGS
@given(grouped_scores(), st.randoms(use_true_random=False))
def test_gauc_ignores_row_order_and_a_shift_of_each_group(data, random):
    label, score, group = data
    expected = metrics.gauc(label, score, group)
    rows = np.array(random.sample(range(len(label)), len(label)))
    assert metrics.gauc(label[rows], score[rows], group[rows]) == expected
    assert metrics.gauc(label, score + 3 * group, group) == expected


def test_gauc_on_worked_rows():
    # User 1: AUC 1/2 on 4 rows. User 2: AUC 1 on 2 rows. User 3: one class, 3 rows.
    group = [1, 1, 1, 1, 2, 2, 3, 3, 3]
    label = [1, 1, 0, 1, 1, 0, 1, 1, 1]
    score = [0.9, 0.1, 0.5, 0.5, 0.4, 0.3, 0.2, 0.8, 0.6]
    found = metrics.gauc(label, score, group)
    assert found == (pytest.approx((4 * 0.5 + 2 * 1.0) / 6), 3, 1, pytest.approx(6 / 9))


def test_gauc_of_one_group_is_the_auc():
    label, score = np.array([0, 1, 0, 1, 1]), np.array([0.1, 0.1, 0.7, 0.2, 0.9])
    assert metrics.gauc(label, score, np.full(5, 7)) == (metrics.auc(label, score), 1, 0, 1.0)


def test_infinite_scores_are_ordered():
    assert metrics.auc([0, 1, 0, 1], [-np.inf, 0.0, 0.0, np.inf]) == 0.875


def test_gauc_of_many_groups_is_fast_and_right():
    random = np.random.default_rng(0)
    label = random.integers(0, 2, 300_000)
    score = random.integers(0, 50, 300_000) / 50
    group = random.integers(0, 27_000, 300_000)
    start = time.perf_counter()
    found = metrics.gauc(label, score, group)
    # A Python loop over 27,000 groups takes half a minute; a busy machine must not fail this.
    assert time.perf_counter() - start < 5
    assert found.num_groups == len(np.unique(group))
    part = group < 50
    expected = gauc_by_loop(label[part], score[part], group[part])
    assert metrics.gauc(label[part], score[part], group[part])[0] == pytest.approx(expected[0])


@SETTINGS
@given(labelled_scores())
def test_log_loss_equals_scikit_learn(data):
    label, probability = data
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    expected = sklearn_log_loss(label, clipped, labels=[0, 1])
    assert metrics.log_loss(label, probability) == pytest.approx(expected, rel=1e-9)


def test_log_loss_of_certainties():
    assert metrics.log_loss([1, 0], [1.0, 0.0]) == pytest.approx(1e-6, rel=1e-3)
    assert metrics.log_loss([0, 1], [1.0, 0.0]) == pytest.approx(-np.log(1e-6))
    assert metrics.log_loss([0, 1], [0.0, 0.0], clip=0) == np.inf
    assert metrics.log_loss([1, 1], [0.5, 0.25]) == pytest.approx((np.log(2) + np.log(4)) / 2)


def test_normalized_entropy_is_one_for_the_base_rate_and_below_for_better():
    label = np.array([1, 0, 0, 0])
    assert metrics.normalized_entropy(label, np.full(4, 0.25)) == pytest.approx(1)
    better = metrics.normalized_entropy(label, np.array([0.5, 0.1, 0.1, 0.1]))
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    assert better == pytest.approx((-np.log(0.5) - 3 * np.log(0.9)) / 4 / entropy)


def test_calibration_bins_hold_equal_numbers_of_rows_without_ties():
    probability = np.random.default_rng(1).permutation(103) / 200
    bins = metrics.calibration_bins(np.ones(103), probability, num_bins=10)
    assert set(bins.num_rows) == {10, 11} and bins.num_rows.sum() == 103
    parts = np.split(np.sort(probability), np.cumsum(bins.num_rows)[:-1])
    np.testing.assert_allclose(bins.mean_probability, [part.mean() for part in parts])


def test_calibration_error_on_worked_rows():
    # Two bins of three: means .2 and .6 against labels 1/3 and 2/3.
    probability = [0.1, 0.2, 0.3, 0.5, 0.6, 0.7]
    label = [0, 1, 0, 1, 0, 1]
    expected = 0.5 * abs(0.2 - 1 / 3) + 0.5 * abs(0.6 - 2 / 3)
    assert metrics.calibration_error(label, probability, num_bins=2) == pytest.approx(expected)


@SETTINGS
@given(labelled_scores(), st.integers(1, 12))
def test_equal_predictions_share_a_calibration_bin(data, num_bins):
    label, probability = data
    size = len(label)
    by_bin = {}
    for value in np.unique(probability):
        rows = probability == value
        before = (probability < value).sum()
        middle = (before + before + rows.sum() - 1) / 2
        chosen = by_bin.setdefault(int(middle * num_bins // size), np.zeros(size, bool))
        chosen |= rows
    expected = sum(
        rows.mean() * abs(label[rows].mean() - probability[rows].mean()) for rows in by_bin.values()
    )
    found = metrics.calibration_error(label, probability, num_bins)
    assert found == pytest.approx(expected, abs=1e-6)
    bins = metrics.calibration_bins(label, probability, num_bins)
    assert list(bins.num_rows) == [by_bin[key].sum() for key in sorted(by_bin)]


@SETTINGS
@given(labelled_scores(), st.randoms(use_true_random=False))
def test_calibration_error_ignores_row_order(data, random):
    label, probability = data
    rows = np.array(random.sample(range(len(label)), len(label)))
    expected = metrics.calibration_error(label, probability, 5)
    found = metrics.calibration_error(label[rows], probability[rows], 5)
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_constant_prediction_is_one_bin():
    bins = metrics.calibration_bins([0, 1, 1, 1], [0.5] * 4)
    assert list(bins.num_rows) == [4]
    assert metrics.calibration_error([0, 1, 1, 1], [0.5] * 4) == 0.25


def test_calibration_ratio():
    assert metrics.calibration_ratio([1, 0, 0, 1], [0.9, 0.4, 0.5, 0.6]) == pytest.approx(1.2)


def test_share_of_gap():
    assert metrics.share_of_gap(0.74, 0.5, 0.8) == pytest.approx(0.8)
    assert metrics.share_of_gap(0.55, 0.65, 0.45) == pytest.approx(0.5)
    np.testing.assert_allclose(metrics.share_of_gap(np.array([0.4, 0.8]), 0.5, 0.8), [-1 / 3, 1])
    for trivial, oracle in ((0.5, 0.5), (0.5, np.nan), (np.inf, 0.5)):
        with pytest.raises(ValueError, match="share_of_gap: expected two different finite"):
            metrics.share_of_gap(0.6, trivial, oracle)


ALL = {
    "auc": metrics.auc,
    "gauc": lambda label, score: metrics.gauc(label, score, np.zeros(len(label), int)),
    "log_loss": metrics.log_loss,
    "normalized_entropy": metrics.normalized_entropy,
    "calibration_bins": metrics.calibration_bins,
    "calibration_error": metrics.calibration_error,
    "calibration_ratio": metrics.calibration_ratio,
}
OF_PROBABILITIES = sorted(set(ALL) - {"auc", "gauc"})


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("label", "score", "message"),
    [
        ([0, 1, 1], [0.1, 0.2], r"expected 3 rows as in label, got 2"),
        ([0, 1], [0.1, np.nan], r"(score|probability): expected numbers .*, got nan \(rows 1\)"),
        ([0, 2, 1, 3], [0.1] * 4, r"label: expected 0 or 1, got 2 \(rows 1, 3\)"),
        ([0, np.nan], [0.1] * 2, r"label: expected numbers finite in float32, got nan \(rows 1\)"),
        ([2] * 7, [0.1] * 7, r"label: .* \(rows 0, 1, 2, 3, 4 and 2 more\)"),
        ([], [], r"label: expected shape \(N,\) with N > 0, got \(0,\)"),
        ([[0], [1]], [[0.1], [0.2]], r"label: expected shape \(N,\) with N > 0, got \(2, 1\)"),
        ([0, 1], [[0.1], [0.2]], r"(score|probability): expected shape \(N,\)"),
        ([0, 1], ["a", "b"], r"(score|probability): expected numbers, got <U1"),
    ],
)
def test_bad_input_is_named(name, label, score, message):
    with pytest.raises(ValueError, match=message):
        ALL[name](label, score)


@pytest.mark.parametrize("name", OF_PROBABILITIES)
@pytest.mark.parametrize("bad", [-0.1, 1.5, np.inf])
def test_probabilities_outside_0_to_1_are_named(name, bad):
    with pytest.raises(ValueError, match=rf"probability: .* from 0 to 1, got {bad:g} \(rows 2\)"):
        ALL[name]([0, 1, 1], [0.1, 0.2, bad])


def test_what_is_not_defined_is_an_error():
    for metric in (metrics.auc, metrics.normalized_entropy):
        with pytest.raises(ValueError, match="expected labels of both classes, got 2 rows of 1"):
            metric([1, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="none of the 2 groups holds both classes"):
        metrics.gauc([1, 0], [0.1, 0.2], [1, 2])
    with pytest.raises(ValueError, match="at least one positive label"):
        metrics.calibration_ratio([0, 0], [0.1, 0.2])
    with pytest.raises(ValueError, match=r"group: expected integers of shape \(2,\), got float64"):
        metrics.gauc([1, 0], [0.1, 0.2], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"group: expected integers .* of shape \(3,\)"):
        metrics.gauc([1, 0], [0.1, 0.2], [1, 1, 1])
    with pytest.raises(ValueError, match="num_bins: expected an integer of 1 or more, got 0"):
        metrics.calibration_error([1, 0], [0.1, 0.2], 0)
    with pytest.raises(ValueError, match=r"clip: .* got 0.5"):
        metrics.log_loss([1, 0], [0.1, 0.2], clip=0.5)


def test_mean_squared_error_is_computed_in_float64():
    assert metrics.mean_squared_error([1.0, 2.0, 4.0], [1, 0, 5]) == pytest.approx(5 / 3)
    label = np.full(3, 1e4 + 0.1, np.float32)
    found = metrics.mean_squared_error(label, np.full(3, 1e4 + 1e-5))
    assert found == pytest.approx((float(label[0]) - 1e4 - 1e-5) ** 2, rel=1e-9)
    for label, prediction in (([1.0, 2.0], [1.0]), ([[1.0]], [[1.0]]), ([], [])):
        with pytest.raises(ValueError, match="expected labels and predictions of one shape"):
            metrics.mean_squared_error(label, prediction)


def test_numpy_integers_count_bins():
    label, probability = np.array([0, 1, 1, 0]), np.array([0.1, 0.9, 0.6, 0.4])
    found = metrics.calibration_error(label, probability, np.int64(2))
    assert found == metrics.calibration_error(label, probability, 2)
