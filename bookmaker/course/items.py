"""How hard each exercise was for a course's students, and how well it tells them apart."""

from typing import Any

import pandas as pd

from bookmaker.grading.course import Course


def scores(gradebook: Any) -> pd.DataFrame:
    """Points by lesson, exercise and student, and the most that there are.

    Args:
        gradebook: an open gradebook of nbgrader's. Where a person has not yet given all points of
            an exercise, its points are a gap.
    """
    rows = [
        {
            "lesson": assignment.name,
            "exercise": cell.name.partition("--")[0].replace("-", "."),
            "student": submission.student.id,
            "points": float("nan") if cell.needs_manual_grade else cell.score,
            "most": cell.max_score,
        }
        for assignment in gradebook.assignments
        for submission in assignment.submissions
        for notebook in submission.notebooks
        for cell in notebook.grades
    ]
    frame = pd.DataFrame(rows, columns=["lesson", "exercise", "student", "points", "most"])
    grouped = frame.groupby(["lesson", "exercise", "student"], sort=False)
    return grouped.agg(lambda one: one.sum(skipna=False))


def statistics(points: pd.DataFrame, most: pd.Series) -> pd.DataFrame:
    """Mean share of points, share solved and discrimination of each exercise of a lesson.

    Args:
        points: a row for each student, a column for each exercise; a gap is left out.
        most: the points of each exercise.

    Returns:
        Frame with a row for each exercise and the columns ``students``, ``points``, ``solved`` and
        ``discrimination``: the correlation of its points with those of the other exercises, not a
        number where either is the same for all students.
    """
    rows = {}
    for name in points.columns:
        known = points[points[name].notna()]
        rest = known.drop(columns=name).sum(axis=1)
        varied = known[name].nunique() > 1 and rest.nunique() > 1
        rows[name] = {
            "students": len(known),
            "points": known[name].mean() / most[name],
            "solved": (known[name] >= most[name] - 1e-9).mean(),
            "discrimination": known[name].corr(rest) if varied else float("nan"),
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"students": int})


def table(course: Course) -> str:
    """The statistics of all lessons of a course, as text.

    Args:
        course: the course.

    Raises:
        GradingError: nothing is released in it.
    """
    course.require_released()
    with course.api().gradebook as gradebook:
        found = scores(gradebook)
    parts = []
    for lesson, part in found.groupby("lesson"):
        points = part.droplevel("lesson")["points"].unstack("exercise", sort=False)
        most = part.groupby("exercise")["most"].max()
        parts.append(f"{lesson}\n{statistics(points, most).round(2).to_string(na_rep='-')}")
    return "\n\n".join(parts) or "nothing is graded yet"
