"""Labels as people write them, and labels that several columns make; files as they come."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from recsys_pipeline import files

SAID = 'other_columns = "categorical"\n[split]\nby = "order"\nratios = [0.6, 0.2, 0.2]\n'


@pytest.fixture
def load(tmp_path):
    """Loads text or a table of Arrow, with what is said of it."""

    def loader(content, said, name="log.csv", top=""):
        if isinstance(content, pa.Table):
            name = "log.parquet"
            pa.parquet.write_table(content, tmp_path / name)
        else:
            (tmp_path / name).write_bytes(content.encode())
        (tmp_path / "data.toml").write_text(f'files = "{name}"\n{top}' + SAID + said)
        return files.load(tmp_path / "data.toml")

    return loader


def labels(dataset, task):
    """Labels in the order of the file; None where a row has none."""
    found = {}
    for split in dataset.splits.values():
        exists = np.zeros(len(split), bool)
        exists[split.rows_of(task)] = True
        values = np.where(exists, split.labels[task], np.nan)
        found |= dict(zip(split.row_id.tolist(), values.tolist(), strict=True))
    return [None if found[row] != found[row] else found[row] for row in range(len(found))]


def rows(values, name="y"):
    return f"{name},x\n" + "".join(f"{one},{'ab'[n % 2]}\n" for n, one in enumerate(values))


@pytest.mark.parametrize(
    "values",
    [
        ["yes", "no", "yes", "no", "yes"],
        ["True", "False", "True", "False", "True"],
        [" true", "FALSE ", "true", "false", "true"],
        ["1.0", "0.0", "1", "0", "1.0"],
        ["Y", "N", "Y", "n", "y"],
        ["1", "-1.0", "1", "-1", "1"],
    ],
)
def test_labels_are_read_as_what_they_are(load, values):
    expected = [1, 0, 1, 0, 1]
    assert labels(load(rows(values), "[labels.y]\n"), "y") == expected
    table = pa.table({"y": values, "x": list("ababa")})
    assert labels(load(table, "[labels.y]\n"), "y") == expected


def test_rows_that_have_a_label_are_told_in_any_spelling(load):
    text = "y,z,x\nyes,0,a\nNo,7,b\nTrue,1,a\n1.0,0,b\nfalse,,a\n"
    assert labels(load(text, '[labels.z]\nwhere = "y"\n'), "z") == [0, None, 1, 0, None]
    with pytest.raises(ValueError, match=r"line 3, column 'y': expected 0 or 1, got 'maybe'"):
        load(text.replace("No", "maybe"), '[labels.z]\nwhere = "y"\n')


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('positive = ">50K"', [1, 0, 1, None, 0]),
        ('positive = [">50K", "<=50K"]\nthreshold = 1', "expected one of threshold, positive, or"),
        ("positive = true", "positive: expected a value or a list of values, got True"),
        ('positive = "50K"', r"'y': expected rows with the positive value '50K', got only '>"),
        (
            'kind = "regression"\npositive = "1"',
            "positive: of binary labels only, got a regression",
        ),
    ],
)
def test_positive_values_are_named(load, said, expected):
    text = rows([" >50K", " <=50K", " >50K", "", " ?"])
    said = f"[labels.y]\noptional = true\n{said}\n"
    if isinstance(expected, str):
        with pytest.raises(ValueError, match=expected):
            load(text, said)
    else:
        assert labels(load(text, said), "y") == expected


def test_a_positive_value_may_be_a_number_or_one_of_several(load):
    text = rows(["1.5", "5.0", "4", "3", "5"])
    assert labels(load(text, "[labels.y]\npositive = [5, 4]\n"), "y") == [0, 1, 1, 0, 1]
    assert labels(load(text, "[labels.y]\npositive = 1.5\n"), "y") == [1, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="line 2, column 'y': expected a label on every row, got"):
        load(rows(["", "5", "4", "5", "4"]), "[labels.y]\npositive = 5\n")


def test_several_columns_make_a_label(load):
    text = "click,view,hide,x\n1,yes,0,a\n0,no,1,b\n0,yes,0,a\n1,no,0,b\n1,yes,1,a\n"
    made = (
        '[labels.both]\nall = ["click", "view"]\n'
        '[labels.either]\nany = ["click", "view"]\n'
        '[labels.liked]\nall = "click"\nany = ["view", "hide"]\nnone = "hide"\n'
        '[labels.without]\nnone = "click"\n'
    )
    dataset = load(text, made)
    assert labels(dataset, "both") == [1, 0, 0, 0, 1]
    assert labels(dataset, "either") == [1, 0, 1, 1, 1]
    assert labels(dataset, "liked") == [1, 0, 0, 0, 0]
    assert labels(dataset, "without") == [0, 1, 1, 0, 0]
    assert [column.name for column in dataset.feature_columns] == ["x"]  # no part is a feature
    with pytest.raises(ValueError, match=r"line 2, column 'view': expected a label .* 'perhaps'"):
        load(text.replace("1,yes,0,a", "1,perhaps,0,a"), made)
    with pytest.raises(ValueError, match="label names the column 'views', which is not there"):
        load(text, '[labels.both]\nall = ["click", "views"]\n')
    with pytest.raises(ValueError, match=r"without a column, got \['column', 'all'\]"):
        load(text, '[labels.both]\nall = ["click", "view"]\ncolumn = "click"\n')


@pytest.mark.parametrize("end", ["\n", "\n\n", "\r\n  \r\n", "   ", "\n \n\n"])
def test_blank_last_lines_are_no_rows(load, end):
    text = rows(["1", "0", "1", "0", "1"])
    assert labels(load(text + end, "[labels.y]\n"), "y") == [1, 0, 1, 0, 1]
    pairs = "1 3:1\n0 4:1\n1 3:1\n0 4:1\n1 4:1\n"
    assert labels(load(pairs + end, "[labels.label]\n", "a.svm"), "label") == [1, 0, 1, 0, 1]
    with pytest.raises(ValueError, match="line 3: expected 2 fields"):
        load(text.replace("1,a\n0", "1,a\n\n0", 1) + end, "[labels.y]\n")


def test_empty_fields_on_the_last_line_are_a_row(load):
    """Criteo's lines may end with empty columns."""
    text = "y\tn\tx\n1\t2\ta\n0\t\tb\n1\t-1\t\n0\t4\ta\n1\t\t\n\n"
    dataset = load(text, '[labels.y]\n[columns.n]\nkind = "numeric"\n', "log.tsv")
    assert labels(dataset, "y") == [1, 0, 1, 0, 1]
    assert dataset.test.features["n_missing"].tolist() == [1]
    assert dataset.vocabularies["x"].tolist() == ["a", "b", None]


