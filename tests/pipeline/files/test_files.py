"""Files of categorical fields: what becomes an id, and what each broken line says."""

import numpy as np
import pytest

from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_pipeline import files

TRAIN = """label,User Id,item,price,constant
1,ann,x,1.0,7
0,bob,y,3.0,7
1,ann,y,,7
0,cid,x,5.0,7
"""
VALID = "label,User Id,item,price,constant\n1,bob,new,3.0,8\n0,dan,x,,7\n"
TEST = "item,label,User Id,constant,price\nz,0,ann,7,9.0\n,1,eve,7,1.0\n"


@pytest.fixture
def write(tmp_path):
    def writer(text, name="rows.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return writer


@pytest.fixture
def three(write):
    return [write(TRAIN, "train.csv"), write(VALID, "valid.csv"), write(TEST, "test.csv")]


def many(num_rows=100, seed=0):
    rng = np.random.default_rng(seed)
    rows = [f"{rng.integers(2)},u{rng.integers(9)},{row}" for row in range(num_rows)]
    return "label,user,row\n" + "\n".join(rows) + "\n"


def test_three_files_on_worked_rows(three):
    dataset = files.load(three, numeric=["price"], group="User Id")
    assert dataset.feature_columns == (
        CategoricalColumn("user_id", 4),
        CategoricalColumn("item", 3),
        NumericColumn("price"),
        NumericColumn("price_missing"),
    )
    assert dataset.name == "train"
    assert dataset.vocabularies["user_id"].tolist() == ["ann", "bob", "cid"]
    assert dataset.train.features["user_id"].tolist() == [1, 2, 1, 3]
    assert dataset.train.features["item"].tolist() == [1, 2, 2, 1]
    assert dataset.valid.features["user_id"].tolist() == [2, 0]  # dan was never seen
    assert dataset.test.features["user_id"].tolist() == [1, 0]
    assert dataset.test.features["item"].tolist() == [0, 0]  # one unseen, one missing
    assert dataset.tasks == {"label": "binary"}
    assert dataset.train.label.tolist() == [1, 0, 1, 0]
    assert dataset.test.label.tolist() == [0, 1]  # found by name: the order differs
    assert dataset.test.row_id.tolist() == [6, 7]
    spread = np.std([1, 3, 5])
    np.testing.assert_allclose(
        dataset.train.features["price"], [-2 / spread, 0, 0, 2 / spread], rtol=1e-6
    )
    np.testing.assert_allclose(dataset.test.features["price"], [6 / spread, -2 / spread], rtol=1e-6)
    assert dataset.train.features["price_missing"].tolist() == [0, 0, 1, 0]
    assert dataset.valid.features["price_missing"].tolist() == [0, 1]


def test_a_column_with_one_value_in_training_is_left_out_and_named(three):
    dataset = files.load(three, numeric=["price"])
    assert dataset.left_out == {"constant": "one value on all training rows: 7"}


def test_groups_are_the_raw_values_also_of_unknown_ones(three):
    group = files.load(three, group="User Id").test.group
    assert group[0] != group[1]  # ann, and eve, whom training never saw
    train = files.load(three, group="User Id").train.group
    assert train[0] == train[2] == group[0]
    assert not files.load(three).test.group.any()


def test_min_count_makes_rare_values_unknown(three):
    dataset = files.load(three, min_count=2)
    assert dataset.vocabularies["user_id"].tolist() == ["ann"]
    assert dataset.train.features["user_id"].tolist() == [1, 0, 1, 0]
    # Twice among all rows, once in training: rare.
    assert dataset.valid.features["user_id"].tolist() == [0, 0]
    assert "no value has 2 training rows" in dataset.left_out["price"]


@pytest.mark.parametrize("split", ["random", "ordered"])
def test_one_file_is_cut_by_ratios(write, split):
    path = write(many())
    dataset = files.load(path, ratios=(0.7, 0.2, 0.1), split=split, ignore=["row"])
    sizes = [len(part) for part in dataset.splits.values()]
    assert sizes == [70, 20, 10]
    rows = np.concatenate([part.row_id for part in dataset.splits.values()])
    assert sorted(rows) == list(range(100))
    assert (rows.tolist() == list(range(100))) == (split == "ordered")
    lines = many().splitlines()[1:]
    for part in dataset.splits.values():
        for position, row in enumerate(part.row_id):
            label, user, _ = lines[row].split(",")
            assert part.label[position] == float(label)
            identity = part.features["user"][position]
            assert dataset.vocabularies["user"][identity - 1] == user


def test_the_random_split_follows_its_seed(write):
    path = write(many())
    first, again, other = (files.load(path, seed=seed).test.row_id for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


def test_values_of_validation_and_test_rows_are_unknown_in_a_cut_file_too(write):
    dataset = files.load(write(many()), split="ordered")
    assert dataset.column("row").vocabulary_size == 81  # every row has a value of its own
    assert not dataset.valid.features["row"].any()
    assert not dataset.test.features["row"].any()
    table = files.describe(dataset)
    assert table["unknown_row"].tolist() == [0, 1, 1]
    assert table["rows"].tolist() == [80, 10, 10]
    np.testing.assert_allclose(table["label_rate"]["test"], dataset.test.label.mean(), rtol=1e-6)


@pytest.mark.parametrize(
    ("labels", "options", "expected"),
    [
        ("-1 1 1 -1", {}, [0, 1, 1, 0]),
        ("5 3.5 4 1", {"threshold": 4}, [1, 0, 1, 0]),
        ("0.0 1.0 1 0", {}, [0, 1, 1, 0]),
    ],
)
def test_labels(write, labels, options, expected):
    rows = "".join(f"{label},{user}\n" for label, user in zip(labels.split(), "abab", strict=True))
    path = write("label,user\n" + rows)
    assert files.load([path] * 3, **options).test.label.tolist() == expected


def test_a_file_without_header(write):
    path = write("1,a,x\n0,b,y\n1,b,x\n")
    dataset = files.load([path] * 3, header=False)
    assert [column.name for column in dataset.feature_columns] == ["column_2", "column_3"]
    assert dataset.train.label.tolist() == [1, 0, 1]


LIBFM = "1 3:1 10:1 20:0.5\n-1 4:1 10:1 20:2\n1 3:1 11:1 20:1\n"


def test_libfm_fields_by_their_order(write):
    path = write(LIBFM, "rows.libfm")
    dataset = files.load([path] * 3)
    assert [column.name for column in dataset.feature_columns] == ["field_1", "field_2", "field_3"]
    assert isinstance(dataset.column("field_3"), NumericColumn)  # one id, and other values than 1
    assert dataset.train.features["field_1"].tolist() == [1, 2, 1]
    assert dataset.train.features["field_2"].tolist() == [1, 1, 2]
    assert dataset.vocabularies["field_2"].tolist() == [10, 11]
    assert dataset.train.label.tolist() == [1, 0, 1]


def test_libsvm_fields_by_the_range_of_their_ids(write):
    path = write("1 3:1 10:1\n0 11:1\n1 4:1\n0 10:1 3:1\n", "rows.svm")
    dataset = files.load([path] * 3, field_starts=[1, 10])
    # The last id is that of rows that lack the field.
    assert dataset.train.features["field_1"].tolist() == [1, 3, 2, 1]
    assert dataset.train.features["field_2"].tolist() == [1, 2, 3, 1]
    assert dataset.vocabularies["field_1"].tolist() == [3, 4, None]


def test_libffm_names_its_fields(write):
    train = write("1 0:3:1 7:5:1\n0 7:6:1\n1 0:4:1 7:5:1\n", "train.ffm")
    test = write("0 0:9:1 8:1:1\n", "test.ffm")
    dataset = files.load([train, train, test])
    assert [column.name for column in dataset.feature_columns] == ["field_0", "field_7"]
    assert dataset.train.features["field_0"].tolist() == [1, 3, 2]
    assert dataset.test.features["field_0"].tolist() == [0]
    assert dataset.left_out == {"field_8": "one value on all training rows: missing"}


def test_files_may_end_without_a_line_break_and_have_windows_line_ends(write):
    plain, odd = many(20), many(20).replace("\n", "\r\n").removesuffix("\r\n")
    first, second = files.load(write(plain, "a.csv")), files.load(write(odd, "b.csv"))
    assert second.vocabularies["row"].tolist() == first.vocabularies["row"].tolist()
    first = files.load([write(LIBFM, "a.fm")] * 3)
    second = files.load([write(LIBFM.replace("\n", " \r\n").rstrip(), "b.fm")] * 3)
    np.testing.assert_array_equal(second.train.features["field_3"], first.train.features["field_3"])


def test_quotes_and_byte_order_marks(write):
    path = write('\ufefflabel,"a, b"\n1,"x, y"\n0,z\n')
    dataset = files.load([path] * 3)
    assert dataset.vocabularies["a_b"].tolist() == ["x, y", "z"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,user\n1,a\n0\n1,b\n", "line 3: expected 2 fields separated by ',', got 1"),
        ("label,user\n1,a\n0,b,c\n", "line 3: expected 2 fields separated by ',', got 3"),
        ("label,user\n1,a\n\n0,b\n", "line 3: expected 2 fields separated by ',', got 1"),
        (
            "label,user\n1,a\nmaybe,b\n",
            r"line 3, column 'label': expected a label 0 or 1 \(or -1\), got 'maybe'; other lab",
        ),
        (
            "label,user\n1,a\n,b\n",
            "line 3, column 'label': expected a label on every row, got nothing",
        ),
        (
            "label,user\n1,a\n2,b\n",
            r"line 3, column 'label': expected a label 0 or 1 \(or -1\), got 2",
        ),
        ("label,user\n1,a\n-1,b\n0,c\n", "line 4, column 'label': expected labels -1 and 1, or 0"),
        ("1,a\n0,b\n", "line 1: expected the columns' names, got '1'; a file without names"),
        ("label,user,user\n1,a,b\n", r"line 1: expected different names, got twice \['user'\]"),
        ("label,\n1,a\n", "line 1: expected a name for every column, got none for column 2"),
        (
            "y,user\n1,a\n",
            r"label names the column 'label', which is not there; .* \['y', 'user'\]",
        ),
        ("label,User,user\n1,a,b\n0,b,c\n", "two columns are called 'user' once 'user'"),
        ("label,user\n1,a\n1,b\n", "training rows with both labels, got only 1"),
        (
            "label,user\n1,a\n0,a\n",
            "expected a column that tells rows apart, got none: .*one value on all",
        ),
        ("label,user\n", "expected rows below the columns' names, got none"),
        ("", "line 1: expected a line of text, got an empty one"),
        (b"label,user\n1,a\n0,\xff\n", "line 3: expected utf-8-sig text, got byte 0xff"),
    ],
)
def test_a_broken_csv_file_is_named_with_its_line(write, text, message):
    path = write(text)
    with pytest.raises(ValueError, match=message) as error:
        files.load([path] * 3)
    assert "rows.csv" in str(error.value)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("1 3:1 4:1\n0 3:1\n", {}, "line 2: expected 2 pairs id:value as in line 1, got 1"),
        ("1 3:1\n0 3:1 5:1\n", {}, "line 2: expected 1 pairs id:value as in line 1, got 2"),
        ("1 3:1\n\n0 4:1\n", {}, "line 2: expected 'label id:value id:value ...', got ''"),
        ("1 3:1\n0 4:1:1\n", {}, "line 2: expected 'label id:value"),
        ("1 3:1\n0 qid:4 3:1\n", {}, "line 2: expected 'label id:value"),
        ("1 3:1\n0 4:\n", {}, "line 2: expected 'label id:value"),
        ("1 3:1\n0\n", {}, "line 2: expected 'label id:value"),
        ("1 3:1\n0 4:0.5\n", {}, "line 2, column 'field_1': expected the value 1 of an id"),
        ("1 3:1\n2 4:1\n", {}, "line 2, column 'label': expected a label 0 or 1"),
        ("1 3:1\n0 2:1\n", {"field_starts": [3]}, "line 2: expected ids from 3"),
        ("1 3:1\n0 4:1 3:1\n", {"field_starts": [3]}, "line 2: expected one id in field 1"),
        ("1 3:1\n0 4:1\n", {"field_starts": [3, 3]}, "field_starts: expected ascending ids"),
        ("1 3:1\n0 4:1\n", {"numeric": ["a"]}, "numeric: a libsvm file says this itself"),
        ("\n", {}, "expected lines 'label id:value id:value ...', got nothing"),
    ],
)
def test_a_broken_libsvm_file_is_named_with_its_line(write, text, options, message):
    path = write(text, "rows.libsvm")
    with pytest.raises(ValueError, match=message):
        files.load([path] * 3, **options)


