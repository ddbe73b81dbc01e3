"""``recsys leaderboard``: every model on a file, from one command."""

import doctest
import importlib
import itertools
import json
import pathlib
import re
import subprocess
import sys

import pandas as pd
import pytest
from small_board import load, write_rows

import recsys_pipeline.leaderboard
import recsys_pipeline.train
from recsys_lib import zoo
from recsys_pipeline import train
from recsys_pipeline.__main__ import main as recsys
from recsys_pipeline.leaderboard import command
from recsys_pipeline.train.models import plain_models, takes
from recsys_pipeline.train.settings import as_python, read_option


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("leaderboard") / "rows.csv")


def table_with(text, heading):
    """The lines of the table that has such a heading, up to the next empty one."""
    lines = text.splitlines()
    tables = (place for place, line in enumerate(lines) if line.startswith("model "))
    first = next(place for place in tables if heading in lines[place])
    return list(itertools.takewhile(str.strip, lines[first:]))


def while_running(text):
    """What is printed as models are done: the model's name to its line."""
    found = re.findall(r"^(.+): (AUC [\d.]+, .* left)$", text, re.MULTILINE)
    return dict(found)


def test_every_model_of_the_zoo_for_one_label_and_plain_columns_is_on_the_board():
    of_zoo = [row for row in plain_models().values() if row in zoo.MODELS]
    assert of_zoo == [row for row in zoo.MODELS if not row.needs]
    forms = [row for row in plain_models().values() if row not in zoo.MODELS]
    assert [(row.name, dict(row.options)) for row in forms] == [
        ("Wide & Deep, first order", {"cross_pairs": ()})
    ]


def test_wide_and_deep_stands_there_with_crosses_and_without(path):
    columns = load(path).feature_columns
    layers = {}
    for name in ("Wide & Deep", "Wide & Deep, first order"):
        model = plain_models()[name].build(columns, embedding_dim=2, hidden_units=(3,))
        layers[name] = {layer.name for layer in model.layers}
        assert "wide_linear" in layers[name]
    assert ["wide_cross" in found for found in layers.values()] == [True, False]


@pytest.mark.parametrize("name", plain_models())
def test_every_model_builds_with_the_sizes_that_it_has(path, name):
    dataset = load(path)
    given = [(name, "rank", 4)] if name == "DCN-Mix" else []  # at most the columns' width
    plan = train.make_plan(names=[name], given=given, embedding_dim=3, hidden_units=(5,))
    ((line,), left_out) = plan.lines(dataset)
    assert left_out == {}
    model = line.recipe()(dataset.feature_columns)
    probability = model({key: values[:4] for key, values in dataset.test.features.items()})
    assert probability.shape == (4,)
    widths = {tuple(variable.shape)[-1:] for variable in model.trainable_variables}
    vectors = 3 * len(dataset.feature_columns) if name == "FFM" else 3  # one for each field
    assert ((vectors,) in widths) == (name not in ("LR", "wide", "polynomial"))
    without = ("LR", "wide", "polynomial", "FM", "FwFM", "FmFM", "FFM", "AFM", "CIN", "AutoInt")
    without += ("SerMaskNet", "EDCN")
    assert ((5,) in widths) == (name not in without)
    assert takes(plain_models()[name], "hidden_units") == (name not in without)


