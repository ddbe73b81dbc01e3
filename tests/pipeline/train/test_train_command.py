"""``recsys train``: models of all chapters on one file, and what each run leaves."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from tiny_log import SAID, run, write_log

from recsys_lib import zoo
from recsys_lib.training import auc, load, log_loss, predict
from recsys_pipeline import files
from recsys_pipeline.files.loading import described
from recsys_pipeline.train import make_plan
from recsys_pipeline.train.planning import read_options


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("shop"))


def tasks_of(row):
    return ("click", "buy") if {"several tasks", "two tasks"} & set(row.needs) else ("click",)


@pytest.mark.parametrize("row", zoo.MODELS, ids=lambda row: row.key)
def test_every_model_of_the_book_is_planned_on_one_description(shop, row):
    """The plan builds the model for the described columns, before a row is read."""
    plan = make_plan(described(shop / "data.toml", {}), row.key, tasks=tasks_of(row))
    assert plan.model is row
    assert list(plan.tasks) == list(tasks_of(row))


def test_a_chain_is_of_binary_tasks(shop):
    with pytest.raises(ValueError, match="aitm: needs binary tasks, each part of the one before"):
        make_plan(described(shop / "more.toml", {}), "aitm")


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
    assert scores["loss_weights"] == {"watch": 2, "buy": 0.5}
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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "deepfn"], "model: unknown name 'deepfn'; did you mean 'deepfm'?"),
        (["--model", "deepfm"], "the data have the labels ['click', 'buy']; name those"),
        (["--model", "deepfm", "--tasks", "clik"], "unknown 'clik'; did you mean 'click'?"),
        (["--model", "mmoe", "--tasks", "click"], "mmoe: needs several labels, got ['click']"),
        (["--model", "esmm", "--tasks", "click"], "esmm: needs two binary tasks, a click"),
        (["--model", "aitm", "--tasks", "click"], "aitm: needs several labels, got ['click']"),
        (
            ["--model", "mmoe", "--option", "expert_unit=3"],
            "mmoe: unknown option 'expert_unit'; did you mean 'expert_units'?",
        ),
        (["--model", "mmoe", "--option", "expert_units=0"], "mmoe: expert_units"),
        (["--model", "mmoe", "--option", "expert_units"], "option: expected name=value, got"),
        (["--model", "mmoe", "--option", "activation=a+b"], "expected a number, a word or a tuple"),
        (["--model", "mmoe", "--learning-rate", "0"], "learning_rate: expected a finite number"),
        (["--model", "mmoe", "--epochs", "0"], "epochs: expected an integer of 1 or more, got 0"),
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
        make_plan(described(tmp_path / "data.toml", {}), "dsin", tasks=("click",))
    plan = make_plan(described(tmp_path / "data.toml", {}), "din", tasks=("click",))
    assert plan.tasks_argument == "click"


def test_values_of_options_are_pythons():
    found = read_options(["a=64,32", "b=(3,)", "c=tanh", "d=None", "e={'x': 1}", "f=1e-3", "g=()"])
    assert found == {
        "a": (64, 32),
        "b": (3,),
        "c": "tanh",
        "d": None,
        "e": {"x": 1},
        "f": 1e-3,
        "g": (),
    }


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
