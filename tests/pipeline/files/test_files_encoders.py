"""From raw columns to features: each encoder against what its definition says, in plain Python."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_pipeline import files

HEAD = 'files = "log.csv"\nother_columns = "ignore"\n'
ORDER = '[split]\nby = "order"\nratios = [0.6, 0.2, 0.2]\n[labels.label]\n'


@pytest.fixture
def load(tmp_path):
    """Loads columns of text with a label, cut in order 6 : 2 : 2, and what is said of them."""

    def loader(columns, said, top="", split=ORDER, **options):
        rows = len(next(iter(columns.values())))
        frame = pd.DataFrame({"label": np.arange(rows) % 2, **columns})
        frame.to_csv(tmp_path / "log.csv", index=False)
        (tmp_path / "data.toml").write_text(HEAD + top + split + said)
        return files.load(tmp_path / "data.toml", **options)

    return loader


def whole(dataset, name):
    return np.concatenate([split.features[name] for split in dataset.splits.values()])


TEN = ["1", "2", "4", "", "4", "1", "-8", "", "100", "2"]
KNOWN = np.array([1, 2, 4, 4, 1], float)


@pytest.mark.parametrize("scaling", ["none", "standard", "log"])
def test_numbers_as_they_are_standardised_and_by_logarithm(load, scaling):
    dataset = load({"x": TEN}, f'[columns.x]\nkind = "numeric"\nscaling = "{scaling}"\n')

    def change(values):
        values = np.array(values, float)
        if scaling == "none":
            return values
        if scaling == "log":
            values = np.array([np.sign(v) * np.log(1 + abs(v)) for v in values])
            known = np.log(1 + KNOWN)
        else:
            known = KNOWN
        return (values - known.mean()) / known.std()

    expected = [0 if text == "" else change([float(text)])[0] for text in TEN]
    np.testing.assert_allclose(whole(dataset, "x"), expected, rtol=1e-5, atol=1e-6)
    assert whole(dataset, "x_missing").tolist() == [float(text == "") for text in TEN]
    assert dataset.feature_columns == (NumericColumn("x"), NumericColumn("x_missing"))


def test_a_missing_number_may_be_zero_without_a_column_of_its_own(load):
    dataset = load({"x": TEN}, '[columns.x]\nkind = "numeric"\nmissing = "zero"\n')
    assert dataset.feature_columns == (NumericColumn("x"),)
    assert (whole(dataset, "x") == 0).tolist() == [text == "" for text in TEN]


def test_a_number_that_training_rows_never_lack_has_no_column_for_it(load):
    texts = ["1", "2", "3", "4", "5", "6", "", "7", "8", ""]
    dataset = load({"x": texts}, '[columns.x]\nkind = "numeric"\nscaling = "none"\n')
    assert dataset.feature_columns == (NumericColumn("x"),)
    assert whole(dataset, "x").tolist() == [1, 2, 3, 4, 5, 6, 0, 7, 8, 0]


def test_one_number_and_its_absence_say_something(load):
    dataset = load(
        {"x": ["3", "", "3", "3", "", "3", "3", "4", "", "3"]}, '[columns.x]\nkind = "numeric"\n'
    )
    assert [column.name for column in dataset.feature_columns] == ["x", "x_missing"]
    assert np.isfinite(whole(dataset, "x")).all()


def test_bins_by_edges(load):
    said = '[columns.x]\nkind = "numeric"\nscaling = "bins"\nedges = [2, 10]\nembedding_dim = 3\n'
    dataset = load({"x": TEN}, said + 'group = "item"\n')
    assert dataset.feature_columns == (CategoricalColumn("x", 5, group="item", embedding_dim=3),)
    # below 2, from 2 to below 10, 10 or more; the missing ones have the last id
    assert whole(dataset, "x").tolist() == [1, 2, 2, 4, 2, 1, 1, 4, 3, 2]
    assert dataset.vocabularies["x"].tolist() == ["below 2", "2 to 10", "10 or more", None]
    zero = load({"x": TEN}, said + 'missing = "zero"\n')
    assert zero.column("x").vocabulary_size == 4
    assert whole(zero, "x")[[3, 7]].tolist() == [0, 0]


@settings(max_examples=60, deadline=None)
@given(
    numbers=st.lists(st.integers(-20, 20), min_size=10, max_size=60).filter(
        lambda numbers: len(set(numbers[: len(numbers) * 6 // 10])) > 1
    ),
    num_bins=st.integers(2, 9),
)
def test_bins_are_ordered_and_none_is_empty(tmp_path_factory, numbers, num_bins):
    folder = tmp_path_factory.mktemp("bins")
    pd.DataFrame({"label": np.arange(len(numbers)) % 2, "x": numbers}).to_csv(
        folder / "log.csv", index=False
    )
    said = f'[columns.x]\nkind = "numeric"\nscaling = "bins"\nnum_bins = {num_bins}\n'
    (folder / "data.toml").write_text(HEAD + ORDER + said)
    dataset = files.load(folder / "data.toml")
    ids = whole(dataset, "x")
    order = np.argsort(numbers, kind="stable")
    assert (np.diff(ids[order]) >= 0).all()
    size = dataset.column("x").vocabulary_size
    assert set(dataset.train.features["x"]) == set(range(1, size))  # every bin has training rows
    assert 2 <= size - 1 <= num_bins
    assert np.unique(numbers).size == np.unique(np.stack([numbers, ids]), axis=1).shape[1]


def test_equal_bins_hold_equally_many_rows(load):
    rng = np.random.default_rng(0)
    dataset = load(
        {"x": rng.permutation(100)},
        '[columns.x]\nkind = "numeric"\nscaling = "bins"\nnum_bins = 4\n',
        split=ORDER.replace("[0.6, 0.2, 0.2]", "[0.8, 0.1, 0.1]"),
    )
    assert np.bincount(dataset.train.features["x"]).tolist() == [0, 20, 20, 20, 20]


def test_a_missing_category_has_the_last_row_or_none(load):
    column = {"c": ["b", "", "a", "b", "", "a", "new", "", "b", "new"]}
    own = load(column, "[columns.c]\n")
    assert own.vocabularies["c"].tolist() == ["b", "a", None]
    assert whole(own, "c").tolist() == [1, 3, 2, 1, 3, 2, 0, 3, 1, 0]
    zero = load(column, '[columns.c]\nmissing = "zero"\n')
    assert zero.vocabularies["c"].tolist() == ["b", "a"]
    assert whole(zero, "c").tolist() == [1, 0, 2, 1, 0, 2, 0, 0, 1, 0]
    with pytest.raises(ValueError, match="'c': 'no value has 3 training rows'"):
        load(column, "[columns.c]\nmin_count = 3\n")


def test_a_missing_category_that_training_rows_lack_is_unknown(load):
    dataset = load({"c": ["a", "b", "a", "b", "a", "b", "", "a", "b", ""]}, "[columns.c]\n")
    assert whole(dataset, "c").tolist() == [1, 2, 1, 2, 1, 2, 0, 1, 2, 0]


def test_new_rows_may_hold_other_values_and_must_hold_all_columns(load):
    dataset = load(
        {"c": list("ababab") + list("cdab"), "n": range(10)},
        '[columns.c]\n[columns.n]\nkind = "numeric"\nscaling = "none"\n',
    )
    features = dataset.encode({"c": ["b", "never", None], "n": [1.5, None, -2]})
    assert features["c"].tolist() == [2, 0, 0]
    assert features["n"].tolist() == [1.5, 0, -2]
    with pytest.raises(ValueError, match=r"rows: expected a column 'n', got \['c'\]"):
        dataset.encode({"c": ["a"]})


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.sampled_from(["", "a", "b", "c", "dd", "é"]), min_size=10, max_size=40),
    min_count=st.integers(1, 4),
)
def test_ids_are_those_of_the_definition(tmp_path_factory, values, min_count):
    folder = tmp_path_factory.mktemp("ids")
    frame = pd.DataFrame(
        {"label": np.arange(len(values)) % 2, "c": values, "d": np.arange(len(values)) % 2}
    )
    frame.to_csv(folder / "log.csv", index=False)
    (folder / "data.toml").write_text(
        HEAD + ORDER + f"[columns.c]\nmin_count = {min_count}\n[columns.d]\n"
    )
    dataset = files.load(folder / "data.toml")
    train = values[: int(np.rint(len(values) * 0.6))]
    often = [v for v in dict.fromkeys(train) if train.count(v) >= min_count]
    known = [v for v in often if v] + [None] * ("" in often)
    if len(set(train)) < 2 or not known:
        assert "c" in dataset.left_out
        return
    assert dataset.vocabularies["c"].tolist() == known
    expected = [known.index(v or None) + 1 if (v or None) in known else 0 for v in values]
    assert whole(dataset, "c").tolist() == expected
