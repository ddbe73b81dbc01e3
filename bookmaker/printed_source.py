"""Source that notebooks print, against the files it was printed from, without running anything."""

import functools
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recsys_book.paths import CHAPTERS
from recsys_book.source import docstring_lines

ROOT = CHAPTERS.parent

_PLACE = re.compile(r"^# ([\w/]+\.py), line \d+$", re.MULTILINE)

_PRINTS = re.compile(r"\b(?:print|claim|display)\(")


def problems(path: Path, notebook: Any, root: Path = ROOT) -> list[str]:
    """Which printed source is no longer the library's, one line each.

    A line number may differ: other code above may have grown.

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
        for place, text in _blocks(printed):
            if not (root / place).is_file() or not stands(text, root / place, alone):
                found.append(
                    f"{path}: cell {number} prints source of {place} that does not stand there "
                    "(any more); build the lesson again"
                )
    return found


def stands(text: str, file: Path, alone: bool = True) -> bool:
    """Whether lines stand in a file one after the other, docstrings and indentation apart.

    Args:
        text: as ``excerpt`` prints it.
        file: a module.
        alone: whether nothing else was printed; if not, lines at the end of which the file has
            none are no source.

    Example:
        >>> from recsys_lib.layers import blocks
        >>> stands("return ops.reshape(", Path(blocks.__file__))
        False
        >>> stands("import keras", Path(blocks.__file__))
        True
    """
    wanted = text.rstrip().split("\n")
    lines = _lines_of(file, file.stat().st_mtime_ns)
    known = {line.strip() for line in lines}
    while not alone and len(wanted) > 1 and wanted[-1].strip() not in known:
        wanted.pop()
    return any(
        textwrap.dedent("\n".join(lines[first : first + len(wanted)])) == "\n".join(wanted)
        for first, line in enumerate(lines)
        if line.endswith(wanted[0])
    )


def _blocks(printed: str) -> Iterator[tuple[str, str]]:
    """Place and text of each excerpt in what a cell printed."""
    parts = _PLACE.split(printed)
    for place, text in zip(parts[1::2], parts[2::2], strict=True):
        yield place, text.lstrip("\n")


@functools.cache
def _lines_of(file: Path, _: int) -> list[str]:
    """The lines of a module without its docstrings."""
    source = file.read_text(encoding="utf-8")
    hidden = docstring_lines(source)
    return [line for number, line in enumerate(source.splitlines()) if number not in hidden]
