"""Order on a log: pages, rows held still by a gap, a prior for ids by counts, trees on pairs."""

import dataclasses

import numpy as np
import pytest
from test_evidence_judging import declare
from test_evidence_real import log

from experiments import estimators, logs
from experiments.engine import cells
from experiments.engine.arms import Arm
from experiments.engine.contrasts import better
from recsys_lib.data import pages
from recsys_lib.training.metrics import gauc

FM = Arm(name="FM", model="fm", columns=("user_id", "video_id"))


@pytest.fixture(scope="module")
def data():
    return log()


def test_a_prior_is_outweighed_by_the_rows_of_an_id(data):
    # Batches have 100 rows, so a precision is a hundred times the strength per batch.
    choice = {"embedding_precision": 30.0, "linear_precision": 5.0, "free": ("user_id",)}
    priors = cells.priors_of(declare(), FM, choice, data)
    strengths = {name: one.strength for name, one in priors.items()}
    assert strengths == pytest.approx({"embedding_l2": 0.3, "linear_l2": 0.05})
    for one in priors.values():
        assert list(one.id_counts) == ["video_id"]
        assert one.id_counts["video_id"][3] == np.sum(data.train.features["video_id"] == 3)
    assert cells.priors_of(declare(), FM, {"linear_precision": 0.0}, data) == {}
    assert dict(cells.recipe_of(FM, choice, priors).options) == priors


def test_a_kept_comparison_answers_for_one_log(data):
    # Another log has other counts.
    fewer = dataclasses.replace(data, train=data.train.take(np.arange(200)))
    choice = {"embedding_precision": 30.0}
    logs_in_turn = (data, fewer, data)
    first, other, again = (
        cells.comparison_of(declare(), FM, choice, (), one) for one in logs_in_turn
    )
    assert first is again and first is not other


def test_rows_keep_their_pages_and_validation_is_held_still(data, monkeypatch):
    known = logs.with_rates(data, "video_id")
    monkeypatch.setattr(logs.movielens, "load", lambda **_: known)
    found = logs.load("movielens", gap="20s")
    for name, split in found.splits.items():
        wanted = pages(split.group, split.time, gap="20s")
        assert np.array_equal(split.group_of("page"), wanted)
        assert np.array_equal(split.group, known.splits[name].group)
    rate = found.valid.features["user_like_rate"]
    assert not np.array_equal(rate, known.valid.features["user_like_rate"])
    for user in np.unique(found.valid.group):
        assert np.ptp(rate[found.valid.group == user]) == 0
    assert np.array_equal(
        found.test.features["user_like_rate"], known.test.features["user_like_rate"]
    )


def test_order_is_judged_on_rows_held_still_until_a_pause(data):
    with_pages = logs.with_pages(logs.with_rates(data, "video_id"), "20s")
    test = with_pages.test
    one = declare(
        lens=None,
        data="movielens",
        split="per_user",
        knobs={"gap": "20s"},
        group="user",
        contrasts=[better("pairs_order", "Pairs order.", "pairs", "rows", measure="gauc")],
    )

    def predict(split):
        return {"click": split.features["user_like_rate"] + 0.1 * (split.features["video_id"] % 3)}

    (row,) = cells._scored(
        one, with_pages, [{"task": "click", "slice": "all", "log_loss": 1.0}], predict, True, None
    )
    still, of_pages = (predict(with_pages.held_still(test, gap))["click"] for gap in (None, "20s"))
    assert row["gauc"] == gauc(test.label, still, test.group).value
    assert row["gauc_page"] == gauc(test.label, of_pages, test.group_of("page")).value
    assert row["gauc_page"] != gauc(test.label, still, test.group_of("page")).value
    assert row["gauc_moving"] == gauc(test.label, predict(test)["click"], test.group).value
    assert len({row["gauc"], row["gauc_page"], row["gauc_moving"]}) == 3


def test_trees_on_pairs_order_the_rows_of_a_user():
    data = log(3_000)
    predict = estimators.trees_in_pairs(data, seed=0, max_iter=30, max_leaf_nodes=8)
    scores = predict(data.test)["click"]
    assert gauc(data.test.label, scores, data.test.group).value > 0.65
