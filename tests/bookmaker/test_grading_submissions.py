"""Finding submissions in a folder and rebuilding them, without nbgrader's help."""

import copy
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bookmaker.grading.roster import Roster
from bookmaker.grading.submissions import (
    LARGEST_FILE_BYTES,
    REMOVED,
    answered,
    find_submissions,
    rebuild,
)

LESSONS = {"01_small", "02_other"}


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


def test_answers_are_solution_cells_with_something_of_the_students(released):
    submitted = copy.deepcopy(released)
    assert answered(released, submitted) == 0
    submitted.cells[2].source = "def f(): ...\n"
    submitted.cells[3].source = "a test is no answer"
    assert answered(released, submitted) == 0
    submitted.cells[2].source = "  "
    assert answered(released, submitted) == 0
    submitted.cells[2].source = "def f(): return 1"
    assert answered(released, submitted) == 1
    del submitted.cells[2]
    assert answered(released, submitted) == 0


def find(folder, lesson="", rows=()):
    found = find_submissions(folder, LESSONS, Roster(dict(rows)), lesson)
    return [(one.student, one.lesson, one.fault) for one in found]


def test_folders_and_flat_files(tmp_path, released):
    (tmp_path / "ann" / "deep").mkdir(parents=True)
    nbformat.write(released, tmp_path / "ann" / "deep" / "02_other.ipynb")
    nbformat.write(released, tmp_path / "ann" / "my work.ipynb")
    (tmp_path / "ann" / "picture.png").write_bytes(b"beside it")
    nbformat.write(released, tmp_path / "bob.ipynb")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "eve").mkdir()
    (tmp_path / "zoe").mkdir()
    (tmp_path / "zoe" / "essay.txt").write_text("Dear teacher,")
    assert find(tmp_path) == [
        ("ann", "02_other", ""),
        ("ann", "01_small", ""),
        ("bob", "01_small", ""),
        ("eve", "", "no file was handed in"),
        ("zoe", "", "not a notebook: Expecting value: line 1 column 1 (char 0)"),
    ]


def test_names_that_canvas_and_moodle_give(tmp_path, released):
    rows = {
        "ann": {"first_name": "Ann", "last_name": "Lee", "lms_user_id": "4711"},
        "bob": {"first_name": "Bob", "last_name": "Ray", "lms_user_id": "4712"},
    }
    moodle = tmp_path / "ann lee_90_assignsubmission_file"
    moodle.mkdir()
    nbformat.write(released, moodle / "02_other (1).ipynb")
    released.metadata.pop("assignment")
    names = (
        "Bob Ray_91_assignsubmission_file_01_small",
        "leeann_LATE_4711_8899_01_small-2",
        "raybob_4712_8900_02_other",
        "stranger_4799_8901_02_other",
    )
    for name in names:
        nbformat.write(released, tmp_path / f"{name}.ipynb")
    assert find(tmp_path, rows=rows) == [
        ("ann", "02_other", ""),
        ("ann", "01_small", ""),
        ("bob", "01_small", ""),
        ("bob", "02_other", ""),
        ("stranger", "02_other", ""),
    ]


def test_canvas_says_who_is_late_and_nbgrader_when(tmp_path, released):
    for name in ("leeann_LATE_4711_8899_01_small", "raybob_4712_8900_01_small", "eve"):
        nbformat.write(released, tmp_path / f"{name}.ipynb")
    for folder in ("cid", "Dan Lee_7_assignsubmission_file"):
        (tmp_path / folder).mkdir()
        nbformat.write(released, tmp_path / folder / "01_small.ipynb")
        (tmp_path / folder / "timestamp.txt").write_text("2026-12-08 18:00:00.000000 UTC")
    found = {one.student: one for one in find_submissions(tmp_path, LESSONS, Roster({}))}
    assert {student: one.late for student, one in found.items()} == {
        "leeann": True,
        "raybob": False,
        "eve": None,
        "cid": None,
        "Dan Lee": None,
    }
    assert found["cid"].changed == 1796752800
    # Whoever uploads to Moodle may call a file so.
    assert found["Dan Lee"].changed != 1796752800


def test_names_that_nbgrader_would_take_for_a_pattern(tmp_path, released):
    for name in ("*", "a[b]c?", " ann "):
        nbformat.write(released, tmp_path / f"{name}.ipynb")
    assert [one[0] for one in find(tmp_path)] == ["_", "a_b_c_", "ann"]


