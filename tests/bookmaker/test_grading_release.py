"""Lessons are released into a course that is extended and never wiped."""

import json

import nbformat
import pytest
from exercise_text import ALL, HEAD, small, write
from grading_helpers import FIRST, SECOND, copy_course, make_course, student_version, two_files

from bookmaker.__main__ import main
from bookmaker.grading import course as grading_course
from bookmaker.grading.assignment import instructor_notebook
from bookmaker.grading.course import GradingError, open_course, release
from recsys_book.exercises.parsing import ExerciseError
from recsys_book.exercises.source import read_source

pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return two_files(tmp_path_factory.mktemp("chapters"))


@pytest.fixture(scope="module")
def released(files, tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("release") / "course", files[:1])


@pytest.fixture
def course(released, tmp_path):
    return copy_course(released, tmp_path / "course")


def contents(course):
    return {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}


def test_a_second_lesson_leaves_the_first_as_it_is(course, files):
    before = contents(course)
    release(files[1:], course, seed=5)
    after = contents(course)
    changed = {path.name for path in before if after[path] != before[path]}
    assert changed == {"gradebook.db", "released.json"}
    assert set(course.released()) == {FIRST, SECOND}
    with course.api().gradebook as gradebook:
        assert {one.name: one.max_score for one in gradebook.assignments} == {FIRST: 10, SECOND: 10}


def test_the_same_release_again_changes_nothing(course, files):
    before = contents(course)
    assert release(files[:1], course) == {FIRST: course.notebook("release", FIRST)}
    assert contents(course) == before


def test_another_text_is_refused_in_a_line_unless_forced(course, files, tmp_path):
    changed = small(tmp_path, ALL.replace("Write `twice(x)`.", "Write `twice(x)`, please."))
    before = contents(course)
    with pytest.raises(GradingError) as caught:
        release([files[1], changed], course, seed=7)
    assert str(caught.value) == (
        "01_small: expected the text released with no seed, got another, with seed 7; FORCE=1 "
        "writes it again and keeps what students sent"
    )
    # Nor is the lesson written that stands before it.
    assert contents(course) == before
    sent = course.path("submitted", "ann", FIRST)
    sent.mkdir(parents=True)
    (sent / f"{FIRST}.ipynb").write_text("what ann sent")
    release([changed], course, seed=7, force=True)
    assert ", please." in course.notebook("release", FIRST).read_text()
    assert (sent / f"{FIRST}.ipynb").read_text() == "what ann sent"
    assert course.released()[FIRST]["seed"] == 7


def test_students_do_not_learn_the_seed(tmp_path, released, files):
    course = copy_course(released, tmp_path / "course")
    release(files[1:], course, seed=19283746)
    for path in (course.root / "release").rglob("*"):
        assert not path.is_file() or "19283746" not in path.read_text()
    assert course.released()[SECOND]["seed"] == 19283746


def test_a_release_that_was_interrupted_is_written_again(course, files):
    course.notebook("release", FIRST).unlink()
    release(files[:1], course)
    assert course.notebook("release", FIRST).exists()
    (course.root / "released.json").write_text("{}")
    release(files[:1], course)
    assert set(course.released()) == {FIRST}


def test_the_instructors_own_configuration_is_kept(course):
    path = course.root / "nbgrader_config.py"
    path.write_text(path.read_text() + "c.Execute.timeout = 77\n")
    assert open_course(course.root, create=True).api().config.Execute.timeout == 77


def test_the_student_version_holds_no_solution_and_no_hidden_test(course, files):
    notebook = student_version(course, FIRST)
    text = nbformat.writes(notebook)
    for secret in ("BEGIN", "END", "an array", "return result", 'right=\\"b\\"', "says because"):
        assert secret not in text
    assert any(one.source == files[0].exercises[0].starter for one in notebook.cells)
    assert [path.name for path in course.notebook("release", FIRST).parent.iterdir()] == [
        f"{FIRST}.ipynb"
    ]


def test_a_leak_is_not_released(course, tmp_path, monkeypatch):
    monkeypatch.setattr(grading_course, "leaked_lines", lambda *_: ["return 7", "x = 1"])
    path = write(tmp_path, ALL.replace("`small.", "`leaking."), name="03_leak")
    with pytest.raises(GradingError, match="would hold 2 lines "):
        release([read_source(path)], course)
    assert not course.notebook("release", "03_leak").parent.exists()
    assert set(course.released()) == {FIRST}


def test_a_fault_of_nbgrader_is_one_line(course, tmp_path, monkeypatch):
    file = read_source(write(tmp_path, ALL.replace("`small.", "`odd."), name="03_odd"))
    monkeypatch.setattr(grading_course, "instructor_notebook", with_two_equal_ids)
    with pytest.raises(GradingError) as caught:
        release([file], course)
    assert "nbgrader refused it: " in str(caught.value) and "\n" not in str(caught.value)
    assert set(course.released()) == {FIRST}


def with_two_equal_ids(file):
    notebook = instructor_notebook(file)
    notebook.cells[3].metadata.nbgrader.grade_id = notebook.cells[4].metadata.nbgrader.grade_id
    return notebook


def test_a_lesson_without_exercises_is_refused(course, tmp_path):
    with pytest.raises(ExerciseError, match="no exercises"):
        release([small(tmp_path, HEAD)], course)


def test_the_command_line(tmp_path, capsys):
    chapters, course = tmp_path / "chapters", tmp_path / "a course"
    two_files(chapters)
    command = ["--chapters", str(chapters)]
    assert main([*command, "grade", "--course", str(course)]) == 1
    assert capsys.readouterr().err.endswith(
        "expected a course, found none; `make assignment` first\n"
    )
    assert main([*command, "assignment", FIRST, "--course", str(course), "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        str(course / "release" / FIRST / f"{FIRST}.ipynb"),
        "1 of 4 exercises are drawn from the seed; the others are the book's",
    ]
    assert json.loads((course / "released.json").read_text())[FIRST]["seed"] == 3
    assert main([*command, "assignment", "--course", str(course)]) == 1
    assert capsys.readouterr().err.startswith(f"{FIRST}: expected the text released with seed 3")
    assert main([*command, "assignment", "99_none", "--course", str(course)]) == 1
    assert "no lesson of this name with exercises" in capsys.readouterr().err
    assert main([*command, "collect", "", "--course", str(course)]) == 1
    assert capsys.readouterr().err == (
        "collect: expected SUBMISSIONS=folder of what students sent, got nothing\n"
    )
