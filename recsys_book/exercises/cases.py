"""Cases: the functions that a test cell calls, in the instant check and in nbgrader.

Each function here raises an ``AssertionError`` that names the case that failed, its inputs, the
expected value and the answer's value; no code of a solution appears in it. `recording` collects how
close a passing answer was.
"""

import contextlib
import copy
import sys
import traceback
import tracemalloc
from dataclasses import dataclass

from recsys_book.exercises.comparing import (
    Difference,
    compare_values,
    is_trivial,
    show,
    show_call,
)

RTOL, ATOL = 1e-6, 1e-9


class WrongAnswer(AssertionError):
    """A case failed; the message says which one, and the value that was found."""


class PartlyRight(WrongAnswer):
    """Some of several right letters, and no wrong one."""


class NotAttempted(AssertionError):
    """The starter is unchanged."""


@dataclass(frozen=True)
class Case:
    """One call of the student's function and the value it must return."""

    arguments: tuple
    keywords: dict
    expected: object
    why: str = ""


@dataclass
class Record:
    """The results of the calls inside one test cell."""

    num_cases: int = 0
    num_telling: int = 0
    largest_difference: float = 0.0
    remember_prediction: object = None
    every_case: bool = False


_records: list = []


@contextlib.contextmanager
def recording(remember_prediction=None, every_case=False):
    """Collect the results of the checks inside the ``with`` block, as a `Record`.

    ``remember_prediction`` is called with a prediction before it is compared with a measurement.
    With ``every_case`` a check tries the cases after one that fails, too, and counts those that
    pass; those that a trivial answer fails are counted apart, as telling (see `is_trivial`).
    """
    record = Record(remember_prediction=remember_prediction, every_case=every_case)
    _records.append(record)
    try:
        yield record
    finally:
        _records.remove(record)


def case(*arguments, expected, why="", **keywords):
    """One case: the arguments of the call, the expected value, and why it is asked.

    Args:
        *arguments, **keywords: of the student's function, which gets copies.
        expected: number, string, array, or tuple, list or dict of such.
        why: a few words that are shown when the case fails, such as ``"ids above 46,340"``.

    Returns:
        The case, for ``check_cases``.
    """
    return Case(arguments, keywords, expected, why)


def check_cases(function, cases, rtol=RTOL, atol=ATOL, same_dtype=False):
    """Call ``function`` on each case and compare its value with the expected one.

    Args:
        function: the student's function.
        cases: results of `case`, in the order in which they are tried.
        rtol, atol: floats may differ by ``atol + rtol * |expected|``; whole numbers may not.
        same_dtype: whether arrays must have the expected dtype.

    Raises:
        WrongAnswer: the first case that fails.
        NotAttempted: the function returns ``None`` or ``...``, or raises NotImplementedError.
        ValueError: no case.
    """
    cases = list(cases)
    if not cases:
        raise ValueError("check_cases: expected at least one case, got none")
    _require_attempt(function)
    if not callable(function):
        raise WrongAnswer(f"expected a function, got {show(function)}")
    name = _name_of(function)

    def check_case(number, one):
        where = f"case {number} of {len(cases)}" + (f" ({one.why})" if one.why else "")
        call = show_call(name, one.arguments, one.keywords)
        came = _call(function, one.arguments, one.keywords, where, call)
        if came is Ellipsis or (came is None and one.expected is not None):
            if number == 1:
                raise NotAttempted(f"{name} returns {came!r}")
        try:
            difference = compare_values(one.expected, came, rtol, atol, same_dtype)
        except Difference as reason:
            raise WrongAnswer(
                f"{where}\n  called    {call}\n  expected  {show(one.expected)}\n"
                f"  came      {show(came)}\n  reason    {reason}"
            ) from None
        values = (*one.arguments, *one.keywords.values())
        _note(difference, not is_trivial(one.expected, values, rtol, atol))

    _in_turn(check_case, enumerate(cases, start=1))


