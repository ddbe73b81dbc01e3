"""The board of ordinary platforms: what is declared, what is told, and how a variance is chosen."""

import dataclasses
import functools
import json

import numpy as np
import pytest
from test_evidence_findings import GAPS, NOISE, experiment, table

from experiments.engine import cells, judging, registry, running
from experiments.engine.contrasts import better
from experiments.engine.differences import Compared
from experiments.engine.findings import finding_of
from experiments.scoreboards import _chosen, _ordinary, _platforms
from recsys_lib.data import simulator
from recsys_lib.data.simulator.ordinary_teaching import expected_auc
from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.training.metrics import auc, gauc, log_loss

OPENED = {*range(40), *range(100, 104), *range(200, 280)}
"""Seeds of platforms that somebody has looked at before the board."""
TINY = {"num_rows": 3_000, "num_valid_rows": 1_000, "num_test_rows": 400}
FIT = {"epochs": 3, "batch_size": 500, "patience": 2}
RECIPES = {arm.name: {"learning_rate": 2e-3} for arm in _ordinary.arms()} | {"trees": {}}


@functools.cache
def platform():
    return _platforms.platform(**TINY, first=200, seed=1)


@functools.cache
def drawn():
    """The platform before anything was told."""
    return simulator.ordinary(**TINY, seed=201)


def board():
    return registry.load("scoreboards.ordinary")


def test_the_arms_are_those_that_were_asked_for():
    one = board()
    networks = {"FM", "FwFM", "DNN", "Wide & Deep", "DeepFM", "DCN-V2", "xDeepFM", "FiBiNET"}
    readers = {"mean", "DIN", "DIN with crosses"}
    objectives = {"DCN-V2, pairs": "pairs:request", "DCN-V2, JRC": "jrc:request"}
    told = {"logistic regression", "trees", *networks, *readers, *objectives}
    untold = {f"{name}, nothing told" for name in ("logistic regression", "DNN", "DCN-V2", "DIN")}
    assert {arm.name for arm in one.arms} == told | untold
    for arm in one.arms:
        if arm.name == "trees":
            continue
        assert len(arm.options["variances"]) == 3
        assert arm.options.get("told", True) == (arm.name in told)
        assert arm.options.get("objective", "rows") == objectives.get(arm.name, "rows")
        is_reader = arm.name.split(",")[0] in readers
        assert arm.options.get("reads_history", False) == is_reader
    assert one.points == one.tuning_points == (10_000, 100_000)
    assert one.protocol == 3 and one.group == "request"


def test_a_loss_over_rows_stops_by_its_own_and_the_order_judges_the_others():
    one = board()
    for arm in one.arms:
        judged_by_order = "objective" in arm.options
        assert one.ordering_group(arm, {}) == ("request" if judged_by_order else None)


def test_contrasts_are_few_and_have_a_margin_of_a_point():
    contrasts = board().contrasts
    assert len(contrasts) <= 12
    assert {one.margin for one in contrasts} == {1.0}
    assert {one.measure for one in contrasts} == {"auc", "gauc_gap"}


def test_platforms_are_none_that_were_opened_and_replication_has_others():
    one, again = board(), _ordinary.again(RECIPES)
    first = one.knobs["first"]
    tuning, own = {first + world for world in (0, 1, 2)}, {first + w for w in range(*one.worlds)}
    others = {first + world for world in range(*again.worlds)}
    assert len(own) == 16 and len(others) == 12
    assert len(tuning | own | others | OPENED) == 3 + 16 + 12 + len(OPENED)


def test_platforms_that_differ_are_no_unstable_arm():
    # A platform that teaches little is no run that stood still, so the mean is what is judged.
    frame = table([None], a=np.linspace(30, 90, 8) + 5 + NOISE, b=np.linspace(30, 90, 8))
    lead = better("wins", "It wins.", "a", "b")
    for differ, unit in ((True, "points"), (False, "runs")):
        one = dataclasses.replace(experiment(lead, protocol=3), worlds_differ=differ)
        found = finding_of(Compared(one, lead, frame), GAPS)
        assert found["unit"] == unit and ("unstable" in found) != differ
    assert all(
        one.worlds_differ for one in (board(), _ordinary.million(RECIPES), _ordinary.again(RECIPES))
    )


