"""``Comparison``: what was traced serves further data sets, and nothing else."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import tiny

from recsys_lib.training import Comparison, Recipe, compare, evaluate

DATA = tiny.make_dataset(tiny.SMALL)
OPTIONS = {"epochs": 2, "batch_size": 32}


def first_run(table):
    """The row of seed 0 over all test rows."""
    found = table[(table["seed"] == 0) & (table["slice"] == "all")]
    assert len(found) == 1
    return found.iloc[0]


def test_a_comparison_goes_on_to_another_data_set_with_the_numbers_of_a_fresh_build():
    recipe = Recipe(tiny.build_small, 1e-2)
    rows = np.arange(len(DATA.train)) % 3 > 0
    other = dataclasses.replace(DATA, train=DATA.train.take(rows))
    comparison = Comparison({"one": recipe}, **OPTIONS)
    comparison.on(DATA, seeds=2)
    result = comparison.on(other, seeds=2)
    again, fresh = result.table, compare({"one": recipe}, other, seeds=2, **OPTIONS)
    measured = ["seconds", "trace_seconds", "examples_per_second"]
    pd.testing.assert_frame_equal(again.drop(columns=measured), fresh.drop(columns=measured))
    trained = again[again["seed"].notna()]
    assert (trained["trace_seconds"] == 0).all() and fresh["trace_seconds"].max() > 0
    model = result.model("one", 1)
    comparison.on(DATA, seeds=1)
    found = evaluate(model, other.test)["log_loss"]  # a model of its own: nobody went on with it
    assert found == again.loc[again["seed"] == 1, "log_loss"].item()


def test_other_columns_are_traced_anew():
    wider = tuple(
        dataclasses.replace(column, vocabulary_size=column.vocabulary_size + 5)
        if column.name == "user_id"
        else column
        for column in DATA.feature_columns
    )
    data = dataclasses.replace(DATA, feature_columns=wider)
    comparison = Comparison({"one": tiny.build_small}, **OPTIONS)
    comparison.on(DATA, seeds=1)
    found = first_run(comparison.on(data, seeds=1).table)
    fresh = first_run(compare({"one": tiny.build_small}, data, seeds=1, **OPTIONS))
    for name in ("log_loss", "parameters"):
        assert found[name] == fresh[name]
    assert found["trace_seconds"] > 0


def test_a_killed_comparison_goes_on_where_it_stopped(tmp_path):
    models = {"a model": tiny.build_small, "A model!": Recipe(tiny.build_small, 1e-2)}
    options = {**OPTIONS, "checkpoint": tmp_path / "runs"}
    first = compare(models, DATA, seeds=2, **options)
    assert len(list((tmp_path / "runs").iterdir())) == 4  # one for each model and seed
    again = compare(models, DATA, seeds=2, **options)
    scores = ["model", "seed", "auc", "log_loss", "epochs"]
    pd.testing.assert_frame_equal(first[scores], again[scores])
    stamps = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
    compare(models, DATA, seeds=3, **options)
    for path in (tmp_path / "runs").iterdir():
        if path.name in stamps:
            assert path.stat().st_mtime_ns == stamps[path.name]  # nothing was trained again


def test_models_that_were_not_kept_are_not_there():
    result = Comparison({"one": tiny.build_small}, **OPTIONS).on(DATA, seeds=1, keep=False)
    with pytest.raises(ValueError, match="'one': the comparison was told to keep no weights"):
        result.model("one")
    with pytest.raises(ValueError, match=r"model: expected one of \['one'\] and a seed of \(0,\)"):
        result.model("two")
    with pytest.raises(ValueError, match=r"got 'one' and 5"):
        result.model("one", 5)
