"""Readers: each format against what pandas wrote, compressed or not, one file or many."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lib.features.columns import NumericColumn
from recsys_pipeline import files
from recsys_pipeline.export.fields import canonical_id

NUM_ROWS = 60


@pytest.fixture
def frame():
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "label": rng.integers(0, 2, NUM_ROWS),
            "user": [f"u{number}" for number in rng.integers(0, 7, NUM_ROWS)],
            "item": rng.integers(0, 9, NUM_ROWS),
            "price": rng.normal(size=NUM_ROWS).round(6),
        }
    )


def values(dataset, column):
    """The raw values behind a column's ids, over all splits in the order of the file."""
    known = np.append(dataset.vocabularies[column], None)
    found = {}
    for split in dataset.splits.values():
        ids = split.features[column]
        found |= dict(zip(split.row_id.tolist(), known[ids - 1].tolist(), strict=True))
    return [found[row] for row in range(len(found))]


def assert_same(dataset, frame):
    """All that the frame holds came through: ids by their values, numbers by order and spread."""
    for column in ("user", "item"):
        expected = [None if v is None or v != v else str(v) for v in frame[column]]
        got = [None if v is None else str(v) for v in values(dataset, column)]
        # A value that training rows never showed has no name.
        assert [e for e, g in zip(expected, got, strict=True) if g is not None] == [
            g for g in got if g is not None
        ]
    train = dataset.train.row_id
    price = frame["price"].to_numpy()
    mean, spread = price[train].mean(), price[train].std()
    for split in dataset.splits.values():
        expected = (price[split.row_id] - mean) / spread
        np.testing.assert_allclose(split.features["price"], expected, rtol=1e-5, atol=1e-6)
        assert split.label.tolist() == frame["label"].to_numpy()[split.row_id].tolist()


WRITERS = {
    "log.csv": lambda frame, path: frame.to_csv(path, index=False),
    "log.tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "log.csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    "log.tsv.gz": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "log.parquet": lambda frame, path: frame.to_parquet(path, index=False),
    "log.pq": lambda frame, path: frame.to_parquet(path, index=False, row_group_size=17),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_table_comes_through_every_format(tmp_path, frame, name):
    path = tmp_path / name
    WRITERS[name](frame, path)
    dataset = files.load(path, numeric=["price"], split="order")
    assert dataset.name == "log"
    assert [column.name for column in dataset.feature_columns] == ["user", "item", "price"]
    assert_same(dataset, frame)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_libsvm_comes_through_compressed_or_not(tmp_path, frame, ending):
    lines = [
        f"{row.label} {int(row.user[1:])}:1 {100 + row.item}:1 200:{row.price:.6f}"
        for row in frame.itertuples()
    ]
    path = tmp_path / f"log.libsvm{ending}"
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data) if ending else data)
    dataset = files.load(path, split="order")
    assert [column.name for column in dataset.feature_columns] == ["field_1", "field_2", "field_3"]
    expected = [100 + item for item in frame["item"]]
    assert [v for v in values(dataset, "field_2") if v is not None] == [
        e for e, v in zip(expected, values(dataset, "field_2"), strict=True) if v is not None
    ]


def test_many_files_are_one_table(tmp_path, frame):
    frame.to_csv(tmp_path / "whole.csv", index=False)
    for number, start in enumerate(range(0, NUM_ROWS, 25)):
        frame.iloc[start : start + 25].to_csv(tmp_path / f"day_{number}.csv", index=False)
    (tmp_path / "folder").mkdir()
    for number, start in enumerate(range(0, NUM_ROWS, 25)):
        frame.iloc[start : start + 25].to_csv(tmp_path / f"folder/{number}.csv", index=False)
    whole = files.load(tmp_path / "whole.csv", numeric=["price"], seed=4)
    days = [tmp_path / f"day_{number}.csv" for number in range(3)]
    for paths in (tmp_path / "day_*.csv", [days], [tmp_path / "folder"]):
        dataset = files.load(paths, numeric=["price"], seed=4, format="csv")
        for split_name, split in dataset.splits.items():
            for name, array in split.features.items():
                np.testing.assert_array_equal(array, whole.splits[split_name].features[name])
    three = files.load([days[:2], tmp_path / "day_1.csv", [days[2]]], numeric=["price"])
    assert [len(split) for split in three.splits.values()] == [50, 25, 10]
    assert three.test.row_id.tolist() == list(range(75, 85))


