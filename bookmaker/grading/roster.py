"""The roster: who takes the course, and how a learning management system names their files."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from bookmaker.grading.course import Course, GradingError
from recsys_book.paths import write_atomically

NAME = "roster.csv"
# `id` and these are nbgrader's own (`nbgrader db student import`); the others are Canvas's.
OF_NBGRADER = ("first_name", "last_name", "email", "lms_user_id")
COLUMNS = ("id", *OF_NBGRADER, "sis_user_id", "sis_login_id", "section")

# doejohn_4711_8899_01_din.ipynb, with LATE after the name where it came late.
_CANVAS = re.compile(r"(?P<name>[^_]+)(?:_LATE)?_(?P<number>\d+)_\d+_(?P<rest>.+)")
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


def _full_name(row):
    return f"{row.get('first_name', '')} {row.get('last_name', '')}".strip().casefold()


def _as_identifier(name):
    """nbgrader looks for students' folders by patterns, in which these letters mean others."""
    return re.sub(r"[*?\[\]\\/\x00-\x1f]", "_", name).strip()


def read_roster(course: Course) -> Roster:
    """Return the `Roster` that was imported into a course."""
    path = course.root / NAME
    return Roster(_parse(path, path.read_text(encoding="utf-8"))) if path.exists() else Roster({})


def import_roster(path: str | Path, course: Course) -> int:
    """Copy a roster into the course and its students into nbgrader's gradebook.

    Students who are there already are renewed, none is removed.

    Args:
        path: CSV file with a header; ``id`` is required, see `COLUMNS`.
        course: the `Course`.

    Returns:
        The number of students.

    Raises:
        GradingError: no such file, no column ``id``, or an id is missing, twice or unfit.
    """
    if not str(path):
        raise GradingError("roster: expected ROSTER=file.csv, got nothing")
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GradingError(f"{path}: expected a CSV file in UTF-8, got {error}") from None
    rows = _parse(path, text)
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
        row = {key: (line[key] or "").strip() for key in COLUMNS if key in header}
        student = row.pop("id")
        if not student or student != _as_identifier(student) or student.startswith("."):
            raise GradingError(f"{path}: line {number}: expected an id, got {student!r}")
        if student in rows:
            raise GradingError(f"{path}: line {number}: the id {student!r} stands twice")
        rows[student] = row
    return rows
