"""Writes into a lesson's text what has its one source elsewhere: the header and the starters.

The header, the first cell, repeats the front matter: title, question, times, the library's module,
and links to the lessons that a core lesson or a survey builds on. The minutes are those of
``budget``, but for labs. Objectives stand there alone, and stay as they are, as do own
words behind the library's module and the links. The cell after each ``exercise("id")`` is the
starter of the exercises file beside the lesson; one that is missing is put there. ``python -m
bookmaker cells`` and ``make book`` write both, the check compares them.
"""

import re
from pathlib import Path
from typing import Any

from bookmaker.building import links
from bookmaker.lessons import budget
from bookmaker.lessons.lesson_cells import code_lines, exercise_shown, is_starter_of
from bookmaker.lessons.lessons import (
    Lesson,
    code_places,
    describe,
    exercises_text,
    read_text,
)
from recsys_book.base.paths import LessonError, write_atomically
from recsys_book.exercises.source import read_source

_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_HEADER_ENDS = re.compile(r"^(?:## |\+\+\+|`{3})", re.MULTILINE)
# A part that is missing goes before the first of those behind it that is there.
_ORDER = ("Question", "Objectives", "Data", "Prerequisites", "Time", "Library")


def write(text_path: Path) -> bool:
    """Write header and starters into a lesson's text; returns whether it changed.

    Args:
        text_path: the lesson's text.

    Raises:
        LessonError: the text cannot be read, or its front matter lacks something.
        ExerciseError: the exercises file beside it cannot be read.
    """
    old = Path(text_path).read_text(encoding="utf-8")
    new = with_header(old, describe(text_path))
    if new != old:
        write_atomically(text_path, new)
    exercises = exercises_text(text_path)
    if exercises.exists():
        starters = {one.identifier: one.lesson_cell for one in read_source(exercises).exercises}
        text = with_starters(new, read_text(text_path), starters)
        if text != new:
            write_atomically(text_path, text)
            new = text
    return new != old


def parts(lesson: Lesson, notebook: Any = None) -> dict[str, str]:
    """The part of the header that repeats the front matter; own words may follow links and module.

    Args:
        lesson: what the front matter says.
        notebook: the text's content, if it has been read.

    Returns:
        Dict of label to what follows it; prerequisites that are none are an empty text.

    Raises:
        LessonError: a prerequisite is no lesson of the book.

    Example:
        >>> lab = Lesson(Path("lab_t.md"), "T", "Why?", "m", seconds=3, anatomy="lab", minutes=5)
        >>> parts(lab)["Time"]
        '5 minutes to read and try; the cells run in about 3 seconds on two idle cores.'
    """
    found = {"Question": lesson.question}
    if lesson.prerequisites is not None:
        linked = [links.link_to(name, lesson.text_path) for name in lesson.prerequisites]
        found["Prerequisites"] = ", ".join(linked)
    found["Time"] = (
        f"{_minutes(lesson, notebook)}; the cells run in about {lesson.seconds} seconds on two "
        "idle cores."
    )
    found["Library"] = f"`{lesson.library}`"
    return found


def _minutes(lesson, notebook):
    if lesson.is_lab:
        return f"{lesson.minutes} minutes to read and try"
    counted = budget.count(lesson.text_path, notebook)
    if not counted.solving:
        return f"{counted.reading} minutes to read"
    return (
        f"{counted.minutes} minutes: {counted.reading} to read, {counted.solving} for its exercises"
    )


def header_problems(lesson: Lesson, header: str, notebook: Any = None) -> list[str]:
    """Where the header is not what the front matter says, one line each.

    Args:
        lesson: what the front matter says.
        header: the first cell's source, up to its first ``##``.
        notebook: the text's content, if it has been read.
    """
    try:
        wanted_parts = parts(lesson, notebook)
    except LessonError as error:
        return [str(error)]
    return [
        f"{lesson.text_path}: the header's `**{label}.**` does not repeat the front matter's "
        f"{wanted!r}; run `python -m bookmaker cells`"
        for label, wanted in wanted_parts.items()
        if _paragraph(header, label) and _with_part(header, label, wanted) != header
    ]


def with_header(text: str, lesson: Lesson) -> str:
    """Return a lesson's text with the header that its front matter asks for.

    Args:
        text: the whole text.
        lesson: what the front matter says.

    Raises:
        LessonError: a prerequisite is no lesson of the book.
    """
    front = _FRONT_MATTER.match(text)
    start = front.end() if front else 0
    ends = _HEADER_ENDS.search(text, start)
    end = ends.start() if ends else len(text)
    header = text[start:end]
    title = re.search(r"^# .*$", header, re.MULTILINE)
    if title is None:
        header = f"\n# {lesson.title}\n\n{header.lstrip()}"
    elif title[0] != f"# {lesson.title}":
        header = f"{header[: title.start()]}# {lesson.title}{header[title.end() :]}"
    for label, wanted in parts(lesson).items():
        header = _with_part(header, label, wanted)
    return text[:start] + header + text[end:]


def with_starters(text: str, notebook, starters: dict[str, str]) -> str:
    """Return a lesson's text with each exercise's starter behind the cell that shows it.

    Args:
        text: the whole text.
        notebook: the same, as ``read_text`` gives it.
        starters: dict of an exercise's identifier to the source of its cell.
    """
    pieces, position, cells = [], 0, list(code_places(text, notebook))
    for number, (start, end) in enumerate(cells):
        for identifier in exercise_shown(text[start:end]):
            wanted = starters.get(identifier)
            following = cells[number + 1] if number + 1 < len(cells) else (0, 0)
            there = text[slice(*following)]
            if wanted is None or code_lines(there) == code_lines(wanted):
                continue
            if is_starter_of(there, identifier):
                pieces += [text[position : following[0]], wanted]
                position = following[1]
            else:
                behind = text.index("\n", text.index("\n```", end) + 1) + 1
                pieces += [text[position:behind], f"\n```{{code-cell}} ipython3\n{wanted}\n```\n"]
                position = behind
    return "".join([*pieces, text[position:]])


def _with_part(header, label, wanted):
    found = _paragraph(header, label)
    if found is None:
        new = f"**{label}.** {wanted or 'None.'}"
        for other in _ORDER[_ORDER.index(label) + 1 :]:
            before = _paragraph(header, other)
            if before is not None:
                return f"{header[: before[1]]}{new}\n\n{header[before[1] :]}"
        return f"{header.rstrip()}\n\n{new}\n\n"
    paragraph, start = found
    rest = ""
    if label == "Library":
        rest = budget.LIBRARY.sub("", paragraph, count=1)
    elif label == "Prerequisites":
        rest = budget.PREREQUISITES.sub("", paragraph, count=1)
        if rest.strip() in ("", "None."):
            rest, wanted = "", wanted or "None."
        rest = rest if wanted else rest.lstrip()
    new = f"**{label}.** {wanted}{rest}"
    # A line may be broken where the front matter's is not.
    if new.split() == paragraph.split():
        return header
    return f"{header[:start]}{new}{header[start + len(paragraph) :]}"


def _paragraph(header, label):
    """The paragraph that a label begins, and where it begins."""
    found = re.search(rf"^\*\*{label}\.\*\*.*?(?=\n\n|\n*\Z)", header, re.MULTILINE | re.DOTALL)
    return None if found is None else (found[0], found.start())
