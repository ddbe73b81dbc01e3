"""What a test cell calls: the first failing case with inputs, expected and came."""

import itertools
import sys

import numpy as np
import pytest

from recsys_book.exercises import (
    NotAttempted,
    WrongAnswer,
    case,
    check_cases,
    check_choice,
    check_memory,
    check_prediction,
    check_steps,
    check_text,
)
from recsys_book.exercises.cases import recording


def wrong(call):
    with pytest.raises(WrongAnswer) as caught:
        call()
    return str(caught.value)


def test_the_first_failing_case_is_shown():
    def square(x):
        return x * x

    cases = [case(2, expected=4), case(3, expected=6, why="three"), case(5, expected=0)]
    assert wrong(lambda: check_cases(square, cases)) == (
        "case 2 of 3 (three)\n  called    square(3)\n  expected  6\n  came      9\n"
        "  reason    off by 3"
    )


def test_keywords_reach_the_function_and_the_message():
    def scaled(x, by):
        return x * by

    check_cases(scaled, [case(2, by=3, expected=6)])
    assert "scaled(2, by=3)" in wrong(lambda: check_cases(scaled, [case(2, by=3, expected=7)]))


def test_a_millionth_is_right_and_a_thousandth_only_where_the_cases_say_so():
    for off, options in ((1e-7, {}), (1e-3, {"rtol": 2e-3}), (1e-3, {"atol": 2e-3})):
        check_cases(float, [case(1, expected=1 + off)], **options)
    for off in (1e-4, -1e-4):
        assert "reason    off by" in wrong(
            lambda off=off: check_cases(float, [case(1 + off, expected=1.0)])
        )
    ones = case([1], expected=np.ones(1, np.float32))
    check_cases(np.asarray, [ones])
    message = wrong(lambda: check_cases(np.asarray, [ones], same_dtype=True))
    assert "expected dtype float32, came int64" in message


def test_memory_is_measured_at_its_height():
    def by_a_detour(count):
        return np.ones((count, 1_000)).sum()  # 8 kB a row, given back at once

    def breaks(count):
        return count / 0

    with recording() as record:
        check_memory(by_a_detour, 500, megabytes=6)
    assert record.num_cases == 1
    message = wrong(lambda: check_memory(by_a_detour, 1_000, megabytes=6))
    assert message == "by_a_detour took 8 MB on the way, expected at most 6 MB"
    assert "raised    ZeroDivisionError" in wrong(lambda: check_memory(breaks, 1, megabytes=6))
    check_memory(by_a_detour, 500, megabytes=6)  # what failed before is not counted
    with pytest.raises(NotAttempted):
        check_memory(..., 1, megabytes=6)


def loop_over_pairs(values):
    total = 0.0
    for i in range(len(values)):
        for j in range(i):
            total += values[i] * values[j]
    return total


def pairs_in_one_line(values):
    return sum(values[i] * values[j] for i, j in itertools.combinations(range(len(values)), 2))


@pytest.mark.parametrize("slow", [loop_over_pairs, pairs_in_one_line])
def test_steps_are_the_lines_that_run_each_time(slow):
    def by_a_sum(values):
        total = alone = 0.0
        for value in values:
            total, alone = total + value, alone + value**2
        return 0.5 * (total**2 - alone)

    def breaks(values):
        return values / 0

    values, before = np.ones(100), sys.gettrace()
    with recording() as record:
        check_steps(by_a_sum, values, steps=1_000)
    assert record.num_cases == 1
    message = wrong(lambda: check_steps(slow, values, steps=1_000, why="loop over no pairs"))
    count, rest = message.removeprefix(f"{slow.__name__} ran ").split(" ", 1)
    assert int(count.replace(",", "")) >= 4_950
    assert rest == "lines of Python, expected at most 1,000: loop over no pairs"
    assert "raised    TypeError" in wrong(lambda: check_steps(breaks, [1], steps=9))
    with pytest.raises(NotAttempted):
        check_steps(..., values, steps=9)
    assert sys.gettrace() is before


def test_exceptions_name_type_message_and_line():
    def breaks(x):
        y = x
        return y / 0

    message = wrong(lambda: check_cases(breaks, [case(1, expected=1)]))
    assert "raised    ZeroDivisionError: division by zero" in message
    assert message.splitlines()[-1].startswith("  at        line ")
    assert message.endswith(": return y / 0")
    assert "Traceback" not in message

    def calls(x):
        return breaks(x)

    message = wrong(lambda: check_cases(calls, [case(1, expected=1)]))
    assert message.endswith(": return y / 0")


def test_wrong_arguments_and_endless_recursion_are_verdicts():
    assert "TypeError" in wrong(lambda: check_cases(lambda: 1, [case(1, expected=1)]))

    def again(x):
        return again(x)

    assert "never stops calling itself" in wrong(lambda: check_cases(again, [case(1, expected=1)]))


def test_a_function_cannot_change_what_later_cases_get():
    shared = np.array([1, 2])

    def spoils(x):
        x += 10
        return x - 10

    check_cases(spoils, [case(shared, expected=np.array([1, 2]))] * 2)
    check_cases(spoils, [case(x=shared, expected=np.array([1, 2]))] * 2)
    assert shared.tolist() == [1, 2]


def raises_not_implemented(x):
    raise NotImplementedError


