"""``compare``: the same numbers as separate fits, with bounds, slices and baselines beside them."""

import dataclasses
import random

import keras
import numpy as np
import pandas as pd
import pytest
import tiny
from sklearn.metrics import log_loss, roc_auc_score

from recsys_lib.training import (
    Adagrad,
    Adam,
    Comparison,
    Recipe,
    compare,
    evaluate,
    fit,
    predict,
)
from recsys_lib.training.baselines import column_mean
from recsys_lib.training.weighting import FixedWeights

DATA = tiny.make_dataset(tiny.SMALL)
OPTIONS = {"epochs": 2, "batch_size": 32}


def build_user_only(columns):
    assert tuple(column.name for column in columns) == ("user_id",)
    return tiny.build_small(columns)


@pytest.fixture(scope="module")
def result():
    models = {
        "small": tiny.build_small,
        "user only": Recipe(
            build_user_only, 0.5, optimizer=Adagrad, columns=("user_id",), epochs=1
        ),
    }
    return Comparison(models, slices=("even_users",), **OPTIONS).on(DATA, seeds=[0, 7])


@pytest.fixture(scope="module")
def table(result):
    return result.table


def row(table, model, seed, part="all"):
    found = table[(table["model"] == model) & (table["slice"] == part)]
    found = found[found["seed"].isna() if seed is None else found["seed"] == seed]
    assert len(found) == 1
    return found.iloc[0]


def test_a_row_for_each_model_seed_and_slice_and_the_baselines_once(table):
    trained = {
        (m, s, p) for m in ("small", "user only") for s in (0, 7) for p in ("all", "even_users")
    }
    found = {tuple(r) for r in table[["model", "seed", "slice"]].dropna().to_numpy()}
    assert found == trained
    assert len(table) == 8 + 4
    assert table.loc[table["seed"].isna(), "model"].unique().tolist() == ["base rate", "oracle"]
    assert (table["task"] == "like").all()


def test_the_models_of_all_seeds_are_kept_apart(result):
    assert [model.name for model in result.models.values()] == ["small", "small"]
    models = result.models_by_seed("small")
    assert len(models) == 2 and models[0] is not models[1]
    for seed, model in zip((0, 7), models, strict=True):
        keras.utils.set_random_seed(seed)
        alone = tiny.build_small()
        fit(alone, DATA, seed=seed, **OPTIONS)
        for found, expected in zip(model.variables, alone.variables, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_the_table_alone_is_what_compare_gives(result, table):
    models = {"small": tiny.build_small}
    alone = compare(models, DATA, seeds=[0, 7], slices=("even_users",), **OPTIONS)
    shared = ["model", "seed", "slice", "auc", "log_loss", "parameters", "epochs"]
    expected = table[table["model"] != "user only"][shared].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone[shared], expected)
    scores = result.scores("auc", part="even_users")
    assert scores.index.tolist() == [0, 7] and scores.columns.tolist() == ["small", "user only"]
    assert scores.loc[7, "small"] == row(table, "small", 7, "even_users")["auc"]
    assert {"auc", "auc_sd", "auc_low", "auc_high"} <= set(result.summary().columns)


@pytest.mark.parametrize("seed", [0, 7])
def test_numbers_equal_separate_fits_to_the_last_bit(table, seed):
    keras.utils.set_random_seed(seed)
    model = tiny.build_small()
    history = fit(model, DATA, Adam(1e-3), seed=seed, **OPTIONS)
    for part, split in (("all", DATA.test), ("even_users", DATA.test.slice("even_users"))):
        scores, found = evaluate(model, split), row(table, "small", seed, part)
        for name in ("rows", "auc", "gauc", "one_class_groups", "log_loss", "calibration_error"):
            assert found[name] == scores[name], name
    assert found["epochs"] == history.best_epoch


