"""Optimizer, weights of tasks, export and workers of ``recsys train``."""

import importlib.util
import json
import os
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from tiny_log import run, write_log

from recsys_lib.multi_task import build_mmoe
from recsys_lib.multi_task.balancing import GradNorm
from recsys_lib.training import Adagrad, ReduceOnPlateau, fit, load, log_loss, predict
from recsys_pipeline import files
from recsys_pipeline.export import Encoder, Replay, fit_platt, verify
from recsys_pipeline.export.calibration import lines_of
from recsys_pipeline.train import command as module
from recsys_pipeline.train import make_plan, running
from recsys_pipeline.train.command import main
from recsys_pipeline.train.running import train
from recsys_pipeline.train.settings import BALANCING, Training
from recsys_pipeline.workers.launch import MORE_WORKERS, one_after_the_other, workers_asked

MMOE = ["--model", "mmoe", "--option", "interest=attention", "--option", "embedding_dim=4"]
SAID = [
    *("--optimizer", '{name = "adagrad", initial_accumulator_value = 0.2}'),
    *("--learning-rate", "0.05", "--learning-rate-decay", "0.5"),
    *("--balancing", "{name = 'gradnorm', alpha = 0.5}"),
]
LR = ["--model", "lr", "--tasks", "click", "--learning-rate", "0.1"]
WORKERS = '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}'


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def trained(shop, tmp_path_factory):
    """A run with all settings, and what it exported."""
    folder = tmp_path_factory.mktemp("trained")
    words = [*MMOE, *SAID, "--export", str(folder / "served")]
    assert run(shop, folder, *words) == 0
    return folder


@pytest.fixture(scope="module")
def calibrated(shop, tmp_path_factory):
    """A run that learns which items are clicked, and an export that answers by a fitted line."""
    folder = tmp_path_factory.mktemp("calibrated")
    assert run(shop, folder, *LR, "--export", str(folder / "served"), "--calibrate") == 0
    return folder


