"""The real nbgrader round for every lesson with exercises: full marks and none."""

import re

import nbformat
import pytest
from grading_helpers import fill, reachable, submit
from selected import values

from bookmaker.grading import grade as grading
from bookmaker.grading.course import write_assignments
from recsys_lib.book.exercises.source import find_sources, read_source

pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")
FILES = [read_source(path) for path in find_sources()]


@pytest.fixture(scope="module")
def files(request):
    """The exercises files whose tests run: all, or those that changed."""
    return values(request, "file")


@pytest.fixture(scope="module")
def assignments(files, tmp_path_factory):
    """Path of the student version by lesson."""
    folder = tmp_path_factory.mktemp("assignments")
    scratch = tmp_path_factory.mktemp("scratch")
    return write_assignments(files, folder, scratch / "course")


@pytest.fixture(scope="module")
def grades(files, assignments, tmp_path_factory):
    """Grades by student and lesson, all from one folder."""
    folder = tmp_path_factory.mktemp("submissions")
    for file in files:
        released = nbformat.read(assignments[file.lesson], as_version=4)
        submit(folder, "full", file.lesson, released, fill(file))
        submit(folder, "zero", file.lesson, released)
    return {(one.student, one.lesson): one for one in grading.grade(folder)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.lesson)
def test_the_reference_gets_full_marks_and_the_blank_none(grades, file):
    full, zero = grades["full", file.lesson], grades["zero", file.lesson]
    assert (full.fault, full.notes, zero.fault, zero.notes) == ("", [], "", [])
    for mark in full.marks:
        assert (mark.points, mark.pending) == (
            (0, mark.of) if mark.kind == "open" else (mark.of, 0)
        )
    assert full.points == reachable(file)
    assert [(mark.points, mark.pending) for mark in zero.marks] == [(0, 0)] * len(zero.marks)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.lesson)
def test_the_student_file_holds_no_line_of_a_solution(assignments, file):
    path = assignments[file.lesson]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    notebook = nbformat.read(path, as_version=4)
    text = path.read_text(encoding="utf-8")
    assert "BEGIN" not in text and "END" not in text
    held = {line.strip() for cell in notebook.cells for line in cell.source.splitlines()}
    source = file.path.read_text(encoding="utf-8")
    regions = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", source, flags=re.DOTALL)
    assert len(regions) >= len(file.exercises)
    for line in "\n".join(regions).splitlines():
        assert len(line.strip()) < 8 or line.strip() not in held
    for one in file.exercises:
        for secret in (one.explanation, one.rubric, *one.hints, *(m.text for m in one.mistakes)):
            assert not secret or " ".join(secret.split()) not in " ".join(text.split())
        # The starter stands there as in the lesson.
        assert any(cell.source == one.starter for cell in notebook.cells)
