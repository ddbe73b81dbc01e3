"""Splits in chunks: pieces of arrays, folders that are mapped into memory, what is refused."""

import dataclasses

import numpy as np
import pytest

from recsys_lib.data import ChunkedDataset, Chunks, Dataset, Split
from recsys_lib.data.chunks import joined
from recsys_lib.features import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_pipeline.chunks import ArrayChunks, FolderWriter, cache, in_chunks, open_folder

COLUMNS = (
    CategoricalColumn("user_id", 30, group="user"),
    SequenceColumn("history", 9, 3),
    NumericColumn("price"),
    NumericColumn("weather", 2),
)


def make_split(num_rows, first=0, seed=0):
    """Every kind of array that a split may hold."""
    rng = np.random.default_rng(seed)
    history = np.sort(rng.integers(0, 9, (num_rows, 3)), axis=1)[:, ::-1]
    return Split(
        features={
            "user_id": rng.integers(0, 30, num_rows),
            "history": np.ascontiguousarray(history).astype(np.int32),
            "price": rng.normal(size=num_rows).astype(np.float32),
            "weather": rng.normal(size=(num_rows, 2)).astype(np.float32),
        },
        labels={"like": rng.integers(0, 2, num_rows), "watch": rng.normal(size=num_rows)},
        group=rng.integers(0, 5, num_rows),
        row_id=np.arange(first, first + num_rows),
        time=np.arange(num_rows) + 100.0 * (1 + seed),
        as_of={"price": np.full(num_rows, 7.0)},
        probability={"like": rng.random(num_rows)},
        slices={"new": rng.random(num_rows) < 0.5},
        label_masks={"watch": rng.random(num_rows) < 0.7},
    )


TASKS = {"like": "binary", "watch": "regression"}


def make_data():
    parts = (make_split(23), make_split(8, 100, 1), make_split(9, 200, 2))
    return Dataset("made", COLUMNS, *parts, tasks=TASKS)


DATA = make_data()


def assert_equal(found, expected, dtypes=True):
    for kind in ("features", "labels", "as_of", "probability", "slices", "label_masks"):
        assert set(getattr(found, kind)) == set(getattr(expected, kind)), kind
        for name, values in getattr(expected, kind).items():
            np.testing.assert_array_equal(getattr(found, kind)[name], values)
    for name in ("group", "row_id", "time"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize(
    ("asked", "sizes"),
    [(10, (10, 10, 3)), (23, (23,)), (100, (23,)), ([3, 20], (3, 20)), (1, (1,) * 23)],
)
def test_pieces_are_consecutive_and_make_up_the_split(asked, sizes):
    chunks = ArrayChunks(DATA.train, asked)
    assert chunks.sizes == sizes and len(chunks) == 23
    pieces = [chunks.read(number) for number in range(len(sizes))]
    assert [len(piece) for piece in pieces] == list(sizes)
    assert_equal(joined(pieces), DATA.train)


def test_pieces_are_views_that_copy_nothing():
    piece = ArrayChunks(DATA.train, 10).read(1)
    for name, values in piece.features.items():
        assert np.shares_memory(values, DATA.train.features[name])
    assert np.shares_memory(piece.labels["like"], DATA.train.labels["like"])


def test_columns_that_nobody_asked_for_are_left_out():
    chunks = ArrayChunks(DATA.train, 10)
    piece = chunks.read(0, ["history"])
    assert list(piece.features) == ["history"] and not piece.as_of
    assert set(piece.labels) == {"like", "watch"}
    rows = chunks.labels()
    assert not rows.features and len(rows) == 23
    np.testing.assert_array_equal(rows.labels["watch"], DATA.train.labels["watch"])
    # As any other source reads them, which has no such shortcut.
    other = Chunks.labels(chunks)
    np.testing.assert_array_equal(rows.labels["like"], other.labels["like"])
    np.testing.assert_array_equal(rows.group, other.group)
    np.testing.assert_array_equal(rows.label_masks["watch"], other.label_masks["watch"])


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (0, "rows_per_chunk: expected an integer of 1 or more, got 0"),
        ([20, 2], "rows_per_chunk: expected sizes that add up to 23, got 22"),
        ([23, 0], "expected at least one row in each"),
    ],
)
def test_sizes_that_cannot_be_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        ArrayChunks(DATA.train, sizes)


