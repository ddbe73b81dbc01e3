"""``python -m recsys_lib.leaderboard``: every model on a file, from one command."""

import doctest
import itertools
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from recsys_lib import leaderboard, zoo
from recsys_lib.data import files


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("leaderboard") / "rows.csv"
    user, item, hour = rng.integers(0, 7, (3, 900)) + 1
    label = rng.random(900) < 1 / (1 + np.exp(-3 * np.sign((user % 2 - 0.5) * (item % 2 - 0.5))))
    table = pd.DataFrame({"label": label.astype(int), "user": user, "item": item, "hour": hour})
    table.to_csv(path, index=False)
    return path


def lines_of_models(text):
    """Words of the printed lines of models, by the model's name."""
    lines = {}
    for name in leaderboard.models():
        for line in text.splitlines():
            if line[:16].strip() == name:
                lines[name] = line[16:].split()
    return lines


def heading(text):
    return next(line for line in text.splitlines() if line.startswith("model")).split()


def test_every_model_of_the_zoo_for_one_label_and_plain_columns_is_on_the_board():
    assert list(leaderboard.models().values()) == [row for row in zoo.MODELS if not row.needs]
    assert {"LR", "Wide & Deep", "DeepFM", "DCN-Mix", "CIN"} <= set(leaderboard.models())


@pytest.mark.parametrize("name", leaderboard.models())
def test_every_model_builds_with_the_sizes_that_it_has(path, name):
    dataset = files.load(path)
    rank = [(name, "rank", 4)] if name == "DCN-Mix" else []  # at most the columns' width
    recipe = leaderboard.recipes([name], embedding_dim=3, hidden_units=(5,), options=rank)[name]
    model = recipe(dataset.feature_columns)
    probability = model({key: values[:4] for key, values in dataset.test.features.items()})
    assert probability.shape == (4,)
    widths = {tuple(variable.shape)[-1:] for variable in model.trainable_variables}
    assert ((3,) in widths) == (name not in ("LR", "wide", "polynomial"))
    without = ("LR", "wide", "polynomial", "FM", "FwFM", "AFM", "CIN", "AutoInt")
    assert ((5,) in widths) == (name not in without)


def test_one_command_trains_stops_early_and_writes_the_scores(path, tmp_path, capsys):
    output = tmp_path / "a new" / "folder" / "scores.csv"
    options = ["--group", "user", "--models", "LR,FM,dcn", "--seeds", "2", "--epochs", "60"]
    options += ["--learning-rate", "0.05", "--batch-size", "100", "--embedding-dim", "4"]
    assert leaderboard.main([str(path), *options, "--output", str(output)]) == 0
    table = pd.read_csv(output)
    assert table.groupby("model", sort=False).size().to_dict() == {
        "base rate": 1,
        "LR": 2,
        "FM": 2,
        "DCN": 2,
    }
    assert (table.epochs.dropna() < 60).all()  # each stopped by itself
    auc = table.groupby("model").auc.mean()
    assert auc["FM"] > auc["LR"] + 0.2  # the labels follow a product of user and item
    text = capsys.readouterr().out
    lines = lines_of_models(text)
    assert list(lines) == ["LR", "FM", "DCN"]
    for name, words in lines.items():
        assert float(words[0]) == pytest.approx(auc[name], abs=1e-5)
    assert "Adam at 0.05, batch 100, at most 60 epochs, patience 2, seeds 2" in text
    assert heading(text)[:6] == ["model", "AUC", "+-", "GAUC", "log", "loss"]
    # Users and items differ in nothing but the other one: no additive model can learn anything.
    assert text.count("no better than the base rate") == 1
    assert " ".join(lines["LR"]).endswith("no better than the base rate")


def test_time_left_is_the_pace_so_far_for_the_models_to_come(path, monkeypatch):
    clock = iter([0.0, 30.0, 100.0, 105.0])
    monkeypatch.setattr(leaderboard.time, "perf_counter", lambda: next(clock, 0.0))
    recipes = leaderboard.recipes(["LR", "FM", "DCN"])
    every = {"task": "click", "slice": "all"}
    base = pd.DataFrame([{"model": "base rate", "auc": 0.5, "log_loss": 0.7, **every}])

    def compare(models, dataset, seeds, **options):
        scores = dict.fromkeys(leaderboard.SCORES, 0.6)
        costs = dict.fromkeys(("parameters", "epochs", "seconds", "examples_per_second"), 1.0)
        rows = [{"model": name, "seed": 0, **every, **scores, **costs} for name in models]
        return pd.DataFrame(rows) if models else base

    monkeypatch.setattr("recsys_lib.training.compare", compare, raising=False)
    shown = []
    leaderboard.run(files.load(path), recipes, seeds=1, show=shown.append)
    ends = [line.split()[-2:] for line in shown[1:]]
    assert ends == [["60", "s"], ["50", "s"], ["0", "s"]]
    assert leaderboard._minutes(3_600) == "60 min"


