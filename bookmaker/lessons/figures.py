"""Alternative texts of a lesson's figures, and folded cells: what the build writes into outputs.

The sentence under a figure, ``*What to see: ...*``, stands for it where it cannot be seen. A cell
tagged ``hide-input`` only sets up, copies weights, plots or checks; JupyterLab folds it.
"""

import ast
import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recsys_book.plotting.frames import FRAMES

FOLDED = "hide-input"
WITHHELD = "withheld"
"""Metadata of a cell that answers a guess: its outputs, which the website folds and a notebook does
not show."""
FIGURE = re.compile(r'(<img alt=")[^"]*(" width="\d+" src="data:image/(?:png|svg\+xml);base64,)')
"""A figure, or a picture of a model, as the library shows it."""

_SENTENCE = re.compile(
    r"^\*What to see(?: \([^)]*\))?: (.+?)(?<=\S)\*(?=\s|$)", re.DOTALL | re.MULTILINE
)
_SYMBOLS = {"times": "×", "cdot": "·", "le": "≤", "ge": "≥", "approx": "≈", "pm": "±", "top": "ᵀ"}
_FONTS = ("text", "mathrm", "mathbf", "mathbb", "mathcal", "boldsymbol", "operatorname")


def describe_figures(notebook: Any) -> None:
    """Write what each figure of an executed notebook shows into its output, and fold its cells.

    Args:
        notebook: a notebook with its outputs; changed in place. Doing it twice changes nothing
            more.
    """
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        if FOLDED in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True}
        else:
            cell.metadata.pop("jupyter", None)
        described = what_to_see(notebook, number)
        for output in [*cell.outputs, *cell.metadata.get(WITHHELD, [])]:
            if described and is_figure(output):
                _describe(output, described)


def without_description(output: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a cell, without the prose about its figures.

    Args:
        output: of a cell.

    Returns:
        A copy without metadata, in which figures have an empty alternative text.
    """
    kept = {key: output[key] for key in output if key != "metadata"}
    data = kept.get("data", {})
    if isinstance(data.get("text/html"), str):
        kept["data"] = {**data, "text/html": FIGURE.sub(r"\1\2", data["text/html"], count=1)}
    return kept


def what_to_see(notebook: Any, number: int) -> str | None:
    """The sentence that the prose after a cell says about its figure.

    Args:
        notebook: a lesson.
        number: of the cell, from 0.

    Returns:
        Plain text on one line; None where the next prose says nothing of the kind.
    """
    for cell in notebook.cells[number + 1 :]:
        if cell.cell_type == "markdown":
            found = _SENTENCE.search(cell.source)
            return as_plain_text(found[1]) if found else None
    return None


def as_plain_text(markdown: str) -> str:
    """Prose without its marks, as a screen reader should say it.

    Args:
        markdown: a sentence or a few, with formulas, code and links.

    Returns:
        One line.

    Example:
        >>> as_plain_text("the *mean* is $\\\\mathbf{x}_0 \\\\times 2$, see [FM](01_fm.ipynb)")
        'the mean is x_0 × 2, see FM'
    """
    parts = re.split(r"\$([^$]+)\$", markdown)
    parts[1::2] = [_formula(formula) for formula in parts[1::2]]
    text = "".join(parts)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`+([^`]*)`+", r"\1", text)
    text = re.sub(r"(?<![\w*])(\*\*?)(?=\S)(.+?)(?<=\S)\1(?!\w)", r"\2", text, flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


def problems(path: Path, notebook: Any) -> list[str]:
    """The faults of figures and folded cells of a lesson, one line each.

    Args:
        path: the notebook's.
        notebook: its content, executed.

    Returns:
        A line for each figure without its alternative text, for each cell that has to be folded,
        for a folded cell of an exercise, for a figure of matplotlib that the kernel could not draw,
        and for what is empty until it is run: a cell whose outputs no viewer shows, and a caption
        below no output.
    """
    found = _nothing_shown(path, notebook)
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        where = f"{path}: cell {number + 1}"
        tagged = FOLDED in cell.metadata.get("tags", [])
        if tagged and "# your code here" in cell.source:
            found.append(f"{where}: expected an open cell for the reader's answer, got {FOLDED}")
        if any(_is_name_alone(output) for output in cell.outputs):
            found.append(
                f"{where}: expected a figure, got its name alone; call `plots.use_style()` before"
            )
        if not tagged and only_plots_or_checks(cell.source):
            found.append(f"{where}: expected the tag {FOLDED} on a cell that only plots or checks")
        found += _figure_problems(where, cell, what_to_see(notebook, number))
    return found


def _nothing_shown(path, notebook):
    found, shown = [], False
    for number, cell in enumerate(notebook.cells, start=1):
        where = f"{path}: cell {number}"
        if cell.cell_type != "code":
            if not shown and _SENTENCE.search(cell.source):
                found.append(f"{where}: expected an output above `*What to see: ...*`, got none")
            shown = False
            continue
        shown = any(set(one.get("data", ("text",))) - {FRAMES} for one in cell.outputs)
        if not shown and (cell.outputs or WITHHELD in cell.metadata):
            found.append(f"{where}: expected an output that a viewer shows, got none")
    return found


def only_plots_or_checks(source: str) -> bool:
    """Whether a cell does nothing but draw with ``plots``, check sentences or assert.

    Args:
        source: the cell's code.

    Returns:
        False too where the source is no Python, and for an empty one.

    Example:
        >>> only_plots_or_checks("plots.curves({'a': (x, y)}, 'A', 'x', 'y')")
        True
        >>> only_plots_or_checks("y = model(x)")
        False
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return False
    return bool(statements) and all(_plots_or_checks(one) for one in statements)


def _plots_or_checks(statement):
    if isinstance(statement, ast.Assert):
        return True
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return False
    called = statement.value.func
    if isinstance(called, ast.Attribute):
        is_plot = isinstance(called.value, ast.Name) and called.value.id == "plots"
        return is_plot and called.attr != "use_style"
    return isinstance(called, ast.Name) and called.id == "exact"


def _figure_problems(where, cell, described):
    shown = [output for output in cell.outputs if is_figure(output)]
    if shown and described is None:
        return [
            f"{where}: expected a line `*What to see: ...*` in the prose after the figure, got none"
        ]
    return [
        f"{where}: expected an alternative text in HTML, too, got a figure without HTML"
        for output in shown
        if not FIGURE.match(output.data.get("text/html", ""))
    ]


def is_figure(output: Mapping[str, Any]) -> bool:
    """Whether an output of a cell is a figure of the library or of matplotlib.

    Args:
        output: of a cell.
    """
    data = output.get("data", {})
    return "image/png" in data or FIGURE.match(data.get("text/html", "")) is not None


def _is_name_alone(output):
    data = output.get("data", {})
    return "image/png" not in data and "".join(data.get("text/plain", "")).startswith(
        "<Figure size"
    )


def _describe(output, text):
    output.metadata.setdefault("image/png", {})["alt"] = text
    if "text/html" in output.data:
        # A function, since a backslash in a replacement has a meaning.
        output.data["text/html"] = FIGURE.sub(
            lambda found: found[1] + html.escape(text) + found[2], output.data["text/html"], count=1
        )


def _formula(formula):
    """A formula in letters: readable aloud, not exact."""
    text = re.sub(rf"\\(?:{'|'.join(_FONTS)})\s*", "", formula)
    text = re.sub(r"\\[,;:! ]", " ", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda found: _SYMBOLS.get(found[1], f"{found[1]} "), text)
    text = re.sub(r"[{}\\]", "", text)
    return " ".join(text.split())
