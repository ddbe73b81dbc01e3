"""Objectives over groups and watched scores: from a raw log to a service."""

import json
import os
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from asgi import ask
from scipy import special
from tiny_log import run, write_log

from recsys_lib.second_order import build_fm
from recsys_lib.training import Adam, fit, gauc, load, log_loss, predict, validation
from recsys_lib.training.objectives import JRC, Pairs
from recsys_pipeline import files
from recsys_pipeline.__main__ import main
from recsys_pipeline.files.loading import described
from recsys_pipeline.serve import create_application
from recsys_pipeline.train import make_plan, running, runs
from recsys_pipeline.train.planning import check_with

LOG = Path(os.environ.get("RECSYS_DATA", "")) / "kuairand_pure/data"
LOG /= "log_standard_4_22_to_5_08_pure.csv"
KUAIRAND = f"""\
files = "{LOG}"
group = "user_id"
other_columns = "ignore"
[time]
column = "time_ms"
unit = "ms"
[split]
valid_from = 2022-05-02
test_from = 2022-05-06
[groups]
page = {{ surface = "tab" }}
[labels.is_click]
[columns.user_id]
group = "user"
[columns.video_id]
group = "item"
min_count = 5
[columns.tab]
group = "item"
"""
FM = ["--model", "fm", "--tasks", "click", "--option", "embedding_dim=4"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = write_log(tmp_path_factory.mktemp("shop"))
    said = (folder / "data.toml").read_text()
    (folder / "data.toml").write_text(f'{said}[groups]\npage = {{ surface = "page", gap = "1h" }}')
    return folder


@pytest.mark.skipif(not LOG.is_file(), reason="KuaiRand-Pure is not there")
def test_from_a_raw_log_to_calibrated_answers_in_the_same_order(tmp_path, capsys):
    """A model of pairs knows no probability; Platt's line gives one, and keeps the order."""
    (tmp_path / "data.toml").write_text(KUAIRAND)
    words = ["train", str(tmp_path / "data.toml"), "--model", "fm", "--no-cache"]
    words += ["--objective", "pairs", "--watch", "gauc", "--epochs", "3", "--learning-rate", "0.01"]
    words += ["--output", str(tmp_path / "run"), "--export", str(tmp_path / "e"), "--calibrate"]
    assert main(words) == 0
    said = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert said["watched"] == "gauc" and 0 < said["pairs_lost"] < 0.2
    printed = capsys.readouterr().out
    assert "the validation score that chose the epoch: gauc" in printed
    assert f"pairs that borders of batches cut: {said['pairs_lost']:.2%}" in printed
    table = pd.read_csv(tmp_path / "run" / "predictions.csv")
    label, told = (table[name].to_numpy(np.float64) for name in ("label_is_click", "is_click"))
    line = said["calibration"]["is_click"]
    answers = special.expit(line["slope"] * special.logit(told) + line["intercept"])
    assert abs(answers.mean() - label.mean()) < 0.02 < abs(told.mean() - label.mean())
    assert log_loss(label, answers) < log_loss(label, told) - 0.01
    within = gauc(label, told, table["group"].to_numpy()).value
    assert gauc(label, answers, table["group"].to_numpy()).value == pytest.approx(within, abs=1e-9)
    assert within > 0.6
    application, log = create_application(tmp_path / "e"), pd.read_csv(LOG)
    log = log.loc[table["row_id"], ["user_id", "video_id", "tab"]].reset_index(drop=True)
    served = log.assign(told=told, answer=answers)
    for user in served["user_id"].value_counts().index[:5]:
        rows = served[served["user_id"] == user]
        body = {"request": {"user_id": user}}
        body["candidates"] = {name: rows[name].tolist() for name in ("video_id", "tab")}
        status, _, answer = ask(application, "/rank", body)
        assert status == 200
        np.testing.assert_allclose(answer["scores"]["is_click"], rows["answer"], atol=2e-5)
        assert (np.diff(rows["told"].to_numpy()[answer["order"]]) < 1e-6).all()


def test_the_options_are_those_of_fit(shop, tmp_path, capsys):
    """By hand, with the objective and the score as Python says them: the same weights."""
    words = ["--objective", "pairs:page", "--watch", "log_loss", "--learning-rate", "0.01"]
    assert run(shop, tmp_path, *FM, *words, "--group", "page") == 0
    data = files.load(shop / "data.toml")
    keras.utils.set_random_seed(0)
    model = build_fm(data.feature_columns, "click", embedding_dim=4)
    options = {"objective": Pairs("page"), "watch": "log_loss"}
    history = fit(model, data, Adam(0.01), epochs=2, batch_size=64, **options)
    found = load(tmp_path / "run" / "model.keras")
    for mine, theirs in zip(model.get_weights(), found.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    said = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert said["training"]["objective"] == "pairs:page"
    assert said["pairs_lost"] == pytest.approx(history.epochs["pairs_lost"].mean())
    assert (said["watched"], said["group"]) == (history.watched, "page")
    told = predict(model, data.test.features)["click"]
    expected = gauc(data.test.labels["click"], told, data.test.groups["page"]).value
    assert said["scores"]["test"]["all"]["click"]["gauc"] == pytest.approx(expected)
    assert "GAUC is within page" in capsys.readouterr().out


def test_gauc_of_few_pairs_is_told_to_be_the_log_loss(shop, tmp_path, capsys):
    assert run(shop, tmp_path, *FM, "--watch", "gauc:page") == 0
    assert json.loads((tmp_path / "run" / "scores.json").read_text())["watched"] == "log_loss"
    printed = capsys.readouterr().out
    assert "the validation score that chose the epoch: log_loss" in printed
    assert "cut" not in printed


def test_rows_and_auc_are_what_is_said_without_a_word(shop, tmp_path):
    assert run(shop, tmp_path / "a", *FM) == 0
    assert run(shop, tmp_path / "b", *FM, "--objective", "rows", "--watch", "auc") == 0
    found = [pd.read_csv(tmp_path / one / "run" / "predictions.csv") for one in "ab"]
    pd.testing.assert_frame_equal(*found)
    (plain,) = make_plan(names=["fm"]).lines()[0]
    assert plain.described()["fit"]["objective"] is plain.described()["fit"]["watch"] is None


@pytest.mark.parametrize(("changed", "told"), [("objective", "list"), ("watch", "log_loss")])
def test_a_run_goes_on_with_its_own_objective_alone(
    shop, tmp_path, capsys, monkeypatch, changed, told
):
    words = ["--objective", "pairs", "--watch", "auc"]
    monkeypatch.setattr(running, "golden_of", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(shop, tmp_path, *FM, *words)
    monkeypatch.undo()
    words[words.index(f"--{changed}") + 1] = told
    assert run(shop, tmp_path, *FM, *words) == 1
    assert changed in capsys.readouterr().err


@pytest.mark.parametrize("rows_per_chunk", [100, 1000])
@pytest.mark.parametrize(
    ("words", "told"),
    [(["--objective", "pairs:page"], "training"), (["--watch", "gauc:page"], "validation")],
)
def test_a_run_does_not_go_on_with_pages_of_another_gap(
    shop, tmp_path, capsys, monkeypatch, words, told, rows_per_chunk
):
    monkeypatch.setattr(runs, "ROWS_PER_CHUNK", rows_per_chunk)
    monkeypatch.setattr(validation, "ENOUGH_PAIRS", 1)
    monkeypatch.setattr(running, "golden_of", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(shop, tmp_path, *FM, *words)
    said = (shop / "data.toml").read_text().replace('gap = "1h"', 'gap = "150s"')
    (shop / "other.toml").write_text(said)
    assert run(shop, tmp_path, *FM, *words, data="other.toml") == 1
    message = capsys.readouterr().err
    assert f"another run, hash of the groups of the {told} rows was" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"objective": "pair"}, r"FM: objective: expected one of \('rows', 'pairs', 'list', 'jrc'"),
        (
            {"watch": "ndcg"},
            r"FM: watch: expected one of \('auc', 'gauc', 'log_loss'\), got 'ndcg'",
        ),
        (
            {"objective": "pairs:tab"},
            r"objective: expected a group of \['user', 'page'\], got 'tab'",
        ),
        ({"watch": "gauc:tab"}, r"watch: expected a group of \['user', 'page'\], got 'tab'"),
    ],
)
def test_a_wrong_word_is_told_before_a_row_is_read(shop, words, message):
    with pytest.raises(ValueError, match=message):
        check_with(_line("fm", **words), {"click": "binary"}, described(shop / "data.toml", {}))


def test_an_objective_that_the_model_does_not_take_is_told_before_a_row_is_read(shop):
    said = described(shop / "data.toml", {})
    with pytest.raises(
        ValueError, match=r"lr: .*expected a network whose last layer is the logit of 'click'"
    ):
        check_with(_line("lr", objective="jrc"), {"click": "binary"}, said)
    check_with(_line("deepfm", objective="jrc"), {"click": "binary"}, said)
    assert _line("deepfm", objective="jrc:page").training.asked() == JRC("page")


def _line(name, **settings):
    (line,) = make_plan(names=[name], **settings).lines()[0]
    return line
