"""Recorded attacks on grading: each earns nothing, and the other exercises their points.

Every attack is the code of one exercise's solution cell in an otherwise solved notebook.
"""

import dataclasses
import os
import socket
import sys
import textwrap
import threading

import pytest
from exercise_text import write
from grading_attacks import GROWING, IN_VAIN, STOPPED
from grading_helpers import TEXT

pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")

from nbformat.v4 import new_code_cell
from nbgrader.utils import determine_grade, is_grade, is_solution

from bookmaker.grading import sandbox
from bookmaker.grading.assignment import grade_id, instructor_notebook
from bookmaker.grading.executor import NO_HIDDEN_CASE, Student, run_notebook
from bookmaker.grading.sandbox import Limits
from recsys_book.exercises.source import read_source, source_of

WHOLE = read_source(source_of("01_wide_and_deep"))
FILE = dataclasses.replace(WHOLE, exercises=WHOLE.exercises[:3])
FIRST = FILE.exercises[0]
FULL = {one.identifier: one.points for one in FILE.exercises}
OTHERS = {**FULL, FIRST.identifier: 0}
QUICK = Limits(seconds=8, memory_bytes=500 << 20, processes=8, file_bytes=1 << 20)

SHORT = dataclasses.replace(QUICK, seconds=1.5, waiting=2)
# Enough for children to begin, beside other tests.
SLEEPING = dataclasses.replace(QUICK, seconds=5, waiting=1)

linux = pytest.mark.skipif(sys.platform != "linux", reason="watched through /proc")
isolated = pytest.mark.skipif(
    not sandbox.best_way()[0].isolated, reason="no namespaces on this machine"
)


def graded(source, limits=QUICK, file=FILE, extra=None):
    """Points by exercise, remarks, and all errors, with another first solution cell."""
    notebook = instructor_notebook(file)
    for cell in notebook.cells:
        if cell.metadata.nbgrader.grade_id == grade_id(file.exercises[0]):
            cell.source = textwrap.dedent(source)
    if extra is not None:
        extra(notebook)
    remarks = run_notebook(notebook, limits)
    points, errors = {}, {}
    for cell in notebook.cells:
        identifier = cell.metadata.get("nbgrader", {}).get("grade_id", "added")
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                errors[identifier] = f"{output.ename}: {output.evalue}"
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            one = next(e for e in file.exercises if grade_id(e) == identifier.split("--")[0])
            points[one.identifier] = points.get(one.identifier, 0) + determine_grade(cell)[0]
    return points, remarks, errors


def test_an_honest_notebook_gets_all_points_and_no_remark():
    assert graded(FIRST.solution) == (FULL, [], {})


@pytest.mark.parametrize("attack", IN_VAIN.values(), ids=IN_VAIN)
def test_it_is_in_vain(attack):
    points, _, errors = graded(attack)
    assert points == OTHERS
    assert f"{grade_id(FIRST)}--public" in errors


@pytest.mark.parametrize(("attack", "reason"), STOPPED.values(), ids=STOPPED)
def test_it_is_stopped_with_a_reason_and_a_remark(attack, reason):
    points, remarks, errors = graded(attack, SHORT if "longer" in reason else QUICK)
    assert points == OTHERS
    assert errors[f"{grade_id(FIRST)}--public"] == f"Stopped: this cell {reason}"
    assert any(line.endswith(f"was stopped: it {reason}") for line in remarks)


@linux
@pytest.mark.parametrize("way", sorted({sandbox.best_way()[0], sandbox.Way()}, key=str), ids=str)
@pytest.mark.parametrize(("attack", "megabytes", "reason"), GROWING.values(), ids=GROWING)
def test_what_grows_too_large_is_stopped(attack, megabytes, reason, way, monkeypatch):
    monkeypatch.setattr(sandbox, "best_way", lambda: (way, ""))
    points, remarks, _ = graded(attack, Limits(10, memory_bytes=megabytes << 20, processes=8))
    assert points == OTHERS
    assert any(reason in line for line in remarks)