def test_a_run_is_trained_as_it_was_said(shop, trained):
    """By hand, with optimizer, schedule and method as Python says them: the same weights."""
    data = files.load(shop / "data.toml")
    keras.utils.set_random_seed(0)
    model = build_mmoe(
        data.feature_columns,
        dict(data.tasks),
        embedding_dim=4,
        interest="attention",
        histories=("seen",),
    )
    history = fit(
        model,
        data,
        Adagrad(0.05, initial_accumulator_value=0.2),
        epochs=2,
        batch_size=64,
        balancing=GradNorm(alpha=0.5),
        schedule=lambda epoch: 0.5**epoch,
    )
    found = load(trained / "run" / "model.keras")
    for mine, theirs in zip(model.get_weights(), found.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    epochs = pd.read_csv(trained / "run" / "history.csv")
    assert epochs["rate_factor"].tolist() == [1.0, 0.5]
    np.testing.assert_allclose(epochs["weight_buy"], history.epochs["weight_buy"], rtol=1e-6)


def test_scores_say_what_was_said(trained):
    scores = json.loads((trained / "run" / "scores.json").read_text())
    said = {
        "optimizer": {"name": "adagrad", "initial_accumulator_value": 0.2},
        "learning_rate": 0.05,
        "learning_rate_decay": 0.5,
        "balancing": {"name": "gradnorm", "alpha": 0.5},
        "epochs": 2,
        "batch_size": 64,
        "patience": 2,
    }
    assert scores["training"] == said


def test_the_export_reads_the_file_and_scores_as_the_run_did(shop, trained):
    assert "as exported" in verify(trained / "served")
    replay = Replay(trained / "served")
    encode = Encoder(replay.description)
    table = pd.read_csv(trained / "run" / "predictions.csv")
    frame = pd.read_csv(shop / "log.csv", keep_default_na=False).iloc[table["row_id"]]
    raw = {column.source: frame[column.source].tolist() for column in encode.columns.values()}
    raw["seen"] = [text.split("|") if text else [] for text in raw["seen"]]
    assert set(raw) == {"user", "item", "page", "price", "seen"}  # sessions are no inputs
    for row in range(3):
        user = {name: raw[name][row] for name in ("user", "page", "seen")}
        one = {name: [raw[name][row]] for name in ("item", "price")}
        scores = replay.scores(*replay.encode(user, one))
        for task in ("click", "buy"):
            np.testing.assert_allclose(scores[task][0], table[task][row], atol=2e-5)


def test_an_export_answers_by_the_line_of_the_validation_rows(shop, calibrated):
    data = files.load(shop / "data.toml")
    scores = json.loads((calibrated / "run" / "scores.json").read_text())
    line = scores["calibration"]["click"]
    told = predict(load(calibrated / "run" / "model.keras"), data.valid.features)["click"]
    expected = fit_platt("click", data.valid.labels["click"], told)
    assert line["slope"] == pytest.approx(expected.slope, rel=1e-4)
    assert line["intercept"] == pytest.approx(expected.intercept, abs=1e-4)
    # What is predicted stays the model's own; what is answered is not.
    p = pd.read_csv(calibrated / "run" / "predictions.csv")["click"].to_numpy(np.float64)
    answer = 1 / (1 + np.exp(-line["slope"] * np.log(p / (1 - p)) - line["intercept"]))
    label = data.test.labels["click"]
    assert line["test"]["log_loss"] == pytest.approx(log_loss(label, answer), abs=1e-5)
    replay = Replay(calibrated / "served")
    ids = {name: array[:1] for name, array in data.test.features.items()}
    names = replay.encode.request_names, replay.encode.candidate_names
    found = replay.scores(*({name: ids[name] for name in side} for side in names))["click"]
    np.testing.assert_allclose(found, answer[:1], atol=2e-5)


def test_a_model_of_the_wrong_order_is_not_calibrated(shop, calibrated):
    data = files.load(shop / "data.toml")
    told = {task: 0.9 - 0.8 * data.valid.labels[task] for task in data.tasks}
    told["buy"] = 1 - told["buy"]
    lines, remarks = lines_of(data, told)
    assert list(lines) == ["buy"] and list(remarks) == ["click"]
    assert "expected scores that rise with the label" in remarks["click"]["remark"]
    scores = json.loads((calibrated / "run" / "scores.json").read_text())
    first, remark, *table = running.report({**scores, "calibration": remarks}).splitlines()
    assert remark == f"not calibrated: {remarks['click']['remark']}"
    assert max(map(len, table)) < len(first)  # the remark does not widen the table


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--optimizer", "sgd"], "MMoE, optimizer: unknown name 'sgd'; expected some of ['adam'"),
        (["--optimizer", "3"], "MMoE, optimizer: expected a"),
        (
            ["--optimizer", "{name='adam', epsilom=1}"],
            "optimizer adam: unknown option 'epsilom'",
        ),
        (["--optimizer", "{name='adam', epsilon='no'}"], "optimizer adam, epsilon: expected a fin"),
        (["--optimizer", "{name='adam', weight_decay=1}"], "Adam: weight_decay would rewrite whol"),
        (["--optimizer", "ftrl"], "mmoe: Ftrl: the table 'embedding/table' must start at zero"),
        (["--learning-rate-decay", "2"], "learning_rate_decay: expected less than or equal to 1"),
        (["--reduce-on-plateau", "half"], "reduce_on_plateau, factor: expected a finite number"),
        (["--reduce-on-plateau", "2"], "reduce_on_plateau, factor: expected a finite number"),
        (["--reduce-on-plateau", "0.5,2"], "reduce_on_plateau: expected a patience below 2"),
        (["--reduce-on-plateau", "{factr=1}"], "unknown option 'factr'; did you mean 'factor'?"),
        (["--patience", "0"], "MMoE, patience: expected greater than or equal to 1, got 0"),
        (["--loss-weights", "click"], "loss_weights: expected A=1,B=0.5, got 'click'"),
        (["--loss-weights", "click=-1"], "mmoe: loss_weights['click']: expected a finite numb"),
        (["--balancing", "grad_norm"], "balancing: unknown name 'grad_norm'; did you mean 'gradn"),
        (
            ["--balancing", "{name='gradnorm', alfa=1}"],
            "balancing gradnorm: unknown option 'alfa'; did you mean 'alpha'?",
        ),
        (
            ["--balancing", "{name='gradnorm', alpha=-1}"],
            "balancing gradnorm: alpha: expected a finite number",
        ),
        (
            ["--balancing", "{name='pareto', shared='deep'}"],
            "mmoe: shared layer: model 'mmoe' has no 'deep'",
        ),
        (
            ["--balancing", "{name='decay', decay={like=0.9}}"],
            "mmoe: DecayingWeights, decay: no such tasks ['like']",
        ),
        (
            ["--balancing", "pareto", "--loss-weights", "click=1"],
            "loss_weights: pareto chooses the weights, expected none beside it",
        ),
        (["--workers", "0"], "workers: expected an integer of 1 or more, got 0"),
        (["--workers", "65"], "batch_size: expected a row for each of 65 workers or more, got 64"),
        (["--calibrate"], "calibrate: expected --export beside it, got none"),
        (["--export", "run"], "export: expected another folder than that of the run, got"),
        (["--export", "."], "export, folder: expected one that does not exist yet, got"),
    ],
)
def test_mistakes_are_told_before_training(shop, tmp_path, capsys, monkeypatch, words, message):
    from recsys_pipeline.files import loading

    def never(*arguments, **options):
        raise AssertionError("rows were read")

    monkeypatch.setattr(loading, "load_described", never)
    monkeypatch.setattr(module, "launch", never)
    monkeypatch.chdir(tmp_path)
    assert run(shop, tmp_path, "--model", "mmoe", *words) == 1
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["write_export", "_scores"])
def test_a_run_killed_at_its_export_goes_on(shop, tmp_path, monkeypatch, name):
    """Killed while it exports, and between the export and the scores: started again, it ends."""
    words = [*LR, "--epochs", "1", "--export", str(tmp_path / "served")]
    real = getattr(running, name)

    def killed(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, name, killed)
    with pytest.raises(KeyboardInterrupt):
        run(shop, tmp_path, *words)
    assert (tmp_path / "served").exists() == (name == "_scores")
    monkeypatch.setattr(running, name, real)
    assert run(shop, tmp_path, *words) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "served"]
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert not {"checkpoint", "exported.json"} & left
    assert "as exported" in verify(tmp_path / "served")


