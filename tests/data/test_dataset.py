"""``Dataset`` refuses what cannot be trained on or would leak, and says where."""

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest

from recsys_lib.data import Dataset, Split
from recsys_lib.data.dataset import check_features, check_rows
from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn

COLUMNS = (
    CategoricalColumn("item_id", 5, group="item"),
    SequenceColumn("history", 5, 2, table="item_id"),
    NumericColumn("count"),
)


def make_split(first=0, rows=4, tasks=("like",)):
    number = np.arange(rows)
    return Split(
        features={
            "item_id": (number % 5).astype(np.int32),
            "history": np.ones((rows, 2), np.int32),
            "count": number.astype(np.float32),
        },
        labels={task: (number % 2).astype(np.float32) for task in tasks},
        group=number % 2,
        row_id=number + first,
        time=(number + first).astype(np.int64),
        as_of={"count": number + first - 1.0, "history": np.full((rows, 2), -np.inf)},
        slices={"even": number % 2 == 0},
    )


def make(columns=COLUMNS, **changes):
    splits = {"train": make_split(0), "valid": make_split(4), "test": make_split(8)}
    splits |= {name: changes.pop(name) for name in list(changes) if name in splits}
    return Dataset("made", columns, **splits, **changes)


def changed(split, field, name=None, rows=slice(None), value=None):
    """A copy of a split with some rows of one array replaced."""
    if name is None:
        array = getattr(split, field).copy()
        array[rows] = value
        return dataclasses.replace(split, **{field: array})
    arrays = dict(getattr(split, field))
    arrays[name] = np.array(arrays[name])
    arrays[name][rows] = value
    return dataclasses.replace(split, **{field: arrays})


def without(split, field, name):
    arrays = {key: value for key, value in getattr(split, field).items() if key != name}
    return dataclasses.replace(split, **{field: arrays})


def with_array(split, field, name, array):
    return dataclasses.replace(split, **{field: {**getattr(split, field), name: array}})


def test_a_sound_data_set_is_accepted_and_describes_itself():
    dataset = make()
    assert dataset.tasks == {"like": "binary"}
    assert list(dataset.splits) == ["train", "valid", "test"]
    assert dataset.column("count").group == "context"
    assert dataset.test.label is dataset.test.labels["like"]
    assert len(dataset.test.slice("even")) == 2
    assert dataset.test.take([3, 1]).row_id.tolist() == [11, 9]


def test_with_columns_keeps_order_and_drops_the_rest():
    small = make().with_columns(["count", "item_id"])
    assert [column.name for column in small.feature_columns] == ["count", "item_id"]
    assert set(small.valid.features) == {"count", "item_id"}
    assert set(small.valid.as_of) == {"count"}