def test_a_recipe_has_its_own_columns_optimizer_and_options(table):
    data = DATA.with_columns(["user_id"])
    keras.utils.set_random_seed(7)
    model = build_user_only(data.feature_columns)
    fit(model, data, Adagrad(0.5), seed=7, epochs=1, batch_size=32)
    found = row(table, "user only", 7)
    assert found["auc"] == evaluate(model, data.test)["auc"]
    assert found["log_loss"] == evaluate(model, data.test)["log_loss"]
    assert found["epochs"] == 1


def test_seeds_differ_and_only_the_first_is_traced(table):
    small = table[(table["model"] == "small") & (table["slice"] == "all")].set_index("seed")
    assert small.loc[0, "log_loss"] != small.loc[7, "log_loss"]
    assert small.loc[0, "trace_seconds"] > 0
    assert small.loc[7, "trace_seconds"] == 0
    assert (small["seconds"] > 0).all()
    assert (small["examples_per_second"] > 0).all()


def test_shares_of_the_gap_run_from_the_trivial_score_to_the_oracle(table):
    for part, split in (("all", DATA.test), ("even_users", DATA.test.slice("even_users"))):
        label, truth = split.label, split.probability["like"]
        base = np.full(len(label), DATA.train.label.mean(dtype=np.float64))
        bounds = {"auc": (0.5, roc_auc_score(label, truth))}
        bounds["log_loss"] = (log_loss(label, base), log_loss(label, truth))
        found = row(table, "small", 0, part)
        for name, (trivial, oracle) in bounds.items():
            expected = (found[name] - trivial) / (oracle - trivial)
            assert found[f"{name}_gap_closed"] == pytest.approx(expected)
        assert row(table, "oracle", None, part)["auc_gap_closed"] == 1
        assert row(table, "base rate", None, part)["log_loss_gap_closed"] == pytest.approx(0)


def test_parameters_are_counted(table):
    expected = (30 + 20) * 4 + (8 * 6 + 6) + (6 + 1) + 1
    assert row(table, "small", 0)["parameters"] == expected
    assert row(table, "oracle", None)["parameters"] == 0


def test_the_last_seeds_model_is_given_where_none_is_named(result, table):
    prediction = predict(result.model("small"), DATA.test.features)["like"]
    assert roc_auc_score(DATA.test.label, prediction) == pytest.approx(
        row(table, "small", 7)["auc"]
    )


def test_asking_for_a_model_changes_no_seed_of_what_is_built_next(result):
    random.seed(3)
    expected = random.random()
    random.seed(3)
    result.model("small")
    assert random.random() == expected


def test_given_baselines_replace_the_default_ones():
    baseline = column_mean(DATA, "movie_id")
    table = compare({}, DATA, baselines={"film mean": baseline})
    assert table["model"].tolist() == ["film mean"]
    expected = roc_auc_score(DATA.test.label, baseline(DATA.test))
    assert table["auc"][0] == pytest.approx(expected)


def test_tasks_have_rows_baselines_and_weights_of_their_own():
    data = tiny.make_dataset(tiny.SMALL, {"like": "binary", "share": "binary"})

    def build(columns):
        return tiny.build_small(columns, tasks=("like", "share"))

    table = compare({"two": build}, data, seeds=1, loss_weights={"share": 0.0}, **OPTIONS)
    assert table.loc[table["model"] == "two", "task"].tolist() == ["like", "share"]
    baselines = table.loc[table["seed"].isna(), ["model", "task"]]
    assert baselines.to_numpy().tolist() == [
        ["base rate", "like"],
        ["base rate", "share"],
        ["oracle", "like"],
        ["oracle", "share"],
    ]
    keras.utils.set_random_seed(0)
    model = build(tiny.SMALL)
    fit(model, data, loss_weights={"share": 0.0}, **OPTIONS)
    expected = evaluate(model, data.test)["log_loss"].tolist()
    assert table.loc[table["model"] == "two", "log_loss"].tolist() == expected


