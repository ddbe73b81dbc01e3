"""``check_all()`` and ``hand_in("name")``: a whole notebook checked, and the file to hand in.

Both read the notebook as it was saved. An assignment is run as it is graded: all cells from top to
bottom in a namespace of their own, each solution before its public test. A lesson's answers are
evaluated in the open notebook, with what its cells have defined.
"""

import ast
import contextlib
import io
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from recsys_book.base.notebook_sources import UnreadableNotebook, read_notebook, source_of_cell
from recsys_book.base.paths import write_atomically
from recsys_book.base.shell import running_shell
from recsys_book.exercises import student
from recsys_book.exercises.context import NOTEBOOK_VARIABLE
from recsys_book.exercises.limits import TookTooLong, run_limited
from recsys_book.exercises.mistakes import known_mistake
from recsys_book.exercises.parsing import Exercise
from recsys_book.exercises.verdicts import Verdict, run_test_on

CELL_SECONDS = 10.0
_running: list = []
_OURS = ("check", "check_all", "exercise", "hand_in", "hint", "solution")
_CALLS_OURS = re.compile(rf"\b(?:{'|'.join(_OURS)})\(")
_STATEMENT = re.compile(
    r"## (?P<title>.+) \((?P<kind>[a-z]+), (?P<points>\d+) points?, about \d+ minutes?\)"
)


@dataclass(frozen=True)
class Result:
    """What became of one exercise: its points, what there is to say, and whether it passes."""

    title: str
    points: int
    said: str
    passed: bool
    answered: bool


def check_all(notebook: str | Path | None = None) -> None:
    """Run the check of every exercise in this notebook; print a line for each and the sum.

    Args:
        notebook: path of another notebook; default: the one that is open, as it was saved last.

    Example:
        >>> check_all("no_such.ipynb")
        check_all: expected a notebook that can be read, got no_such.ipynb: no such file
    """
    opened = _open("check_all", notebook)
    if opened is None:
        return
    results = _results(opened[1])
    if not results:
        print("check_all: this notebook shows no exercise")
        return
    width = max(len(one.title) for one in results)
    for one in results:
        mark = student.TICK if one.passed else " "
        points = f"{one.points} {'point' if one.points == 1 else 'points'}"
        print(f"{mark} {one.title:{width}}  {points:>9}  {one.said}")
    print(_sum(results))


def hand_in(name: str = "", notebook: str | Path | None = None) -> None:
    """Write the file to hand in beside this assignment, and say what is not answered yet.

    Args:
        name: your name as your course knows it, such as ``"alee"``.
        notebook: path of another notebook; default: the one that is open, as it was saved last.

    Example:
        >>> hand_in("alee", "no_such.ipynb")
        hand_in: expected a notebook that can be read, got no_such.ipynb: no such file
    """
    if not isinstance(name, str) or not re.fullmatch(r"[\w@+-][\w.@+ -]*", name):
        print(f'hand_in: expected your name in the course, as in hand_in("alee"), got {name!r}')
        return
    opened = _open("hand_in", notebook)
    if opened is None:
        return
    path, content = opened
    lesson = content.get("metadata", {}).get("assignment")
    if not isinstance(lesson, str) or not re.fullmatch(r"\w+", lesson):
        print(
            f"hand_in: {path.name} is no assignment; open the notebook that your course handed out"
        )
        return
    target = path.with_name(f"{lesson}.{name}.ipynb")
    try:
        write_atomically(target, path.read_bytes())
    except OSError as error:
        print(f"hand_in: {target.name} cannot be written: {error.strerror}")
        return
    saved = time.strftime("%H:%M:%S", time.localtime(path.stat().st_mtime))
    print(f"Hand in {target.name}, which is {path.name} as it was saved at {saved}.")
    results = _results(content)
    lacking = [one.title for one in results if not one.answered]
    if lacking:
        print(f"Not answered yet, {len(lacking)} of {len(results)}: {'; '.join(lacking)}.")
    print(_sum(results))


def _open(where, notebook):
    """Path and content of a notebook; None, after a line that says why, if there is none."""
    if _running:  # a cell that is run calls for what runs it
        return None
    path = os.environ.get(NOTEBOOK_VARIABLE, "") if notebook is None else str(notebook)
    path = path or str(_namespace().get("__vsc_ipynb_file__", ""))
    if not path:
        print(f"{where}: which notebook is open cannot be told here; give its path")
        return None
    try:
        return Path(path), read_notebook(Path(path).read_bytes())
    except (OSError, UnreadableNotebook) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else str(error)
        print(f"{where}: expected a notebook that can be read, got {Path(path).name}: {reason}")
        return None


def _namespace():
    """What the open notebook has defined."""
    return getattr(running_shell(), "user_ns", {})


