"""Columns that hold a label: found by name or by single values, said, and no features by default.

The log has the form of a published one: a row for each impression, with all that came of it.
"""

import os
import tomllib

import numpy as np
import pandas as pd
import pytest

from recsys_lib.data import kuairand, registry
from recsys_lib.memorization import build_logistic_regression
from recsys_lib.training import auc, evaluate, fit
from recsys_pipeline import files
from recsys_pipeline.__main__ import main
from recsys_pipeline.files import outcomes

ROWS = 6_000
OUTCOMES = ["is_like", "is_hate", "long_view", "play_time_ms", "profile_stay_time", "ending"]


def log():
    """Impressions of 60 users and 40 videos; a click is drawn from the taste of both."""
    rng = np.random.default_rng(0)
    user, video = rng.integers(0, 60, ROWS), rng.integers(0, 40, ROWS)
    taste = rng.normal(size=60)[user] + rng.normal(size=40)[video] - 0.3
    chance = 1 / (1 + np.exp(-taste))
    click = (rng.random(ROWS) < chance).astype(int)
    watched = click * rng.lognormal(9, 1, ROWS) + (1 - click) * rng.lognormal(5, 1, ROWS)
    return pd.DataFrame(
        {
            "user_id": user,
            "video_id": video,
            "time_ms": 1650812741436 + np.arange(ROWS) * 60_000,
            "is_click": click,
            "is_like": click * (rng.random(ROWS) < 0.02),
            "is_hate": (rng.random(ROWS) < 0.01).astype(int),
            "long_view": click * (rng.random(ROWS) < 0.7),
            "play_time_ms": watched.astype(int),
            "duration_ms": rng.lognormal(10, 1, ROWS).astype(int),
            "profile_stay_time": click * rng.poisson(0.1, ROWS),
            # Neither name nor AUC tells it: a third of the clicks, and nothing else, ends so.
            "ending": np.where(click * (rng.random(ROWS) < 0.3), "left", "next"),
            "tab": rng.integers(0, 4, ROWS),
        }
    ), chance


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log()[0].to_csv("log.csv", index=False)
    return tmp_path


def test_a_first_description_makes_no_outcome_a_feature(folder, capsys):
    assert main(["describe", "log.csv", "--label", "is_click", "--output", "data.toml"]) == 0
    said = capsys.readouterr().out
    columns = tomllib.loads((folder / "data.toml").read_text())["columns"]
    assert [name for name, given in columns.items() if given["kind"] == "ignore"] == OUTCOMES
    for name in OUTCOMES:
        assert f"left out: {name} (" in said
    assert "is_hate (its name is like that of the label is_click; is it known before?)" in said
    # What the values tell stands beside what the name tells.
    assert "is_like (its name is like that of the label is_click; on the 69 rows with" in said
    assert "long_view (its name is that of something measured afterwards;" in said
    assert "rows with a value like left the rate of is_click is 100.0%, on all" in said
    dataset = files.load("data.toml")
    names = [column.name for column in dataset.feature_columns]
    assert names == ["user_id", "video_id", "duration_ms", "tab", "history"]
    assert dataset.warnings == ()


def test_logistic_regression_scores_no_more_than_the_truth(folder, capsys):
    main(["describe", "log.csv", "--label", "is_click", "--output", "data.toml"])
    dataset = files.load("data.toml")
    model = build_logistic_regression(dataset.feature_columns, "is_click")
    fit(model, dataset, epochs=3, batch_size=64, progress=False)
    chance = log()[1][dataset.test.row_id]
    truth = auc(dataset.test.labels["is_click"], chance)
    assert 0.6 < evaluate(model, dataset.test)["auc"] < truth + 0.02
    assert truth < 0.85


def test_columns_that_are_described_are_features_and_said_before_training(folder, capsys):
    main(["describe", "log.csv", "--label", "is_click", "--output", "data.toml"])
    text = (folder / "data.toml").read_text().replace('"ignore"', '"categorical"')
    (folder / "data.toml").write_text(text)
    assert main(["check", "data.toml"]) == 0
    report = capsys.readouterr().out
    for name in OUTCOMES:
        assert f"look at {name}: " in report
    assert "is_hate: its name is like that of the label is_click; is it known before" in report
    assert "rows with the value 1 the rate of is_click is 100.0%, on all" in report
    assert "look at tab" not in report
    assert "look at duration_ms" not in report


