"""Builds a lesson: MyST text in, executed notebook out, the same bytes for the same outputs.

Where only prose has changed nothing is executed: `refresh` keeps the outputs.
"""

import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bookmaker.building.inputs import code_cells
from bookmaker.lessons import live
from bookmaker.lessons.anatomies import ANSWER
from bookmaker.lessons.figures import WITHHELD, describe_figures
from bookmaker.lessons.lessons import describe, is_lab, read_notebook, read_text
from recsys_book.base.paths import LessonError, write_atomically
from recsys_book.plotting import frames
from recsys_book.reader.labs import absence

CELL_TIMEOUT_SECONDS = 300
# A lesson has to set these itself, by importing the library before TensorFlow; a kernel that
# inherited them would hide that it does not.
LIBRARY_ENVIRONMENT = ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "KERAS_BACKEND")
RESULTS = "results"
"""Metadata of a cell: what its guesses came to, for the website; a notebook does not show it."""
RUN_TO_SEE = "Run this cell: it answers a guess."
"""What stands in the place of outputs that are withheld, so that no caption is below nothing."""
KEPT = (RESULTS, WITHHELD, live.LIVE)
"""Metadata of a cell that a build made, and that stay where nothing is executed."""
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class BuildError(RuntimeError):
    """A lesson could not be executed; the message names lesson, cell and error."""


@dataclass(frozen=True)
class BuildTimes:
    """Seconds from the start of the kernel, for one lesson; runs with other seeds do not count."""

    total: float
    first_output: float | None


def refresh(text_path):
    """Bring a notebook's prose and metadata up to its text, and keep what its code cells show.

    Returns:
        False, and nothing is written, where the text's code cells are not those that the notebook
        has executed: their sources, their order, their tags.

    Raises:
        LessonError: if the text cannot be read.
    """
    path = Path(text_path).with_suffix(".ipynb")
    notebook = read_text(text_path)
    if not path.exists() or not _keep_outputs(notebook, path):
        return False
    write_atomically(path, serialise(notebook))
    return True


def is_stale(text_path):
    """Return whether the notebook beside ``text_path`` is not what a build makes of it."""
    path = Path(text_path).with_suffix(".ipynb")
    notebook = read_text(text_path)
    if not path.exists() or not _keep_outputs(notebook, path):
        return True
    there = read_notebook(path)
    made, known = ([{**one, "id": ""} for one in each.cells] for each in (notebook, there))
    return made != known or notebook.metadata != there.metadata


def _keep_outputs(notebook, path):
    """Give a text's cells what those of its notebook show; returns whether they are the same."""
    try:
        shown = [cell for cell in read_notebook(path).cells if cell.cell_type == "code"]
    except LessonError:
        return False
    ours = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if code_cells(notebook) != code_cells(SimpleNamespace(cells=shown)):
        return False
    if any(cell.execution_count is None for cell in shown):
        return False
    for cell, executed in zip(ours, shown, strict=True):
        cell.outputs, cell.execution_count = executed.outputs, executed.execution_count
        kept = executed.metadata
        cell.metadata |= {key: kept[key] for key in KEPT if key in kept}
    describe_figures(notebook)
    return True


def build(text_path):
    """Execute the lesson at ``text_path`` and write its notebook.

    Returns:
        `BuildTimes` of the execution.

    Raises:
        BuildError: if a cell fails, takes too long, kills the kernel, or shows a widget without
            the tag that keeps nbval from comparing it, or if a lab's data are not on this
            machine. The notebook stays as it was.
        LessonError: if the text cannot be read.
    """
    notebook, times = run(text_path)
    write_atomically(Path(text_path).with_suffix(".ipynb"), serialise(notebook))
    return times


def run(text_path):
    """Execute the lesson at ``text_path`` without writing anything.

    Returns:
        The executed notebook and its `BuildTimes`.

    Raises:
        BuildError, LessonError: as in `build`.
    """
    text_path = Path(text_path)
    notebook = read_text(text_path)
    if is_lab(text_path) and (absent := absence(describe(text_path, notebook).data)):
        raise BuildError(f"{text_path}: {absent}")
    times = _execute(notebook, text_path)
    _normalise(notebook, text_path)
    describe_figures(notebook)
    return notebook, times


