"""A whole notebook checked, and the file to hand in, from what was saved."""

import sys
from types import SimpleNamespace

import nbformat
import pytest
from exercise_text import small
from grading_helpers import cell, fill
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bookmaker.grading.assignment import grade_id, instructor_notebook
from bookmaker.grading.roster import Roster
from bookmaker.grading.submissions import find_submissions
from recsys_book import check_all, hand_in
from recsys_book.base import paths
from recsys_book.exercises import handing_in
from recsys_book.exercises.parsing import cut_solution

IMPORT = "from recsys_book import check_all, hand_in"
HIDDEN = "These are the public tests; a grade counts hidden ones too."


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The small exercises, in a book of their own."""
    monkeypatch.setattr(paths, "CHAPTERS", tmp_path / "chapters")
    monkeypatch.setenv("RECSYS_KEEP_PROGRESS", "0")
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return small(tmp_path / "chapters")


@pytest.fixture
def assignment(file, tmp_path, monkeypatch):
    """Save an assignment as a student's notebook that is open; returns its path."""

    def save(change=None, name="my work.ipynb"):
        notebook = instructor_notebook(file)
        notebook.cells = [one for one in notebook.cells if "--hidden" not in str(one.metadata)]
        for one in file.exercises:
            cell(notebook, grade_id(one)).source = cut_solution(one.solution)
        if change is not None:
            change(notebook)
        nbformat.write(notebook, tmp_path / name)
        monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / name))
        return tmp_path / name

    return save


def said(capsys):
    return capsys.readouterr().out.splitlines()


def test_an_assignment_is_run_as_it_is_graded(assignment, file, capsys):
    def change(notebook):
        fill(file)(notebook)
        cell(notebook, "small-twice").source = "def twice(x):\n    return two * x"
        cell(notebook, "small-throw").source = "guess = 1"
        cell(notebook, "small-words").source = "answer = ''"
        notebook.cells.insert(2, new_code_cell("two = 2\nprint('noise')"))
        notebook.cells.append(new_code_cell("check_all()\nhand_in('ann')"))

    assignment(change)
    check_all()
    assert said(capsys) == [
        "✓ Twice      3 points  right: exact on 2 public cases",
        "✓ A letter    1 point  an answer is there",
        "  A throw    2 points  wrong, setting 1 of 1",
        "  Words      4 points  not attempted yet",
        f"2 of 4 exercises pass, 4 of 10 points. {HIDDEN}",
    ]


def test_nothing_is_attempted_in_a_fresh_assignment(assignment, capsys):
    assignment()
    check_all()
    lines = said(capsys)
    assert [line.split("  ")[-1] for line in lines[:-1]] == ["not attempted yet"] * 4
    assert lines[-1].startswith("0 of 4 exercises pass, 0 of 10 points.")


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("def twice(x):\n    return y", "wrong, case 1 of 2"),
        ("def twice(x:", "wrong, raised SyntaxError"),
        ("raise SystemExit", "wrong, raised SystemExit"),
        ("while True: pass", "too slow, did not finish within 0.2 s"),
        ("twice = None", "not attempted yet"),
        ("2 + 2", "not attempted yet"),
        ("check_all()\nhint('small.twice')", "wrong, raised NameError"),
        (f"{IMPORT}\ntwice = 2\ncheck_all()\nhand_in('ann')", "wrong, expected a function"),
    ],
)
def test_an_answer_that_fails_stops_no_other(
    assignment, file, capsys, monkeypatch, source, verdict
):
    def change(notebook):
        fill(file)(notebook)
        cell(notebook, "small-twice").source = source

    monkeypatch.setattr(handing_in, "CELL_SECONDS", 0.2)
    assignment(change)
    check_all()
    lines = said(capsys)
    assert lines[0].split("points  ")[1].startswith(verdict)
    assert lines[-1].startswith("3 of 4 exercises pass, 7 of 10 points.")