@pytest.mark.parametrize("name", ["01_small", "01_small (1)"])
def test_a_file_with_a_lessons_name_in_a_flat_folder_tells_no_student(tmp_path, released, name):
    nbformat.write(released, tmp_path / f"{name}.ipynb")
    (one,) = find(tmp_path)
    assert one[0] == "" and one[2].startswith("expected <student>.ipynb or")


def test_a_file_for_handing_in_tells_lesson_and_student(tmp_path, released):
    released.metadata.pop("assignment")
    nbformat.write(released, tmp_path / "02_other.ann.lee (1).ipynb")
    (tmp_path / "bob").mkdir()
    nbformat.write(released, tmp_path / "bob" / "01_small.bob.ipynb")
    assert find(tmp_path) == [("ann.lee", "02_other", ""), ("bob", "01_small", "")]


def test_no_link_is_followed(tmp_path, released):
    secret = tmp_path / "secret"
    secret.mkdir()
    nbformat.write(released, secret / "01_small.ipynb")
    folder = tmp_path / "sent"
    (folder / "ann").mkdir(parents=True)
    (folder / "ann" / "01_small.ipynb").symlink_to(secret / "01_small.ipynb")
    (folder / "ann" / "more").symlink_to(secret)
    (folder / "bob").symlink_to(secret)
    (folder / "eve.ipynb").symlink_to(secret / "01_small.ipynb")
    found = find_submissions(folder, LESSONS, Roster({}))
    assert [one.student for one in found] == ["ann", "bob", "eve"]
    for one in found:
        assert one.fault == "a link was handed in; it is not read"
        assert one.content == b"" and one.notebook is None


def test_a_linked_folder_is_told(tmp_path, released):
    (tmp_path / "sent" / "ann").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    nbformat.write(released, tmp_path / "secret" / "01_small.ipynb")
    (tmp_path / "sent" / "ann" / "more").symlink_to(tmp_path / "secret")
    assert find(tmp_path / "sent") == [("ann", "", "a link was handed in; it is not read")]


def test_a_file_that_does_not_tell_belongs_to_the_only_lesson(tmp_path, released):
    nbformat.write(released, tmp_path / "ann.ipynb")
    released.metadata.pop("assignment")
    nbformat.write(released, tmp_path / "bob.ipynb")
    assert find(tmp_path) == [("ann", "01_small", ""), ("bob", "01_small", "")]
    assert find(tmp_path, "02_other") == [("ann", "02_other", ""), ("bob", "02_other", "")]
    (tmp_path / "ann.ipynb").unlink()
    fault = "its name is no released lesson's, and its content names none"
    assert find(tmp_path) == [("bob", "", fault)]


def test_a_huge_file_is_not_read(tmp_path):
    with open(tmp_path / "ann.ipynb", "wb") as file:
        file.truncate(LARGEST_FILE_BYTES + 1)
    assert find(tmp_path) == [("ann", "", "more than 20 MB; it is not read")]


def cells_with(**changes):
    """A notebook's bytes with one cell, changed so that it is none."""
    cell = {"cell_type": "code", "metadata": {}, "source": "", "outputs": []} | changes
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}
    ).encode()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"Dear teacher,", "Expecting value"),
        (b"", "Expecting value"),
        (b"\xff\xfe\x00", "codec can't decode"),
        (b"[1, 2]", "no notebook's JSON"),
        (b"[" * 200_000, "recursion"),
        (b'{"cells": []}', "no notebook's JSON"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', ""),
        (json.dumps({"nbformat": 4, "cells": [{"cell_type": "code"}]}).encode(), ""),
        (json.dumps({"nbformat": "x", "cells": 3}).encode(), ""),
        (cells_with(metadata=[1]), ""),
        (cells_with(metadata=None), ""),
        (cells_with(source="\ud800"), "surrogates not allowed"),
    ],
)
def test_what_is_no_notebook_has_a_fault_of_one_line(tmp_path, content, fault):
    (tmp_path / "ann.ipynb").write_bytes(content)
    (one,) = find_submissions(tmp_path, {"01_small"}, Roster({}))
    assert one.notebook is None
    assert one.fault.startswith("not a notebook: ") and fault in one.fault
    assert "\n" not in one.fault
