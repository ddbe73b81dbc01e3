"""Recipes: what a file may say, that it reaches the models, and those that are shipped."""

import re

import pytest
from small_board import load, write_rows

from recsys_lib.features.columns import EmbeddingL2
from recsys_lib.training import Adam, ReduceOnPlateau
from recsys_pipeline import train
from recsys_pipeline.train.recipe_files import shipped

PUBLISHED = {
    "LR": 0.9356,
    "FM": 0.9671,
    "AFM": 0.9697,
    "NFM": 0.9804,
    "IPNN": 0.9841,
    "Wide & Deep": 0.9841,
    "DeepFM": 0.9842,
    "DCN": 0.9839,
    "DCN-V2": 0.9845,
    "xDeepFM": 0.9845,
    "AutoInt": 0.9831,
    "FiBiNET": 0.9832,
}

SMALL = """
title = "A small one"
models = ["fm", "AFM, wide", "afm", "dcn"]
seeds = 2
[fit]
epochs = 4
optimizer = { name = "Adam", epsilon = 1e-6 }
reduce_on_plateau = { factor = 0.5 }
[options]
embedding_dim = 3
hidden_units = [5, 4]
embedding_l2 = { strength = 0.5, rows = "table" }
embeddings_initializer = { name = "RandomNormal", stddev = 1e-4 }
[entries.afm]
attention_dim = 6
embedding_l2 = 0.25
[entries.afm.fit]
learning_rate = 0.02
epochs = 9
[entries."AFM, wide"]
model = "afm"
attention_dim = 12
[entries.dcn.grid]
num_cross_layers = [1, 2]
learning_rate = [0.01, 0.1]
[published]
source = "a paper"
auc.afm = 0.7
auc."AFM, wide" = 0.8
"""


@pytest.fixture
def recipe(tmp_path):
    def write(text):
        path = tmp_path / "small.toml"
        path.write_text(text)
        return train.read_recipe(str(path))

    return write


def lines(recipe, names=None, **said):
    plan = train.make_plan(recipe, names, **said)
    return {line.name: line for line in plan.lines()[0]}


def test_a_recipe_says_who_stands_on_the_board_with_which_options(recipe):
    plan = train.make_plan(recipe(SMALL))
    found = {line.name: line for line in plan.lines()[0]}
    assert list(found) == ["FM", "AFM, wide", "AFM", "DCN"]
    assert plan.seeds == 2
    fm, afm, wide = found["FM"].recipe(), found["AFM"].recipe(), found["AFM, wide"].recipe()
    assert "hidden_units" not in fm.options and found["DCN"].options["hidden_units"] == [5, 4]
    assert fm.options["embedding_l2"] == EmbeddingL2(0.5, rows="table")
    assert (afm.options["attention_dim"], afm.options["embedding_l2"]) == (6, 0.25)
    assert (wide.options["attention_dim"], wide.options["embedding_l2"].strength) == (12, 0.5)
    assert (fm.learning_rate, fm.fit["epochs"], fm.fit["batch_size"]) == (1e-3, 4, 1024)
    assert (afm.learning_rate, afm.fit["epochs"]) == (0.02, 9)
    assert wide.learning_rate == 1e-3
    assert fm.fit["reduce_on_plateau"] == ReduceOnPlateau(0.5)
    optimizer = fm.fresh_optimizer()
    assert isinstance(optimizer, Adam) and optimizer.epsilon == 1e-6
    assert plan.recipe.published_auc() == {"AFM": 0.7, "AFM, wide": 0.8}


def test_a_recipe_reaches_the_built_models(recipe, tmp_path):
    dataset = load(write_rows(tmp_path / "rows.csv", 200))
    found = lines(recipe(SMALL))
    model = found["AFM"].recipe()(dataset.feature_columns)
    assert model.get_layer("afm_attention").kernel.shape == (3, 6)
    table = model.get_layer("embedding").table.numpy()
    assert 5e-5 < table.std() < 2e-4
    assert model.get_layer("embedding").l2.strength == 0.25


