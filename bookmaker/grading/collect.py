"""Files what students sent into the course; what was collected before is kept beside it."""

import dataclasses
import hashlib
import html
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bookmaker.grading.course import Course, GradingError
from bookmaker.grading.roster import read_roster
from bookmaker.grading.submissions import (
    NOT_OF_IT,
    THE_LESSON,
    answered,
    fault_of,
    find_submissions,
    rebuild,
)
from recsys_book.base.paths import write_atomically

# Where a submission is kept whose lesson cannot be told.
UNKNOWN = "unknown"


def collect(
    folder: str | Path, course: Course, lesson: str = "", newest: bool = False
) -> Iterator[tuple[str, str, list[str]]]:
    """File the submissions in a folder into the course.

    A file that was collected before is left alone, so that a folder can be collected again when
    more has come. A new one takes the place of the student's earlier one, which is kept with its
    grade in ``received/``, unless it has fewer answers. Who is not on the roster is not filed.

    Args:
        folder: see `find_submissions`.
        course: the `Course`.
        lesson: the lesson of all files; by default told by each file.
        newest: whether the newest file counts, also one with fewer answers that was passed over.

    Returns:
        Iterator of ``(student, lesson, lines)`` for everything new: what there is to say of it.

    Raises:
        GradingError: no such folder, nothing in it, or the lesson is not released.
    """
    if not str(folder) or not Path(folder).is_dir():
        got = f"{folder}, no folder" if str(folder) else "nothing"
        raise GradingError(f"collect: expected SUBMISSIONS=folder of what students sent, got {got}")
    lessons = course.require_released()
    if lesson and lesson not in lessons:
        known = ", ".join(lessons)
        raise GradingError(f"collect: expected a released lesson of {known}, got {lesson!r}")
    roster = read_roster(course)
    found = find_submissions(folder, set(lessons), roster, lesson)
    if not found:
        raise GradingError(f"{folder}: expected submissions, found none")
    return _file_all(found, course, roster, newest)


def _file_all(found, course, roster, newest):
    strangers = {
        (one.student, one.lesson): line for one in found if (line := roster.stranger(one.student))
    }
    for (student, lesson), line in strangers.items():
        yield student, lesson, [line]
    found = [one for one in found if (one.student, one.lesson) not in strangers]
    with course.api().gradebook as gradebook:
        known = {student.id for student in gradebook.students}
        for one in found:
            if one.student and one.student not in known:
                # So that one who sent nothing legible has a row in nbgrader's export, too.
                gradebook.update_or_create_student(one.student)
    groups = {}
    for one in found:
        groups.setdefault((one.student, one.lesson), []).append(one)
    for (student, lesson), files in groups.items():
        if not student:
            yield from ((one.name, "", [one.fault]) for one in files)
            continue
        try:
            lines = _file(course, student, lesson, files, newest)
        except Exception as error:
            # Whatever one student has sent, the others' files are collected.
            lines = [f"not collected: {type(error).__name__}: {error}"]
        if lines is not None:
            yield student, lesson, lines