def test_a_baseline_may_have_a_part_for_each_task():
    data = tiny.make_dataset(tiny.SMALL, {"like": "binary", "share": "binary"})
    means = {task: column_mean(data, "movie_id", task=task) for task in data.tasks}
    table = compare({}, data, baselines={"film mean": list(means.values())})
    assert table[["model", "task"]].to_numpy().tolist() == [
        ["film mean", "like"],
        ["film mean", "share"],
    ]
    expected = [roc_auc_score(data.test.labels[t], means[t](data.test)) for t in data.tasks]
    np.testing.assert_allclose(table["auc"], expected)


def test_regression_tasks_have_errors_bounds_and_gaps():
    kinds = {"like": "binary", "stars": "regression"}
    data = tiny.make_dataset(tiny.SMALL, kinds)
    rng = np.random.default_rng(0)
    splits = {}
    for name, split in data.splits.items():  # the expected label, and a noisy one beside it
        expected = split.labels["stars"].astype(np.float64)
        noisy = (expected + rng.normal(0, 0.5, len(split))).astype(np.float32)
        splits[name] = dataclasses.replace(
            split,
            labels=split.labels | {"stars": noisy},
            probability=split.probability | {"stars": expected},
        )
    data = dataclasses.replace(data, **splits)

    def build(columns):
        return tiny.build_small(columns, tasks=tuple(kinds), kinds=kinds)

    table = compare({"two": build}, data, seeds=1, slices=("even_users",), **OPTIONS)
    for part, split in (("all", data.test), ("even_users", data.test.slice("even_users"))):
        label, of_part = split.labels["stars"], table[table["slice"] == part]
        stars = of_part[of_part["task"] == "stars"].set_index("model")
        mean = data.train.labels["stars"].mean(dtype=np.float64)
        error = {
            "base rate": np.mean((label - mean) ** 2),
            "oracle": np.mean((label - split.probability["stars"]) ** 2),
        }
        for name, expected in error.items():
            assert stars.loc[name, "mean_squared_error"] == pytest.approx(expected)
        assert stars.loc["base rate", "mean_squared_error_gap_closed"] == pytest.approx(0)
        assert stars.loc["oracle", "mean_squared_error_gap_closed"] == 1
        found = stars.loc["two"]
        gap = (found["mean_squared_error"] - error["base rate"]) / (
            error["oracle"] - error["base rate"]
        )
        assert found["mean_squared_error_gap_closed"] == pytest.approx(gap)
        assert stars[["auc", "log_loss", "log_loss_gap_closed"]].isna().all(axis=None)
        like = of_part[of_part["task"] == "like"].set_index("model")
        assert like["mean_squared_error"].isna().all()
        assert like["log_loss_gap_closed"].notna().all()


TWO = {"like": "binary", "share": "binary"}


def build_two(columns):
    return tiny.build_small(columns, tasks=tuple(TWO))


def one_of_two(task):
    """Builder of a model with one output of the data's two; the output bears the task's name."""

    def build(columns):
        both = tiny.build_small(columns, tasks=tuple(TWO))
        return keras.Model(both.inputs, {task: both.output[task]})

    return build


def test_weights_apply_to_the_tasks_that_each_model_has():
    data = tiny.make_dataset(tiny.SMALL, TWO)
    models = {"both": build_two, "like alone": one_of_two("like")}
    weights = {"like": 0.5, "share": 0.1}
    comparison = Comparison(models, loss_weights=weights, baselines={}, **OPTIONS)
    kept = comparison.on(data, seeds=1).models
    for build, name, own in (
        (build_two, "both", weights),
        (one_of_two("like"), "like alone", {"like": 0.5}),
    ):
        keras.utils.set_random_seed(0)
        model = build(tiny.SMALL)
        fit(model, data, loss_weights=own, **OPTIONS)
        tiny.assert_same_bits(tiny.weights_of(model), tiny.weights_of(kept[name]))


