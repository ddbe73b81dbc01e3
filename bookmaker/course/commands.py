"""The commands of the course: ``python -m bookmaker course|manual|items|slides|...``."""

import argparse
import sys
from pathlib import Path

from bookmaker.course import items, manual, paths
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
