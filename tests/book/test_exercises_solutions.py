"""``solution`` shows the reference to who has answered or seen all hints, and to no assignment."""

import json

import pytest
from exercise_text import write

from recsys_book.base import paths
from recsys_book.exercises import check, context, hint, solution, student

LATER = (
    "small.twice: its solution is shown after a right answer, or after the last hint: "
    'hint("small.twice")\n'
)
SHOWN = '''**Twice: a solution**

```python
def twice(x):
    """Twice x."""
    result = 2 * x
    return result
```
'''
NO_SOLUTIONS = "small.twice: an assignment shows no solutions\n"


@pytest.fixture(autouse=True)
def session(tmp_path, monkeypatch):
    """A fresh kernel with a book and a progress file of its own; calling it starts another."""
    write(tmp_path / "chapters")
    monkeypatch.setattr(paths, "CHAPTERS", tmp_path / "chapters")
    monkeypatch.setenv("RECSYS_PROGRESS_FILE", str(tmp_path / "progress.json"))
    for name in ("RECSYS_KEEP_PROGRESS", "RECSYS_SOLUTIONS", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)

    def start():
        for name in ("_hints_given", "_predictions", "_all_hints", "_solved"):
            monkeypatch.setattr(student, name, type(getattr(student, name))())

    start()
    return start


def shown(capsys, identifier="small.twice"):
    capsys.readouterr()
    solution(identifier)
    return capsys.readouterr().out


def test_it_is_not_shown_to_who_has_not_tried(capsys):
    assert shown(capsys) == LATER
    check("small.twice", lambda x: x)
    check("small.twice", ...)
    hint("small.twice")
    assert shown(capsys) == LATER


def test_it_is_shown_after_a_right_answer_also_in_a_later_session(capsys, session):
    check("small.twice", lambda x: 2 * x)
    assert shown(capsys) == SHOWN
    session()
    assert shown(capsys) == SHOWN


def test_it_is_shown_after_a_right_answer_where_no_progress_is_kept(capsys, monkeypatch):
    monkeypatch.setenv("RECSYS_KEEP_PROGRESS", "0")
    check("small.twice", lambda x: 2 * x)
    assert shown(capsys) == SHOWN


def test_it_is_shown_after_the_last_hint_and_stays(capsys):
    hint("small.twice")
    hint("small.twice")
    assert shown(capsys) == SHOWN
    hint("small.twice", restart=True)
    assert shown(capsys) == SHOWN


def test_a_known_mistake_that_passes_the_public_test_is_no_right_answer(capsys):
    check("small.twice", lambda x: 2 * int(x))
    assert shown(capsys) == LATER


def test_a_choice_comes_without_its_placeholder_and_with_its_explanation(capsys):
    check("small.letter", "b")
    assert shown(capsys, "small.letter") == (
        '**A letter: a solution**\n\n```python\nanswer = "b"\n```\n\nIt is the second letter.\n'
    )


@pytest.fixture(params=["the variable", "the notebook"])
def assignment(request, monkeypatch, tmp_path):
    """Two ways to tell an assignment."""
    if request.param == "the variable":
        monkeypatch.setenv("RECSYS_SOLUTIONS", "0")
        return
    path = tmp_path / "handed out.ipynb"
    cells = [{"metadata": {}}, {"metadata": {"nbgrader": {"grade_id": "small-twice"}}}]
    path.write_text(json.dumps({"cells": cells}))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))


def test_an_assignment_shows_none(capsys, assignment):
    check("small.twice", lambda x: 2 * x)
    hint("small.twice")
    hint("small.twice")
    assert "solution" not in capsys.readouterr().out
    hint("small.twice")
    assert "solution(" not in capsys.readouterr().out
    assert shown(capsys) == NO_SOLUTIONS


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"cells": [{"metadata": {}}]}'])
def test_any_other_notebook_is_no_assignment(monkeypatch, tmp_path, content):
    path = tmp_path / "lesson.ipynb"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    assert not context.in_assignment()


def test_a_notebook_displays_it(capsys, monkeypatch):
    displayed = []
    monkeypatch.setattr(context, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda value: displayed.append(value.data))
    check("small.twice", lambda x: 2 * x)
    assert shown(capsys) == ""
    assert displayed == [SHOWN.rstrip("\n")]
