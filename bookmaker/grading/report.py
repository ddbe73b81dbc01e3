"""Writes the grades of a course as CSV: nbgrader's own, one with remarks, Canvas's and Moodle's.

Canvas asks for the columns Student, ID, SIS User ID, SIS Login ID and Section in this order, then
one for each assignment, and for a second line that begins with "Points Possible". Moodle lets one
choose columns, and needs one that names the student: the ID number or the email address.
"""

import csv
import io
from collections import defaultdict
from pathlib import Path

from bookmaker.grading.collect import UNKNOWN
from bookmaker.grading.course import Course
from bookmaker.grading.late import rescore
from bookmaker.grading.roster import read_roster
from recsys_book.base.paths import write_atomically

_GRADES = ("student", "lesson", "points", "pending", "of", "hours_late", "penalty", "remark")
_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_MOODLE = ("First name", "Last name", "ID number", "Email address")


def export(course: Course) -> tuple[list[Path], int]:
    """Write the grades into the folder ``grades`` of a course.

    Returns:
        ``(paths, waiting)``: the files, and the number of submissions that wait for a person's
        points or for `grade`; they are left out of the files for Canvas and Moodle.
    """
    from nbgrader.plugins import CsvExportPlugin

    folder = course.root / "grades"
    folder.mkdir(exist_ok=True)
    lessons, records = list(course.require_released()), course.records()
    api = course.api()
    for student, lesson, record in records:
        if record.get("graded", {}).get("fingerprint"):
            rescore(course, api, student, lesson)  # a person may have given points since
    with api.gradebook as gradebook:
        own = folder / "nbgrader.csv"
        CsvExportPlugin(parent=api, to=str(own)).export(gradebook)
        grades = [_grade(course, gradebook, *one) for one in records]
        most = {lesson: gradebook.find_assignment(lesson).max_score for lesson in lessons}
        students = [student.to_dict() for student in gradebook.students]
    students.sort(key=lambda one: (one["last_name"] or "", one["first_name"] or "", one["id"]))
    finals: dict[str, dict[str, str]] = defaultdict(dict)
    for row, final in grades:
        if row["lesson"] in lessons:
            finals[row["student"]][row["lesson"]] = final
    tables = {
        "grades.csv": (_GRADES, [row for row, _ in grades]),
        "canvas.csv": (
            (*_CANVAS, *lessons),
            _for_canvas(students, finals, most, read_roster(course)),
        ),
        "moodle.csv": ((*_MOODLE, *lessons), _for_moodle(students, finals)),
    }
    for name, (columns, rows) in tables.items():
        write_atomically(folder / name, _csv(columns, rows))
    waiting = sum("points" in row and final == "" for row, final in grades)
    return [*(folder / name for name in tables), own], waiting


def _grade(course, gradebook, student, lesson, record):
    """A row of grades.csv, and the points for Canvas and Moodle, "" for none or while some wait."""
    known = record.get("graded", {})
    remarks = [*record.get("faults", []), *record.get("remarks", []), *known.get("remarks", [])]
    row = {"student": student, "lesson": lesson, "remark": "; ".join(remarks)}
    if not record.get("counts"):
        # A file that cannot be read earns nothing, until a readable one comes.
        # One who handed in another notebook may still hand in the right one.
        is_open = lesson == UNKNOWN or record.get("wrong_file")
        return (row, "") if is_open else (row | {"points": "0"}, "0")
    if known.get("fault") or known.get("fingerprint") != course.fingerprint(student, lesson):
        fault = f"not graded: {known.get('fault') or 'run `make grade`'}"
        return row | {"points": "0", "remark": "; ".join([fault, *remarks])}, ""
    one = gradebook.find_submission(lesson, student)
    parts, pending = {}, 0.0
    for cell in one.notebooks[0].grades:
        exercise = cell.name.partition("--")[0].replace("-", ".")
        points, waits = parts.get(exercise, (0.0, False))
        parts[exercise] = (points + cell.score, waits or cell.needs_manual_grade)
        pending += cell.max_score if cell.needs_manual_grade else 0.0
    # A penalty for a late submission is nbgrader's, where the course's configuration asks for one.
    penalty = one.late_submission_penalty or 0.0
    numbers = {
        "points": max(0.0, one.score - penalty),
        "pending": pending,
        "of": one.max_score,
        "hours_late": round(one.total_seconds_late / 3600, 2),
        "penalty": penalty,
    }
    row |= {name: f"{value:g}" for name, value in numbers.items()}
    final = "" if one.needs_manual_grade else row["points"]
    row |= {name: "pending" if waits else f"{points:g}" for name, (points, waits) in parts.items()}
    return row, final


def _for_canvas(students, finals, most, roster):
    yield {"Student": "    Points Possible"} | {
        lesson: f"{points:g}" for lesson, points in most.items()
    }
    for one in students:
        more = roster.rows.get(one["id"], {})
        name = ", ".join(part for part in (one["last_name"], one["first_name"]) if part)
        keys = [more.get(key, "") for key in ("sis_user_id", "sis_login_id", "section")]
        row = zip(_CANVAS, (name or one["id"], one["lms_user_id"], *keys), strict=True)
        yield dict(row) | finals[one["id"]]


def _for_moodle(students, finals):
    for one in students:
        known = (one["first_name"], one["last_name"], one["id"], one["email"])
        yield dict(zip(_MOODLE, known, strict=True)) | finals[one["id"]]


def _csv(columns, rows):
    """The text of a table, with a column more for each exercise that the rows name."""
    rows = [{name: _harmless(text or "") for name, text in row.items()} for row in rows]
    columns = dict.fromkeys([*columns, *(name for row in rows for name in row)])
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _harmless(text):
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
