"""Shipped recipes run end to end, on small generated files of the form of their data."""

import numpy as np
import pandas as pd
import pytest

from recsys_lib.features import CategoricalColumn
from recsys_pipeline import train
from recsys_pipeline.leaderboard import command
from recsys_pipeline.train.recipe_files import shipped

FRAPPE = (30, 50, 7, 7, 2, 3, 2, 9, 20, 30)
TAGS = (40, 60, 50)

# Of each model, the weights that the logs of the benchmark state.
CRITEO = {
    "LR": 2_086_317,
    "FM": 22_949_477,
    "AFM": 22_949_871,
    "NFM": 23_275_077,
    "IPNN": 21_639_561,
    "Wide & Deep": 23_429_477,
    "DeepFM": 23_429_477,
    "DCN": 21_343_491,
    "DCN-V2": 22_018_021,
    "xDeepFM": 23_461_462,
    "FiBiNET": 29_273_411,
}
AVAZU = {
    "LR": 1_298_600,
    "FM": 14_284_590,
    "AFM": 14_284_792,
    "NFM": 14_610_190,
    "IPNN": 13_487_991,
    "Wide & Deep": 14_696_590,
    "DeepFM": 14_696_590,
    "DCN": 13_397_131,
    "DCN-V2": 13_641_311,
    "xDeepFM": 14_727_695,
    "AutoInt": 13_142_407,
    "FiBiNET": 16_456_998,
}


def libsvm(folder, sizes, num_rows, seed=0):
    """Three files: each value of each column is an id of its own, and stands as ``id:1``."""
    rng = np.random.default_rng(seed)
    starts = np.cumsum((0, *sizes[:-1]))
    paths = []
    for name, rows in zip(("train", "valid", "test"), num_rows, strict=True):
        ids = starts + np.stack([rng.integers(size, size=rows) for size in sizes], axis=1)
        label = rng.random(rows) < np.where(ids[:, 0] % 2 == ids[:, 1] % 2, 0.6, 0.2)
        lines = [
            f"{int(y)} " + " ".join(f"{value}:1" for value in row)
            for y, row in zip(label, ids, strict=True)
        ]
        path = folder / f"{name}.libsvm"
        path.write_text("\n".join(lines) + "\n")
        paths.append(str(path))
    return paths


def comma_separated(folder, numbers, categories, num_rows, seed=0):
    """Three files with a label, numbers between 0 and 1, and categories of twenty values each."""
    rng = np.random.default_rng(seed)
    paths = []
    for name, rows in zip(("train", "valid", "test"), num_rows, strict=True):
        table = {column: rng.random(rows).round(4) for column in numbers}
        table |= {column: rng.integers(1, 21, rows) for column in categories}
        first, second = (table[column] for column in categories[:2])
        label = rng.random(rows) < np.where(first % 2 == second % 2, 0.6, 0.2)
        path = folder / f"{name}.csv"
        pd.DataFrame({"label": label.astype(int), **table}).to_csv(path, index=False)
        paths.append(str(path))
    return paths


def files_of(name, folder, num_rows):
    """Files as the data of a shipped recipe lie on disk, and the options that they are read by."""
    if name == "frappe":
        return libsvm(folder, FRAPPE, num_rows)
    if name == "movielens_tags":
        return libsvm(folder, TAGS, num_rows)
    if name == "avazu":
        return comma_separated(folder, [], [f"feat_{i}" for i in range(1, 23)], num_rows)
    numbers, categories = [f"I{i}" for i in range(1, 14)], [f"C{i}" for i in range(1, 27)]
    paths = comma_separated(folder, numbers, categories, num_rows)
    return [*paths, "--numeric", "2-14"]


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_recipe_runs_from_files_to_the_table(name, tmp_path, capsys):
    """Its own sizes, penalties, optimizer and rows a step; one epoch on few rows."""
    paths = files_of(name, tmp_path, (300, 100, 100))
    output = tmp_path / "scores.csv"
    options = ["--recipe", name, "--epochs", "1", "--output", str(output)]
    assert command.main([*paths, *options]) == 0
    recipe = train.read_recipe(name)
    board = [line.name for line in train.make_plan(recipe).lines()[0]]
    table = pd.read_csv(output).set_index("model")
    assert list(table.index) == ["base rate", *board]
    assert np.isfinite(table.loc[board, ["auc", "log_loss"]]).all(axis=None)
    assert (table.loc[board, "epochs"] == 1).all()
    text = capsys.readouterr().out
    assert "left out" not in text.lower()
    assert f"recipe {name}: {recipe.title}" in text
    heading = next(i for i, line in enumerate(text.splitlines()) if "to published" in line)
    assert f"published ({recipe.published.rule})" in text.splitlines()[heading]
    final = text.splitlines()[heading + 1 :]
    for model in board:
        line = next(line for line in final if line.startswith(f"{model} "))
        published = recipe.published_auc().get(model)
        if published is not None:
            difference = table.auc[model] - published
            assert f" {published:.5f} " in line and f" {difference:+.5f} " in line
    # Who the users are: a recipe says it where the files do not.
    assert ("gauc" in table) == (recipe.group is not None)
    assert set(recipe.published_auc()) & set(board)


@pytest.mark.parametrize(
    ("name", "fields", "published"), [("criteo", 39, CRITEO), ("avazu", 22, AVAZU)]
)
def test_models_for_advertisements_have_the_published_numbers_of_weights(name, fields, published):
    """The logs count a vocabulary that nobody needs here: all weights but the ids' are compared.

    In the benchmark a number is a field like any other, with one vector: it counts as an id.
    """
    columns = [CategoricalColumn(f"c{place}", 3) for place in range(fields)]
    vocabulary = published["LR"] - 1  # LR has a weight for each id, and a bias
    plan = train.make_plan(train.read_recipe(name))
    lines = {line.name: line for line in plan.lines()[0]}
    assert set(published) <= set(lines)
    for model, total in published.items():
        sizes = [tuple(weight.shape) for weight in lines[model].recipe()(columns).trainable_weights]
        tables = [size for size in sizes if len(size) == 2 and size[0] == 3 * fields]
        each = sum(width for _, width in tables)  # weights of one id
        assert each == {"LR": 1, "IPNN": 10, "DCN": 10, "DCN-V2": 10, "AutoInt": 10}.get(model, 11)
        expected = total - each * vocabulary
        if model == "FiBiNET":
            # Its authors cross both branches by matrices of their own; the benchmark by one set.
            pairs = fields * (fields - 1) // 2
            expected += 100 * (pairs if lines[model].options["bilinear"] == "interaction" else 1)
        if model == "xDeepFM":
            # The benchmark gives every feature map a bias, and the maps' logit another.
            expected -= sum(lines[model].options["cin_layer_sizes"]) + 1
        assert sum(int(np.prod(size)) for size in sizes) - 3 * fields * each == expected, model