@pytest.mark.parametrize("kind", ["features", "labels", "label_masks"])
def test_the_digest_is_that_of_all_values(kind):
    first = ArrayChunks(DATA.train, 10).digest()
    assert ArrayChunks(DATA.train, 7).digest() == first
    name = {"features": "history", "labels": "watch", "label_masks": "watch"}[kind]
    values = getattr(DATA.train, kind)[name].copy()
    with_label = int(np.flatnonzero(DATA.train.label_masks["watch"])[-1])
    values[with_label] = 0
    changed = {**getattr(DATA.train, kind), name: values}
    other = dataclasses.replace(DATA.train, **{kind: changed})
    assert ArrayChunks(other, 10).digest() != first


# Data sets


def test_a_data_set_in_chunks_has_its_columns_tasks_and_other_splits():
    data = in_chunks(DATA, 10)
    assert data.feature_columns == COLUMNS and data.tasks == TASKS
    assert data.train.sizes == (10, 10, 3)
    assert data.valid is DATA.valid and list(data.splits) == ["train", "valid", "test"]
    data = in_chunks(DATA, 8)  # the test has nine rows
    assert data.valid is DATA.valid and data.test.sizes == (8, 1)


def test_tasks_are_binary_where_nobody_says_otherwise():
    split = dataclasses.replace(DATA.train, labels={"like": DATA.train.labels["like"]})
    split = dataclasses.replace(split, label_masks={})
    data = ChunkedDataset("made", COLUMNS, ArrayChunks(split, 10), split, split)
    assert data.tasks == {"like": "binary"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"labels": {"like": np.full(23, 2.0)}},
            r"train, labels\['like'\]: expected 0 or 1, got 2",
        ),
        (
            {"label_masks": {"like": np.zeros(23, bool)}},
            r"train, label_masks\['like'\]: expected a r",
        ),
        ({"group": np.zeros(23)}, "train, group: expected integers, got float64"),
    ],
)
def test_labels_are_checked_when_the_data_set_is_made(changes, message):
    split = dataclasses.replace(
        DATA.train, labels={"like": DATA.train.labels["like"]}, label_masks={}
    )
    broken = dataclasses.replace(split, **changes)
    with pytest.raises(ValueError, match=message):
        ChunkedDataset("made", COLUMNS, ArrayChunks(broken, 10), split, split)


def test_training_rows_must_be_chunks_and_kinds_known():
    with pytest.raises(ValueError, match="train: expected Chunks, got Split"):
        ChunkedDataset("made", COLUMNS, DATA.train, DATA.valid, DATA.test, TASKS)
    kinds = {"like": "binary", "watch": "ordinal"}
    with pytest.raises(ValueError, match="task 'watch': expected 'binary' or 'regression'"):
        ChunkedDataset("made", COLUMNS, ArrayChunks(DATA.train), DATA.valid, DATA.test, kinds)


# Folders


def write(folder, sizes=(10, 13)):
    with FolderWriter(folder, "made", COLUMNS, TASKS) as writer:
        train = ArrayChunks(DATA.train, sizes)
        for number in range(len(train.sizes)):
            writer.add("train", train.read(number))
        writer.add("valid", DATA.valid)
        writer.add("test", DATA.test)
    return folder


@pytest.mark.parametrize("sizes", [(23,), (10, 13), (1,) * 23])
def test_a_folder_gives_back_what_was_written_chunk_by_chunk(tmp_path, sizes):
    data = open_folder(write(tmp_path / "made", sizes), rows_per_chunk=7)
    assert (data.name, data.feature_columns, data.tasks) == ("made", COLUMNS, TASKS)
    assert data.train.sizes == (7, 7, 7, 2) and data.valid.sizes == (7, 1)
    for name, expected in DATA.splits.items():
        found = joined([data.splits[name].read(i) for i in range(len(data.splits[name].sizes))])
        assert_equal(found, expected)
        assert found.features["user_id"].dtype == np.int32
        assert found.features["price"].dtype == np.float32
    assert list((tmp_path).iterdir()) == [tmp_path / "made"]


def test_a_folder_is_a_cache_and_its_files_are_numpys(tmp_path):
    folder = write(tmp_path / "made", (1,) * 23)
    found = np.load(folder / "train" / "features.weather.npy")
    np.testing.assert_array_equal(found, DATA.train.features["weather"])
    assert_equal(cache.read(folder).splits["train"], DATA.train)


