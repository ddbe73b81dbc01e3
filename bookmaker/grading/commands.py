"""The instructors' commands: ``python -m bookmaker assignment|roster|collect|grade|...``."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from bookmaker.grading import collect as collecting
from bookmaker.grading import grade as grading
from bookmaker.grading import late
from bookmaker.grading import report as grading_report
from bookmaker.grading import roster as grading_roster
from bookmaker.grading.course import open_course, release
from bookmaker.grading.sandbox import protection
from bookmaker.lessons.lesson_cells import render_lesson_cells
from recsys_book.base.paths import CHAPTERS
from recsys_book.exercises.source import find_sources, read_source, source_of
from recsys_book.exercises.variants import variant_of
from recsys_book.reader.jupyter_lab import serve
from recsys_book.reader.week import read_moment, write_week

COURSE = CHAPTERS.parent / "build" / "course"
_NO_UPDATES = "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"


def add_commands(add: Callable) -> None:
    """Add the commands to a parser.

    Args:
        add: adds one, of its name, what runs it, and its help; returns its parser.
    """

    def of_course(name, run, text, *lessons, **flags):
        command = add(name, run, text, *lessons, **flags)
        command.add_argument("--course", type=Path, default=COURSE, help="the course's folder")
        return command

    command = add("exercises", _exercises, "print a lesson's cells for its exercises")
    command.add_argument("lesson", help="name of the lesson, or a path")

    again = "release again what was released otherwise"
    said = "release lessons in the course"
    command = of_course("assignment", _assignment, said, "*", force=again)
    command.add_argument("--seed", type=int, help="draw numbers and cases from this seed")
    command.add_argument("--due", default="", help="until when, as 2026-12-08T18:00, or none")

    command = of_course("roster", _roster, "import the students of a CSV file")
    command.add_argument("file", help="a CSV file with at least the column id")

    said = "file a folder of submitted notebooks into the course"
    newest = "count the newest file, even with fewer answers"
    command = of_course("collect", _collect, said, newest=newest)
    command.add_argument("submissions", help="holds <student>/<lesson>.ipynb or <student>.ipynb")
    command.add_argument("--lesson", default="", help="the lesson of all files; default: told")

    command = of_course("formgrader", _formgrader, "open nbgrader's formgrader on the course")
    command.add_argument("--lab-args", default="", help="for JupyterLab, such as --port=8889")

    of_course("grade", _grade, "grade what was collected and not yet graded", "*")
    of_course("feedback", _feedback, "write the feedback of all that is graded", "*")
    of_course("export", _export, "write the grades as CSV files")


def _exercises(options):
    print(render_lesson_cells(read_source(source_of(options.lesson, options.chapters))))
    return 0


def _assignment(options):
    sources = [source_of(lesson, options.chapters) for lesson in options.lessons]
    files = [read_source(path) for path in sources or find_sources(options.chapters)]
    files = [variant_of(file, options.seed) for file in files]
    due = None if options.due in ("", "none") else read_moment(options.due, "assignment, DUE")
    course = open_course(options.course, create=True)
    # Another date for what was handed out is no new release of it, whatever its seed was.
    dated = options.due and options.seed is None and not options.force
    wanted = [file for file in files if not (dated and file.lesson in course.released())]
    for path in release(wanted, course, options.seed, options.force).values():
        print(path)
    if options.due:
        late.set_due(course, [file.lesson for file in files], due)
        write_week([file.lesson for file in files], due, options.chapters)
        print(f"due: {options.due if due is None else f'{due:%Y-%m-%d %H:%M %Z}'}")
    if options.seed is not None:
        every = [one for file in files for one in file.exercises]
        drawn = sum(one.varies in ("numbers", "task", "options") for one in every)
        print(
            f"{drawn} of {len(every)} exercises are drawn from the seed; the others are the book's"
        )
    return 0


def _roster(options):
    count = grading_roster.import_roster(options.file, open_course(options.course))
    print(f"{count} students are in the gradebook")
    return 0


def _collect(options):
    course = open_course(options.course)
    new = 0
    results = collecting.collect(options.submissions, course, options.lesson, newest=options.newest)
    for student, lesson, lines in results:
        new += 1
        print(f"{student}, {lesson or 'unknown lesson'}: {'; '.join(lines) or 'filed'}", flush=True)
    print(f"{new} new; `make grade` grades them" if new else "nothing new")
    return 0


def _grade(options):
    for line in protection():
        print(f"not protected: {line}", file=sys.stderr)
    return _print_lines(grading.grade(open_course(options.course), options.lessons))


def _formgrader(options):
    # nbgrader reads the configuration of the folder in which the server was started.
    root = open_course(options.course).root
    quiet = ["--LabApp.news_url=None", _NO_UPDATES]
    command = [sys.executable, "-m", "jupyterlab", "--LabApp.default_url=/formgrader", *quiet]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container there is no other user
    return serve([*command, *shlex.split(options.lab_args)], root, os.environ)


def _feedback(options):
    return _print_lines(grading.feedback(open_course(options.course), options.lessons))


def _print_lines(results):
    done = False
    for student, lesson, line in results:
        print(f"{student}, {lesson}: {line}", flush=True)
        done = True
    if not done:
        print("nothing to do")
    return 0


def _export(options):
    paths, waiting = grading_report.export(open_course(options.course))
    for path in paths:
        print(path)
    if waiting:
        print(
            f"{waiting} submissions wait for points or for `make grade`: canvas.csv and moodle.csv "
            "leave them out"
        )
    return 0
