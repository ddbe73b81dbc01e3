"""``recsys export --run``: what a run learned is what is served, whatever data stand beside it."""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from tiny_log import write_log

from recsys_lib.training import load
from recsys_pipeline import files
from recsys_pipeline.__main__ import main
from recsys_pipeline.export import export, verify
from recsys_pipeline.train import runs

SAID = """\
files = "log.csv"
[time]
column = "time"
[labels.click]
[history]
from = "click"
user = "user"
length = 5
[columns.user]
group = "user"
[columns.item]
group = "item"
min_count = 2
[columns.price]
kind = "numeric"
scaling = "log"
group = "item"
[columns.age]
kind = "numeric"
scaling = "bins"
num_bins = 3
"""
TRAIN = ["--model", "din", "--epochs", "2", "--batch-size", "32", "--learning-rate", "0.02"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A log, the same in another order, and a run that was trained on it in chunks."""
    folder, draw = tmp_path_factory.mktemp("shop"), np.random.default_rng(0)
    rows = 400
    item, user = draw.integers(0, 9, rows), draw.integers(0, 12, rows)
    frame = pd.DataFrame(
        {
            "user": [f"u{number}" for number in user],
            "item": [f"i{number}" for number in item],
            "price": np.where(draw.random(rows) < 0.1, np.nan, (item + 1.5) ** 2),
            "age": 20 + user,
            "time": 1_700_000_000 + 60 * np.arange(rows),
            "click": (draw.random(rows) < 0.1 + 0.09 * item).astype(int),
        }
    )
    for name, order in (("", np.arange(rows)), ("other", draw.permutation(rows))):
        (folder / name).mkdir(exist_ok=True)
        frame.iloc[order].to_csv(folder / name / "log.csv", index=False)
        (folder / name / "data.toml").write_text(SAID)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "ROWS_PER_CHUNK", 100)
        words = [*TRAIN, "--output", str(folder / "run"), "--export", str(folder / "trained")]
        assert main(["train", str(folder / "data.toml"), *words]) == 0
    return folder


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_log_in_another_order_gives_the_same_bytes(shop, tmp_path):
    """In processes of their own, whose hashes of texts and so whose sets differ."""
    for name, data in (("a", [shop / "data.toml"]), ("b", [shop / "other" / "data.toml"])):
        words = ["export", *data, "--run", shop / "run", "--output", tmp_path / name]
        done = subprocess.run(
            [sys.executable, "-m", "recsys_pipeline", *map(str, words)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    found = digests(tmp_path / "a")
    assert found == digests(tmp_path / "b")
    assert {"description.json", "golden.json", "encoding.json", "request.onnx"} <= set(found)
    # What the run's own --export wrote, but for the names of nodes in the graphs.
    trained = digests(shop / "trained")
    assert all(found[name] == trained[name] for name in ("golden.json", "encoding.json"))
    assert (shop / "other.cache").exists() is (shop / "other" / "data.cache").exists() is False


@pytest.fixture(scope="module")
def exported(shop):
    words = ["--run", str(shop / "run"), "--output", str(shop / "e")]
    assert main(["export", str(shop / "other" / "data.toml"), *words]) == 0
    return shop / "e"


def test_rows_get_the_scores_that_the_run_predicted(shop, exported, capsys):
    log = ["--log", str(shop / "log.csv"), "--run", str(shop / "run")]
    assert main(["verify", str(exported), *log]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert f"log.csv: 40 rows; scores as {shop / 'run'} predicted, within" in line
    frame = pd.read_csv(shop / "log.csv")
    paths = []
    for name, part in (("train", frame[:320]), ("valid", frame[320:360]), ("test", frame[360:])):
        part.to_csv(shop / f"{name}.csv", index=False)
        paths += ["--log", str(shop / f"{name}.csv")]
    assert main(["verify", str(exported), *paths, "--run", str(shop / "run")]) == 0
    assert "40 rows; scores as" in capsys.readouterr().out


def test_an_export_with_an_encoding_of_its_own_is_found(shop, tmp_path):
    """Its golden request has its own wrong scores, and so nothing to tell them by."""
    model = load(shop / "run" / "model.keras")
    wrong = export(model, tmp_path / "wrong", files.load(shop / "other" / "data.toml"))
    assert "as exported" in verify(wrong)
    log = ["--log", str(shop / "log.csv")]
    assert main(["verify", str(wrong), *log]) == 0
    assert main(["verify", str(wrong), *log, "--run", str(shop / "run")]) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--log", "other/log.csv", "--run", "run"], "predicted, got"),
        (["--log", "short.csv", "--run", "run"], "expected the row 399 of the run, got 100"),
        (["--log", "asked.jsonl", "--run", "run"], "expected rows as training read them, got the"),
        (["--log", "asked.jsonl", "--log", "log.csv"], "expected rows as training read them, got"),
        (["--log", "log.csv", "--run", "none"], "expected predictions.csv or .parquet in the f"),
        (["--run", "run"], "--run: expected --log beside it, got none"),
    ],
)
def test_rows_that_are_not_those_of_the_run_are_told(
    shop, exported, capsys, monkeypatch, words, message
):
    monkeypatch.chdir(shop)
    (shop / "asked.jsonl").write_text("{}")
    lines = (shop / "log.csv").read_text().splitlines()
    (shop / "short.csv").write_text("\n".join(lines[:101]))
    assert main(["verify", str(exported), *words]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('scaling = "log"', "", "column 'price', scaling: expected 'log', as in the run, got"),
        ("num_bins = 3", "num_bins = 4", "column 'age', num_bins: expected 3, as in the run, "),
        ("length = 5", "length = 6", "column 'history', max_length: expected 5, as in the run"),
        ('from = "click"', 'from = "like"', "column 'history', history, source: expected 'click'"),
        ("min_count = 2", "min_count = 1", "column 'item', min_count: expected 2, as in the run"),
        (
            "[columns.price]",
            "[columns.like]\n[columns.price]",
            "column 'like': expected none, as in the run, got 'cat",
        ),
        (
            'kind = "numeric"\nscaling = "log"\ngroup = "item"',
            'kind = "ignore"',
            "column 'price': expected 'numeric', as in the run, got none",
        ),
        ("[labels.click]", "[labels.click]\nthreshold = 2", "labels, click, threshold: expected "),
        ('column = "time"', 'column = "time"\nunit = "ms"', "time, unit: expected 's', as in the"),
        ("log.csv", "cut.csv", "cut.csv: expected the run's column 'age', got ['user', 'item'"),
    ],
)
def test_the_first_column_that_differs_is_named(shop, tmp_path, capsys, old, new, message):
    """And nothing is written. Where there is no such difference, the rows may be any."""
    frame = pd.read_csv(shop / "log.csv")
    frame.drop(columns="age").to_csv(tmp_path / "cut.csv", index=False)
    frame["like"] = frame["click"]
    frame[[name for name in frame if name != "like" or "like" in new]].to_csv(
        tmp_path / "log.csv", index=False
    )
    (tmp_path / "data.toml").write_text(SAID.replace(old, new))
    before = sorted(tmp_path.iterdir())
    words = ["--run", str(shop / "run"), "--output", str(tmp_path / "exports" / "e")]
    assert main(["export", str(tmp_path / "data.toml"), *words]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_columns_that_nobody_described_are_compared_by_what_was_learned(tmp_path, capsys):
    """By options alone, where the file's own types and names decide."""
    rows = [{"label": n % 2, "user": f"u{n % 5}", "age": n % 7} for n in range(100)]
    pd.DataFrame(rows).to_parquet(tmp_path / "log.parquet")
    pd.DataFrame(rows).to_csv(tmp_path / "log.csv", index=False)
    pd.DataFrame(rows).assign(new="a").to_parquet(tmp_path / "more.parquet")
    run = str(tmp_path / "run")
    train = ["--model", "lr", "--epochs", "1", "--numeric", "age", "--output", run]
    assert main(["train", str(tmp_path / "log.parquet"), *train]) == 0
    for words, message in (
        ([str(tmp_path / "log.csv")], "column 'age', kind: expected 'numeric', as in the run, got"),
        ([str(tmp_path / "more.parquet"), "--numeric", "age"], "column 'new': expected none, as "),
        (["--numeric", "user"], "expected"),
    ):
        assert main(["export", *words, "--run", run, "--output", str(tmp_path / "e")]) == 1
        assert message in capsys.readouterr().err
        assert not (tmp_path / "e").exists()


def test_a_run_that_holds_no_encoding_is_refused_with_the_command_that_trains_it(
    shop, tmp_path, capsys
):
    run = tmp_path / "run"
    shutil.copytree(shop / "run", run)
    said = json.loads((run / "description.json").read_text())
    words = ["export", "data.toml", "--run", str(run), "--output", str(tmp_path / "e")]
    for content in (json.dumps({k: v for k, v in said.items() if k != "encoders"}), "{", "[]"):
        (run / "description.json").write_text(content)
        assert main(words) == 1
        error = capsys.readouterr().err
        assert "expected a run that holds its encoding, got" in error and "encoders" in error
        again = error.split("train it again: ")[1]
        assert again.startswith("recsys train data.toml --model din --tasks click --epochs 2 ")
        assert again.endswith(f" --seed 0 --output {run}_again\n")
        assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_the_command_that_trains_it_again_trains_the_same(shop, tmp_path, monkeypatch, capsys):
    run = shop / "run"
    said = (run / "description.json").read_text()
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, "run")
    (tmp_path / "run" / "description.json").unlink()
    data = str(shop / "data.toml")
    assert main(["export", data, "--run", "run", "--output", "e"]) == 1
    words = shlex.split(capsys.readouterr().err.split("train it again: ")[1])
    assert main(words[1:]) == 0
    assert (tmp_path / "run_again" / "description.json").read_text() == said
    scores = [
        json.loads((one / "scores.json").read_text()) for one in (run, tmp_path / "run_again")
    ]
    assert scores[0]["training"] == scores[1]["training"]


def test_of_a_run_that_kept_no_request_one_is_drawn(tmp_path, capsys):
    """Its history has moments, which are drawn, too."""
    shop = write_log(tmp_path)
    words = ["--model", "dsin", "--tasks", "click", "--option", "num_heads=1", "--epochs", "1"]
    assert main(["train", str(shop / "data.toml"), *words, "--output", str(tmp_path / "run")]) == 0
    path = tmp_path / "run" / "description.json"
    said = json.loads(path.read_text())
    kept = said.pop("golden")
    path.write_text(json.dumps(said))
    e = str(tmp_path / "e")
    assert main(["export", "--run", str(tmp_path / "run"), "--output", e]) == 0
    golden = json.loads((tmp_path / "e" / "golden.json").read_text())
    assert golden["request"].keys() == kept["request"].keys()
    assert golden["request"] != kept["request"] and len(golden["request"]["when"]) > 0
    log = ["--log", str(shop / "log.csv"), "--run", str(tmp_path / "run")]
    assert main(["verify", e, *log]) == 0
    assert "as exported, with onnx" in capsys.readouterr().out