def test_without_a_description_outcomes_are_left_out(folder, capsys):
    assert main(["check", "log.csv", "--label", "is_click", "--slices", "ending"]) == 0
    report = capsys.readouterr().out
    for name in OUTCOMES[:-1]:
        assert f"left out: {name} (" in report
    assert "look at ending: on the" in report  # as a slice it was named
    dataset = files.load("log.csv", label="is_click", numeric=["play_time_ms"])
    assert set(dataset.vocabularies) == {"user_id", "video_id", "time_ms", "duration_ms", "tab"}
    assert set(dataset.left_out) == set(OUTCOMES) - {"play_time_ms"}
    assert "describe it if it is known before" in dataset.left_out["ending"]
    kept = files.load("log.csv", label=["is_click", "is_like"], ignore=["is_hate", "ending"])
    assert "user_id" in kept.vocabularies
    assert "tab" in kept.vocabularies


def test_a_users_or_an_items_own_rate_is_no_leak(tmp_path):
    """A scenario without a single click is one that differs, and a number may be an item's."""
    frame = log()[0][["user_id", "video_id", "is_click", "tab"]]
    frame.loc[frame["tab"] == 2, "is_click"] = 0
    frame["time"] = frame["visit_time"] = 1650812741 + np.arange(ROWS)
    frame.to_csv(tmp_path / "log.csv", index=False)
    text = files.suggest(tmp_path / "log.csv")
    assert "is it known before?" not in text
    found = tomllib.loads(text)["columns"]
    assert [name for name, one in found.items() if one["kind"] == "ignore"] == ["visit_time"]
    assert "# a second time, which later rows have" in text
    assert "tab" not in files.load(tmp_path / "log.csv", label="is_click").left_out


@pytest.mark.parametrize(
    ("name", "labels", "has_two_values", "is_one"),
    [
        ("is_like", ["is_click"], True, True),
        ("isLike", ["isClick"], False, True),
        ("is_like", ["click"], False, False),
        ("like", ["click"], True, True),
        ("like", ["click"], False, False),
        ("long_view", ["click"], True, True),
        ("watch_time", ["click"], False, True),
        ("playtime", ["click"], False, True),  # one word of it is as clear as two
        ("watching", ["click"], False, True),
        ("plays", ["click"], False, False),  # an item has a number of plays before
        ("views", ["click"], False, False),
        ("hate", ["click"], True, True),
        ("view", ["click"], False, False),
        ("time_ms", ["click"], False, False),
        ("user_id", ["is_click"], False, False),
    ],
)
def test_names_of_outcomes(name, labels, has_two_values, is_one):
    assert (outcomes.named_like(name, labels, [name], has_two_values) is not None) == is_one


def test_a_label_of_another_task_has_siblings_too():
    columns = ["is_new", "is_click", "price"]
    said = outcomes.named_like("is_new", ["rating"], columns, True)
    assert said == "its name is like that of the label is_click"
    assert outcomes.named_like("is_new", ["rating"], ["is_new", "price"], True) is None
    said = outcomes.named_like("is_click", ["rating"], columns, True)
    assert said == "it has two values, and a name like that of a label"


@pytest.mark.parametrize(
    ("rows", "positive", "is_found"),
    [
        ((1000, 1000), (300, 1000), True),
        ((1000, 1000), (300, 980), False),  # not pure
        ((1000, 1000), (300, 0), True),
        ((1000, 9), (300, 9), False),  # too few rows
        ((9000, 60), (3000, 60), False),  # under a hundredth of them
        ((1000, 1000), (970, 999), False),  # the base rate is nearly as high
        ((1000, 1000), (20, 2), False),  # and low
    ],
)
def test_single_values_tell_the_label(rows, positive, is_found):
    values = np.repeat([0, 1], rows)
    label = np.concatenate([np.arange(n) < k for n, k in zip(rows, positive, strict=True)])
    said = outcomes.gives_away(values, {"click": label.astype(float)}, "value {}".format)
    assert (said is not None) == is_found
    unknown = np.where(np.arange(len(label)) % 2, np.nan, label)
    assert (outcomes.gives_away(values, {"c": unknown}, str) is not None) == is_found


@pytest.mark.parametrize(
    ("name", "is_context"),
    [("user_id", True), ("Item-ID", True), ("tab", True), ("item_state", False), ("age", False)],
)
def test_a_column_that_names_more_than_an_item_is_looked_at(name, is_context):
    assert outcomes.is_context(name, 3) == is_context
    assert not outcomes.is_context(name, 2)


