"""Runs a submitted notebook for nbgrader: answers in the student's process, tests in the grader's.

`IsolatedExecute` stands where nbgrader has its own ``Execute``, so that its command, its API and
the button of its formgrader all grade like this once `configure` has been called. A cell that fails
gets an ordinary error for its output, and nbgrader gives points as it always does.
"""

import builtins
import re
import symtable
import threading
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Integer

from bookmaker.grading.assignment import grade_id, handed_out
from bookmaker.grading.remote import Endpoint, ProtocolError, name_of, text_of
from bookmaker.grading.sandbox import START_SECONDS, USUAL, Limits, Sandbox
from recsys_book.exercises.limits import Stopped
from recsys_book.exercises.mistakes import known_mistake
from recsys_book.exercises.parsing import ExerciseFile
from recsys_book.exercises.student import why_wrong
from recsys_book.exercises.verdicts import Verdict, run_test_on

# What the system counts and Python does not: the message itself, pages of its own libraries.
MEMORY_SLACK = 12 << 20
# Cells of the student's that have one of these words are worth a look; nothing depends on it.
SUSPICIOUS = re.compile(
    r"sys\.modules|_getframe|currentframe|f_back|gc\.get_|inspect\.stack|exercises\.md|gradebook"
    r"|marks\.json|ctypes|os\.(?:fork|kill|_exit|killpg|setsid)|/proc/|compare_values|check_cases ="
)
POLL_SECONDS = 0.05
NO_HIDDEN_CASE = (
    "the public tests pass and no hidden case does, but for those that zeros, ones or an argument "
    "would pass: their points need one"
)
KNOWN_MISTAKE = "A known mistake: "
_NAMES = {"wrong": "WrongAnswer", "not attempted": "NotAttempted", "stopped": "Stopped"}


def configure(config: Any) -> None:
    """Let nbgrader execute submissions with `IsolatedExecute`.

    Args:
        config: a traitlets ``Config``, changed in place. ``IsolatedExecute.seconds`` and the other
            limits can be set in it too.

    Example:
        >>> from traitlets.config import Config
        >>> config = Config()
        >>> configure(config)
        >>> config.Autograde.autograde_preprocessors[0]
        'bookmaker.grading.executor.IsolatedExecute'
    """
    from nbgrader.converters import Autograde

    config.Autograde.autograde_preprocessors = [
        f"{__name__}.IsolatedExecute" if kind.__name__ == "Execute" else kind
        for kind in Autograde.autograde_preprocessors.default()
    ]


