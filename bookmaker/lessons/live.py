"""Live runs that are no luck: what a core lesson's whole model scores with five seeds.

The cell that trains the whole model has the tag ``live`` and leaves its score in ``live_score``.
A build that executes the lesson runs this cell four times more, each time with another seed, when
all cells have run. The five scores stay in the cell's metadata, where no reader sees them.
"""

import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bookmaker.lessons.figures import WITHHELD
from bookmaker.lessons.lessons import Lesson
from bookmaker.lessons.output_numbers import shown_in

LIVE = "live"
"""The tag, and the key of the cell's metadata with the scores, the lesson's own first."""

NO_MODEL = (
    "00_the_ranking_stage/02_metrics",
    "00_the_ranking_stage/03_splits_and_leaks",
    "07_one_request/04_out_of_the_notebook",
)
"""Core lessons whose whole part is no model that the reader trains, and so has no score."""

BEFORE = "_before_live = dict(globals())"
"""Runs unseen before the live cell, so that its names are known when it runs again."""

MOST_APART = 10.0
NUM_SEEDS = 5
OTHER_SEEDS = tuple(range(1, NUM_SEEDS))
_MIME = "application/vnd.recsys.live+json"
_SCORE = re.compile(r"^live_score = ", re.MULTILINE)
_SAID = re.compile(r"\bfive (?:seeds|runs|trainings)\b", re.IGNORECASE)


def run_again(names: dict[str, Any], source: str, seeds: Iterable[int], mime: str) -> None:
    """Run the live cell again, in the lesson's kernel; its text is sent there.

    Whatever seed the cell asks for, or a function that it calls, it gets another one.

    Args:
        names: the kernel's names, those of `BEFORE` among them.
        source: the cell's code.
        seeds: one for each further run.
        mime: under which all scores are shown, that of the lesson's own run first.

    Raises:
        RuntimeError: the cell sets no seed.
    """
    import keras
    from IPython.display import display

    own, set_seed = names["live_score"], keras.utils.set_random_seed
    scores, asked = list(own) if isinstance(own, list) else [own], []
    for seed in seeds if len(scores) == 1 else ():
        names.update(names["_before_live"])
        keras.utils.set_random_seed = lambda _, to=seed: asked.append(set_seed(to))
        exec(source, names)
        if not asked:
            raise RuntimeError("live cell: expected keras.utils.set_random_seed(0), got no call")
        scores.append(names["live_score"])
    display({mime: [round(float(one), 1) for one in scores]}, raw=True)


def cells_of(notebook: Any) -> list[Any]:
    """The cells with the tag ``live``."""
    return [cell for cell in notebook.cells if LIVE in cell.metadata.get("tags", [])]


def add_runs(notebook: Any) -> Any:
    """Put a cell that runs the live cell again at a notebook's end.

    Args:
        notebook: a lesson to execute; changed in place.

    Returns:
        The cell, which `take_runs` takes away again; None where no cell is live.
    """
    from nbformat.v4 import new_code_cell

    if not (found := cells_of(notebook)):
        return None
    call = f"run_again(globals(), {found[0].source!r}, {OTHER_SEEDS}, {_MIME!r})"
    lines = ("# the live cell with other seeds", "from __future__ import annotations")
    source = "\n".join((*lines, inspect.getsource(run_again), call))
    notebook.cells.append(new_code_cell(source))
    return notebook.cells[-1]


def take_runs(notebook: Any) -> None:
    """Take the cell of `add_runs`, executed, away, and keep the scores with the live cell."""
    (scores,) = (
        output.data[_MIME]
        for output in notebook.cells.pop().outputs
        if _MIME in output.get("data", {})
    )
    cells_of(notebook)[0].metadata[LIVE] = scores


def has_model(lesson: Lesson) -> bool:
    """Whether the reader of a lesson trains its model.

    Args:
        lesson: what the front matter says.
    """
    return f"{lesson.chapter}/{lesson.name}" not in NO_MODEL


def text_problems(lesson: Lesson, notebook: Any) -> list[str]:
    """What the live cell of a core lesson lacks, one line each.

    Args:
        lesson: what the front matter says.
        notebook: the text's content.
    """
    found = cells_of(notebook)
    wanted = int(has_model(lesson))
    if len(found) != wanted:
        return [f"expected {wanted} cells with the tag {LIVE}, got {len(found)}"]
    if found and not _SCORE.search(found[0].source):
        return [f"the cell with the tag {LIVE} does not say `live_score = ...`"]
    return []


def problems(path: Path, notebook: Any) -> list[str]:
    """Whether the five scores are there, and near to each other or shown, one line each.

    Args:
        path: the notebook's.
        notebook: its content, executed.
    """
    found = []
    for cell in cells_of(notebook):
        scores = cell.metadata.get(LIVE, [])
        if len(scores) != NUM_SEEDS:
            found.append(f"the live cell has {len(scores)} scores, expected 5; run `make book`")
        elif max(scores) - min(scores) > MOST_APART and not _are_shown(scores, cell, notebook):
            found.append(
                f"five seeds score {scores}, expected them within {MOST_APART:g} points, or all "
                "in the output of the live cell and the words `five seeds` in prose"
            )
    return [f"{path}: {line}" for line in found]


def _are_shown(scores: list[float], cell: Any, notebook: Any) -> bool:
    from nbformat.v4 import new_code_cell, new_notebook

    outputs = [*cell.outputs, *cell.metadata.get(WITHHELD, [])]
    shown = shown_in(new_notebook(cells=[new_code_cell(outputs=outputs)])).plain
    said = any(_SAID.search(one.source) for one in notebook.cells if one.cell_type == "markdown")
    return said and {abs(one) for one in scores} <= {round(number, 1) for number in shown}
