"""Feature columns: every input that would give a wrong model is refused and named."""

import json

import numpy as np
import pytest

from recsys_lib.features.columns import (
    CategoricalColumn,
    NumericColumn,
    SequenceColumn,
    check_columns,
    column_from_config,
    column_to_config,
    select,
)

USER = CategoricalColumn("user_id", 5, group="user")
MOVIE = CategoricalColumn("movie_id", 7, group="item")
HISTORY = SequenceColumn("history", 7, 3, table="movie_id")
AGE = NumericColumn("age", group="user")
COLUMNS = (USER, MOVIE, HISTORY, AGE)


@pytest.mark.parametrize("name", ["", "User", "1st", "user id", "user-id", "user_id\n", 3, None])
@pytest.mark.parametrize(
    "make",
    [
        lambda name: CategoricalColumn(name, 5),
        lambda name: SequenceColumn(name, 5, 3),
        lambda name: NumericColumn(name),
    ],
    ids=["categorical", "sequence", "numeric"],
)
def test_a_bad_name_is_refused(make, name):
    with pytest.raises(ValueError, match="a column's name must be a lower-case name"):
        make(name)


@pytest.mark.parametrize("size", [1, 0, -3, 2.0, "5", None, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda size: CategoricalColumn("user_id", size),
        lambda size: SequenceColumn("user_id", size, 3),
    ],
    ids=["categorical", "sequence"],
)
def test_a_vocabulary_holds_id_0_and_at_least_one_more(make, size):
    with pytest.raises(ValueError, match=r"column 'user_id': vocabulary_size: .* 2 or more"):
        make(size)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CategoricalColumn("user_id", 5, group="User"), "column 'user_id': group"),
        (lambda: NumericColumn("age", group=""), "column 'age': group"),
        (lambda: SequenceColumn("history", 5, 3, group="the past"), "column 'history': group"),
        (lambda: CategoricalColumn("user_id", 5, table="A B"), "column 'user_id': table"),
        (lambda: CategoricalColumn("user_id", 5, embedding_dim=0), "'user_id': embedding_dim"),
        (lambda: CategoricalColumn("user_id", 5, embedding_dim=2.5), "'user_id': embedding_dim"),
        (lambda: SequenceColumn("history", 5, 0), "column 'history': max_length"),
        (lambda: SequenceColumn("history", 5, True), "column 'history': max_length"),
        (lambda: SequenceColumn("history", 5, 3, num_sessions=0), "'history': num_sessions"),
        (
            lambda: SequenceColumn("history", 5, 6, num_sessions=4),
            "'history': num_sessions must divide max_length 6, got 4",
        ),
        (lambda: SequenceColumn("history", 5, 3, combiner="max"), "'history': combiner .*'max'"),
        (lambda: NumericColumn("age", dimension=0), "column 'age': dimension"),
    ],
)
def test_a_bad_argument_is_named_with_its_column(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_shapes_and_slots():
    assert [column.input_shape for column in COLUMNS] == [(), (), (3,), ()]
    assert [column.num_slots for column in COLUMNS] == [1, 1, 3, 1]
    assert NumericColumn("scores", 4).input_shape == (4,)
    assert NumericColumn("scores", 4).num_slots == 4


def test_a_table_is_named_after_its_column_unless_stated():
    assert MOVIE.table_name == HISTORY.table_name == "movie_id"
    assert USER.table_name == "user_id"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((), "expected at least one column, got none"),
        ((USER, "movie_id"), "expected CategoricalColumn, .* got 'movie_id'"),
        ((USER, AGE, NumericColumn("user_id")), "column 'user_id': the name is used twice"),
        (
            (MOVIE, SequenceColumn("history", 8, 3, table="movie_id")),
            "'movie_id' and 'history' share the table 'movie_id' .*vocabulary_size 7 and 8",
        ),
        (
            (MOVIE, SequenceColumn("history", 7, 3, table="movie_id", embedding_dim=4)),
            "'movie_id' and 'history' share .*embedding_dim None and 4",
        ),
    ],
)
def test_columns_that_do_not_fit_together_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        check_columns(columns)


def test_columns_that_fit_are_returned_in_order():
    assert check_columns(list(COLUMNS)) == COLUMNS


def test_columns_that_were_found_to_fit_are_not_checked_again():
    checked = check_columns(list(COLUMNS))
    assert check_columns(checked) is checked
    some = select(checked, kind=CategoricalColumn, group="user")
    assert check_columns(some) is some
    with pytest.raises(ValueError, match="column 'age': the name is used twice"):
        check_columns(select(checked, names=["age", "age"]))
    with pytest.raises(ValueError, match="expected at least one column, got none"):
        check_columns(select(checked, group="context"))


def test_select_by_kind_group_and_name():
    assert select(COLUMNS, kind=CategoricalColumn) == (USER, MOVIE)
    assert select(COLUMNS, kind=(CategoricalColumn, SequenceColumn)) == (USER, MOVIE, HISTORY)
    assert select(COLUMNS, group="user") == (USER, AGE)
    assert select(COLUMNS, kind=NumericColumn, group="item") == ()
    assert select(COLUMNS, names=["age", "user_id"]) == (AGE, USER)
    with pytest.raises(ValueError, match=r"named \['film'\]; there are \['age', .*'user_id'\]"):
        select(COLUMNS, names=["film", "age"])
    with pytest.raises(ValueError, match="expected a list, got the text 'age'"):
        select(COLUMNS, names="age")


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_column_survives_json(column):
    assert column_from_config(json.loads(json.dumps(column_to_config(column)))) == column


def test_sizes_may_be_numpy_integers_and_survive_json():
    size = np.array([2, 6])
    columns = (
        CategoricalColumn("user_id", size.max(), embedding_dim=size[0]),
        SequenceColumn("history", size[1], size[1], num_sessions=size[0]),
        NumericColumn("age", size[0]),
    )
    for column in columns:
        assert column_from_config(json.loads(json.dumps(column_to_config(column)))) == column
