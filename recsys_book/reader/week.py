"""Which assignments are due: ``week.json`` beside the chapters, written by the course.

It holds the due date of each assignment: ``{"01_din": "2026-12-08T23:59:00+01:00"}``. Whoever hands
out assignments hands out this file, too.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from recsys_book.base import paths

NAME = "week.json"


def read_moment(text: str, where: str) -> datetime:
    """Return a day or a moment as a moment with its time zone; a day alone means its end.

    Args:
        text: such as ``"2026-12-08"``, ``"2026-12-08 18:00"`` or ``"2026-12-08T18:00+01:00"``;
            without a zone, this machine's.
        where: what the message of an error begins with.

    Raises:
        LessonError: it is no such text.

    Example:
        >>> read_moment("2026-12-08T18:00+01:00", "due").isoformat()
        '2026-12-08T18:00:00+01:00'
    """
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise paths.LessonError(
            f"{where}: expected a date such as 2026-12-08 or 2026-12-08T18:00, got {text!r}"
        ) from None
    if len(text) <= len("2026-12-08"):
        moment = moment.replace(hour=23, minute=59)
    return moment if moment.tzinfo is not None else moment.astimezone()


def this_week(
    chapters: str | Path | None = None, now: datetime | None = None
) -> list[tuple[str, datetime]]:
    """Return the assignments whose due date is not over, the next one first.

    Args:
        chapters: the folder of the file; default: the book's.
        now: the moment to compare with; default: now.

    Returns:
        List of ``(lesson, due)``; empty where nobody has set a date.

    Raises:
        LessonError: the file does not hold dates by lesson.
    """
    now = datetime.now().astimezone() if now is None else now
    open_still = [one for one in _read(chapters).items() if one[1] >= now]
    return sorted(open_still, key=lambda one: (one[1], one[0]))


def write_week(
    lessons: Iterable[str], due: datetime | None, chapters: str | Path | None = None
) -> None:
    """Write the due date of some lessons into the file; None takes theirs out of it.

    Raises:
        LessonError: the file does not hold dates by lesson.
    """
    known = _read(chapters) | dict.fromkeys(lessons, due)
    dates = {lesson: moment.isoformat() for lesson, moment in known.items() if moment is not None}
    paths.write_atomically(_path(chapters), json.dumps(dates, indent=1, sort_keys=True) + "\n")


def _path(chapters):
    return Path(paths.CHAPTERS if chapters is None else chapters) / NAME


def _read(chapters):
    path = _path(chapters)
    try:
        dates = json.loads(path.read_text(encoding="utf-8"))
        return {lesson: read_moment(text, lesson) for lesson, text in dates.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise paths.LessonError(f"{NAME}: expected a due date for each lesson: {error}") from None
