"""What to know instead of a lesson that a route or a path of a course leaves out.

A route of the start page, and a path of a course, may pass by a lesson that one of its lessons
builds on. Both then show the sentence that ``instead.yaml`` has for it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from recsys_book.base.paths import LessonError

PATH = Path(__file__).with_suffix(".yaml")
INSTEAD: dict[str, str] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
"""Dict of a lesson, as prerequisites name it, to its sentence."""


def left_out(lessons: Iterable[str], needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The lessons that a way through the book builds on and that do not come before.

    Args:
        lessons: the way, in its order.
        needs: dict of a lesson to the lessons that it builds on.

    Returns:
        Their names in the order of the book.

    Example:
        >>> left_out(["00/01", "04/01"], {"00/01": [], "04/01": ["00/02", "00/01"]})
        ['00/02']
    """
    seen: set[str] = set()
    missing: set[str] = set()
    for lesson in lessons:
        missing |= set(needs[lesson]) - seen
        seen.add(lesson)
    return sorted(missing)


def sentence(lesson: str) -> str:
    """What to know instead of a lesson.

    Args:
        lesson: as prerequisites name it.

    Raises:
        LessonError: there is no sentence for it.
    """
    if lesson not in INSTEAD:
        raise LessonError(f"{PATH}: expected a sentence for {lesson}, got none")
    return INSTEAD[lesson]
