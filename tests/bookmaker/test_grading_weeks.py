"""Two weeks of a course, with nbgrader's own gradebook, feedback, export and commands."""

import csv
import dataclasses
import html
import os
import re
import subprocess
import sys

import nbformat
import pytest
from grading_helpers import (
    FIRST,
    SECOND,
    cell,
    copy_course,
    fill,
    make_course,
    student_version,
    submit,
    two_files,
)

from bookmaker.__main__ import main
from bookmaker.grading.collect import collect
from bookmaker.grading.course import GradingError, release
from bookmaker.grading.grade import grade
from bookmaker.grading.roster import import_roster
from recsys_book.exercises.source import read_source

pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")

ROSTER = """\
id,first_name,last_name,email,lms_user_id,sis_user_id,sis_login_id,section
ann,Ann,Lee,ann@example.org,4711,S1,alee,A
bob,Bob,Ray,bob@example.org,4712,S2,bray,B
eve,Eve,=Ott,eve@example.org,4713,S3,eott,B
"""
HIDDEN = "case 1 of 2 (an array)"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return two_files(tmp_path_factory.mktemp("chapters"))


@pytest.fixture(scope="module")
def first_week(files, tmp_path_factory):
    """Ann and Bob have handed in the first lesson, and are graded."""
    folder = tmp_path_factory.mktemp("weeks")
    course = make_course(folder / "course", files)
    (folder / "roster.csv").write_text(ROSTER)
    import_roster(folder / "roster.csv", course)
    given = student_version(course, FIRST)

    def bobs(notebook):
        fill(files[0])(notebook)
        cell(notebook, "small-twice").source = "def twice(x):\n    return 2 * int(x)"
        cell(notebook, "small-throw").source = "guess = 1"
        cell(notebook, "small-words").source = files[0].exercises[3].starter

    submit(folder / "sent", "ann", FIRST, given, fill(files[0]))
    submit(folder / "sent", "bob", FIRST, given, bobs)
    list(collect(folder / "sent", course))
    lines = list(grade(course))
    return course, lines


@pytest.fixture
def course(first_week, tmp_path):
    return copy_course(first_week[0], tmp_path / "course")


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def give(course, student, lesson, exercise, points, comment):
    """What a person does in the formgrader."""
    with course.api().gradebook as gradebook:
        mark = gradebook.find_grade(exercise, lesson, lesson, student)
        mark.manual_score, mark.needs_manual_grade = points, False
        gradebook.find_comment(exercise, lesson, lesson, student).manual_comment = comment
        gradebook.db.commit()


def test_the_first_grades(first_week):
    assert first_week[1] == [
        ("ann", FIRST, "6 of 10 points, a person has yet to give some"),
        ("bob", FIRST, "3 of 10 points"),
    ]
    # Nothing is graded twice.
    assert list(grade(first_week[0])) == []


def test_points_and_comments_of_a_person_reach_feedback_and_export(course, capsys):
    command = ["--course", str(course.root)]
    give(course, "ann", FIRST, "small-words", 3, "Because of what, though?")
    assert main(["feedback", *command]) == 0
    page = course.path("feedback", "ann", FIRST) / f"{FIRST}.html"
    assert f"ann, {FIRST}: {page}" in capsys.readouterr().out
    assert "Because of what, though?" in page.read_text()
    # The rubric is back: whoever grades has it before the eyes, and the student reads it after.
    assert "4 points: says because." in page.read_text()
    assert "<h1>Exercises: Small: 9.0 of 10.0 points</h1>" in page.read_text()
    assert main(["export", *command]) == 0
    grades = course.root / "grades"
    said = capsys.readouterr().out.splitlines()
    assert said == [
        str(grades / f"{name}.csv") for name in ("grades", "canvas", "moodle", "nbgrader")
    ]
    ann, bob = rows(grades / "grades.csv")
    assert (ann["student"], ann["points"], ann["pending"], ann["of"]) == ("ann", "9", "0", "10")
    parts = {key: ann[key] for key in ann if key.startswith("small.")}
    assert parts == {
        "small.twice": "3",
        "small.letter": "1",
        "small.throw": "2",
        "small.words": "3",
    }
    assert (bob["points"], bob["small.twice"], bob["small.words"]) == ("3", "2", "0")
    canvas = (grades / "canvas.csv").read_text().splitlines()
    assert canvas == [
        f"Student,ID,SIS User ID,SIS Login ID,Section,{FIRST},{SECOND}",
        "    Points Possible,,,,,10,10",
        '"\'=Ott, Eve",4713,S3,eott,B,,',
        '"Lee, Ann",4711,S1,alee,A,9,',
        '"Ray, Bob",4712,S2,bray,B,3,',
    ]
    assert rows(grades / "moodle.csv")[1] == {
        "First name": "Ann",
        "Last name": "Lee",
        "ID number": "ann",
        "Email address": "ann@example.org",
        FIRST: "9",
        SECOND: "",
    }
    own = {(row["student_id"], row["assignment"]): row["score"] for row in rows(said[3])}
    assert own[("ann", FIRST)] == "9.0" and own[("eve", SECOND)] == "0.0"