def check_memory(function, *arguments, megabytes, why=""):
    """Call ``function`` once and measure its peak memory.

    Args:
        function: the student's function.
        *arguments: of the function, which gets copies; they are counted.
        megabytes: most memory; NumPy's arrays and Python's objects are counted.
        why: words that are shown when it takes more, such as ``"form no n x n array"``.

    Raises:
        WrongAnswer: it takes more, or fails.
        NotAttempted: as for `check_cases`.
    """
    peak = _measured(function, arguments, "memory", memory_of) / 1e6
    if peak > megabytes:
        took = f"took {peak:.0f} MB on the way, expected at most {megabytes} MB"
        raise WrongAnswer(f"{_name_of(function)} {took}" + (f": {why}" if why else ""))
    _note(0.0)


def check_steps(function, *arguments, steps, why=""):
    """Call ``function`` once and count the lines of Python that run, those of its loops each time.

    What NumPy does inside one call counts as that call, so a loop over pairs is told from a product
    of matrices on any machine, however busy.

    Args:
        function: the student's function.
        *arguments: of the function, which gets copies.
        steps: most lines.
        why: words that are shown when more run, such as ``"loop over no pairs"``.

    Raises:
        WrongAnswer: it takes more, or fails.
        NotAttempted: as for `check_cases`.
    """
    ran = _measured(function, arguments, "steps", steps_of)
    if ran > steps:
        took = f"ran {ran:,} lines of Python, expected at most {steps:,}"
        raise WrongAnswer(f"{_name_of(function)} {took}" + (f": {why}" if why else ""))
    _note(0.0)


def memory_of(call):
    """The most bytes that ``call()`` takes on the way."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def steps_of(call):
    """How many lines of Python run during ``call()``, in all functions that it calls."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def _measured(function, arguments, what, measure):
    """What ``measure`` says of one call; of a function in another process it is measured there."""
    _require_attempt(function)
    shown = f"{_name_of(function)}(...)"
    if (elsewhere := getattr(function, "call_measured", None)) is not None:
        return _call(elsewhere, (what, *arguments), {}, what, shown)
    return measure(lambda: _call(function, arguments, {}, what, shown))


def _name_of(function):
    return getattr(function, "__name__", "function")


def check_choice(answer, options, right=None):
    """Check the form of a recall exercise's answer and, if ``right`` is given, its content.

    Args:
        answer: a letter, or several, in any order and case: ``"b"``, ``"AC"``, ``{"a", "c"}``.
        options: all letters, such as ``"abcd"``.
        right: the right letters; None checks the form only.

    Raises:
        WrongAnswer, NotAttempted.
    """
    _require_attempt(answer)
    letters = normalise_choice(answer)
    if letters is None or not letters or not set(letters) <= set(options):
        raise WrongAnswer(
            f"expected a letter among {', '.join(options)} as a string, got {show(answer)}"
        )
    if right is not None and letters != normalise_choice(right):
        if set(letters) < set(normalise_choice(right)):
            raise PartlyRight(f"{show(letters)} is right, and not all")
        raise WrongAnswer(f"{show(letters)} is not right")
    _note(0.0)


def normalise_choice(answer):
    """Return the letters of an answer, sorted and in lower case; None if it is not an answer."""
    if isinstance(answer, set | frozenset | list | tuple):
        if not all(isinstance(part, str) for part in answer):
            return None
        answer = "".join(answer)
    if not isinstance(answer, str):
        return None
    return "".join(sorted({letter for letter in answer.lower() if letter not in " ,;()"}))


