"""Holds the symbols of a lesson against the book's notation: one letter, one meaning.

``docs/notation.md`` has a table of letters. A core lesson's table of symbols, whose head is
``| symbol | ...``, may use these letters alone, with any index.
"""

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "notation.md"

_ROW = re.compile(r"^\| *(\$[^|]*?) *\|", re.MULTILINE)
_SYMBOLS = re.compile(r"^\| *symbol\b[^\n]*\n\|[^\n]*\n((?:\|[^\n]*\n?)+)", re.MULTILINE)
_FORMULA = re.compile(r"\$([^$]+)\$")
_LETTER = re.compile(r"\\math\w+\{[A-Za-z]\}|\\(?!hat|bar|tilde)[A-Za-z]+|[A-Za-z]")
_ACCENT = re.compile(r"\\(?:hat|bar|tilde) *\{?")


def letter_of(formula: str) -> str:
    """The letter of a symbol, without accents, indices and arguments.

    Args:
        formula: of one symbol.

    Example:
        >>> letter_of(r"\\hat{\\mathbf{e}}_j"), letter_of("w_{i,v}")
        ('\\\\mathbf{e}', 'w')
    """
    found = _LETTER.search(_ACCENT.sub("", formula))
    return found[0] if found else formula


def letters(page: Path = PAGE) -> list[str]:
    """The letters of the page, in its order.

    Args:
        page: with a table whose rows begin with a letter.
    """
    rows = _ROW.findall(page.read_text(encoding="utf-8"))
    return [letter_of(formula) for row in rows for formula in _FORMULA.findall(row)]


def problems(notebook: Any, page: Path = PAGE) -> list[str]:
    """The symbols of a lesson whose letters the book's notation lacks, a line each.

    Args:
        notebook: the text's content.
        page: the book's notation.
    """
    known = letters(page)
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    rows = [
        row for text in prose for table in _SYMBOLS.findall(text) for row in _ROW.findall(table)
    ]
    return [
        f"symbol ${formula}$: expected a letter of {page.name}, got {letter_of(formula)}"
        for row in rows
        for formula in _FORMULA.findall(row)
        if letter_of(formula) not in known
    ]