def running(mark):
    """The processes of this machine whose command line holds a text."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/cmdline") as file:
                if mark in file.read().split("\0"):
                    found.append(process)
        except OSError:
            pass
    return found


@linux
@pytest.mark.parametrize("way", sorted({sandbox.best_way()[0], sandbox.Way()}, key=str), ids=str)
@pytest.mark.parametrize("ending", ["", "os._exit(0)", "time.sleep(1000)"])
def test_no_child_outlives_the_round(way, ending, monkeypatch):
    monkeypatch.setattr(sandbox, "best_way", lambda: (way, ""))
    mark = f"{31415 + os.getpid()}.9"
    attack = f"""
        import os, signal, subprocess, time

        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in (signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                os.execvp("sleep", ["sleep", "{mark}"])
            os._exit(0)
        subprocess.Popen(["sleep", "{mark}"], start_new_session=True)
        time.sleep(0.2)
        {ending}
        """
    seen, is_over = [], threading.Event()

    def look():  # when they end depends on who is first, the limit or the end of the round
        while not is_over.wait(0.05):
            seen.extend(running(mark))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        points, _, _ = graded(attack, SLEEPING if "sleep" in ending else QUICK)
    finally:
        is_over.set()
        thread.join()
    assert points == OTHERS
    assert seen or ending == "os._exit(0)"  # they did run
    assert running(mark) == []


LOOKING = """
import glob, importlib, os, socket

found = []
for top in ("/", "/root", "/home", os.path.expanduser("~"), {root!r}, {temporary!r}):
    try:
        found += [os.path.join(top, name) for name in os.listdir(top)]
    except OSError:
        pass
found += glob.glob({root!r} + "/**/*.exercises.md", recursive=True)
try:
    found.append(open({source!r}).read())
except OSError:
    pass
for name in ("bookmaker.grading.assignment", "bookmaker.grading.course"):
    try:
        found.append(importlib.import_module(name).__name__)
    except ImportError:
        pass
for path in ({gradebook!r}, {root!r} + "/x", "/usr/x", "/x"):
    try:
        open(path, "a").close()
        found.append("wrote " + path)
    except OSError:
        pass
try:
    socket.create_connection(("127.0.0.1", {port}), 1)
    found.append("network")
except OSError:
    pass
found += [value for value in os.environ.values() if "secret" in value]
found += [name for name in os.listdir("/proc") if name.isdigit() and int(name) > 2]
print(chr(10).join(found))
"""


@isolated
def test_the_process_sees_nothing_of_book_course_and_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    gradebook = tmp_path / "gradebook.db"
    gradebook.write_text("points")
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = LOOKING.format(
            root=str(FILE.path.parents[2]),
            temporary=str(tmp_path),
            source=str(FILE.path),
            gradebook=str(gradebook),
            port=server.getsockname()[1],
        )
        seen = []

        def keep(notebook):
            seen.append(next(c for c in notebook.cells if c.source == source.strip()))

        graded(source.strip(), extra=keep)
    text = "".join(output.get("text", output.get("evalue", "")) for output in seen[0].outputs)
    lines = text.splitlines()
    assert "/tmp" in lines and "/usr" in lines  # it did look
    # What it writes into folders of its own namespace is nowhere else.
    written = [line for line in lines if line.startswith("wrote")]
    assert not [line for line in written if os.path.exists(line.removeprefix("wrote ").strip())]
    lines = [line for line in lines if line not in written]
    secrets = ("exercises.md", "chapters", "gradebook", "bookmaker", "network", "secret")
    for word in secrets:
        assert not [line for line in lines if word in line]
    assert not [line for line in lines if line.isdigit()]
    assert gradebook.read_text() == "points"


@isolated
def test_a_hidden_folder_in_a_folder_that_is_needed_is_empty():
    hidden = os.path.dirname(os.path.abspath(pytest.__file__))
    student = Student(QUICK, [hidden])
    try:
        student.ask({"run": f"import os; seen = os.listdir({hidden!r})", "name": "look"})
        assert student.value_of(student.ask({"get": "seen"})) == []
    finally:
        student.close()


@linux
def test_memory_is_measured_from_outside_too():
    """The naive answer, which takes 29 MB where 8 are allowed, and says that it took none."""
    file = read_source(source_of("01_together_or_apart"))
    one = next(e for e in file.exercises if "check_memory" in e.hidden)
    file = dataclasses.replace(file, exercises=[one])
    naive = next(mistake.code for mistake in one.mistakes if "einsum" in mistake.code)
    hides = "import tracemalloc\n\ntracemalloc.get_traced_memory = lambda: (0, 0)\n"
    points, _, errors = graded(hides + naive, file=file)
    assert points == {one.identifier: one.points - one.points // 2}
    assert "by_scenario took" in errors[f"{grade_id(one)}--hidden"]
    assert graded(one.solution, file=file)[0] == {one.identifier: one.points}


def test_a_cell_that_ended_the_process_is_left_out_when_the_others_are_run_again():
    def add(notebook):
        notebook.cells.insert(2, new_code_cell("nothing = 0"))
        later = next(cell for cell in notebook.cells if "features.T" in cell.source)
        later.source = later.source.replace("/ len(label)", "/ len(label) + nothing")

    attack = "import os\nnp = None\nos._exit(0)"
    points, remarks, _ = graded(attack, extra=add)
    assert points == OTHERS
    assert remarks == [
        "cell memorization-cross_index says 'os._exit'",
        "cell memorization-cross_index was stopped: it ended its process",
    ]


def test_all_cells_together_have_a_limit():
    def sleepers(notebook):
        for _ in range(30):
            notebook.cells.insert(2, new_code_cell("import time; time.sleep(0.9)"))

    points, _, errors = graded(FIRST.solution, Limits(1.0, 2.0, waiting=1), extra=sleepers)
    assert set(points.values()) == {0}
    assert "the time for the whole notebook" in errors[f"{grade_id(FIRST)}--public"]


@linux
def test_waiting_for_the_processor_is_no_time_of_the_students():
    """On a busy machine a cell takes longer by the clock, as this one that sleeps does."""
    patient = dataclasses.replace(QUICK, seconds=1.5, waiting=100)
    assert graded(f"import time\n\ntime.sleep(2)\n{FIRST.solution}", patient) == (FULL, [], {})


@pytest.mark.parametrize(
    ("answer", "points"),
    [
        ("def twice(x):\n    return {1: 2, 3: 6}[x]", 0),  # the printed numbers, and no other
        ("def twice(x):\n    return {1: 2, 3: 6}.get(x, 0)", 0),  # a guess, right where x is 0
        ("def twice(x):\n    return 2 * int(x)", 2),  # fails in the first hidden case alone
        ("def twice(x):\n    return 2 * x", 3),
    ],
)
def test_public_tests_count_where_a_hidden_case_passes(answer, points, tmp_path):
    text = TEXT.replace("case(5, expected=10)", "case(5, expected=10), case(0, expected=0)")
    file = read_source(write(tmp_path, text, name="01_small"))
    file = dataclasses.replace(file, exercises=file.exercises[:1])
    found, _, errors = graded(answer, file=file)
    assert found == {"small.twice": points}
    revoked = {"small-twice--public": f"WrongAnswer: {NO_HIDDEN_CASE}"}
    assert points or errors.items() >= revoked.items()


@pytest.mark.parametrize("name", ["a fake module", "patched checks"])
def test_exchanged_functions_of_the_library_are_remarked(name):
    remarks = graded(IN_VAIN[name])[1]
    assert any("the library's recsys_" in line and "exchanged" in line for line in remarks)


def test_a_look_at_frames_is_remarked():
    remarks = graded(IN_VAIN["a look into the caller's frame"])[1]
    assert "cell memorization-cross_index says 'sys.modules'" not in remarks
    assert any("_getframe" in line or "gc.get_" in line for line in remarks)


def test_locked_cells_alone_are_run_here():
    """A student's cell with the name of a test runs in the student's process."""

    def add(notebook):
        mine = new_code_cell(f"import os; print(os.getpid() == {os.getpid()})")
        mine.metadata["nbgrader"] = {"grade_id": "mine--public", "locked": False, "grade": False}
        notebook.cells.insert(2, mine)
        seen.append(mine)

    seen = []
    assert graded(FIRST.solution, extra=add)[0] == FULL
    assert seen[0].outputs[0].text == "False\n"