def test_a_cache_that_was_written_at_once_is_read_in_chunks(tmp_path):
    with cache.writing(tmp_path / "made") as writer:
        for name, split in DATA.splits.items():
            writer.write(name, [cache.arrays_of(split)])
        writer.finish("1234", "made", COLUMNS, TASKS, {})
    data = open_folder(tmp_path / "made", rows_per_chunk=20)
    assert data.train.sizes == (20, 3)
    assert_equal(joined([data.train.read(0), data.train.read(1)]), DATA.train)


def test_the_arrays_of_a_folder_are_mapped_and_not_read(tmp_path):
    values = open_folder(write(tmp_path / "made"), 10).train.read(1).features["history"]
    while values.base is not None and not isinstance(values, np.memmap):
        values = values.base
    assert isinstance(values, np.memmap) and not values.flags.writeable


def test_a_folder_that_was_not_finished_is_no_data_set(tmp_path):
    folder = tmp_path / "made"
    with pytest.raises(RuntimeError), FolderWriter(folder, "made", COLUMNS, TASKS) as writer:
        writer.add("train", DATA.train)
        raise RuntimeError("killed")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="made: expected a complete data set, got none"):
        open_folder(folder)
    message = r"made: expected at least one chunk of \['valid', 'test'\], got none"
    with (
        pytest.raises(ValueError, match=message),
        FolderWriter(folder, "made", COLUMNS, TASKS) as writer,
    ):
        writer.add("train", DATA.train)
    assert not list(tmp_path.iterdir())
    write(folder)
    (folder / "train" / "group.npy").unlink()
    with pytest.raises(ValueError, match="made: expected a complete data set, got none"):
        open_folder(folder)


def spoiled(kind):
    split = DATA.train
    if kind == "id":
        ids = split.features["user_id"].copy()
        ids[4] = 30
        return dataclasses.replace(split, features={**split.features, "user_id": ids})
    if kind == "label":
        return dataclasses.replace(split, labels={**split.labels, "like": np.full(23, 0.5)})
    if kind == "leak":
        return dataclasses.replace(split, as_of={"price": split.time})
    if kind == "arrays":
        return dataclasses.replace(split, probability={})
    if kind == "type":
        return dataclasses.replace(split, probability={"like": np.ones(23, np.float32)})
    return split.take(np.zeros(0, int))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("id", r"train, chunk 1, column 'user_id': expected ids from 0 to 29, got 30 \(rows 4\)"),
        ("label", r"train, chunk 1, labels\['like'\]: expected 0 or 1, got 0.5"),
        ("leak", "train, chunk 1, column 'price': the feature draws on the moment of its own row"),
        (
            "arrays",
            r"train, chunk 1: expected the arrays of the first .* \[.*'probability', 'like'",
        ),
        ("type", r"train, chunk 1: expected the arrays of the first .* \[.*'probability', 'like'"),
        ("rows", "train, chunk 1: expected at least one row, got none"),
    ],
)
def test_a_chunk_is_checked_before_it_is_written(tmp_path, kind, message):
    with FolderWriter(tmp_path / "made", "made", COLUMNS, TASKS) as writer:
        writer.add("train", DATA.train)
        with pytest.raises(ValueError, match=message):
            writer.add("train", spoiled(kind))
        writer.add("valid", DATA.valid)
        writer.add("test", DATA.test)
    assert open_folder(tmp_path / "made").train.sizes == (23,)


def test_arrays_with_names_that_no_file_can_have_keep_them(tmp_path):
    names = ["New users!", "0", "1", "alte Nutzer"]
    slices = {name: np.arange(23) % 5 == place for place, name in enumerate(names)}
    split = dataclasses.replace(DATA.train, slices=slices)
    with FolderWriter(tmp_path / "made", "made", COLUMNS, TASKS) as writer:
        for name in ("train", "valid", "test"):
            writer.add(name, split.take(np.arange(12)))
            writer.add(name, split.take(np.arange(12, 23)))
    assert_equal(open_folder(tmp_path / "made").train.read(0), split)


def test_only_the_three_splits_can_be_written(tmp_path):
    message = r"split: expected one of \('train', 'valid', 'test'\), got 'training'"
    with pytest.raises(ValueError, match=message):
        with FolderWriter(tmp_path / "made", "made", COLUMNS, TASKS) as writer:
            writer.add("training", DATA.train)
