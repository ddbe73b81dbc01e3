"""A round of thirty submissions with all recorded attacks, by nbgrader's own autograde."""

import contextlib
import os
import textwrap
import time

import nbformat
import pytest
from grading_attacks import GROWING, IN_VAIN, STOPPED
from grading_helpers import cell, fill, make_course, reachable, student_version, submit

from bookmaker.grading import sandbox
from bookmaker.grading.assignment import grade_id
from bookmaker.grading.collect import collect
from bookmaker.grading.grade import grade
from recsys_book.exercises.source import read_source, source_of

pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")
pytestmark = pytest.mark.skipif(
    not sandbox.best_way()[0].isolated, reason="no namespaces on this machine"
)

LESSON = "01_wide_and_deep"
FILE = read_source(source_of(LESSON))
LIMITS = """
c.IsolatedExecute.seconds = 5
c.IsolatedExecute.waiting = 1
c.IsolatedExecute.memory_bytes = 500 << 20
c.IsolatedExecute.processes = 8
"""
OVERWRITES = """
import json, os

marks = json.dumps({{"cells": {{"memorization-cross_index--hidden": {{"points": 750, "of": 18}}}}}})
for top in (os.getcwd(), os.path.expanduser("~"), {chapters!r}, {root!r}):
    for folder, _, names in os.walk(top):
        for name in ["marks.json", *names]:
            try:
                with open(os.path.join(folder, name), "w") as file:
                    file.write(marks)
            except OSError:
                pass
"""


def forges(notebook):
    """No work done, but every test replaced, and worth a hundred points."""
    for one in notebook.cells:
        if one.metadata.nbgrader.grade and one.cell_type == "code":
            one.metadata.nbgrader.points = 100
            if one.metadata.nbgrader.locked:
                one.source = "pass"
                one.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "100"})]


@pytest.fixture(scope="module")
def round_of_thirty(tmp_path_factory):
    """The course, what each student should get, what each got, and the seconds."""
    folder = tmp_path_factory.mktemp("round")
    course = make_course(folder / "course", [FILE])
    with open(course.root / "nbgrader_config.py", "a") as file:
        file.write(LIMITS)
    given, first = student_version(course, LESSON), FILE.exercises[0]
    attacks = {name: code for name, code in IN_VAIN.items()}
    attacks |= {name: code for name, (code, *_) in {**STOPPED, **GROWING}.items()}
    attacks["overwritten marks"] = OVERWRITES.format(
        root=str(folder), chapters=str(FILE.path.parents[1])
    )
    wanted = {}

    def hand_in(student, points, change=None):
        wanted[student] = points
        submit(folder / "sent", student, LESSON, given, change)

    for number, code in enumerate(attacks.values()):

        def attacked(notebook, code=code):
            fill(FILE)(notebook)
            cell(notebook, grade_id(first)).source = textwrap.dedent(code)

        hand_in(f"a{number:02}", reachable(FILE) - first.points, attacked)
    hand_in("forger", 0, forges)
    hand_in("blank", 0)
    while len(wanted) < 30:
        hand_in(f"honest{len(wanted)}", reachable(FILE), fill(FILE))
    list(collect(folder / "sent", course))
    before = {path: path.read_bytes() for path in (course.root / "release").rglob("*.ipynb")}
    started = time.monotonic()
    lines = list(grade(course))
    seconds = time.monotonic() - started
    assert before == {path: path.read_bytes() for path in before}
    got = {}
    with course.api().gradebook as gradebook:
        for student in wanted:
            submission = gradebook.find_submission(LESSON, student)
            got[student] = (submission.score, submission.max_score)
    names = dict(zip(sorted(one for one in wanted if one[0] == "a"), attacks, strict=True))
    for student, name in [*names.items(), *((one, one) for one in wanted if one not in names)]:
        remarks = "; ".join(course.record(student, LESSON)["graded"]["remarks"])
        print(f"{name}: {got[student][0]:g}, {remarks}")
    print(f"{seconds:.0f} s for {len(lines)} submissions")
    return course, wanted, got, lines


def test_each_gets_what_was_earned_honestly(round_of_thirty):
    _, wanted, got, lines = round_of_thirty
    assert len(wanted) == len(lines) == 30
    assert not [line for line in lines if "not graded" in line[2]]
    assert {student: points for student, (points, _) in got.items()} == wanted
    assert {of for _, of in got.values()} == {float(sum(one.points for one in FILE.exercises))}


def test_what_was_stopped_has_a_remark_and_the_honest_have_none(round_of_thirty):
    course, wanted, _, _ = round_of_thirty
    remarks = {student: course.record(student, LESSON)["graded"]["remarks"] for student in wanted}
    assert not [one for one in wanted if one.startswith("honest") and remarks[one]]
    count = len(IN_VAIN) + len(STOPPED) + len(GROWING)
    stopped = [f"a{number:02}" for number in range(len(IN_VAIN), count)]
    assert all(any("was stopped" in line for line in remarks[one]) for one in stopped)


def command_of(process):
    with contextlib.suppress(OSError), open(f"/proc/{process}/cmdline") as file:
        return file.read()
    return ""


def ancestors(process):
    """Numbers of a process's parent, its parent, and so on."""
    with contextlib.suppress(OSError, ValueError):
        while process > 1:
            with open(f"/proc/{process}/stat") as file:
                process = int(file.read().rpartition(")")[2].split()[1])
            yield process


def is_of_another_test(process):
    """Whether tests that run beside these have started it; what outlives its test has no parent."""
    above = list(ancestors(process))
    testing = [
        one for one in above if "pytest" in command_of(one) or "exec(eval" in command_of(one)
    ]
    return bool(testing) and os.getpid() not in above


def test_nothing_is_left_of_the_processes(round_of_thirty):
    numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    found = [one for one in numbers if "student_process" in command_of(one)]
    assert [one for one in found if not is_of_another_test(one)] == []
