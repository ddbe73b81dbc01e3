"""The context of a student's cell: whether a notebook shows Markdown, and whether it is graded."""

import json
import os

from recsys_book.base.shell import running_shell

SWITCH_VARIABLE = "RECSYS_SOLUTIONS"
NOTEBOOK_VARIABLE = "JPY_SESSION_NAME"
"""The variable in which Jupyter tells a kernel the path of its notebook."""


def show(markdown: str, plain: str | None = None) -> None:
    """Display Markdown; without a notebook, print it.

    Args:
        markdown: the text, with formulas.
        plain: text to print instead; default: the same text.

    Example:
        >>> show("**Hint.** Add.", plain="Hint: Add.")
        Hint: Add.
    """
    if not in_notebook():
        print(markdown if plain is None else plain)
        return
    from IPython.display import Markdown, display

    display(Markdown(markdown))


def in_notebook() -> bool:
    """Return whether a notebook, or another front end that knows Markdown, shows the output."""
    # A terminal's IPython displays an object as its type and address.
    return getattr(running_shell(), "kernel", None) is not None


def in_assignment() -> bool:
    """Return whether answers are graded here."""
    return os.environ.get(SWITCH_VARIABLE) == "0" or _is_assignment(
        os.environ.get(NOTEBOOK_VARIABLE, "")
    )


def _is_assignment(path: str) -> bool:
    """Whether the notebook at ``path`` has cells of nbgrader."""
    try:
        with open(path, encoding="utf-8") as file:
            cells = json.load(file)["cells"]
        return any("nbgrader" in cell["metadata"] for cell in cells)
    except (OSError, ValueError, KeyError, TypeError):
        return False