def test_a_lesson_is_checked_with_what_its_cells_define(file, tmp_path, capsys, monkeypatch):
    cells = [
        new_markdown_cell("# Small"),
        new_code_cell("%matplotlib inline"),
        new_code_cell("raise RuntimeError('minutes of training')"),
        new_code_cell('def twice(x):\n    return two * x\n\n\ncheck("small.twice", twice)'),
        new_code_cell('exercise("small.letter")\nanswer = "b"\ncheck("small.letter", answer)'),
        new_code_cell('guess = 1\ncheck("small.throw", guess)'),
        new_code_cell('answer = ...\ncheck("small.words", answer)'),
        new_code_cell('answer = (\ncheck("small.letter", answer)'),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "lesson.ipynb")
    shell = SimpleNamespace(
        user_ns={"two": 2, "__vsc_ipynb_file__": str(tmp_path / "lesson.ipynb")}
    )
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    check_all()
    assert said(capsys) == [
        "✓ Twice      3 points  right: exact on 2 public cases",
        "✓ A letter    1 point  right",
        "  A throw    2 points  wrong, setting 1 of 1",
        "  Words      4 points  not attempted yet",
        "  A letter    1 point  wrong, raised SyntaxError: '(' was never closed",
        f"2 of 5 exercises pass, 4 of 11 points. {HIDDEN}",
    ]
    # What the lesson defines is as it was.
    assert set(shell.user_ns) == {"two", "__vsc_ipynb_file__"}
    hand_in("ann")
    assert said(capsys) == [
        "hand_in: lesson.ipynb is no assignment; open the notebook that your course handed out"
    ]


def test_a_recorded_mistake_does_not_pass(file, tmp_path, capsys):
    source = 'def twice(x):\n    return 2 * int(x)\n\n\ncheck("small.twice", twice)'
    nbformat.write(new_notebook(cells=[new_code_cell(source)]), tmp_path / "lesson.ipynb")
    check_all(tmp_path / "lesson.ipynb")
    lines = said(capsys)
    assert lines[0].endswith("not right yet, though it passes the 2 public cases")
    assert lines[1].startswith("0 of 1 exercises pass, 0 of 3 points.")


def test_the_file_to_hand_in_is_what_was_saved_and_collect_takes_it(
    assignment, file, tmp_path, capsys
):
    def change(notebook):
        fill(file)(notebook)
        cell(notebook, "small-words").source = "answer = ..."

    path = assignment(change)
    hand_in("ann.lee")
    lines = said(capsys)
    assert lines[0].startswith("Hand in 01_small.ann.lee.ipynb, which is my work.ipynb as it was")
    assert lines[1:] == [
        "Not answered yet, 1 of 4: Words.",
        f"3 of 4 exercises pass, 6 of 10 points. {HIDDEN}",
    ]
    written = tmp_path / "01_small.ann.lee.ipynb"
    assert written.read_bytes() == path.read_bytes()
    path.unlink()
    found = find_submissions(tmp_path, {"01_small"}, Roster({}))[0]
    assert (found.student, found.lesson, found.fault) == ("ann.lee", "01_small", "")


@pytest.mark.parametrize("name", ["", "../ann", "a/b", ".ann", 3, None])
def test_a_name_that_no_file_bears(assignment, capsys, name, tmp_path):
    assignment()
    before = set(tmp_path.iterdir())
    hand_in(name)
    assert said(capsys) == [
        f'hand_in: expected your name in the course, as in hand_in("alee"), got {name!r}'
    ]
    assert set(tmp_path.iterdir()) == before


def test_without_a_notebook_there_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    check_all()
    hand_in("ann")
    (tmp_path / "broken.ipynb").write_text("{")
    check_all(tmp_path / "broken.ipynb")
    nbformat.write(new_notebook(), tmp_path / "empty.ipynb")
    check_all(tmp_path / "empty.ipynb")
    lines = said(capsys)
    unknown = "which notebook is open cannot be told here; give its path"
    assert lines[:2] == [f"check_all: {unknown}", f"hand_in: {unknown}"]
    assert lines[2].startswith("check_all: expected a notebook that can be read, got broken.ipynb")
    assert lines[3:] == ["check_all: this notebook shows no exercise"]


def test_every_exercise_of_the_book_is_found_in_its_assignment(tmp_path, capsys):
    from recsys_book.exercises.source import find_sources, read_source

    for path in find_sources()[:3]:
        file = read_source(path)
        notebook = instructor_notebook(file)
        notebook.cells = [one for one in notebook.cells if "--hidden" not in str(one.metadata)]
        nbformat.write(notebook, tmp_path / "book.ipynb")
        check_all(tmp_path / "book.ipynb")
        lines = said(capsys)
        count = len(file.exercises)
        points = sum(one.points for one in file.exercises)
        assert lines[-1].startswith(f"{count} of {count} exercises pass, {points} of {points}")