def test_a_model_that_does_not_fit_the_columns_ends_no_board(path, capsys):
    options = ["--seeds", "1", "--epochs", "1", "--embedding-dim", "2"]
    assert leaderboard.main([str(path), *options, "--models", "dcn_mix,LR"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"\nDCN-Mix +left out: rank: expected at most .* 6, got 16\n", text)
    assert len(lines_of_models(text)["LR"]) >= 7
    assert leaderboard.main([str(path), *options, "--models", "dcn_mix"]) == 1
    assert "rank: expected at most" in capsys.readouterr().err


def test_one_seed_and_no_groups_leave_out_what_they_cannot_say(path, capsys):
    assert leaderboard.main([str(path), "--models", "LR", "--seeds", "1", "--epochs", "1"]) == 0
    text = capsys.readouterr().out
    assert "nan" not in text and "GAUC" not in text and "+-" not in text
    assert heading(text)[:4] == ["model", "AUC", "log", "loss"]
    assert len(lines_of_models(text)["LR"]) >= 7


def test_the_options_of_the_command_reach_the_models(path, tmp_path):
    output = tmp_path / "scores.csv"
    options = ["--models", "DCN,FM", "--seeds", "1", "--epochs", "1", "--output", str(output)]

    def parameters(*more):
        assert leaderboard.main([str(path), *options, *more]) == 0
        table = pd.read_csv(output)
        return table.set_index("model").parameters.astype(int).to_dict()

    tables, width = 8 + 8 + 8, 3 * 2

    def dcn(width, hidden, layers=3):
        crosses = 2 * layers * width + width  # two vectors a layer, and the logit's weights
        widths = [width, *hidden]
        dense = sum((a + 1) * b for a, b in itertools.pairwise(widths))
        return tables * width // 3 + crosses + dense + hidden[-1] + 1

    small = ("--embedding-dim", "2", "--hidden-units")
    first = parameters(*small, "3")
    assert first["DCN"] == dcn(width, [3])
    assert parameters(*small, "3,4")["DCN"] == dcn(width, [3, 4])
    found = parameters(*small, "3", "--option", "DCN.num_cross_layers=2")
    assert found == {**first, "DCN": dcn(width, [3], layers=2)}
    found = parameters(*small, "3", "--option", "embedding_dim=5", "--option", "fm.embedding_dim=2")
    assert found == {**first, "DCN": dcn(15, [3])}


def test_an_option_is_a_literal_or_a_word():
    assert leaderboard.read_option("Wide & Deep.cross_pairs=()") == (
        "Wide & Deep",
        "cross_pairs",
        (),
    )
    assert leaderboard.read_option("DCN-V2.rank = 16") == ("DCN-V2", "rank", 16)
    assert leaderboard.read_option("embedding_l2=1e-5") == (None, "embedding_l2", 1e-5)
    assert leaderboard.read_option("dnn.activation=tanh") == ("dnn", "activation", "tanh")
    for text in ("rank", "=3", ".rank=3", "DCN.=3", "DCN.rank=16 or", "DCN.rank=__import__('os')"):
        with pytest.raises(ValueError, match=r"^option: expected .*, got "):
            leaderboard.read_option(text)


def test_examples_in_docstrings():
    assert doctest.testmod(leaderboard).failed == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--models", "FM,GBDT"], r"models: expected some of .*, got \['FM', 'GBDT'\]"),
        (["--models", "DIN"], r"models: expected some of .*, got \['DIN'\]"),
        (["--option", "FM.rank=3"], "neither fit nor build_fm has an option 'rank'"),
        (["--option", "GBDT.rank=3"], r"models: expected some of .*, got \['GBDT'\]"),
        (["--models", "FM", "--option", "DCN.rank=3"], r"option: expected a model of \['FM'\]"),
        (["--models", "FM", "--option", "rank=3"], "option: expected one that some model has"),
        (["--option", "FM.rank"], "option: expected MODEL.name=value"),
        (["--label", "click"], "click"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_and_a_status(path, capsys, options, message):
    assert leaderboard.main([str(path), *options]) == 1
    output = capsys.readouterr()
    assert re.search(message, output.err)
    assert (output.out, output.err.count("\n")) == ("", 1)


def test_help_comes_without_tensorflow():
    code = (
        "import sys\n"
        "from recsys_lib import leaderboard\n"
        "try:\n    leaderboard.main(['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "wide_and_deep (Wide & Deep)" in " ".join(found.split())
    assert found.splitlines()[-1] == "[]"
