"""Finding submissions in a folder and rebuilding them, without nbgrader's help."""

import copy
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bookmaker.grading.submissions import REMOVED, find_submissions, rebuild


def part(identifier, source, solution=False, kind=new_code_cell):
    metadata = {"nbgrader": {"grade_id": identifier, "solution": solution, "locked": not solution}}
    return kind(source, metadata=metadata)


@pytest.fixture
def released():
    return new_notebook(
        cells=[
            part("setup", "import numpy"),
            part("one--statement", "Do it.", kind=new_markdown_cell),
            part("one", "def f(): ...", solution=True),
            part("one--public", "check(f)"),
        ],
        metadata={"assignment": "01_small"},
    )


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def test_an_untouched_notebook_stays_as_it_is(released):
    notebook, notes = rebuild(released, copy.deepcopy(released))
    assert sources(notebook) == sources(released) and notes == []


def test_solutions_and_added_cells_are_kept_in_their_places(released):
    submitted = copy.deepcopy(released)
    submitted.cells[2].source = "def f(): return 1"
    submitted.cells.insert(2, new_code_cell("helper = 1"))
    submitted.cells.insert(0, new_code_cell("first = 1"))
    submitted.cells.append(new_markdown_cell("A note."))
    notebook, notes = rebuild(released, submitted)
    assert notes == []
    assert sources(notebook) == [
        "first = 1",
        "import numpy",
        "Do it.",
        "helper = 1",
        "def f(): return 1",
        "check(f)",
    ]


def test_tampered_moved_and_missing_cells(released):
    submitted = copy.deepcopy(released)
    setup, _, solution, test = submitted.cells
    test.source, test.cell_type = "pass", "markdown"
    solution.source = "def f(): return 1"
    submitted.cells = [test, solution, copy.deepcopy(solution), setup]
    notebook, notes = rebuild(released, submitted)
    assert sources(notebook) == [
        "import numpy",
        "Do it.",
        "def f(): return 1",
        "def f(): return 1",
        "check(f)",
    ]
    assert notes == [
        "cell one--statement was missing",
        "cell one--public was changed; the original was put back",
    ]
    assert notebook.cells[-1].cell_type == "code"


def test_a_missing_solution_is_not_replaced_by_the_starter(released):
    submitted = copy.deepcopy(released)
    for cell in submitted.cells:
        cell.metadata = {}
    submitted.cells[2].source = "def f(): return 1"
    notebook, notes = rebuild(released, submitted)
    assert sources(notebook)[:3] == ["import numpy", "def f(): return 1", "check(f)"]
    assert REMOVED in sources(notebook) and "def f(): ..." not in sources(notebook)
    assert len(notes) == 4


@pytest.mark.parametrize("identifier", [3, None, ["one"], "unknown"])
def test_odd_ids_do_no_harm(released, identifier):
    submitted = copy.deepcopy(released)
    submitted.cells[2].metadata.nbgrader.grade_id = identifier
    notebook, notes = rebuild(released, submitted)
    assert notes == ["cell one was missing"] and "def f(): ..." in sources(notebook)


def find(folder, lesson=""):
    found = find_submissions(folder, {"01_small", "02_other"}, lesson)
    return [(one.student, one.lesson, one.fault) for one in found]


def test_folders_and_flat_files(tmp_path, released):
    (tmp_path / "ann").mkdir()
    nbformat.write(released, tmp_path / "ann" / "02_other.ipynb")
    nbformat.write(released, tmp_path / "ann" / "my work.ipynb")
    nbformat.write(released, tmp_path / "bob.ipynb")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "eve").mkdir()
    assert find(tmp_path) == [
        ("ann", "02_other", ""),
        ("ann", "01_small", ""),
        ("bob", "01_small", ""),
        ("eve", "", "no file was handed in"),
    ]


def test_the_file_with_the_lessons_own_name_counts(tmp_path, released):
    (tmp_path / "ann").mkdir()
    for name in ("01_small (1)", "01_small", "a"):
        nbformat.write(released, tmp_path / "ann" / f"{name}.ipynb")
    (one,) = find_submissions(tmp_path, {"01_small"})
    assert one.path.name == "01_small.ipynb"


def test_a_file_that_does_not_tell_belongs_to_the_only_lesson(tmp_path, released):
    nbformat.write(released, tmp_path / "ann.ipynb")
    released.metadata.pop("assignment")
    nbformat.write(released, tmp_path / "bob.ipynb")
    assert find(tmp_path) == [("ann", "01_small", ""), ("bob", "01_small", "")]
    assert find(tmp_path, "02_other") == [("ann", "02_other", ""), ("bob", "02_other", "")]
    (tmp_path / "ann.ipynb").unlink()
    assert find(tmp_path) == [("bob", "", "")]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"Dear teacher,", "Expecting value"),
        (b"", "Expecting value"),
        (b"\xff\xfe\x00", "codec can't decode"),
        (b"[1, 2]", "no notebook's JSON"),
        (b'{"cells": []}', "no notebook's JSON"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', ""),
        (json.dumps({"nbformat": 4, "cells": [{"cell_type": "code"}]}).encode(), ""),
        (json.dumps({"nbformat": "x", "cells": 3}).encode(), ""),
    ],
)
def test_what_is_no_notebook_has_a_fault_of_one_line(tmp_path, content, fault):
    (tmp_path / "ann.ipynb").write_bytes(content)
    (one,) = find_submissions(tmp_path, {"01_small"})
    assert one.notebook is None
    assert one.fault.startswith("not a notebook: ") and fault in one.fault
    assert "\n" not in one.fault
