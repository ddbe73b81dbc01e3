"""How hard each exercise was for a course's students, and how well it tells them apart."""

from typing import Any

import pandas as pd

from bookmaker.grading.course import Course


def scores(gradebook: Any) -> dict[str, tuple[pd.DataFrame, pd.Series]]:
    """Points by lesson, a row for each student and a column for each exercise, and the most.

    Args:
        gradebook: an open gradebook of nbgrader's. A submission in which a person has not yet given
            all points has gaps there.
    """
    found = {}
    for assignment in gradebook.assignments:
        rows: dict[str, dict[str, float]] = {}
        most: dict[str, float] = {}
        for submission in assignment.submissions:
            cells = [grade for book in submission.notebooks for grade in book.grades]
            row = rows.setdefault(submission.student.id, {})
            for cell in cells:
                name = cell.name.partition("--")[0].replace("-", ".")
                got = float("nan") if cell.needs_manual_grade else cell.score
                row[name] = row.get(name, 0.0) + got
            if not most:
                for cell in cells:
                    name = cell.name.partition("--")[0].replace("-", ".")
                    most[name] = most.get(name, 0.0) + cell.max_score
        if most:
            frame = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=list(most))
            found[assignment.name] = (frame, pd.Series(most))
    return found


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
    parts = [
        f"{lesson}\n{statistics(*one).round(2).to_string(na_rep='-')}"
        for lesson, one in sorted(found.items())
    ]
    return "\n\n".join(parts) or "nothing is graded yet"
