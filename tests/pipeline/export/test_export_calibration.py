"""Calibration in an export computes what the fitted method computes."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from recsys_lib.one_request import undo_sampling, undo_sampling_of_both
from recsys_pipeline.export import Curve, Platt, Sampling, fit_platt
from recsys_pipeline.export.calibration import to_config
from recsys_pipeline.export.replay import calibrate

TASKS = {"click": "binary", "buy": "binary", "seconds": "regression"}


@pytest.fixture
def scores():
    draw = np.random.default_rng(0)
    click = draw.uniform(0.001, 0.999, 500)
    return {"click": click, "buy": click * draw.random(500), "seconds": draw.normal(size=500)}


def calibrated(scores, *steps):
    return calibrate(scores, [to_config(step, TASKS) for step in steps])


def test_sampling_is_undone_for_the_click_and_for_what_follows(scores):
    found = calibrated(scores, Sampling(0.1, following=("buy",)))
    click, buy = undo_sampling_of_both(scores["click"], scores["buy"], 0.1)
    np.testing.assert_allclose(found["click"], click)
    np.testing.assert_allclose(found["buy"], buy)
    np.testing.assert_array_equal(found["seconds"], scores["seconds"])
    alone = calibrated(scores, Sampling(0.1))
    np.testing.assert_allclose(alone["click"], undo_sampling(scores["click"], 0.1))
    np.testing.assert_array_equal(alone["buy"], scores["buy"])


def test_a_click_that_is_impossible_divides_nothing():
    found = calibrated(
        {"click": np.zeros(2), "buy": np.zeros(2)}, Sampling(0.5, following=("buy",))
    )
    assert found["click"].tolist() == found["buy"].tolist() == [0.0, 0.0]


def test_platt_is_a_logistic_regression_on_the_logit(scores):
    logit = np.log(scores["click"] / (1 - scores["click"]))[:, None]
    labels = np.random.default_rng(1).random(500) < scores["click"] ** 2
    fitted = LogisticRegression().fit(logit, labels)
    step = Platt("click", fitted.coef_[0, 0], fitted.intercept_[0])
    found = calibrated(scores, step)["click"]
    np.testing.assert_allclose(found, fitted.predict_proba(logit)[:, 1], rtol=1e-9)


def test_platt_has_no_overflow_at_the_ends():
    found = calibrated({"click": np.array([0.0, 1.0])}, Platt("click", 2.0, 1.0))["click"]
    assert found.tolist() == [0.0, 1.0]


def test_a_curve_is_an_isotonic_regression(scores):
    labels = (np.random.default_rng(1).random(500) < scores["click"] ** 2).astype(float)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(scores["click"], labels)
    found = calibrated(scores, Curve("click", fitted.X_thresholds_, fitted.y_thresholds_))["click"]
    np.testing.assert_allclose(found, fitted.predict(scores["click"]), atol=1e-12)
    ends = {"click": np.array([0.0, 1.0])}
    step = Curve("click", fitted.X_thresholds_, fitted.y_thresholds_)
    np.testing.assert_allclose(calibrated(ends, step)["click"], fitted.predict([0.0, 1.0]))


def test_steps_are_taken_in_order(scores):
    steps = Sampling(0.1), Platt("click", 0.5, 1.0)
    first, second = calibrated(scores, *steps), calibrated(scores, *steps[::-1])
    assert np.abs(first["click"] - second["click"]).max() > 0.1
    p = undo_sampling(scores["click"], 0.1)
    expected = 1 / (1 + np.exp(-(0.5 * np.log(p / (1 - p)) + 1.0)))
    np.testing.assert_allclose(first["click"], expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sampling(0.0), "share: expected a finite number from 0 to 1"),
        (lambda: Sampling(1.5), "share: expected a finite number from 0 to 1"),
        (lambda: Platt("click", 0.0, 1.0), "slope: expected a finite number"),
        (lambda: Platt("click", -1.0, 1.0), "slope: expected a finite number"),
        (lambda: Platt("click", 1.0, np.nan), "intercept: expected a finite number"),
        (lambda: Curve("click", [0.1, 0.1], [0.0, 1.0]), "expected points that rise"),
        (lambda: Curve("click", [0.1, 0.2], [0.5, 0.4]), "expected points that rise"),
        (lambda: Curve("click", [0.1, 0.2], [0.5]), "inputs and outputs of one length"),
        (lambda: Curve("click", [], []), "inputs and outputs of one length"),
        (lambda: Curve("click", [0.1, np.nan], [0.5, 0.6]), "inputs: expected numbers finite"),
        (lambda: to_config(Platt("seconds", 1.0, 0.0), TASKS), "expected a binary task"),
        (lambda: to_config(Sampling(0.5, following=["other"]), TASKS), "expected a binary task"),
    ],
)
def test_what_is_no_calibration_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_fitted_line_is_that_of_a_logistic_regression():
    """With the paper's targets, as weights of a row of either label."""
    draw = np.random.default_rng(2)
    p = draw.uniform(0.02, 0.98, 400)
    p[:3] = [0.0, 1.0, 0.5]
    label = (draw.random(400) < 0.3 * p).astype(int)
    ones, zeros = label.sum(), (1 - label).sum()
    target = np.where(label == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    kept = np.clip(p, 1e-7, 1 - 1e-7)
    logit = np.log(kept / (1 - kept))[:, None]
    twice, either = np.concatenate([logit, logit]), np.repeat([1, 0], 400)
    expected = LogisticRegression(C=1e8, tol=1e-10, max_iter=1000).fit(
        twice, either, sample_weight=np.concatenate([target, 1 - target])
    )
    found = fit_platt("click", label, p)
    np.testing.assert_allclose(found.slope, expected.coef_[0, 0], rtol=1e-4)
    np.testing.assert_allclose(found.intercept, expected.intercept_[0], rtol=1e-4)
    answers = calibrated({"click": kept}, found)["click"]
    assert answers.mean() == pytest.approx(target.mean(), abs=1e-6)  # as many clicks as there were


def test_equal_scores_get_the_rate():
    found = fit_platt("click", [1, 0, 0, 0], np.full(4, 0.5))
    answers = calibrated({"click": np.full(4, 0.5)}, found)["click"]
    np.testing.assert_allclose(answers, (2 / 3 + 3 / 5) / 4, rtol=1e-6)


@pytest.mark.parametrize(
    ("label", "probability", "message"),
    [
        ([1, 0], [0.5], "expected labels and probabilities of one length"),
        ([1, 1], [0.5, 0.4], "expected labels 0 and 1, got"),
        ([1, 0, 1, 0], [0.1, 0.9, 0.2, 0.8], "expected scores that rise with the label, got a lin"),
    ],
)
def test_rows_without_a_line_are_named(label, probability, message):
    with pytest.raises(ValueError, match=message):
        fit_platt("click", label, probability)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e39, -0.1])
def test_a_line_is_not_fitted_to_what_is_no_probability(bad):
    label, probability = np.tile([0, 1], 50), np.full(100, 0.5)
    probability[7] = bad
    message = (
        r"calibration of 'click', probability: expected numbers from 0 to 1, got .* \(rows 7\)"
    )
    with pytest.raises(ValueError, match=message):
        fit_platt("click", label, probability)
    masked = np.ma.array(np.full(100, 0.5), mask=probability == bad)
    masked[7] = np.ma.masked
    with pytest.raises(ValueError, match=r"probability: .* got masked ones \(rows 7\)"):
        fit_platt("click", label, masked)
    with pytest.raises(ValueError, match=r"label: expected numbers finite .* \(rows 0\)"):
        fit_platt("click", np.where(np.arange(100) == 0, np.nan, label), np.full(100, 0.5))
