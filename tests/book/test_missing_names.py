"""A reader who runs the open cells of a lesson alone gets one sentence a cell, and no traceback."""

import os
import subprocess
import sys

import nbformat
import pytest

from recsys_book.base.paths import CHAPTERS
from recsys_book.reader import jupyter_lab, missing_names

LESSON = CHAPTERS / "00_the_ranking_stage" / "01_the_ranking_stage.ipynb"
# As the server of `make lab` starts the kernel of a notebook, with the id of each cell.
RUN = """\
import os, sys
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
from jupyter_server.services.sessions.sessionmanager import SessionManager
from nbclient import NotebookClient

path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
notebook.cells = [
    cell for cell in notebook.cells
    if cell.cell_type == "code" and not cell.metadata.get("jupyter", {}).get("source_hidden")
]
folder, name = os.path.split(path)
server = SessionManager(kernel_manager=MappingKernelManager(root_dir=folder))
client = NotebookClient(notebook, allow_errors=True, resources={"metadata": {"path": folder}})
client.execute(env=server.get_kernel_env(name, name))
nbformat.write(notebook, path + ".run")
"""


@pytest.fixture
def run_open_cells(tmp_path):
    """Function that runs the open cells of a notebook in the book's kernel; their outputs."""
    jupyter_lab.write_settings(tmp_path)
    environment = jupyter_lab.environment(tmp_path, os.environ)

    def run(notebook):
        path = tmp_path / "lesson.ipynb"
        nbformat.write(notebook, path)
        command = [sys.executable, "-c", RUN, str(path)]
        subprocess.run(command, env=environment, check=True, timeout=120)
        ran = nbformat.read(f"{path}.run", as_version=4)
        return [output for cell in ran.cells for output in cell.outputs]

    return run


def test_the_first_lesson_says_that_its_folded_cells_have_to_run(run_open_cells):
    outputs = run_open_cells(nbformat.read(LESSON, as_version=4))
    errors = [one for one in outputs if one.output_type == "error"]
    assert errors[0].traceback == [
        "`simulator` comes from a folded cell above: choose Run > Run All Above Selected Cell."
    ]
    assert len(errors) > 10
    for one in errors:
        (said,) = one.traceback
        assert said.startswith(f"`{one.evalue.split(chr(39))[1]}` comes from a "), said
    assert all(one.output_type == "error" for one in outputs if one.get("name") != "stdout")


def test_a_name_that_no_cell_defines_is_an_error_as_ever(run_open_cells):
    cells = [
        nbformat.v4.new_code_cell(source)
        for source in ("%time", "def own():\n    return hidden\n", "own()", "mistyped", "1 / 0")
    ]
    folded = {"jupyter": {"source_hidden": True}}
    cells.insert(0, nbformat.v4.new_code_cell("shown = 1", metadata=folded))
    outputs = run_open_cells(nbformat.v4.new_notebook(cells=cells))
    errors = [one for one in outputs if one.output_type == "error"]
    assert [one.ename for one in errors] == ["NameError", "NameError", "ZeroDivisionError"]
    for one in errors:
        assert len(one.traceback) > 2 and "comes from" not in "".join(one.traceback)


@pytest.mark.parametrize(
    ("source", "defines"),
    [
        ("import a.name\nimport b as name", True),
        ("from a import b as name", True),
        ("import name.b", True),
        ("class name:\n    pass", True),
        ("for other, name in []:\n    pass", True),
        ("import a.name", False),
        ("def other(name):\n    here = name", False),
        ("other(name=1)\nname", False),
        ("def name(:", False),
    ],
)
def test_what_a_cell_defines(source, defines):
    cells = [nbformat.v4.new_code_cell(source), nbformat.v4.new_markdown_cell("name = 1")]
    said = missing_names.explanation("name", {"cells": cells})
    assert (said is not None) == defines


def test_only_cells_above_the_running_one_count():
    cells = [nbformat.v4.new_code_cell(source) for source in ("a = 1", "a + b", "b = 2")]
    running = cells[1].id
    assert missing_names.explanation("a", {"cells": cells}, running).startswith("`a` comes from a ")
    assert missing_names.explanation("b", {"cells": cells}, running) is None
    assert missing_names.explanation("b", {"cells": cells}) is not None
