"""Command line of the book: ``python -m bookmaker --help`` lists the commands."""

import argparse
import functools
import json
import sys
from pathlib import Path

from bookmaker.building import evidence, generated, index, inputs, links
from bookmaker.building.build import BuildError, build, is_stale, refresh
from bookmaker.checks import lesson_checks
from bookmaker.course import manual, paths, slides
from bookmaker.course.commands import add_commands as add_course
from bookmaker.gate import hooks, selection
from bookmaker.grading.commands import add_commands as add_grading
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
            lacking.append(error)
            continue
        known = inputs.is_built_with(text_path, read, options.chapters)
        if options.force or is_stale(text_path) or (options.changed and not known):
            wanted.append((text_path, read, known and not options.force))
        else:
            print(f"{text_path.stem}: up to date", flush=True)
    if options.check:
        _list(f"{text_path.stem}: has to be built" for text_path, _, _ in wanted)
        return _report(lacking) or int(bool(wanted))
    # A lesson that lacks a part is not worth the minute that it would run.
    lacking += [line for path, _, _ in wanted for line in lesson_checks.text_problems(path)]
    if lacking:
        return _report([*lacking, "nothing was built: mend the texts first"])
    return max([0, *(_build_one(*one, options.chapters) for one in wanted)])


def _build_one(text_path, read, known, chapters):
    """Build one lesson, without executing it where its outputs are known; returns the status."""
    try:
        lesson = describe(text_path)
        times = None if known and refresh(text_path) else build(text_path)
        # The minutes that the header says count figures and printed source, which are known now.
        if not lesson.is_lab and generated.write(text_path):
            refresh(text_path)
        inputs.record_built(text_path, read, chapters)
    except (BuildError, LessonError) as error:
        return _report([error])
    said = "prose alone changed, outputs kept"
    if times is not None:
        first = "no output" if times.first_output is None else f"{times.first_output:.1f} s"
        said = f"{times.total:.1f} s, first output after {first}; front matter says "
        said += f"{lesson.seconds} s"
    print(f"{text_path.stem}: {said}", flush=True)
    return _report(lesson_checks.check_lesson(text_path))


def _budget(options):
    status = 0
    for text_path in select_texts(options.lessons, options.chapters):
        lesson, counted = describe(text_path), budget.count(text_path)
        _list(budget.table(lesson, counted))
        status |= _report(budget.problems(lesson, counted))
    return status


def _check(options):
    problems = lesson_checks.check_book(options.chapters)
    if not problems:
        count = len(find_texts(options.chapters))
        print(f"{count} {'lesson' if count == 1 else 'lessons'} checked, no problem found")
    return _report(problems)


def _labs(options):
    notebooks, left_out = labs.runnable(options.chapters)
    _report(left_out)
    return _list(notebooks)


def _changed(options):
    notebooks, told = inputs.notebooks_to_test(options.chapters)
    hashes = selection.current(notebooks, options.chapters)
    record = selection.read_record(chapters=options.chapters)
    changed = selection.changed(hashes, record)
    run = selection.chosen(hashes, changed, everything=options.all, weekly=options.weekly)
    chosen = {"run": {name: hashes[name] for name in run}, "all": options.all}
    options.chosen.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(options.chosen, json.dumps(chosen))
    if not options.all:
        since = f"since {selection.RECORD} was written"
        told = [*told, f"{len(changed)} of {len(hashes)} units changed {since}"]
    _report([*told, selection.summary(run, hashes, record["seconds"], options.workers)])
    units = {path: selection.notebook_of(path, options.chapters) for path in notebooks}
    return _list(path for path, unit in units.items() if unit in chosen["run"])


def _site(options):
    from bookmaker.site.build import build as build_site

    chosen = select_texts(options.lessons, options.chapters)
    texts = [text for text in find_texts(options.chapters) if text in chosen]
    problems = build_site(options.out, texts, options.repository, draw=not options.no_pictures)
    print(options.out / "html" / "index.html")
    return _report(problems)


def _change(change, said, options):
    """Change lessons one by one, and say which of them have changed."""
    texts = select_texts(options.lessons, options.chapters)
    return _list(f"{text_path.stem}: {said}" for text_path in texts if change(text_path))


def _write(write, options):
    return _list(write(options.chapters))


def _list(lines):
    for line in lines:
        print(line, flush=True)
    return 0


def _report(problems):
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(bool(problems))


def _parser():
    parser = argparse.ArgumentParser(prog="python -m bookmaker", description=__doc__)
    parser.add_argument("--chapters", type=Path, default=CHAPTERS, help="folder of the chapters")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name, run, text, lessons="", **flags):
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=run)
        if lessons:
            default = "; default: all" if lessons == "*" else ""
            said = f"paths, chapters or lessons{default}"
            command.add_argument("lessons", nargs=lessons, help=said)
        for flag, said in flags.items():
            command.add_argument(f"--{flag}", action="store_true", help=said)
        return command

    add(
        "build",
        _build,
        "execute lessons whose text changed",
        "*",
        force="execute unchanged lessons too",
        changed="execute those whose other inputs changed, too",
        check="say what has to be built, only",
    )
    written = functools.partial(_change, generated.write, "header and starters written")
    add("cells", written, "write the lessons' headers and starters", "*")
    formatted = functools.partial(_change, formatting.format_text, "formatted")
    add("format", formatted, "format the code in the lessons' texts", "*")
    add("budget", _budget, "count what lessons ask of their readers", "+")
    add("check", _check, "check all lessons without running them")
    add("labs", _labs, "list the labs whose data are on this machine")

    command = add(
        "changed",
        _changed,
        "choose what `make test` runs: what changed, and a tenth of the rest; list notebooks",
        all="all, of labs those that changed",
        weekly="of labs all, too",
    )
    command.add_argument("--chosen", type=Path, required=True, help="file for what was chosen")
    command.add_argument("--workers", type=int, default=2, help="how many will run the tests")

    command = add(
        "hooks",
        lambda options: int(bool(hooks.run(options.only))),
        "run the list of .pre-commit-config.yaml",
    )
    command.add_argument("only", nargs="*", help="ids of the list; default: all")
    touched = "run those of the folders that were touched"
    add("fast-tests", lambda options: hooks.run_fast_tests(), touched)

    for name, write, text in (
        ("index", lambda chapters: [index.write(chapters)], "write and execute the start page"),
        ("links", links.write, "write the links between the lessons"),
        ("course", paths.write, "write the tables and the picture of docs/course"),
        ("manual", manual.write, "write the manual for instructors"),
        ("slides", slides.write, "write the slides of all lessons"),
    ):
        add(name, functools.partial(_write, write), text)
    ledger = "write the ledger of findings and exact checks"
    add("ledger", lambda options: _list([evidence.write(options.chapters)]), ledger)

    command = add("site", _site, "build the website from the committed notebooks", "*")
    command.add_argument("--no-pictures", action="store_true", help="draw no models")
    command.add_argument("--out", type=Path, default=Path("build") / "site", help="folder")
    command.add_argument("--repository", default="", help="its address, for links and buttons")

    add_course(add)
    add_grading(add)
    variants.add_command(add)
    return parser


if __name__ == "__main__":
    sys.exit(main())
