"""The score by which a run stops, NDCG and the number of pairs."""

import keras
import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from recsys_lib.data import Dataset, Split
from recsys_lib.features import CategoricalColumn
from recsys_lib.second_order import build_fm
from recsys_lib.training import fit, metrics
from recsys_lib.training.batches import Layout
from recsys_lib.training.validation import Validation

COLUMNS = (CategoricalColumn("user_id", 60), CategoricalColumn("item_id", 40))


def split(first, num_rows, seed=0):
    rng = np.random.default_rng(seed)
    features = {
        "user_id": rng.integers(1, 60, num_rows, np.int32),
        "item_id": rng.integers(1, 40, num_rows, np.int32),
    }
    groups = {"user": features["user_id"], "page": np.arange(num_rows) // 9}
    rows = np.arange(first, first + num_rows)
    return Split(features, {"click": rng.random(num_rows) < 0.4}, row_id=rows, groups=groups)


DATA = Dataset("watched", COLUMNS, split(0, 400, 1), split(10**6, 6000, 2), split(10**7, 50, 3))


def model_of(data=DATA, **tasks):
    keras.utils.set_random_seed(0)
    return build_fm(data.feature_columns, embedding_dim=4, **tasks)


class Fixed(Validation):
    """Scores what it is given, instead of a model."""

    predictions = None

    def _predictions(self, model, predict):
        return self.predictions


@pytest.mark.parametrize("watch", ["auc", "gauc", "gauc:page", "log_loss"])
def test_what_is_watched_is_the_score_of_that_name(watch):
    valid = Fixed(DATA.valid, Layout(COLUMNS), {"click": "binary"}, watch)
    label = DATA.valid.label
    chance = 1 / (1 + np.exp(-np.random.default_rng(0).normal(label - 0.5, 1)))
    valid.predictions = chance[:, None]
    mean = label.mean()
    by_rate = -(mean * np.log(mean) + (1 - mean) * np.log(1 - mean))
    expected = {
        "auc": metrics.auc(label, chance),
        "gauc": metrics.gauc(label, chance, DATA.valid.groups["user"]).value,
        "gauc:page": metrics.gauc(label, chance, DATA.valid.groups["page"]).value,
        "log_loss": 1 - metrics.log_loss(label, chance) / by_rate,
    }
    assert valid.watched == watch
    assert valid.score(None) == pytest.approx(expected[watch], rel=1e-6)
    others = [value for name, value in expected.items() if name != watch]
    assert min(abs(expected[watch] - other) for other in others) > 1e-4


def test_with_few_pairs_the_log_loss_is_watched():
    assert fit(model_of(), DATA, epochs=1, watch="gauc:page").watched == "gauc:page"
    small = Dataset("small", COLUMNS, DATA.train, DATA.valid.take(np.arange(900)), DATA.test)
    assert fit(model_of(), small, epochs=1, watch="gauc:page").watched == "log_loss"
    assert fit(model_of(), small, epochs=1).watched == "auc"
    assert fit(model_of(), small, epochs=1, patience=None).watched is None


def test_a_bad_regression_does_not_choose_the_epoch_for_all():
    both = {"click": DATA.valid.label, "time": np.arange(6000.0)}
    rows = Split(DATA.valid.features, both, row_id=DATA.valid.row_id, groups=DATA.valid.groups)
    kinds = {"click": "binary", "time": "regression"}
    valid = Fixed(rows, Layout(COLUMNS), kinds, "gauc")
    chance = np.random.default_rng(1).random(6000)
    valid.predictions = np.stack([chance, np.full(6000, -1e9)], axis=1)
    expected = metrics.gauc(rows.labels["click"], chance, rows.group).value / 2
    assert valid.score(None) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("watch", ["gau", "gauc:day"])
def test_what_cannot_be_watched_is_named(watch):
    with pytest.raises(ValueError, match=r"watch: expected one of|no group is named 'day'"):
        fit(model_of(), DATA, epochs=1, watch=watch)


@pytest.mark.parametrize("top", [None, 1, 3])
def test_ndcg_is_that_of_scikit_learn(top):
    rng = np.random.default_rng(0)
    label, score = rng.integers(0, 2, (20, 7)), rng.random((20, 7))
    label[3] = 0
    group = np.repeat(rng.permutation(20), 7)
    mixed = rng.permutation(140)
    found = metrics.ndcg(label.ravel()[mixed], score.ravel()[mixed], group[mixed], top)
    has_click = label.any(axis=1)
    expected = ndcg_score(label[has_click], score[has_click], k=top)
    assert found == pytest.approx(expected, rel=1e-9)


def test_ties_share_the_discount_of_their_places():
    label, score = np.array([[0, 1, 1, 0, 1]]), np.array([[2.0, 2.0, 1.0, 1.0, 1.0]])
    found = metrics.ndcg(label[0], score[0], np.zeros(5, int))
    assert found == pytest.approx(ndcg_score(label, score), rel=1e-9)
    with pytest.raises(ValueError, match="ndcg: none of the 2 groups"):
        metrics.ndcg([0, 0], [1, 2], [0, 1])


def test_pairs_are_counted_within_groups():
    rng = np.random.default_rng(0)
    label, group = rng.integers(0, 2, 90), rng.integers(0, 9, 90)
    expected = sum(
        label[i] > label[j] for i in range(90) for j in range(90) if group[i] == group[j]
    )
    assert metrics.num_pairs(label, group) == expected