@pytest.mark.parametrize("weights", [{"share": 1.0}, {"like": 1.0, "buy": 2.0}])
def test_a_weight_for_a_task_of_no_model_is_an_error(weights):
    data = tiny.make_dataset(tiny.SMALL, TWO)
    missing = sorted(set(weights) - {"like"})
    with pytest.raises(ValueError, match=f"no model has the tasks .'{missing[0]}'.;"):
        compare({"one": one_of_two("like")}, data, seeds=1, loss_weights=weights, **OPTIONS)


def test_a_recipes_own_weights_replace_the_comparisons():
    data = tiny.make_dataset(tiny.SMALL, TWO)
    models = {
        "fit": Recipe(build_two, loss_weights={"share": 0.0}),
        "balancing": Recipe(build_two, balancing=FixedWeights({"share": 0.0})),
    }
    weights = {"like": 0.5}
    comparison = Comparison(models, loss_weights=weights, baselines={}, **OPTIONS)
    kept = comparison.on(data, seeds=1).models
    keras.utils.set_random_seed(0)
    model = build_two(tiny.SMALL)
    fit(model, data, loss_weights={"share": 0.0}, **OPTIONS)
    for found in kept.values():
        tiny.assert_same_bits(tiny.weights_of(model), tiny.weights_of(found))


def test_balancing_and_weights_together_are_refused():
    data = tiny.make_dataset(tiny.SMALL, TWO)
    weights, balancing = {"like": 0.5}, FixedWeights()
    with pytest.raises(ValueError, match=r"loss_weights: FixedWeights.* chooses the weights"):
        compare({"two": build_two}, data, loss_weights=weights, balancing=balancing)
    with pytest.raises(ValueError, match=r"loss_weights: FixedWeights.* chooses the weights"):
        fit(build_two(tiny.SMALL), data, loss_weights=weights, balancing=balancing)


def test_a_slice_of_one_class_has_no_auc_and_no_gap_but_the_rest():
    test = dataclasses.replace(DATA.test, slices={"liked": DATA.test.label == 1})
    data = dataclasses.replace(DATA, test=test)
    table = compare({"small": tiny.build_small}, data, seeds=1, slices=("liked",), **OPTIONS)
    liked = row(table, "small", 0, "liked")
    assert liked[["auc", "gauc", "auc_gap_closed", "log_loss_gap_closed"]].isna().all()
    assert liked["log_loss"] > 0
    assert row(table, "small", 0)[["auc", "auc_gap_closed"]].notna().all()


def test_no_seed_is_refused_and_an_unknown_slice_or_column_named():
    with pytest.raises(ValueError, match="seeds: expected an integer of 1 or more, got 0"):
        compare({"small": tiny.build_small}, DATA, seeds=0)
    with pytest.raises(ValueError, match="seeds: expected at least one, got none"):
        compare({"small": tiny.build_small}, DATA, seeds=[])
    with pytest.raises(ValueError, match="seeds: expected an integer of 0 or more, got -1"):
        compare({"small": tiny.build_small}, DATA, seeds=[-1])
    with pytest.raises(ValueError, match="seeds: expected different ones"):
        compare({"small": tiny.build_small}, DATA, seeds=[1, 1])
    with pytest.raises(
        ValueError, match=r"no slice is named 'odd_users'; there are \['even_users'\]"
    ):
        compare({"small": tiny.build_small}, DATA, slices=("odd_users",))
    with pytest.raises(ValueError, match="no feature column is named 'city'"):
        compare({"small": Recipe(tiny.build_small, columns=("city",))}, DATA)


@pytest.mark.parametrize("models", [{}, [tiny.build_small], tiny.build_small, "small"])
def test_models_are_a_dict_of_builders(models):
    with pytest.raises(ValueError, match="models: expected a dict of name to builder or Recipe, s"):
        compare(models, DATA)


def test_a_model_that_is_built_already_is_no_builder():
    with pytest.raises(ValueError, match="Recipe: expected a function that builds a model, got <F"):
        compare({"small": tiny.build_small(tiny.SMALL)}, DATA)
