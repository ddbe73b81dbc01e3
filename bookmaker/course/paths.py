"""Paths through the book, with the hours that its lessons and exercises take.

A path is a list of sessions: weeks, days or an evening. A session names lessons by chapter and
number, ``04/01``; a star behind one says that its exercises are handed in. The hours come from the
outline of the book, so that ``docs/course/README.md`` cannot promise others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from bookmaker.course.picture import drawing
from bookmaker.lessons import budget
from bookmaker.lessons.instead import left_out, sentence
from bookmaker.lessons.lessons import companion_text, describe
from recsys_book.base.paths import CHAPTERS, LessonError, write_atomically
from recsys_book.exercises.source import read_source, source_of
from recsys_book.reader.start_page import Lesson, read_outline

FOLDER = CHAPTERS.parent / "docs" / "course"
PAGE, PICTURE = "README.md", "prerequisites.svg"


@dataclass(frozen=True)
class Session:
    """One week, day or evening.

    Args:
        lessons: ``"04/01* 04/05"``: chapter and number, a star where exercises are handed in.
        work: what else is done, as Markdown; empty for nothing.
        hours: that this takes.
    """

    lessons: str
    work: str = ""
    hours: float = 0


PATHS: dict[str, tuple[str, tuple[Session, ...]]] = {
    name: (path["word"], tuple(Session(**one) for one in path["sessions"]))
    for name, path in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8")).items()
}
"""The paths of the page, from ``paths.yaml``: the word for a session, and the sessions."""


class Book:
    """The lessons of a book by chapter and number, what they take and what they build on.

    Args:
        chapters: the folder of the chapters, with the outline that ``make book`` writes.
    """

    def __init__(self, chapters: Path = CHAPTERS):
        self.chapters = Path(chapters)
        self.outline = read_outline(chapters)["chapters"]
        self.lessons: dict[str, Lesson] = {
            short(one["key"]): one for chapter in self.outline for one in chapter["lessons"]
        }
        self.needs: dict[str, tuple[str, ...]] = {
            number: tuple(map(short, describe(self.text_path(number)).prerequisites or ()))
            for number in self.lessons
        }

    def text_path(self, number: str) -> Path:
        """Where the text of a lesson lies.

        Args:
            number: of the lesson, with its chapter's.
        """
        return self.chapters / f"{self.lessons[number]['key']}.md"

    def title(self, number: str) -> str:
        """Number and title of a lesson, without what stands behind a colon.

        Args:
            number: of the lesson, with its chapter's.
        """
        return f"{number} {self.lessons[number]['title'].partition(':')[0]}"

    def chosen(self, session: Session) -> Iterator[tuple[str, bool]]:
        """Number, and whether its exercises are handed in, for each lesson of a session.

        Args:
            session: of a path.

        Raises:
            LessonError: the book has no such lesson.
        """
        for word in session.lessons.split():
            number = word.removesuffix("*")
            if number not in self.lessons:
                raise LessonError(f"PATHS: expected a lesson of the book, got {number!r}")
            yield number, word.endswith("*")

    def minutes(self, number: str) -> int:
        """Minutes to read a lesson and to solve the exercises in it.

        Args:
            number: of the lesson, with its chapter's.
        """
        return self.lessons[number]["reading"] + sum(self.lessons[number]["exercises"].values())

    def assignment(self, number: str) -> tuple[str, int]:
        """What is handed in of a lesson, and the minutes that this takes beside the lesson's own.

        These are the minutes of the companion and of the exercises that the lesson does not show.

        Args:
            number: of the lesson, with its chapter's.
        """
        companion, lesson = companion_text(self.text_path(number)), self.lessons[number]
        minutes = budget.count(companion).reading if companion.exists() else 0
        exercises = read_source(source_of(companion.name.split(".")[0], self.chapters)).exercises
        minutes += sum(x.minutes for x in exercises if x.identifier not in lesson["exercises"])
        points = sum(one.points for one in exercises)
        name = lesson["key"].partition("/")[2]
        return f"`{name}`, {len(exercises)} exercises, {points} points", minutes

    def on_trust(self, sessions: tuple[Session, ...]) -> list[str]:
        """Numbers of the lessons that a path's lessons build on and that do not come before.

        Args:
            sessions: of a path.
        """
        chosen = [number for session in sessions for number, _ in self.chosen(session)]
        return left_out(chosen, self.needs)


def short(key: str) -> str:
    """Chapter and number of a lesson's key.

    Args:
        key: such as ``"04_sequence_models/01_din"``.

    Example:
        >>> short("02_second_order_crosses/01b_field_pairs")
        '02/01b'
    """
    return "/".join(part.partition("_")[0] for part in key.split("/"))


def table(book: Book, name: str) -> str:
    """One path as a Markdown table with a line of hours below.

    Args:
        book: the lessons.
        name: of `PATHS`.
    """
    word, sessions = PATHS[name]
    head = [word, "lessons", "handed in", "besides", "h of lessons", "h handed in", "h besides"]
    rows, totals = [[*head, "all h"], [":---"] * 4 + ["---:"] * 4], [0.0, 0.0, 0.0]
    for week, session in enumerate(sessions, start=1):
        lessons, handed_in, minutes = [], [], [0, 0, session.hours * 60]
        for number, starred in book.chosen(session):
            place = f"../../chapters/{book.lessons[number]['key']}.ipynb"
            lessons.append(f"[{book.title(number)}]({place})")
            minutes[0] += book.minutes(number)
            if starred:
                said, further = book.assignment(number)
                handed_in.append(said)
                minutes[1] += further
        totals = [all_ + one / 60 for all_, one in zip(totals, minutes, strict=True)]
        shown = [f"{one / 60:.1f}" if one else "" for one in (*minutes, sum(minutes))]
        rows.append([str(week), "<br>".join(lessons), "<br>".join(handed_in), session.work, *shown])
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    missing = [
        f"- {book.title(number)}: {sentence(book.lessons[number]['key'])}"
        for number in book.on_trust(sessions)
    ]
    said = ", and what to know instead:\n\n" + "\n".join(missing) if missing else ": none."
    return (
        f"{text}\n\n**{sum(totals):.0f} hours** in all: {totals[0]:.0f} for lessons, "
        f"{totals[1]:.0f} for what is handed in, {totals[2]:g} for the rest. Prerequisites that "
        f"this path leaves out{said}"
    )


def pages(chapters: Path = CHAPTERS, folder: Path = FOLDER) -> dict[Path, str]:
    """Dict of path to text of what is generated in the course's folder.

    Args:
        chapters: the folder of the chapters.
        folder: the course's, whose page has a pair of marks for each generated part.

    Raises:
        LessonError: a mark is missing, or a path names a lesson that there is not.
    """
    book = Book(chapters)
    drawn = drawing(book).picture()
    parts = {name: table(book, name) for name in PATHS}
    parts["prerequisites"] = f"![{drawn.alternative}]({PICTURE})"
    text = (folder / PAGE).read_text(encoding="utf-8")
    for name, content in parts.items():
        begin, end = f"<!-- {name}: written by `make book` -->\n", f"<!-- end of {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise LessonError(f"{folder / PAGE}: expected {begin.strip()!r} and {end!r} once each")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{content}\n\n{end}{rest.partition(end)[2]}"
    return {folder / PAGE: text, folder / PICTURE: f"{drawn.svg}\n"}


def write(chapters: Path = CHAPTERS, folder: Path = FOLDER) -> list[Path]:
    """Write what is generated in the course's folder; return the paths.

    Args:
        chapters: the folder of the chapters.
        folder: the course's.
    """
    made = pages(chapters, folder)
    for path, text in made.items():
        write_atomically(path, text)
    return list(made)
