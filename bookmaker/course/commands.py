"""The commands of the course: ``python -m bookmaker course|manual|slides|...``."""

import argparse
import functools
from pathlib import Path

from bookmaker.course import manual, paths, planted, slides


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands to a parser's commands.

    Args:
        commands: what ``add_subparsers`` returned.
    """
    for name, write, said in (
        ("course", paths.write, "write the tables and the picture of docs/course"),
        ("manual", manual.write, "write the manual for instructors"),
        ("slides", slides.write, "write the slides of all lessons"),
    ):
        command = commands.add_parser(name, help=said)
        command.set_defaults(run=functools.partial(_write, write))
    for name, run, said, folder in (
        ("plant", _plant, "write a copy of the library with a seed's fault", "is not there yet"),
        ("mark", _mark, "mark an answer to a copy with a seed's fault", "was handed in"),
        ("handout", _handout, "write the log of the project scoreboard", "is not there yet"),
        ("scoreboard", _scoreboard, "score and time exports", "holds an export of each student"),
    ):
        command = commands.add_parser(name, help=said)
        command.add_argument("seed", type=int, help="a number that the students do not know")
        command.add_argument("folder", type=Path, help=f"a folder that {folder}")
        command.set_defaults(run=run)
    command.add_argument("--budget", type=float, default=10, help="milliseconds for 300 candidates")


def _write(write, options):
    print(*write(options.chapters), sep="\n")
    return 0


def _plant(options):
    print(planted.plant(planted.drawn(options.seed), options.folder))
    return 0


def _mark(options):
    facts = planted.mark(planted.drawn(options.seed), options.folder)
    for right, what in facts:
        print(f"{'yes' if right else 'NO':4}{what}")
    return 0 if all(right for right, _ in facts) else 1


def _handout(options):
    from bookmaker.course import scoreboard

    print(scoreboard.write_log(options.seed, options.folder))
    return 0


def _scoreboard(options):
    from bookmaker.course import scoreboard

    board = scoreboard.score(options.seed, options.folder, options.budget)
    print(board.round({"points": 1, "gauc": 4, "ms": 1}).to_string())
    return 0