@pytest.mark.parametrize("said", ["", "[1]", '["{}", "another"]', '["elsewhere", "{}"]'])
def test_the_export_of_another_run_is_kept(shop, trained, tmp_path, capsys, said):
    """Also one that took the place of what a killed run had exported."""
    served = trained / "served"
    ours = json.loads((served / "description.json").read_text())["checksum"]
    (tmp_path / "run").mkdir()
    said = said.format(served if "another" in said else ours)
    (tmp_path / "run" / "exported.json").write_text(said)
    assert run(shop, tmp_path, *LR, "--export", str(served)) == 1
    assert "export, folder: expected one that does not exist yet" in capsys.readouterr().err
    assert "as exported" in verify(served)


def test_what_writes_onnx_is_missed_before_training(shop, tmp_path, capsys, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "tf2onnx" else real(name, *rest),
    )
    assert run(shop, tmp_path, *MMOE, "--export", str(tmp_path / "served")) == 1
    assert "export, onnx: expected the package tf2onnx" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", BALANCING)
def test_every_method_may_be_asked_for(shop, tmp_path, name):
    assert type(Training(balancing=name).arguments()["balancing"]).__name__ == BALANCING[name]
    assert run(shop, tmp_path, "--model", "mmoe", "--balancing", name, "--epochs", "1") == 0


@pytest.mark.parametrize(
    "key", ["shared_bottom", "omoe", "mmoe", "cgc", "ple", "esmm", "aitm", "stem"]
)
def test_attention_reads_the_history_that_is_not_in_sessions(shop, key):
    (line,) = make_plan(names=[key], interest="attention").lines()[0]
    recipe = line.recipe({"click": "binary"}, files.load(shop / "data.toml").feature_columns)
    assert recipe.options["histories"] == ("seen",)


def test_one_task_has_nothing_to_balance(shop, tmp_path, capsys):
    words = ["--model", "fm", "--tasks", "click", "--balancing", "gradnorm"]
    assert run(shop, tmp_path, *words) == 1
    assert "fm: GradNorm: expected two tasks or" in capsys.readouterr().err


def test_ftrl_trains_tables_that_start_at_zero(shop):
    (line,) = make_plan(names=["lr"], optimizer="ftrl", learning_rate=0.1).lines()[0]
    assert type(line.recipe().fresh_optimizer()).__name__ == "Ftrl"


