"""Values of a case: what counts as equal, and how a difference is put into words."""

import numpy as np
import pytest

from recsys_book.exercises.comparing import (
    Difference,
    compare_values,
    is_trivial,
    show,
    show_call,
)


@pytest.mark.parametrize(
    ("expected", "came", "difference"),
    [
        (2, 2, 0),
        (0.5, 0.5 + 1e-8, 1e-8),
        (1, 1.0, 0),
        ([1, 2], np.array([1, 2]), 0),
        ((1.0, np.array([1.0, 2.0])), [1.0, np.array([1.0, 2.0 + 1e-7])], 1e-7),
        ({"a": 1, "b": [0.5]}, {"b": np.array([0.5]), "a": 1}, 0),
        (np.array([1.0, np.nan, np.inf]), np.array([1.0, np.nan, np.inf]), 0),
        ("text", "text", 0),
        (True, np.bool_(True), 0),
        (None, None, 0),
        (2**62 + 1, 2**62 + 1, 0),
        (np.zeros((0, 3)), np.zeros((0, 3)), 0),
    ],
)
def test_equal_within_the_tolerance(expected, came, difference):
    assert compare_values(expected, came, 1e-6, 1e-9) == pytest.approx(difference, abs=1e-12)


@pytest.mark.parametrize(
    ("expected", "came", "message"),
    [
        (2, 3, "off by 1"),
        (1.0, 1 + 5j, "expected numbers, came complex (1+5j)"),
        (1, True, "expected numbers, came bool True"),
        (2**62 + 1, 2**62, "off by 1"),
        (0.5, 0.6, "off by 0.1"),
        (0.5, 0.4, "off by 0.1"),
        (np.array([np.nan]), np.array([1.0]), "first difference at [0]: expected nan, came 1"),
        (0.5, np.nan, "NaN"),
        (np.zeros(3), np.array([0, np.nan, np.nan]), "NaN at [1] (2 of 3 values)"),
        (np.zeros(2), np.array([0, np.inf]), "infinite at [1] (1 of 2 values)"),
        (np.array([np.inf]), np.array([-np.inf]), "first difference at [0]"),
        (np.zeros((2, 2)), np.zeros(4), "expected shape (2, 2), came (4,)"),
        (np.zeros(1), 0.0, "expected shape (1,), came ()"),
        (
            np.array([[1, 2], [3, 4]]),
            np.array([[1, 2], [3, 5]]),
            "first difference at [1, 1]: expected 4, came 5 (1 of 4 values)",
        ),
        (1.0, "1.0", "expected numbers, came str '1.0'"),
        (1.0, None, "expected numbers, came None"),
        ((1, "a"), (1,), "expected 2 items, came 1"),
        ((1, "a"), (1, "a", 2), "expected 2 items, came 3"),
        ((1, "a"), (1, "b"), "item 1: the values differ"),
        ((1, "a"), 5, "came int 5"),
        ({"a": 1}, {"b": 1}, "the keys differ; missing 'a'; unexpected 'b'"),
        ({"a": 1}, {"a": 1, "b": 2}, "the keys differ; unexpected 'b'"),
        ({"a": [1, 2]}, {"a": [1, 3]}, "at key 'a': first difference at [1]"),
        ({"a": 1}, 1, "expected a dict, came int 1"),
        ("a", "b", "the values differ"),
        ("a", 1, "expected str 'a', came int 1"),
        (True, 1, "expected bool True, came int 1"),
    ],
)
def test_differences_are_put_into_words(expected, came, message):
    with pytest.raises(Difference) as caught:
        compare_values(expected, came, 1e-6, 1e-9)
    assert message in str(caught.value)


def test_the_tolerance_is_a_share_of_what_is_expected():
    assert compare_values(4.0, 2.0, rtol=0.5, atol=0.0) == 2.0
    with pytest.raises(Difference, match="off by 2"):
        compare_values(2.0, 4.0, rtol=0.5, atol=0.0)


def test_of_several_values_the_largest_difference_is_returned():
    expected, came = {"a": [0.0, 3.0], "b": ["x", 0.0]}, {"a": [2.0, 4.0], "b": ["x", 0.5]}
    assert compare_values(expected, came, 0.0, 5.0) == 2.0


def test_the_dtype_counts_only_where_asked():
    wanted, came = np.array([1, 2]), np.array([1, 2], np.int32)
    assert compare_values(wanted, came, 0, 0) == 0
    with pytest.raises(Difference, match="expected dtype int64, came int32"):
        compare_values(wanted, came, 0, 0, same_dtype=True)


def test_overflow_does_not_hide_a_difference():
    # In 64 bits the first difference is 1, the absolute value of the second one negative.
    for wanted in (2**63 - 1, 0):
        with pytest.raises(Difference, match="first difference"):
            compare_values(np.array([wanted]), np.array([-(2**63)]), 0, 0)


@pytest.mark.parametrize(
    ("expected", "trivial"),
    [
        (0, True),
        (1.0, True),
        (True, True),
        (np.zeros((2, 3)), True),
        ((np.ones(2), [1, 1]), True),
        ({"a": 0.0}, True),
        ([], True),
        ("", True),
        (None, True),
        (np.array([3.0, 4.0 + 1e-8]), True),
        (2, False),
        ("a", False),
        (np.array([0.0, 1.0]), False),
        ((np.zeros(2), 0.5), False),
        ([3.0, 5.0], False),
    ],
)
def test_a_value_that_anyone_could_guess_is_trivial(expected, trivial):
    assert is_trivial(expected, ["text", np.array([3.0, 4.0])], 1e-6, 1e-9) is trivial


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([1, 0]), "array([1, 0])"),
        (np.array([1.5, -0.0]), "array([1.5, 0])"),
        (np.array([7], np.int32), "array([7], int32)"),
        (np.zeros((1, 2)), "array([[0, 0]], shape (1, 2))"),
        (np.arange(100), "array([0, 1, 2, ..., 97, 98, 99], shape (100,))"),
        (1 / 3, "0.33333333"),
        (2.0, "2.0"),
        (np.float64(np.nan), "nan"),
        ((1,), "(1,)"),
        ([1, "a"], "[1, 'a']"),
        ({"a": np.array([1])}, "{'a': array([1])}"),
        (show, "the function show"),
    ],
)
def test_values_as_text(value, text):
    assert show(value) == text


def test_long_values_are_cut():
    assert len(show("x" * 1000)) == 240 and show("x" * 1000).endswith("…")
    assert show_call("f", (1, np.array([2])), {"k": 0.5}) == "f(1, array([2]), k=0.5)"
