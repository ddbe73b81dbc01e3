"""``data.toml``: what it may say, what it may not, and how options replace its words."""

import datetime

import numpy as np
import pandas as pd
import pytest

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_pipeline import files
from recsys_pipeline.files.loading import described
from recsys_pipeline.files.parsing import parse, read_toml

BASE = {"files": "log.csv", "labels": {"click": {}}}

WHOLE = """\
name = "shop"
files = "log.csv"
group = "user_id"
slices = ["page"]
other_columns = "ignore"

[time]
column = "seconds"

[split]
by = "time"
valid_from = 60
test_from = 80

[labels.click]
column = "is_click"

[labels.watch_time]
kind = "regression"
column = "watched"
where = "is_click"

[columns.user_id]
group = "user"
min_count = 2

[columns."Item"]
group = "item"
embedding_dim = 4

[columns.page]
group = "scenario"

[columns.price]
kind = "numeric"
group = "item"

[columns.history]
kind = "sequence"
max_length = 3
table = "Item"
"""


@pytest.fixture
def shop(tmp_path):
    rng = np.random.default_rng(1)
    rows = 100
    click = rng.integers(0, 2, rows)
    frame = pd.DataFrame(
        {
            "is_click": click,
            "watched": np.where(click == 1, rng.normal(size=rows).round(3), np.nan),
            "seconds": np.arange(rows),
            "user_id": [f"u{number}" for number in rng.integers(0, 5, rows)],
            "Item": [f"i{number}" for number in rng.integers(0, 6, rows)],
            "page": rng.choice(["home", "search"], rows),
            "price": rng.normal(size=rows).round(3),
            "history": [
                "|".join(f"i{n}" for n in rng.integers(0, 6, k)) for k in rng.integers(0, 5, rows)
            ],
            "row": np.arange(rows),
        }
    )
    frame.to_csv(tmp_path / "log.csv", index=False)
    (tmp_path / "data.toml").write_text(WHOLE)
    return tmp_path / "data.toml", frame


def test_a_description_says_it_all_once(shop):
    path, frame = shop
    dataset = files.load(path)
    assert dataset.name == "shop"
    assert dataset.tasks == {"click": "binary", "watch_time": "regression"}
    columns = {column.name: column for column in dataset.feature_columns}
    assert list(columns) == ["user_id", "item", "page", "price", "history"]
    assert columns["user_id"] == CategoricalColumn("user_id", 6, group="user")
    assert columns["item"] == CategoricalColumn("item", 7, group="item", embedding_dim=4)
    assert columns["page"].group == "scenario"
    assert columns["price"] == NumericColumn("price", group="item")
    # A sequence that shares the table of a column shares its width.
    assert columns["history"] == SequenceColumn("history", 7, 3, table="item", embedding_dim=4)
    assert [len(split) for split in dataset.splits.values()] == [60, 20, 20]
    assert dataset.test.time.tolist() == list(range(80, 100))
    assert sorted(dataset.test.slices) == ["page=home", "page=search"]
    assert (dataset.test.slices["page=home"] == (frame.page[80:] == "home")).all()
    mask = dataset.train.label_masks["watch_time"]
    assert mask.tolist() == (frame.is_click[:60] == 1).tolist()
    np.testing.assert_allclose(
        dataset.train.labels["watch_time"], np.nan_to_num(frame.watched[:60]), rtol=1e-6
    )
    assert set(dataset.train.label_masks) == {"watch_time"}
    users = frame.user_id[:60].unique()
    assert len(np.unique(dataset.train.group)) == len(users)


def test_what_is_not_described_is_refused_unless_it_is_said(shop):
    path, _ = shop
    text = WHOLE.replace('other_columns = "ignore"\n', "")
    path.write_text(text)
    with pytest.raises(ValueError, match=r"a description of each column, got none of \['row'\]"):
        files.load(path)
    path.write_text(WHOLE.replace('other_columns = "ignore"', 'other_columns = "categorical"'))
    assert files.load(path).column("row").vocabulary_size == 61