def test_a_world_is_the_platform_of_that_seed():
    for name in ("train", "valid"):
        before, after = getattr(drawn(), name), getattr(platform(), name)
        for column, values in before.features.items():
            np.testing.assert_array_equal(after.features[column], values)
        np.testing.assert_array_equal(after.label, before.label)


def test_what_follows_the_board_tunes_nothing_and_takes_its_recipes():
    million, again = _ordinary.million(RECIPES), _ordinary.again(RECIPES)
    assert [arm.name for arm in million.arms] == list(_ordinary.OF_MILLION)
    assert million.knobs["num_rows"] == 1_000_000
    assert set(range(*million.worlds)) < set(range(*board().worlds))
    assert len(range(*million.worlds)) == 4
    assert {arm.name for arm in again.arms} == {arm.name for arm in board().arms if not arm.side}
    for one in (million, again):
        assert len(running.tuned_arms(one)) == 1
        for arm in one.arms:
            assert not arm.space
            assert arm.settings({}) == arm.options
            assert arm.options.get("learning_rate") == RECIPES[arm.name].get("learning_rate")
    assert million.arm("DIN").options["tried_on"] == 100_000
    assert "tried_on" not in again.arm("DIN").options


def test_recipes_come_from_the_record_of_the_larger_size(monkeypatch):
    def choice(rate):
        return {"options": {"learning_rate": rate}}

    arms = {"FM": {"choice": {"10000": choice(0.1), "100000": choice(0.2)}}}
    monkeypatch.setattr(_ordinary.records, "read", lambda _: {"arms": arms})
    assert _ordinary.recorded() == {"FM": {"learning_rate": 0.2}}
    monkeypatch.setattr(_ordinary.records, "read", lambda _: None)
    with pytest.raises(ValueError, match=r"scoreboards\.ordinary: expected a record, got none"):
        _ordinary.recorded()


def test_a_test_row_has_as_many_clicks_as_its_probability_says():
    before, after = drawn().test, platform().test
    assert len(after) == 3 * len(before) and len(np.unique(after.row_id)) == len(after)
    p = before.probability["click"]
    clicks = after.label.reshape(-1, 3).sum(axis=1)
    assert (np.abs(clicks - 3 * p) < 1).all()
    for name, values in before.features.items():
        np.testing.assert_array_equal(after.features[name], np.repeat(values, 3, axis=0))
    np.testing.assert_array_equal(after.group_of("request"), np.repeat(before.group, 3))


def test_asked_often_the_score_is_the_one_to_be_expected():
    split = drawn().test
    p, random = split.probability["click"], np.random.default_rng(0)
    score = p + 0.2 * random.random(len(p))
    often = _platforms.asked_again(split, 50, random)
    found = auc(often.label, np.repeat(score, 50))
    assert found == pytest.approx(expected_auc(score, p), abs=2e-3)


def rates(data, name):
    """By hand: smoothed log-odds of each id over the base rate, from all training rows."""
    train, base = data.train, data.train.label.mean()

    def of(one):
        rows = train.features[name] == one
        share = (train.label[rows].sum() + 20 * base) / (rows.sum() + 20)
        return np.log(share / (1 - share)) - np.log(base / (1 - base))

    return np.array([of(one) for one in data.test.features[name]])


@pytest.mark.parametrize("name", ["user_id", "category"])
def test_rates_of_test_rows_come_from_all_training_rows(name):
    found = platform().test.features[f"rate_of_{name}"]
    np.testing.assert_allclose(found, rates(platform(), name), atol=1e-5)