def test_a_plateau_and_weights_are_read():
    plateau = Training(reduce_on_plateau=(0.5, 2, 0.1), patience=3).arguments()
    assert plateau["reduce_on_plateau"] == ReduceOnPlateau(0.5, 2, 0.1)
    plateau = Training(reduce_on_plateau=0.5, patience=3).arguments()
    assert plateau["reduce_on_plateau"] == ReduceOnPlateau(0.5, 1)
    assert Training(reduce_on_plateau=False).reduce_on_plateau is None
    assert Training(loss_weights="a=1,b=0.5").loss_weights == {"a": 1.0, "b": 0.5}
    assert Training(columns="a,b").columns == ("a", "b")


def test_workers_are_started_with_the_same_arguments(shop, tmp_path, monkeypatch):
    """And where they have been, by this command or by a cluster, each trains."""
    started, joined = [], []
    monkeypatch.setattr(module, "launch", lambda *given: started.append(given) or 5)
    monkeypatch.setattr(module, "_run", lambda given, planned, workers: joined.append(workers))
    monkeypatch.setattr("recsys_pipeline.workers.distributed.join_workers", lambda: None)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    words = [str(shop / "data.toml"), *MMOE, "--output", str(tmp_path / "run")]
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert main([*words, "--workers", "2"]) == 5
    train = [sys.executable, "-m", "recsys_pipeline", "train"]
    assert started == [([*train, *words, "--workers", "2"], 2)]
    monkeypatch.setenv("TF_CONFIG", WORKERS)
    assert main([*words, "--workers", "2"]) == 0 and main(words) == 0
    assert joined == [2, 2] and len(started) == 1


def test_more_workers_than_processors_are_refused_unless_it_is_asked_for(
    shop, tmp_path, capsys, monkeypatch
):
    """A cluster has processors of its own, so that nothing is refused there."""
    started = []
    monkeypatch.setattr(module, "launch", lambda *given: started.append(given[1]) or 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    words = [*MMOE, "--batch-size", "1024", "--workers"]
    assert run(shop, tmp_path, *words, "999") == 1
    assert capsys.readouterr().err == (
        "workers: expected at most 3, the processors of this machine, got 999; "
        "--more-workers-than-processors starts them all the same\n"
    )
    assert started == [] and not (tmp_path / "run").exists()
    assert run(shop, tmp_path, *words, "4") == 1
    assert run(shop, tmp_path, *words, "3") == run(shop, tmp_path, *words, "4", MORE_WORKERS) == 0
    assert started == [3, 4]
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setenv("TF_CONFIG", WORKERS)
    assert workers_asked(None, 64) == 2


def test_a_cluster_of_another_size_is_a_mistake(shop, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("recsys_pipeline.workers.distributed.join_workers", lambda: None)
    monkeypatch.setenv("TF_CONFIG", WORKERS)
    assert run(shop, tmp_path, *MMOE, "--workers", "3") == 1
    assert capsys.readouterr().err == "workers: expected 2, as TF_CONFIG names, got 3\n"


def test_of_several_workers_the_chief_writes_the_folder(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "is_chief", lambda: False)
    (line,) = make_plan(names=["fm"], epochs=1).lines()[0]
    data = files.load(shop / "data.toml")
    said = {"tasks": {"click": "binary"}, "export": tmp_path / "served"}
    assert train(line, data, tmp_path / "run", **said) == {}
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["checkpoint"]
    assert not (tmp_path / "served").exists()


def test_two_workers_leave_what_one_leaves(shop, calibrated, tmp_path, capsys, monkeypatch):
    """The same scores up to rounding, written by the chief alone, and an export that replays."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    words = ["--export", str(tmp_path / "served"), "--workers", "2", MORE_WORKERS]
    assert run(shop, tmp_path, *LR, *words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("[0] lr: ") for line in lines)
    assert not any(line.startswith("[1] lr: ") for line in lines)
    tables = [pd.read_csv(folder / "run" / "predictions.csv") for folder in (calibrated, tmp_path)]
    np.testing.assert_allclose(tables[0]["click"], tables[1]["click"], atol=1e-5)
    assert np.ptp(tables[0]["click"]) > 0.01
    names = [
        sorted(path.name for path in (folder / "run").iterdir())
        for folder in (calibrated, tmp_path)
    ]
    assert names[0] == names[1]
    assert "as exported" in verify(tmp_path / "served")


def test_the_cache_is_written_by_one_worker_at_a_time(tmp_path):
    with one_after_the_other(tmp_path / "data.cache"):
        assert [path.name for path in tmp_path.iterdir()] == ["data.cache.lock"]
    with one_after_the_other(None):
        assert list(tmp_path.iterdir()) == []
