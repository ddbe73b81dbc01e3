"""Raw values to what a model reads: ids, numbers, lists, and what is wrong with a request."""

import numpy as np
import pytest

from recsys_lib.data import arrays
from recsys_pipeline.export import fields
from recsys_pipeline.export.reading import BadField, Encoder

ITEMS = {"known": ["a", "b", "c"], "first": 1, "unknown": 0, "missing": 0}
NUMBER = {"logarithm": False, "shift": 0.0, "scale": 1.0, "missing": 0.0}


def column(name, kind="id", values=ITEMS, length=1, **others):
    found = {"name": name, "kind": kind, "length": length, "vocabulary_size": 9, "values": values}
    return {**found, **others}


def history(name="history", keep=None, length=3, **others):
    return column(name, "list", {**ITEMS, "keep": keep}, length, ordered=True, **others)


def encoder(*columns, request=("user",), side_by_side=()):
    return Encoder(
        {
            "columns": [column("user", values={"unknown": 0, "missing": 0}), *columns],
            "request": list(request),
            "side_by_side": [list(names) for names in side_by_side],
        }
    )


def one(spec, raw):
    """What becomes of one candidate's value."""
    _, found = encoder(spec)({"user": 1}, {spec["name"]: [raw]})
    return found[spec["name"]][0].tolist()


def place_of(read, *arguments):
    with pytest.raises(BadField) as caught:
        read(*arguments)
    return caught.value.place


def test_known_values_are_numbered_from_the_first_id():
    assert [one(column("item"), raw) for raw in "abc"] == [1, 2, 3]
    assert one(column("item", values={**ITEMS, "first": 3}), "b") == 4


def test_what_training_never_saw_is_unknown_and_null_is_missing():
    spec = column("item", values={**ITEMS, "unknown": 7, "missing": 8})
    assert one(spec, "never seen") == 7
    assert one(spec, None) == 8


def test_an_integer_and_its_text_are_one_value():
    spec = column("item", values={**ITEMS, "known": ["10", "20"]})
    assert one(spec, 20) == one(spec, "20") == 2


def test_without_a_vocabulary_the_value_is_the_id_where_there_is_such_an_id():
    spec = column("item", values={"unknown": 0, "missing": 0})
    assert [one(spec, raw) for raw in (1, 8, 9, 0, -1, None)] == [1, 8, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("spec", "raw"),
    [
        (column("x"), 1.5),
        (column("x"), True),
        (column("x"), ["a"]),
        (column("x", values={"unknown": 0, "missing": 0}), "1"),
        (column("x", values={"unknown": 0, "missing": 0}), False),
        (column("x", "number", NUMBER), "1"),
        (column("x", "number", NUMBER), True),
        (column("x", "number", NUMBER), float("nan")),
        (column("x", "number", {**NUMBER, "missing": None}), None),
        (column("x", "number", NUMBER, 2), [1.0]),
        (column("x", "number", NUMBER, 2), 1.0),
        (history("x"), "a"),
    ],
)
def test_a_value_of_another_kind_is_refused_where_it_stands(spec, raw):
    assert place_of(encoder(spec), {"user": 1}, {"x": [raw]}) == ("candidates", "x", 0)


def test_a_wrong_step_of_a_list_is_named():
    read = encoder(history(), column("item"), request=("user", "history"))
    request = {"user": 1, "history": ["a", 2.5]}
    assert place_of(read, request, {"item": ["a"]}) == ("request", "history", 1)
    read = encoder(history())
    assert place_of(read, {"user": 1}, {"history": [["a"], ["b", {}]]}) == (
        "candidates",
        "history",
        1,
        1,
    )
    pair = column("pair", "number", NUMBER, 2)
    assert place_of(encoder(pair), {"user": 1}, {"pair": [[1, 2], [1, "x"]]}) == (
        "candidates",
        "pair",
        1,
        1,
    )


def test_numbers_are_scaled_as_training_scaled_them():
    spec = column("x", "number", {"shift": 3.0, "scale": 2.0, "missing": 9.0})
    assert [one(spec, raw) for raw in (3, 5.0, -1, None)] == [0.0, 1.0, -2.0, 9.0]
    spec = column("x", "number", {"logarithm": True, "shift": 1.0, "scale": 0.5, "missing": 0.0})
    expected = [(sign * np.log1p(7) - 1) / 0.5 for sign in (1, -1)]
    np.testing.assert_allclose([one(spec, 7), one(spec, -7)], expected, rtol=1e-6)


def test_numbers_in_bins_belong_to_the_bin_that_begins_with_them():
    spec = column("x", values={"edges": [1.0, 5.0], "first": 2, "unknown": 0, "missing": 1})
    assert [one(spec, raw) for raw in (0.9, 1, 4.9, 5, 99, None)] == [2, 3, 3, 4, 4, 1]


