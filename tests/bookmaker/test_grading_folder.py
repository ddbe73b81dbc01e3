"""A folder of submissions of every kind is graded to the end, with the right marks."""

import csv
import io
import time

import nbformat
import pytest
from grading_helpers import cell, fill, reachable, submit

from bookmaker.__main__ import main
from bookmaker.grading import grade as grading
from bookmaker.grading import report as grading_report
from bookmaker.grading.assignment import grade_id
from bookmaker.grading.course import write_assignments
from recsys_lib.book.exercises.source import read_source, source_of

pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")

LESSON = "01_wide_and_deep"
FIRST = "memorization-cross_index"
STUBBORN = """\
def cross_index(first, second, vocabulary_sizes):
    while True:
        try:
            pass
        except BaseException:
            pass"""


def ends_the_kernel(notebook):
    cell(notebook, FIRST).source = "import os\n\nos._exit(1)"


def never_ends(notebook):
    cell(notebook, FIRST).source = STUBBORN


def raises(notebook):
    cell(notebook, FIRST).source = "def cross_index(*arguments):\n    raise MemoryError('too big')"


def tampers(notebook):
    """No work done, but every test replaced, and worth a hundred points."""
    for one in notebook.cells:
        if one.metadata.nbgrader.grade and one.cell_type == "code":
            one.metadata.nbgrader.points = 100
            if one.metadata.nbgrader.locked:
                one.source = "pass"


def removes(notebook):
    """Setup, one solution and two tests are gone; metadata of the others is lost."""
    gone = ("setup", f"{FIRST}--public", f"{FIRST}--hidden", "memorization-gradient")
    notebook.cells = [c for c in notebook.cells if c.metadata.nbgrader.grade_id not in gone]
    notebook.cells.insert(0, nbformat.v4.new_code_cell("case = check_cases = 'shadowed'"))
    notebook.metadata["kernelspec"] = {"name": "no-such-kernel", "display_name": "Elsewhere"}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The grades by student, and the seconds that the whole folder took."""
    file = read_source(source_of(LESSON))
    folder = tmp_path_factory.mktemp("submissions")
    scratch = tmp_path_factory.mktemp("scratch") / "course"
    paths = write_assignments([file], tmp_path_factory.mktemp("assignments"), scratch)
    released = nbformat.read(paths[LESSON], as_version=4)

    def filled_then(change):
        def both(notebook):
            fill(file)(notebook)
            change(notebook)

        return both

    def first_mistake(one):
        return one.mistakes[0].code if one.mistakes else one.starter

    submit(folder, "perfect", LESSON, released, fill(file))
    submit(folder, "blank", LESSON, released)
    submit(folder, "wrong", LESSON, released, fill(file, first_mistake))
    submit(folder, "crashing", LESSON, released, filled_then(ends_the_kernel))
    submit(folder, "raising", LESSON, released, filled_then(raises))
    submit(folder, "endless", LESSON, released, filled_then(never_ends))
    submit(folder, "tampered", LESSON, released, tampers)
    submit(folder, "removed", LESSON, released, filled_then(removes))
    (folder / "essay").mkdir()
    (folder / "essay" / f"{LESSON}.ipynb").write_text("Dear teacher,")
    (folder / "absent").mkdir()
    # Beside the folders a flat file, told by what it holds.
    flat = submit(folder, "flat", LESSON, released, fill(file))
    flat.rename(folder / "=flat.ipynb")
    flat.parent.rmdir()
    started = time.monotonic()
    grades = {one.student: one for one in grading.grade(folder, seconds=4)}
    return file, grades, time.monotonic() - started


def points(grade):
    return {mark.identifier: mark.points for mark in grade.marks}


def test_it_takes_less_than_two_minutes(graded):
    assert graded[2] < 120


def test_perfect_blank_and_wrong(graded):
    file, grades, _ = graded
    for name in ("perfect", "=flat"):
        assert (grades[name].points, grades[name].fault) == (reachable(file), "")
        assert grades[name].pending == grades[name].of - reachable(file) > 0
    assert (grades["blank"].points, grades["blank"].pending, grades["blank"].fault) == (0, 0, "")
    assert (grades["wrong"].points, grades["wrong"].fault) == (0, "")


@pytest.mark.parametrize(
    ("student", "reason"),
    [
        ("crashing", "your cell: RuntimeError: this cell ended the kernel"),
        ("endless", "public tests: RuntimeError: this cell ran longer than 4 s"),
        ("raising", "raised    MemoryError: too big"),
    ],
)
def test_a_broken_solution_costs_its_own_points_only(graded, student, reason):
    file, grades, _ = graded
    grade = grades[student]
    assert grade.fault == ""
    lost = next(one for one in file.exercises if grade_id(one) == FIRST)
    assert points(grade) == {**points(grades["perfect"]), lost.identifier: 0}
    assert any(reason in message for message in grade.marks[0].messages)


def test_tampered_tests_are_put_back(graded):
    grade = graded[1]["tampered"]
    assert (grade.points, grade.fault) == (0, "")
    assert grade.of == graded[1]["perfect"].of
    assert f"cell {FIRST}--public was changed; the original was put back" in grade.notes


def test_removed_cells_are_put_back(graded):
    grade = graded[1]["removed"]
    expected = {**points(graded[1]["perfect"]), "memorization.gradient": 0}
    assert points(grade) == expected and grade.fault == ""
    assert f"cell {FIRST}--hidden was missing" in grade.notes


def test_what_is_no_notebook_gets_zero_with_a_reason(graded):
    grades = graded[1]
    assert grades["essay"].points == 0 and grades["essay"].of == grades["perfect"].of
    assert grades["essay"].fault.startswith("not a notebook: Expecting value")
    assert (grades["absent"].points, grades["absent"].fault) == (0, "no file was handed in")


def test_the_report_has_a_row_and_a_page_for_each_student(graded, tmp_path):
    grades = sorted(graded[1].values(), key=lambda one: one.student)
    path = grading_report.write_report(grades, tmp_path)
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert len(rows) == len(grades)
    by_student = {row["student"]: row for row in rows}
    assert by_student["perfect"]["memorization.when_not"] == "pending"
    assert by_student["wrong"]["memorization.cross_index"] == "0"
    # A spreadsheet would take this name for a formula.
    assert "'=flat" in by_student
    for grade in grades:
        page = (tmp_path / f"{grade.student}.html").read_text()
        assert f"of {grade.of} points" in page
    page = (tmp_path / "wrong.html").read_text()
    assert "expected  array([4, 2])" in page and "http" not in page
    # Of a hidden test only the first line of what failed.
    hidden = page[page.index("hidden tests: ") :]
    assert "expected" not in hidden[: hidden.index("</pre>")]


def test_the_command_line_names_what_it_cannot_grade(tmp_path, capsys):
    assert main(["grade", str(tmp_path / "none")]) == 1
    assert "no such folder of submissions" in capsys.readouterr().err
    assert main(["grade", str(tmp_path)]) == 1
    assert "holds no submission" in capsys.readouterr().err
    assert main(["assignment", "99_none", "--into", str(tmp_path)]) == 1
    assert "no lesson of this name with exercises" in capsys.readouterr().err
