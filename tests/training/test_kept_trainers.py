"""``compare(..., trainers=)``: what was traced serves further data sets, and nothing else."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import tiny

from recsys_lib.training import Adagrad, Adam, Recipe, compare, evaluate

DATA = tiny.make_dataset(tiny.SMALL)
OPTIONS = {"epochs": 2, "batch_size": 32}


def first_run(table):
    """The row of seed 0 over all test rows."""
    found = table[(table["seed"] == 0) & (table["slice"] == "all")]
    assert len(found) == 1
    return found.iloc[0]


def test_kept_trainers_serve_another_data_set_with_the_numbers_of_a_fresh_build():
    recipe = Recipe(tiny.build_small, lambda: Adam(1e-2))
    rows = np.arange(len(DATA.train)) % 3 > 0
    other = dataclasses.replace(DATA, train=DATA.train.take(rows))
    trainers, models = {}, {}
    compare({"one": recipe}, DATA, seeds=2, trainers=trainers, **OPTIONS)
    again = compare(
        {"one": recipe}, other, seeds=2, trainers=trainers, keep_seeds=models, **OPTIONS
    )
    fresh = compare({"one": recipe}, other, seeds=2, **OPTIONS)
    measured = ["seconds", "trace_seconds", "examples_per_second"]
    pd.testing.assert_frame_equal(again.drop(columns=measured), fresh.drop(columns=measured))
    trained = again[again["seed"].notna()]
    assert (trained["trace_seconds"] == 0).all() and fresh["trace_seconds"].max() > 0
    compare({"one": recipe}, DATA, seeds=1, trainers=trainers, **OPTIONS)
    found = evaluate(models["one"][1], other.test)["log_loss"]  # a copy: nobody went on with it
    assert found == again.loc[again["seed"] == 1, "log_loss"].item()


@pytest.mark.parametrize("changed", ["recipe", "columns", "weights"])
def test_a_kept_trainer_serves_nothing_else(changed):
    recipes = [Recipe(tiny.build_small), Recipe(tiny.build_small, lambda: Adagrad(0.5))]
    others = {"recipe": (recipes[1], DATA, {}), "weights": (recipes[0], DATA, {"like": 3.0})}
    wider = [
        dataclasses.replace(column, vocabulary_size=column.vocabulary_size + 5)
        if column.name == "user_id"
        else column
        for column in DATA.feature_columns
    ]
    others["columns"] = (recipes[0], dataclasses.replace(DATA, feature_columns=tuple(wider)), {})
    recipe, data, weights = others[changed]
    trainers = {}
    compare({"one": recipes[0]}, DATA, seeds=1, trainers=trainers, **OPTIONS)
    options = {"seeds": 1, "loss_weights": weights, **OPTIONS}
    found = compare({"one": recipe}, data, trainers=trainers, **options)
    fresh = compare({"one": recipe}, data, **options)
    for name in ("log_loss", "parameters"):
        assert first_run(found)[name] == first_run(fresh)[name]
    assert first_run(found)["trace_seconds"] > 0


def test_kept_models_and_kept_trainers_are_refused_together():
    with pytest.raises(ValueError, match="trainers: expected no keep beside it"):
        compare({"one": tiny.build_small}, DATA, seeds=1, keep={}, trainers={}, **OPTIONS)
