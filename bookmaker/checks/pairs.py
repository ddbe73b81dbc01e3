"""Further rules for a core lesson or a survey and its companion.

What a lesson builds on comes before it in the book. Exercises that are left for the companion are
named under *In short*, with the minutes that they take.
"""

import re
from typing import Any

from bookmaker.lessons import budget, live, sentences
from bookmaker.lessons.anatomies import ANSWER, CHECKED, HEADINGS, MODEL, SHORT, WALK
from bookmaker.lessons.lessons import Lesson, calls_in_cell, companion_text, is_deeper
from bookmaker.lessons.prose import said_under

_BOX = re.compile(r"^\| \*\*Begin with\*\* \|", re.MULTILINE)


def headings(lesson: Lesson, notebook: Any) -> tuple[str, ...]:
    """The headings that a lesson needs.

    Args:
        lesson: what the front matter says.
        notebook: the text's content.

    Returns:
        Those of its anatomy, but walk and model where it trains none; and one more if it checks or
        shows sentences.
    """
    found = HEADINGS[lesson.anatomy]
    if not live.has_model(lesson):
        found = tuple(heading for heading in found if heading not in (WALK, MODEL))
    checks = any(_calls(notebook, name) for name in ("exact", sentences.BLOCK))
    return (*found, CHECKED) if checks and not lesson.is_lab else found


def problems(lesson: Lesson, notebook: Any) -> list[str]:
    """The faults of a core lesson, a survey or a companion by itself, one line each.

    Args:
        lesson: what the front matter says.
        notebook: the text's content.

    Returns:
        Nothing for a lab.

    Raises:
        LessonError: the companion cannot be read.
    """
    if lesson.is_lab:
        return []
    found = []
    if lesson.anatomy == "core":
        if not _calls(notebook, "exercise"):
            found.append("expected an exercise in place, got none")
        if not _BOX.search(said_under(SHORT, notebook)):
            found.append(f"expected a decision box under {SHORT}, a table that says *Begin with*")
        found += live.text_problems(lesson, notebook)
    if lesson.anatomy in ("core", "survey"):
        found += [
            f"cell {number} answers a guess, expected the tag {ANSWER}"
            for number, cell in enumerate(notebook.cells, start=1)
            if calls_in_cell(cell.source, "resolve") and ANSWER not in cell.metadata.get("tags", [])
        ]
    name = f"{lesson.chapter}/{lesson.name}"
    for other in lesson.prerequisites or ():
        if other >= name:
            found.append(f"prerequisites: expected lessons that come before {name}, got {other}")
    found += _left_out(lesson, notebook)
    return [f"{lesson.text_path}: {line}" for line in found]


def _calls(notebook, name):
    code = (cell for cell in notebook.cells if cell.cell_type == "code")
    return any(calls_in_cell(cell.source, name) for cell in code)


def _left_out(lesson, notebook):
    """Whether the lesson says, with link and minutes, which exercises stand in its companion."""
    companion = companion_text(lesson.text_path)
    if is_deeper(lesson.text_path) or not companion.exists():
        return []
    minutes = budget.count(companion).solving
    said = " ".join(said_under(SHORT, notebook).split())
    link, time = f"({companion.stem}.ipynb)", f"{minutes} minute{'' if minutes == 1 else 's'}"
    if not minutes or (link in said and re.search(rf"\b{time}\b", said)):
        return []
    return [
        f"expected a link {link} and {time!r} under {SHORT}, for the exercises that stand there"
    ]