def test_lists_are_padded_behind_and_leave_unknown_steps_out():
    assert one(history(), ["c", "a"]) == [3, 1, 0]
    assert one(history(), ["c", "never seen", "a"]) == [3, 1, 0]
    assert one(history(), []) == one(history(), None) == [0, 0, 0]


@pytest.mark.parametrize(("keep", "expected"), [("first", [1, 2, 3]), ("last", [2, 3, 1])])
def test_a_list_that_is_too_long_keeps_the_end_that_training_kept(keep, expected):
    assert one(history(keep=keep), ["a", "b", "x", "c", "a"]) == expected


def test_a_list_that_is_too_long_is_refused_where_nothing_says_what_to_keep():
    read = encoder(history())
    assert place_of(read, {"user": 1}, {"history": [["a"], list("abca")]}) == (
        "candidates",
        "history",
        1,
    )


def test_lists_side_by_side_lose_the_same_steps():
    both = [history("items", keep="last"), history("kinds", keep="last")]
    read = encoder(*both, side_by_side=[["items", "kinds"]])
    candidates = {"items": [["a", "new", "c", "b", "a"]], "kinds": [["a", "b", "c", "new", "c"]]}
    _, found = read({"user": 1}, candidates)
    assert found["items"].tolist() == [[1, 3, 1]]
    assert found["kinds"].tolist() == [[1, 3, 3]]
    wrong = {"items": [["a", "b"]], "kinds": [["a"]]}
    assert place_of(read, {"user": 1}, wrong) == ("candidates", "kinds", 0)
    _, found = encoder(*both)({"user": 1}, wrong)
    assert (found["items"].tolist(), found["kinds"].tolist()) == ([[1, 2, 0]], [[1, 0, 0]])


def test_sessions_lie_one_behind_the_other_and_empty_ones_are_left_out():
    spec = history(length=6, sessions=2)
    assert one(spec, [["a", "b"], ["c"]]) == [1, 2, 0, 3, 0, 0]
    assert one(spec, [["new"], ["c"]]) == [3, 0, 0, 0, 0, 0]
    read = encoder(spec)
    assert place_of(read, {"user": 1}, {"history": [[["a"], list("abca")]]}) == (
        "candidates",
        "history",
        0,
        1,
    )
    assert place_of(read, {"user": 1}, {"history": [[["a"]] * 3]}) == ("candidates", "history", 0)
    assert one(history(length=6, sessions=2, keep="last"), [["a"], ["b"], ["c"]]) == [
        *[2, 0, 0],
        *[3, 0, 0],
    ]


def test_both_sides_have_the_types_of_the_model():
    columns = (column("item"), column("price", "number", NUMBER), history())
    user, candidates = encoder(*columns, request=("user", "history"))(
        {"user": 3, "history": ["a"]}, {"item": ["a", "b"], "price": [1, 2.5]}
    )
    assert {n: (a.dtype.name, a.shape) for n, a in {**user, **candidates}.items()} == {
        "user": ("int32", (1,)),
        "history": ("int32", (1, 3)),
        "item": ("int32", (2,)),
        "price": ("float32", (2,)),
    }


@pytest.mark.parametrize(
    ("request_", "candidates", "place"),
    [
        ({}, {"item": ["a"]}, ("request", "user")),
        ({"user": 1, "usr": 1}, {"item": ["a"]}, ("request", "usr")),
        ({"user": 1}, {}, ("candidates", "item")),
        ({"user": 1}, {"item": ["a"], "price": [1]}, ("candidates", "price")),
        ({"user": 1}, {"item": []}, ("candidates", "item")),
        ({"user": 1}, {"item": "a"}, ("candidates", "item")),
        ({"user": 1}, [["a"]], ("candidates",)),
        (None, {"item": ["a"]}, ("request",)),
    ],
)
def test_columns_that_are_missing_or_unknown_are_named(request_, candidates, place):
    assert place_of(encoder(column("item")), request_, candidates) == place


def test_candidates_need_lists_of_one_length():
    read = encoder(column("item"), column("kind"))
    candidates = {"item": ["a", "b"], "kind": ["a"]}
    assert place_of(read, {"user": 1}, candidates) == ("candidates", "kind")


def test_whole_rows_are_read_like_requests():
    read = encoder(column("item"), history(), request=("user", "history"))
    rows = {"user": [4, 5], "item": ["b", "new"], "history": [["a"], ["b", "new", "c"]]}
    found = read.rows(rows)
    assert {name: array.tolist() for name, array in found.items()} == {
        "user": [4, 5],
        "item": [2, 0],
        "history": [[1, 0, 0], [2, 3, 0]],
    }
    assert place_of(read.rows, {**rows, "item": ["b", 1.5]}) == ("rows", "item", 1)
    assert place_of(read.rows, {**rows, "item": ["b"]}) == ("rows",)


