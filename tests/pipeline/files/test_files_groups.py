"""Groups of a description: columns and pages, in memory, in a cache and in Parquet files."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from recsys_lib.data import pages
from recsys_lib.data.splits import labels_of
from recsys_pipeline import files
from recsys_pipeline.chunks import FolderWriter, ParquetChunks, open_folder, write_parquet
from recsys_pipeline.chunks.cache import arrays_of, writing
from recsys_pipeline.chunks.cache import read as read_cache
from recsys_pipeline.files import command
from recsys_pipeline.files.description import Description
from recsys_pipeline.files.loading import described
from recsys_pipeline.files.parsing import parse

SAID = """\
files = "log.csv"
other_columns = "categorical"
group = "user"
[time]
column = "now"
[labels.click]
"""
GROUPS = """\
[groups]
page = { surface = ["tab", "device"], gap = "10min" }
request = "request"
"""


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    rows = 400
    frame = {name: rng.integers(0, 5, rows) for name in ("user", "tab", "device", "item")}
    frame |= {"request": rng.integers(0, 90, rows), "now": 120 * np.arange(rows)}
    frame |= {"click": rng.integers(0, 2, rows)}
    pd.DataFrame(frame).to_csv(tmp_path / "log.csv", index=False)
    (tmp_path / "data.toml").write_text(SAID)
    (tmp_path / "groups.toml").write_text(SAID + GROUPS)
    return tmp_path


def same(one, other):
    """Whether two groupings join the same rows."""
    return (
        len(np.unique(np.stack([one, other]), axis=1).T)
        == len(np.unique(one))
        == len(np.unique(other))
    )


def test_pages_and_columns_become_groups_of_every_split(folder):
    data, log = files.load(folder / "groups.toml"), pd.read_csv(folder / "log.csv")
    surface = log["tab"] * 10 + log["device"]
    expected = pages(log["user"], log["now"], surface, "10min")
    for split in data.splits.values():
        assert list(split.groups) == ["user", "page", "request"]
        assert split.group is split.groups["user"]
        assert same(split.groups["page"], expected[split.row_id])
        assert same(split.groups["request"], log["request"].to_numpy()[split.row_id])
    assert 400 > len(np.unique(expected)) > 125
    said = [line for line in command.report(data).splitlines() if "in the test rows" in line]
    assert [line.split(":")[0] for line in said] == ["page", "request"]


def test_the_user_may_be_named_among_the_groups(folder):
    said = SAID.replace('group = "user"\n', "") + '[groups]\nuser = "user"\n'
    (folder / "named.toml").write_text(said)
    assert described(folder / "named.toml", {}) == described(folder / "data.toml", {})
    assert described(folder / "named.toml", {"group": "item"}).group == "item"


def test_the_options_describe_pages_too(folder):
    (folder / "both.toml").write_text(SAID + GROUPS.replace('request = "request"\n', ""))
    options = {"group": ("user", "tab", "device"), "gap": "10min"}
    assert described(folder / "data.toml", options) == described(folder / "both.toml", {})
    assert described(folder / "groups.toml", {"group": ("page",)}).group == "user"
    alone = described(folder / "data.toml", {"gap": "1h"}).groups["page"]
    assert (alone.surface, alone.gap) == ((), "1h")
    data = files.load(folder / "log.csv", label="click", time="now", **options)
    expected = files.load(folder / "both.toml").test.groups["page"]
    assert same(data.test.groups["page"], expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], None),
        (["--group", "user"], None),
        (["--group", "page"], "page"),
        (["--group", "request"], "request"),
        (["--group", "user,tab"], "page"),
        (["--gap", "5min"], "page"),
    ],
)
def test_which_group_is_asked_for(folder, words, expected):
    parser = command.parser_of("check", "")
    command.add_arguments(parser)
    given = parser.parse_args([str(folder / "groups.toml"), *words])
    assert command.within(given) == expected


def test_a_cache_keeps_the_groups(folder):
    data = files.load(folder / "groups.toml")
    files.load(folder / "groups.toml", cache=folder / "cache")
    again = files.load(folder / "groups.toml", cache=folder / "cache")
    chunked = open_folder(folder / "cache", rows_per_chunk=50)
    for name, split in data.splits.items():
        for found in (again.splits[name], labels_of(chunked.splits[name])):
            assert list(found.groups) == list(split.groups)
            for group, values in split.groups.items():
                np.testing.assert_array_equal(found.groups[group], values)


def test_chunks_that_are_written_one_by_one_keep_the_groups(folder):
    data = files.load(folder / "groups.toml")
    about = (data.name, data.feature_columns, data.tasks)
    with FolderWriter(folder / "written", *about) as writer:
        for name, split in data.splits.items():
            for rows in np.array_split(np.arange(len(split)), 3):
                writer.add(name, split.take(rows))
    write_parquet(folder / "test.parquet", data.test, rows_per_group=30)
    told = {"user": "group", "page": "group_page", "request": "group_request"}
    parquet = ParquetChunks(
        folder / "test.parquet", data.feature_columns, data.tasks, group=told, row_id="row_id"
    )
    assert len(parquet.sizes) == 2
    for chunks in (open_folder(folder / "written").test, parquet):
        found = chunks.labels()
        assert list(found.groups) == list(data.test.groups)
        for group, values in data.test.groups.items():
            np.testing.assert_array_equal(found.groups[group], values)


def test_users_alone_are_stored_as_before(folder):
    data = files.load(folder / "data.toml", cache=folder / "cache")
    note = json.loads((folder / "cache" / "cache.json").read_text())
    names = [one["file"] for one in note["splits"]["test"]["arrays"]]
    assert names[:3] == ["test/group.npy", "test/row_id.npy", "test/time.npy"]
    assert not any("groups" in name for name in names)
    with writing(folder / "other") as writer:
        for name, split in data.splits.items():
            writer.write(name, [arrays_of(split)])
        writer.finish("", data.name, data.feature_columns, data.tasks, {})
    note = json.loads((folder / "other" / "cache.json").read_text())
    assert {one["kind"] for one in note["splits"]["test"]["arrays"]} == {
        *("features", "labels", "group", "row_id", "time")
    }
    assert list(read_cache(folder / "other").splits["test"].groups) == ["user"]


def test_a_description_without_groups_is_the_one_that_it_was(folder):
    plain, more = (described(folder / name, {}).as_dict() for name in ("data.toml", "groups.toml"))
    assert set(more) - set(plain) == {"groups"}
    # What runs and caches of earlier versions hold.
    found = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    assert found == "5b374175eb93e233501793fa3ef09db5b270a0e3cf2a3131e5b541e337b7f126"
    assert Description.from_dict(json.loads(json.dumps(more))).as_dict() == more


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ('page = { gap = "soon" }', "page, gap: expected a duration such as '30min', got 'soon'"),
        ("page = { gap = 30 }", "page, gap: expected a duration such as '30min', got 30"),
        ("page = { surfaces = 'tab' }", "page: unknown key 'surfaces'; did you mean 'surface'?"),
        ("page = 3", "page: expected a table, got 3"),
        ("Page = 'tab'", "expected a lower-case name"),
        ("user = 'tab'", "user: expected a column, and no group beside it"),
        ("request = 'requests'", "names the column 'requests', which is not there; did you mean"),
        ("page = { surface = 'tabs' }", "names the column 'tabs', which is not there; did you"),
    ],
)
def test_a_wrong_group_is_named(folder, groups, message):
    (folder / "wrong.toml").write_text(f"{SAID}[groups]\n{groups}\n")
    with pytest.raises(ValueError, match=r"(?s)\[groups\].*" + message.replace("?", r"\?")):
        files.load(folder / "wrong.toml")


def test_pages_are_of_users_and_moments():
    said = {"files": "a.csv", "labels": {"click": {}}, "groups": {"page": {}}}
    with pytest.raises(ValueError, match=r"page: expected \[time\] with a unit"):
        parse({**said, "group": "user"})
    with pytest.raises(ValueError, match=r"page: expected \[time\] with a unit"):
        parse({**said, "group": "user", "time": {"column": "now", "unit": "any"}})
    with pytest.raises(ValueError, match=r"\[groups\]: expected user, the column of the user"):
        parse({**said, "time": {"column": "now"}})
