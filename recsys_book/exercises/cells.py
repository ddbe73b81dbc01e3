"""Read the cells of a MyST text without jupytext, which students may not have installed."""

import re

_FENCE = re.compile(r"^```\{code-cell\}.*$")


def read_cells(text):
    """Return the cells of a MyST text as ``(kind, content)``: ``"markdown"`` or ``"code"``."""
    lines = text.splitlines()
    if lines[:1] == ["---"] and "---" in lines[1:]:
        lines = lines[lines.index("---", 1) + 1 :]
    cells, prose, code = [], [], None
    for line in lines:
        if code is None and _FENCE.match(line):
            _add_prose(cells, prose)
            prose, code = [], []
        elif code is not None and line.rstrip() == "```":
            cells.append(("code", _without_options(code)))
            code = None
        elif code is not None:
            code.append(line)
        elif line.rstrip() != "+++":
            prose.append(line)
    if code is not None:
        raise ValueError("a code cell is never closed")
    _add_prose(cells, prose)
    return cells


def _add_prose(cells, lines):
    content = "\n".join(lines).strip("\n")
    if content.strip():
        cells.append(("markdown", content))


def _without_options(lines):
    """The code of a cell, without the options that MyST allows at its beginning."""
    if lines[:1] == ["---"] and "---" in lines[1:]:
        lines = lines[lines.index("---", 1) + 1 :]
    else:
        options = 0
        while options < len(lines) and re.match(r":[\w-]+:", lines[options]):
            options += 1
        lines = lines[options:]
    return "\n".join(lines).strip("\n")
