"""``evaluate`` equals scikit-learn on the model's own predictions."""

import numpy as np
import pytest
import tiny
from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score

from recsys_lib.training import baselines, evaluate, predict
from recsys_lib.training.evaluation import score

DATA = tiny.make_dataset(tiny.SMALL)


def by_group(label, prediction, group):
    """AUC of each group with both classes, weighted by rows; and how many have one class."""
    total, weight, left_out = 0.0, 0, 0
    for value in np.unique(group):
        rows = group == value
        if label[rows].min() == label[rows].max():
            left_out += 1
            continue
        total += rows.sum() * roc_auc_score(label[rows], prediction[rows])
        weight += rows.sum()
    return total / weight, left_out


@pytest.fixture(scope="module")
def model():
    return tiny.randomize(tiny.build_small())


def test_scores_equal_scikit_learn(model):
    label, group = DATA.test.label, DATA.test.group
    prediction = predict(model, DATA.test.features)["like"]
    scores = evaluate(model, DATA.test)
    gauc, left_out = by_group(label, prediction, group)
    assert scores["rows"] == 80
    assert scores["auc"] == pytest.approx(roc_auc_score(label, prediction))
    assert scores["gauc"] == pytest.approx(gauc)
    assert scores["one_class_groups"] == left_out
    assert scores["log_loss"] == pytest.approx(log_loss(label, prediction.astype(np.float64)))
    assert abs(scores["gauc"] - scores["auc"]) > 1e-4


def test_a_baseline_is_scored_like_a_model():
    scores = evaluate(baselines.oracle(DATA), DATA.test)
    truth = DATA.test.probability["like"]
    assert scores["auc"] == pytest.approx(roc_auc_score(DATA.test.label, truth))
    assert scores["log_loss"] == pytest.approx(log_loss(DATA.test.label, truth))


def test_several_tasks_have_a_row_each_and_regression_its_squared_error():
    tasks = {"like": "binary", "share": "binary"}
    data = tiny.make_dataset(tasks=tasks)
    model = tiny.randomize(tiny.build_large(tasks=tuple(tasks)))
    table = evaluate(model, data.test)
    prediction = predict(model, data.test.features)
    assert list(table.index) == list(tasks)
    for task in tasks:
        expected = roc_auc_score(data.test.labels[task], prediction[task])
        assert table.loc[task, "auc"] == pytest.approx(expected)
    stars = evaluate(model, data.test, tasks={"like": "binary", "share": "regression"})
    assert stars.loc["share", "mean_squared_error"] == pytest.approx(
        mean_squared_error(data.test.labels["share"], prediction["share"])
    )
    assert np.isnan(stars.loc["share", "auc"])


def test_what_is_not_defined_is_missing_and_the_rest_is_scored():
    prediction = np.array([0.2, 0.8, 0.5, 0.4])
    group = np.array([1, 1, 2, 2])
    only_positive = score(np.ones(4), prediction, group)
    assert np.isnan(only_positive["auc"])
    assert np.isnan(only_positive["gauc"])
    assert only_positive["one_class_groups"] == 2
    assert only_positive["log_loss"] == pytest.approx(-np.log(prediction).mean())


def test_without_a_mixed_group_only_gauc_is_missing():
    prediction = np.array([0.2, 0.8, 0.5, 0.4])
    result = score(np.array([0, 0, 1, 1]), prediction, np.array([1, 1, 2, 2]))
    assert result["auc"] == 0.5
    assert np.isnan(result["gauc"])
    assert result["one_class_groups"] == 2
