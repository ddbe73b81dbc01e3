"""``python -m recsys_lib.leaderboard``: every model on a file, from one command."""

import numpy as np
import pandas as pd
import pytest

from recsys_lib import higher_order, leaderboard, second_order
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


def test_every_builder_of_both_chapters_is_on_the_board():
    """A builder that only leaves parts of another one out needs no line of its own."""
    builders = {
        getattr(second_order if name in second_order.__all__ else higher_order, name)
        for name in (*second_order.__all__, *higher_order.__all__)
        if name.startswith("build_")
    }
    there = {getattr(build, "func", build) for build in leaderboard.MODELS.values()}
    assert builders - there == {higher_order.build_cin}


@pytest.mark.parametrize("name", leaderboard.MODELS)
def test_every_model_builds_with_the_options_that_it_has(path, name):
    dataset = files.load(path)
    recipe = leaderboard.recipes([name], embedding_dim=3, hidden_units=(5,))[name]
    model = recipe.build(dataset.feature_columns)
    probability = model({key: values[:4] for key, values in dataset.test.features.items()})
    assert probability.shape == (4,)
    widths = {tuple(variable.shape)[-1:] for variable in model.trainable_variables}
    assert ((3,) in widths) == (name not in ("LR", "polynomial"))
    has_network = {"NFM", "IPNN", "OPNN", "PNN", "DeepFM", "DNN", "DCN", "DCN-V2", "xDeepFM"}
    assert ((5,) in widths) == (name in has_network or name.startswith(("FiBiNET", "AutoInt+")))


def test_one_command_trains_stops_early_and_writes_the_scores(path, tmp_path, capsys):
    output = tmp_path / "scores.csv"
    options = ["--group", "user", "--models", "LR,FM,DCN", "--seeds", "2", "--epochs", "60"]
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
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    shown = {words[0]: float(words[1]) for words in lines if words and words[0] in auc.index}
    np.testing.assert_allclose([shown[name] for name in shown], auc[list(shown)], atol=1e-5)
    assert list(shown) == ["LR", "FM", "DCN"]


def test_the_options_of_the_command_reach_the_models(path, tmp_path):
    output = tmp_path / "scores.csv"
    options = ["--models", "DCN", "--seeds", "1", "--epochs", "1", "--output", str(output)]
    counts = {}
    for width, hidden in ((2, "3"), (2, "3,4"), (5, "3")):
        sizes = ["--embedding-dim", str(width), "--hidden-units", hidden]
        assert leaderboard.main([str(path), *options, *sizes]) == 0
        table = pd.read_csv(output)
        counts[width, hidden] = table.parameters[table.model == "DCN"].item()
    tables = 8 + 8 + 8
    crosses = 2 * 3 * 6 + 6  # two vectors a layer, six components, and the logit's weights
    assert counts[2, "3"] == tables * 2 + crosses + (6 * 3 + 3) + 3 + 1
    assert counts[2, "3,4"] == tables * 2 + crosses + (6 * 3 + 3) + (3 * 4 + 4) + 4 + 1
    assert counts[5, "3"] == tables * 5 + 2 * 3 * 15 + 15 + (15 * 3 + 3) + 3 + 1


def test_a_mistake_is_one_line_and_a_status(path, capsys):
    assert leaderboard.main([str(path), "--models", "FM,GBDT"]) == 1
    assert "models: expected some of" in capsys.readouterr().err
    assert leaderboard.main([str(path), "--label", "click"]) == 1
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
