"""Several tasks of a log: rates of each, verdicts of each, and what a declaration has to name."""

import dataclasses

import numpy as np
import pytest
from test_evidence_real import log
from tiny_evidence import HereWorkers

from experiments import estimators, logs
from experiments.engine import cells, real, records, registry, running
from experiments.engine.arms import Arm
from experiments.engine.contrasts import better
from experiments.engine.declaration import Experiment
from recsys_book import user_sums
from recsys_book.records.records import Evidence
from recsys_lib.training import metrics

BOTH = ("click", "like")


def with_likes(data):
    """The log with a second label, which follows the click and the item."""
    random, splits = np.random.default_rng(5), {}
    for name, split in data.splits.items():
        chance = np.where(split.features["video_id"] % 3 == 0, 0.6, 0.1) * split.label
        likes = (random.random(len(split)) < chance).astype(np.float32)
        labels = {"click": split.label, "like": likes}
        splits[name] = dataclasses.replace(split, labels=labels)
    return dataclasses.replace(data, tasks=None, **splits)


def test_each_further_task_has_rates_of_its_own_that_no_own_label_enters():
    data = with_likes(log())
    told = logs.with_rates(data, "video_id")
    names = [column.name for column in told.feature_columns][3:]
    assert names == [*logs.RATES, "user_rate_of_like", "item_rate_of_like"]
    alone = logs.with_rates(log(), "video_id")
    for name in logs.RATES:  # the first task's are those of a log with it alone
        for split, same in zip(told.splits.values(), alone.splits.values(), strict=True):
            assert np.array_equal(split.features[name], same.features[name])
    splits = told.splits.values()
    whole = {name: np.concatenate([one.features[name] for one in splits]) for name in names}
    user, time = (
        np.concatenate([getattr(one, key) for one in splits]) for key in ("group", "time")
    )
    likes = np.concatenate([one.labels["like"] for one in splits])
    base = data.train.labels["like"].mean(dtype=np.float64)
    for row in (0, 251, 600, 899):
        earlier = (user == user[row]) & (time < time[row])
        wanted = (likes[earlier].sum() + 5 * base) / (earlier.sum() + 5)
        assert whole["user_rate_of_like"][row] == pytest.approx(wanted, rel=1e-5)
    # Another label of the last moment changes no row: a label is of the past only for later ones.
    last = np.array(data.test.labels["like"])
    last[data.test.time == data.test.time.max()] = 1
    turned = dataclasses.replace(data.test, labels=dict(data.test.labels) | {"like": last})
    assert (last != data.test.labels["like"]).any()
    again = logs.with_rates(dataclasses.replace(data, test=turned), "video_id")
    for name in names:
        assert np.array_equal(again.test.features[name], told.test.features[name])


def on_two_tasks(*contrasts, **more):
    trees = {"max_iter": 9, "task": "like"}
    small = {"hidden_units": (4,), "tower_units": (), "embedding_dim": 2}
    arms = [
        Arm(name="both", model="shared_bottom", options=small | {"tasks": BOTH}),
        Arm(name="like alone", model="shared_bottom", options=small | {"tasks": ("like",)}),
    ]
    return Experiment(
        identifier="small.log",
        question="Does company help?",
        data="kuairand_pure",
        split="days",
        knobs={"tasks": BOTH},
        arms=[*arms, Arm(name="trees", model="experiments.estimators:trees_on_ids", options=trees)],
        contrasts=contrasts,
        references=["trees"],
        fit={"epochs": 2, "batch_size": 500},
        **more,
    )


