"""The sources of a notebook's cells, which a reader changes by answering.

Outputs, tags and metadata do not count, nor do empty cells, which editors add at the end, nor the
generated cells of links. Prose cells that follow each other are one, so that a notebook and its
MyST text give the same sources.
"""

import hashlib
import json
import re

LINKS_TAG = "links"
_CODE = re.compile(r"^```\{code-cell\}")
_BREAK = re.compile(r"^\+\+\+(?:\s+(\{.*\}))?\s*$")


class UnreadableNotebook(ValueError):
    """A file is not a notebook; the message says why."""


def read_notebook(content: bytes) -> dict:
    """A notebook from its file's content, without a check of its schema.

    Args:
        content: the file's bytes.

    Raises:
        UnreadableNotebook: it is not JSON, or has no list of cells.
    """
    try:
        notebook = json.loads(content.decode("utf-8"))
    except ValueError as error:
        raise UnreadableNotebook(f"not JSON: {error}") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise UnreadableNotebook("no list of cells")
    return notebook


def write_notebook(notebook: dict) -> str:
    """A notebook as the content of its file, in the form that Jupyter writes.

    Args:
        notebook: as `read_notebook` returns it.
    """
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def source_of_cell(cell: dict) -> str:
    """A cell's source as one text; files may hold it as a list of lines.

    Args:
        cell: one of a notebook's cells.
    """
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def sources_of_notebook(notebook: dict) -> list[list[str]]:
    """Kind and source of a notebook's cells in their order, without links and empty cells.

    Args:
        notebook: as `read_notebook` returns it.

    Returns:
        Pairs ``[kind, source]``; prose cells that follow each other are joined.
    """
    cells = []
    for cell in notebook["cells"]:
        metadata = cell.get("metadata")
        tags = metadata.get("tags") if isinstance(metadata, dict) else None
        source = source_of_cell(cell)
        if source.strip() and LINKS_TAG not in (tags if isinstance(tags, list) else []):
            cells.append([str(cell.get("cell_type")), source])
    return _joined(cells)


def sources_of_text(text: str) -> list[list[str]]:
    """Kind and source of the cells of a MyST text, equal to those of the notebook built from it.

    Students need no jupytext for it.

    Args:
        text: a lesson's text, or that of its exercises.

    Returns:
        As `sources_of_notebook`.

    Raises:
        UnreadableNotebook: a code cell is never closed.
    """
    lines = text.splitlines()
    if lines[:1] == ["---"] and "---" in lines[1:]:
        lines = lines[lines.index("---", 1) + 1 :]
    cells: list[list[str]] = []
    current: list[str] = []
    kind, generated = "markdown", False
    # The last break closes the last cell.
    for line in [*lines, "+++"]:
        separator = _BREAK.match(line)
        if kind == "code" and line.rstrip() == "```":
            following = "markdown"
            current = _without_options(current)
        elif kind == "markdown" and (separator or _CODE.match(line)):
            following = "markdown" if separator else "code"
        else:
            current.append(line)
            continue
        source = "\n".join(current).strip("\n")
        if source.strip() and not generated:
            cells.append([kind, source])
        kind, current = following, []
        generated = separator is not None and _generates(separator[1])
    if kind == "code":
        raise UnreadableNotebook("a code cell is never closed")
    return _joined(cells)


def digest(sources: list[list[str]]) -> str:
    """A short text that two notebooks share exactly if they have the same sources.

    Args:
        sources: as `sources_of_notebook` returns them.

    Example:
        >>> digest([["code", "1"]]) == digest([["code", "2"]])
        False
    """
    return digest_of(json.dumps(sources, ensure_ascii=False).encode())


def digest_of(content: bytes) -> str:
    """A short text that two files share exactly if they have the same content.

    Args:
        content: a file's bytes.
    """
    return hashlib.sha256(content).hexdigest()[:20]


def _joined(cells):
    joined = []
    for kind, source in cells:
        if kind == "markdown" and joined and joined[-1][0] == "markdown":
            joined[-1][1] = f"{joined[-1][1]}\n\n{source}"
        else:
            joined.append([kind, source])
    return joined


def _without_options(lines):
    """A code cell's lines without the options that MyST allows at its beginning."""
    if lines[:1] == ["---"] and "---" in lines[1:]:
        return lines[lines.index("---", 1) + 1 :]
    options = 0
    while options < len(lines) and re.match(r":[\w-]+:", lines[options]):
        options += 1
    return lines[options:]


def _generates(metadata):
    try:
        tags = json.loads(metadata).get("tags", []) if metadata else []
    except ValueError:
        return False
    return LINKS_TAG in tags
