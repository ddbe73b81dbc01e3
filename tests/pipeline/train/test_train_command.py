"""``recsys train``: models of all chapters on one file, and what each run leaves."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from small_board import write_rows
from tiny_log import SAID, run, write_log

from recsys_lib import zoo
from recsys_lib.training import auc, load, log_loss, predict
from recsys_pipeline import files
from recsys_pipeline.files.loading import described
from recsys_pipeline.train import make_plan
from recsys_pipeline.train.command import main
from recsys_pipeline.train.planning import check_with, tasks_of
from recsys_pipeline.train.settings import read_value


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("shop"))


def planned(path, key, tasks=None, **settings):
    """The line of a model on a description, as the command plans it, and its tasks."""
    said = described(path, {})
    (line,) = make_plan(names=[key], **settings).lines()[0]
    labels = {task: label.kind for task, label in said.labels.items()}
    found = tasks_of(line.model, labels, tasks)
    check_with(line, found, said)
    return line, found


@pytest.mark.parametrize("row", zoo.MODELS, ids=lambda row: row.key)
def test_every_model_of_the_book_is_planned_on_one_description(shop, row):
    """The plan builds the model for the described columns, before a row is read."""
    tasks = ("click", "buy") if {"several tasks", "two tasks"} & set(row.needs) else ("click",)
    line, found = planned(shop / "data.toml", row.key, tasks)
    assert line.model is row
    assert tuple(found) == tasks


def test_a_chain_is_of_binary_tasks(shop):
    with pytest.raises(ValueError, match="aitm: needs binary tasks, each part of the one before"):
        planned(shop / "more.toml", "aitm")


def check_folder(folder, data, tasks):
    """What the run left is true of the data: the saved model gives the predictions and scores."""
    scores = json.loads((folder / "scores.json").read_text())
    dataset = files.load(data)
    model = load(folder / "model.keras")
    told = predict(model, dataset.test.features, list(dataset.tasks) if len(tasks) > 1 else tasks)
    table = pd.read_csv(folder / "predictions.csv")
    assert table["row_id"].tolist() == dataset.test.row_id.tolist()
    for task in tasks:
        np.testing.assert_allclose(table[task], told[task], rtol=1e-5)
        label = dataset.test.labels[task]
        rows = dataset.test.rows_of(task)
        np.testing.assert_array_equal(table[f"label_{task}"].notna()[rows], True)
        if dataset.tasks[task] == "regression":
            expected = np.mean((label[rows] - told[task][rows]) ** 2)
            found = scores["scores"]["test"]["all"][task]["mean_squared_error"]
            assert found == pytest.approx(expected, rel=1e-4)
            continue
        found = scores["scores"]["test"]["all"][task]
        assert found["auc"] == pytest.approx(auc(label, told[task]), abs=1e-6)
        assert found["log_loss"] == pytest.approx(log_loss(label, told[task]), abs=1e-5)
        page = dataset.test.slices["page=p1"]
        expected = log_loss(label[page], told[task][page])
        found = scores["scores"]["test"]["page=p1"][task]["log_loss"]
        assert found == pytest.approx(expected, abs=1e-5)
    assert not (folder / "checkpoint").exists()
    return scores


@pytest.mark.parametrize(
    ("model", "tasks", "options"),
    [
        ("deepfm", ("click",), ["hidden_units=8,4", "embedding_dim=4"]),
        ("din", ("click",), ["attention_units=4,"]),
        ("dsin", ("click",), ["num_heads=1"]),
        ("esmm", ("click", "buy"), []),
        ("star", ("click",), []),
        ("ranker", ("click", "buy"), ["expert_units=8,", "num_experts=2"]),
    ],
)
def test_a_run_leaves_model_scores_and_predictions(shop, tmp_path, capsys, model, tasks, options):
    words = [word for option in options for word in ("--option", option)]
    assert run(shop, tmp_path, "--model", model, "--tasks", ",".join(tasks), *words) == 0
    printed = capsys.readouterr().out
    assert f"{model}: " in printed
    assert "test, page=p1" in printed
    scores = check_folder(tmp_path / "run", shop / "data.toml", tasks)
    assert scores["model"] == model
    assert scores["epochs_trained"] == 2
    assert scores["data"]["rows"] == {"train": 320, "valid": 40, "test": 40}
    assert list(scores["tasks"]) == list(tasks)


def test_several_labels_of_two_kinds_with_masks(shop, tmp_path):
    words = ["--model", "mmoe", "--option", "expert_units=8,4", "--loss-weights", "watch=2,buy=0.5"]
    assert run(shop, tmp_path, *words, data="more.toml") == 0
    folder = tmp_path / "run"
    scores = check_folder(folder, shop / "more.toml", ("click", "buy", "watch"))
    assert scores["training"]["loss_weights"] == {"watch": 2, "buy": 0.5}
    assert scores["options"] == {"expert_units": [8, 4]}
    rows = scores["scores"]["test"]["all"]["watch"]["rows"]
    table = pd.read_csv(folder / "predictions.csv")
    assert 0 < rows == table["label_watch"].notna().sum() < 40
    assert table["watch"].notna().all()


def test_the_saved_description_encodes_raw_rows_for_the_saved_model(shop, tmp_path):
    """The skew test: rows of the file, encoded from the folder alone, get the same predictions."""
    words = ["--model", "din", "--tasks", "click", "--predictions", "parquet"]
    assert run(shop, tmp_path, *words) == 0
    folder = tmp_path / "run"
    told = json.loads((folder / "description.json").read_text())
    frame = pd.read_csv(shop / "log.csv", keep_default_na=False)
    raw = {name: frame[name].tolist() for name in frame}
    features = files.encode_rows(files.encoders_from(told), raw)
    predictions = pyarrow.parquet.read_table(folder / "predictions.parquet").to_pandas()
    rows = predictions["row_id"].to_numpy()
    features = {name: array[rows] for name, array in features.items()}
    again = predict(load(folder / "model.keras"), features)["click"]
    np.testing.assert_allclose(again, predictions["click"], rtol=1e-6)


def test_a_killed_run_goes_on_and_a_finished_one_is_kept(shop, tmp_path, capsys, monkeypatch):
    from recsys_pipeline.train import running

    words = ["--model", "deepfm", "--tasks", "click", "--option", "embedding_dim=4"]
    whole = tmp_path / "whole"
    assert run(shop, whole, *words) == 0
    real = running.save

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        run(shop, tmp_path, *words)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["checkpoint"]
    monkeypatch.setattr(running, "save", real)
    assert run(shop, tmp_path, *words) == 0
    for name in ("predictions.csv", "description.json"):
        first, second = ((folder / "run" / name).read_text() for folder in (whole, tmp_path))
        assert first == second
    capsys.readouterr()
    assert run(shop, tmp_path, *words) == 1
    assert "holds a finished run; give another --output" in capsys.readouterr().err


def test_with_a_recipe_a_model_trains_as_the_board_trains_it(tmp_path, monkeypatch):
    """The export of `recsys train` is the leaderboard's row: the same predictions and scores."""
    from recsys_pipeline.export import verify
    from recsys_pipeline.leaderboard import command

    file = write_rows(tmp_path / "rows.csv", 600)
    recipe = tmp_path / "mine.toml"
    recipe.write_text(RECIPE)
    words = [str(file), "--group", "user", "--recipe", str(recipe), "--epochs", "3"]
    folder = tmp_path / "board"
    assert command.main([*words, "--seeds", "2", "--folder", str(folder)]) == 0
    out = ["--output", str(tmp_path / "run"), "--export", str(tmp_path / "served")]
    assert main([*words, "--model", "fibinet", "--seed", "1", *out]) == 0
    (row,) = (folder / "runs").glob("fibinet_*_seed_1.json")
    predictions = pd.read_csv(tmp_path / "run" / "predictions.csv")["label"]
    np.testing.assert_allclose(predictions, np.load(row.with_suffix(".npy")), rtol=1e-6)
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    of_board = json.loads(row.read_text())
    found = scores["scores"]["test"]["all"]["label"]
    assert {name: found[name] for name in ("auc", "gauc")} == pytest.approx(
        {name: of_board["row"][name] for name in ("auc", "gauc")}
    )
    assert scores["best_epoch"] == of_board["row"]["epochs"]
    assert scores["training"]["optimizer"] == {"name": "adam", "epsilon": 1e-6}
    assert "as exported" in verify(tmp_path / "served")


