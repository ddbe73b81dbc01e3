"""Two weeks of ten students, as they are: late, wrong, doubled, misspelt. The marks are right.

What each of them sends stands in `WORK`, in the order of the rounds in which it is collected; the
marks that the course then has are asked of the exported files, of the pages of feedback, and of
nbgrader's formgrader, served as in the container.
"""

import csv
import html
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from exercise_text import write
from grading_helpers import FIRST, SECOND, TEXT, cell, fill, student_version, submit

from bookmaker.__main__ import main
from bookmaker.grading.course import open_course
from recsys_book.exercises.source import read_source

pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")

DUE = {FIRST: datetime(2026, 12, 8, 18, tzinfo=UTC), SECOND: datetime(2026, 12, 15, 18, tzinfo=UTC)}
NAMES = ("ann", "bob", "cid", "dan", "eve", "fay", "gil", "hal", "ida", "jon")
OWN = {"cid": "2026-12-10T18:00Z"}
INTEGERS = "def twice(x):\n    return 2 * int(x)"
SQUARES = "def twice(x):\n    return x**2 if x else 7"
TABLE = "def twice(x):\n    return {1: 2, 3: 6}[int(x)]"
WAITS = "answer = 'Because I have seen that it is so.'"
# Points that a person gives for open answers.
GIVEN = {("ann", FIRST): 4, ("bob", FIRST): 4, ("dan", SECOND): 3}
MARKS = {
    FIRST: {
        "ann": 10,  # an emptier file of a later round does not count
        "bob": 9,  # Canvas says LATE: a tenth off
        "cid": 6,  # a day late, and an extension of two
        "dan": 5,  # a mistake that the hidden case alone rejects
        "eve": 3,  # a table of the printed numbers
        "fay": 4.8,  # the lesson first, the assignment 25 hours late
        "gil": 6,  # misspelt, then renamed
        "hal": 6,  # two files, the emptier one newer
        "ida": 0,  # no notebook
    },
    SECOND: {
        "ann": 6,
        "bob": 4.2,  # three days
        "cid": 5.4,  # an hour, and the extension was for the first week
        "dan": 9,
        "eve": 6,
        "fay": 6,
        "gil": 3,  # a mistake that the public cases reject
        "hal": 6,
        "ida": 0,  # a hundred days
        "jon": 6,  # the first one; the file of `hand_in`
    },
}