def test_one_command_trains_stops_early_and_writes_the_scores(path, tmp_path, capsys):
    output = tmp_path / "a new" / "folder" / "scores.csv"
    options = ["--group", "user", "--models", "LR,FM,dcn", "--seeds", "2", "--epochs", "60"]
    options += ["--learning-rate", "0.05", "--batch-size", "100", "--option", "embedding_dim=4"]
    assert command.main([str(path), *options, "--output", str(output)]) == 0
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
    lines = while_running(text)
    assert list(lines) == ["LR", "FM", "DCN"]
    for name, line in lines.items():
        assert float(line.split()[1].strip(",")) == pytest.approx(auc[name], abs=1e-5)
        assert ", GAUC " in line and ", log loss " in line
    # One line for every epoch, since nobody watches a bar.
    line = r"\nFM, seed 1: epoch (\d+) of at most 60, loss [\d.]+, valid [\d.]+,"
    epochs = re.findall(line, text)
    trained = int(table[(table.model == "FM") & (table.seed == 1)].trained.item())
    assert list(map(int, epochs)) == list(range(1, trained + 1))
    # Users and items differ in nothing but the other one: no additive model can learn anything.
    assert "; no better than the base rate; likely" in lines["LR"]
    assert text.count("no better than the base rate") == 2  # and once in the final table
    final = table_with(text, "by GAUC")
    gauc = table.groupby("model").gauc.mean().drop("base rate")
    assert [line.split()[0] for line in final[1:]] == list(gauc.sort_values(ascending=False).index)
    assert "users of the test split are drawn with replacement, each with all rows" in text
    # How long it takes is said before the first model trains.
    assert re.search(r"\nlikely [\d.]+ .* 10 until there are some; .* if none of them stops", text)
    assert text.index("if none of them stops early") < text.index("AUC")


