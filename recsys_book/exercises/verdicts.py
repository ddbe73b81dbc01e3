"""Run one test cell of an exercise on an answer and return a verdict in words."""

import linecache
from dataclasses import dataclass

from recsys_book.exercises.cases import (
    NotAttempted,
    PartlyRight,
    WrongAnswer,
    recording,
    student_line,
)
from recsys_book.exercises.limits import Stopped, TookTooLong, run_limited

TIME_LIMIT_SECONDS = 5.0
LONGEST_MESSAGE = 1200


@dataclass(frozen=True)
class Verdict:
    """The result of a test cell.

    Attributes:
        status: ``"exact"``, ``"approximate"``, ``"wrong"``, ``"partly right"`` (of several right
            letters), ``"error"``, ``"too slow"``, ``"stopped"`` (only if the answer runs in
            another process) or ``"not attempted"``.
        details: what went wrong, possibly on several lines; empty for a right answer.
        num_cases: cases that passed.
        largest_difference: the largest absolute difference over them.
        num_telling: those of them that no trivial answer passes.
    """

    status: str
    details: str = ""
    num_cases: int = 0
    largest_difference: float = 0.0
    num_telling: int = 0

    @property
    def passed(self):
        return self.status in ("exact", "approximate")

    @property
    def rejected(self):
        """Whether the answer was judged and is not right."""
        return self.status in ("wrong", "partly right")


def run_test(
    setup,
    code,
    target,
    answer,
    *,
    name="test",
    seconds=TIME_LIMIT_SECONDS,
    remember_prediction=None,
):
    """Run a test cell with the answer under the name that the test expects.

    Args:
        setup: code that runs first, such as imports.
        code: the test cell.
        target: name under which the test finds the answer.
        answer: a function or a value.
        name: of the test, for tracebacks.
        seconds: time limit of the test, without the setup.
        remember_prediction: see `recording`.

    Returns:
        A `Verdict`; no error of the answer is raised.

    Raises:
        Exception: raised by the setup: the exercise, not the answer, is at fault.
    """
    if answer is None or answer is Ellipsis:
        return Verdict("not attempted")
    return run_test_on(
        setup,
        code,
        {target: answer},
        name=name,
        seconds=seconds,
        remember_prediction=remember_prediction,
    )


def run_test_on(
    setup,
    code,
    answers,
    *,
    name="test",
    seconds=None,
    remember_prediction=None,
    every_case=False,
):
    """Run a test cell on several names of a student; both check and grading use it.

    Args:
        setup, code, name, remember_prediction: as for `run_test`.
        answers: dict of names to the functions and values that the test finds under them.
        seconds: time limit of the test; None if each call of an answer has its own limit.
        every_case: whether cases after one that fails are tried and counted, too.

    Returns:
        A `Verdict`, as `run_test` does.

    Raises:
        Exception: raised by the setup.
    """
    namespace = {"__name__": f"exercise {name}"}
    exec(_compile(setup, f"<setup of {name}>"), namespace)
    namespace.update(answers)
    compiled = _compile(code, f"<{name}>")
    with recording(remember_prediction, every_case) as record:
        try:
            run_limited(lambda: exec(compiled, namespace), seconds)
        except NotAttempted:
            return Verdict("not attempted")
        except PartlyRight as error:
            return _failure("partly right", str(error), record)
        except WrongAnswer as error:
            return _failure("wrong", str(error), record)
        except TookTooLong:
            return _failure("too slow", f"did not finish within {seconds:g} s", record)
        except Stopped as error:
            return _failure("stopped", str(error), record)
        except AssertionError as error:
            return _failure("wrong", str(error) or _last_line(error, name), record)
        except NotImplementedError:
            return Verdict("not attempted")
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            if isinstance(error, KeyboardInterrupt):
                # The stop button is meant for the whole cell.
                raise
            line = next(filter(None, (student_line(error, one) for one in answers.values())), "")
            where = f"\n  at        {line}" if line else ""
            return _failure("error", f"raised {type(error).__name__}: {error}{where}", record)
    status = "exact" if record.largest_difference == 0 else "approximate"
    return Verdict(status, "", *_counts(record))


def define(setup, code, target):
    """Return the value of ``target`` after running ``setup`` and ``code`` in a new namespace."""
    namespace = {"__name__": "exercise answer"}
    exec(_compile(setup, "<setup of answer>"), namespace)
    exec(_compile(code, "<answer>"), namespace)
    return namespace[target]


def _compile(code, filename):
    # Through this cache tracebacks and `inspect` find the lines of code that is in no file.
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    return compile(code, filename, "exec")


def _failure(status, details, record):
    if len(details) > LONGEST_MESSAGE:
        details = details[: LONGEST_MESSAGE - 1] + "…"
    return Verdict(status, details, *_counts(record))


def _counts(record):
    return record.num_cases, record.largest_difference, record.num_telling


def _last_line(error, name):
    """The test's own line that failed, for a bare ``assert`` without a message."""
    frame = error.__traceback__
    number = 0
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == f"<{name}>":
            number = frame.tb_lineno
        frame = frame.tb_next
    line = linecache.getline(f"<{name}>", number).strip()
    return f"this does not hold: {line.removeprefix('assert ')}" if line else "a test does not hold"
