"""Which lessons do not yet have to meet the standard of converted ones.

A converted lesson has alternative texts, variants, oral questions and folded cells, and the checks
hold it to them. ``chapters/not_yet_converted.txt`` names the others, one ``NN_chapter/NN_slug`` a
line; a lesson that is rewritten is taken off it, and no lesson is added.
"""

from pathlib import Path

from bookmaker.lessons import find_texts
from recsys_book.paths import CHAPTERS

NAME = "not_yet_converted.txt"


def not_yet_converted(chapters: Path = CHAPTERS) -> frozenset[str]:
    """The names of the lessons and labs that are not yet converted.

    Args:
        chapters: the folder of the chapters; without a list in it, all its lessons are converted.

    Returns:
        Names as ``NN_chapter/NN_slug``.

    Example:
        >>> "01_memorization_generalization/01_wide_and_deep" in not_yet_converted()
        False
    """
    return frozenset(_lines(chapters))


def lesson_name(text_path: Path) -> str:
    """The name by which the list knows a lesson: its chapter and its file, without the ending.

    Args:
        text_path: the lesson's text or notebook.

    Returns:
        A name as ``NN_chapter/NN_slug``; an exercises file has its lesson's name.

    Example:
        >>> lesson_name(Path("chapters/02_second_order_crosses/01_fm.exercises.md"))
        '02_second_order_crosses/01_fm'
    """
    path = Path(text_path)
    return f"{path.parent.name}/{path.name.split('.')[0]}"


def is_converted(text_path: Path) -> bool:
    """Whether a lesson has to meet the standard of converted lessons.

    Args:
        text_path: the lesson's text, notebook or exercises file, in its chapter's folder.

    Returns:
        False where the list of the folder above the chapter names it.
    """
    return lesson_name(text_path) not in not_yet_converted(Path(text_path).parent.parent)


def problems(chapters: Path = CHAPTERS) -> list[str]:
    """The faults of the list, one line each.

    Args:
        chapters: the folder of the chapters.

    Returns:
        A line for each name that is no lesson's, stands twice or is out of order.
    """
    path = Path(chapters) / NAME
    names = _lines(chapters)
    there = {lesson_name(text) for text in find_texts(chapters)}
    gone = [name for name in names if name not in there]
    found = [f"{path}: expected names of lessons, got {name}" for name in gone]
    if names != sorted(set(names)):
        found.append(f"{path}: expected each name once and in alphabetical order")
    return found


def _lines(chapters):
    path = Path(chapters) / NAME
    if not path.exists():
        return []
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]
