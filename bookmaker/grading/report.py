"""Writes the grades of a course as CSV: nbgrader's own, one with remarks, Canvas's and Moodle's.

Canvas asks for the columns Student, ID, SIS User ID, SIS Login ID and Section in this order, then
one for each assignment, and for a second line that begins with "Points Possible". Moodle lets one
choose columns, and needs one that names the student: the ID number or the email address.
"""

import csv
import io
from pathlib import Path

from bookmaker.grading.collect import UNKNOWN
from bookmaker.grading.course import Course
from bookmaker.grading.late import rescore
from bookmaker.grading.roster import read_roster
from recsys_book.base.paths import write_atomically

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
        grades = {
            (student, lesson): _grade(course, gradebook, student, lesson, record)
            for student, lesson, record in records
        }
        most = {lesson: gradebook.find_assignment(lesson).max_score for lesson in lessons}
        students = [student.to_dict() for student in gradebook.students]
    students.sort(key=lambda one: (one["last_name"] or "", one["first_name"] or "", one["id"]))
    tables = {
        "grades.csv": _with_remarks(grades),
        "canvas.csv": _for_canvas(students, lessons, grades, most, read_roster(course)),
        "moodle.csv": _for_moodle(students, lessons, grades),
    }
    for name, rows in tables.items():
        write_atomically(folder / name, _csv(rows))
    waiting = sum(one["points"] != "" and one["final"] == "" for one in grades.values())
    return [*(folder / name for name in tables), own], waiting


def _grade(course, gradebook, student, lesson, record):
    """One row of what is known: points by exercise, their sum, what is pending, the remarks."""
    known = record.get("graded", {})
    remarks = [*record.get("faults", []), *record.get("remarks", []), *known.get("remarks", [])]
    row = dict.fromkeys(("points", "pending", "of", "final", "hours_late", "penalty"), "")
    row |= {"parts": {}, "remarks": remarks}
    if not record.get("counts"):
        # A file that cannot be read earns nothing, until a readable one comes.
        # One who handed in another notebook may still hand in the right one.
        is_open = lesson == UNKNOWN or record.get("wrong_file")
        return row if is_open else {**row, "points": 0.0, "final": 0.0}
    if known.get("fault") or known.get("fingerprint") != course.fingerprint(student, lesson):
        remarks.insert(0, f"not graded: {known.get('fault') or 'run `make grade`'}")
        return {**row, "points": 0.0}
    one = gradebook.find_submission(lesson, student)
    pending = 0.0
    for cell in one.notebooks[0].grades:
        exercise = cell.name.partition("--")[0].replace("-", ".")
        points, waits = row["parts"].get(exercise, (0.0, False))
        row["parts"][exercise] = (points + cell.score, waits or cell.needs_manual_grade)
        pending += cell.max_score if cell.needs_manual_grade else 0.0
    # A penalty for a late submission is nbgrader's, where the course's configuration asks for one.
    penalty = one.late_submission_penalty or 0.0
    score = max(0.0, one.score - penalty)
    final = "" if one.needs_manual_grade else score
    row |= {"hours_late": round(one.total_seconds_late / 3600, 2), "penalty": penalty}
    return {**row, "points": score, "pending": pending, "of": one.max_score, "final": final}


def _with_remarks(grades):
    names = list(dict.fromkeys(name for one in grades.values() for name in one["parts"]))
    numbers = ("points", "pending", "of", "hours_late", "penalty")
    rows = [["student", "lesson", *numbers, "remark", *names]]
    for (student, lesson), one in grades.items():
        row = [student, lesson, *(_number(one[key]) for key in numbers)]
        parts = [one["parts"].get(name) for name in names]
        shown = [
            "" if part is None else "pending" if part[1] else _number(part[0]) for part in parts
        ]
        rows.append([*row, "; ".join(one["remarks"]), *shown])
    return rows


def _for_canvas(students, lessons, grades, most, roster):
    rows = [[*_CANVAS, *lessons]]
    rows.append(["    Points Possible", "", "", "", "", *(_number(most[one]) for one in lessons)])
    for one in students:
        more = roster.rows.get(one["id"], {})
        name = ", ".join(part for part in (one["last_name"], one["first_name"]) if part)
        keys = [more.get(key, "") for key in ("sis_user_id", "sis_login_id", "section")]
        rows.append([name or one["id"], one["lms_user_id"] or "", *keys])
        rows[-1] += [_final(grades, one["id"], lesson) for lesson in lessons]
    return rows


def _for_moodle(students, lessons, grades):
    rows = [[*_MOODLE, *lessons]]
    for one in students:
        known = (one["first_name"], one["last_name"], one["id"], one["email"])
        finals = [_final(grades, one["id"], lesson) for lesson in lessons]
        rows.append([*(value or "" for value in known), *finals])
    return rows


def _final(grades, student, lesson):
    one = grades.get((student, lesson))
    return "" if one is None else _number(one["final"])


def _number(value):
    return value if isinstance(value, str) else f"{value:g}"


def _csv(rows):
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return buffer.getvalue()


def _harmless(text):
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
