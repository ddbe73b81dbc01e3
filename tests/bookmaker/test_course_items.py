"""Item statistics on a gradebook whose numbers are known."""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bookmaker.course import items
from bookmaker.course.items import scores, statistics

pytest.importorskip("nbgrader")
# nbgrader's own objects meet before they are in a session.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@pytest.fixture
def gradebook(tmp_path, monkeypatch):
    """Three exercises, one of two cells, and four students; one answer waits for a person."""
    from nbgrader.api import Gradebook

    # nbgrader calls alembic by its bare name.
    own = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", f"{own}{os.pathsep}{os.environ['PATH']}")
    # Public and hidden cell of a-one, then a-two, a-three.
    got = {"ann": (1, 1, 2, 3), "ben": (1, 1, 2, 0), "cyd": (1, 0, 0, 1), "dan": (0, 0, 0, None)}
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        book.add_assignment("01_small")
        book.add_notebook("01_small", "01_small")
        cells = {"a-one--public": 1, "a-one--hidden": 1, "a-two--public": 2, "a-three": 3}
        for name, most in cells.items():
            book.add_grade_cell(name, "01_small", "01_small", max_score=most, cell_type="code")
        for student, points in got.items():
            book.add_student(student)
            submission = book.add_submission("01_small", student)
            for grade in submission.notebooks[0].grades:
                value = points[list(cells).index(grade.name)]
                grade.auto_score, grade.needs_manual_grade = value, value is None
        book.db.commit()
        yield book


def test_points_are_added_up_by_exercise(gradebook):
    found = scores(gradebook).loc["01_small"]
    assert found.groupby("exercise")["most"].max().to_dict() == {
        "a.one": 2,
        "a.two": 2,
        "a.three": 3,
    }
    points = found["points"].unstack("exercise")[["a.one", "a.two", "a.three"]]
    assert points.loc["ann"].tolist() == [2, 2, 3]
    assert points.loc["cyd"].tolist() == [1, 0, 1]
    assert points.loc["dan"].tolist()[:2] == [0, 0] and np.isnan(points.loc["dan", "a.three"])


def test_statistics_have_the_known_values():
    points = pd.DataFrame(
        {"a.one": [2, 2, 1, 0], "a.two": [2, 2, 0, 0], "a.three": [3, 0, 1, np.nan]}
    )
    found = statistics(points, pd.Series({"a.one": 2, "a.two": 2, "a.three": 3}))
    assert found["students"].tolist() == [4, 4, 3]
    np.testing.assert_allclose(found["points"], [5 / 8, 4 / 8, 4 / 9])
    np.testing.assert_allclose(found["solved"], [2 / 4, 2 / 4, 1 / 3])
    rest = {"a.one": [5, 2, 1, 0], "a.two": [5, 2, 2, 0], "a.three": [4, 4, 1]}
    own = {"a.one": [2, 2, 1, 0], "a.two": [2, 2, 0, 0], "a.three": [3, 0, 1]}
    expected = [np.corrcoef(own[name], rest[name])[0, 1] for name in own]
    np.testing.assert_allclose(found["discrimination"], expected)


def test_where_all_are_alike_there_is_no_discrimination():
    points = pd.DataFrame({"a": [1.0, 1.0, 1.0], "b": [0.0, 1.0, 2.0]})
    found = statistics(points, pd.Series({"a": 1.0, "b": 2.0}))
    assert np.isnan(found.loc["a", "discrimination"]) and np.isnan(found.loc["b", "discrimination"])
    assert found["solved"].tolist() == [1.0, 1 / 3]


def test_the_command_prints_a_courses_table(gradebook, monkeypatch):
    class Course:
        def require_released(self):
            return {"01_small": {}}

        def api(self):
            return type("Api", (), {"gradebook": gradebook})

    # Leaving the block closes the book, which the fixture does too.
    monkeypatch.setattr(type(gradebook), "__exit__", lambda *_: None)
    text = items.table(Course())
    assert text.splitlines()[0] == "01_small"
    rows = [line.split() for line in text.splitlines()[2:]]
    assert [row[0] for row in rows] == ["a.one", "a.two", "a.three"]
    assert [row[1:4] for row in rows] == [
        ["4", "0.62", "0.50"],
        ["4", "0.50", "0.50"],
        ["3", "0.44", "0.33"],
    ]
    monkeypatch.undo()
