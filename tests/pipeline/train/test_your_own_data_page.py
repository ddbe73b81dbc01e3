"""The page on data of your own: its description, its commands and its code, on a file made here."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline import files
from recsys_pipeline.__main__ import main as recsys

PAGE = (Path(__file__).parents[3] / "docs" / "your_own_data.md").read_text(encoding="utf-8")
ROWS = 3000


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A log with the columns that the page shows, in which an item's clicks follow its number."""
    rng = np.random.default_rng(0)
    item = rng.integers(0, 40, ROWS)
    click = (rng.random(ROWS) < 0.1 + 0.02 * item).astype(int)
    lengths = rng.integers(0, 30, ROWS)
    frame = pd.DataFrame(
        {
            "user_id": [f"u{number}" for number in rng.integers(0, 60, ROWS)],
            "item_id": [f"i{number}" for number in item],
            "page": rng.choice(["home", "search"], ROWS),
            "price": np.where(rng.random(ROWS) < 0.2, np.nan, rng.lognormal(3, 2, ROWS).round(2)),
            "history": ["|".join(f"i{n}" for n in rng.integers(0, 40, k)) for k in lengths],
            "time": 1_714_528_800 + 5 * np.arange(ROWS),
            "click": click,
            "watch_time": np.where(click == 1, rng.lognormal(size=ROWS).round(2), np.nan),
        }
    )
    folder = tmp_path_factory.mktemp("page")
    frame.to_csv(folder / "log.csv", index=False)
    return folder


def test_the_page_shows_the_columns_of_the_file(folder):
    (shown,) = blocks("text")
    header, *rows = shown.splitlines()
    assert header == (folder / "log.csv").read_text().splitlines()[0]
    assert all(row.count(",") == header.count(",") for row in rows)


def test_the_commands_of_the_page_run_in_order(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    lines = [line for block in blocks("bash") for line in block.replace("\\\n", "").splitlines()]
    commands = [shlex.split(line) for line in lines]
    assert [words[:2] for words in commands] == [
        ["recsys", "describe"],
        ["recsys", "check"],
        ["recsys", "train"],
    ]
    describe, report, train = (words[1:] for words in commands)
    said = blocks("toml")[0]
    assert recsys(describe) == 0
    first, page = tomllib.loads(Path("data.toml").read_text()), tomllib.loads(said)
    # The first description says of the columns what the page says in the end.
    for key in ("files", "group", "slices", "time", "split"):
        assert first[key] == page[key]
    assert set(first["labels"]) == set(page["labels"])
    assert set(first["columns"]) == set(page["columns"])
    for name, column in page["columns"].items():
        assert first["columns"][name].get("table") == column.get("table")
        default = "history" if "max_length" in column else None
        group = first["columns"][name].get("group", default)
        assert group == column.get("group", default)
    Path("data.toml").write_text(said)
    capsys.readouterr()
    assert recsys(report) == 0
    printed = capsys.readouterr().out
    assert "watch time mean" in printed
    assert "look at" not in printed
    assert Path("data.cache/cache.json").is_file()
    assert recsys(train) == 0
    scores = json.loads(Path("runs/mmoe/scores.json").read_text())
    assert scores["scores"]["test"]["all"]["click"]["auc"] > 0.55  # items differ in their clicks
    assert Path("runs/mmoe/model.keras").is_file()
    assert set(pd.read_csv("runs/mmoe/predictions.csv")) >= {"click", "watch_time", "row_id"}


def test_the_other_descriptions_of_the_page_are_read(folder, monkeypatch):
    """A label of several columns, a history and a table in place of the list of the file."""
    monkeypatch.chdir(folder)
    said, *others = blocks("toml")
    log = pd.read_csv("log.csv").assign(like=1, returned=0).drop(columns="history")
    log.to_csv("raw.csv", index=False)
    items = {"item_id": [f"i{n}" for n in range(30)], "brand": ["a", "b", "c"] * 10}
    pd.DataFrame(items).to_csv("items.csv", index=False)
    said = said.split("[columns.history]")[0].replace("log.csv", "raw.csv")
    Path("raw.toml").write_text(said + "\n".join(others))
    dataset = files.load("raw.toml")
    assert dataset.tasks["liked_at_home"] == "binary"
    np.testing.assert_array_equal(
        dataset.train.labels["liked_at_home"], dataset.train.labels["click"]
    )
    assert dataset.column("history").max_length == 20
    assert dataset.vocabularies["brand"].tolist()[-1] is None
    assert 0 < dataset.unknown["items.csv"]["test"] < 0.5


def test_the_code_of_the_page_runs(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    said = blocks("toml")[0]
    (code,) = blocks("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
    Path("data.toml").write_text(said)
    names = {}
    exec(compile(code, "your_own_data.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "page=home" in printed
    assert names["features"]["item_id"].tolist()[1] == 0
    assert names["features"]["page"].tolist()[1] == 0
    assert names["features"]["price_missing"].tolist() == [0, 1]
    assert names["history"].epochs["loss"].is_monotonic_decreasing


def test_every_key_of_the_table_is_a_key():
    from recsys_pipeline.files.parsing import _CHECKS

    known = {key for keys in _CHECKS.values() for key in keys}
    description = PAGE.split("\n## 3")[0]
    rows = [line for line in description.splitlines() if line.startswith("| ")][1:]
    named = {
        word
        for row in rows
        for code in re.findall(r"`([^`]+)`", row.split("|", 2)[2])
        for word in re.findall(r"^([a-z_]+)(?: =|$)", code)
    }
    assert len(named) > 15
    assert named <= known


def test_every_option_of_the_table_is_one_of_the_command(capsys):
    with pytest.raises(SystemExit):
        recsys(["train", "--help"])
    helped = set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out))
    section = PAGE.split("\n## 4")[1].split("\n## 5")[0].replace("recsys export --run", "")
    named = set(re.findall(r"--[a-z][a-z-]*", section))
    assert len(named) > 12
    assert named <= helped
