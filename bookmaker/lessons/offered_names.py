"""What a lesson offers to who solves its exercises is imported there: ``hint``, ``np``, ...

How lessons tell readers about it stands here once, as `SENTENCE`.
"""

import ast
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bookmaker.lessons.lesson_cells import exercise_shown
from bookmaker.lessons.lessons import code_in, companion_text, exercises_text
from recsys_book.exercises.source import read_source

NAMES = ("check", "check_all", "exercise", "hint", "progress", "solution")
SENTENCE = (
    '`check` answers at once; `hint("{0}")` shows the next hint, and `solution("{0}")` the '
    "solution, once your answer is right or you have had the last hint."
)
_OFFERED = re.compile(rf"`({'|'.join(NAMES)})(?:\([^`]*\))?`")
_SAID = re.compile(
    re.escape(SENTENCE).replace(r"\{0\}", r"(?P<id>[\w.]+)", 1).replace(r"\{0\}", r"(?P=id)")
)


def offer_problems(text_path: str | Path, notebook: Any) -> list[str]:
    """What a lesson offers and does not import, and whether it says how hints are asked for.

    Args:
        text_path: the lesson's text.
        notebook: its cells.

    Returns:
        One line for each problem. Of a lesson and its companion, which share their exercises,
        each says the sentence that shows some.
    """
    text_path = Path(text_path)
    codes = code_in(notebook)
    imported, called = _names_in(codes)
    prose = [" ".join(c.source.split()) for c in notebook.cells if c.cell_type == "markdown"]
    offered = {found[1] for text in prose for found in _OFFERED.finditer(text)}
    problems = [
        f"{text_path}: offers {name}, but does not import it from recsys_book"
        for name in sorted((offered | called) - imported)
    ]
    exercises = exercises_text(text_path)
    shows = any(map(exercise_shown, codes)) or not companion_text(text_path).exists()
    if exercises.exists() and shows:
        said = [found["id"] for text in prose for found in _SAID.finditer(text)]
        if len(said) != 1:
            wanted = SENTENCE.format("the name of an exercise")
            problems.append(
                f"{text_path}: says {len(said)} times how hints are asked for, expected once: "
                f"{wanted}"
            )
        elif f"`{said[0]}`" not in exercises.read_text(encoding="utf-8"):
            problems.append(f"{text_path}: offers hints on {said[0]}, which {exercises.name} lacks")
    return problems


def module_problems(text_path: str | Path, notebook: Any) -> list[str]:
    """Modules that an exercise's own solution or a recorded mistake uses and the lesson lacks.

    A student writes an answer with what the solution is written with: ``np`` has to be there.

    Args:
        text_path: the lesson's text.
        notebook: its cells.

    Returns:
        One line for each exercise that the lesson shows and module that it lacks.
    """
    text_path, exercises = Path(text_path), exercises_text(Path(text_path))
    codes = code_in(notebook)
    shown = {identifier for code in codes for identifier in exercise_shown(code)}
    if not shown or not exercises.exists():
        return []
    source = read_source(exercises)
    modules = _modules_in([source.setup])
    there = _modules_in(codes)
    problems = []
    for exercise in source.exercises:
        if exercise.identifier not in shown:
            continue
        answers = [exercise.solution, *(mistake.code for mistake in exercise.mistakes)]
        for name in sorted((_bases_in(answers) & modules) - there - _modules_in(answers)):
            where = f"{text_path}: answers to {exercise.identifier}"
            problems.append(f"{where} use {name}, which it does not import")
    return problems


def _modules_in(cells: list[str]) -> set[str]:
    """The names under which code imports modules, or what is in them."""
    return {
        (alias.asname or alias.name).split(".")[0]
        for node in _nodes_in(cells)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def _bases_in(cells: list[str]) -> set[str]:
    """The names that code reads without an import of its own."""
    return {
        node.id
        for node in _nodes_in(cells)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def _nodes_in(cells: list[str]) -> Iterator[ast.AST]:
    for code in cells:
        # Whatever else is wrong with a cell shows when it is executed.
        with contextlib.suppress(SyntaxError):
            yield from ast.walk(ast.parse(code))


def _names_in(cells: list[str]) -> tuple[set[str], set[str]]:
    """Which of `NAMES` the code imports from the book, and which it calls."""
    imported: set[str] = set()
    called: set[str] = set()
    for node in _nodes_in(cells):
        if isinstance(node, ast.ImportFrom) and node.module == "recsys_book":
            imported |= {alias.name for alias in node.names if alias.asname is None}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func.id)
    return imported, called & set(NAMES)