def test_options_replace_the_words_of_a_description(shop):
    path, _ = shop
    assert list(files.load(path, label="click").tasks) == ["click"]
    assert files.load(path, label="watched").tasks == {"watch_time": "regression"}
    above = files.load(path, label="row", threshold=50)
    assert above.tasks == {"row": "binary"}
    assert above.train.label.tolist() == [0] * 50 + [1] * 10
    half = files.load(path, ratios=(0.5, 0.25, 0.25))
    assert [len(split) for split in half.splits.values()] == [50, 25, 25]
    later = files.load(path, valid_from=70, test_from=90)
    assert [len(split) for split in later.splits.values()] == [70, 20, 10]
    by_user = files.load(path, split="user")
    assert by_user.train.time.max() > 80  # the latest rows of each user, not the latest of all
    fewer = files.load(path, ignore=["history", "price"], min_count=3, name="other")
    assert [column.name for column in fewer.feature_columns] == ["user_id", "item", "page"]
    assert fewer.name == "other"
    assert sorted(files.load(path, slices=["user_id"]).test.slices)[0] == "user_id=u0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": {}}, "data.toml: unknown key 'label'; did you mean 'labels'?"),
        ({"zzz": 1}, "data.toml: unknown key 'zzz'; expected some of"),
        ({"labels": {}}, r"\[labels\]: expected at least one label, got none"),
        ({"labels": {"Click": {}}}, "expected a lower-case name such as 'user_id'"),
        ({"labels": {"click": 1}}, r"\[labels.click\]: expected a table, got 1"),
        ({"labels": {"click": {"kind": "binry"}}}, "kind: .* got 'binry'; did you mean 'binary'?"),
        ({"labels": {"c": {"treshold": 4}}}, "unknown key 'treshold'; did you mean 'threshold'?"),
        ({"labels": {"c": {"threshold": "4"}}}, "threshold: expected a finite number, got '4'"),
        ({"labels": {"c": {"kind": "regression", "threshold": 4}}}, "of binary labels only"),
        ({"labels": {"c": {"optional": 1}}}, "optional: expected true or false, got 1"),
        ({"files": 3}, "files: expected a text or a list of texts, got 3"),
        ({"files": {"train": "a", "test": "b"}}, r"no \['valid'\]"),
        ({"files": {"trian": "a"}}, "unknown key 'trian'; did you mean 'train'?"),
        ({"columns": {"a": {"knd": "numeric"}}}, r"\[columns.a\]: unknown key 'knd'; .* 'kind'"),
        ({"columns": {"a": {"kind": "number"}}}, "got 'number'"),
        ({"columns": {"a": {"max_length": 3}}}, "max_length: of sequence columns, got kind 'cat"),
        ({"columns": {"a": {"kind": "sequence"}}}, "a sequence needs a max_length"),
        ({"columns": {"a": {"kind": "numeric", "scaling": "bins"}}}, "either num_bins or edges"),
        ({"columns": {"a": {"kind": "numeric", "num_bins": 3}}}, "either num_bins or edges"),
        (
            {"columns": {"a": {"kind": "numeric", "scaling": "bins", "edges": [2, 1]}}},
            "edges: expected ascending numbers, got",
        ),
        ({"columns": {"a": {"kind": "numeric", "embedding_dim": 3}}}, "of bins and ids"),
        ({"columns": {"a": {"group": "User"}}}, "group: expected a lower-case name"),
        (
            {"columns": {"a": {"min_count": 0}}},
            "min_count: expected an integer of 1 or more, got 0",
        ),
        (
            {"columns": {"a": {"kind": "sequence", "max_length": 3, "sessions": [2, 3]}}},
            "sessions: they need times",
        ),
        (
            {
                "columns": {
                    "a": {"kind": "sequence", "max_length": 3, "times": "b", "sessions": [2]}
                }
            },
            r"expected \[number, length\], got \[2\]",
        ),
        ({"time": {"unit": "s"}}, r"\[time\]: expected a column, got \['unit'\]"),
        ({"time": {"column": "t", "unit": "min"}}, "unit: expected one of"),
        ({"split": {"by": "time"}}, r"by: 'time' needs \[time\]"),
        ({"split": {"by": "user"}, "time": {"column": "t"}}, "'user' needs group"),
        ({"split": {"ratios": [0.5, 0.5]}}, "ratios: expected three shares above 0"),
        ({"split": {"ratios": [0.5, 0.5, 0.5]}}, "ratios: expected three shares above 0"),
        ({"split": {"valid_from": 3}, "time": {"column": "t"}}, "go together, got one of them"),
        (
            {"split": {"valid_from": 3, "test_from": 4}},
            "valid_from: of a split by 'time', got 'random'",
        ),
        (
            {
                "split": {"valid_from": 3, "test_from": 4, "ratios": [0.8, 0.1, 0.1]},
                "time": {"column": "t"},
            },
            "expected ratios, or valid_from and test_from, got both",
        ),
        (
            {"split": {"valid_from": "soon", "test_from": 4}, "time": {"column": "t"}},
            "expected a date such as 2024-05-05, or a number, got 'soon'",
        ),
        (
            {"files": dict.fromkeys(("train", "valid", "test"), "a"), "split": {"seed": 1}},
            "the files are train, valid and test already",
        ),
        ({"header": "yes"}, "header: expected true or false, got 'yes'"),
        ({"separator": ""}, "separator: expected a text, got ''"),
        ({"field_starts": "1,2"}, "field_starts: expected a list of numbers, got '1,2'"),
        ({"format": "xlsx"}, "format: expected one of"),
        ({"other_columns": "skip"}, "other_columns: expected one of"),
    ],
)
def test_each_wrong_word_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        parse({**BASE, **change})


