"""A guess is noted, and answered at the end; dots are no guess."""

import math

import numpy as np
import pytest

from recsys_book import guess, resolve
from recsys_book.plotting import guesses


@pytest.fixture(autouse=True)
def no_guesses_yet(monkeypatch):
    monkeypatch.setattr(guesses, "_guessed", {})


@pytest.fixture
def printed(capsys):
    return lambda: capsys.readouterr().out


def test_dots_are_no_guess(printed):
    assert guess("mean_at_six", ...) is None
    assert printed() == ""
    assert resolve("mean_at_six", 61.28, unit="points of the gap") is None
    assert printed() == "mean_at_six: 61.3 points of the gap\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (40, "40"),
        (40.0, "40"),
        (0.125, "0.125"),
        (-3, "-3"),
        (1234567, "1234567"),
        (np.int64(7), "7"),
        (np.float32(0.5), "0.5"),
    ],
)
def test_a_guess_stands_beside_what_came(printed, value, shown):
    guess("mean_at_six", value)
    assert printed() == f"noted: {shown}\n"
    resolve("mean_at_six", np.float64(61.28), "points of the gap")
    assert printed() == f"mean_at_six: 61.3 points of the gap; you guessed {shown}\n"


def test_the_last_guess_counts_and_can_be_taken_back(printed):
    guess("a", 1)
    guess("a", 2)
    guess("b", 3)
    printed()
    resolve("a", 5, "rows", digits=0)
    assert printed() == "a: 5 rows; you guessed 2\n"
    guess("a", ...)
    resolve("a", 5, "rows", digits=0)
    assert printed() == "a: 5 rows\n"
    resolve("b", 5, "rows", digits=0)
    assert printed().endswith("; you guessed 3\n")


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(0.7664, 3, "0.766"), (61.6, 0, "62"), (-0.04, 1, "0.0"), (np.float32(0.25), 2, "0.25")],
)
def test_the_number_has_its_digits_and_no_minus_of_nothing(printed, value, digits, shown):
    resolve("a", value, "AUC", digits=digits)
    assert printed() == f"a: {shown} AUC\n"


@pytest.mark.parametrize("name", ["", "Mean", "mean at six", "mean-at-six", "6th", 6, None])
def test_a_name_is_lower_case_words(name, printed):
    guess(name, 40, "points of the gap")
    assert printed() == f"guess: expected a name of lower-case words and _, got {name!r}\n"
    with pytest.raises(ValueError, match="resolve: expected a name of lower-case words and _, got"):
        resolve(name, 1, "rows")


@pytest.mark.parametrize("value", ["40", None, True, math.nan, math.inf, [40]])
def test_a_guess_is_a_finite_number(value, printed):
    guess("mean_at_six", value)
    assert printed() == f"guess mean_at_six: expected a finite number, got {value!r}\n"
    with pytest.raises(ValueError, match="resolve mean_at_six: expected a finite number, got"):
        resolve("mean_at_six", value, "points")
    assert printed() == ""


def test_what_is_missing_and_a_wrong_unit_are_one_line(printed):
    guess()
    assert printed() == "guess: expected a name of lower-case words and _, got ''\n"
    guess("mean_at_six")
    assert printed() == "guess mean_at_six: expected a finite number, got None\n"
    guess("mean_at_six", 40, 100)
    assert printed() == "guess mean_at_six, unit: expected a word or a few, got 100\n"
    resolve("mean_at_six", 5, "rows", digits=0)
    assert printed() == "mean_at_six: 5 rows\n"


def test_a_wrong_guess_leaves_the_former_one(printed):
    guess("a", 1)
    guess("a", "2")
    printed()
    resolve("a", 5, "rows", digits=0)
    assert printed() == "a: 5 rows; you guessed 1\n"


@pytest.mark.parametrize("unit", ["points of the gap", "% of the rows"])
def test_what_has_a_whole_is_at_most_the_whole(unit, printed):
    for value in (3000, 100.5, -101):
        guess("a", value, unit)
        limits = f"expected a finite number from -100 to 100 ({unit})"
        assert printed() == f"guess a: {limits}, got {value}\n"
    resolve("a", 5, "rows", digits=0)
    assert printed() == "a: 5 rows\n"
    for value in (-100, 0, 100):
        guess("a", value, unit)
        assert printed() == f"noted: {value}\n"
    for other in ("", "times the rows", "ms"):
        guess("a", 3000, other)
        assert printed() == "noted: 3000\n"


@pytest.mark.parametrize(
    ("unit", "low", "high", "outside"),
    [
        ("on average, from 0 to 2", 0, 2, (5000, 2.5, -1)),
        ("from -1.5 to 1.5 units", -1.5, 1.5, (-2, 1.6)),
        ("GAUC", 0, 1, (61, -0.5)),
        ("of rank correlation", -1, 1, (80, -1.1)),
    ],
)
def test_a_range_that_a_unit_names_or_has_is_kept(unit, low, high, outside, printed):
    for value in outside:
        guess("a", value, unit)
        limits = f"expected a finite number from {low} to {high} ({unit})"
        assert printed() == f"guess a: {limits}, got {value}\n"
    for value in (low, high):
        guess("a", value, unit)
        assert printed() == f"noted: {value}\n"


@pytest.mark.parametrize("unit", ["", "  ", None, 3])
def test_a_number_has_a_unit(unit):
    with pytest.raises(ValueError, match="resolve a, unit: expected a word or a few, got"):
        resolve("a", 1, unit)


@pytest.mark.parametrize("digits", [-1, 1.0, True])
def test_digits_are_a_count(digits):
    with pytest.raises(ValueError, match="resolve a, digits: expected an integer of 0 or more"):
        resolve("a", 1, "rows", digits=digits)