def test_the_census_as_it_is_published(load):
    """Blanks around every value, no header, a label of words, "?" and a blank last line."""
    lines = [
        f"{25 + n}, {'State-gov' if n % 2 else ' Private'}, {'?' if n % 5 == 0 else 'Sales'}, "
        f"{'>50K' if n % 3 == 0 else '<=50K'}"
        for n in range(40)
    ]
    said = (
        '[labels.income]\ncolumn = "column_4"\npositive = ">50K"\n'
        '[columns.column_1]\nkind = "numeric"\nscaling = "none"\n'
    )
    dataset = load("\n".join(lines) + "\n\n", said, "adult.csv", "header = false\n")
    assert labels(dataset, "income") == [float(n % 3 == 0) for n in range(40)]
    assert dataset.train.features["column_1"].tolist() == list(range(25, 49))
    assert dataset.vocabularies["column_2"].tolist() == ["Private", "State-gov"]


MOMENTS = pa.array([1_700_000_000_000, 1_700_000_060_000], pa.timestamp("ms"))
NESTED = {
    "numbers": pa.array([[5, 7], [5]], pa.list_(pa.int64())),
    "texts": pa.array([["a", "b"], ["a"]], pa.large_list(pa.string())),
    "words": pa.array([["a", "b"], ["a"]], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
    "fixed": pa.array([[5, 7], [7, 5]], pa.list_(pa.int32(), 2)),
}


@pytest.mark.parametrize("kind", NESTED)
def test_lists_of_parquet_are_read(load, kind):
    table = pa.table({"y": [True, False] * 3, "z": pa.chunked_array([NESTED[kind]] * 3)})
    dataset = load(table, '[labels.y]\n[columns.z]\nkind = "sequence"\nmax_length = 2\n')
    known = dataset.vocabularies["z"].tolist()
    found = [[known[one - 1] for one in ids if one] for ids in dataset.train.features["z"][:2]]
    assert found == NESTED[kind].to_pylist()


def test_dictionaries_and_timestamps_of_parquet_are_read(load):
    """As the rows' moments, as a category, and as the moments of a list."""
    table = pa.table(
        {
            "y": pa.DictionaryArray.from_arrays(pa.array([1, 0] * 3, pa.int8()), [0, 1]),
            "word": pa.array(["a", "b"] * 3, pa.large_string()).dictionary_encode(),
            "day": pa.array([1, 2] * 3, pa.date32()),
            "now": pa.array(range(1_700_000_100, 1_700_000_106), pa.timestamp("s", "UTC")),
            "seen": pa.array([[5, 7], [5]] * 3),
            "when": pa.array([MOMENTS.to_pylist(), MOMENTS.to_pylist()[:1]] * 3),
        }
    )
    said = (
        '[labels.y]\n[time]\ncolumn = "now"\n[columns.seen]\nkind = "sequence"\nmax_length = 2\n'
        'times = "when"\nsessions = [2, 2]\n'
    )
    dataset = load(table, said)
    assert dataset.train.time[0] == 1_700_000_100
    assert dataset.train.as_of["seen"][0].tolist() == [1_700_000_000, 1_700_000_060]
    assert dataset.vocabularies["word"].tolist() == ["a", "b"]
    assert dataset.vocabularies["day"].tolist() == ["1970-01-02", "1970-01-03"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            'kind = "sequence"\nmax_length = 2',
            "expected a list of texts, numbers or moments",
        ),
        ('kind = "categorical"', "expected one text or whole number in each row"),
        ('kind = "numeric"', "expected numbers"),
    ],
)
@pytest.mark.parametrize(
    "values",
    [
        [{"a": 1}] * 6,
        pa.array([[("a", 1)]] * 6, pa.map_(pa.string(), pa.int64())),
        [[[1], [2]]] * 6,
        [[{"a": 1}]] * 6,
        [b"ab"] * 6,
        pa.array([1] * 6, pa.duration("s")),
    ],
)
def test_other_types_of_parquet_are_refused_by_name(load, values, said, message):
    table = pa.table({"y": [1, 0] * 3, "z": values, "x": list("ababab")})
    with pytest.raises(ValueError, match=rf"log\.parquet, column 'z': {message}.*, got \S+"):
        load(table, f"[labels.y]\n[columns.z]\n{said}\n")


@pytest.mark.parametrize("kind", [{"a": 1}, [1]])
def test_a_time_that_is_none_is_refused_by_name(load, kind):
    table = pa.table({"y": [1, 0] * 3, "now": [kind] * 6, "x": list("ababab")})
    with pytest.raises(ValueError, match=r"column 'now': expected a moment in each row: .*, got"):
        load(table, '[labels.y]\n[time]\ncolumn = "now"\n')
