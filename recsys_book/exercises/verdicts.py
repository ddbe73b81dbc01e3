"""Runs one test cell of an exercise against an answer and says in words what came of it."""

import linecache
from dataclasses import dataclass

from recsys_book.exercises.cases import NotAttempted, WrongAnswer, recording, student_line
from recsys_book.exercises.limits import Stopped, TookTooLong, run_limited

TIME_LIMIT_SECONDS = 5.0
LONGEST_MESSAGE = 1200


@dataclass(frozen=True)
class Verdict:
    """What a test cell found.

    Attributes:
        status: ``"exact"``, ``"approximate"``, ``"wrong"``, ``"error"``, ``"too slow"``,
            ``"stopped"`` (only where the answer stands in another process) or
            ``"not attempted"``.
        details: what went wrong, possibly on several lines; empty for a right answer.
        num_cases: cases that passed.
        largest_difference: the largest absolute difference over them.
    """

    status: str
    details: str = ""
    num_cases: int = 0
    largest_difference: float = 0.0

    @property
    def passed(self):
        return self.status in ("exact", "approximate")


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
        name: stands in the test's own tracebacks.
        seconds: time limit of the test, without the setup.
        remember_prediction: see `recording`.

    Returns:
        A `Verdict`; nothing that the answer does raises.

    Raises:
        Exception: what the setup itself raises: the exercise, not the answer, is at fault.
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


def run_test_on(setup, code, answers, *, name="test", seconds=None, remember_prediction=None):
    """Run a test cell with several names of the student's; the one engine of check and grading.

    Args:
        setup, code, name, remember_prediction: as for `run_test`.
        answers: dict of names to the functions and values that the test finds under them.
        seconds: time limit of the test; None where each call of an answer has its own.

    Returns:
        A `Verdict`, as `run_test` does.

    Raises:
        Exception: what the setup itself raises.
    """
    namespace = {"__name__": f"exercise {name}"}
    exec(_compile(setup, f"<setup of {name}>"), namespace)
    namespace.update(answers)
    compiled = _compile(code, f"<{name}>")
    with recording(remember_prediction) as record:
        try:
            run_limited(lambda: exec(compiled, namespace), seconds)
        except NotAttempted:
            return Verdict("not attempted")
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
                # Whoever presses the stop button means the whole cell.
                raise
            line = next(filter(None, (student_line(error, one) for one in answers.values())), "")
            where = f"\n  at        {line}" if line else ""
            return _failure("error", f"raised {type(error).__name__}: {error}{where}", record)
    status = "exact" if record.largest_difference == 0 else "approximate"
    return Verdict(status, "", record.num_cases, record.largest_difference)


def define(setup, code, target, name="answer"):
    """Return what ``code`` defines as ``target``, run after ``setup`` in a namespace of its own."""
    namespace = {"__name__": f"exercise {name}"}
    exec(_compile(setup, f"<setup of {name}>"), namespace)
    exec(_compile(code, f"<{name}>"), namespace)
    return namespace[target]


def _compile(code, filename):
    # Tracebacks and `inspect` find the lines of code that stands in no file through this cache.
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    return compile(code, filename, "exec")


def _failure(status, details, record):
    if len(details) > LONGEST_MESSAGE:
        details = details[: LONGEST_MESSAGE - 1] + "…"
    return Verdict(status, details, record.num_cases, record.largest_difference)


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
