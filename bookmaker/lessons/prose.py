"""The prose of a lesson by its parts, and what in Markdown is no prose."""

import re
from collections.abc import Iterator
from typing import Any

from recsys_book.base.notebook_sources import LINKS_TAG

OPENING = "the opening"
"""The part above the first heading of level two."""

_BLOCK = r"^ {0,3}(?P<fence>`{3,}|~{3,}).*?(?:^ {0,3}(?P=fence)[`~]* *$|\Z)"
_SPAN = r"(?<!`)(?P<span>`+)(?!`)(?:(?!\n\s*\n).)*?(?<!`)(?P=span)(?!`)"
BLOCK = re.compile(_BLOCK, re.DOTALL | re.MULTILINE)
"""A block of code; one that is not closed goes on to the end."""

_CODE = re.compile(f"{_BLOCK}|{_SPAN}", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#{1,6}) +(.+?)[ #]*$", re.MULTILINE)


def blanked(pattern: re.Pattern[str], text: str) -> str:
    """A text with blanks where a pattern is; what is left has its place.

    Args:
        pattern: of what has to go.
        text: any text.
    """
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def without_code(markdown: str) -> str:
    """Prose with a blank in place of each block and span of code; what is left has its place.

    Args:
        markdown: prose.

    Example:
        >>> without_code("the `dot` of two")
        'the       of two'
    """
    return blanked(_CODE, markdown)


def headings(markdown: str) -> list[tuple[int, str, int]]:
    """Level, text and place of the headings outside of code.

    Args:
        markdown: prose.

    Example:
        >>> headings("# The `dot` ##")
        [(1, 'The `dot`', 0)]
    """
    return [
        (len(found[1]), markdown[found.start(2) : found.end()].rstrip(" #"), found.start())
        for found in _HEADING.finditer(without_code(markdown))
    ]


def walk(notebook: Any) -> Iterator[tuple[str, int, Any, str]]:
    """A lesson's prose by its parts, and the code cells between; generated links are left out.

    Args:
        notebook: a lesson.

    Yields:
        The part (the heading of level two above), number of the cell, from 1, the cell, and of a
        prose cell the text, its heading included.
    """
    part = OPENING
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            yield part, number, cell, ""
        elif cell.cell_type == "markdown" and LINKS_TAG not in cell.metadata.get("tags", []):
            start = 0
            for level, heading, place in headings(cell.source):
                if level == 2:
                    yield part, number, cell, cell.source[start:place]
                    part, start = heading, place
            yield part, number, cell, cell.source[start:]


def said_under(heading: str, notebook: Any) -> str:
    """The prose below a heading of level two, without blocks of code.

    Args:
        heading: its text.
        notebook: a lesson.
    """
    texts = [text for part, _, _, text in walk(notebook) if part == heading]
    return BLOCK.sub("", "\n\n".join(texts))