def _file(course, student, lesson, files, newest):
    """File what one student sent for a lesson; returns what is new about it, or None."""
    import nbformat

    record = course.record(student, lesson or UNKNOWN)
    seen = record.setdefault("seen", [])
    fresh = {_digest(one): one for one in files}
    passed_over = record.get("passed_over", [])
    seen = [digest for digest in seen if not (newest and digest in passed_over)]
    counting = fresh.get(record.get("digest"))
    fresh = {digest: one for digest, one in fresh.items() if digest not in seen}
    if not fresh:
        if counting is None or counting.late in (None, record["late"]):
            return None
        course.write_record(student, lesson, {**record, "late": counting.late})
        return [f"Canvas says now that it came {'late' if counting.late else 'in time'}"]
    stamp = _keep_copies(course, student, lesson or UNKNOWN, fresh.values())
    record["seen"] = [*seen, *fresh]
    released = nbformat.read(course.notebook("release", lesson), as_version=4) if lesson else None
    files = [
        one if one.fault else dataclasses.replace(one, fault=fault_of(released, one.notebook))
        for one in fresh.values()
    ]
    legible = [one for one in files if not one.fault]
    faults = [f"{one.name}: {one.fault}" if one.path else one.fault for one in files if one.fault]
    earlier = record.get("counts")
    if not legible:
        lines = [*faults, *([f"what was collected at {earlier} counts"] if earlier else [])]
        record["faults"] = lines
        record["wrong_file"] = any(one.fault in (NOT_OF_IT, THE_LESSON) for one in files)
        course.write_record(student, lesson or UNKNOWN, record)
        return lines
    *others, best = sorted(
        legible,
        key=lambda one: (0 if newest else answered(released, one.notebook), one.changed),
    )
    answers = answered(released, best.notebook)
    if earlier and not newest and answers < record["answers"]:
        lines = [
            *faults,
            f"{best.name} has {answers} answers: what was collected at {earlier} counts, which "
            f"has {record['answers']} (NEWEST=1 takes the newer one)",
        ]
        record.update(faults=lines, passed_over=[*passed_over, *fresh])
        course.write_record(student, lesson, record)
        return lines
    notebook, restored = rebuild(released, best.notebook)
    remarks = [*faults, *restored]
    if others:
        names = ", ".join(one.name for one in others)
        remarks.append(
            f"{len(legible)} files: {best.name} with {answers} answers counts, not {names}"
        )
    if best.late:
        remarks.append("Canvas says that it came late")
    if earlier:
        remarks.append(
            f"takes the place of what was collected at {earlier}: {answers} answers, "
            f"{record['answers']} before"
        )
        _keep_earlier(course, student, lesson, earlier)
    _write_submission(course, student, lesson, notebook, remarks, best.changed)
    record.update(counts=stamp, answers=answers, remarks=remarks, faults=[], graded={})
    record.update(changed=best.changed, late=best.late, digest=_digest(best))
    course.write_record(student, lesson, record)
    return remarks


def _digest(one):
    return hashlib.sha256(one.content or f"{one.name}: {one.fault}".encode()).hexdigest()


def _keep_copies(course, student, lesson, files):
    """Write the files as they came; returns the name of their folder, the time of collection."""
    parent = course.path("received", student, lesson)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H.%M.%S")
    stamp, number = now, 1
    while (parent / stamp).exists():
        number += 1
        stamp = f"{now} ({number})"
    (parent / stamp).mkdir(parents=True)
    for one in files:
        if one.content:
            target = parent / stamp / one.path.name
            while target.exists():
                target = target.with_name(f"other {target.name}")
            target.write_bytes(one.content)
    return stamp


def _keep_earlier(course, student, lesson, stamp):
    """Move what nbgrader made of an earlier submission beside the file that it was made of."""
    for step in ("submitted", "autograded", "feedback"):
        path = course.path(step, student, lesson)
        target = course.path("received", student, lesson) / stamp / step
        if not path.exists():
            continue
        if target.exists():  # a collection that was interrupted
            shutil.rmtree(path)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target)


def _write_submission(course, student, lesson, notebook, remarks, changed):
    import nbformat

    if remarks:
        # File names are the student's: no letter of them may act in the grader's browser.
        lines = "".join(f"\n- <code>{html.escape(line)}</code>" for line in remarks)
        cell = nbformat.v4.new_markdown_cell(f"**Remarks on what was handed in**\n{lines}")
        notebook.cells.insert(0, cell)
    folder = course.path("submitted", student, lesson)
    folder.mkdir(parents=True, exist_ok=True)
    when = datetime.fromtimestamp(changed, UTC).strftime("%Y-%m-%d %H:%M:%S.%f %Z")
    write_atomically(folder / "timestamp.txt", when)
    write_atomically(folder / f"{lesson}.ipynb", nbformat.writes(notebook))
