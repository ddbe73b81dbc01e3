"""The changes that a course's seed makes, exercise by exercise, and whether they hold.

``python -m bookmaker variants`` prints the table; with ``--seed 2026`` every exercise is drawn and
tried: its own solution passes, each recorded mistake fails, and the book's solution is no answer.
"""

import re
import warnings
from collections.abc import Callable
from pathlib import Path

from recsys_book.exercises.answers import options_of
from recsys_book.exercises.parsing import Exercise, ExerciseError, ExerciseFile
from recsys_book.exercises.source import find_sources, read_source, source_of
from recsys_book.exercises.variants import variant_of
from recsys_book.exercises.verdicts import Verdict, define, run_test

_NO_PROSE = re.compile(r"\$.*?\$|`.*?`|\*\*[a-z]\*\*", re.DOTALL)
_SHOWN = {"": "not said", "no": "nothing"}


def problems(file: ExerciseFile) -> list[str]:
    """The faults of the variants of a file of exercises, one line each.

    Args:
        file: as the book has it.

    Returns:
        A line for each exercise that says nothing, for each letter of an
        option that would not follow its option, and for each variant that cannot be made.
    """
    found = []
    for one in file.exercises:
        where = f"{file.path}: exercise {one.identifier}"
        if not one.varies:
            found.append(
                f"{where}: expected what varies with a seed, as in `varies: task`, got nothing"
            )
        if one.kind == "recall" and one.varies == "options":
            found += [f"{where}: {line}" for line in _bare_letters(one)]
    try:
        variant_of(file, 1)
    except ExerciseError as error:
        found.append(str(error))
    return found


def _bare_letters(one: Exercise) -> list[str]:
    letters = "".join(options_of(one.statement))
    # An "a" alone may be the article.
    pattern = re.compile(rf"(?<![\w'])(?:[{letters[1:]}]|\(a\)|option a)(?![\w'])")
    parts = {"statement": one.statement, "Explanation": one.explanation}
    parts |= {f"hint {number}": hint for number, hint in enumerate(one.hints, start=1)}
    parts |= {f"mistake {n}": mistake.text for n, mistake in enumerate(one.mistakes, start=1)}
    return [
        f"{name}: expected an option's letter bold, as **b**, or anything else as $b$, got {letter}"
        for name, text in parts.items()
        for letter in pattern.findall(_NO_PROSE.sub(" ", text))
    ]


def faults(file: ExerciseFile, seed: int | None) -> list[str]:
    """Where the variant of a seed does not hold, one line each.

    Args:
        file: as the book has it.
        seed: of a course; None tries the book's own exercises.

    Returns:
        A line for each test that rejects the variant's solution, for each recorded mistake that is
        not rejected where it says, and for each exercise that the book's solution still answers
        although its task or its options vary.

    Raises:
        ExerciseError: a variant cannot be made.
    """
    drawn = variant_of(file, seed)
    found = []
    for old, new in zip(file.exercises, drawn.exercises, strict=True):
        where = f"{file.path}: exercise {new.identifier}, seed {seed}"
        found += [f"{where}: {line}" for line in _own_faults(drawn, new)]
        if seed is not None and old.varies in ("task", "options"):
            if _passes_all(drawn, new, define(file.setup, old.solution, old.target)):
                found.append(f"{where}: expected the book's solution to fail, it passes")
    return found


def _own_faults(file, one):
    solution = define(file.setup, one.solution, one.target)
    for tests in ("public", "hidden"):
        verdict = _verdict(file, one, solution, tests)
        if not verdict.passed:
            yield f"the {tests} test: expected its solution to pass, got {_told(verdict)}"
    for number, mistake in enumerate(one.mistakes, start=1):
        answer = define(file.setup, mistake.code, one.target)
        public = _verdict(file, one, answer, "public")
        hidden = _verdict(file, one, answer, "hidden")
        judged = public if mistake.caught_by == "public" and one.kind != "recall" else hidden
        if not judged.rejected:
            yield (
                f"mistake {number}: expected the {mistake.caught_by} test to reject it, got "
                f"{_told(judged)}"
            )
        if mistake.caught_by == "hidden" and not public.passed:
            yield f"mistake {number}: expected the public test to let it pass, got {_told(public)}"


def _passes_all(file, one, answer):
    return all(_verdict(file, one, answer, tests).passed for tests in ("public", "hidden"))


def _verdict(file, one, answer, tests):
    code = one.public if tests == "public" else one.hidden
    if not code:
        return Verdict("exact")
    return run_test(file.setup, code, one.target, answer, name=f"{tests} test of {one.identifier}")


def _told(verdict):
    return f"{verdict.status} {' '.join(verdict.details.split())}".strip()


def table(files: list[ExerciseFile]) -> str:
    """The parts that vary with a seed, a line for each exercise.

    Args:
        files: exercises of some lessons.

    Returns:
        Lines of lesson, identifier, kind, points, what varies, and that in words.
    """
    rows = [("lesson", "exercise", "kind", "points", "varies", "what")]
    for file in files:
        rows += [
            (
                file.lesson,
                one.identifier,
                one.kind,
                str(one.points),
                _SHOWN.get(one.varies, one.varies),
                one.variant_note,
            )
            for one in file.exercises
        ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def add_command(add: Callable) -> None:
    """Add the command ``variants`` to a parser.

    Args:
        add: adds a command, of its name, what runs it, and its help; returns its parser.
    """
    command = add("variants", _run, "say what a seed changes in each exercise", "*")
    command.add_argument("--seed", type=int, help="draw and try the exercises of this seed, too")


def _run(options):
    sources: list[Path] = [source_of(lesson, options.chapters) for lesson in options.lessons]
    files = [read_source(path) for path in sources or find_sources(options.chapters)]
    print(table(files))
    if options.seed is None:
        return 0
    with warnings.catch_warnings():
        # Recorded mistakes divide by zero and overflow; what comes of it is what counts.
        warnings.simplefilter("ignore")
        found = [line for file in files for line in faults(file, options.seed)]
    count = sum(len(file.exercises) for file in files)
    print("\n" + "\n".join(found or [f"{count} exercises drawn with seed {options.seed} hold"]))
    return 1 if found else 0