@pytest.mark.parametrize(
    "starter", [..., None, lambda x: None, lambda x: ..., raises_not_implemented]
)
def test_a_starter_is_no_attempt(starter):
    with pytest.raises(NotAttempted):
        check_cases(starter, [case(1, expected=1)])


def test_none_in_a_later_case_is_wrong_and_may_be_expected():
    assert "came      None" in wrong(
        lambda: check_cases(lambda x: x or None, [case(1, expected=1), case(0, expected=0)])
    )
    check_cases(lambda x: None, [case(1, expected=None)])


def test_what_is_no_function_or_no_case_is_named():
    assert "expected a function, got 3" in wrong(lambda: check_cases(3, [case(1, expected=1)]))
    with pytest.raises(ValueError, match="at least one case"):
        check_cases(abs, [])


def test_recording_counts_cases_and_keeps_the_largest_difference():
    with recording() as record:
        check_cases(float, [case(1, expected=1 + 1e-8), case(2, expected=2.0)])
    assert record.num_cases == 2
    assert record.largest_difference == pytest.approx(1e-8)
    check_cases(float, [case(1, expected=1)])
    assert record.num_cases == 2


@pytest.mark.parametrize("answer", ["ac", "CA", "a, c", {"c", "a"}, ["a", "c"]])
def test_choices_in_any_order_and_case(answer):
    check_choice(answer, "abcd", right="ac")


@pytest.mark.parametrize("answer", ["e", "", 3, [1], "ab c e"])
def test_a_choice_must_be_among_the_options(answer):
    assert "expected a letter among a, b, c" in wrong(lambda: check_choice(answer, "abc"))


def test_a_wrong_choice_does_not_show_the_right_one():
    check_choice("b", "abc")
    assert wrong(lambda: check_choice("b", "abc", right="a")) == "'b' is not right"
    for some in ("d", "bd", "bcd"):
        message = wrong(lambda some=some: check_choice(some, "abcd", right="bc"))
        assert message == f"'{some}' is not right"
    assert wrong(lambda: check_choice("c", "abcd", right="bc")) == "'c' is right, and not all"
    with pytest.raises(NotAttempted):
        check_choice(..., "abc", right="a")


def test_cases_after_a_wrong_one_are_counted_where_every_case_counts():
    def even(x):
        return None if x == 0 else x + x % 2

    cases = [case(x, expected=x) for x in (0, 1, 2, 3, 4)]
    for every_case, passing in ((False, 0), (True, 2)):
        with recording(every_case=every_case) as record, pytest.raises(NotAttempted):
            check_cases(even, cases)
        assert record.num_cases == passing
    with recording(every_case=True) as record:
        message = wrong(lambda: check_prediction(even, [1, 2, 3], [(1,), (2,), (3,)]))
    assert message.startswith("setting 1 of 3") and record.num_cases == 1


def test_a_prediction_is_kept_before_the_measurement():
    order = []

    def measure(n):
        order.append("measured")
        return n / 10

    with recording(lambda values: order.append(values)) as record:
        check_prediction(lambda n: n / 10 + 0.01, measure, [(1,), (2,)], atol=0.02)
    assert order == [pytest.approx([0.11, 0.21]), "measured", "measured"]
    assert record.num_cases == 2 and record.largest_difference == pytest.approx(0.01)


def test_a_prediction_that_is_off_shows_both_numbers():
    message = wrong(
        lambda: check_prediction(lambda n: 0.5, lambda n: 0.25, [(3,)], atol=0.1, names=("n",))
    )
    assert message == "setting 1 of 1\n  setting    n = 3\n  predicted  0.5\n  measured   0.25"
    assert "measured   nan" in wrong(lambda: check_prediction(1, lambda: np.nan, atol=9))
    check_prediction(0.3, lambda: 0.25, atol=0.1)
    check_prediction(1.0, lambda: 2.0, rtol=0.5)
    assert "measured   1" in wrong(lambda: check_prediction(2.0, lambda: 1.0, rtol=0.5))
    assert "measured   1" in wrong(lambda: check_prediction(0.4, lambda: 1.0, rtol=0.5))


def test_what_is_no_prediction_is_named():
    with pytest.raises(NotAttempted):
        check_prediction(..., lambda: 1)
    with pytest.raises(NotAttempted):
        check_prediction(lambda n: None, lambda n: 1, [(1,)])
    assert "expected a number, got 'many'" in wrong(lambda: check_prediction("many", lambda: 1))
    assert "expected a function" in wrong(lambda: check_prediction(1, lambda n: 1, [(1,)]))


def test_a_text_has_words():
    check_text("one two three", min_words=3)
    assert "at least 3 words, got 2" in wrong(lambda: check_text("one two", min_words=3))
    assert "expected a string" in wrong(lambda: check_text(7))
    for empty in (..., None, " \n"):
        with pytest.raises(NotAttempted):
            check_text(empty)


def test_a_prediction_is_held_against_numbers_measured_once():
    settings, names = [(1,), (2,)], ("n",)
    check_prediction(lambda n: n / 10, [0.1, 0.2], settings, atol=0.01, names=names)
    message = wrong(lambda: check_prediction(lambda n: 0.1, [0.1, 0.2], settings, 0.01))
    assert "setting 2 of 2" in message and "measured   0.2" in message
    check_prediction(0.5, [0.52], atol=0.05)
    for measured, given in (([0.1], settings), ([0.1, 0.2], None)):
        with pytest.raises(ValueError, match="one for each setting, got"):
            check_prediction(lambda n: 0.1, measured, given)
