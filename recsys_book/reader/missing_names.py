"""One sentence, instead of a traceback, for a name that a cell above would have defined.

Whoever runs the open cells of a lesson alone has skipped the imports, so that nothing of the book
is there to help. Therefore each kernel of the book's JupyterLab loads this extension of IPython
when it starts (see ``recsys_book.reader.jupyter_lab``).
"""

import contextlib
import os
import symtable
from pathlib import Path
from types import TracebackType
from typing import Any

from recsys_book.base.notebook_sources import UnreadableNotebook, read_notebook, source_of_cell


def load_ipython_extension(shell: Any) -> None:
    """Let a kernel explain missing names; IPython calls this.

    Args:
        shell: the kernel's.
    """
    shell.set_custom_exc((NameError,), _show)


def explanation(name: str, notebook: dict, running: str | None = None) -> str | None:
    """The sentence on a missing name, or None if no cell above defines it.

    Args:
        name: that was looked up.
        notebook: as `read_notebook` returns it.
        running: the id of the cell that looked it up; without one all cells count as above it.

    Example:
        >>> cells = [{"cell_type": "code", "source": "import numpy as np", "metadata": {}}]
        >>> explanation("np", {"cells": cells})[:25]
        '`np` comes from a cell ab'
    """
    for cell in notebook["cells"]:
        if running is not None and cell.get("id") == running:
            return None
        if cell["cell_type"] == "code" and _defines(source_of_cell(cell), name):
            is_folded = cell["metadata"].get("jupyter", {}).get("source_hidden")
            return (
                f"`{name}` comes from a {'folded ' * bool(is_folded)}cell above: choose "
                "Run > Run All Above Selected Cell."
            )
    return None


def _defines(source, name):
    try:
        table = symtable.symtable(source, "cell", "exec")
    except SyntaxError:
        return False
    found = name in table.get_identifiers() and table.lookup(name)
    return found and (found.is_assigned() or found.is_imported())


def _show(
    shell: Any,
    kind: type[NameError],
    error: NameError,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> None:
    # Jupyter's server names the notebook of a kernel, which runs in the notebook's folder.
    path = Path(os.environ.get("JPY_SESSION_NAME", "")).name
    said = None
    if path and error.name and error.name not in shell.user_ns:
        running = shell.get_parent().get("metadata", {}).get("cellId")
        with contextlib.suppress(OSError, UnreadableNotebook):
            said = explanation(error.name, read_notebook(Path(path).read_bytes()), running)
    if said is not None:
        error._render_traceback_ = lambda: [said]  # type: ignore[attr-defined]
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
