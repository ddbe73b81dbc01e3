"""Order on a log: pages, rows held still by a gap, a prior for ids by counts, trees on pairs."""

import dataclasses

import numpy as np
import pytest
from test_evidence_judging import declare
from test_evidence_real import log

from experiments import logs
from experiments.engine import cells, judging, records
from experiments.engine.arms import Arm
from experiments.engine.contrasts import better
from experiments.one_request._pair_trees import trees_in_pairs
from recsys_lib.data import pages
from recsys_lib.training.metrics import gauc, num_pairs

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


def test_a_page_of_a_day_ends_at_23_o_clock_in_china(data):
    hours = np.arange(len(data.test)) % 50
    test = dataclasses.replace(
        data.test,
        group=np.full(len(hours), 7),
        time=1_650_000_000 // 86_400 * 86_400 + 3600 * hours,
    )
    of_days = logs.with_pages(dataclasses.replace(data, test=test), "1d", "day").test
    for day, ours in enumerate((hours < 15, (15 <= hours) & (hours < 39), hours >= 39)):
        assert set(of_days.group_of("page")[ours]) == {day}
    assert logs.about(of_days)["median_of_behaviours"] == 0
    with pytest.raises(KeyError, match="dya"):
        logs.with_pages(data, "1d", "dya")


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

    middle = np.median(test.features["user_like_rate"])

    def predict(split):
        # What a user liked turns the order of the candidates.
        rate, number = split.features["user_like_rate"], split.features["video_id"] % 7
        return {"click": (rate - middle) * number}

    (row,) = judging.scored(
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
    predict = trees_in_pairs(data, seed=0, max_iter=30, max_leaf_nodes=8)
    scores = predict(data.test)["click"]
    assert gauc(data.test.label, scores, data.test.group).value > 0.65
    # Users who click all or nothing have no pair, so there is nothing to learn.
    all_or_nothing = (data.train.group % 2).astype(np.float32)
    train = dataclasses.replace(data.train, labels={"click": all_or_nothing})
    predict = trees_in_pairs(dataclasses.replace(data, train=train), seed=0, max_iter=30)
    assert np.ptp(predict(data.test)["click"]) == 0


def test_the_kept_order_gives_the_gauc_that_is_recorded():
    path = records.orders_path("one_request.kuairand_order")
    assert path.stat().st_size < 12_000_000
    with np.load(path) as kept:
        user, page, click, names, places = (
            kept[name] for name in ("user", "page", "click", "arms", "places")
        )
    table = records.read_table("one_request.kuairand_order")
    manifest = records.read("one_request.kuairand_order")
    assert set(names) == set(manifest["arms"]) == set(table["model"])
    for row in table.itertuples():
        place = places[list(names).index(row.model), row.initialisation]
        assert gauc(click, place, user).value == pytest.approx(row.gauc, abs=1e-5)
    about = manifest["log"]
    assert about["rows"] == len(click) and about["users"] == user.max() + 1
    for name, group in (("pairs_of_users", user), ("pairs_of_pages", page)):
        assert about[name] == num_pairs(click, group)
