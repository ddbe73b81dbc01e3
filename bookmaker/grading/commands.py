"""The instructors' commands: ``python -m bookmaker exercises|assignment|grade``."""

import tempfile
from pathlib import Path

from bookmaker.grading import course as grading_course
from bookmaker.grading import grade as grading
from bookmaker.grading import report as grading_report
from bookmaker.lesson_cells import render_lesson_cells
from recsys_lib.book.exercises.source import find_sources, read_source, source_of
from recsys_lib.book.places import CHAPTERS

BUILD = CHAPTERS.parent / "build"


def add_commands(commands):
    """Add the commands to the parser's subparsers."""
    command = commands.add_parser("exercises", help="print a lesson's cells for its exercises")
    command.add_argument("lesson", help="name of the lesson, or a path")
    command.set_defaults(run=_exercises)

    command = commands.add_parser("assignment", help="write the version that students are given")
    command.add_argument("lessons", nargs="*", help="names or paths of lessons; default: all")
    command.add_argument("--into", type=Path, default=BUILD / "assignments", help="target folder")
    command.set_defaults(run=_assignment)

    command = commands.add_parser("grade", help="grade a folder of submitted notebooks")
    command.add_argument("submissions", type=Path, help="<student>/<lesson>.ipynb in a folder")
    command.add_argument("--lesson", default="", help="the lesson of all files; default: told")
    command.add_argument("--into", type=Path, default=BUILD / "grades", help="target folder")
    command.add_argument(
        "--seconds", type=int, default=grading.CELL_SECONDS, help="time limit of a cell"
    )
    command.set_defaults(run=_grade)


def _exercises(options):
    print(render_lesson_cells(read_source(source_of(options.lesson, options.chapters))))
    return 0


def _assignment(options):
    sources = [source_of(lesson, options.chapters) for lesson in options.lessons]
    files = [read_source(path) for path in sources or find_sources(options.chapters)]
    with tempfile.TemporaryDirectory(prefix="assignment-") as scratch:
        paths = grading_course.write_assignments(files, options.into, Path(scratch) / "course")
    for path in paths.values():
        print(path)
    return 0


def _grade(options):
    def report(one):
        pending = f", {one.pending} pending" if one.pending else ""
        fault = f"  {one.fault}" if one.fault else ""
        lesson = one.lesson or "unknown lesson"
        line = f"{one.student}, {lesson}: {one.points:g} of {one.of}{pending}{fault}"
        print(line, flush=True)

    grades = grading.grade(
        options.submissions,
        options.lesson,
        chapters=options.chapters,
        seconds=options.seconds,
        report=report,
    )
    print(grading_report.write_report(grades, options.into))
    return 0
