"""Chunks of Parquet files: row groups, lists, missing labels, and what is refused."""

import dataclasses

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet
from test_chunks import COLUMNS, DATA, assert_equal

from recsys_lib.data import Split
from recsys_lib.data.chunks import joined
from recsys_lib.features import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_pipeline.chunks import ParquetChunks, write_parquet

TASKS = ("like", "watch")
BESIDE = {"group": "group", "row_id": "row_id", "time": "time"}
PLAIN = dataclasses.replace(DATA.train, as_of={}, probability={}, slices={})


def pieces(chunks):
    return [chunks.read(number) for number in range(len(chunks.sizes))]


def test_what_is_written_is_read_again_row_group_by_row_group(tmp_path):
    path = tmp_path / "rows.parquet"
    write_parquet(path, PLAIN, rows_per_group=10)
    chunks = ParquetChunks(path, COLUMNS, TASKS, **BESIDE)
    assert chunks.sizes == (10, 10, 3)
    found = pieces(chunks)
    assert [len(piece) for piece in found] == [10, 10, 3]
    assert_equal(joined(found), PLAIN)


def test_splits_that_come_one_by_one_are_a_row_group_each(tmp_path):
    path = tmp_path / "rows.parquet"
    parts = [PLAIN.take(np.arange(start, stop)) for start, stop in [(0, 4), (4, 20), (20, 23)]]
    write_parquet(path, iter(parts))
    chunks = ParquetChunks(path, COLUMNS, TASKS, **BESIDE)
    assert chunks.sizes == (4, 16, 3)
    assert_equal(joined(pieces(chunks)), PLAIN)


def test_small_row_groups_are_read_together_over_files_too(tmp_path):
    for name, rows in (("b", slice(9, 23)), ("a", slice(0, 9))):
        part = PLAIN.take(np.arange(23)[rows])
        write_parquet(tmp_path / f"{name}.parquet", part, rows_per_group=4)
    (tmp_path / "notes.txt").write_text("no rows")
    assert ParquetChunks(tmp_path, COLUMNS, TASKS).sizes == (4, 4, 1, 4, 4, 4, 2)
    chunks = ParquetChunks(tmp_path, COLUMNS, TASKS, **BESIDE, rows_per_chunk=10)
    assert chunks.sizes == (13, 10)
    assert_equal(joined(pieces(chunks)), PLAIN)


def test_only_named_columns_are_read(tmp_path):
    path = tmp_path / "rows.parquet"
    write_parquet(path, PLAIN, rows_per_group=10)
    chunks = ParquetChunks(path, COLUMNS, TASKS, group="user_id")
    piece = chunks.read(1, ["price"])
    assert list(piece.features) == ["price"]
    np.testing.assert_array_equal(piece.group, PLAIN.features["user_id"][10:20])
    assert not chunks.labels().features
    np.testing.assert_array_equal(chunks.labels().labels["like"], PLAIN.labels["like"])
    # Without names rows are numbered over all chunks, are one group, and have no time.
    piece = ParquetChunks(path, COLUMNS, TASKS).read(1, ())
    assert piece.row_id.tolist() == list(range(10, 20))
    assert piece.group.tolist() == [0] * 10 and piece.time is None


def test_a_null_label_is_none_in_all_chunks_where_any_is_missing(tmp_path):
    path = tmp_path / "rows.parquet"
    table = pyarrow.table(
        {"item_id": [1, 2, 1, 2], "like": [0, 1, 1, 0], "watch": [1.5, 2, None, 3]}
    )
    parquet.write_table(table, path, row_group_size=2)
    chunks = ParquetChunks(path, [CategoricalColumn("item_id", 3)], TASKS)
    first, second = pieces(chunks)
    assert set(first.label_masks) == set(second.label_masks) == {"watch"}
    assert first.label_masks["watch"].tolist() == [True, True]
    assert second.label_masks["watch"].tolist() == [False, True]
    assert second.labels["watch"].tolist() == [0.0, 3.0]


def test_a_label_that_one_file_lacks_is_masked_in_all(tmp_path):
    for name, likes in (("a", [1, None]), ("b", [0, 1])):
        table = pyarrow.table({"item_id": [1, 2], "like": likes})
        parquet.write_table(table, tmp_path / f"{name}.parquet")
    first, second = pieces(ParquetChunks(tmp_path, [CategoricalColumn("item_id", 3)], "like"))
    assert first.label_masks["like"].tolist() == [True, False]
    assert second.label_masks["like"].tolist() == [True, True]


