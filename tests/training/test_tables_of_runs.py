"""Tables of runs: seeds side by side, means with intervals, and who ties with whom."""

import numpy as np
import pandas as pd
import pytest
import tiny
from scipy import stats

from recsys_lib.training import by_seed, compare, gap_shares, summarize, ties

OPTIONS = {"epochs": 2, "batch_size": 32}
DATA = tiny.make_dataset(tiny.SMALL)


@pytest.fixture(scope="module")
def table():
    return compare({"small": tiny.build_small}, DATA, [0, 7], slices=("even_users",), **OPTIONS)


def test_a_summary_keeps_tasks_apart():
    data = tiny.make_dataset(tiny.SMALL, {"like": "binary", "share": "binary"})

    def build(columns):
        return tiny.build_small(columns, tasks=("like", "share"))

    table = compare({"two": build}, data, seeds=2, **OPTIONS)
    summary = summarize(table)
    assert summary.index.names == ["model", "task", "slice"]
    for task in data.tasks:
        values = table.loc[(table["model"] == "two") & (table["task"] == task), "auc"]
        assert summary.loc[("two", task, "all"), "auc"] == pytest.approx(values.mean())
        assert summary.loc[("two", task, "all"), "auc_sd"] == pytest.approx(values.std())


def test_a_summary_shows_the_scores_that_there_are():
    scores = {"model": "m", "task": "stars", "slice": "all", "seed": [0, 1]}
    table = pd.DataFrame(scores | {"mean_squared_error": [1.0, 3.0]})
    summary = summarize(table)
    assert list(summary.columns) == ["mean_squared_error", "mean_squared_error_sd"]
    assert summary.iloc[0].tolist() == [2.0, pytest.approx(2**0.5)]


def test_summarize_gives_mean_and_sample_deviation_over_seeds(table):
    summary = summarize(table)
    assert summary.index.names == ["model", "slice"]
    assert summary.index[0] == ("base rate", "all")
    small = table[(table["model"] == "small") & (table["slice"] == "all")]
    values = small["auc"].tolist()
    found = summary.loc[("small", "all")]
    assert found["auc"] == pytest.approx(np.mean(values))
    assert found["auc_sd"] == pytest.approx(np.std(values, ddof=1))
    assert np.isnan(summary.loc[("oracle", "all"), "auc_sd"])
    assert isinstance(summarize(table, scores=("auc",), by=("model",)), pd.DataFrame)


SCORES = {"good": [0.80, 0.82], "close": [0.79, 0.805], "bad": [0.70, 0.799]}


def scored(scores=SCORES, **columns):
    rows = [
        {"model": model, "seed": seed, "slice": "all", "task": "click", "auc": value}
        for model, values in scores.items()
        for seed, value in enumerate(values)
    ]
    rows.append({"model": "oracle", "seed": None, "slice": "all", "task": "click", "auc": 0.9})
    return pd.DataFrame(rows).assign(**columns)


def test_models_tie_unless_every_seed_of_one_beats_every_seed_of_the_other():
    found = ties(scored())
    assert found.index.tolist() == ["good", "close", "bad"]
    assert found["verdict"].tolist() == ["best", "tie", "behind"]
    np.testing.assert_allclose(found["mean"], [0.81, 0.7975, 0.7495])
    assert found.loc["close", ["lowest", "highest"]].tolist() == [0.79, 0.805]


def test_where_less_is_better_the_lowest_mean_is_best():
    found = ties(scored(), higher_is_better=False)
    assert found.index[0] == "bad"
    assert found["verdict"].to_dict() == {"bad": "best", "close": "tie", "good": "behind"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "ndcg"}, "metric: expected columns of"),
        ({"part": "unseen"}, "part: expected one of"),
        ({"table": scored({})}, "expected at least one row with a seed, got none"),
    ],
)
def test_ties_name_what_is_unknown(arguments, message):
    with pytest.raises(ValueError, match=message):
        ties(**{"table": scored(), **arguments})


def test_ties_of_several_tasks_are_refused():
    with pytest.raises(ValueError, match="expected one task"):
        ties(pd.concat([scored(), scored(task="buy")]))


def test_the_interval_is_students(table):
    values = table.loc[(table["model"] == "small") & (table["slice"] == "all"), "log_loss"]
    expected = stats.t.interval(
        0.95, len(values) - 1, np.mean(values), np.std(values, ddof=1) / len(values) ** 0.5
    )
    found = summarize(table, interval=True).loc[("small", "all")]
    assert (found["log_loss_low"], found["log_loss_high"]) == pytest.approx(expected)
    assert np.isnan(summarize(table, interval=True).loc[("oracle", "all"), "auc_low"])
    assert "auc_low" not in summarize(table)


def test_seeds_side_by_side(table):
    found = by_seed(table, "auc", ["model", "seed"], "slice")
    assert found.index.tolist() == [("small", 0), ("small", 7)]
    assert found.columns.tolist() == ["all", "even_users"]
    chosen = table[(table["seed"] == 7) & (table["slice"] == "even_users")]
    assert found.loc[("small", 7), "even_users"] == chosen["auc"].item()
    of_part = by_seed(table, "auc", part="even_users")
    assert of_part.loc[7, "small"] == chosen["auc"].item()


def test_shares_of_the_gap_are_percent(table):
    found = gap_shares(table, part="all")
    expected = table.loc[(table["seed"] == 0) & (table["slice"] == "all"), "auc_gap_closed"]
    assert found.loc[0, "small"] == pytest.approx(100 * expected.item())
    losses = gap_shares(table, "log_loss", part="all")
    expected = table.loc[(table["seed"] == 0) & (table["slice"] == "all"), "log_loss_gap_closed"]
    assert losses.loc[0, "small"] == pytest.approx(100 * expected.item())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "ndcg"}, "metric: expected columns of"),
        ({"columns": "world"}, r"rows and columns: expected columns of .*, got \['world'\]"),
        ({"part": "unseen"}, r"part: expected one of \('all', 'even_users'\), got 'unseen'"),
        ({"task": "buy"}, r"task: expected one of \('like',\), got 'buy'"),
        (
            {},
            r"expected one value of 'auc' for each of \['seed', 'model'\], got several; it also "
            r"differs in \['slice'\]",
        ),
    ],
)
def test_what_is_wrong_with_a_frame_is_named(table, arguments, message):
    with pytest.raises(ValueError, match=message):
        by_seed(table, **arguments)


def test_columns_keep_their_order_and_missing_runs_are_missing():
    rows = [("b", 0, 1.0), ("a", 0, 2.0), ("b", 1, 3.0)]
    frame = pd.DataFrame(rows, columns=["model", "seed", "auc"]).assign(slice="all", task="click")
    found = by_seed(frame)
    assert found.columns.tolist() == ["b", "a"]
    assert np.isnan(found.loc[1, "a"]) and found.loc[1, "b"] == 3.0


def test_runs_that_were_not_made_are_no_rows():
    rows = [("b", 0, 1.0), ("b", 1, 3.0), ("a", 0, 2.0)]
    frame = pd.DataFrame(rows, columns=["model", "seed", "auc"]).assign(slice="all", task="click")
    found = by_seed(frame, "auc", ("model", "seed"), "slice")
    assert found.index.tolist() == [("b", 0), ("b", 1), ("a", 0)]
    assert found["all"].tolist() == [1.0, 3.0, 2.0]
