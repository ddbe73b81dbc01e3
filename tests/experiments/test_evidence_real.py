"""The protocol of real data: past-only rates, trees, users as the unit, two references."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from tiny_evidence import HereWorkers

from experiments import estimators, logs
from experiments.engine import cells, differences, real, records, registry, running
from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level
from experiments.engine.declaration import Experiment
from experiments.engine.store import predictions_path
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.training import metrics
from recsys_pipeline.leaderboard.resampling import Log, measure, user_weights

GUESS = "tiny_evidence:guess"


def log(num_rows=900, num_users=30, num_items=20, seed=0):
    """A log in order of time whose clicks follow tastes of users and items."""
    random = np.random.default_rng(seed)
    user, item = (
        random.integers(1, num_users + 1, num_rows),
        random.integers(0, num_items, num_rows),
    )
    taste = random.normal(size=num_users + 1)[user] + random.normal(size=num_items)[item]
    label = (random.random(num_rows) < 1 / (1 + np.exp(-1.5 * taste))).astype(np.float32)
    tags = np.stack([1 + item % 3, np.where(item % 2, 4, 0)], axis=1).astype(np.int32)

    def split(start, end):
        rows = slice(start, end)
        features = {"user_id": user[rows], "video_id": item[rows], "tags": tags[rows]}
        return Split(
            features={name: values.astype(np.int32) for name, values in features.items()},
            labels={"click": label[rows]},
            group=user[rows],
            row_id=np.arange(num_rows)[rows],
            time=(np.arange(num_rows) // 2)[rows],
        )

    columns = (
        CategoricalColumn("user_id", num_users + 1, group="user"),
        CategoricalColumn("video_id", num_items, group="item"),
        SequenceColumn("tags", 5, 2, group="item", ordered=False),
    )
    cuts = (0, int(0.6 * num_rows), int(0.8 * num_rows), num_rows)
    splits = (split(*ends) for ends in itertools.pairwise(cuts))
    return Dataset("small log", columns, *splits)


def test_rates_come_from_strictly_earlier_rows_whatever_their_split():
    data = logs.with_rates(log(), "video_id")
    base = data.train.label.mean(dtype=np.float64)
    whole = {
        name: np.concatenate([split.features[name] for split in data.splits.values()])
        for name in ("user_id", "video_id", *logs.RATES)
    }
    label = np.concatenate([split.label for split in data.splits.values()])
    time = np.concatenate([split.time for split in data.splits.values()])
    for row in (0, 1, 250, 251, 600, 899):
        for side, name in (("user", "user_id"), ("item", "video_id")):
            earlier = (whole[name] == whole[name][row]) & (time < time[row])
            if side == "item" and whole[name][row] == 0:
                earlier[:] = False
            count, clicks = earlier.sum(), label[earlier].sum()
            assert whole[f"{side}_count"][row] == pytest.approx(np.log10(1 + count))
            wanted = (clicks + 5 * base) / (count + 5)
            assert whole[f"{side}_like_rate"][row] == pytest.approx(wanted, rel=1e-5)
    assert [column.name for column in data.feature_columns][-4:] == list(logs.RATES)


def test_the_short_history_is_the_end_of_the_long_one():
    data = logs.load("movielens", max_history=40, short_history=3)
    assert data.column("short_history").table_name == data.column("history").table_name
    for split in data.splits.values():
        long, short = split.features["history"][::97], split.features["short_history"][::97]
        moments = split.as_of["short_history"][::97]
        for whole, end, when in zip(long, short, moments, strict=True):
            real = whole[whole > 0][-3:]
            assert end.tolist() == [*real, *[0] * (3 - len(real))]
            assert np.isneginf(when[len(real) :]).all() and np.isfinite(when[: len(real)]).all()


def test_trees_need_something_to_read():
    ordered = (SequenceColumn("tags", 5, 2, group="item"),)
    data = dataclasses.replace(log().with_columns(["tags"]), feature_columns=ordered)
    with pytest.raises(ValueError, match="trees: expected numbers or ids in 'small log', got none"):
        estimators.trees_on_ids(data, seed=0)


def test_trees_on_ids_rank_better_than_chance_without_any_number():
    data = log(3_000)
    from recsys_lib.training import auc

    predict = estimators.trees_on_ids(data, seed=0, max_iter=30, max_leaf_nodes=8)
    assert auc(data.test.label, predict(data.test)["click"]) > 0.65


def test_a_training_rows_own_label_does_not_enter_its_code():
    column = CategoricalColumn("user_id", 4, group="user")
    ids, label = np.array([1, 1, 2, 2]), np.array([1.0, 1.0, 0.0, 1.0])
    codes = estimators._codes(column, ids, label)
    assert codes == pytest.approx([0.75, 17 / 22, 16 / 22, 0.75])
    assert estimators._encode(np.array([[1, 0], [0, 0], [1, 2]]), codes) == pytest.approx(
        [17 / 22, 0.75, 16.5 / 22]
    )
    # Labels that are noise: who sees its own label in its code ranks training rows far better.
    data = log(400, num_users=200)
    random = np.random.default_rng(1)
    noise = (random.random(len(data.train)) < 0.5).astype(np.float32)
    train = dataclasses.replace(data.train, labels={"click": noise})
    data = dataclasses.replace(data, train=train).with_columns(["user_id"])
    seen = {}

    class Spy:
        def __init__(self, **_):
            pass

        def fit(self, matrix, target):
            seen["matrix"], seen["target"] = matrix, target

    import sklearn.ensemble

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sklearn.ensemble, "HistGradientBoostingClassifier", Spy)
        estimators.trees_on_ids(data, seed=0)
    (code,) = seen["matrix"].T
    # Nearly each user has one or two rows: with its own label the correlation is near one.
    assert np.corrcoef(code, seen["target"])[0, 1] < 0.2


def experiment(*contrasts, protocol=1):
    return Experiment(
        protocol=protocol,
        identifier="small.log",
        question="Who ranks this log better?",
        data="movielens",
        split="per_user",
        arms=[Arm(name=name, model=GUESS) for name in ("good", "same", "poor")],
        contrasts=contrasts,
        references=["poor"],
    )


@pytest.fixture(scope="module")
def measured():
    data = log(6_000, num_users=200)
    split = data.train
    random = np.random.default_rng(2)

    def scores(noise, seeds):
        drawn = [split.label + noise * random.normal(size=len(split)) for _ in range(seeds)]
        return [(1 / (1 + np.exp(-2 * (one - 0.5)))).astype(np.float32) for one in drawn]

    predictions = {"good": scores(1.0, 5), "same": scores(1.0, 5), "poor": scores(3.0, 5)}
    of_log = real.log_of(split, "")
    rows = [
        {"model": name, "slice": "all", "initialisation": number} | scored(one, of_log)
        for name, several in predictions.items()
        for number, one in enumerate(several)
    ]
    users = real.UserSums.of(of_log, {arm: twice(several) for arm, several in predictions.items()})
    return of_log, real.measured({"": users}, pd.DataFrame(rows), num_draws=200), predictions


def twice(several):
    """Predictions that do not change where the user's columns are held still."""
    return [[one, one] for one in several]


