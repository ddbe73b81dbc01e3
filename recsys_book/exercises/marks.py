"""Marks in an exercise's text: what a seed varies, said where it stands.

Under the exercise's heading each value that a seed chooses is named, the book's first::

    `last`: 1.0, 2.0, 4.0

In statement, solution, tests, hints and mistakes alike::

    «last»                      the value: the book's, or one of the others
    «twice x||«last» times x»   the book's text, and the variant's

Within the variant's text ``«...»`` holds any expression, with names that the exercise's Variant
cell defines as well, written as in an f-string: ``«last / 2»``, ``«share:.2f»``.
"""

import ast
import contextlib
import re

_MARK = re.compile(r"«((?:[^«»]|«[^«»]*»)*)»")
_INNER = re.compile(r"«([^«»]*)»")
_NAMED = re.compile(r"^`([a-z]\w*)`: (.+, .+)$", re.MULTILINE)
BOOK, VARIANT = 0, -1


def read_choices(lines: list[str]) -> dict[str, list]:
    """The values that a seed chooses, by name.

    Args:
        lines: such as ```last`: 1.0, 2.0``.

    Returns:
        Dict of name to the book's value and those of variants.

    Raises:
        ValueError: a line names no value of the book with one of a variant.
    """
    named = _NAMED.findall("\n".join(lines))
    with contextlib.suppress(SyntaxError, ValueError):
        if len(named) == len(lines):
            return {name: ast.literal_eval(f"[{values}]") for name, values in named}
    raise ValueError(f"expected lines such as `last`: 1.0, 2.0, got {lines}")


def filled(text: str, side: int, names: dict | None = None) -> str:
    """The text with its marks filled in.

    Args:
        text: with marks.
        side: `BOOK` or `VARIANT`.
        names: the values of names; None leaves an expression as it is.

    Returns:
        The text of the book, or of a variant.

    Raises:
        ValueError: a mark is not closed or not opened, or has no value.
    """

    def value(match):
        if names is None:
            return match[1]
        try:
            return eval(f'f"""{{{match[1]}}}"""', names)
        except Exception as error:
            told = " ".join(str(error).split())
            raise ValueError(f"«{match[1]}»: {type(error).__name__}: {told}") from None

    def written(match):
        sides = match[1].split("||", maxsplit=1)
        return value(match) if len(sides) == 1 else _INNER.sub(value, sides[side])

    for line in _MARK.sub("", text).splitlines():
        if "«" in line or "»" in line:
            raise ValueError(f"expected marks «...», closed and at most one in another, got {line}")
    return _MARK.sub(written, text)
