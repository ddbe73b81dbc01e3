"""The commands of the course: ``python -m bookmaker course|manual|items|slides|...``."""

import argparse
import sys
from pathlib import Path

from bookmaker.course import items, manual, paths, planted, slides
from bookmaker.grading.commands import COURSE
from bookmaker.grading.course import open_course


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands to a parser's commands.

    Args:
        commands: what ``add_subparsers`` returned.
    """
    command = commands.add_parser("course", help="write the tables and the picture of docs/course")
    command.set_defaults(run=_course)

    command = commands.add_parser("manual", help="write the manual for instructors")
    command.add_argument("--output", type=Path, default=manual.FOLDER, help="the manual's folder")
    command.set_defaults(run=_manual)

    command = commands.add_parser("items", help="say how hard each graded exercise was")
    command.add_argument("--course", type=Path, default=COURSE, help="the course's folder")
    command.set_defaults(run=_items)

    command = commands.add_parser("slides", help="write the slides of all lessons")
    command.add_argument("--output", type=Path, default=slides.FOLDER, help="the slides' folder")
    command.set_defaults(run=_slides)

    command = commands.add_parser("plant", help="write a copy of the library with a seed's fault")
    command.add_argument("seed", type=int, help="a number that the student does not know")
    command.add_argument("output", type=Path, help="the student's folder, which is not there yet")
    command.set_defaults(run=_plant)

    command = commands.add_parser("mark", help="mark an answer to a copy with a seed's fault")
    command.add_argument("seed", type=int, help="from which the copy was written")
    command.add_argument("answer", type=Path, help="the folder that the student handed in")
    command.set_defaults(run=_mark)

    command = commands.add_parser("handout", help="write the log of the project scoreboard")
    command.add_argument("seed", type=int, help="a number that the students do not know")
    command.add_argument("output", type=Path, help="the folder, which is not there yet")
    command.set_defaults(run=_handout)

    command = commands.add_parser("scoreboard", help="score and time the exports of a class")
    command.add_argument("seed", type=int, help="from which the log was written")
    command.add_argument("exports", type=Path, help="holds an export for each student, by name")
    command.add_argument("--budget", type=float, default=10, help="milliseconds for 300 candidates")
    command.set_defaults(run=_scoreboard)


def _course(options):
    for path in paths.write(options.chapters):
        print(f"wrote {path}")
    return 0


def _manual(options):
    written, fault = manual.write(options.chapters, options.output)
    for path in written:
        print(path)
    if fault:
        print(fault, file=sys.stderr)
    return 0


def _items(options):
    print(items.table(open_course(options.course)))
    return 0


def _slides(options):
    written = slides.write(options.chapters, options.output)
    print(f"{written[0]}: slides of {len(written) - 1} lessons")
    return 0


def _plant(options):
    print(planted.plant(planted.drawn(options.seed), options.output))
    return 0


def _mark(options):
    facts = planted.mark(planted.drawn(options.seed), options.answer)
    for right, what in facts:
        print(f"{'yes' if right else 'NO':4}{what}")
    return 0 if all(right for right, _ in facts) else 1


def _handout(options):
    from bookmaker.course import scoreboard

    print(scoreboard.write_log(options.seed, options.output))
    return 0


def _scoreboard(options):
    from bookmaker.course import scoreboard

    board = scoreboard.score(options.seed, options.exports, options.budget)
    print(board.round({"points": 1, "gauc": 4, "ms": 1}).to_string())
    return 0
