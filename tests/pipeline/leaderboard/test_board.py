"""The board: resumed after a kill, chosen on validation rows, with costs and remarks."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from small_board import FAST, load, write_rows

from recsys_lib.data import Dataset, Split
from recsys_lib.features import CategoricalColumn, SequenceColumn
from recsys_lib.locks import locked
from recsys_lib.training import Comparison, auc
from recsys_pipeline import leaderboard, train
from recsys_pipeline.leaderboard import command
from recsys_pipeline.leaderboard.board import CHANCE, REMARK
from recsys_pipeline.leaderboard.report import as_text
from recsys_pipeline.leaderboard.store import checksum
from recsys_pipeline.train.models import plain_models, provided
from recsys_pipeline.train.recipe_files import RecipeFile

MEASURED = ["seconds", "trace_seconds", "examples_per_second", "milliseconds"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("board") / "rows.csv")


@pytest.fixture(scope="module")
def dataset(path):
    return load(path, group="user")


def plan_of(*names, seeds=2, recipe=None, **fit):
    width = {} if set(names) == {"LR"} else {"embedding_dim": 4}
    return train.make_plan(recipe, names, seeds=seeds, **{**FAST, **width, **fit})


def quiet(text):
    pass


def scores(board):
    return board.table.drop(columns=MEASURED)


def test_the_numbers_are_those_of_a_comparison(dataset):
    plan = plan_of("fm", "LR")
    board = leaderboard.run(dataset, plan, show=quiet)
    recipes = {line.name: line.recipe() for line in plan.lines()[0]}
    table = Comparison(recipes).on(dataset, 2, keep=False).table
    wanted = ["model", "seed", "auc", "gauc", "log_loss", "epochs", "parameters"]
    there = board.table[wanted].reset_index(drop=True)
    pd.testing.assert_frame_equal(there, table[wanted], check_dtype=False)


def test_what_is_done_is_read_and_the_rest_is_run(dataset, tmp_path):
    folder = tmp_path / "board"
    first = leaderboard.run(dataset, plan_of("LR"), folder=folder, show=quiet)
    told = []
    both = leaderboard.run(dataset, plan_of("LR", "FM"), folder=folder, show=told.append)
    of_lr = both.table[both.table.model == "LR"].reset_index(drop=True)
    expected = first.table[first.table.model == "LR"].reset_index(drop=True)
    pd.testing.assert_frame_equal(of_lr, expected, check_dtype=False)
    assert "LR" in told[0] and told[0].split("LR")[1].split()[:3] == ["0.0", "s", "0"]
    # What an earlier command ran there stays on the page.
    alone = leaderboard.run(dataset, plan_of("FM"), folder=folder, show=quiet)
    assert set(alone.summary.model) == {"LR", "FM"} and set(alone.lines) == {"LR", "FM"}
    pd.testing.assert_frame_equal(alone.summary, both.summary)
    again = leaderboard.run(dataset, plan_of("LR", "FM"), folder=folder, show=quiet)
    pd.testing.assert_frame_equal(again.table, both.table, check_dtype=False)
    pd.testing.assert_frame_equal(again.summary, both.summary)
    more = leaderboard.run(dataset, plan_of("LR", seeds=3), folder=folder, show=quiet)
    assert more.table[more.table.model == "LR"].seed.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda plan, data: (plan_of("LR", epochs=5), data), r"fit\.epochs: 5 here, 3 there"),
        (
            lambda plan, data: (plan, dataclasses.replace(data, test=data.valid, valid=data.test)),
            "data: ",
        ),
    ],
    ids=["epochs", "rows"],
)
def test_a_folder_of_another_board_is_refused(dataset, tmp_path, change, told):
    plan = plan_of("LR", seeds=1)
    leaderboard.run(dataset, plan, folder=tmp_path, show=quiet)
    before = {file: file.read_bytes() for file in (tmp_path / "runs").iterdir()}
    plan, data = change(plan, dataset)
    with pytest.raises(ValueError, match=rf"lr_.*seed_0.json: expected a run with .*, got {told}"):
        leaderboard.run(data, plan, folder=tmp_path, show=quiet)
    assert before == {file: file.read_bytes() for file in (tmp_path / "runs").iterdir()}


def test_a_folder_is_of_one_command_at_a_time(dataset, tmp_path):
    with (
        locked(tmp_path / ".lock", seconds=0),
        pytest.raises(ValueError, match="another command is at work there; wait for it"),
    ):
        leaderboard.run(dataset, plan_of("LR"), folder=tmp_path, show=quiet)
    assert not (tmp_path / "runs").exists()


def test_a_model_that_ends_at_its_cap_is_told(dataset):
    board = leaderboard.run(dataset, plan_of("fm", seeds=2, learning_rate=1e-3), show=quiet)
    assert board.table.epochs.dropna().tolist() == [3, 3]
    assert "best epoch is the last of 3 allowed" in board.summary.remark.item()


def test_of_one_run_there_is_no_verdict(dataset, tmp_path):
    one = leaderboard.run(dataset, plan_of("LR", "fm", seeds=1), folder=tmp_path, show=quiet)
    assert one.summary.verdict_auc.tolist() == ["best", "one run"]
    two = leaderboard.run(dataset, plan_of("LR", "fm", seeds=2), folder=tmp_path, show=quiet)
    assert two.summary.verdict_auc.tolist() == ["best", "behind"]


def test_rows_over_a_chunk_are_trained_on_in_chunks(dataset, monkeypatch):
    """In another order: other numbers, but a model that has learned."""
    from recsys_lib.data.chunks import ChunkedDataset
    from recsys_pipeline.train import runs

    monkeypatch.setattr(runs, "ROWS_PER_CHUNK", 300)
    rows = []
    real = runs.Trainer.fit
    monkeypatch.setattr(
        runs.Trainer, "fit", lambda self, data, **o: rows.append(data) or real(self, data, **o)
    )
    board = leaderboard.run(dataset, plan_of("fm", seeds=1, epochs=10), show=quiet)
    assert isinstance(rows[-1], ChunkedDataset) and board.summary.auc.item() > 0.8


def test_without_validation_a_run_is_read_again(dataset, tmp_path):
    plan = plan_of("LR", patience=None)
    boards = [leaderboard.run(dataset, plan, folder=tmp_path, show=quiet) for _ in range(2)]
    pd.testing.assert_frame_equal(boards[0].summary, boards[1].summary)
    assert "allowed" not in boards[0].summary.remark.item()  # the last epoch is no best one


def test_gauc_needs_users(path):
    with pytest.raises(ValueError, match="rank_by: expected users, within whom GAUC ranks"):
        leaderboard.run(load(path), plan_of("LR"), rank_by="gauc", show=quiet)


def test_a_damaged_run_is_named(dataset, tmp_path):
    leaderboard.run(dataset, plan_of("LR", seeds=1), folder=tmp_path, show=quiet)
    (file,) = (tmp_path / "runs").glob("*.json")
    file.write_text("{")
    with pytest.raises(ValueError, match=r"seed_0\.json: not a readable run .*; delete it"):
        leaderboard.run(dataset, plan_of("LR", seeds=1), folder=tmp_path, show=quiet)


def test_killed_and_started_again_it_ends_with_the_same_table(path, tmp_path):
    options = [str(path), "--group", "user", "--models", "fm,lr", "--seeds", "2", "--epochs", "40"]
    options += ["--patience", "40", "--batch-size", "20", "--option", "embedding_dim=4", "--folder"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        [sys.executable, "-m", "recsys_pipeline", "leaderboard", *options, str(killed)],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 500
    while not list(killed.glob("runs/*.npz")):  # it is in the middle of the first run
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(killed.glob("runs/lr*.json"))
    for folder in (killed, whole):
        assert command.main([*options, str(folder)]) == 0
    tables = [pd.read_csv(folder / "scores.csv") for folder in (killed, whole)]
    pd.testing.assert_frame_equal(*(table.drop(columns=MEASURED) for table in tables))
    for name in ("fm", "lr"):
        first, second = (next(f.glob(f"runs/{name}_*_seed_1.npy")) for f in (killed, whole))
        np.testing.assert_array_equal(np.load(first), np.load(second))


GRID = """
models = ["fm"]
[entries.fm.grid]
embedding_dim = [1, 6]
learning_rate = [1e-9, 0.05]
"""


def test_a_grid_is_chosen_on_validation_rows_and_the_test_rows_are_left_alone(dataset, tmp_path):
    (tmp_path / "grid.toml").write_text(GRID)
    recipe = train.read_recipe(str(tmp_path / "grid.toml"))
    plan = train.make_plan(recipe, seeds=1, epochs=3, batch_size=100)
    board = leaderboard.run(dataset, plan, folder=tmp_path / "board", show=quiet)
    assert board.chosen["FM"]["learning_rate"] == 0.05  # the other one never leaves its start
    trials = sorted((tmp_path / "board" / "runs").glob("*trial*.json"))
    assert len(trials) == 4
    found = [json.loads(file.read_text()) for file in trials]
    assert all("auc" not in one["row"] and not one["tested"] for one in found)
    best = max(found, key=lambda one: one["valid_score"])
    width = board.chosen["FM"]["embedding_dim"]
    assert best["made_of"]["line"]["options"]["embedding_dim"] == width
    assert not list((tmp_path / "board" / "runs").glob("*trial*.npy"))
    assert "FM: chosen on validation rows: " in as_text(board)
    other = dataclasses.replace(dataset, test=dataset.test.take(np.arange(len(dataset.test)) > 40))
    again = leaderboard.run(other, plan, show=quiet)
    assert again.chosen == board.chosen


def test_a_model_at_the_base_rate_is_told(dataset):
    board = leaderboard.run(dataset, plan_of("LR", "fm", seeds=1, epochs=10), show=quiet)
    remarks = board.summary.set_index("model")["remark"]
    assert remarks["LR"] == REMARK and remarks["FM"] == ""
    base = board.table.iloc[0]
    assert base.model == "base rate" and base.auc == 0.5 < CHANCE


def test_gauc_is_there_only_where_a_group_is_given(path, dataset):
    with_groups = leaderboard.run(dataset, plan_of("LR", seeds=1), show=quiet)
    assert {"gauc", "one_class_groups"} <= set(with_groups.table)
    assert (with_groups.unit, with_groups.num_units) == ("users", 7)
    assert with_groups.rank_by == "gauc"  # a ranker orders the rows of one user
    assert "by GAUC" in as_text(with_groups)
    without = leaderboard.run(load(path), plan_of("LR", seeds=1), show=quiet)
    assert "gauc" not in without.table and "GAUC" not in as_text(without)
    assert (without.unit, without.num_units) == ("rows", len(dataset.test))
    assert without.rank_by == "auc"
    assert "nan" not in as_text(without)


def test_slices_of_the_test_rows_have_rows_of_their_own(dataset, tmp_path):
    late = dataset.test.features["hour"] > 3
    splits = {
        name: dataclasses.replace(
            split, slices={"late": split.features["hour"] > 3, "none": np.zeros(len(split), bool)}
        )
        for name, split in dataset.splits.items()
    }
    data = dataclasses.replace(dataset, **splits)
    plan = plan_of("fm", seeds=1)
    board = leaderboard.run(data, plan, folder=tmp_path, show=quiet)
    table = board.table.set_index(["model", "slice"])
    assert list(table.index) == [("base rate", "all"), ("FM", "all"), ("FM", "late")]
    assert table.loc[("FM", "late"), "rows"] == late.sum() < len(late)
    prediction = np.load(next((tmp_path / "runs").glob("*.npy")))
    expected = auc(data.test.label[late], prediction[late])
    assert table.loc[("FM", "late"), "auc"] == expected != table.loc[("FM", "all"), "auc"]
    again = leaderboard.run(data, plan, folder=tmp_path, show=quiet)
    pd.testing.assert_frame_equal(again.table, board.table, check_dtype=False)
    assert board.summary.auc.item() == table.loc[("FM", "all"), "auc"]


def test_what_is_published_stands_beside_what_was_measured(dataset):
    recipe = RecipeFile(seeds=None, published={"auc": {"LR": 0.6}, "rule": "mean of five"})
    board = leaderboard.run(dataset, plan_of("LR", "fm", seeds=1, recipe=recipe), show=quiet)
    row = board.summary.set_index("model").loc["LR"]
    assert row["to_published"] == pytest.approx(row["auc"] - 0.6)
    assert "published (mean of five) to published" in as_text(board)
    assert "nan" not in as_text(board)


def test_a_loss_that_is_not_finite_ends_no_board(dataset, monkeypatch):
    from recsys_pipeline.leaderboard import board as module

    fit = module.Candidate.fit

    def diverging(self, *arguments, **options):
        if self.line.name == "FM":
            raise FloatingPointError("model 'fm': the loss is nan in epoch 1")
        return fit(self, *arguments, **options)

    monkeypatch.setattr(module.Candidate, "fit", diverging)
    board = leaderboard.run(dataset, plan_of("fm", "LR", seeds=1), show=quiet)
    assert list(board.summary.model) == ["LR"]
    assert board.left_out == {"FM": "model 'fm': the loss is nan in epoch 1"}


def test_a_split_of_one_class_is_refused_before_anything_trains(dataset):
    positive = dataset.test.take(dataset.test.label > 0)
    with pytest.raises(ValueError, match=r"test, labels\['label'\]: expected labels of both"):
        leaderboard.run(dataclasses.replace(dataset, test=positive), plan_of("LR"), show=quiet)


def test_the_checksum_is_of_rows_labels_and_splits(dataset):
    first = checksum(dataset)
    assert first == checksum(dataset)
    labels = {"label": 1 - dataset.train.label}
    changed = [
        dataclasses.replace(dataset, train=dataclasses.replace(dataset.train, labels=labels)),
        dataclasses.replace(dataset, test=dataset.valid, valid=dataset.test),
        dataset.with_columns(["user", "item"]),
    ]
    assert len({first, *map(checksum, changed)}) == 4


def of_two_tasks():
    """A data set with a history, a scenario, and a purchase that needs a click."""
    rng = np.random.default_rng(0)
    columns = (
        CategoricalColumn("user", 9, group="user"),
        CategoricalColumn("item", 12, group="item"),
        CategoricalColumn("page", 3, group="scenario"),
        SequenceColumn("history", 12, 3, table="item"),
    )
    splits, first = [], 0
    for size in (300, 100, 100):
        features = {
            "user": rng.integers(1, 9, size),
            "item": rng.integers(1, 12, size),
            "page": rng.integers(1, 3, size),
            "history": rng.integers(1, 12, (size, 3)),
        }
        click = (rng.random(size) < 0.5).astype(float)
        labels = {"click": click, "buy": click * (rng.random(size) < 0.5)}
        rows = np.arange(first, first + size)
        splits.append(Split(features, labels, features["user"], rows))
        first += size
    return Dataset("shop", columns, *splits)


def provided_by(dataset):
    return provided(dataset.feature_columns, dataset.tasks, dataset)


def test_what_the_data_provide_decides_who_stands_on_the_board(dataset):
    shop = of_two_tasks()
    there = provided_by(shop)
    assert there == {"history", "scenario", "several tasks", "two tasks", "chain of tasks"}
    names = {line.name for line in train.make_plan().lines(shop)[0]}
    assert {"LR", "DIN", "MMoE", "STAR", "ESMM", "AITM"} <= names and "DSIN" not in names
    assert {line.name for line in train.make_plan().lines(dataset)[0]} == set(plain_models())
    other = dataclasses.replace(shop, tasks={"click": "binary", "buy": "regression"})
    assert not {"two tasks", "chain of tasks"} & provided_by(other)


def with_labels(dataset, masks=None, **labels):
    """The data set with these labels of every row, whose ``masks`` say where they exist."""
    splits = {
        name: dataclasses.replace(
            split,
            labels={task: np.resize(values, len(split)) for task, values in labels.items()},
            label_masks={t: np.resize(mask, len(split)) for t, mask in (masks or {}).items()},
        )
        for name, split in dataset.splits.items()
    }
    return dataclasses.replace(dataset, tasks=dict.fromkeys(labels, "binary"), **splits)


@pytest.mark.parametrize(
    ("labels", "masks", "chain", "two"),
    [
        ({"a": [1, 1, 0], "b": [1, 0, 0]}, None, True, True),
        ({"a": [1, 1, 0], "b": [1, 0, 1]}, None, False, False),
        ({"a": [1, 1, 0], "b": [1, 0, 0], "c": [1, 0, 0]}, None, True, False),
        ({"a": [1, 1, 0], "b": [1, 0, 0], "c": [0, 1, 0]}, None, False, False),
        # Where the first label is missing, nothing says that the second is above it.
        ({"a": [1, 1, 0], "b": [1, 0, 1]}, {"a": [True, True, False]}, True, False),
        ({"a": [1, 1, 0], "b": [1, 0, 1]}, {"b": [True, True, False]}, True, False),
    ],
)
def test_a_chain_is_of_labels_each_part_of_the_one_before(labels, masks, chain, two):
    there = provided_by(with_labels(of_two_tasks(), masks, **labels))
    assert ("chain of tasks" in there, "two tasks" in there) == (chain, two)


def test_models_of_several_tasks_are_scored_on_the_one_that_is_asked_for():
    shop = of_two_tasks()
    plan = plan_of("LR", "mmoe", "din", seeds=1, epochs=1)
    board = leaderboard.run(shop, plan, task="buy", show=quiet)
    assert set(board.summary.model) == {"LR", "MMoE", "DIN"}
    assert set(board.table.task) == {"buy"}
    assert board.table.iloc[0].log_loss < 0.65  # of a base rate of a quarter