RECIPE = """
models = ["fibinet", "lr"]
[fit]
batch_size = 100
learning_rate = 0.02
optimizer = { name = "Adam", epsilon = 1e-6 }
reduce_on_plateau = { factor = 0.5 }
[options]
embedding_dim = 4
embeddings_initializer = { name = "RandomNormal", stddev = 0.1 }
embedding_l2 = { strength = 1e-3, rows = "table" }
"""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "deepfn"], "models: unknown name 'deepfn'; did you mean 'deepfm'?"),
        (["--model", "deepfm"], "the data have the labels ['click', 'buy']; name those"),
        (["--model", "deepfm", "--tasks", "clik"], "unknown 'clik'; did you mean 'click'?"),
        (["--model", "mmoe", "--tasks", "click"], "mmoe: needs several labels"),
        (
            ["--model", "esmm", "--tasks", "click"],
            "esmm: needs several labels, and two binary",
        ),
        (
            ["--model", "aitm", "--tasks", "click"],
            "aitm: needs several labels, and binary ta",
        ),
        (
            ["--model", "mmoe", "--option", "expert_unit=3"],
            "option: unknown name 'expert_unit'; did you mean 'expert_units'?",
        ),
        (["--model", "mmoe", "--option", "expert_units=0"], "mmoe: expert_units"),
        (["--model", "mmoe", "--option", "expert_units"], "option: expected name=value or MODEL"),
        (
            ["--model", "mmoe", "--option", "activation=a+b"],
            "expected a number, a word, a list",
        ),
        (
            ["--model", "mmoe", "--learning-rate", "0"],
            "MMoE, learning_rate: expected greater",
        ),
        (["--model", "mmoe", "--epochs", "0"], "MMoE, epochs: expected greater than or equal to 1"),
        (["--model", "mmoe", "--loss-weights", "like=1"], "loss_weights: expected tasks of"),
        (["--model", "din", "--tasks", "click", "--ignore", "seen"], "din: needs a history"),
        (["--model", "star", "--tasks", "click", "--ignore", "page"], "star: needs one column wi"),
        (["--model", "deepfm", "--label", "clicks"], "label names the column 'clicks'"),
    ],
)
def test_mistakes_are_told_before_a_row_is_read(
    shop, tmp_path, capsys, monkeypatch, words, message
):
    from recsys_pipeline.files import loading

    def never(*arguments, **options):
        raise AssertionError("rows were read")

    monkeypatch.setattr(loading, "load_described", never)
    assert run(shop, tmp_path, *words) == 1
    output = capsys.readouterr()
    assert message in output.err
    assert output.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_sessions_are_needed_by_those_who_read_them(shop, tmp_path):
    text = SAID.replace("sessions = [2, 3]\n", "").replace("log.csv", str(shop / "log.csv"))
    (tmp_path / "data.toml").write_text(text)
    with pytest.raises(ValueError, match="dsin: needs a history in sessions"):
        planned(tmp_path / "data.toml", "dsin", ("click",))
    line, tasks = planned(tmp_path / "data.toml", "din", ("click",))
    assert line.recipe(tasks).options["tasks"] == "click"


def test_values_of_options_are_pythons():
    words = ("64,32", "(3,)", "tanh", "None", "{'x': 1}", "{x = 1}", "1e-3", "()", "false")
    expected = [(64, 32), (3,), "tanh", None, {"x": 1}, {"x": 1}, 1e-3, (), False]
    assert [read_value(text) for text in words] == expected


def test_help_waits_for_no_tensorflow():
    code = (
        "import sys, time\n"
        "from recsys_pipeline.train.command import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n"
        "    heavy = {'tensorflow', 'keras', 'pandas', 'pyarrow'} & set(sys.modules)\n"
        "    print(sorted(heavy), time.process_time(), file=sys.stderr)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert finished.stdout.startswith("usage: recsys train")
    heavy, seconds = finished.stderr.rsplit(maxsplit=1)
    assert heavy == "[]"
    assert float(seconds) < 0.5
