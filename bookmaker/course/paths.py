"""Paths through the book, with the hours that its lessons and exercises take.

A path is a list of sessions: weeks, days or an evening. A session names lessons by chapter and
number, ``04/01``; a star behind one says that its exercises are handed in. The hours come from the
lessons themselves, so that ``docs/course/README.md`` cannot promise others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bookmaker import budget, index
from bookmaker.course import picture
from bookmaker.lessons import Lesson, companion_text, describe, find_texts, is_deeper
from recsys_book.exercises.parsing import Exercise
from recsys_book.exercises.source import read_source, source_of
from recsys_book.paths import CHAPTERS, LessonError, write_atomically

FOLDER = CHAPTERS.parent / "docs" / "course"
PAGE, PICTURE = "README.md", "prerequisites.svg"
_PART = "<!-- {name}: written by `make book` -->\n"
_END = "<!-- end of {name} -->"


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
    "evening": ("evening", (Session("00/01 00/02 04/01"),)),
    "three_days": (
        "day",
        (
            Session(
                "00/01 00/02 00/03 01/01 02/01",
                "[your log described and checked](../your_own_data.md)",
                2,
            ),
            Session(
                "02/06 03/01 04/01 04/05", "[a leaderboard on your log](../leaderboards.md)", 2.5
            ),
            Session(
                "05/01 05/02 05/06 07/02 07/04", "[exported, verified, served](../serving.md)", 2
            ),
        ),
    ),
    "ten_weeks": (
        "week",
        (
            Session("00/01 00/02*"),
            Session("00/03 01/01*"),
            Session("02/01* 02/06"),
            Session("02/07 03/01*"),
            Session("03/04 04/01*"),
            Session("04/02 04/05*", "[planted bug](projects/planted_bug.md) handed out", 1),
            Session("05/01 05/02*", "planted bug, due", 4),
            Session("05/04* 05/06", "[scoreboard](projects/scoreboard.md) handed out", 2),
            Session("06/01 06/06*", "scoreboard", 5),
            Session("07/02 07/04*", "scoreboard, due, and shown in class", 5),
        ),
    ),
    "fourteen_weeks": (
        "week",
        (
            Session("00/01 00/02* 00/03"),
            Session("01/01* 01/02"),
            Session("02/01* 02/01b 02/02"),
            Session("02/03* 02/04 02/05"),
            Session("02/06* 02/07 03/01"),
            Session("03/02* 03/03 03/03b"),
            Session("03/04 04/01* 04/02"),
            Session("04/03* 04/04 04/05", "[planted bug](projects/planted_bug.md) handed out", 1),
            Session("05/01 05/02* 05/03", "planted bug, due", 4),
            Session("05/04* 05/05 05/06"),
            Session("06/01* 06/02 06/03", "[scoreboard](projects/scoreboard.md) handed out", 2),
            Session("06/04* 06/05 06/06", "scoreboard", 3),
            Session("07/01* 07/02", "scoreboard", 4),
            Session("07/03* 07/04", "scoreboard, due, and shown in class", 4),
        ),
    ),
}
"""The paths of the page: the word for a session, and the sessions."""


class Book:
    """The lessons of a book by chapter and number, and what they take.

    Args:
        chapters: the folder of the chapters.
    """

    def __init__(self, chapters: Path = CHAPTERS):
        texts = [path for path in find_texts(chapters) if not is_deeper(path)]
        found = [describe(path) for path in texts]
        self.chapters = chapters
        self.lessons: dict[str, Lesson] = {
            short(f"{one.chapter}/{one.name}"): one for one in found if not one.is_lab
        }

    def chosen(self, session: Session) -> Iterator[tuple[str, Lesson, bool]]:
        """Number, lesson, and whether its exercises are handed in, for each of a session.

        Args:
            session: of a path.

        Raises:
            LessonError: the book has no such lesson.
        """
        for word in session.lessons.split():
            number = word.removesuffix("*")
            if number not in self.lessons:
                raise LessonError(f"PATHS: expected a lesson of the book, got {number!r}")
            yield number, self.lessons[number], word.endswith("*")

    def exercises(self, lesson: Lesson) -> tuple[Exercise, ...]:
        """All exercises of a lesson, its companion's among them.

        Args:
            lesson: of the book.
        """
        return read_source(source_of(lesson.name, self.chapters)).exercises

    def minutes(self, lesson: Lesson) -> int:
        """Minutes to read a lesson and to solve the exercises in it.

        Args:
            lesson: of the book.
        """
        return budget.count(lesson.text_path).minutes

    def further_minutes(self, lesson: Lesson) -> int:
        """Minutes to read the companion and to solve the exercises that the lesson does not show.

        Args:
            lesson: of the book.
        """
        companion = companion_text(lesson.text_path)
        reading = budget.count(companion).reading if companion.exists() else 0
        inside = budget.count(lesson.text_path).exercises
        further = [one for one in self.exercises(lesson) if one.identifier not in inside]
        return reading + sum(one.minutes for one in further)

    def on_trust(self, sessions: tuple[Session, ...]) -> list[str]:
        """Numbers of the lessons that a path's lessons build on and that do not come before.

        Args:
            sessions: of a path.
        """
        seen: set[str] = set()
        missing = []
        for session in sessions:
            for number, lesson, _ in self.chosen(session):
                needs = [short(need) for need in lesson.prerequisites or ()]
                missing += [need for need in needs if need not in seen]
                seen.add(number)
        return sorted(set(missing))


def short(key: str) -> str:
    """Chapter and number of a lesson's key.

    Args:
        key: such as ``"04_sequence_models/01_din"``.

    Example:
        >>> short("02_second_order_crosses/01b_field_pairs")
        '02/01b'
    """
    chapter, _, name = key.partition("/")
    return f"{chapter.partition('_')[0]}/{name.partition('_')[0]}"


def table(book: Book, name: str) -> str:
    """One path as a Markdown table with a line of hours below.

    Args:
        book: the lessons.
        name: of `PATHS`.
    """
    word, sessions = PATHS[name]
    rows, all_hours = [], [0.0, 0.0, 0.0]
    for number, session in enumerate(sessions, start=1):
        lessons, handed_in, minutes, further = [], [], 0, 0
        for key, lesson, starred in book.chosen(session):
            place = f"../../chapters/{lesson.chapter}/{lesson.name}.ipynb"
            lessons.append(f"[{key} {lesson.title.partition(':')[0]}]({place})")
            minutes += book.minutes(lesson)
            if starred:
                further += book.further_minutes(lesson)
                exercises = book.exercises(lesson)
                names = ", ".join(f"`{one.identifier.split('.')[-1]}`" for one in exercises)
                points = sum(one.points for one in exercises)
                handed_in.append(f"`{lesson.name}`, {points} points: {names}")
        hours = [minutes / 60, further / 60, session.hours]
        all_hours = [a + b for a, b in zip(all_hours, hours, strict=True)]
        shown = [str(number), "<br>".join(lessons), f"{hours[0]:.1f}", "<br>".join(handed_in)]
        shown += [_hours(hours[1]), session.work, _hours(hours[2]), f"{sum(hours):.1f}"]
        rows.append(shown)
    head = [word, "lessons", "h", "handed in", "more h", "besides", "h", "all h"]
    empty = [n for n in (3, 5) if not any(row[n] for row in rows)]
    kept = [n for n in range(len(head)) if n not in {*empty, *(n + 1 for n in empty)}]
    lines = [head, [":---"] * len(head), *rows]
    text = "\n".join("| " + " | ".join(line[n] for n in kept) + " |" for line in lines)
    trusted = ", ".join(book.on_trust(sessions)) or "none"
    parts = (f"{all_hours[0]:.0f} for lessons", f"{all_hours[1]:.0f} for what is handed in")
    said = [part for part, hours in zip(parts, all_hours, strict=False) if hours]
    said += [f"{all_hours[2]:g} for the rest"] * bool(all_hours[2])
    return (
        f"{text}\n\n**{sum(all_hours):.0f} hours** in all: {', '.join(said)}. Prerequisites that "
        f"this path leaves out: {trusted}."
    )


def _hours(value: float) -> str:
    return f"{value:.1f}" if value else ""


def prerequisites(book: Book) -> tuple[str, str]:
    """The picture of what builds on what as SVG, and the same in words.

    Args:
        book: the lessons.
    """
    groups: dict[str, dict[str, str]] = {}
    needs = {}
    for key, lesson in book.lessons.items():
        title = index.chapter_title(lesson.chapter)
        groups.setdefault(f"{key[:2]} {title}", {})[key] = lesson.title.partition(":")[0]
        needs[key] = tuple(short(need) for need in lesson.prerequisites or ())
    return picture.draw(groups, needs), picture.describe(groups, needs)


def pages(chapters: Path = CHAPTERS, folder: Path = FOLDER) -> Mapping[Path, str]:
    """Dict of path to text of what is generated in the course's folder.

    Args:
        chapters: the folder of the chapters.
        folder: the course's, whose page has a pair of marks for each generated part.

    Raises:
        LessonError: a mark is missing, or a path names a lesson that there is not.
    """
    book = Book(chapters)
    svg, words = prerequisites(book)
    parts = {name: table(book, name) for name in PATHS}
    parts["prerequisites"] = f"![{words}]({PICTURE})"
    text = (folder / PAGE).read_text(encoding="utf-8")
    for name, content in parts.items():
        begin, end = _PART.format(name=name), _END.format(name=name)
        if text.count(begin) != 1 or text.count(end) != 1:
            raise LessonError(f"{folder / PAGE}: expected {begin.strip()!r} and {end!r} once each")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{content}\n\n{end}{rest.partition(end)[2]}"
    return {folder / PAGE: text, folder / PICTURE: svg}


def write(chapters: Path = CHAPTERS, folder: Path = FOLDER) -> list[Path]:
    """Write what is generated in the course's folder; return the paths that changed.

    Args:
        chapters: the folder of the chapters.
        folder: the course's.
    """
    changed = []
    for path, text in pages(chapters, folder).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_atomically(path, text)
            changed.append(path)
    return changed