def test_defaults_follow_from_what_is_said():
    assert parse(BASE).split.by == "random"
    assert parse({**BASE, "time": {"column": "t"}}).split.by == "time"
    three = {**BASE, "files": dict.fromkeys(("train", "valid", "test"), "a.csv")}
    assert parse(three).split is None
    assert parse(BASE).labels["click"].column == "click"
    dates = {"valid_from": datetime.date(2024, 5, 5), "test_from": "2024-05-06"}
    described = parse({**BASE, "time": {"column": "t"}, "split": dates}).split
    assert described.test_from == datetime.datetime(2024, 5, 6)


def test_a_file_that_is_none_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"data\.toml: No such file"):
        read_toml(tmp_path / "data.toml")
    (tmp_path / "data.toml").write_text('name = "a"\nfiles = \n')
    with pytest.raises(ValueError, match=r"data\.toml: .*line 2"):
        files.load(tmp_path / "data.toml")
    (tmp_path / "data.toml").write_text('files = "gone_*.csv"\n[labels.click]\n')
    with pytest.raises(ValueError, match=r"gone_\*\.csv: no such file"):
        files.load(tmp_path / "data.toml")
    with pytest.raises(ValueError, match=r"expected .*data\.toml alone, got"):
        files.load([tmp_path / "data.toml", "b.csv", "c.csv"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("[columns.price]", "[columns.prices]"),
            "columns names 'prices', .* did you mean 'price'",
        ),
        (('column = "is_click"', 'column = "clicks"'), "label names the column 'clicks'"),
        (('where = "is_click"', 'where = "clicked"'), "where names the column 'clicked'"),
        (('column = "seconds"', 'column = "second"'), "time names .* did you mean 'seconds'"),
        (('slices = ["page"]', 'slices = ["pages"]'), "slices names .* did you mean 'page'"),
        (('group = "user_id"', 'group = "user"'), "group names the column 'user'"),
        (("[columns.page]", "[columns.is_click]"), "'is_click' can be neither numeric nor ignored"),
        (
            ('table = "Item"', 'table = "Item"\nembedding_dim = 2'),
            "expected one embedding_dim for the",
        ),
        (('table = "Item"', 'table = "Item"\ntimes = "clock"'), "times names the column 'clock'"),
        (("test_from = 80", "test_from = 60"), "expected a moment after valid_from 60, got 60"),
        (("test_from = 80", "test_from = 100"), r"split by time: .* \['test'\] would be empty"),
    ],
)
def test_what_does_not_fit_the_file_is_named(shop, change, message):
    path, _ = shop
    assert WHOLE.count(change[0]) == 1
    path.write_text(WHOLE.replace(*change))
    with pytest.raises(ValueError, match=message):
        files.load(path)


def test_a_range_gives_what_a_name_replaces(tmp_path):
    frame = pd.DataFrame(
        {"label": [0, 1, 0, 1], "a": [1, 2, 3, 4], "b": [4, 5, 6, 9], "c": list("xyxy")}
    )
    frame.to_csv(tmp_path / "log.csv", index=False)
    text = 'files = "log.csv"\n[labels.label]\n[columns."2-3"]\nkind = "numeric"\n'
    text += 'scaling = "none"\n[columns.b]\ngroup = "item"\nkind = "numeric"\n[columns."4"]\n'
    text += "[split]\nratios = [0.5, 0.25, 0.25]\nby = 'order'"
    (tmp_path / "data.toml").write_text(text)
    dataset = files.load(tmp_path / "data.toml")
    assert dataset.column("a").group == "context"
    assert dataset.column("b").group == "item"
    assert dataset.train.features["b"].tolist() == [4, 5]
    assert dataset.column("c").vocabulary_size == 3


def test_a_description_depends_on_its_words_alone(shop):
    path, _ = shop
    first = described(path, {})
    path.write_text("# a comment\n" + WHOLE)
    assert described(path, {}).as_dict() == first.as_dict()
    assert described(path, {"min_count": 5}).as_dict() != first.as_dict()