def test_a_broken_libffm_file_is_named_with_its_line(write):
    path = write("1 0:3:1\n0 3:1\n", "rows.ffm")
    with pytest.raises(ValueError, match="line 2: expected 'label field:id:value"):
        files.load(path)
    path = write("1 0:3:1 0:4:1\n", "rows.ffm")
    with pytest.raises(ValueError, match="line 1: expected one id in field 0, got several"):
        files.load(path)


def test_files_that_do_not_belong_together_are_refused(write, three):
    other = write("label,user\n1,a\n0,b\n", "other.csv")
    with pytest.raises(ValueError, match=r"other.csv: expected the columns of .*train.csv"):
        files.load([three[0], three[1], other])
    short = write("1 3:1\n0 4:1\n", "short.fm")
    with pytest.raises(ValueError, match=r"short.fm: expected 3 pairs on each line"):
        files.load([write(LIBFM, "long.fm")] * 2 + [short])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratios": (0.5, 0.5, 0.5)}, "ratios: expected three shares above 0"),
        (
            {"ratios": (0.98, 0.01, 0.01), "ignore": ["row"]},
            r"20 rows are too few, \['valid', 'test'\] would be empty",
        ),
        (
            {"split": "tim"},
            "by: expected one of .*'time', 'user'.*, got 'tim'; did you mean 'time'?",
        ),
        ({"min_count": 0}, "min_count: expected an integer of 1 or more, got 0"),
        ({"format": "xml"}, "format: expected one of"),
        (
            {"group": "users"},
            "group names the column 'users', which is not there; did you mean 'user'?",
        ),
        ({"numeric": ["user"]}, "line 2, column 'user': expected a number, got 'u"),
        ({"numeric": ["label"]}, "'label' can be neither numeric nor ignored"),
        ({"field_starts": [1]}, "field_starts: for libsvm files only"),
    ],
)
def test_bad_options_are_named(write, options, message):
    with pytest.raises(ValueError, match=message):
        files.load(write(many(20)), **options)


def test_bad_paths_are_named(write, tmp_path):
    path = write(many(20))
    with pytest.raises(ValueError, match="expected one file, or train, valid and test, got 2"):
        files.load([path, path])
    with pytest.raises(ValueError, match=r"missing.csv: no such file"):
        files.load(tmp_path / "missing.csv")
    with pytest.raises(ValueError, match=r"rows.data: expected a name that ends in one of"):
        files.load(write(many(20), "rows.data"))
    assert len(files.load(tmp_path / "rows.data", format="csv").train) == 16