def test_no_row_of_a_request_tells_the_others_what_was_clicked():
    before = drawn()
    request = before.train.group[1_234]
    own = before.train.group == request
    label = np.where(own, 1 - before.train.label, before.train.label)
    turned = dataclasses.replace(before.train, labels={"click": label.astype(np.float32)})
    told = [_platforms.with_told(one).train for one in (before, _with_train(before, turned))]
    for name in ("rate_of_user_id", "rate_of_scenario"):
        first, second = (one.features[name] for one in told)
        np.testing.assert_array_equal(first[own], second[own])
        assert not np.array_equal(first, second)


def _with_train(dataset, train):
    return dataclasses.replace(dataset, train=train)


def test_counts_and_matches_are_those_of_loops():
    data = platform()
    test = data.test
    for place in range(0, len(test), 97):
        item, history = test.features["category"][place], test.features["history_category"][place]
        matches = sum(one == item for one in history.tolist())
        assert test.features["matches_of_category"][place] == pytest.approx(np.log10(1 + matches))
        user = test.features["user_id"][place]
        rows = (data.train.features["user_id"] == user).sum()
        assert test.features["count_of_user_id"][place] == pytest.approx(np.log10(1 + rows))


def test_networks_read_ids_numbers_and_seven_told_columns():
    data, before = platform(), {column.name for column in drawn().feature_columns}
    histories = {c.name for c in data.feature_columns if isinstance(c, SequenceColumn)}
    told = {f"{kind}_of_{name}" for kind in ("rate", "count") for name in ("user_id", "item_id")}
    told |= {f"matches_of_{name}" for name in ("item_id", "category", "item_2")}
    read = functools.partial(_platforms.names_read, data)
    assert set(read(True, False)) == (before - histories) | told
    assert set(read(False, True)) == before
    assert all(column.group != "scenario" for column in data.feature_columns)


def test_trees_read_every_number_and_no_id():
    data = platform()
    ids = {c.name for c in data.feature_columns if isinstance(c, CategoricalColumn)}
    numbers = {c.name for c in data.feature_columns if isinstance(c, NumericColumn)}
    assert {f"rate_of_{name}" for name in ids} < numbers
    predict = _chosen.trees(data, seed=0, max_leaf_nodes=5)
    score = predict(data.test)["click"]
    assert auc(data.test.label, score) > 0.6
    random = np.random.default_rng(0)
    mixed = {name: random.permutation(data.test.features[name]) for name in ids}
    changed = dataclasses.replace(data.test, features={**data.test.features, **mixed})
    np.testing.assert_array_equal(predict(changed)["click"], score)


def trained(data, **changes):
    settings = {"model": "lr", "variances": (1e-1, 1e-9), "fit": FIT, "learning_rate": 1e-2}
    return _chosen.network(data, seed=0, **settings | changes)


def each_alone(data, **changes):
    """The validation rows' predictions under each variance, trained without the other."""
    return {
        variance: trained(data, variances=(variance,), **changes)(data.valid)["click"]
        for variance in (1e-1, 1e-9)
    }


def test_the_variance_with_the_lowest_validation_loss_is_chosen():
    data = platform()
    loss = {key: log_loss(data.valid.label, p) for key, p in each_alone(data).items()}
    found = trained(data)
    assert found.variance == min(loss, key=loss.get)
    rows = {row["task"]: row for row in found.rows(())}
    assert list(rows) == ["variance 0.1", "variance 1e-09"]
    for key, one in loss.items():
        assert rows[f"variance {key:g}"]["log_loss"] == pytest.approx(one, abs=1e-6)
    alone = trained(data, variances=(found.variance,))
    np.testing.assert_array_equal(found(data.test)["click"], alone(data.test)["click"])


def test_pairs_choose_by_the_order_of_validation_requests():
    data, changes = platform(), {"objective": "pairs:request", "watch": "gauc:request"}
    found = trained(data, **changes)
    order = {
        key: gauc(data.valid.label, p, data.valid.group).value
        for key, p in each_alone(data, **changes).items()
    }
    assert found.variance == max(order, key=order.get)