def test_a_line_of_the_second_file_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("label,user\n1,x\n0,y\n")
    (tmp_path / "b.csv").write_text("label,user\n1,x\n2,y\n")
    with pytest.raises(ValueError, match=r"b\.csv, line 3, column 'label': expected a label 0 or"):
        files.load([[tmp_path / "a.csv", tmp_path / "b.csv"]])


def test_a_row_of_a_parquet_file_is_named(tmp_path):
    rows = pd.DataFrame({"label": [1, 0, 2, 1], "user": list("abab"), "price": [1.0, 2, 3, np.inf]})
    rows.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet, row 3, column 'label': expected a label 0"):
        files.load([tmp_path / "a.parquet"] * 3)
    with pytest.raises(ValueError, match=r"a\.parquet, row 4, column 'price': expected a finite"):
        files.load([tmp_path / "a.parquet"] * 3, numeric=["price"], threshold=1)


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (
            {"x": [[1], [2]]},
            {},
            "column 'x': expected one text or whole number in each row, got li",
        ),
        ({"x": [{"a": 1}] * 2}, {}, "column 'x': expected one text or whole number in each row"),
        (
            {"x": ["1", "one"]},
            {"numeric": ["x"]},
            r"row 2, column 'x': expected a number, got 'one'",
        ),
        ({"x": [[1], [2]]}, {"numeric": ["x"]}, "column 'x': expected numbers, got list"),
    ],
)
def test_a_parquet_column_of_another_kind_is_named(tmp_path, columns, options, message):
    pa.parquet.write_table(pa.table({"label": [0, 1], **columns}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=message):
        files.load([tmp_path / "a.parquet"] * 3, **options)


def test_what_is_no_parquet_or_gzip_file_is_named(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"label,user\n")
    with pytest.raises(ValueError, match=r"a\.parquet: expected a Parquet file, got an error"):
        files.load(tmp_path / "a.parquet")
    (tmp_path / "a.csv.gz").write_bytes(b"label,user\n")
    with pytest.raises(ValueError, match=r"a\.csv\.gz: expected gzip data, got an error"):
        files.load(tmp_path / "a.csv.gz")
    pd.DataFrame({"label": [], "user": []}).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=r"b\.parquet: expected rows, got none"):
        files.load(tmp_path / "b.parquet")


def test_a_line_of_a_compressed_file_is_named(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"label,user\n1,a\n0\n"))
    with pytest.raises(ValueError, match=r"a\.csv\.gz, line 3: expected 2 fields"):
        files.load(tmp_path / "a.csv.gz")


def test_types_of_parquet_columns_become_ids(tmp_path):
    table = pa.table(
        {
            "label": pa.array([True, False, True, None, False, True]),
            "flag": pa.array([True, False, None, True, False, True]),
            "whole": pa.array([1.0, 2.0, None, 1.0, 2.0, 2.0]),  # as pandas writes missing integers
            "real": pa.array([1.5, 2.0, None, 1.5, 2.0, 2.0]),
            "day": pa.array([1, 2, 1, 2, 1, 2], pa.date32()),
            "word": pa.array(list("ababab")).dictionary_encode(),
            "empty": pa.array(["", "x", "", "x", "x", "x"]),
        }
    )
    pa.parquet.write_table(table.drop_columns("label"), tmp_path / "no.parquet")
    keep = pa.array([True, True, True, False, True, True])
    pa.parquet.write_table(table.filter(keep), tmp_path / "a.parquet")
    dataset = files.load([tmp_path / "a.parquet"] * 3)
    assert dataset.train.label.tolist() == [1, 0, 1, 0, 1]
    known = {name: values.tolist() for name, values in dataset.vocabularies.items()}
    assert known == {
        "flag": [1, 0, None],
        "whole": [1, 2, None],
        "real": ["1.5", "2", None],
        "day": ["1970-01-02", "1970-01-03"],
        "word": ["a", "b"],
        "empty": ["x", None],
    }
    with pytest.raises(ValueError, match="label names the column 'label', which is not there"):
        files.load([tmp_path / "no.parquet"] * 3)


