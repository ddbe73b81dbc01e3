"""Command line of the book: ``python -m bookmaker --help`` lists the commands."""

import argparse
import json
import sys
from pathlib import Path

from bookmaker.building import evidence, generated, index, inputs, links
from bookmaker.building.build import BuildError, build, is_stale, refresh
from bookmaker.checks import lesson_checks, numbers
from bookmaker.course import commands as course
from bookmaker.gate import hooks, selection
from bookmaker.grading.commands import add_commands
from bookmaker.grading.course import GradingError
from bookmaker.lessons import budget, formatting, labs, variants
from bookmaker.lessons.lessons import describe, find_texts, select_texts
from recsys_book.base.paths import CHAPTERS, LessonError, write_atomically


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
    if not texts:
        print(f"no lessons in {options.chapters}")
    wanted, lacking = [], []
    for text_path in texts:
        try:
            # Read before the build: what changes meanwhile is not what the outputs follow from.
            read = inputs.inputs_of(text_path)
        except LessonError as error:
            lacking.append(str(error))
            continue
        known = inputs.is_built_with(text_path, read, options.chapters)
        if options.force or is_stale(text_path) or (options.changed and not known):
            wanted.append((text_path, read, known and not options.force))
        else:
            print(f"{text_path.stem}: up to date", flush=True)
    if options.check:
        for text_path, _, _ in wanted:
            print(f"{text_path.stem}: has to be built", flush=True)
        _print_problems(lacking)
        return 1 if wanted or lacking else 0
    # A lesson that lacks a part is not worth the minute that it would run.
    lacking += [line for path, _, _ in wanted for line in lesson_checks.text_problems(path)]
    if lacking:
        _print_problems(lacking)
        print("nothing was built: mend the texts first", file=sys.stderr)
        return 1
    return 1 if sum([_build_one(*one, options.chapters) for one in wanted]) else 0


def _build_one(text_path, read, known, chapters):
    """Build one lesson, without executing it where its outputs are known; whether that failed."""
    try:
        lesson = describe(text_path)
        times = None if known and refresh(text_path) else build(text_path)
        # The minutes that the header says count figures and printed source, which are known now.
        if not lesson.is_lab and generated.write(text_path):
            refresh(text_path)
        inputs.record_built(text_path, read, chapters)
    except (BuildError, LessonError) as error:
        print(error, file=sys.stderr)
        return True
    if times is None:
        print(f"{text_path.stem}: prose alone changed, outputs kept", flush=True)
    else:
        first = "no output" if times.first_output is None else f"{times.first_output:.1f} s"
        print(
            f"{text_path.stem}: {times.total:.1f} s, first output after {first}; front matter "
            f"says {lesson.seconds} s",
            flush=True,
        )
    problems = lesson_checks.check_lesson(text_path)
    _print_problems(problems)
    return bool(problems)


def _cells(options):
    for text_path in select_texts(options.lessons, options.chapters):
        if generated.write(text_path):
            print(f"{text_path.stem}: header and starters written")
    return 0


def _budget(options):
    over = False
    for text_path in select_texts(options.lessons, options.chapters):
        lesson = describe(text_path)
        counted = budget.count(text_path)
        print("\n".join(budget.table(lesson, counted)))
        problems = budget.problems(lesson, counted)
        _print_problems(problems)
        over |= bool(problems)
    return 1 if over else 0


def _check(options):
    problems = lesson_checks.check_book(options.chapters)
    _print_problems(problems)
    if not problems:
        lessons = [describe(text_path) for text_path in find_texts(options.chapters)]
        count = len(lessons)
        print(f"{count} {'lesson' if count == 1 else 'lessons'} checked, no problem found")
        print(f"numbers in prose that front matter exempts: {numbers.num_exempt(lessons)}")
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
    hashes = selection.current(notebooks, options.chapters)
    record = selection.read_record(chapters=options.chapters)
    changed = selection.changed(hashes, record)
    rest = selection.unchanged(hashes, changed, weekly=options.weekly)
    run = [*changed, *(rest if options.all else selection.drawn(hashes, rest))]
    if not options.all:
        print(
            f"{len(changed)} of {len(hashes)} units changed since {selection.RECORD} was written",
            file=sys.stderr,
        )
    chosen = {"run": {name: hashes[name] for name in run}, "all": options.all}
    options.chosen.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(options.chosen, json.dumps(chosen))
    for line in selection.summary(run, hashes, record["seconds"], options.workers):
        print(line, file=sys.stderr)
    for path in notebooks:
        if selection.notebook_of(path, options.chapters) in chosen["run"]:
            print(path)
    return 0


