"""Holds the exercises in a lesson against their source: each shown once, with its own starter.

A lesson and its companion share a file of exercises; each exercise stands in one of the two.
"""

from collections import Counter

from bookmaker.lessons import variants
from bookmaker.lessons.lessons import (
    calls_in_cell,
    companion_text,
    exercises_text,
    is_deeper,
    lesson_text,
    read_text,
)
from recsys_book.exercises.parsing import ExerciseError
from recsys_book.exercises.source import find_sources, known_identifiers, read_source


def lesson_problems(text_path, notebook):
    """Return what is wrong with the exercises of one lesson or companion, one line each.

    The lesson or its companion must show each exercise of the file beside them with a cell
    ``exercise("id")``, and the next code cell must be the source's starter followed by its check;
    blank lines do not count. An exercise that neither shows is missed by the lesson, one that both
    show is too much in the companion. What varies with a seed is checked along with the lesson.
    """
    path = exercises_text(text_path)
    shown = _shown(notebook)
    if not path.exists():
        return [
            f"{text_path}: shows the exercise {identifier}, but {path.name} is missing"
            for identifier, _ in shown
        ]
    try:
        file = read_source(path)
    except ExerciseError as error:
        return [str(error)]
    ours = {one.identifier: one for one in file.exercises}
    counts = Counter(identifier for identifier, _ in shown)
    problems = [
        f"{text_path}: shows the exercise {identifier} {times} times, expected once"
        for identifier, times in counts.items()
        if times > 1
    ]
    if is_deeper(text_path):
        lesson = lesson_text(text_path)
        for identifier in sorted(set(counts) & _shown_in(lesson)):
            problems.append(f"{text_path}: {lesson.name} shows the exercise {identifier}, too")
    else:
        for identifier in sorted(set(ours) - set(counts) - _shown_in(companion_text(text_path))):
            problems.append(f"{text_path}: no cell shows the exercise {identifier}")
    for identifier, following in shown:
        if identifier not in ours:
            problems.append(f"{text_path}: {path.name} has no exercise {identifier}")
        elif code_lines(following) != code_lines(ours[identifier].lesson_cell):
            problems.append(
                f"{text_path}: the cell after the exercise {identifier} is not its starter; "
                "run `python -m bookmaker cells`"
            )
    return problems if is_deeper(text_path) else problems + variants.problems(file)


def duplicate_exercises(chapters):
    """Return what stands more than once in the book: identifiers, and names of exercises files.

    A submission is told by its lesson's name alone, so no two chapters may share one.
    """
    problems = []
    for count, found in (
        (Counter(known_identifiers(chapters)), "the exercise {} stands in {} files"),
        (Counter(path.name for path in find_sources(chapters)), "{} stands in {} chapters"),
    ):
        problems += [
            f"{chapters}: {found.format(name, times)}"
            for name, times in sorted(count.items())
            if times > 1
        ]
    return problems


def render_lesson_cells(file):
    """Return the MyST text that a lesson needs for the exercises of an `ExerciseFile`."""
    parts = []
    for one in file.exercises:
        for code in (f'exercise("{one.identifier}")', one.lesson_cell):
            parts.append(f"```{{code-cell}} ipython3\n{code}\n```\n")
    return "\n".join(parts)


def exercise_shown(source):
    """Return the identifiers of the exercises that a code cell shows."""
    return [
        call.args[0].value
        for call in calls_in_cell(source, "exercise")
        if call.args and isinstance(getattr(call.args[0], "value", None), str)
    ]


def is_starter_of(source, identifier):
    """Return whether a code cell checks the answer to an exercise, and so holds its starter."""
    return any(
        call.args and getattr(call.args[0], "value", None) == identifier
        for call in calls_in_cell(source, "check")
    )


def code_lines(source):
    """Return a cell's lines without blank ones, which a formatter may add."""
    return [line.rstrip() for line in source.splitlines() if line.strip()]


def _shown(notebook):
    """Identifier and source of the code cell after it, for each exercise that is shown."""
    codes = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return [
        (identifier, following)
        for source, following in zip(codes, [*codes[1:], ""], strict=True)
        for identifier in exercise_shown(source)
    ]


def _shown_in(text_path):
    """The exercises that a text shows; none where there is no text."""
    if not text_path.exists():
        return set()
    return {identifier for identifier, _ in _shown(read_text(text_path))}