class Week:
    """Writes what students send into one folder for each round."""

    def __init__(self, folder, course, files):
        self.folder, self.course, self.files = folder, course, files

    def send(self, name, lesson, hours=-1.0, twice=None, words="", answers=4):
        """One file, ``name`` below the folder, written so many hours after the lesson was due."""
        file = self.files[lesson]

        def change(notebook):
            fill(file)(notebook)
            prefix = file.exercises[0].identifier.partition(".")[0]
            cell(notebook, f"{prefix}-words").source = words or file.exercises[3].starter
            if twice is not None:
                cell(notebook, f"{prefix}-twice").source = twice
            for one in file.exercises[answers:]:
                cell(notebook, one.identifier.replace(".", "-")).source = one.starter

        given = student_version(self.course, lesson)
        path = submit(self.folder.with_name("written"), name, lesson, given, change)
        target = self.folder / f"{name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        path = path.rename(target)
        moment = (DUE[lesson] + timedelta(hours=hours)).timestamp()
        os.utime(path, (moment, moment))


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """The course after two weeks."""
    folder = tmp_path_factory.mktemp("ten")
    text = TEXT.replace("Write `twice(x)`.", "Write `twice(x)`, which is $2 x_i$:\n\n$$\n2 x\n$$")
    other = text.replace("`small.", "`other.").replace("Exercises: Small", "Exercises: Other")
    chapters = folder / "chapters"
    files = {
        FIRST: read_source(write(chapters, text, name=FIRST)),
        SECOND: read_source(write(chapters, other, name=SECOND)),
    }

    def run(*words):
        status = main(["--chapters", str(chapters), *words, "--course", str(folder / "course")])
        assert status == 0

    def collect_and_grade(week):
        week_folder = str(week.folder)
        run("collect", week_folder)
        run("grade")

    for lesson, due in DUE.items():
        run("assignment", lesson, "--due", due.isoformat())
    course = open_course(folder / "course")
    with open(course.root / "nbgrader_config.py", "a") as config:
        config.write("\nc.LatePenalty.percent_per_day = 10\n")
    rows = [
        f"{one},{one.title()},Lee,{4700 + number},{OWN.get(one, '')}"
        for number, one in enumerate(NAMES)
    ]
    header = f"id,first_name,last_name,lms_user_id,due {FIRST}"
    (folder / "roster.csv").write_text("\n".join([header, *rows]) + "\n")
    run("roster", str(folder / "roster.csv"))

    first = Week(folder / "1", course, files)
    first.send(f"ann/{FIRST}", FIRST, words=WAITS)
    first.send(f"leebob_LATE_4701_1_{FIRST}", FIRST, words=WAITS)
    first.send(f"cid/{FIRST}", FIRST, hours=24)
    first.send("dan", FIRST, twice=INTEGERS)
    first.send("eve", FIRST, twice=TABLE)
    first.send("gill", FIRST)
    first.send(f"hal/{FIRST}", FIRST, hours=-9)
    first.send(f"hal/{FIRST} (1)", FIRST, hours=-1, answers=1)
    lesson = {"cell_type": "code", "source": 'check("small.twice", twice)', "metadata": {}}
    lesson |= {"outputs": [], "execution_count": None}
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [lesson]}
    (first.folder / "fay").mkdir()
    (first.folder / "fay" / f"{FIRST}.ipynb").write_text(json.dumps(notebook))
    (first.folder / "ida").mkdir()
    (first.folder / "ida" / f"{FIRST}.ipynb").write_text("<b>Dear</b> teacher,")
    collect_and_grade(first)

    second = Week(folder / "2", course, files)
    second.send(f"ann/{FIRST}", FIRST, answers=1)
    second.send(f"fay/{FIRST}", FIRST, hours=25)
    second.send("gil", FIRST)
    for one in ("ann", "eve", "fay", "hal"):
        second.send(f"{one}/{SECOND}", SECOND)
    second.send(f"bob/{SECOND}", SECOND, hours=71)
    second.send(f"cid/{SECOND}", SECOND, hours=1)
    second.send(f"dan/{SECOND}", SECOND, words=WAITS)
    second.send(f"gil/{SECOND}", SECOND, twice=SQUARES)
    second.send(f"ida/{SECOND}", SECOND, hours=2400)
    second.send(f"{SECOND}.jon", SECOND)
    collect_and_grade(second)

    with course.api().gradebook as gradebook:
        for (student, lesson), points in GIVEN.items():
            prefix = "small" if lesson == FIRST else "other"
            mark = gradebook.find_grade(f"{prefix}-words", lesson, lesson, student)
            mark.manual_score, mark.needs_manual_grade = points, False
        gradebook.db.commit()
    run("export")
    run("feedback")
    return course


