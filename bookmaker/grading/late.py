"""Due dates, extensions and what lateness costs, all kept where nbgrader keeps them.

A lesson's due date, a student's extension, the time of a submission and its penalty stand in
nbgrader's gradebook; its own ``AssignLatePenalties`` computes the last from the others. Here they
get there: from the command line, from the roster and from what is known of each file.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bookmaker.grading.course import Course
from bookmaker.grading.roster import read_roster
from recsys_book.base.paths import write_atomically
from recsys_book.reader.week import read_moment


def set_due(course: Course, lessons: Iterable[str], due: datetime | None) -> None:
    """Write a due date into the gradebook for some lessons; None takes theirs away."""
    with course.api().gradebook as gradebook:
        for lesson in lessons:
            gradebook.update_or_create_assignment(lesson, duedate=due)


def before_autograde(assignment: str, student: str, notebooks: list[str]) -> None:
    """Bring time and extension into the gradebook before nbgrader grades; nbgrader calls it.

    The arguments may be patterns; nbgrader stands in the folder of the course.
    """
    course = Course(Path.cwd())
    with course.api().gradebook as gradebook:
        for folder in course.root.glob(f"submitted/{student}/{assignment}"):
            _apply(course, gradebook, folder.parent.name, folder.name)


def rescore(course: Course, api: Any, student: str, lesson: str) -> bool:
    """Compute lateness and penalty of a graded submission; returns whether they are new.

    It costs no run: whatever changed the due date, the extension, the penalty's rule or the points
    that a person gave, this is what follows from it.
    """
    from nbformat.v4 import new_notebook
    from nbgrader.preprocessors import AssignLatePenalties

    with api.gradebook as gradebook:
        now = _cost(_apply(course, gradebook, student, lesson))
    if any(now):
        names = {"notebook": lesson, "assignment": lesson, "student": student}
        resources = {"nbgrader": {**names, "db_url": api.coursedir.db_url}}
        AssignLatePenalties(parent=api).preprocess(new_notebook(), resources)
        with api.gradebook as gradebook:
            now = _cost(gradebook.find_submission(lesson, student))
    record = course.record(student, lesson)
    before = record.get("lateness", [0, 0])
    if now != before:
        course.write_record(student, lesson, {**record, "lateness": now})
    return now != before


def _cost(one):
    return [one.total_seconds_late, one.late_submission_penalty or 0.0]


def _apply(course, gradebook, student, lesson):
    """Write extension and time of a submission into the gradebook, and the time beside it."""
    gradebook.update_or_create_student(student)
    one = gradebook.update_or_create_submission(lesson, student)
    due, own = one.assignment.duedate, read_roster(course).own_due(student, lesson)
    if due is None:
        one.extension = None
    elif own is not None:
        one.extension = _naive(read_moment(own, "roster")) - due if own else None
    record = course.record(student, lesson)
    if "changed" in record:
        one.timestamp = _moment(record, one)
        when = one.timestamp.strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        write_atomically(course.path("submitted", student, lesson) / "timestamp.txt", when)
    gradebook.db.commit()
    return one


def _moment(record, one):
    """The time of a submission, which Canvas's mark corrects: a download's time may be its own."""
    moment = _naive(datetime.fromtimestamp(record["changed"], UTC))
    if one.duedate is None or record.get("late") is None:
        return moment
    if not record["late"]:
        return min(moment, one.duedate)
    # Canvas does not know of an extension that was given here.
    return moment if one.extension else max(moment, one.duedate + timedelta(seconds=1))


def _naive(moment):
    """As nbgrader keeps moments: in UTC, which they do not say."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def lateness(one: Any) -> str:
    """Return in words how late one of nbgrader's submissions is, and what it lost by that.

    Args:
        one: a ``SubmittedAssignment`` of nbgrader.
    """
    if not one.total_seconds_late:
        return ""
    days, hours = divmod(math.ceil(one.total_seconds_late / 3600), 24)
    said = " ".join(f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h")) if count)
    penalty = one.late_submission_penalty or 0.0
    return f"{said} late" + (f", which took {penalty:g} points" if penalty else "")
