"""Command line of the book: ``python -m bookmaker --help`` lists the commands."""

import argparse
import json
import sys
from pathlib import Path

from bookmaker import (
    docstrings,
    formatting,
    index,
    inputs,
    labs,
    ledger,
    lesson_checks,
    links,
    names,
    variants,
)
from bookmaker.build import BuildError, build, is_stale
from bookmaker.grading.commands import add_commands
from bookmaker.grading.course import GradingError
from bookmaker.lessons import describe, find_texts, select_texts
from recsys_lib.book.places import CHAPTERS, LessonError


def main(arguments=None):
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (BuildError, GradingError, LessonError) as error:
        print(error, file=sys.stderr)
        return 1


def _build(options):
    texts = select_texts(options.lessons, options.chapters)
    others = set(inputs.built_with_others(options.chapters)) if options.changed else set()
    if not texts:
        print(f"no lessons in {options.chapters}")
    failed = 0
    for text_path in texts:
        if not options.force and text_path not in others and not is_stale(text_path):
            print(f"{text_path.stem}: up to date", flush=True)
            continue
        if options.check:
            print(f"{text_path.stem}: has to be built", flush=True)
            failed += 1
            continue
        try:
            lesson, read = describe(text_path), inputs.inputs_of(text_path)
            times = build(text_path)
            inputs.record_built(text_path, read, options.chapters)
        except (BuildError, LessonError) as error:
            print(error, file=sys.stderr)
            failed += 1
            continue
        first = "no output" if times.first_output is None else f"{times.first_output:.1f} s"
        print(
            f"{text_path.stem}: {times.total:.1f} s, first output after {first}; front matter "
            f"says {lesson.seconds} s",
            flush=True,
        )
        problems = lesson_checks.check_lesson(text_path)
        failed += bool(problems)
        _print_problems(problems)
    return 1 if failed else 0


def _check(options):
    problems = lesson_checks.check_book(options.chapters)
    _print_problems(problems)
    if not problems:
        count = len(find_texts(options.chapters))
        print(f"{count} {'lesson' if count == 1 else 'lessons'} checked, no problem found")
    return 1 if problems else 0


def _labs(options):
    notebooks, left_out = labs.runnable(options.chapters)
    for line in left_out:
        print(line, file=sys.stderr)
    for path in notebooks:
        print(path)
    return 0


def _changed(options):
    notebooks, left_out = inputs.notebooks_to_test(options.chapters)
    for line in left_out:
        print(line, file=sys.stderr)
    hashes = inputs.hashes_to_test(notebooks, options.chapters)
    tested = {} if options.all else inputs.read_stamp(options.stamp)
    chosen = inputs.changed(notebooks, hashes, tested, options.chapters)
    inputs.write_stamp(_waiting(options.stamp), hashes)
    if unchanged := len(notebooks) - len(chosen):
        print(
            f"{unchanged} of {len(notebooks)} notebooks are as in the last green run: left out; "
            "FULL=1 runs all",
            file=sys.stderr,
        )
    for path in chosen:
        print(path)
    return 0


def _tested(options):
    waiting = _waiting(options.stamp)
    if not waiting.exists():
        print(f"{waiting}: missing; `changed` writes it before the run", file=sys.stderr)
        return 1
    inputs.write_stamp(options.stamp, json.loads(waiting.read_text(encoding="utf-8")))
    waiting.unlink()
    return 0


def _waiting(stamp):
    return stamp.with_name(f"{stamp.name}.waiting")


def _index(options):
    print(index.write(options.chapters, force=options.force))
    return 0


def _ledger(options):
    print(ledger.write(options.chapters))
    return 0


def _links(options):
    for path in links.write(options.chapters):
        print(f"linked {path}")
    return 0


def _names(options):
    print(names.write())
    return 0


def _docstrings(options):
    excused = docstrings.not_yet()
    found = docstrings.problems()
    for name, lacking in found.items():
        if name not in excused:
            _print_problems(f"{name}: the docstring {line}" for line in lacking)
    for name in sorted(excused - set(found)):
        print(f"{name}: complete; take it from not_yet in pyproject.toml", file=sys.stderr)
    return 1 if excused ^ set(found) else 0


def _format(options):
    for text_path in find_texts(options.chapters):
        if formatting.format_text(text_path):
            print(f"formatted {text_path}")
    return 0


def _print_problems(problems):
    for problem in problems:
        print(problem, file=sys.stderr)


def _parser():
    parser = argparse.ArgumentParser(prog="python -m bookmaker", description=__doc__)
    parser.add_argument("--chapters", type=Path, default=CHAPTERS, help="folder of the chapters")
    commands = parser.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("build", help="execute lessons whose text changed")
    command.add_argument("lessons", nargs="*", help="paths, chapters or lessons; default: all")
    command.add_argument("--force", action="store_true", help="execute unchanged lessons too")
    command.add_argument(
        "--changed", action="store_true", help="execute those whose other inputs changed, too"
    )
    command.add_argument("--check", action="store_true", help="say what has to be built, only")
    command.set_defaults(run=_build)

    command = commands.add_parser("check", help="check all lessons without running them")
    command.set_defaults(run=_check)

    command = commands.add_parser("labs", help="list the labs whose data are on this machine")
    command.set_defaults(run=_labs)

    stamp = argparse.ArgumentParser(add_help=False)
    stamp.add_argument("--stamp", type=Path, default=inputs.STAMP, help="hashes of a green run")

    command = commands.add_parser(
        "changed", parents=[stamp], help="list the notebooks that changed since a green run"
    )
    command.add_argument("--all", action="store_true", help="list all notebooks")
    command.set_defaults(run=_changed)

    command = commands.add_parser(
        "tested", parents=[stamp], help="note that all that `changed` has seen is green"
    )
    command.set_defaults(run=_tested)

    command = commands.add_parser("index", help="write and execute the start page")
    command.add_argument("--force", action="store_true", help="execute it even if unchanged")
    command.set_defaults(run=_index)

    command = commands.add_parser("ledger", help="write the ledger of claims")
    command.set_defaults(run=_ledger)

    command = commands.add_parser("links", help="write the links between the lessons")
    command.set_defaults(run=_links)

    command = commands.add_parser("names", help="write the page of the library's public names")
    command.set_defaults(run=_names)

    command = commands.add_parser("docstrings", help="check the docstrings of all public names")
    command.set_defaults(run=_docstrings)

    command = commands.add_parser("format", help="format the code in the lessons' texts")
    command.set_defaults(run=_format)

    add_commands(commands)
    variants.add_command(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
