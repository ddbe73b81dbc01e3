"""Find the recorded mistake that an answer makes: the one with the same results on every case.

Answer, reference and mistakes are called on the cases of the public and of the hidden test. A case
is never shown; only the mistake's sentence is.
"""

import contextlib
import copy
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from recsys_book.exercises import cases
from recsys_book.exercises.comparing import Difference, compare_values
from recsys_book.exercises.limits import TookTooLong, run_limited
from recsys_book.exercises.parsing import Exercise, ExerciseFile, Mistake
from recsys_book.exercises.verdicts import TIME_LIMIT_SECONDS, define

KINDS = ("code", "derivation", "experiment")


@dataclass(frozen=True)
class Outcome:
    """The outcome of one call: a value, or the type of the error that it raised."""

    value: Any = None
    raised: str = ""
    rtol: float = cases.RTOL
    atol: float = cases.ATOL


def known_mistake(
    file: ExerciseFile,
    one: Exercise,
    answer: Any,
    *,
    with_hidden: bool = True,
    seconds: float | None = TIME_LIMIT_SECONDS,
) -> Mistake | None:
    """The recorded mistake that an answer makes.

    Args:
        file: the exercise's file, for the setup.
        one: the exercise.
        answer: a student's function or value.
        with_hidden: whether the cases of the hidden test are used too.
        seconds: time limit of all calls together; None if each call of the answer has its own.

    Returns:
        The first mistake with the results of the answer on every case. None for an answer with the
        results of the reference, with other results, or with none within the time.
    """
    if one.kind not in KINDS:
        return None
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return run_limited(lambda: _find(file.setup, one, answer, with_hidden), seconds)
    except TookTooLong:
        return None


def _find(setup: str, one: Exercise, answer: Any, with_hidden: bool) -> Mistake | None:
    tests = (one.public, one.hidden) if with_hidden else (one.public,)
    ours = _outcomes(setup, tests, one.target, answer)
    reference = _recorded(setup, tests, one.target, one.solution)
    # A mistake in memory, steps or time has the results of the reference, as right answers do.
    if not ours or _agree(reference, ours, as_the_test=True):
        return None
    for mistake in one.mistakes:
        if _agree(_recorded(setup, tests, one.target, mistake.code), ours):
            return mistake
    return None


@lru_cache(maxsize=64)
def _recorded(setup: str, tests: tuple[str, ...], target: str, code: str) -> list[Outcome]:
    return _outcomes(setup, tests, target, define(setup, code, target))


def _outcomes(setup: str, tests: tuple[str, ...], target: str, answer: Any) -> list[Outcome]:
    """The answer's outcomes on every case of some tests, in order."""
    found: list[Outcome] = []
    for code in tests:
        namespace: dict[str, Any] = {"__name__": "exercise outcomes"}
        exec(setup, namespace)
        namespace |= _listening(namespace, found)
        namespace[target] = answer
        try:
            exec(code, namespace)
        except (Exception, SystemExit) as error:
            found.append(Outcome(raised=f"outside a case: {type(error).__name__}"))
    return found


def _listening(namespace: dict[str, Any], found: list[Outcome]) -> dict[str, Callable[..., None]]:
    """The namespace's checks, replaced by functions that keep values and compare nothing."""

    def check_cases(function, all_cases, rtol=cases.RTOL, atol=cases.ATOL, same_dtype=False):
        for one in all_cases:
            found.append(_call(function, one.arguments, one.keywords, rtol, atol))

    def check_prediction(predicted, measure, settings=None, atol=0.0, rtol=0.0, names=()):
        if settings is None:
            found.append(Outcome(predicted, rtol=rtol, atol=atol))
            return
        for setting in settings:
            found.append(_call(predicted, setting, {}, rtol, atol))

    def nothing(*arguments, **keywords):
        return None

    listening: dict[Any, Callable[..., None]] = {
        cases.check_cases: check_cases,
        cases.check_prediction: check_prediction,
        cases.check_memory: nothing,
        cases.check_steps: nothing,
    }
    replaced: dict[str, Callable[..., None]] = {}
    for name, value in namespace.items():
        for function, listener in listening.items():
            if value is function:
                replaced[name] = listener
    return replaced


def _call(
    function: Any, arguments: tuple, keywords: dict[str, Any], rtol: float, atol: float
) -> Outcome:
    try:
        came = function(*copy.deepcopy(arguments), **copy.deepcopy(keywords))
    except (Exception, SystemExit) as error:
        return Outcome(raised=type(error).__name__)
    return Outcome(came, rtol=rtol, atol=atol)


def _agree(theirs: list[Outcome], ours: list[Outcome], as_the_test: bool = False) -> bool:
    """Whether all results are equal within the test's tolerance, or to many digits."""
    if len(theirs) != len(ours):
        return False
    return all(_is_same(one, other, as_the_test) for one, other in zip(theirs, ours, strict=True))


def _is_same(expected: Outcome, came: Outcome, as_the_test: bool) -> bool:
    if expected.raised or came.raised:
        return expected.raised == came.raised
    tolerances = (expected.rtol, expected.atol) if as_the_test else (cases.RTOL, cases.ATOL)
    try:
        compare_values(expected.value, came.value, *tolerances)
    except Difference:
        return False
    except Exception:  # a value of a type that no comparison knows
        return False
    return True