def test_the_command_line_wins_over_the_recipe_and_one_model_over_all(recipe):
    text = recipe(SMALL)
    found = lines(text, epochs=7, embedding_dim=8)
    assert {line.training.epochs for line in found.values()} == {7}
    assert {line.options["embedding_dim"] for line in found.values()} == {8}
    given = [("afm", "embedding_dim", 2), (None, "embedding_l2", 0.1), ("DCN", "epochs", 1)]
    found = lines(text, given=given)
    assert found["AFM"].options["embedding_dim"] == 2
    assert found["FM"].options["embedding_dim"] == 3
    assert {line.options["embedding_l2"] for line in found.values()} == {0.1}
    assert found["DCN"].training.epochs == 1
    found = lines(text, given=[(None, "patience", 6), ("DCN", "patience", 7)])
    assert {name: line.training.patience for name, line in found.items()} == {
        **dict.fromkeys(found, 6),
        "DCN": 7,
    }
    given = [("DCN", "num_cross_layers", 3)]
    assert list(lines(text, given=given)["DCN"].grid) == ["learning_rate"]


def test_names_on_the_command_line_choose_among_entries_and_other_models(recipe):
    found = lines(recipe(SMALL), ["AFM, wide", "afm", "LR", "fwfm"])
    assert list(found) == ["AFM, wide", "AFM", "LR", "FwFM"]
    assert found["FwFM"].options["embedding_dim"] == 3  # what holds for all holds for it too
    with pytest.raises(ValueError, match=r"models: expected each one once, got \['afm', 'AFM'\]"):
        lines(recipe(SMALL), ["afm", "AFM"])


def test_every_combination_of_a_grid_is_a_trial(recipe):
    trials = lines(recipe(SMALL))["DCN"].trials()
    said = [(one.options["num_cross_layers"], one.training.learning_rate) for one in trials]
    assert said == [(1, 0.01), (1, 0.1), (2, 0.01), (2, 0.1)]
    assert all(not one.grid for one in trials)
    assert len({str(one.described()) for one in trials}) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", "small.toml: not a readable TOML file"),
        ("titel = 'x'", r"small.toml: unknown name 'titel'; did you mean 'title'\?"),
        ("title = 3", "small.toml, title: expected a valid string, got 3"),
        ("models = ['gbdt']", "models: unknown name 'gbdt'"),
        ("seeds = 0", "small.toml, seeds: expected greater than or equal to 1, got 0"),
        ("[fit]\nepoch = 3", r"small.toml, fit: unknown name 'epoch'; did you mean 'epochs'\?"),
        ("[fit]\nepochs = 1.5", "small.toml, fit, epochs: expected a valid integer, got 1.5"),
        ("[fit]\noptimizer = 'SGD'", "small.toml, fit, optimizer: unknown name 'sgd'; expected"),
        ("[fit]\nreduce_on_plateau = { factr = 1 }", "plateau: unknown option 'factr'; did you"),
        ("[fit]\nreduce_on_plateau = [0.5, 1, 0.1, 7]", "fit, reduce_on_plateau: expected at most"),
        ("[fit]\ncolumns = 3", "small.toml, fit, columns: expected a valid tuple, got 3"),
        ("[entries.gbdt]\nx = 1", "small, entries.gbdt: unknown name 'gbdt'"),
        ("[entries.fm.grid]\nembedding_dim = 3", "entries.fm, grid, embedding_dim: expected a val"),
        ("[entries.fm.fit]\nlearning_rate = 0", "entries.fm, fit, learning_rate: expected greater"),
        ("[published.auc]\nfm = 96.7", "small.toml, published, auc, fm: expected less than or equ"),
        ("[published]\nlog_loss = 1", "small.toml: unknown name 'published, log_loss'"),
        ("rank_by = 'mrr'", "small.toml, rank_by: expected 'auc' or 'gauc', got 'mrr'"),
    ],
)
def test_what_a_file_may_not_say_is_named(recipe, text, message):
    with pytest.raises(ValueError, match=message):
        recipe(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[entries.fm]\nrank = 3", "FM: unknown option 'rank'"),
        ("[entries.fm.grid]\nrank = [3]", "FM: unknown option 'rank'"),
        ("[options]\nranks = 3", "small, options: unknown option 'ranks'; did you mean 'rank'"),
        ("[fit]\noptimizer = { name = 'Adam', eps = 1 }", "optimizer adam: unknown option 'eps'"),
        ("[fit]\nreduce_on_plateau = { factor = 2 }", "reduce_on_plateau, factor: expected"),
        ("[fit]\nreduce_on_plateau = 0.1\npatience = 1", "FM: reduce_on_plateau: expected a pat"),
        ("[fit]\npatience = false\n[entries.fm.grid]\nepochs = [1]", "FM: expected a patience"),
        ("[entries.fm.grid]\nepochs = [0]", "FM, epochs: expected greater than or equal to 1"),
        ("[entries.fm]\nembedding_l2 = { rows = 'table' }", "embedding_l2: expected a strength"),
    ],
)
def test_what_no_model_takes_is_named_before_data_are_read(recipe, text, message):
    with pytest.raises(ValueError, match=message):
        train.make_plan(recipe(text), ["fm"])


