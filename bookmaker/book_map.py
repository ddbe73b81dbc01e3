"""The map of the book on the start page: chapters, lessons, and what builds on what.

It is drawn from the front matter into ``chapters/book_map.svg`` once some lesson says what it
builds on.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bookmaker.lessons import Lesson
from recsys_book.paths import LessonError
from recsys_book.pictures import Lesson as Place
from recsys_book.pictures import book_map

NAME = "book_map.svg"
MARKDOWN = f"""\
![The book: chapters, their lessons, and what builds on what]({NAME})

An arrow leads from a lesson to the next one that builds on it; those at the left do so between
chapters.
"""


def places(lessons: Iterable[Lesson]) -> list[Place]:
    """The lessons as the map has them.

    Args:
        lessons: in the order of the book; companions and labs have no place on it.

    Returns:
        Each with the lessons that it builds on.
    """
    return [
        Place(f"{lesson.chapter}/{lesson.name}", lesson.title, lesson.prerequisites)
        for lesson in lessons
        if lesson.prerequisites is not None
    ]


def render(lessons: Iterable[Lesson], titles: Mapping[str, str]) -> str | None:
    """The map as SVG.

    Args:
        lessons: in the order of the book.
        titles: dict of a chapter's folder to its title, in order.

    Returns:
        The picture; None as long as no lesson says what it builds on.

    Raises:
        LessonError: a lesson builds on one that the book does not have.
    """
    lessons = list(lessons)
    if not any(lesson.prerequisites for lesson in lessons):
        return None
    try:
        return book_map(places(lessons), titles).svg.rstrip("\n") + "\n"
    except ValueError as error:
        raise LessonError(f"{NAME}: {error}") from None


def path(chapters: Path) -> Path:
    """Where the map lies.

    Args:
        chapters: the folder of the chapters.
    """
    return Path(chapters) / NAME