def test_several_columns_may_be_read_from_one_field():
    number = column("x", "number", {**NUMBER, "source": "price", "missing": 5.0})
    missing = column("x_missing", "number", {"source": "price", "indicator": True})
    read = encoder(number, missing)
    _, found = read({"user": 1}, {"price": [2, None]})
    assert {name: array.tolist() for name, array in found.items()} == {
        "x": [2.0, 5.0],
        "x_missing": [0.0, 1.0],
    }
    assert place_of(read, {"user": 1}, {"price": [2, "?"]}) == ("candidates", "price", 1)
    assert place_of(read, {"user": 1}, {"x": [2]}) == ("candidates", "x")


def test_lists_with_the_newest_in_front_are_turned_round():
    spec = history(keep="last")
    spec["values"] = {**spec["values"], "newest_first": True}
    assert one(spec, ["a", "new", "b"]) == [2, 1, 0]
    # The newest of too many are kept.
    assert one(spec, ["a", "b", "c", "a", "b"]) == [3, 2, 1]


def test_requests_and_data_sets_have_one_largest_number():
    assert fields.LARGEST == float(arrays.LARGEST)
    assert fields.number_of(fields.LARGEST) == fields.LARGEST
    assert np.isnan(fields.number_of(2 * fields.LARGEST))
    assert np.isnan(fields.number_of(10**400))


def test_a_number_is_finite_after_it_was_scaled():
    read = encoder(column("price", "number", {**NUMBER, "scale": 1e-3})).columns["price"].read
    assert read([3e35], str) == np.float32(3e38)
    with pytest.raises(BadField, match=r"expected a number finite in float32, got 3e\+36"):
        read([3e36], str)


def test_rows_are_read_at_once_as_each_by_itself():
    """Of mixed forms: texts, integers, whole floats, missing and unknown values, long lists."""
    draw = np.random.default_rng(0)
    canonical = {**ITEMS, "known": ["a", "7", "9"], "canonical": True, "unknown": 4, "missing": 5}
    specs = [
        column("known", values=canonical),
        column("own", values={"unknown": 0, "missing": 0, "canonical": True}),
        column("bin", values={"edges": [1.0, 5.0], "first": 1, "unknown": 0, "missing": 4}),
        column("number", "number", {**NUMBER, "logarithm": True, "shift": 0.5, "missing": 0.25}),
        column("pair", "number", NUMBER, 2),
        column("last", "list", {**canonical, "unknown": 0, "keep": "last"}, 3, ordered=True),
        column("first", "list", {**ITEMS, "keep": "first", "newest_first": True}, 2, ordered=True),
        column("parts", "list", {**ITEMS, "keep": "last"}, 4, ordered=True, sessions=2),
    ]
    ids = ["a", "b", "7", 7, 7.0, "7.0", " a ", None, "", "new", 10**12, 9]

    def some(values, most=None):
        if most is None:
            return values[draw.integers(len(values))]
        return [some(values) for _ in range(draw.integers(0, most + 1))]

    rows = [
        {
            "user": 1,
            "known": some(ids),
            "own": some([1, 8, 9, -3, 2.0, None, 10**12]),
            "bin": some([0, 1, 1.5, 5, None]),
            "number": some([0, -2.5, 3, None, 1e30]),
            "pair": some([[0, 1.5], [None, 2]]),
            "last": some([None, some(ids, 6)]),
            "first": some("abcx", 5),
            "parts": [some("abx", 4) for _ in range(draw.integers(0, 5))],
        }
        for _ in range(300)
    ]
    read = encoder(*specs)
    whole = read.rows({name: [row[name] for row in rows] for name in rows[0]})
    for number, row in enumerate(rows):
        alone = read.rows({name: [value] for name, value in row.items()})
        for name, array in alone.items():
            assert array.dtype == whole[name].dtype and array.shape[1:] == whole[name].shape[1:]
            np.testing.assert_array_equal(array[0], whole[name][number], err_msg=name)


def test_a_wrong_value_among_many_rows_is_named():
    read = encoder(column("own", values={"unknown": 0, "missing": 0}), history(keep="last"))
    good = {"user": [1] * 3, "own": [1, 2, 3], "history": [["a"], [], ["b", "c"]]}
    assert place_of(read.rows, {**good, "own": [1, True, 3]}) == ("rows", "own", 1)
    assert place_of(read.rows, {**good, "own": [1, 2, "3"]}) == ("rows", "own", 2)
    wrong = {**good, "history": [["a"], [], ["b", True]]}
    assert place_of(read.rows, wrong) == ("rows", "history", 2, 1)
    assert place_of(read.rows, {**good, "history": [["a"], "b", []]}) == ("rows", "history", 1)