def scored(scores, of_log):
    return {
        "auc": metrics.auc(of_log.labels, scores),
        "gauc": metrics.gauc(of_log.labels, scores, of_log.users).value,
        "log_loss": metrics.log_loss(of_log.labels, scores),
    }


def table(failed=()):
    rows = [
        {"model": name, "slice": "all", "auc": 0.5 if name in failed else 0.7}
        for name in ("good", "same", "poor")
        for _ in range(5)
    ]
    columns = differences.COLUMNS
    return pd.DataFrame(rows).reindex(columns=columns).assign(point="", task="click")


def test_the_sums_of_users_give_each_measure_of_the_log(measured):
    of_log, _, predictions = measured
    users = real.UserSums.of(of_log, {"one": twice(predictions["poor"][:1])})
    wanted = scored(predictions["poor"][0], of_log)
    wins, loss, above, below = users.arms["one"].astype(float)
    others = users.rows - users.clicks
    pairs = users.clicks * others
    assert above.sum() / (users.clicks.sum() * others.sum()) == pytest.approx(wanted["auc"])
    assert above.sum() == pytest.approx(below.sum())
    assert loss.sum() / users.rows.sum() == pytest.approx(wanted["log_loss"])
    both = pairs > 0
    gauc = np.average(wins[both] / pairs[both], weights=users.rows[both])
    assert gauc == pytest.approx(wanted["gauc"])
    # By hand, ties count half: user 0 has a click at .5 beside others at .5 and .2; held still it
    # is at .3, beside .3 and .4.
    small = Log(np.array([1, 0, 0, 1]), np.array([0, 0, 0, 1]))
    as_they_are, still = [0.5, 0.5, 0.2, 0.1], [0.3, 0.3, 0.4, 0.1]
    sums = real.UserSums.of(small, {"a": [[as_they_are, still]]}).arms["a"]
    assert sums[0].tolist() == [0.5, 0.0]
    assert sums[2].tolist() == [1.5, 0.0] and sums[3].tolist() == [1.5, 0.0]