SPLIT = make_split(4)
REFUSED = {
    "missing column": (
        without(SPLIT, "features", "count"),
        r"valid: missing columns \['count'\], unexpected columns \[\]",
    ),
    "unexpected column": (
        with_array(SPLIT, "features", "extra", np.zeros(4)),
        r"valid: missing columns \[\], unexpected columns \['extra'\]",
    ),
    "id too large": (
        changed(SPLIT, "features", "item_id", [1, 3], 5),
        r"valid, column 'item_id': expected ids from 0 to 4, got 5 \(rows 1, 3\)",
    ),
    "negative id in a sequence": (
        changed(SPLIT, "features", "history", (2, 1), -1),
        r"valid, column 'history': expected ids from 0 to 4, got -1 \(rows 2\)",
    ),
    "ids that are no integers": (
        with_array(SPLIT, "features", "item_id", np.zeros(4)),
        r"valid, column 'item_id': expected integer ids, got float64",
    ),
    "wrong sequence length": (
        with_array(SPLIT, "features", "history", np.ones((4, 3), int)),
        r"valid, column 'history': expected shape \(4, 2\), got \(4, 3\)",
    ),
    "padded in front": (
        changed(SPLIT, "features", "history", [1, 3], [0, 2]),
        r"valid, column 'history': expected 0 behind the last id only, got 0 before an id "
        r"\(rows 1, 3\); pad behind, not in front",
    ),
    "groups that are no integers": (
        dataclasses.replace(SPLIT, group=np.arange(4.0)),
        "valid, group: expected integers, got float64",
    ),
    "rows without a whole number": (
        dataclasses.replace(SPLIT, row_id=np.arange(4.0)),
        "valid, row_id: expected integers, got float64",
    ),
    "mask of no task": (
        with_array(SPLIT, "label_masks", "click", np.ones(4, bool)),
        "valid: label_masks of an unknown task 'click'",
    ),
    "mask of too few rows": (
        with_array(SPLIT, "label_masks", "like", np.ones(3, bool)),
        r"valid, label_masks\['like'\]: expected shape \(4,\), got \(3,\)",
    ),
    "mask of numbers": (
        with_array(SPLIT, "label_masks", "like", np.ones(4)),
        r"valid, label_masks\['like'\]: expected True and False, got float64",
    ),
    "wrong number of rows": (
        with_array(SPLIT, "features", "count", np.zeros(3)),
        r"valid, column 'count': expected shape \(4,\), got \(3,\)",
    ),
    "number that is none": (
        changed(SPLIT, "features", "count", 2, np.nan),
        r"valid, column 'count': expected numbers finite in float32, got nan \(rows 2\)",
    ),
    "infinite number": (
        changed(SPLIT, "features", "count", 0, np.inf),
        r"valid, column 'count': expected numbers finite in float32, got inf \(rows 0\)",
    ),
    "number that is infinite in float32": (
        with_array(SPLIT, "features", "count", np.array([0, 0, 0, 1e39])),
        r"valid, column 'count': expected numbers finite in float32, got 1e\+39 \(rows 3\)",
    ),
    "text": (
        with_array(SPLIT, "features", "count", np.array(["a"] * 4)),
        r"valid, column 'count': expected numbers, got <U1",
    ),
    "label that is not binary": (
        changed(SPLIT, "labels", "like", 3, 0.5),
        r"valid, labels\['like'\]: expected 0 or 1, got 0.5 \(rows 3\)",
    ),
    "labels of another task": (
        make_split(4, tasks=("click",)),
        r"valid: expected labels of \['like'\], got \['click'\]",
    ),
    "too few groups": (
        dataclasses.replace(SPLIT, group=np.zeros(3, int)),
        r"valid, group: expected shape \(4,\), got \(3,\)",
    ),
    "probability above one": (
        with_array(SPLIT, "probability", "like", np.array([0, 1, 1.5, 0])),
        r"valid, probability\['like'\]: expected numbers from 0 to 1, got 1.5 \(rows 2\)",
    ),
    "probability of no task": (
        with_array(SPLIT, "probability", "click", np.zeros(4)),
        r"valid: probability of an unknown task 'click'",
    ),
    "no rows": (make_split(4, rows=0), "valid: expected at least one row, got none"),
    "row twice": (
        changed(SPLIT, "row_id", rows=2, value=5),
        r"valid, row_id: a row appears twice \(rows 1, 2\)",
    ),
    "row of training": (
        changed(SPLIT, "row_id", rows=[0, 1], value=[2, 3]),
        r"valid, row_id: 2 rows are in train too \(rows 0, 1 of valid\)",
    ),
    "earlier than training": (
        changed(without(SPLIT, "as_of", "count"), "time", rows=2, value=1),
        r"valid, time: rows lie before the same group's rows of an earlier split.*\(rows 2\)",
    ),
    "no time": (
        dataclasses.replace(SPLIT, time=None, as_of={}),
        "time: expected in all splits or in none",
    ),
    "feature from its own moment": (
        changed(SPLIT, "as_of", "count", 1, 5.0),
        r"valid, column 'count': the feature draws on the moment of its own row.*\(rows 1\)",
    ),
    "history from the future": (
        changed(SPLIT, "as_of", "history", (3, 0), 99.0),
        r"valid, column 'history': the feature draws on .* or a later one.*\(rows 3\)",
    ),
    "moment that is infinite": (
        dataclasses.replace(SPLIT, time=np.array([5, 5, np.inf, 5]), as_of={}),
        r"valid, time: expected numbers finite in float32, got inf \(rows 2\)",
    ),
    "moment that is no number": (
        changed(SPLIT, "as_of", "count", 1, np.nan),
        r"valid, as_of\['count'\]: not a number \(rows 1\)",
    ),
    "moments of no column": (
        with_array(SPLIT, "as_of", "price", np.zeros(4)),
        r"valid: as_of names 'price', which is not a feature column",
    ),
    "too few moments": (
        with_array(SPLIT, "as_of", "count", np.zeros(3)),
        r"valid, as_of\['count'\]: expected 4 rows, got 3",
    ),
    "moments without time": (
        dataclasses.replace(SPLIT, time=None),
        "valid: as_of is given but the rows have no time",
    ),
}


