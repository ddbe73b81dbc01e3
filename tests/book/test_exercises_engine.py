"""One engine for a test cell: in a lesson's check, and in grading with answers elsewhere."""

import pytest

from recsys_book.exercises.cases import WrongAnswer, check_memory, check_steps
from recsys_book.exercises.limits import Stopped, run_limited
from recsys_book.exercises.verdicts import run_test, run_test_on

SETUP = "from recsys_book.exercises import case, check_cases"
TEST = "check_cases(twice, [case(first, expected=2), case(0.5, expected=1.0)])"


def test_a_test_may_use_several_names():
    answers = {"twice": lambda x: 2 * x, "first": 1}
    verdict = run_test_on(SETUP, TEST, answers)
    assert (verdict.status, verdict.num_cases) == ("exact", 2)
    assert run_test_on(SETUP, TEST, {**answers, "first": 3}).status == "wrong"
    assert "name 'first' is not defined" in run_test(SETUP, TEST, "twice", answers["twice"]).details


def test_an_answer_whose_process_is_gone_is_stopped():
    def gone(x):
        raise Stopped("ended its process")

    verdict = run_test_on(SETUP, TEST, {"twice": gone, "first": 1})
    assert (verdict.status, verdict.details) == ("stopped", "ended its process")
    assert not verdict.passed


def test_an_error_from_elsewhere_brings_its_own_line():
    class Elsewhere(Exception):
        student_line = "line 3: return x / 0"

    def fails(x):
        raise Elsewhere("division by zero")

    verdict = run_test_on(SETUP, TEST, {"twice": fails, "first": 1})
    assert verdict.status == "wrong"
    assert "raised    Elsewhere: division by zero" in verdict.details
    assert "at        line 3: return x / 0" in verdict.details


def test_memory_and_steps_of_a_function_elsewhere_are_measured_there():
    class Elsewhere:
        __name__ = "large"

        def __call__(self, *arguments):
            raise AssertionError("called here")

        def call_measured(self, what, *arguments):
            return {"memory": 1_000_000, "steps": 10}[what] * len(arguments)

    check_memory(Elsewhere(), 1, 2, megabytes=2)
    with pytest.raises(WrongAnswer, match="large took 3 MB on the way, expected at most 2 MB"):
        check_memory(Elsewhere(), 1, 2, 3, megabytes=2)
    check_steps(Elsewhere(), 1, 2, steps=20)
    with pytest.raises(WrongAnswer, match="large ran 30 lines of Python, expected at most 20"):
        check_steps(Elsewhere(), 1, 2, 3, steps=20)


def test_no_limit_is_no_limit():
    assert run_limited(lambda: 5, None) == 5
