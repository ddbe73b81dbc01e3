"""Commands for readers: ``python -m recsys_book lab`` opens the book in JupyterLab."""

import argparse
import sys
from collections.abc import Sequence

from recsys_book.base import paths
from recsys_book.reader import jupyter_lab, work_copies


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options, rest = _parser().parse_known_args(arguments)
    if rest and options.command != "lab":
        _parser().error(f"unknown arguments: {' '.join(rest)}")
    try:
        report = work_copies.refresh()
        for line in report.lines():
            print(line, flush=True)
        if options.command == "lab":
            return jupyter_lab.start(paths.CHAPTERS.parent, rest)
    except paths.LessonError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"work copies: cannot be written: {error}", file=sys.stderr)
        return 1
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="python -m recsys_book", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser(
        "lab",
        help="bring the copies in work/ up to date, then open them in JupyterLab, which gets all "
        "further arguments",
    )
    commands.add_parser("work", help="bring the copies in work/ up to date, and no more")
    return parser


if __name__ == "__main__":
    sys.exit(main())
