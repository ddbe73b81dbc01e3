"""Tables in prose name the alignment of each column: without it JupyterLab aligns to the right."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_LINE = re.compile(r"^\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def problems(text_path: Path, notebook: Any) -> list[str]:
    """Tables of a lesson's prose that leave a column's alignment open, one line each.

    Args:
        text_path: the lesson's text.
        notebook: its content.

    Returns:
        A line for each table.
    """
    return [
        f"{text_path}: cell {number}: expected `:---`, `---:` or `:---:` for each column of a "
        f"table, got `{line}`"
        for number, cell in enumerate(notebook.cells, start=1)
        if cell.cell_type == "markdown"
        for line in separators(cell.source)
        if aligned(line) != line
    ]


def separators(markdown: str) -> Iterator[str]:
    """The lines below the heads of the tables.

    Args:
        markdown: prose.

    Yields:
        Each line without the blanks around it; nothing inside of fenced blocks.

    Example:
        >>> list(separators("| a | b |\\n|---|--:|\\n| 1 | 2 |"))
        ['|---|--:|']
    """
    fence = None
    before = ""
    for line in markdown.splitlines():
        marker = _FENCE.match(line)
        if marker and fence is None:
            fence = marker[1]
        elif marker and fence and marker[1].startswith(fence):
            fence = None
        elif fence is None and "|" in before and _LINE.match(line.strip()):
            yield line.strip()
        before = line


def aligned(separator: str) -> str:
    """The line below a table's head with an alignment for each column.

    Args:
        separator: such a line; columns that name an alignment keep it.

    Returns:
        The line; the other columns are aligned to the left.

    Example:
        >>> aligned("|---|--:|:-:|")
        '|:---|--:|:-:|'
    """
    return re.sub(r"(?<![:-])(-+)(?![:-])", r":\1", separator)
