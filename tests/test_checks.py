"""Checks of arguments: what passes, what is refused, and in which words."""

import numpy as np
import pytest

from recsys_lib import checks


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", None])
def test_integers_are_checked(value):
    with pytest.raises(ValueError, match=r"num_rows: expected an integer of 1 or more, got"):
        checks.check_integer("num_rows", value, 1)


@pytest.mark.parametrize("value", [-0.1, 1.1, 1, np.nan, np.inf, True, "0.5", None])
def test_numbers_are_checked(value):
    message = r"share: expected a finite number from 0 to 1 excluding 1, got"
    with pytest.raises(ValueError, match=message):
        checks.check_number("share", value, 0, 1, exclude=(1,))


def test_numpy_numbers_are_numbers():
    assert checks.check_integer("num_rows", np.int32(3), 1) == 3
    assert checks.check_number("share", np.float32(0.5), 0, 1) == 0.5
    assert checks.check_number("bias", -7) == -7.0


def test_an_integer_may_have_an_upper_end():
    assert checks.check_integer("num_tasks", np.int64(8), 2, 8) == 8
    with pytest.raises(ValueError, match=r"num_tasks: expected an integer from 2 to 8, got 9"):
        checks.check_integer("num_tasks", 9, 2, 8)


@pytest.mark.parametrize("value", [1, 0, None, np.True_, "yes"])
def test_a_switch_is_true_or_false(value):
    with pytest.raises(ValueError, match="recency: expected True or False, got"):
        checks.check_bool("recency", value)


def test_one_of_several():
    assert checks.check_choice("kind", "all", ("all", "each")) == "all"
    with pytest.raises(ValueError, match=r"kind: expected one of \('all', 'each'\), got 'none'"):
        checks.check_choice("kind", "none", ("all", "each"))


def test_widths_become_a_tuple_of_integers():
    widths = checks.check_widths("hidden_units", np.array([64, 32]))
    assert widths == (64, 32) and all(type(width) is int for width in widths)
    assert checks.check_widths("hidden_units", [], at_least=0) == ()


@pytest.mark.parametrize("value", [64, "64", (64, 0), (64, 3.0), (True,), (), None])
def test_other_widths_are_refused(value):
    with pytest.raises(ValueError, match="hidden_units: expected"):
        checks.check_widths("hidden_units", value)


def test_the_nearest_name_is_said_where_there_is_one():
    assert checks.nearest("ReLLU", ["relu", "tanh"]) == "; did you mean 'relu'?"
    assert checks.nearest(7, ["relu"]) == checks.nearest("x", []) == ""
    with pytest.raises(ValueError, match=r"got 'ech'; did you mean 'each'\?$"):
        checks.check_choice("kind", "ech", ("all", "each", 3))