def test_a_state_of_items_that_only_positive_rows_have_is_left_out(tmp_path):
    frame = log()[0][["user_id", "video_id", "time_ms", "is_click"]]
    frame["video_state"] = frame["is_click"] * np.arange(ROWS) % 3
    frame.to_csv(tmp_path / "log.csv", index=False)
    text = files.suggest(tmp_path / "log.csv")
    assert tomllib.loads(text)["columns"]["video_state"]["kind"] == "ignore"
    assert "rows with a value like 1 the rate of is_click is 100.0%, on all" in text


def test_what_a_user_always_has_is_no_outcome(tmp_path):
    """Whatever its name is like, and though the users of one value clicked on nothing."""
    frame = log()[0][["user_id", "video_id", "time_ms", "is_click"]]
    frame["is_author"] = frame["user_id"] % 2
    frame["level"] = frame["user_id"] // 12
    frame.loc[frame["level"] == 2, "is_click"] = 0
    frame["is_new"] = np.random.default_rng(1).integers(0, 2, ROWS)
    frame.to_csv(tmp_path / "log.csv", index=False)
    text = files.suggest(tmp_path / "log.csv")
    columns = tomllib.loads(text)["columns"]
    assert columns["is_author"] == columns["level"] == {"kind": "categorical", "group": "user"}
    assert "# one user_id keeps one value on 100.0% of its rows" in text
    assert columns["is_new"]["kind"] == "ignore"


def test_a_copy_of_a_number_is_no_feature(tmp_path):
    """Whatever it is called; a taste that users and items share with the label is one."""
    frame, chance = log()
    frame = frame[["user_id", "video_id", "time_ms"]]
    frame["rating"] = (5 * chance).round(1)
    frame["quality"] = np.exp(chance)
    frame["grade"] = np.where(frame["rating"] > 4, "A", frame["rating"].round(0))
    frame["mood"] = (chance + np.random.default_rng(1).normal(size=ROWS)).round(2)
    frame["word"] = np.minimum(np.arange(ROWS), 5_600)
    frame.to_csv(tmp_path / "log.csv", index=False)
    text = files.suggest(tmp_path / "log.csv", label=["rating"])
    kinds = {name: given["kind"] for name, given in tomllib.loads(text)["columns"].items()}
    assert [name for name, kind in kinds.items() if kind == "ignore"] == ["quality", "grade"]
    assert "its values tell 99" in text and "% of the variance of rating, by rank" in text
    short = (
        'files = "log.csv"\nother_columns = "categorical"\n[labels.rating]\nkind = "regression"\n'
    )
    (tmp_path / "short.toml").write_text(short)
    left = files.load(tmp_path / "short.toml").left_out
    assert "grade" in left and not {"mood", "word", "user_id", "video_id"} & set(left)


def test_training_says_what_description_doubts(folder, capsys):
    main(["describe", "log.csv", "--label", "is_click", "--output", "data.toml"])
    text = (folder / "data.toml").read_text().replace('"ignore"', '"categorical"')
    (folder / "data.toml").write_text(text)
    capsys.readouterr()
    command = ["train", "data.toml", "--model", "lr", "--epochs", "1", "--output", "run"]
    assert main(command) == 0
    said = "".join(capsys.readouterr())
    for name in OUTCOMES:
        assert f"look at {name}: " in said


def test_on_the_genuine_log_no_outcome_is_a_feature(tmp_path):
    """With play time or a like among the columns a click's AUC would be .9 and more."""
    found = (
        registry.find("kuairand_pure") if os.environ.get(registry.ENVIRONMENT_VARIABLE) else None
    )
    if found is None:
        pytest.skip("RECSYS_DATA names no folder with the genuine KuaiRand-Pure")
    path = found / "data" / kuairand.LOGS[1]
    description = tmp_path / "data.toml"
    text = files.suggest(path, label=["is_click"], time="time_ms", folder=tmp_path)
    description.write_text(text)
    dataset = files.load(description)
    model = build_logistic_regression(dataset.feature_columns, "is_click")
    fit(model, dataset, epochs=1, batch_size=4096, progress=False)
    assert 0.6 < evaluate(model, dataset.test)["auc"] < 0.74


def test_a_number_that_many_rows_have_is_a_range():
    numbers = np.array([0.0] * 30 + [np.nan] * 5 + list(np.linspace(1, 2, 65)))
    ranges = outcomes.ranges_of(numbers)
    assert set(ranges[30:35]) == {0}
    assert len(set(ranges[:30])) == 1
    assert ranges[0] not in ranges[30:]
    assert outcomes.ranges_of(np.full(3, np.nan)).tolist() == [0, 0, 0]