def serialise(notebook):
    """Return ``notebook`` as the text of its file."""
    import nbformat

    return nbformat.writes(notebook).rstrip("\n") + "\n"


def _execute(notebook, text_path):
    import nbclient

    started = time.perf_counter()
    first_output = []
    running = []
    ended = []
    seeds = live.add_runs(notebook)

    class Client(nbclient.NotebookClient):
        def process_message(self, msg, cell, cell_index):
            shown = msg["msg_type"] in ("stream", "display_data", "execute_result")
            if shown and not first_output:
                first_output.append(time.perf_counter() - started)
            return super().process_message(msg, cell, cell_index)

    def note(cell, cell_index):
        running.append((cell_index + 1, cell))
        if cell is seeds:
            ended.append(time.perf_counter())
        elif live.LIVE in cell.metadata.get("tags", []):
            client.kc.execute(live.BEFORE, silent=True)

    client = Client(
        notebook,
        timeout_func=lambda cell: CELL_TIMEOUT_SECONDS * (live.NUM_SEEDS if cell is seeds else 1),
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(text_path.parent)}},
        on_cell_execute=note,
    )
    environment = {
        key: value for key, value in os.environ.items() if key not in LIBRARY_ENVIRONMENT
    }
    # What whoever builds has solved does not belong into the book.
    environment["RECSYS_PROGRESS"] = environment["RECSYS_KEEP_PROGRESS"] = "0"
    environment[frames.WANTED] = "1"
    try:
        # The kernel's own start-up lines go to its stderr; what cells write there is captured.
        client.execute(env=environment, stderr=subprocess.DEVNULL)
    except nbclient.exceptions.CellExecutionError as error:
        raise BuildError(_failure(text_path, running[-1], error)) from None
    except nbclient.exceptions.CellTimeoutError:
        raise BuildError(
            f"{text_path}: {_where(running[-1])} ran longer than {CELL_TIMEOUT_SECONDS} s"
        ) from None
    except nbclient.exceptions.DeadKernelError:
        raise BuildError(f"{text_path}: the kernel died in {_where(running[-1])}") from None
    except RuntimeError as error:
        raise BuildError(f"{text_path}: the kernel did not start: {error}") from error
    ended.append(time.perf_counter())
    if seeds is not None:
        live.take_runs(notebook)
    return BuildTimes(ended[0] - started, first_output[0] if first_output else None)


def _where(numbered_cell):
    number, cell = numbered_cell
    return f"cell {number} (`{cell.source.splitlines()[0]}`)"


def _failure(text_path, numbered_cell, error):
    traceback = _ANSI.sub("", error.traceback).strip()
    where = _where(numbered_cell)
    return f"{text_path}: {where} failed with {error.ename}: {error.evalue}\n{traceback}"


def _normalise(notebook, text_path):
    """Remove from an executed notebook what differs from run to run or machine to machine."""
    from nbformat.v4 import new_output

    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata.pop("widgets", None)
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        tags = cell.metadata.get("tags", [])
        _keep_results(cell)
        if ANSWER in tags:
            if "nbval-ignore-output" not in tags:
                raise BuildError(
                    f"{text_path}: {_where((number, cell))} has the tag {ANSWER} and so no output "
                    "that nbval could compare: tag it nbval-ignore-output"
                )
        kept = []
        for output in cell.outputs:
            # A widget's view names a model that dies with the kernel: without one, JupyterLab
            # shows an error in its place. The slider's first picture stays.
            if WIDGET_VIEW in output.get("data", {}):
                if "nbval-ignore-output" not in tags:
                    raise BuildError(
                        f"{text_path}: {_where((number, cell))} shows a widget, which nbval "
                        "cannot compare: tag it nbval-ignore-output"
                    )
                continue
            kept.append(output)
        if kept and ANSWER in tags:
            cell.metadata[WITHHELD] = kept
            kept = [new_output("display_data", data={"text/plain": RUN_TO_SEE})]
        cell.outputs = kept


def _keep_results(cell):
    """Move what guesses came to from a cell's outputs, which may have to be empty."""
    results = [
        output.data[frames.RESULT]
        for output in cell.outputs
        if frames.RESULT in output.get("data", {})
    ]
    if results:
        cell.metadata[RESULTS] = [dict(one) for one in results]
        cell.outputs = [one for one in cell.outputs if frames.RESULT not in one.get("data", {})]
