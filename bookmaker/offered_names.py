"""What a lesson offers to who solves its exercises is imported there: ``hint``, ``solution``, ...

How lessons tell readers about it stands here once, as `SENTENCE`.
"""

import ast
import contextlib
import re
from pathlib import Path
from typing import Any

from bookmaker.lesson_cells import exercise_shown
from bookmaker.lessons import code_in, companion_text, exercises_text

NAMES = ("check", "exercise", "hint", "progress", "solution")
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
        f"{text_path}: offers {name}, but does not import it from recsys_lib.book"
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


def _names_in(cells: list[str]) -> tuple[set[str], set[str]]:
    """Which of `NAMES` the code imports from the book, and which it calls."""
    imported: set[str] = set()
    called: set[str] = set()
    for code in cells:
        # Whatever else is wrong with a cell shows when it is executed.
        with contextlib.suppress(SyntaxError):
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.ImportFrom) and node.module == "recsys_lib.book":
                    imported |= {alias.name for alias in node.names if alias.asname is None}
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    called.add(node.func.id)
    return imported, called & set(NAMES)