def test_what_waits_for_a_person_is_no_final_grade(course, capsys):
    assert main(["export", "--course", str(course.root)]) == 0
    assert "1 submissions wait for points" in capsys.readouterr().out
    ann, _ = rows(course.root / "grades" / "grades.csv")
    assert (ann["points"], ann["pending"], ann["small.words"]) == ("6", "4", "pending")
    assert rows(course.root / "grades" / "moodle.csv")[1][FIRST] == ""


def test_feedback_tells_what_failed_and_not_the_hidden_case(course, files, tmp_path):
    command = ["--course", str(course.root)]
    main(["feedback", *command])
    page = (course.path("feedback", "bob", FIRST) / f"{FIRST}.html").read_text()
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    assert f"WrongAnswer: {HIDDEN}\n" in text
    for secret in ("np.arange", "array([0", "BEGIN HIDDEN", 'right="b"'):
        assert secret not in text
    # A public test may be shown whole.
    assert "predicted  1\n  measured   0.52" in text
    graded = course.path("autograded", "bob", FIRST) / f"{FIRST}.ipynb"
    assert "np.arange(3)" in graded.read_text()


def test_a_second_week_and_a_second_try(course, files, tmp_path, capsys):
    give(course, "ann", FIRST, "small-words", 3, "Because of what, though?")
    before = course.record("ann", FIRST)
    sent = tmp_path / "sent"
    submit(sent, "ann", SECOND, student_version(course, SECOND), fill(files[1]))
    submit(sent, "bob", FIRST, student_version(course, FIRST), fill(files[0]))
    (sent / "eve").mkdir()
    (sent / "eve" / f"{SECOND}.ipynb").write_text("Dear teacher,")
    command = ["--course", str(course.root)]
    assert main(["collect", str(sent), *command]) == 0
    assert main(["grade", *command]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        f"bob, {FIRST}: 6 of 10 points, a person has yet to give some",
        f"ann, {SECOND}: 6 of 10 points, a person has yet to give some",
    ]
    assert "3 new; `make grade` grades them" in lines
    main(["export", *command])
    table = {
        (row["student"], row["lesson"]): row for row in rows(course.root / "grades/grades.csv")
    }
    # The first week is as it was, with the points that a person gave.
    assert course.record("ann", FIRST) == before
    assert table["ann", FIRST]["points"] == "9"
    assert table["ann", SECOND]["other.twice"] == "3"
    assert "4 answers, 3 before" in table["bob", FIRST]["remark"]
    assert (table["eve", SECOND]["points"], table["eve", SECOND]["of"]) == ("0", "")
    assert "not a notebook" in table["eve", SECOND]["remark"]