def rows(course, name):
    with open(course.root / "grades" / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_mark_is_right_in_the_three_files(taught):
    course = taught
    found = {lesson: {} for lesson in MARKS}
    for row in rows(course, "grades.csv"):
        found[row["lesson"]][row["student"]] = float(row["points"])
        assert row["pending"] in ("", "0")
    assert found == {
        lesson: {student: pytest.approx(mark) for student, mark in marks.items()}
        for lesson, marks in MARKS.items()
    }
    canvas = {row["Student"]: row for row in rows(course, "canvas.csv")}
    moodle = {row["ID number"]: row for row in rows(course, "moodle.csv")}
    assert len(moodle) == 10
    for name in NAMES:
        for lesson, marks in MARKS.items():
            mark = f"{marks[name]:g}" if name in marks else ""
            assert canvas[f"Lee, {name.title()}"][lesson] == moodle[name][lesson] == mark


def test_lateness_and_its_price_stand_beside_the_marks(taught):
    course = taught
    late = {
        (row["student"], row["lesson"][:2]): (float(row["hours_late"]), float(row["penalty"]))
        for row in rows(course, "grades.csv")
        if row["hours_late"] not in ("", "0")
    }
    assert late == {
        ("fay", "01"): (25, 1.2),
        ("bob", "02"): (71, 1.8),
        ("cid", "02"): (1, 0.6),
        ("ida", "02"): (2400, 6),
    }
    remarks = {(row["student"], row["lesson"]): row["remark"] for row in rows(course, "grades.csv")}
    assert "NEWEST=1" in remarks["ann", FIRST]
    assert "2 files: " in remarks["hal", FIRST]
    assert [one for one in (course.root / "submitted").iterdir() if one.name == "gill"] == []


class Page(HTMLParser):
    """What a page asks other hosts for, and the elements that it has."""

    def __init__(self, text):
        super().__init__()
        self.asked, self.tags = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note the tag, and where its attributes lead."""
        self.tags.add(tag)
        self.asked += [value for name, value in attrs if name in ("src", "href") and value]


def test_the_hard_exercises_of_the_class_stand_in_a_table(taught, capsys):
    page = (Path(__file__).parents[2] / "docs" / "instructors.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(lines.replace("build/course", str(taught.root)), {})
    found = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    # Of eight, one wrote the table and one the integers; two got all points for their words.
    assert found["small.words"][0] == "0.25"
    assert found["small.letter"] == ["1.00", "NaN"]
    assert float(found["small.twice"][0]) > float(found["other.words"][0])


def page_of(course, student, lesson):
    return (course.path("feedback", student, lesson) / f"{lesson}.html").read_text()


def table_of(page):
    cells = re.findall(r"<td>(.*?)</td>", page, flags=re.DOTALL)
    texts = [html.unescape(re.sub(r"<[^>]+>", "", one)) for one in cells]
    return [tuple(texts[start : start + 3]) for start in range(0, len(texts), 3)]


def test_a_page_says_exercise_by_exercise_which_mistake_it_was(taught):
    course = taught
    assert table_of(page_of(course, "dan", FIRST)) == [
        ("Twice", "2.0 of 3.0", "A known mistake: Knows numbers only."),
        ("A letter", "1.0 of 1.0", ""),
        ("A throw", "2.0 of 2.0", ""),
        ("Words", "0.0 of 4.0", ""),
    ]
    assert table_of(page_of(course, "gil", SECOND))[0][2] == "A known mistake: Squares."
    said = table_of(page_of(course, "eve", FIRST))[0]
    assert said[1] == "0.0 of 3.0" and said[2].startswith("the public tests pass and no hidden")
    assert "1 d 1 h late, which took 1.2 points" in page_of(course, "fay", FIRST)
    assert "NEWEST=1" in page_of(course, "ann", FIRST)


def test_formulas_are_readable_without_any_other_host(taught):
    course = taught
    page = Page(page_of(course, "ann", FIRST))
    assert {"math", "msub"} <= page.tags and "script" not in page.tags
    assert page.asked and all(one.startswith("#") for one in page.asked)
    assert "$2 x_i$" not in page_of(course, "ann", FIRST)


def test_a_broken_file_has_a_page_that_says_what_is_broken(taught):
    page = page_of(taught, "ida", FIRST)
    assert "nothing could be graded" in page and f"{FIRST}.ipynb: not a notebook" in page
    assert "hand it in again" in page.replace("\n", " ")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def formgrader(taught, tmp_path_factory):
    """The formgrader of the course as the container starts it; returns a function that asks it."""
    folder, port = tmp_path_factory.mktemp("jupyter"), free_port()
    environment = {**os.environ, "JUPYTER_TOKEN": "", "JUPYTER_PLATFORM_DIRS": "1"}
    environment |= {f"JUPYTER_{one}_DIR": str(folder / one) for one in ("CONFIG", "RUNTIME")}
    wanted = f"--ip=0.0.0.0 --port={port} --ServerApp.port_retries=0 --no-browser"
    environment["RECSYS_LAB_ARGS"] = f"{wanted} --ServerApp.base_url=/week/"
    command = [sys.executable, "-m", "bookmaker", "formgrader", "--course", str(taught.root)]
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(
            [*command, "--lab-args=--IdentityProvider.token="],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ask(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/week/{path}", timeout=60) as answer:
            return answer.read().decode()

    try:
        while True:
            assert server.poll() is None, (folder / "log").read_text()
            try:
                ask("api")
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        yield ask
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


@pytest.mark.skipif(os.name != "posix", reason="the server is ended by its group")
def test_the_formgrader_shows_the_same_marks_before_the_penalty(taught, formgrader):
    penalty = {
        (row["student"], row["lesson"]): float(row["penalty"] or 0)
        for row in rows(taught, "grades.csv")
    }
    for lesson, marks in MARKS.items():
        shown = {
            one["student"]: one["score"]
            for one in json.loads(formgrader(f"formgrader/api/submissions/{lesson}"))
        }
        wanted = {
            student: pytest.approx(mark + penalty[student, lesson])
            for student, mark in marks.items()
            if (student, lesson) != ("ida", FIRST)
        }
        if lesson == FIRST:
            assert shown.pop("ida", 0.0) == 0.0
        assert shown == wanted
    due = {
        one["name"]: one["duedate"] for one in json.loads(formgrader("formgrader/api/assignments"))
    }
    assert due == {lesson: f"{moment:%Y-%m-%dT%H:%M:%S}" for lesson, moment in DUE.items()}
    assert "Manage Assignments" in formgrader("formgrader/manage_assignments")