@pytest.mark.parametrize("name", shipped())
def test_shipped_recipes_say_what_models_take(name):
    recipe = train.read_recipe(name)
    plan = train.make_plan(recipe)
    assert recipe.title and recipe.about and recipe.published.source and recipe.published.rule
    assert re.fullmatch("[0-9a-f]{64}", recipe.sha256)
    board = [line.name for line in plan.lines()[0]]
    assert set(board) & set(recipe.published_auc())  # a board can be held against what is published
    for entry in recipe.entries:  # also those that a reader has to ask for
        train.make_plan(recipe, [entry])


def test_frappes_recipe_has_the_twelve_published_rows_at_their_sizes():
    plan = train.make_plan(train.read_recipe("frappe"))
    found = {line.name: line for line in plan.lines()[0]}
    assert list(found) == list(PUBLISHED)
    for name, auc in PUBLISHED.items():
        assert plan.recipe.published_auc()[name] == pytest.approx(auc, abs=6e-5)
        line = found[name]
        assert line.options.get("embedding_dim", 10) == 10
        assert line.options.get("hidden_units", [400] * 3) == [400] * 3
        fit = line.training
        epochs = 200 if name == "NFM" else 100  # as the logs say
        assert (fit.epochs, fit.batch_size, fit.learning_rate) == (epochs, 4096, 1e-3)
        # Twice the waiting of the logs: two epochs before a cut, and four before the end.
        assert fit.patience == 4
        assert line.recipe().fit["reduce_on_plateau"] == ReduceOnPlateau(0.1, 2, 1e-3)


def test_frappes_models_have_the_published_numbers_of_weights(tmp_path):
    """The benchmark's logs state them for 5,389 ids; here every column has one more, for id 0."""
    from recsys_lib.features import CategoricalColumn

    sizes = (957, 4082, 7, 7, 2, 3, 2, 9, 80, 240)  # 5,389 with the benchmark's own spare ids
    columns = [CategoricalColumn(f"c{place}", size) for place, size in enumerate(sizes)]
    published = {
        "FM": 59_280,
        "AFM": 60_826,
        "IPNN": 433_491,
        "Wide & Deep": 423_280,
        "DCN-V2": 458_391,
        "AutoInt": 306_051,
        "FiBiNET": 743_480,
    }
    plan = train.make_plan(train.read_recipe("frappe"))
    for line in plan.lines()[0]:
        if line.name not in published:
            continue
        model = line.recipe()(columns)
        count = sum(int(weight.numpy().size) for weight in model.trainable_weights)
        # The authors of FiBiNET cross both branches by matrices of their own; the benchmark by one.
        more = 10 * 10 if line.name == "FiBiNET" else 0
        assert count == published.pop(line.name) + more, line.name
    assert not published