@pytest.mark.parametrize("objective", ["rows", "pairs:request"])
def test_a_trial_is_judged_by_what_its_arm_stops_by(objective, monkeypatch):
    monkeypatch.setattr(judging, "ENOUGH_PAIRS", 10)
    more = {} if objective == "rows" else {"objective": objective, **_ordinary.ORDER}
    arm = _ordinary.network("lines", "lr", {}, **more)
    arm = dataclasses.replace(arm, options={**arm.options, "variances": (1e-2,), "fit": FIT})
    shown, one = cells.for_tuning(platform()), board()
    rows = cells.run_arm(one, arm, {"learning_rate": 1e-2}, shown, 0, tuple(shown.test.slices))
    json.dumps(rows)
    whole, kept = rows
    assert kept["task"] == "variance 0.01" and kept["slice"] == "validation"
    assert kept["gauc"] == pytest.approx(whole["gauc"]) and kept["cap"] == FIT["epochs"]
    score = cells.trial_score(shown, rows, one.ordering_group(arm, {}))
    assert score == (whole["log_loss"] if objective == "rows" else -whole["gauc"])


def test_what_decides_is_what_the_arm_stops_by():
    rows = {0.1: {"log_loss": 0.6, "gauc": 0.8}, 0.01: {"log_loss": 0.5, "gauc": 0.7}}
    assert _chosen.best_of(rows, "log_loss") == 0.01
    assert _chosen.best_of(rows, "gauc:request") == 0.1
    assert _chosen.best_of({}, "log_loss") is None


def test_no_choice_sees_a_test_row():
    data = platform()
    turned = dataclasses.replace(data.test, labels={"click": 1 - data.test.label})
    before, after = (
        trained(one).rows(()) for one in (data, dataclasses.replace(data, test=turned))
    )
    assert before == after


def test_among_many_rows_variances_are_tried_on_the_first():
    data = platform()
    few = dataclasses.replace(data, train=data.train.take(np.arange(1_000)))
    wanted = trained(few).variance
    found = trained(data, tried_on=1_000)
    assert found.variance == wanted and len(found.rows(())) == 1
    whole = trained(data, variances=(wanted,))
    np.testing.assert_array_equal(found(data.test)["click"], whole(data.test)["click"])
    assert len(trained(data, tried_on=len(data.train)).rows(())) == 2


def test_a_prior_is_that_of_its_variance_and_is_outweighed_by_rows(monkeypatch):
    seen, make = [], _chosen.EmbeddingL2
    monkeypatch.setattr(
        _chosen, "EmbeddingL2", lambda *of, **more: seen.append(make(*of, **more)) or seen[-1]
    )
    trained(platform(), model="fm", variances=(1e-2,))
    # Batches of 500 rows: of vectors, and of linear weights whose variance is ten times that.
    assert [one.strength for one in seen] == pytest.approx([1 / 5, 1 / 50])
    counts = seen[0].id_counts["user_id"]
    ids = platform().train.features["user_id"]
    np.testing.assert_array_equal(counts[1:], np.bincount(ids, minlength=len(counts))[1:])


def test_where_every_loss_is_infinite_the_run_is_at_the_base_rate():
    data = platform()
    found = trained(data, learning_rate=1e30, model="dnn")
    assert found.variance is None and found.rows(()) == []
    assert set(found(data.test)["click"].tolist()) == {float(data.train.label.mean())}


def test_crosses_stand_beside_the_network_of_the_reader():
    data = platform()
    names = _platforms.names_read(data, told=True, reads_history=True)
    row = _chosen.resolve_name(_ordinary.CROSSED_READER)
    model = row(data.with_columns(names).feature_columns, **_ordinary.ATTENTION)
    layers = {layer.name for layer in model.layers}
    assert {"cross_1", "cross_2", "cross_3", "deep", "interest"} <= layers
    assert set(model.input) == set(names)


def test_what_rows_can_teach_stands_beside_the_models():
    found, truth = _platforms.taught(1, **TINY, first=200), platform().truth
    assert found["single"] <= found["second"] + 1
    assert found["everything"] == truth["points"][-1, 0]
    assert found["with forms"] == truth["points_of_forms"][-1, 0]
    assert truth["rows"][0] == TINY["num_rows"]