def log_losses(several, log, name, weights):
    """As ``measure``, of the log loss: from every row, not from the users' sums."""
    found = []
    for probability in several:
        chance = np.clip(np.asarray(probability, np.float64), 1e-7, 1 - 1e-7)
        losses = -np.where(log.labels > 0.5, np.log(chance), np.log1p(-chance))
        of_rows = weights[:, log.users]
        found.append([losses.mean(), *(of_rows @ losses / of_rows.sum(axis=1))])
    own, *drawn = np.array(found).T
    return own, np.mean(drawn, axis=1)


def test_draws_from_the_sums_spread_as_those_of_all_rows(measured):
    """The pooled AUC of a draw is linear in the users, and its spread is that of the exact one."""
    of_log, results, predictions = measured
    weights = user_weights(of_log, 200)
    for name, measured_by in (("auc", measure), ("log_loss", log_losses)):
        exact = {
            arm: measured_by(several, of_log, name, weights) for arm, several in predictions.items()
        }
        sign = 1 if name == "auc" else -1
        for a, b in (("good", "same"), ("good", "poor")):
            drawn = results[name][a][1] - results[name][b][1]
            wanted = sign * (exact[a][1] - exact[b][1])
            assert drawn.std() == pytest.approx(wanted.std(), rel=0.05)
            assert np.corrcoef(drawn, wanted)[0, 1] > 0.99
            assert results[name][a][0] == pytest.approx(sign * exact[a][0])


def test_gauc_is_drawn_by_whole_users(measured):
    of_log, results, predictions = measured
    weights = user_weights(of_log, 200)
    rows = np.repeat(np.arange(len(of_log.labels)), weights[0][of_log.users])
    copies = np.concatenate([np.arange(n) for n in weights[0][of_log.users]])
    users = of_log.users[rows] + of_log.num_users * copies
    wanted = [
        metrics.gauc(of_log.labels[rows], one[rows], users).value for one in predictions["poor"]
    ]
    assert results["gauc"]["poor"][1][0] == pytest.approx(np.mean(wanted), abs=1e-6)


def test_differences_of_a_log_are_turned_so_that_above_is_better(measured):
    of_log, results, _ = measured
    contrasts = [
        better("ranks", "It ranks better.", "good", "poor"),
        better("fits", "It fits better.", "good", "poor", measure="log_loss"),
        better("loses", "It ranks better.", "poor", "good"),
        level("ties", "They tie.", "good", "same", margin=0.05),
        better("sorts", "It sorts better.", "good", "poor", measure="gauc"),
    ]
    twins = [
        dataclasses.replace(one, finding=f"{one.finding}_again", measure="gauc", margin=0.1)
        for one in contrasts[2:4]
    ]
    declared = experiment(*contrasts, *twins, protocol=2)
    found = real.findings(declared, results, table(), of_log.num_users)
    assert found["ranks"]["verdict"] == "better" and found["ranks"]["unit"] == "AUC"
    assert found["fits"]["verdict"] == "better" and found["fits"]["unit"] == "nats"
    assert found["loses"]["verdict"] == "cannot tell" and found["loses"]["reversed"]
    assert found["ties"]["verdict"] == "level" and found["sorts"]["confirmed"]
    assert found["sorts"]["unit"] == "GAUC" and found["sorts"]["margin"] == 0.005
    assert found["ranks"]["worlds"] == 200 and found["ranks"]["users"]
    assert found["ranks"]["margin"] == 0.003


def test_runs_that_failed_leave_no_verdict_on_a_log_either(measured):
    of_log, results, _ = measured
    contrast = better("ranks", "It ranks better.", "good", "poor")
    found = real.findings(experiment(contrast), results, table(["poor"]), of_log.num_users)
    assert found["ranks"]["verdict"] == "cannot tell"
    assert found["ranks"]["failed"]["poor"]["runs"] == [5, 5]


def test_a_scoreboard_is_wider_than_its_pairs_and_resolution_is_their_half_width(measured):
    of_log, results, _ = measured
    board = real.scoreboards(results, ["poor"], of_log.num_users)["auc"]["poor"]
    widths = real.resolution(results, of_log.num_users)["auc"]
    assert set(board) == {"good", "same"}
    assert set(widths) == {"good to same", "good to poor", "same to poor"}
    for name in board:
        low, high = board[name]["interval"]
        assert (high - low) / 2 >= widths[f"{name} to poor"] - 1e-5 > 0


