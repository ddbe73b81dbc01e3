"""Due dates, extensions and penalties: from the command line and the roster to the marks."""

import csv
import os
from datetime import UTC, datetime, timedelta

import pytest
from grading_helpers import (
    FIRST,
    SECOND,
    copy_course,
    fill,
    make_course,
    student_version,
    submit,
    two_files,
)

from bookmaker.__main__ import main
from bookmaker.grading.collect import collect
from bookmaker.grading.course import open_course
from bookmaker.grading.grade import grade
from bookmaker.grading.late import set_due
from bookmaker.grading.roster import import_roster
from recsys_book.reader.week import this_week

pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")

DUE = datetime(2026, 12, 8, 18, tzinfo=UTC)
ROSTER = f"""\
id,lms_user_id,due {FIRST}
ann,1,
bob,2,
cid,3,2026-12-11T18:00+00:00
dan,4,
eve,5,
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return two_files(tmp_path_factory.mktemp("chapters"))


@pytest.fixture(scope="module")
def late_course(files, tmp_path_factory):
    """Ann is in time, Bob and Cid two days and an hour late, Dan and Eve as Canvas says."""
    folder = tmp_path_factory.mktemp("late")
    course = make_course(folder / "course", files[:1])
    set_due(course, [FIRST], DUE)
    (folder / "roster.csv").write_text(ROSTER)
    import_roster(folder / "roster.csv", course)
    given = student_version(course, FIRST)
    hours = {"ann": -1, "bob": 49, "cid": 49}
    for student, late in hours.items():
        path = submit(folder / "sent", student, FIRST, given, fill(files[0]))
        moment = (DUE + timedelta(hours=late)).timestamp()
        os.utime(path, (moment, moment))
    names = {f"d_LATE_4_99_{FIRST}": -2, f"e_5_98_{FIRST}": 100}
    for name, late in names.items():
        path = submit(folder / "sent", "once", FIRST, given, fill(files[0]))
        path = path.rename(folder / "sent" / f"{name}.ipynb")
        path.parent.joinpath("once").rmdir()
        moment = (DUE + timedelta(hours=late)).timestamp()
        os.utime(path, (moment, moment))
    list(collect(folder / "sent", course))
    lines = list(grade(course))
    return course, {student: line for student, _, line in lines}


@pytest.fixture
def course(late_course, tmp_path):
    return copy_course(late_course[0], tmp_path / "course")


def configure(course, line):
    with open(course.root / "nbgrader_config.py", "a") as file:
        file.write(f"\n{line}\n")


def marks(course):
    """What export says: hours late, penalty and points of each student."""
    main(["export", "--course", str(course.root)])
    with open(course.root / "grades" / "grades.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        row["student"]: tuple(float(row[key]) for key in ("hours_late", "penalty", "points"))
        for row in rows
    }


def test_lateness_by_file_by_extension_and_by_canvas(late_course):
    course, lines = late_course
    waits = "6 of 10 points, a person has yet to give some"
    assert lines == {
        "ann": waits,
        "bob": f"{waits}, 2 d 1 h late",
        "cid": waits,
        "dan": f"{waits}, 1 h late",
        "eve": waits,
    }
    hours = {student: late for student, (late, _, _) in marks(course).items()}
    assert hours == {"ann": 0, "bob": 49, "cid": 0, "dan": 0, "eve": 0}
    with course.api().gradebook as gradebook:
        found = {one.id: gradebook.find_submission(FIRST, one.id) for one in gradebook.students}
        assert found["cid"].extension == timedelta(days=3)
        assert found["dan"].total_seconds_late == 1
    assert list(grade(course)) == []


def test_a_penalty_scores_again_without_a_run(course, monkeypatch):
    configure(course, "c.LatePenalty.percent_per_day = 10")
    monkeypatch.setattr("bookmaker.grading.grade._run", None)
    lines = {student: line for student, _, line in grade(course)}
    waits = "of 10 points, a person has yet to give some"
    assert lines == {
        "bob": f"4.2 {waits}, 2 d 1 h late, which took 1.8 points",
        "dan": f"5.4 {waits}, 1 h late, which took 0.6 points",
    }
    assert list(grade(course)) == []
    found = marks(course)
    assert (found["bob"], found["ann"]) == ((49, 1.8, 4.2), (0, 0, 6))
    # What a person gives is late, too.
    with course.api().gradebook as gradebook:
        mark = gradebook.find_grade("small-words", FIRST, FIRST, "bob")
        mark.manual_score, mark.needs_manual_grade = 4, False
        gradebook.db.commit()
    assert marks(course)["bob"] == (49, 3, 7)
    canvas = (course.root / "grades" / "canvas.csv").read_text().splitlines()
    assert "bob,2,,,,7" in canvas


def test_nbgraders_own_rule_counts(course):
    configure(course, "c.LatePenalty.penalty_method = 'zero'")
    assert {student for student, _, _ in grade(course)} == {"bob", "dan"}
    assert marks(course)["bob"] == (49, 6, 0)


def test_a_new_due_date_and_an_extension_score_again(course, tmp_path):
    configure(course, "c.LatePenalty.percent_per_day = 50")
    list(grade(course))
    (tmp_path / "roster.csv").write_text(ROSTER.replace("bob,2,", "bob,2,2026-12-10T18:00Z"))
    import_roster(tmp_path / "roster.csv", course)
    assert [one[0] for one in grade(course)] == ["bob"]
    assert marks(course)["bob"] == (1, 3, 3)
    # The roster's date is a moment of its own, whatever becomes of the others'.
    set_due(course, [FIRST], DUE + timedelta(days=3))
    assert list(grade(course)) == []
    assert marks(course)["bob"] == (1, 3, 3)
    set_due(course, [FIRST], None)
    assert [one[0] for one in grade(course)] == ["bob", "dan"]
    assert {late for late, _, _ in marks(course).values()} == {0}


def test_canvas_may_take_its_mark_back(course, late_course, tmp_path):
    kept = course.path("received", "dan", FIRST) / course.record("dan", FIRST)["counts"]
    (name,) = os.listdir(kept)
    (tmp_path / "sent").mkdir()
    again = tmp_path / "sent" / name.replace("_LATE", "")
    again.write_bytes((kept / name).read_bytes())
    found = list(collect(tmp_path / "sent", course))
    assert found == [("dan", FIRST, ["Canvas says now that it came in time"])]
    assert list(collect(tmp_path / "sent", course)) == []
    assert list(grade(course)) == [("dan", FIRST, "6 of 10 points, a person has yet to give some")]


def test_an_extension_of_nbgraders_own_stays_where_the_roster_has_none(course, tmp_path):
    (tmp_path / "roster.csv").write_text("id\nann\nbob\ncid\ndan\neve\n")
    import_roster(tmp_path / "roster.csv", course)
    with course.api().gradebook as gradebook:
        gradebook.grant_extension(FIRST, "bob", days=2)
    assert [student for student, _, _ in grade(course)] == ["bob"]
    assert marks(course)["bob"][0] == 1


def test_the_button_of_nbgrader_knows_of_lateness(course, files, tmp_path):
    configure(course, "c.LatePenalty.percent_per_day = 10")
    given = student_version(course, FIRST)
    (tmp_path / "roster.csv").write_text(ROSTER + "fay,6,2026-12-09T18:00Z\n")
    import_roster(tmp_path / "roster.csv", course)
    path = submit(tmp_path / "sent", "fay", FIRST, given, fill(files[0]))
    moment = (DUE + timedelta(hours=49)).timestamp()
    os.utime(path, (moment, moment))
    list(collect(tmp_path / "sent", course))
    assert course.api().autograde(FIRST, "fay")["success"]
    with course.api().gradebook as gradebook:
        one = gradebook.find_submission(FIRST, "fay")
        assert one.total_seconds_late == 25 * 3600
        assert one.late_submission_penalty == pytest.approx(1.2)


def test_the_command_sets_the_date_of_course_and_start_page(files, tmp_path, capsys):
    chapters = files[0].path.parents[1]
    command = ["--chapters", str(chapters), "assignment", FIRST, "--course", str(tmp_path / "c")]
    assert main([*command, "--due", "next week"]) == 1
    assert "DUE: expected a date such as 2026-12-08" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()
    assert main([*command, "--due", "2026-12-08T18:00+00:00", "--seed", "5"]) == 0
    assert main([*command[:3], SECOND, *command[4:], "--due", "2026-12-07"]) == 0
    before = datetime(2026, 12, 1, tzinfo=UTC)
    week = this_week(chapters, before)
    assert [lesson for lesson, _ in week] == [SECOND, FIRST]
    # A day alone ends with its last minute, as the clock here shows it.
    assert (week[0][1].hour, week[0][1].minute) == (23, 59)
    course = open_course(tmp_path / "c")
    with course.api().gradebook as gradebook:
        assert gradebook.find_assignment(FIRST).duedate == datetime(2026, 12, 8, 18)
        local = week[0][1].astimezone(UTC).replace(tzinfo=None)
        assert gradebook.find_assignment(SECOND).duedate == local
    # The same assignment again, with another date or none, is no new release, whatever its seed.
    assert main([*command, "--due", "none"]) == 0
    assert [lesson for lesson, _ in this_week(chapters, before)] == [SECOND]
    with course.api().gradebook as gradebook:
        assert gradebook.find_assignment(FIRST).duedate is None
    assert course.released()[FIRST]["seed"] == 5
