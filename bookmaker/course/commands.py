"""The commands of the two projects: ``python -m bookmaker plant|mark|handout|scoreboard``."""

from collections.abc import Callable
from pathlib import Path

from bookmaker.course import planted


def add_commands(add: Callable) -> None:
    """Add the commands to a parser.

    Args:
        add: adds one, of its name, what runs it, and its help; returns its parser.
    """
    for name, run, said, folder in (
        ("plant", _plant, "write a copy of the library with a seed's fault", "is not there yet"),
        ("mark", _mark, "mark an answer to a copy with a seed's fault", "was handed in"),
        ("handout", _handout, "write the log of the project scoreboard", "is not there yet"),
        ("scoreboard", _scoreboard, "score and time exports", "holds an export of each student"),
    ):
        command = add(name, run, said)
        command.add_argument("seed", type=int, help="a number that the students do not know")
        command.add_argument("folder", type=Path, help=f"a folder that {folder}")
    command.add_argument("--budget", type=float, default=10, help="milliseconds for 300 candidates")


def _plant(options):
    print(planted.plant(planted.drawn(options.seed), options.folder))
    return 0


def _mark(options):
    facts = planted.mark(planted.drawn(options.seed), options.folder)
    for right, what in facts:
        print(f"{'yes' if right else 'NO':4}{what}")
    return int(not all(right for right, _ in facts))


def _handout(options):
    from bookmaker.course import scoreboard

    print(scoreboard.write_log(options.seed, options.folder))
    return 0


def _scoreboard(options):
    from bookmaker.course import scoreboard

    board = scoreboard.score(options.seed, options.folder, options.budget)
    print(board.round({"points": 1, "gauc": 4, "ms": 1}).to_string())
    return 0
