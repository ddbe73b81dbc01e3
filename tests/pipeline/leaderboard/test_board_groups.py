"""A board within pages: rows of one user and surface, in a description or by two options."""

import json

import numpy as np
import pandas as pd
import pytest
from small_board import write_rows

from recsys_lib.data import pages
from recsys_lib.training.metrics import gauc, num_pairs
from recsys_pipeline.leaderboard import command
from recsys_pipeline.leaderboard.resampling import Log, user_weights, weighted_gauc

SAID = """
files = "rows.csv"
group = "user"
[time]
column = "now"
[split]
by = "time"
ratios = [0.4, 0.2, 0.4]
[labels.label]
[columns.user]
[columns.item]
[columns.hour]
[groups]
page = { surface = "hour", gap = "5min" }
"""
FAST = ["--models", "LR,FM", "--seeds", "1", "--epochs", "1", "--no-cache"]
OPTIONS = ["--time", "now", "--split", "time", "--ratios", "0.4,0.2,0.4", "--label", "label"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    table = pd.read_csv(write_rows(folder / "rows.csv", 2000))
    table.assign(now=5 * np.arange(2000)).to_csv(folder / "rows.csv", index=False)
    (folder / "data.toml").write_text(SAID)
    return folder


@pytest.fixture(scope="module")
def within_pages(folder):
    assert command.main([str(folder / "data.toml"), *FAST, "--group", "page", *kept(folder)]) == 0
    return pd.read_csv(folder / "board" / "scores.csv").set_index("model")["gauc"]


def kept(folder):
    return ["--folder", str(folder / "board")]


def rows_of_test(folder):
    table = pd.read_csv(folder / "rows.csv").iloc[1200:]
    page = pages(table["user"], table["now"], table["hour"], "5min")
    return table["label"].to_numpy(), table["user"].to_numpy(), page


def test_gauc_is_that_of_pages(folder, within_pages):
    label, user, page = rows_of_test(folder)
    assert len(np.unique(page)) > 2 * len(np.unique(user)) * 7
    for model in ("LR", "FM"):
        (path,) = (folder / "board" / "runs").glob(f"{model.lower()}_*.npy")
        assert within_pages[model] == pytest.approx(gauc(label, np.load(path), page).value)
        board = pd.read_csv(folder / "board" / "board.csv").set_index("model").loc[model]
        assert board["gauc"] == pytest.approx(within_pages[model])
        assert board["gauc_low"] < within_pages[model] < board["gauc_high"]


def test_rows_users_and_pairs_are_told_once(folder, within_pages):
    label, user, page = rows_of_test(folder)
    all_pairs, within = num_pairs(label, user), num_pairs(label, page)
    told = (folder / "board" / "board.md").read_text()
    assert (
        f"800 test rows of 7 users hold {all_pairs:,} pairs of a positive and a negative row of "
        f"one user; GAUC compares the {within:,} of them within page, {within / all_pairs:.1%}."
    ) in told
    assert told.count("GAUC compares") == 1
    assert json.loads((folder / "board" / "made.json").read_text())["group"] == "page"


def test_two_options_describe_the_same_pages(folder, within_pages, capsys):
    output = ["--output", str(folder / "scores.csv")]
    words = [str(folder / "rows.csv"), *OPTIONS, "--ignore", "now", *FAST, *output]
    assert command.main([*words, "--group", "user,hour", "--gap", "5min"]) == 0
    found = pd.read_csv(folder / "scores.csv").set_index("model")["gauc"]
    pd.testing.assert_series_equal(found, within_pages)
    assert "within page, " in capsys.readouterr().out
    assert command.main([*words, "--group", "user"]) == 0
    assert "of one user, which GAUC compares." in capsys.readouterr().out


def test_a_folder_is_of_one_group(folder, within_pages):
    with pytest.raises(ValueError, match="group: None here, 'page' there"):
        command.main([str(folder / "data.toml"), *FAST, *kept(folder)])


def test_models_may_be_trained_on_what_judges_them(folder, tmp_path):
    words = ["--group", "page", "--objective", "pairs:page", "--watch", "gauc:page"]
    words += ["--folder", str(tmp_path)]
    assert command.main([str(folder / "data.toml"), *FAST, *words]) == 0
    said = json.loads((tmp_path / "made.json").read_text())["models"]["FM"]["fit"]
    assert (said["objective"], said["watch"]) == ("pairs:page", "gauc:page")


def test_users_are_drawn_with_all_their_groups():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 900)
    log = Log(rng.integers(0, 2, 900), groups // 6, groups)
    scores = np.round(rng.random(900), 1)  # many equal ones
    weights = user_weights(log, 20)
    found = weighted_gauc(scores, log, weights)
    for draw in (0, 7, 19):
        drawn = np.repeat(np.arange(10), weights[draw])
        rows = [np.flatnonzero(log.users == user) for user in drawn]
        number = np.repeat(np.arange(len(rows)), [len(some) for some in rows])
        rows = np.concatenate(rows)
        expected = gauc(log.labels[rows], scores[rows], groups[rows] + 60 * number).value
        assert found[draw] == pytest.approx(expected)