def _sum(results):
    passed = sum(one.passed for one in results)
    points = sum(one.points for one in results if one.passed)
    every = sum(one.points for one in results)
    return (
        f"{passed} of {len(results)} exercises pass, {points} of {every} points. "
        f"{student.PUBLIC_ONLY}"
    )


def _results(content):
    cells = content["cells"]
    is_assignment = any(_settings(cell) for cell in cells)
    _running.append(True)
    try:
        return list(_assignment(cells) if is_assignment else _lesson(cells))
    finally:
        _running.pop()


def _settings(cell):
    found = cell.get("metadata", {}).get("nbgrader")
    return found if isinstance(found, dict) else {}


def _lesson(cells):
    namespace = dict(_namespace())
    for cell in cells:
        text = source_of_cell(cell) if cell.get("cell_type") == "code" else ""
        for identifier, answer in _answers(text, namespace):
            if (found := student.find("check_all", identifier)) is None:
                continue
            file, one = found
            verdict, mistake = answer, None
            if not isinstance(answer, Verdict):
                verdict = student.verdict_of(file, one, answer)
                if verdict.status not in student.UNJUDGED:
                    mistake = known_mistake(file, one, answer)
            yield _result(one, verdict, mistake)


def _answers(source, namespace):
    """``(identifier, answer)`` of each ``check`` in a cell; a `Verdict` where the cell fails."""
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:  # half-written, or with a command of IPython's
        for identifier in re.findall(r"""^check\(["']([\w.]+)["']""", source, re.MULTILINE):
            yield identifier, Verdict("error", f"raised SyntaxError: {error.msg}")
        return
    before = []
    for statement in statements:
        call = statement.value if isinstance(statement, ast.Expr) else None
        name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
        if name not in _OURS:
            before.append(statement)
        elif name == "check" and len(call.args) == 2 and isinstance(call.args[0], ast.Constant):
            failed = _run(ast.Module(before, []), namespace)
            keep = ast.Assign([ast.Name("_answer", ast.Store())], call.args[1])
            failed = failed or _run(ast.fix_missing_locations(ast.Module([keep], [])), namespace)
            yield call.args[0].value, failed or namespace["_answer"]
            before = []


def _assignment(cells):
    namespace = {"__name__": "assignment"}
    setup, source, stated, failed = "", "", None, None
    for cell in cells:
        settings, text = _settings(cell), source_of_cell(cell)
        identifier = str(settings.get("grade_id", ""))
        stated = _STATEMENT.match(text) or stated
        if cell.get("cell_type") != "code" or identifier.endswith("--hidden"):
            continue
        if identifier.endswith("--public") and stated:
            verdict = failed or _some(source, namespace)
            if verdict.passed:
                verdict = run_test_on(setup, text, namespace, seconds=CELL_SECONDS)
            yield _result(_exercise(stated, source, text), verdict)
        elif settings.get("solution") or not _CALLS_OURS.search(text):
            setup = text if identifier == "setup" else setup
            said = _run(text, namespace)
            if settings.get("solution"):
                source, failed = text, said
            if settings.get("solution") and settings.get("grade") and stated:
                yield _result(_exercise(stated, text, ""), failed or _some(text, namespace))


def _exercise(stated, solution, public):
    """An exercise as the assignment states it: a seed may have made another than the book's."""
    name, kind, points = stated["title"], stated["kind"], int(stated["points"])
    # A letter is not judged before the hidden test is there.
    kind = "open" if kind == "recall" else kind
    return Exercise(name, kind, name, points, 0, "", solution, "", public)


def _some(source, namespace):
    """The `Verdict` on whether the name that a solution cell defines last holds anything."""
    names = []
    for node in ast.parse(source).body:
        targets = getattr(node, "targets", [getattr(node, "target", node)])
        names += [getattr(one, "id", getattr(one, "name", "")) for one in targets]
    value = namespace.get(next(filter(None, reversed(names)), ""))
    empty = value is None or value is Ellipsis or (isinstance(value, str) and not value.strip())
    return Verdict("not attempted" if empty else "exact")


def _run(code, namespace):
    """Run some code; returns None, or the `Verdict` on what fails."""
    try:
        code = compile(code, "<cell>", "exec")
        with contextlib.redirect_stdout(io.StringIO()):
            run_limited(lambda: exec(code, namespace), CELL_SECONDS)
    except TookTooLong:
        return Verdict("too slow", f"did not finish within {CELL_SECONDS:g} s")
    except (Exception, SystemExit) as error:
        return Verdict("error", f"raised {type(error).__name__}: {error}")
    return None


def _result(one, verdict, mistake=None):
    lines, _ = student.report(one, verdict, None, None, mistake)
    said = lines.splitlines()[0].partition(": ")[2].removeprefix(f"{student.TICK} ")
    passed = verdict.passed and mistake is None
    return Result(one.title, one.points, said, passed, verdict.status != "not attempted")