def test_lacking_data_are_told_in_one_line(monkeypatch):
    from recsys_lib.data import registry as data_registry

    def locate(name):
        raise data_registry.DataUnavailable(f"{name}: not found")

    assert logs.missing(None) is None and logs.missing("movielens") is None
    monkeypatch.setattr(data_registry, "locate", locate)
    assert logs.missing("kuairand_pure") == "kuairand_pure: not found"
    with pytest.raises(ValueError, match="expected 'movielens' or 'kuairand_pure', got 'ml'"):
        logs.load("ml")


def test_movielens_has_the_rates_that_trees_read():
    data = logs.load("movielens", columns=["user_id", *logs.RATES])
    numbers = [c.name for c in data.feature_columns if isinstance(c, NumericColumn)]
    assert numbers == list(logs.RATES)
    assert len(np.unique(data.test.group)) > 600


def test_an_experiment_on_a_log_is_run_and_recorded(tmp_path, monkeypatch):
    trees = "experiments.estimators:trees_on_ids"
    deep = Arm(name="deep", model=trees, space={"max_leaf_nodes": (4, 31)}, options={"max_iter": 9})
    stump = Arm(name="stump", model=trees, options={"max_iter": 9, "max_leaf_nodes": 2})
    one = Experiment(
        identifier="small.log",
        question="Do deep trees help?",
        data="movielens",
        split="per_user",
        arms=[deep, stump],
        contrasts=[better("deep_wins", "Deep trees win.", "deep", "stump")],
        references=["stump"],
    )
    data = logs.with_rates(log(), "video_id")
    monkeypatch.setattr(cells, "_log", lambda name, knobs: data)
    monkeypatch.setattr(registry, "load", lambda *_: one)
    monkeypatch.setattr(running, "Workers", HereWorkers)
    store = running.run(one, running.Places(build=tmp_path, results=tmp_path / "results"))
    made = records.make(one, store, results=tmp_path)
    manifest = made["manifest"]
    assert manifest["users"] == len(np.unique(data.test.group)) and manifest["worlds"] is None
    assert set(manifest["scoreboard"]["auc"]["stump"]) == {"deep"}
    records.write(made, tmp_path)
    again = records.verdicts_again(one, tmp_path)
    assert {name: kept | again[name] for name, kept in manifest["findings"].items()} == (
        manifest["findings"]
    )
    assert manifest["looks"] == 1 and "gauc" in manifest["summary"][0]
    # Five initialisations of each arm, with the predictions that the bootstrap needs.
    assert made["table"].count("\n") == 1 + 2 * 5
    table = records.read_table("small.log", tmp_path)
    cells_of = table.set_index(["model", "initialisation"])
    user, label, apart = data.test.group, data.test.label, []
    for arm in one.arms:
        for number, kept in enumerate(real.predictions_of(one, store, table)[""][arm.name]):
            assert kept.shape == (2, len(data.test))
            # GAUC is of the rows held still, AUC and the other GAUC of the rows as they are.
            as_they_are, still = kept
            row = cells_of.loc[(arm.name, number)]
            assert row["auc"] == pytest.approx(metrics.auc(label, as_they_are), abs=1e-4)
            wanted = [metrics.gauc(label, one, user).value for one in (still, as_they_are)]
            assert row[["gauc", "gauc_moving"]].tolist() == pytest.approx(wanted, abs=1e-4)
            apart.append(abs(wanted[0] - wanted[1]))
    assert max(apart) > 0.001  # the deep trees read what moves
    # Tuning draws initialisations of its own, and no test row.
    assert {key[5] for key in store.done if key[0] == "tune"} == {10, 11, 12}
    predictions_path(store.folder, "deep", 3).unlink()
    with pytest.raises(ValueError, match="arm 'deep': expected its predictions"):
        real.predictions_of(one, store, table)


def test_each_scenario_of_a_log_is_a_slice_of_its_test_rows():
    experiment = Experiment(
        identifier="tests.eras",
        question="Does it say anything?",
        data="movielens",
        split="per_user",
        knobs={"scenario": "era"},
        parts=("era 1", "era 5"),
        arms=[Arm(name="a", model=GUESS), Arm(name="b", model=GUESS)],
        contrasts=[better("one", "One leads.", "a", "b")],
    )
    test = cells.dataset_of(experiment, None, 0).test
    assert sorted(test.slices) == [f"era {number}" for number in range(6)]  # 0: an unknown year
    for number in range(6):
        np.testing.assert_array_equal(test.slices[f"era {number}"], test.features["era"] == number)
    assert experiment.all_parts == ("all", "era 1", "era 5")
