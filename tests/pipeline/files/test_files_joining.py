"""Tables of users and items join the log by a key, as pandas joins them."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys_lib.features.columns import NumericColumn, SequenceColumn
from recsys_pipeline import files
from recsys_pipeline.files import command
from recsys_pipeline.files.loading import described
from recsys_pipeline.files.placeholders import placeholders

KUAIRAND = Path(os.environ.get("RECSYS_DATA", "")) / "kuairand_pure"
SAID = """\
files = "log.csv"
group = "user"
[split]
by = "order"
ratios = [0.6, 0.2, 0.2]
[labels.click]
[[tables]]
file = "items.csv"
key = "id"
column = "item"
[[tables]]
file = "users.parquet"
key = "user"
[columns.user]
[columns.item]
group = "item"
[columns.brand]
group = "item"
[columns.price]
kind = "numeric"
scaling = "none"
[columns.tags]
kind = "sequence"
max_length = 2
[columns.age]
scaling = "bins"
kind = "numeric"
edges = [30]
"""
ITEMS = "id,brand,price,tags\n1,a,1.5,x|y\n2,b,,\n3.0, a,4,y\n"


@pytest.fixture
def write(tmp_path):
    rng = np.random.default_rng(0)
    log = pd.DataFrame(
        {
            "click": rng.integers(0, 2, 60),
            "user": rng.choice(["ann", "bob", "cid"], 60),
            "item": rng.choice([1, 2, 3, 9], 60),
        }
    )
    log.to_csv(tmp_path / "log.csv", index=False)

    def writer(said=SAID, items=ITEMS, users=(("ann", 20), ("bob", 41), ("dan", 50))):
        (tmp_path / "items.csv").write_text(items)
        pd.DataFrame(users, columns=["user", "age"]).to_parquet(tmp_path / "users.parquet")
        (tmp_path / "data.toml").write_text(said)
        return tmp_path / "data.toml"

    return writer, log


def whole(dataset, name):
    return np.concatenate([split.features[name] for split in dataset.splits.values()])


def test_columns_of_tables_are_those_that_pandas_joins(write):
    writer, log = write
    dataset = files.load(writer())
    names = [column.name for column in dataset.feature_columns]
    assert names == ["user", "item", "brand", "price", "price_missing", "tags", "age"]
    items = pd.DataFrame({"item": [1, 2, 3], "brand": list("aba"), "price": [1.5, np.nan, 4]})
    users = pd.DataFrame({"user": ["ann", "bob"], "age": [1, 2]})
    joined = log.merge(items, "left", "item").merge(users, "left", "user")
    brands = np.append(dataset.vocabularies["brand"], "no such id")
    found = brands[whole(dataset, "brand") - 1].tolist()
    assert found == [None if one != one else one for one in joined["brand"].tolist()]
    np.testing.assert_allclose(whole(dataset, "price"), joined["price"].fillna(0))
    np.testing.assert_array_equal(whole(dataset, "price_missing"), joined["price"].isna())
    np.testing.assert_array_equal(whole(dataset, "age"), joined["age"].fillna(3))
    ids = {value: number for number, value in enumerate(dataset.vocabularies["tags"], 1)}
    lists = {1: [ids["x"], ids["y"]], 3: [ids["y"], 0]}
    assert whole(dataset, "tags").tolist() == [lists.get(item, [0, 0]) for item in log["item"]]


def test_a_model_can_be_tried_before_a_row_is_read(write):
    """By columns of the names, kinds and groups that the data will have."""
    path = write[0]()
    found = {column.name: type(column) for column in placeholders(described(path, {}))}
    dataset = files.load(path, ignore=["price"])
    expected = {column.name: type(column) for column in dataset.feature_columns}
    assert found == {**expected, "price": NumericColumn}


def test_rows_without_a_key_in_the_table_are_counted(write):
    writer, log = write
    dataset = files.load(writer())
    for name, start, end in (("train", 0, 36), ("valid", 36, 48), ("test", 48, 60)):
        assert dataset.unknown["items.csv"][name] == (log["item"][start:end] == 9).mean()
        assert dataset.unknown["users.parquet"][name] == (log["user"][start:end] == "cid").mean()
    share = (log["item"][:36] == 9).mean()
    assert f"items.csv: no row for the item of {share:.2%} of train, " in command.report(dataset)


def test_the_cache_holds_the_same_and_is_made_anew_when_a_table_changes(write, tmp_path):
    writer, _ = write
    path = writer()
    dataset = files.load(path)
    for _ in range(2):
        again = files.load(path, cache=tmp_path / "cache")
        assert again.unknown == dataset.unknown
        for column in dataset.feature_columns:
            np.testing.assert_array_equal(whole(again, column.name), whole(dataset, column.name))
    other = files.load(writer(items=ITEMS.replace("2,b", "2,c")), cache=tmp_path / "cache")
    assert "c" in other.vocabularies["brand"] and "c" not in dataset.vocabularies["brand"]


def test_files_without_a_description_of_all_columns(write):
    writer, _ = write
    said = SAID.split("[columns.user]")[0]
    message = r"column of the log and its tables, got none of \['user', 'item', 'brand', 'price', "
    with pytest.raises(ValueError, match=message):
        files.load(writer(said))
    dataset = files.load(writer('other_columns = "categorical"\n' + said))
    assert {"brand", "price", "age"} < {column.name for column in dataset.feature_columns}


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (ITEMS + "2.0,c,1,\n", r"items\.csv, line 5, column 'id': expected each key once, got '2'"),
        (ITEMS + ",c,1,\n", r"items\.csv, line 5, column 'id': expected a key on every row, got n"),
        (ITEMS.replace("id,", "number,"), r"items\.csv: expected the key 'id' among its columns"),
        (ITEMS.replace("brand", "user"), r"expected other names than .*log\.csv, .* \['user'\]"),
        (ITEMS.replace("1.5", "cheap"), r"items\.csv, line 2, column 'price': expected a number"),
        (
            ITEMS.replace("4,y", "4,y|"),
            r"items\.csv, line 4, column 'tags': expected ids separated",
        ),
    ],
)
def test_a_broken_table_is_named_with_its_line(write, items, message):
    with pytest.raises(ValueError, match=message):
        files.load(write[0](items=items))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('key = "id"\n', ""), r"\[tables\]: expected file and key, got no key"),
        (('"items.csv"', '"goods.csv"'), r"goods\.csv: no such file"),
        (('"items.csv"', '"items.svm"'), r"items\.svm: no such file"),
        (('column = "item"\n', ""), "the table .*items.csv names the column 'id', which is not th"),
        (
            ('column = "item"\n', 'format = "libsvm"\n'),
            "format: expected one of .*'csv', 'parquet'",
        ),
    ],
)
def test_a_table_that_cannot_be_joined_is_refused(write, change, message):
    with pytest.raises(ValueError, match=message):
        files.load(write[0](SAID.replace(*change)))


@pytest.mark.skipif(not KUAIRAND.is_dir(), reason="KuaiRand-Pure is not on this machine")
def test_the_genuine_tables_join_the_genuine_log(tmp_path):
    data = KUAIRAND / "data"
    log = data / "log_standard_4_22_to_5_08_pure.csv"
    (tmp_path / "data.toml").write_text(
        f'files = "{log}"\nother_columns = "ignore"\n[split]\nby = "order"\n[labels.is_click]\n'
        f'[[tables]]\nfile = "{data / "user_features_pure.csv"}"\nkey = "user_id"\n'
        f'[[tables]]\nfile = "{data / "video_features_basic_pure.csv"}"\nkey = "video_id"\n'
        '[columns.tag]\nkind = "sequence"\nseparator = ","\nmax_length = 3\ngroup = "item"\n'
        "[columns.user_active_degree]\n"
        '[columns.video_duration]\nkind = "numeric"\nscaling = "none"\nmissing = "zero"\n'
    )
    dataset = files.load(tmp_path / "data.toml", cache=tmp_path / "cache")
    videos = pd.read_csv(data / "video_features_basic_pure.csv", dtype={"tag": str})
    users = pd.read_csv(data / "user_features_pure.csv")
    frame = pd.read_csv(log, usecols=["user_id", "video_id"])
    frame = frame.merge(videos, "left", "video_id").merge(users, "left", "user_id")
    assert isinstance(dataset.column("tag"), SequenceColumn)
    assert isinstance(dataset.column("video_duration"), NumericColumn)
    known = dataset.vocabularies["user_active_degree"][whole(dataset, "user_active_degree") - 1]
    assert known.tolist() == frame["user_active_degree"].tolist()
    duration = frame["video_duration"].fillna(0).to_numpy(np.float32)
    np.testing.assert_array_equal(whole(dataset, "video_duration"), duration)
    assert sum(dataset.unknown[str(data / "user_features_pure.csv")].values()) == 0