def test_files_of_other_types_are_refused(tmp_path):
    pd.DataFrame({"label": [0, 1], "x": [1, 2]}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame({"label": [0, 1], "x": ["1", "2"]}).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=r"b\.parquet, column 'x': expected int64 as in .*a\.par"):
        files.load([tmp_path / "a.parquet", tmp_path / "b.parquet", tmp_path / "b.parquet"])


def test_a_range_of_positions_names_columns(tmp_path):
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.integers(0, 2, 40), rng.normal(size=(40, 3)).round(3)])
    ids = [f"\tc{rng.integers(3)}\td{rng.integers(3)}" for _ in range(40)]
    lines = [
        f"{int(row[0])}\t" + "\t".join(map(str, row[1:])) + more
        for row, more in zip(rows, ids, strict=True)
    ]
    path = tmp_path / "criteo.tsv"
    path.write_text("\n".join(lines) + "\n")
    dataset = files.load(path, header=False, numeric=["2-4"], ignore=["6"])
    kinds = {column.name: isinstance(column, NumericColumn) for column in dataset.feature_columns}
    assert kinds == {"column_2": True, "column_3": True, "column_4": True, "column_5": False}
    with pytest.raises(ValueError, match="expected positions from 1 to 6, got '2-7'"):
        files.load(path, header=False, numeric=["2-7"])
    with pytest.raises(ValueError, match="expected positions from 1 to 6, got '4-2'"):
        files.load(path, header=False, numeric=["4-2"])
    # Labels lie outside of every range.
    assert len(files.load(path, header=False, numeric=["1-4"]).feature_columns) == 5


def test_a_column_that_is_called_a_number_is_found_by_its_name(tmp_path):
    path = tmp_path / "log.parquet"
    pd.DataFrame({"label": [0, 1, 0, 1], "1": [5, 6, 7, 8], "x": list("abab")}).to_parquet(path)
    dataset = files.load([path] * 3, numeric=["1"])
    assert isinstance(dataset.column("column_1"), NumericColumn)


def test_numbers_may_have_spaces_and_signs_around_them(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("label,x\n1, +1.5\n0,-2 \n1,3e0\n0,\n")
    dataset = files.load([path] * 3, numeric=["x"])
    expected = (np.array([1.5, -2, 3]) - 2.5 / 3) / np.std([1.5, -2, 3])
    np.testing.assert_allclose(dataset.train.features["x"], [*expected, 0], rtol=1e-6)
    for text in ("nan", "inf", "0x1", "1e999", "1_000"):
        path.write_text(f"label,x\n1,1\n0,{text}\n")
        with pytest.raises(
            ValueError, match=f"line 3, column 'x': expected a number, got '{text}'"
        ):
            files.load([path] * 3, numeric=["x"])


def test_one_column_may_be_read_in_two_ways(tmp_path, frame):
    frame["minute"] = np.arange(NUM_ROWS) % 5
    for name in ("log.csv", "log.parquet"):
        WRITERS[name](frame, tmp_path / name)
        dataset = files.load(
            tmp_path / name, numeric=["price", "minute"], slices=["minute"], group="minute"
        )
        assert isinstance(dataset.column("minute"), NumericColumn)
        assert set(dataset.test.slices) <= {f"minute={value}" for value in range(5)}


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=5)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(texts, st.integers(-5, 5) | st.none()), min_size=4, max_size=12),
    ending=st.sampled_from([".csv", ".csv.gz", ".parquet"]),
)
def test_any_texts_come_through(tmp_path_factory, rows, ending):
    """Quotes, separators, line breaks and letters of any script; empty and missing are the same.

    They come in the form in which a service reads them.
    """
    frame = pd.DataFrame(rows, columns=["word", "number"])
    frame["number"] = frame["number"].astype("Int64")
    frame["label"] = np.arange(len(frame)) % 2
    # A last column that is never empty: no line is.
    frame["end"] = [f"e{number % 2}" for number in range(len(frame))]
    path = tmp_path_factory.mktemp("texts") / f"rows{ending}"
    if ending == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    dataset = files.load([path] * 3, label="label", ignore=["number"])
    if "word" in dataset.left_out:
        assert len({canonical_id(word) for word, _ in rows}) == 1
        return
    known = np.append(dataset.vocabularies["word"], "no such id")
    found = known[dataset.train.features["word"] - 1]
    assert [value or "" for value in found] == [canonical_id(word) for word, _ in rows]