def _hooks(options):
    return 1 if hooks.run(options.only) else 0


def _fast_tests(options):
    return hooks.run_fast_tests()


def _ends(options):
    problems = hooks.ends()
    _print_problems(problems)
    return 1 if problems else 0


def _index(options):
    print(index.write(options.chapters, force=options.force))
    return 0


def _ledger(options):
    print(evidence.write(options.chapters))
    return 0


def _links(options):
    for path in links.write(options.chapters):
        print(f"linked {path}")
    return 0


def _site(options):
    from bookmaker.site.build import build as build_site

    chosen = select_texts(options.lessons, options.chapters)
    texts = [text for text in find_texts(options.chapters) if text in chosen]
    problems = build_site(options.out, texts, options.repository, draw=not options.no_pictures)
    _print_problems(problems)
    print(options.out / "html" / "index.html")
    return 1 if problems else 0


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

    command = commands.add_parser("cells", help="write the lessons' headers and starters")
    command.add_argument("lessons", nargs="*", help="paths, chapters or lessons; default: all")
    command.set_defaults(run=_cells)

    command = commands.add_parser("budget", help="count what lessons ask of their readers")
    command.add_argument("lessons", nargs="+", help="paths, chapters or lessons")
    command.set_defaults(run=_budget)

    command = commands.add_parser("check", help="check all lessons without running them")
    command.set_defaults(run=_check)

    command = commands.add_parser("labs", help="list the labs whose data are on this machine")
    command.set_defaults(run=_labs)

    command = commands.add_parser(
        "changed",
        help="choose what `make test` runs: what changed, and a tenth of the rest; list notebooks",
    )
    command.add_argument("--chosen", type=Path, required=True, help="file for what was chosen")
    command.add_argument("--all", action="store_true", help="all, of labs those that changed")
    command.add_argument("--weekly", action="store_true", help="of labs all, too")
    command.add_argument("--workers", type=int, default=2, help="how many will run the tests")
    command.set_defaults(run=_changed)

    command = commands.add_parser("hooks", help="run the list of .pre-commit-config.yaml")
    command.add_argument("only", nargs="*", help="ids of the list; default: all")
    command.set_defaults(run=_hooks)

    command = commands.add_parser("fast-tests", help="run those of the folders that were touched")
    command.set_defaults(run=_fast_tests)

    command = commands.add_parser("ends", help="check that every text ends in one line end")
    command.set_defaults(run=_ends)

    command = commands.add_parser("index", help="write and execute the start page")
    command.add_argument("--force", action="store_true", help="execute it even if unchanged")
    command.set_defaults(run=_index)

    command = commands.add_parser("ledger", help="write the ledger of findings and exact checks")
    command.set_defaults(run=_ledger)

    command = commands.add_parser("links", help="write the links between the lessons")
    command.set_defaults(run=_links)

    command = commands.add_parser("site", help="build the website from the committed notebooks")
    command.add_argument("lessons", nargs="*", help="paths, chapters or lessons; default: all")
    command.add_argument("--out", type=Path, default=Path("build") / "site", help="folder")
    command.add_argument("--repository", default="", help="its address, for links and buttons")
    command.add_argument("--no-pictures", action="store_true", help="draw no models")
    command.set_defaults(run=_site)

    command = commands.add_parser("format", help="format the code in the lessons' texts")
    command.set_defaults(run=_format)

    add_commands(commands)
    course.add_commands(commands)
    variants.add_command(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
