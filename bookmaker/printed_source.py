"""Source that notebooks print, against the files it was printed from, without running anything."""

import ast
import functools
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recsys_book.paths import CHAPTERS
from recsys_book.source import docstring_lines

ROOT = CHAPTERS.parent

_PLACE = re.compile(r"^# ([\w/]+\.py), ([\w.]+)$", re.MULTILINE)

_PRINTS = re.compile(r"\b(?:print|display)\(")


def problems(path: Path, notebook: Any, root: Path = ROOT) -> list[str]:
    """Which printed source is no longer the library's, one line each.

    Args:
        path: of the notebook, for the message.
        notebook: as nbformat reads it.
        root: where the printed places begin.

    Returns:
        A line for each block of ``excerpt`` that does not stand so in its file.
    """
    found = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or "excerpt(" not in cell.source:
            continue
        printed = "".join(
            output.text
            for output in cell.outputs
            if output.output_type == "stream" and output.name == "stdout"
        )
        alone = not _PRINTS.search(cell.source)
        for place, name, text in _blocks(printed):
            if not (root / place).is_file() or not stands(text, root / place, name, alone):
                found.append(
                    f"{path}: cell {number} prints source of {name} in {place} that does not "
                    "stand there (any more); build the lesson again"
                )
    return found


def stands(text: str, file: Path, name: str, alone: bool = True) -> bool:
    """Whether lines stand in a function or class one after the other, docstrings and indent apart.

    Args:
        text: as ``excerpt`` prints it.
        file: a module.
        name: of the function, method or class, ``"MLP.call"``.
        alone: whether nothing else was printed; if not, lines at the end of which the file has
            none are no source.

    Example:
        >>> from recsys_lib.layers import blocks
        >>> text = "return ops.reshape(fields, (-1, fields.shape[1] * fields.shape[2]))"
        >>> [stands(text, Path(blocks.__file__), name) for name in ("flatten_fields", "MLP")]
        [True, False]
    """
    wanted = text.rstrip().split("\n")
    lines = _lines_of(file, name, file.stat().st_mtime_ns)
    known = {line.strip() for line in file.read_text(encoding="utf-8").splitlines()}
    while not alone and len(wanted) > 1 and wanted[-1].strip() not in known:
        wanted.pop()
    return any(
        textwrap.dedent("\n".join(lines[first : first + len(wanted)])) == "\n".join(wanted)
        for first, line in enumerate(lines)
        if line.endswith(wanted[0])
    )


def _blocks(printed: str) -> Iterator[tuple[str, str, str]]:
    """Place, name and text of each excerpt in what a cell printed."""
    parts = _PLACE.split(printed)
    for place, name, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        yield place, name, text.lstrip("\n")


@functools.cache
def _lines_of(file: Path, name: str, _: int) -> list[str]:
    """The lines of a function or class without docstrings; none where there is no such one."""
    source = file.read_text(encoding="utf-8")
    hidden = docstring_lines(source)
    node: Any = ast.parse(source)
    for part in name.split("."):
        inside = (one for one in node.body if getattr(one, "name", None) == part)
        if (node := next(inside, None)) is None:
            return []
    lines = enumerate(source.splitlines(), start=1)
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    return [
        line
        for number, line in lines
        if first <= number <= node.end_lineno and number - 1 not in hidden
    ]
