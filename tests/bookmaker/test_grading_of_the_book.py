"""The real nbgrader round for every lesson with exercises: full marks and none."""

import re

import nbformat
import pytest
from grading_helpers import fill, reachable, student_version, submit

from bookmaker.grading.assignment import grade_id
from bookmaker.grading.collect import collect
from bookmaker.grading.course import open_course, release
from bookmaker.grading.grade import grade
from recsys_book.exercises.source import find_sources, read_source
from recsys_book.exercises.variants import variant_of

pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")
FILES = [read_source(path) for path in find_sources()]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """One course for all lessons: nbgrader spends seconds on each new gradebook."""
    return open_course(tmp_path_factory.mktemp("book") / "course", create=True)


def points_by_exercise(course, file, student):
    """``{identifier: (points, whether a person has yet to give some)}``."""
    with course.api().gradebook as gradebook:
        notebook = gradebook.find_submission_notebook(file.lesson, file.lesson, student)
        cells = {one.name: (one.score, one.needs_manual_grade) for one in notebook.grades}
    found = {}
    for one in file.exercises:
        parts = [cells.get(grade_id(one, part)) for part in ("", "public", "hidden")]
        parts = [part for part in parts if part is not None]
        found[one.identifier] = (sum(part[0] for part in parts), any(part[1] for part in parts))
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.lesson)
def test_the_reference_gets_full_marks_and_the_blank_none(course, file, tmp_path):
    release([file], course)
    given = student_version(course, file.lesson)
    submit(tmp_path, "full", file.lesson, given, fill(file))
    submit(tmp_path, "zero", file.lesson, given)
    assert [one[2] for one in collect(tmp_path, course)] == [[], []]
    waits = ", a person has yet to give some"
    total = sum(one.points for one in file.exercises)
    assert list(grade(course, [file.lesson])) == [
        (
            "full",
            file.lesson,
            f"{reachable(file)} of {total} points{waits if reachable(file) < total else ''}",
        ),
        ("zero", file.lesson, f"0 of {total} points"),
    ]
    assert points_by_exercise(course, file, "full") == {
        one.identifier: (0, True) if one.kind == "open" else (one.points, False)
        for one in file.exercises
    }
    blank = points_by_exercise(course, file, "zero")
    assert set(blank.values()) == {(0, False)}
    for student in ("full", "zero"):
        assert course.record(student, file.lesson)["graded"]["remarks"] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.lesson)
def test_the_student_file_holds_no_line_of_a_solution(course, file):
    path = release([file], course)[file.lesson]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    notebook = nbformat.read(path, as_version=4)
    text = path.read_text(encoding="utf-8")
    assert "BEGIN" not in text and "END" not in text
    held = {line.strip() for cell in notebook.cells for line in cell.source.splitlines()}
    solutions = "\n".join(one.solution for one in file.exercises)
    regions = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", solutions, flags=re.DOTALL)
    assert len(regions) >= len(file.exercises)
    for line in "\n".join(regions).splitlines():
        assert len(line.strip()) < 8 or line.strip() not in held
    for one in file.exercises:
        for secret in (one.explanation, one.rubric, *one.hints, *(m.text for m in one.mistakes)):
            assert not secret or " ".join(secret.split()) not in " ".join(text.split())
        # The starter stands there as in the lesson.
        assert any(cell.source == one.starter for cell in notebook.cells)


@pytest.mark.parametrize(
    "file",
    [file for file in FILES if any(one.varies == "task" for one in file.exercises)],
    ids=lambda file: file.lesson,
)
def test_a_seed_makes_the_solutions_of_the_book_worthless(course, file, tmp_path):
    """The last test: it leaves another release of the lesson behind."""
    drawn = variant_of(file, 2026)
    release([drawn], course, seed=2026, force=True)
    given = student_version(course, file.lesson)
    submit(tmp_path, "seeded", file.lesson, given, fill(drawn))
    submit(tmp_path, "copied", file.lesson, given, fill(file))
    list(collect(tmp_path, course))
    list(grade(course, [file.lesson]))
    seeded = points_by_exercise(course, file, "seeded")
    copied = points_by_exercise(course, file, "copied")
    for one in file.exercises:
        if one.kind != "open":
            assert seeded[one.identifier] == (one.points, False)
        if one.varies == "task":
            assert copied[one.identifier][0] < one.points