def check_prediction(predicted, measure, settings=None, atol=0.0, rtol=0.0, names=()):
    """Compare a prediction with a measurement, after the prediction has been recorded.

    Args:
        predicted: a number; or, with ``settings``, a function of one setting's values.
        measure: function of the same values that runs the experiment and returns a number; or
            the numbers that it returned, one for each setting, if the experiment itself would give
            the answer away.
        settings: list of tuples of values; None for one experiment without settings.
        atol, rtol: the prediction may be off by ``atol + rtol * |measured|``; the margin has to
            cover the experiment's own spread.
        names: names of a setting's values, for messages.

    Raises:
        WrongAnswer: the first setting at which the prediction is off, with both numbers.
        NotAttempted.
        ValueError: not one measured number for each setting.
    """
    if not callable(measure) and len(measure) != len(settings or [()]):
        raise ValueError(
            f"check_prediction: expected {len(settings or [()])} measured numbers, one for each "
            f"setting, got {len(measure)}"
        )
    _require_attempt(predicted)
    if settings is None:
        settings, predict = [()], lambda: predicted
    elif callable(predicted):
        predict = predicted
    else:
        raise WrongAnswer(f"expected a function, got {show(predicted)}")
    predictions = []
    for number, setting in enumerate(settings, start=1):
        described = _setting(names, setting)
        value = _call(predict, setting, {}, f"setting {number} of {len(settings)}", described)
        if value is None or value is Ellipsis:
            raise NotAttempted(f"the prediction is {value!r}")
        try:
            predictions.append(float(value))
        except (TypeError, ValueError):
            raise WrongAnswer(
                f"setting {number} of {len(settings)} ({described}): expected a number, got "
                f"{show(value)}"
            ) from None
    for record in _records:
        if record.remember_prediction is not None:
            record.remember_prediction(predictions)

    def compare(number, setting):
        value = predictions[number - 1]
        measured = float(measure(*setting) if callable(measure) else measure[number - 1])
        distance = abs(value - measured)
        if not distance <= atol + rtol * abs(measured):
            raise WrongAnswer(
                f"setting {number} of {len(settings)}\n  setting    {_setting(names, setting)}\n"
                f"  predicted  {value:.4g}\n  measured   {measured:.4g}"
            )
        _note(distance, not is_trivial(measured, setting, rtol, atol))

    _in_turn(compare, enumerate(settings, start=1))


def check_text(answer, min_words=20):
    """Check that an answer is a string of at least ``min_words`` words.

    A person judges its content.

    Args:
        answer: the student's text.
        min_words: least number of words.
    """
    _require_attempt(answer)
    if not isinstance(answer, str):
        raise WrongAnswer(f"expected a string, got {show(answer)}")
    if not answer.strip():
        raise NotAttempted("the answer is empty")
    words = len(answer.split())
    if words < min_words:
        raise WrongAnswer(f"expected at least {min_words} words, got {words}")
    _note(0.0)


def _require_attempt(value):
    if value is None or value is Ellipsis:
        raise NotAttempted(f"the answer is {value!r}")


def _setting(names, setting):
    if not names:
        return ", ".join(show(value) for value in setting) or "the experiment"
    return ", ".join(f"{name} = {show(value)}" for name, value in zip(names, setting, strict=True))


def _note(difference, tells=False):
    for record in _records:
        record.num_cases += 1
        record.num_telling += tells
        record.largest_difference = max(record.largest_difference, difference)


def _in_turn(check, parts):
    """Check each part; the first failure ends it, or is raised in the end: see `recording`."""
    failed = None
    for part in parts:
        try:
            check(*part)
        except (WrongAnswer, NotAttempted) as error:
            if not any(record.every_case for record in _records):
                raise
            failed = failed or error
    if failed is not None:
        raise failed


def _call(function, arguments, keywords, where, call):
    """The function's result on copies, so that it cannot change the arguments of a later case."""
    try:
        return function(*copy.deepcopy(arguments), **copy.deepcopy(keywords))
    except NotImplementedError:
        raise NotAttempted("it raises NotImplementedError") from None
    except RecursionError as error:
        raise WrongAnswer(
            f"{where}\n  called    {call}\n  raised    RecursionError: it never stops "
            "calling itself"
        ) from error
    except Exception as error:
        line = student_line(error, function)
        raise WrongAnswer(
            f"{where}\n  called    {call}\n  raised    {type(error).__name__}: {error}"
            + (f"\n  at        {line}" if line else "")
        ) from None


def student_line(error, function):
    """Return number and text of the last line inside the function's own file; may be empty."""
    if (known := getattr(error, "student_line", None)) is not None:
        return known
    code = getattr(function, "__code__", None)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if code is not None and frame.filename == code.co_filename
    ]
    if not frames:
        return ""
    text = f": {frames[-1].line}" if frames[-1].line else ""
    return f"line {frames[-1].lineno}{text}"