def test_several_tasks_of_a_log_are_judged_each_by_itself(tmp_path, monkeypatch):
    company = better("company", "It helps.", "both", "like alone", task="like", measure="gauc")
    twin = dataclasses.replace(company, finding="all", measure="auc")
    one = on_two_tasks(company, twin, protocol=2)
    data = logs.with_rates(with_likes(log(3_000)), "video_id")
    monkeypatch.setattr(cells, "_log", lambda name, knobs: data)
    monkeypatch.setattr(registry, "load", lambda *_: one)
    monkeypatch.setattr(running, "Workers", HereWorkers)
    store = running.run(one, running.Places(build=tmp_path, results=tmp_path / "results"))
    made = records.make(one, store, results=tmp_path)
    manifest = made["manifest"]
    records.write(made, tmp_path)
    again = records.verdicts_again(one, tmp_path)
    assert {name: kept | again[name] for name, kept in manifest["findings"].items()} == (
        manifest["findings"]
    )
    table = records.read_table("small.log", tmp_path)
    tasks = table.groupby("model")["task"].agg(lambda of: tuple(sorted(set(of)))).to_dict()
    assert tasks == {"both": BOTH, "like alone": ("like",), "trees": ("like",)}
    told = {(row["model"], row["task"]) for row in manifest["summary"]}
    assert told == {("both", "click"), *((name, "like") for name in tasks)}
    assert set(manifest["resolution"]) == {
        f"{measure} of {task}" for measure in real.ON_LOG for task in BOTH
    }
    assert set(manifest["resolution"]["auc of like"]) == {
        *("both to like alone", "both to trees", "like alone to trees")
    }
    assert manifest["scoreboard"]["auc of click"] == {}  # trees judge the like alone
    assert set(manifest["scoreboard"]["gauc of like"]["trees"]) == {"both", "like alone"}
    finding = manifest["findings"]["company"]
    of = table[table["task"] == "like"].groupby("model")["gauc"].mean()
    assert finding["effect"] == pytest.approx(of["both"] - of["like alone"], abs=1e-5)
    # Each task's rows are scored by its own labels, held still and as they are.
    kept = real.predictions_of(one, store, table)
    indexed = table.set_index(["model", "task", "initialisation"])
    for task, arms in kept.items():
        label = data.test.labels[task]
        for name, runs in arms.items():
            for number, (as_they_are, still) in enumerate(runs):
                row = indexed.loc[(name, task, number)]
                assert row["auc"] == pytest.approx(metrics.auc(label, as_they_are), abs=1e-4)
                wanted = metrics.gauc(label, still, data.test.group).value
                assert row["gauc"] == pytest.approx(wanted, abs=1e-4)
    for task in BOTH:
        sums = user_sums("small.log", tmp_path, task)
        assert sums["clicks"].sum() == data.test.labels[task].sum()
    with pytest.raises(ValueError, match=r"task: expected one of \['click', 'like'\], got ''"):
        user_sums("small.log", tmp_path)
    shown = Evidence(manifest, task="like").table
    assert list(shown.index) == ["both", "like alone", "trees"]
    assert "GAUC, better than trees by" in shown
    assert not any("better" in name for name in Evidence(manifest, task="click").table)


def test_on_several_tasks_a_contrast_names_one_and_asks_for_auc_and_gauc_of_it():
    auc = better("company", "It helps.", "both", "like alone")
    with pytest.raises(ValueError, match=r"task: expected one of \('click', 'like'\), got None"):
        on_two_tasks(auc)
    like = dataclasses.replace(auc, task="like")
    other = dataclasses.replace(auc, finding="other", task="click", measure="gauc")
    with pytest.raises(ValueError, match="expected both and like alone in auc and gauc, got"):
        on_two_tasks(like, other, protocol=2)
    twin = dataclasses.replace(like, finding="twin", measure="gauc")
    assert on_two_tasks(like, twin, protocol=2).contrasts[1].task == "like"


def test_trees_are_told_the_task_where_there_are_several():
    data = with_likes(log())
    with pytest.raises(ValueError, match="name one in"):
        estimators.trees_on_ids(data, seed=0)
    predict = estimators.trees_on_ids(data, seed=0, task="like", max_iter=3)
    assert list(predict(data.test)) == ["like"]