def test_a_model_that_does_not_fit_the_columns_ends_no_board(path, capsys):
    options = ["--seeds", "1", "--epochs", "1", "--option", "embedding_dim=2"]
    assert command.main([str(path), *options, "--models", "dcn_mix,LR"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"\nDCN-Mix left out: rank: expected at most .* 6, got 16\n", text)
    assert re.search(r"\nLeft out: DCN-Mix: rank: expected at most", text)
    assert list(while_running(text)) == ["LR"]
    assert recsys(["leaderboard", str(path), *options, "--models", "dcn_mix"]) == 1
    assert "rank: expected at most" in capsys.readouterr().err


def test_a_model_that_needs_what_the_data_lack_is_left_out_and_told(path, capsys):
    options = ["--seeds", "1", "--epochs", "1"]
    assert command.main([str(path), *options, "--models", "din,LR"]) == 0
    assert "DIN left out: needs a history: an ordered sequence" in capsys.readouterr().out
    assert recsys(["leaderboard", str(path), *options, "--models", "DIN"]) == 1
    assert "needs a history" in capsys.readouterr().err


def test_one_seed_and_no_groups_leave_out_what_they_cannot_say(path, tmp_path, capsys):
    output = tmp_path / "scores.csv"
    options = ["--models", "LR,FM", "--seeds", "1", "--epochs", "1", "--output", str(output)]
    assert command.main([str(path), *options]) == 0
    text = capsys.readouterr().out
    assert "nan" not in text and "GAUC" not in text and "+-" not in text
    words = {line.split()[0]: line for line in table_with(text, "by AUC")[1:]}
    assert " best " in words.pop("FM" if " best " in words["FM"] else "LR")
    assert all(" one run " in line for line in words.values())
    assert re.match(r"AUC [\d.]+, log loss [\d.]+, best epoch 1.0, ", while_running(text)["LR"])
    assert "gauc" not in pd.read_csv(output)
    assert "rows of the test split are drawn with replacement, since no group is given" in text


DESCRIBED = """
files = "rows.csv"
[labels.label]
[columns.user]
group = "user"
[columns.item]
group = "item"
[columns.hour]
"""


def test_users_that_a_description_names_are_ranked_within(path, tmp_path, capsys):
    (tmp_path / "data.toml").write_text(DESCRIBED.replace("rows.csv", str(path)))
    options = ["--models", "LR,FM", "--seeds", "1", "--epochs", "1", "--no-cache"]
    assert command.main([str(tmp_path / "data.toml"), *options]) == 0
    assert all(", GAUC " in line for line in while_running(capsys.readouterr().out).values())


def test_the_options_of_the_command_reach_the_models(path, tmp_path):
    output = tmp_path / "scores.csv"
    options = ["--models", "DCN,FM", "--seeds", "1", "--epochs", "1", "--output", str(output)]

    def parameters(*more):
        assert command.main([str(path), *options, *more]) == 0
        table = pd.read_csv(output)
        return table.set_index("model").parameters.astype(int).to_dict()

    tables, width = 8 + 8 + 8, 3 * 2

    def dcn(width, hidden, layers=3):
        crosses = 2 * layers * width + width  # two vectors a layer, and the logit's weights
        widths = [width, *hidden]
        dense = sum((a + 1) * b for a, b in itertools.pairwise(widths))
        return tables * width // 3 + crosses + dense + hidden[-1] + 1

    small = ("--option", "embedding_dim=2", "--option")
    first = parameters(*small, "hidden_units=3,")
    assert first["DCN"] == dcn(width, [3])
    assert parameters(*small, "hidden_units=3,4")["DCN"] == dcn(width, [3, 4])
    found = parameters(*small, "hidden_units=3,", "--option", "DCN.num_cross_layers=2")
    assert found == {**first, "DCN": dcn(width, [3], layers=2)}
    found = parameters(
        *small, "hidden_units=3,", "--option", "embedding_dim=5", "--option", "fm.embedding_dim=2"
    )
    assert found == {**first, "DCN": dcn(15, [3])}


def test_an_option_is_a_literal_or_a_word():
    read = read_option
    assert read("Wide & Deep.cross_pairs=()") == ("Wide & Deep", "cross_pairs", ())
    assert read("DCN-V2.rank = 16") == ("DCN-V2", "rank", 16)
    assert read("embedding_l2=1e-5") == (None, "embedding_l2", 1e-5)
    assert read("dnn.activation=tanh") == ("dnn", "activation", "tanh")
    assert read("batch_normalization={'epsilon': 1e-5}")[2] == {"epsilon": 1e-5}
    assert read('embedding_l2={strength = 0.1, rows = "table"}')[2]["rows"] == "table"
    for text in ("rank", "=3", ".rank=3", "DCN.=3", "DCN.rank=16 or", "DCN.rank=__import__('os')"):
        with pytest.raises(ValueError, match=r"^option.*: expected .*, got "):
            read_option(text)


def test_a_table_is_a_penalty_or_an_initializer_where_the_option_is_one():
    given = {"name": "RandomNormal", "stddev": 1e-4}
    assert as_python("embeddings_initializer", given) == {
        "class_name": "RandomNormal",
        "config": {"stddev": 1e-4},
    }
    assert as_python("cross_pairs", [["a", "b"], ["a", "c"]]) == (("a", "b"), ("a", "c"))
    with pytest.raises(ValueError, match=r"linear_l2: expected a strength, got \{\}"):
        as_python("linear_l2", {})
    with pytest.raises(ValueError, match="linear_l2: unknown option 'row'; did you mean 'rows'"):
        as_python("linear_l2", {"strength": 1.0, "row": "table"})


MODULES = [
    f"{package.__name__}.{path.stem}"
    for package in (recsys_pipeline.leaderboard, recsys_pipeline.train)
    for path in pathlib.Path(package.__file__).parent.glob("*.py")
    if not path.stem.startswith("__")
]


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings(module):
    assert doctest.testmod(importlib.import_module(module)).failed == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--models", "FM,GBDT"], "models: unknown name 'GBDT'; "),
        (["--models", "FM,fm"], r"models: expected each one once, got \['FM', 'fm'\]"),
        (["--option", "FM.embeding_dim=3"], "FM: unknown option 'embeding_dim'; did you mean 'emb"),
        (["--option", "GBDT.rank=3"], "option: unknown name 'GBDT'; "),
        (["--models", "FM", "--option", "DCN.rank=3"], r"option: expected a model of \['FM'\]"),
        (["--models", "FM", "--option", "rank=3"], "option: unknown name 'rank'; "),
        (["--option", "FM.rank"], "option: expected name=value or MODEL.name=value"),
        (["--option", "FM.patience=0"], "FM, patience: expected greater than or equal to 1, got 0"),
        (["--epochs", "0"], "epochs: expected greater than or equal to 1, got 0"),
        (["--epochs", "few more"], "epochs: expected a number, a word, a list or a table, got"),
        (["--seeds", "0"], "seeds: expected an integer of 1 or more, got 0"),
        (["--margin", "0"], "margin: expected"),
        (["--recipe", "no_such"], r"recipe: expected a file or one of \[.*frappe.*\], got"),
        (["--label", "click"], "click"),
        (["--task", "buy"], r"task: expected a binary one of \['label'\], got 'buy'"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_and_a_status(path, capsys, options, message):
    assert recsys(["leaderboard", str(path), *options]) == 1
    output = capsys.readouterr()
    assert re.search(message, output.err)
    assert output.err.count("\n") == 1
    assert "an epoch" not in output.out


def test_what_needs_no_data_is_looked_at_before_any_is_read(tmp_path, capsys):
    missing, file = str(tmp_path / "no such.csv"), tmp_path / "a file"
    file.write_text("")
    for options, message in (
        (["--option", "FM.rank=3"], "rank"),
        (["--recipe", "no_such"], "recipe"),
        (["--folder", str(file)], "a file"),
        (["--output", str(file / "scores.csv")], "a file"),
    ):
        assert recsys(["leaderboard", missing, *options]) == 1
        error = capsys.readouterr().err
        assert message in error and "no such.csv" not in error


def test_the_estimate_alone_trains_nothing(path, tmp_path, capsys):
    output = tmp_path / "scores.csv"
    options = ["--models", "LR,FM", "--seeds", "2", "--epochs", "7", "--output", str(output)]
    assert command.main([str(path), *options, "--estimate"]) == 0
    text = capsys.readouterr().out
    row = r"\n{} +[\d.]+ s +2 +[\d.]+ s +[\d.]+ s"
    assert re.search(row.format("LR") + row.format("FM"), text)
    assert "AUC" not in text and not output.exists()


def test_help_comes_without_tensorflow():
    code = (
        "import sys\n"
        "from recsys_pipeline.leaderboard import command\n"
        "try:\n    command.main(['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "print(sorted({'tensorflow', 'keras', 'scipy'} & set(sys.modules)))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    text = " ".join(found.split())
    assert "wide_and_deep (Wide & Deep)" in text and "frappe" in text
    assert found.splitlines()[-1] == "[]"


def test_a_folder_gets_pages_figures_models_and_how_it_was_made(path, tmp_path, capsys):
    folder = tmp_path / "board"
    options = ["--models", "LR,FM", "--seeds", "2", "--epochs", "2", "--folder", str(folder)]
    assert command.main([str(path), *options]) == 0
    written = {
        *("scores.csv", "board.csv", "board.md", "board.html", "made.json"),
        *("auc_against_parameters.svg", "auc_against_milliseconds.svg"),
    }
    assert {one.name for one in folder.iterdir()} == {*written, "runs"}
    made = json.loads((folder / "made.json").read_text())
    assert len(made["data"]["sha256"]) == 64
    assert {"keras", "numpy", "scipy"} < made["versions"].keys() and made["recipe"] is None
    assert made["models"]["FM"]["fit"]["epochs"] == 2
    assert str(tmp_path) not in json.dumps(made)
    models = sorted(one.name for one in (folder / "runs").glob("*.keras"))
    assert [name[:2] for name in models] == ["fm", "fm", "lr", "lr"]
    assert not list((folder / "runs").glob("*.npz"))  # where a run was, until it is done
    from recsys_lib.training import auc, predict
    from recsys_lib.training import load as load_model

    dataset = load(path)
    scores = pd.read_csv(folder / "scores.csv").set_index(["model", "seed"])
    (saved,) = (folder / "runs").glob("fm_*_seed_1.keras")
    found = predict(load_model(saved), dataset.test.features)["label"]
    assert auc(dataset.test.label, found) == scores.loc[("FM", 1), "auc"]
    assert "written: scores.csv, board.csv" in capsys.readouterr().out