class IsolatedExecute(NbGraderPreprocessor):
    """The preprocessor that nbgrader runs instead of ``Execute``; see `run_notebook`."""

    seconds = Float(Limits.seconds, help="Processor time of a cell.").tag(config=True)
    notebook_seconds = Float(
        Limits.notebook_seconds, help="Processor time of all cells of a notebook together."
    ).tag(config=True)
    waiting = Float(Limits.waiting, help="By the clock either may take so many times as long.").tag(
        config=True
    )
    memory_bytes = Integer(
        Limits.memory_bytes, help="Resident memory of all processes of a student."
    ).tag(config=True)
    processes = Integer(Limits.processes, help="How many of them there may be.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Run the notebook; what should be looked at stands in its metadata as ``remarks``."""
        traits = self.trait_names(config=True)
        limits = Limits(**{one: getattr(self, one) for one in traits if hasattr(USUAL, one)})
        database = str(resources.get("nbgrader", {}).get("db_url", ""))
        course = Path(database.removeprefix("sqlite:///")).parent
        file = handed_out(course, resources.get("nbgrader", {}).get("assignment", ""))
        nb.metadata["remarks"] = run_notebook(nb, limits, [course, Path.cwd()], file)
        return nb, resources


class Student(Endpoint):
    """The grader's end of the line to one student's process.

    Args:
        limits: the `Limits`.
        hidden: folders that the process must not see.

    Attributes:
        left: seconds that the student's code may still take; see `allow`.
        used: seconds that it has taken.
    """

    def __init__(self, limits: Limits, hidden: Iterable[Any] = ()):
        self._sandbox = Sandbox(limits, hidden)
        super().__init__(self._sandbox.reader, self._sandbox.writer)
        self.printed, self.patched, self.used = "", set(), 0.0
        self.allow(START_SECONDS)
        self.ask({"get": "__name__"})

    def allow(self, seconds):
        """Give the student's code so many seconds from now on, the grader's own time left out."""
        self.left = self._given = seconds

    def ask(self, question):
        """As `Endpoint.ask`, but whatever keeps the answer from coming is `Stopped`."""
        spent, is_over = self._sandbox.stopwatch(), threading.Event()
        guard = threading.Thread(target=self._guard, args=(spent, self.left, is_over))
        guard.start()
        try:
            answer = super().ask(question)
            self.printed = text_of(answer.get("printed", ""))
            self.patched.update(map(name_of, answer.get("patched", [])[:5]))
            return answer
        except (EOFError, OSError):
            raise Stopped(self.close(1.0) or "ended its process") from None
        except (ProtocolError, TypeError) as error:
            raise self._broken(error) from None
        finally:
            is_over.set()
            self._take(spent())

    def _guard(self, spent, left, is_over):
        """Stop the student's process once its time is over."""
        while not is_over.wait(POLL_SECONDS):
            if spent() > left:
                self._sandbox.stop(f"ran longer than {self._given:.3g} s")
                return

    def _take(self, seconds):
        self.left -= seconds
        self.used += seconds

    def value_of(self, answer):
        """As `Endpoint.value_of`, but a value that is none is `Stopped`."""
        started = time.thread_time()
        try:
            return super().value_of(answer)
        except ProtocolError as error:
            raise self._broken(error) from None
        finally:
            # Whoever sends millions of parts pays for the time that they take.
            self._take(time.thread_time() - started)

    def call_measured(self, number, what, arguments):
        """As `Endpoint.call_measured`; far more memory that the system tells of counts."""
        before = self._sandbox.memory(start_again=True)
        try:
            told = super().call_measured(number, what, arguments)
        except ProtocolError as error:
            raise self._broken(error) from None
        if what != "memory":
            return told
        return max(told, self._sandbox.memory() - before - MEMORY_SLACK)

    def _broken(self, error):
        self.close()
        return Stopped(f"broke the line to the grader: {error}")

    def close(self, patience=0.0):
        """End the process and all that it has started; returns why it has ended."""
        return self._sandbox.close(patience)


def run_notebook(
    notebook: Any,
    limits: Limits = USUAL,
    hidden: Iterable[Any] = (),
    file: ExerciseFile | None = None,
) -> list[str]:
    """Run all cells of a notebook, and write what fails into their outputs.

    The setup and the cells of the student run in the student's process, in order. Test cells,
    locked ones whose id ends in ``--public`` or ``--hidden``, run here: names that they use and do
    not define are the student's, values or functions that are called in the other process. After a
    cell that ends the process, or has to be stopped, its exercise fails, and a new process runs the
    earlier cells again, without it.

    Args:
        notebook: what nbgrader has made of a submission: locked cells must be the original ones.
        limits: what the student's process may use.
        hidden: folders that it must not see.
        file: the exercises, whose recorded mistakes are then told where an answer makes one.

    Returns:
        One line for each thing that a person should look at: cells that had to be stopped, changed
        functions of the library, words that an honest answer has no need of.
    """
    run = _Run(limits, hidden, file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, in tests of extreme values
            for number, cell in enumerate(notebook.cells, start=1):
                if cell.cell_type == "code":
                    cell.outputs, cell.execution_count = [], number
                    run.cell(cell, number)
    finally:
        run.end()
    return list(dict.fromkeys(run.remarks))


class _Run:
    def __init__(self, limits, hidden, file=None):
        self.limits, self.hidden, self.file = limits, list(hidden), file
        self.exercises = {grade_id(one): one for one in file.exercises} if file else {}
        self.student, self.done, self.setup = None, [], ""
        self.stopped, self.remarks, self.public = {}, [], {}
        self.used = 0.0  # seconds of the processes that have ended

    def cell(self, cell, number):
        """Run one cell and write its outputs."""
        settings = cell.metadata.get("nbgrader", {})
        identifier, locked = settings.get("grade_id") or f"added-{number}", settings.get("locked")
        exercise, _, part = identifier.partition("--")
        if exercise in self.stopped:
            cell.outputs.append(_error("Stopped", f"this cell {self.stopped[exercise]}"))
            return
        try:
            if locked and part in ("public", "hidden"):
                self._test(cell, identifier)
            else:
                self._own(cell, identifier, is_setup=locked and identifier == "setup")
        except Stopped as reason:
            self.stopped[exercise] = str(reason)
            self.remarks.append(f"cell {identifier} was stopped: it {reason}")
            cell.outputs.append(_error("Stopped", f"this cell {reason}"))
            self.end()

    def _own(self, cell, name, is_setup):
        source = cell.source
        if is_setup:
            self.setup = source
        elif word := SUSPICIOUS.search(source):
            self.remarks.append(f"cell {name} says {word[0]!r}")
        student = self._running()
        student.allow(self._seconds())
        answer = student.ask({"run": source, "name": name})
        if student.printed:
            cell.outputs.append(new_output("stream", name="stdout", text=student.printed))
        if "raised" in answer:
            try:
                student.value_of(answer)
            except Exception as error:
                where = getattr(error, "student_line", "")
                text = f"{error}\n  at {where}" if where else str(error)
                cell.outputs.append(_error(type(error).__name__, text))
        self.done.append((source, name))

    def _test(self, cell, name):
        student = self._running()
        student.allow(self._seconds())
        answers = {}
        for wanted in _wanted(f"{self.setup}\n{cell.source}"):
            answer = student.ask({"get": wanted})
            if "value" in answer and "raised" not in answer:
                answers[wanted] = student.value_of(answer)
        asked = [answers.get(wanted, 0) for wanted in _wanted(cell.source)]
        if any(value is None or value is Ellipsis for value in asked):
            verdict = Verdict("not attempted")
        else:
            hidden = name.endswith("--hidden")
            verdict = run_test_on(
                self.setup, cell.source, answers, name=f"test {name}", every_case=hidden
            )
        self._credit(cell, name, verdict)
        if verdict.status == "stopped":
            raise Stopped(verdict.details)
        if not verdict.passed:
            kind = _NAMES.get(verdict.status, "WrongAnswer")
            cell.outputs.append(_error(kind, verdict.details or "not attempted"))
        if verdict.rejected or verdict.status == "error":
            self._name_mistake(cell, name.partition("--")[0], answers)

    def _name_mistake(self, cell, exercise, answers):
        """Say below the first test that fails which recorded mistake the answer makes."""
        one = self.exercises.pop(exercise, None)
        if one is None or one.target not in answers:
            return
        self.student.allow(self._seconds())
        answer = answers[one.target]
        try:
            mistake = known_mistake(self.file, one, answer, seconds=None)
        except Stopped:  # the test has its verdict; the next cell gets a process of its own
            self.end()
            return
        except Exception:  # nor shall what is only said besides keep a submission from its points
            return
        text = mistake.text if mistake else why_wrong(one, answer) if one.kind == "recall" else ""
        if text:
            cell.outputs.append(new_output("stream", name="stdout", text=KNOWN_MISTAKE + text))

    def _credit(self, cell, name, verdict):
        """Take the points of the public tests back where no telling hidden case passes.

        Their expected values are printed: a table of them passes, and knows no other case but
        those whose value anyone could guess.
        """
        exercise, _, part = name.partition("--")
        if part == "public" and verdict.passed:
            self.public[exercise] = cell
        elif part == "hidden" and exercise in self.public:
            if not verdict.passed and not verdict.num_telling:
                self.public[exercise].outputs.append(_error("WrongAnswer", NO_HIDDEN_CASE))

    def _seconds(self):
        used = self.used + (self.student.used if self.student is not None else 0.0)
        left = self.limits.notebook_seconds - used
        if left <= 0:
            total = self.limits.notebook_seconds
            raise Stopped(f"came after {total:g} s, the time for the whole notebook")
        return min(self.limits.seconds, left)

    def end(self):
        """End the process; the next one gets the cells that did not end theirs."""
        if self.student is not None:
            exchanged = sorted(self.student.patched)[:5]
            self.remarks += [f"the library's {name} was exchanged" for name in exchanged]
            self.student.close()
            self.used += self.student.used
        self.student = None

    def _running(self):
        while self.student is None:
            try:
                self.student = Student(self.limits, self.hidden)
            except Stopped as reason:
                raise RuntimeError(f"the student's process {reason}") from None
            for one in list(self.done):
                self.student.allow(self._seconds())
                try:
                    self.student.ask({"run": one[0], "name": one[1]})
                except Stopped as reason:
                    self.end()
                    self.done.remove(one)
                    self.remarks.append(f"cell {one[1]} was stopped when run again: it {reason}")
                    break
        return self.student


def _wanted(code):
    """The names that a piece of code uses and neither defines nor imports."""
    top = symtable.symtable(code, "<test>", "exec")
    bound = {
        symbol.get_name()
        for symbol in top.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }

    def used(table):
        for symbol in table.get_symbols():
            if symbol.is_global() or (table is top and symbol.is_referenced()):
                yield symbol.get_name()
        for inner in table.get_children():
            yield from used(inner)

    return sorted(set(used(top)) - bound - set(dir(builtins)))


def _error(name, text):
    return new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])
