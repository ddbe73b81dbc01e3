"""Grades what was collected, and writes the feedback, with nbgrader's own commands.

Each submission is a run of its own: what it does to nbgrader stops no other, its grade is on disk
before the next one begins, and a round that was killed goes on where it stood.
"""

from collections.abc import Iterator, Sequence

from bookmaker.grading.course import Course, GradingError, failure
from bookmaker.grading.late import lateness, rescore
from recsys_book.base.paths import write_atomically


def grade(course: Course, lessons: Sequence[str] = ()) -> Iterator[tuple[str, str, str]]:
    """Grade what was collected and not yet graded, or changed since: the answers or the tests.

    Where due date, extension or penalty changed, the score alone is computed again.

    Args:
        course: the `Course`.
        lessons: names of lessons; default: all.

    Returns:
        Iterator of ``(student, lesson, line)``, each when it is graded: its points, or why there
        are none.

    Raises:
        GradingError: no lesson is released, or not the ones that are named.
    """
    api = course.api()
    for student, lesson in submitted(course, lessons):
        known = course.record(student, lesson).get("graded", {})
        if known.get("fingerprint") == course.fingerprint(student, lesson):
            if rescore(course, api, student, lesson):
                yield student, lesson, _points_line(api, student, lesson)
            continue
        fault = _run(api.autograde, lesson, student)
        # nbgrader has noted it already where the course's configuration is as we wrote it.
        course.note_graded(student, lesson, fault)
        if not fault:
            rescore(course, api, student, lesson)
        yield (
            student,
            lesson,
            f"not graded: {fault}" if fault else _points_line(api, student, lesson),
        )


def feedback(course: Course, lessons: Sequence[str] = ()) -> Iterator[tuple[str, str, str]]:
    """Write nbgrader's feedback for all that is graded, and a page for what cannot be.

    Args:
        course: the `Course`.
        lessons: names of lessons; default: all.

    Returns:
        Iterator of ``(student, lesson, line)``: the path of the page, or why there is none.

    Raises:
        GradingError: as for `grade`.
    """
    from bookmaker.grading.feedback import page_of_faults

    api = course.api()
    for student, lesson in submitted(course, lessons):
        if not course.path("autograded", student, lesson).exists():
            yield student, lesson, "no feedback: not graded yet"
            continue
        rescore(course, api, student, lesson)
        fault = _run(api.generate_feedback, lesson, student)
        path = course.path("feedback", student, lesson) / f"{lesson}.html"
        yield student, lesson, f"no feedback: {fault}" if fault else str(path)
    for student, lesson, record in course.records():
        if not record.get("counts") and (lesson in lessons or not lessons):
            path = course.path("feedback", student, lesson) / f"{lesson}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, page_of_faults(lesson, record.get("faults", [])))
            yield student, lesson, str(path)


def submitted(course: Course, lessons: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return ``[(student, lesson)]`` of what was collected, lesson by lesson.

    Raises:
        GradingError: no lesson is released, or not the ones that are named.
    """
    released = course.require_released()
    for lesson in lessons:
        if lesson not in released:
            raise GradingError(f"{lesson}: expected a lesson of {', '.join(released)}")
    paths = (course.root / "submitted").glob("*/*/*.ipynb")
    found = {(path.parents[1].name, path.stem) for path in paths}
    chosen = [one for one in found if one[1] in (lessons or released)]
    return sorted(chosen, key=lambda one: (one[1], one[0]))


def _points_line(api, student, lesson):
    """Return the points of a graded submission in words."""
    with api.gradebook as gradebook:
        one = gradebook.find_submission(lesson, student)
        waits = ", a person has yet to give some" if one.needs_manual_grade else ""
        points = one.score - (one.late_submission_penalty or 0.0)
        late = f", {lateness(one)}" if lateness(one) else ""
        return f"{points:g} of {one.max_score:g} points{waits}{late}"


def _run(step, lesson, student):
    """Run a step of nbgrader's; returns why it failed, or an empty text."""
    result = step(lesson, student)
    if result["success"]:
        return ""
    # nbgrader turns an interrupt into a failure of this student's.
    if "KeyboardInterrupt" in str(result.get("error")):
        raise KeyboardInterrupt
    return failure(result)