@pytest.mark.parametrize(("split", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_split_is_refused_with_its_column_and_rows(split, message):
    with pytest.raises(ValueError, match=message):
        make(valid=split)


SESSIONS = (SequenceColumn("sessions", 9, 6, num_sessions=3),)


def with_sessions(columns=SESSIONS, **rows):
    """A data set of session layouts; ``rows`` names those of a split."""
    splits, number = {}, np.arange(2)
    for first, name in ((0, "train"), (2, "valid"), (4, "test")):
        features = {"sessions": rows.get(name, [[1, 0, 2, 3, 0, 0], [0] * 6])}
        splits[name] = Split(features, {"like": number}, number, number + first)
    return Dataset("sessions", columns, **splits)


def test_each_session_is_padded_behind_and_empty_sessions_come_last():
    with_sessions()
    ordinary = (SequenceColumn("sessions", 9, 6),)
    with pytest.raises(ValueError, match=r"train, column 'sessions': .* got 0 before an id"):
        with_sessions(ordinary)
    with_sessions((SequenceColumn("sessions", 9, 6, ordered=False),))  # tags have no order
    message = r"valid, column 'sessions': expected 0 behind the last id of each session .*rows 1\)"
    with pytest.raises(ValueError, match=message):
        with_sessions(valid=[[1, 0, 2, 3, 0, 0], [1, 2, 0, 3, 0, 0]])
    message = r"test, column 'sessions': expected sessions without an id behind .*rows 0, 1\)"
    with pytest.raises(ValueError, match=message):
        with_sessions(test=[[0, 0, 1, 2, 3, 0], [1, 0, 0, 0, 2, 0]])


def test_features_to_predict_are_held_to_the_same_padding():
    """A model that was trained on lists padded behind must not be served others."""
    features = {"sessions": np.array([[1, 2, 0, 0, 0, 0], [0, 0, 0, 0, 1, 2]])}
    with pytest.raises(ValueError, match=r"rank, column .* got 0 before an id \(rows 1\)"):
        check_features((SequenceColumn("sessions", 9, 6),), features, "rank")


def test_series_and_lists_are_read_by_position():
    """A Series that was filtered or shuffled keeps its labels; reading by label moves the rows."""

    def as_given(split, convert):
        arrays = {
            kind: {name: convert(values) for name, values in getattr(split, kind).items()}
            for kind in ("features", "labels", "as_of", "slices")
        }
        one = {kind: convert(getattr(split, kind)) for kind in ("group", "row_id", "time")}
        return Split(**arrays, **one)

    def series(values):
        if values.ndim == 2:
            return pd.DataFrame(values, index=np.arange(len(values))[::-1])
        return pd.Series(values, index=np.arange(len(values))[::-1])

    for convert in (series, lambda values: values.tolist()):
        dataset = make(valid=as_given(SPLIT, convert))
        for kind in ("features", "labels", "as_of", "slices"):
            for name, values in getattr(SPLIT, kind).items():
                found = getattr(dataset.valid, kind)[name]
                assert type(found) is np.ndarray
                np.testing.assert_array_equal(found, values)
        assert dataset.valid.labels["like"].dtype == np.float32
        assert dataset.valid.take([2, 0]).features["count"].tolist() == [2.0, 0.0]
        assert dataset.valid.slice("even").row_id.tolist() == [4, 6]


def test_labels_become_float32():
    for labels in (np.array([True, False]), np.array([1, 0]), [1.0, 0.0], pd.Series([1, 0])):
        split = Split({}, {"like": labels}, [0, 0], [0, 1])
        assert (split.label.dtype, split.label.tolist()) == (np.float32, [1.0, 0.0])
    given = np.array([1, 0], np.float32)
    assert Split({}, {"like": given}, [0, 0], [0, 1]).label is given


def test_lists_of_different_lengths_are_named():
    with pytest.raises(ValueError, match=r"features\['history'\]: .* lists of different lengths"):
        Split({"history": [[1, 2], [3]]}, {"like": [0, 1]}, [0, 0], [0, 1])


def masked(split, mask, labels=None):
    split = split if labels is None else with_array(split, "labels", "like", labels)
    return with_array(split, "label_masks", "like", np.asarray(mask))


def test_a_label_that_does_not_exist_may_be_anything_and_is_0():
    mask = np.array([True, False, True, False])
    labels = np.array([1.0, np.nan, 0.0, 7.0])
    dataset = make(train=masked(make_split(0), mask, labels))
    assert dataset.train.labels["like"].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert dataset.train.rows_of("like").tolist() == mask.tolist()
    assert dataset.train.take([3, 2]).label_masks["like"].tolist() == [False, True]
    assert dataset.with_columns(["count"]).train.label_masks["like"].tolist() == mask.tolist()
    assert dataset.valid.labels["like"][dataset.valid.rows_of("like")].tolist() == [0, 1, 0, 1]
    with pytest.raises(ValueError, match=r"labels\['like'\]: expected 0 or 1, got 7"):
        make(train=masked(make_split(0), [True, False, True, True], [1, 0, 0, 7]))


def test_training_needs_a_label_of_every_task():
    with pytest.raises(ValueError, match=r"train, label_masks\['like'\]: expected a row with a"):
        make(train=masked(make_split(0), np.zeros(4, bool)))
    make(test=masked(make_split(8), np.zeros(4, bool)))


def test_many_bad_rows_are_counted():
    bad = changed(make_split(100, rows=20), "features", "item_id", slice(None), 7)
    with pytest.raises(ValueError, match=r"\(rows 0, 1, 2, 3, 4 and 15 more\)"):
        make(test=bad)


def test_rows_of_one_second_may_lie_on_both_sides_of_a_cut():
    valid = changed(make_split(4), "time", rows=1, value=3)  # group 1, whose last train time is 3
    make(valid=changed(valid, "as_of", "count", 1, -np.inf))


def test_another_group_may_be_earlier():
    split = dataclasses.replace(make_split(4), group=np.full(4, 7), time=np.arange(4), as_of={})
    make(valid=split)


def test_overlap_in_time_is_accepted_only_on_request():
    early = dataclasses.replace(make_split(4), time=np.arange(4) - 10, as_of={})
    with pytest.raises(ValueError, match="valid, time: rows lie before"):
        make(valid=early)
    assert make(valid=early, allow_time_overlap=True).allow_time_overlap


def test_overlap_on_request_still_refuses_features_from_the_future():
    late = changed(make_split(4), "as_of", "count", 0, 4.0)
    with pytest.raises(ValueError, match="draws on the moment of its own row"):
        make(valid=late, allow_time_overlap=True)


def test_regression_labels_need_not_be_binary():
    split = [changed(make_split(first), "labels", "like", 0, 2.5) for first in (0, 4, 8)]
    names = dict(zip(("train", "valid", "test"), split, strict=True))
    assert make(**names, tasks={"like": "regression"}).tasks == {"like": "regression"}
    with pytest.raises(ValueError, match=r"expected 'binary' or 'regression', got 'ordinal'"):
        make(tasks={"like": "ordinal"})


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda dataset: dataset.column("price"), "no feature column is named 'price'"),
        (
            lambda dataset: dataset.test.slice("odd"),
            r"no slice is named 'odd'; there are \['even'\]",
        ),
        (lambda dataset: dataset.test.take(np.ones(3, bool)), r"mask: expected shape \(4,\)"),
        (
            lambda dataset: make_split(tasks=("a", "b")).label,
            r"the split has the tasks \['a', 'b'\]",
        ),
    ],
)
def test_unknown_names_and_masks_are_refused(action, message):
    with pytest.raises(ValueError, match=message):
        action(make())


@pytest.mark.parametrize("kind", ["features", "labels", "as_of", "slices"])
def test_a_masked_entry_is_refused_wherever_it_stands(kind):
    values = np.ma.array(np.zeros(4), mask=[0, 0, 1, 0])
    message = rf"{kind}\['count'\]: expected a value in each entry, got masked ones \(rows 2\)"
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(SPLIT, **{kind: {"count": values}})
    with pytest.raises(ValueError, match=r"time: .* got masked ones \(rows 2\)"):
        dataclasses.replace(SPLIT, time=values)


def test_moments_that_cannot_be_seconds_are_doubted():
    milliseconds = dataclasses.replace(SPLIT, time=SPLIT.time + 1.65e12, as_of={})
    with pytest.warns(UserWarning, match="valid, time: expected seconds, got .* year 5000"):
        check_rows({"like": "binary"}, milliseconds, 4, "valid")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seconds = dataclasses.replace(milliseconds, time=SPLIT.time + 1.65e9)
        check_rows({"like": "binary"}, seconds, 4, "valid")
