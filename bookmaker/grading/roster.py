"""The roster: who takes the course, and how a learning management system names their files."""

import csv
import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from bookmaker.grading.course import Course, GradingError
from recsys_book.base.paths import write_atomically
from recsys_book.reader.week import read_moment

NAME = "roster.csv"
# `id` and these are nbgrader's own (`nbgrader db student import`); the others are Canvas's.
OF_NBGRADER = ("first_name", "last_name", "email", "lms_user_id")
COLUMNS = ("id", *OF_NBGRADER, "sis_user_id", "sis_login_id", "section")
# A column such as `due 01_din` holds a student's own due date of this lesson.
OWN_DUE = "due "

# doejohn_4711_8899_01_din.ipynb, with LATE after the name where it came late.
_CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<number>\d+)_\d+_(?P<rest>.+)")
# John Doe_4711_assignsubmission_file, a folder, or the beginning of a file's name.
_MOODLE = re.compile(r"(?P<name>.+?)_\d+_assignsubmission_file(?:_(?P<rest>.*))?")


@dataclass(frozen=True)
class Roster:
    """Rows of the roster by student; without a file, none."""

    rows: dict[str, dict[str, str]]

    def student(self, name: str) -> tuple[str, str]:
        """Return who is meant by the name of a file or folder, and what is left of the name.

        Args:
            name: such as ``"ann"``, or as Canvas and Moodle name what one downloads from them.

        Returns:
            ``(student, rest)``: the student as in the roster where it has one that fits, and the
            name of the file as the student gave it, or an empty text.

        Example:
            >>> Roster({"ann": {"lms_user_id": "4711"}}).student("leeann_4711_8899_01_din")
            ('ann', '01_din')
        """
        if match := _MOODLE.fullmatch(name):
            wanted = match["name"].casefold()
            found = [one for one, row in self.rows.items() if _full_name(row) == wanted]
        elif match := _CANVAS.fullmatch(name):
            number = match["number"]
            found = [one for one, row in self.rows.items() if row.get("lms_user_id") == number]
        else:
            return _as_identifier(name), ""
        student = found[0] if len(found) == 1 else _as_identifier(match["name"])
        return student, match["rest"] or ""

    def own_due(self, student: str, lesson: str) -> str | None:
        """Return a student's own due date; "" for none, None where the roster has no column."""
        if not any(OWN_DUE + lesson in row for row in self.rows.values()):
            return None
        return self.rows.get(student, {}).get(OWN_DUE + lesson, "")

    def stranger(self, student: str) -> str:
        """Return what there is to say of a name that the roster lacks; "" where it has it."""
        if not self.rows or not student or student in self.rows:
            return ""
        spelled: dict[str, list[str]] = {}
        for one, row in self.rows.items():
            first, last = (row.get(key, "") for key in ("first_name", "last_name"))
            for name in (one, f"{first} {last}", last + first, row.get("sis_login_id", "")):
                spelled.setdefault(name.strip().casefold(), []).append(one)
        names = difflib.get_close_matches(student.casefold(), list(spelled), 3)
        students = dict.fromkeys(one for name in names for one in spelled[name])
        nearest = ", ".join(students) or "none"
        return (
            f"not on the roster, so it is not filed; nearest there: {nearest}. Give the file the "
            "right name or the roster this one, and collect again"
        )


def says_late(name: str) -> bool | None:
    """Return whether Canvas marks a file as late, by its name; None where it is not Canvas's."""
    match = None if _MOODLE.fullmatch(name) else _CANVAS.fullmatch(name)
    return None if match is None else bool(match["late"])


def is_moodles(name: str) -> bool:
    """Return whether Moodle has named a folder or file."""
    return _MOODLE.fullmatch(name) is not None


def _full_name(row):
    return f"{row.get('first_name', '')} {row.get('last_name', '')}".strip().casefold()


def _as_identifier(name):
    """The name without letters that mean others in the patterns by which nbgrader finds folders."""
    return re.sub(r"[*?\[\]\\/\x00-\x1f]", "_", name).strip()


def read_roster(course: Course) -> Roster:
    """Return the `Roster` that was imported into a course."""
    path = course.root / NAME
    return Roster(_parse(path, path.read_text(encoding="utf-8"))) if path.exists() else Roster({})


def import_roster(path: str | Path, course: Course) -> int:
    """Copy a roster into the course and its students into nbgrader's gradebook.

    Students who are there already are renewed, none is removed.

    Args:
        path: CSV file with a header; ``id`` is required, see `COLUMNS` and `OWN_DUE`.
        course: the `Course`.

    Returns:
        The number of students.

    Raises:
        GradingError: no such file, no column ``id``, an id is missing, twice or unfit, or a due
            date is of no released lesson.
        LessonError: a due date is none.
    """
    if not str(path):
        raise GradingError("roster: expected ROSTER=file.csv, got nothing")
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GradingError(f"{path}: expected a CSV file in UTF-8, got {error}") from None
    rows = _parse(path, text)
    lessons = course.released()
    for name in next(iter(rows.values()), {}):
        if name.startswith(OWN_DUE) and name.removeprefix(OWN_DUE) not in lessons:
            known = ", ".join(lessons) or "none so far"
            raise GradingError(f"{path}: column {name!r}: expected a released lesson, of {known}")
    with course.api().gradebook as gradebook:
        for student, row in rows.items():
            known = {key: row[key] for key in OF_NBGRADER if row.get(key)}
            gradebook.update_or_create_student(student, **known)
    write_atomically(course.root / NAME, text)
    return len(rows)


def _parse(path, text):
    reader = csv.DictReader(text.splitlines())
    header = [name.strip() for name in reader.fieldnames or []]
    if "id" not in header:
        raise GradingError(f"{path}: expected a column id, got {', '.join(header) or 'nothing'}")
    reader.fieldnames = header
    rows = {}
    for number, line in enumerate(reader, start=2):
        kept = [key for key in header if key in COLUMNS or key.startswith(OWN_DUE)]
        row = {key: (line[key] or "").strip() for key in kept}
        student = row.pop("id")
        if not student or student != _as_identifier(student) or student.startswith("."):
            raise GradingError(f"{path}: line {number}: expected an id, got {student!r}")
        for key in kept:
            if key.startswith(OWN_DUE) and row[key]:
                read_moment(row[key], f"{path}: line {number}: {key}")
        if student in rows:
            raise GradingError(f"{path}: line {number}: the id {student!r} stands twice")
        rows[student] = row
    return rows