def test_a_0_between_two_ids_stays_there(tmp_path):
    """An unordered list may hold unknown ids; only what is behind the last known one is padding."""
    path, column = tmp_path / "rows.parquet", SequenceColumn("genres", 9, 4, ordered=False)
    genres = np.array([[3, 0, 5, 0], [0, 0, 0, 0], [0, 2, 0, 0]])
    rows = np.arange(3)
    write_parquet(path, Split({"genres": genres}, {"like": rows % 2}, rows, rows))
    assert parquet.read_table(path).column("genres").to_pylist() == [[3, 0, 5], [], [0, 2]]
    found = ParquetChunks(path, [column], "like").read(0).features["genres"]
    np.testing.assert_array_equal(found, genres)


def test_lists_are_padded_behind(tmp_path):
    path = tmp_path / "rows.parquet"
    table = pyarrow.table({"history": [[5, 6], [], None, [7, 0, 8]], "like": [0, 1, 1, 0]})
    parquet.write_table(table, path)
    piece = ParquetChunks(path, [SequenceColumn("history", 9, 4, ordered=False)], "like").read(0)
    assert piece.features["history"].tolist() == [
        [5, 6, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [7, 0, 8, 0],
    ]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        (SequenceColumn("x", 9, 2), [[1], [1, 2, 3]], "expected 2 ids at most, got 3 in row 1"),
        (SequenceColumn("x", 9, 2), [[1], [1, None]], "expected a value in each row, got 1 nulls"),
        (NumericColumn("x", 2), [[1.0, 2.0], [1.0]], "expected 2 numbers, got 1 in row 1"),
        (NumericColumn("x"), [1.0, None], "expected a value in each row, got 1 nulls"),
        (CategoricalColumn("x", 9), [None, 2], "expected a value in each row, got 1 nulls"),
    ],
)
def test_values_that_cannot_be_read_are_named(tmp_path, column, values, message):
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"x": values, "like": [0, 1]}), path)
    with pytest.raises(ValueError, match=rf"rows.parquet, chunk 0, column 'x': {message}"):
        ParquetChunks(path, [column], "like").read(0)


def test_what_is_no_data_set_is_refused(tmp_path):
    path = tmp_path / "rows.parquet"
    with pytest.raises(ValueError, match=r"rows\.parquet: no such file"):
        ParquetChunks(path, COLUMNS, TASKS)
    with pytest.raises(ValueError, match="no Parquet file in it"):
        ParquetChunks(tmp_path, COLUMNS, TASKS)
    with pytest.raises(ValueError, match="paths: expected at least one file"):
        ParquetChunks([], COLUMNS, TASKS)
    path.write_text("user_id,like\n1,0\n")
    with pytest.raises(ValueError, match=r"rows\.parquet: not a readable Parquet file"):
        ParquetChunks(path, COLUMNS, TASKS)
    parquet.write_table(pyarrow.table({"user_id": [1], "like": [0]}), path)
    message = r"missing columns \['history', 'price', 'weather', 'watch', 'time'\]; there are"
    with pytest.raises(ValueError, match=message):
        ParquetChunks(path, COLUMNS, TASKS, time="time")
    parquet.write_table(pyarrow.table({"user_id": pyarrow.array([], "int32"), "like": []}), path)
    with pytest.raises(ValueError, match="expected at least one row, got none"):
        ParquetChunks(path, COLUMNS[:1], "like")
    twice = dataclasses.replace(PLAIN, labels={"user_id": PLAIN.labels["like"]}, label_masks={})
    with pytest.raises(ValueError, match=r"different names for columns, got twice \['user_id'\]"):
        write_parquet(path, twice)


def test_the_digest_is_that_of_the_files(tmp_path):
    path = tmp_path / "rows.parquet"
    write_parquet(path, PLAIN, rows_per_group=10)
    first = ParquetChunks(path, COLUMNS, TASKS).digest()
    assert ParquetChunks(path, COLUMNS, TASKS, rows_per_chunk=20).digest() == first
    ids = PLAIN.features["user_id"].copy()
    ids[11] = (ids[11] + 1) % 30
    write_parquet(
        path,
        dataclasses.replace(PLAIN, features={**PLAIN.features, "user_id": ids}),
        rows_per_group=10,
    )
    assert ParquetChunks(path, COLUMNS, TASKS).digest() != first