def test_nbgraders_own_command_grades_as_ours_does(course, files, tmp_path):
    submit(tmp_path / "sent", "eve", SECOND, student_version(course, SECOND), fill(files[1]))
    list(collect(tmp_path / "sent", course))
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "JUPYTER_CONFIG_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "nbgrader", "autograde", SECOND]
    done = subprocess.run(
        command, cwd=course.root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert course.record("eve", SECOND)["graded"]["fingerprint"] == course.fingerprint(
        "eve", SECOND
    )
    assert list(grade(course)) == []
    graded = nbformat.read(
        course.path("autograded", "eve", SECOND) / f"{SECOND}.ipynb", as_version=4
    )
    assert any("an array" in one.source for one in graded.cells)


def test_the_note_that_nbgrader_makes_is_ours(course):
    path = course.path("submitted", "ann", FIRST) / f"{FIRST}.ipynb"
    path.write_text(f"{path.read_text()}\n")
    assert course.record("ann", FIRST)["graded"]["fingerprint"] != course.fingerprint("ann", FIRST)
    # As the button of the formgrader does.
    assert course.api().autograde(FIRST, "ann")["success"]
    assert list(grade(course)) == []


def test_one_that_cannot_be_graded_stops_no_other(course, files, tmp_path, monkeypatch, capsys):
    for student in ("ann", "bob"):
        submit(tmp_path / "sent", student, SECOND, student_version(course, SECOND), fill(files[1]))
    list(collect(tmp_path / "sent", course))
    broken = course.path("submitted", "ann", SECOND) / f"{SECOND}.ipynb"
    whole = broken.read_text()
    broken.write_text("spoiled on the disk")
    results = list(grade(course))
    assert [one[:2] for one in results] == [("ann", SECOND), ("bob", SECOND)]
    assert results[0][2].startswith("not graded: ") and "\n" not in results[0][2]
    assert results[1][2].startswith("6 of 10 points")
    main(["export", "--course", str(course.root)])
    table = {
        (row["student"], row["lesson"]): row for row in rows(course.root / "grades/grades.csv")
    }
    assert table["ann", SECOND]["remark"].startswith("not graded: ")
    assert table["ann", SECOND]["points"] == "0"
    broken.write_text(whole)
    assert [one[:2] for one in grade(course)] == [("ann", SECOND)]


def test_a_round_that_was_stopped_goes_on(course, files, tmp_path, monkeypatch):
    for student in ("ann", "bob"):
        submit(tmp_path / "sent", student, SECOND, student_version(course, SECOND), fill(files[1]))
    list(collect(tmp_path / "sent", course))
    from nbgrader.preprocessors import SaveAutoGrades

    once = SaveAutoGrades.preprocess

    def interrupted(self, nb, resources):
        if resources["nbgrader"]["student"] == "bob":
            raise KeyboardInterrupt
        return once(self, nb, resources)

    monkeypatch.setattr(SaveAutoGrades, "preprocess", interrupted)
    results = grade(course)
    assert next(results)[:2] == ("ann", SECOND)
    # Ann's grade is on disk before Bob's turn comes.
    assert course.record("ann", SECOND)["graded"]["fault"] == ""
    with pytest.raises(KeyboardInterrupt):
        next(results)
    monkeypatch.undo()
    assert [one[:2] for one in grade(course)] == [("bob", SECOND)]


def test_an_exercise_cannot_be_removed_once_somebody_is_graded(course, files):
    shorter = dataclasses.replace(files[0], exercises=files[0].exercises[:3])
    before = course.notebook("release", FIRST).read_bytes(), course.released()
    with pytest.raises(GradingError, match=r"nbgrader refused it: .* submissions"):
        release([shorter], course, force=True)
    # All is as it was: the lesson is released, and nobody has to be graded again.
    assert (course.notebook("release", FIRST).read_bytes(), course.released()) == before
    assert list(grade(course)) == []


def test_new_tests_grade_again(course, files):
    text = files[0].path.read_text()
    path = files[0].path.parents[1] / "01_changed" / files[0].path.name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.replace("case(np.arange", "case(0 * np.arange"))
    release([read_source(path)], course, force=True)
    assert [one[:2] for one in grade(course)] == [("ann", FIRST), ("bob", FIRST)]
