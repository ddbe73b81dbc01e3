"""Lines of the library that a lesson shows, with their file and line number."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def excerpt(
    thing: Callable[..., Any] | type, start: str | None = None, end: str | None = None
) -> None:
    """Print source of the library, dedented and without docstring, below its file and line.

    Args:
        thing: function, method or class.
        start: text; the excerpt begins with the first line that holds it. Default: the first line.
        end: text; the excerpt ends before the first line after the start that holds it. Default:
            the last line.

    Raises:
        ValueError: nothing with source, or no line holds the text.

    Example:
        >>> from recsys_lib.layers import flatten_fields
        >>> excerpt(flatten_fields, start="return")  # doctest: +ELLIPSIS
        # recsys_lib/layers/blocks.py, line ...
        return ops.reshape(fields, (-1, fields.shape[1] * fields.shape[2]))
    """
    try:
        lines, first = inspect.getsourcelines(thing)
    except (OSError, TypeError):
        raise ValueError(
            f"excerpt: expected a function or class written in Python, got {thing!r}"
        ) from None
    numbered = list(enumerate((line.rstrip("\n") for line in lines), start=first))
    hidden = docstring_lines("".join(lines))
    shown = [line for position, line in enumerate(numbered) if position not in hidden]
    shown = shown[_find(thing, shown, start, 0) if start is not None else 0 :]
    if end is not None:
        shown = shown[: _find(thing, shown, end, 1)]
    while shown and not shown[-1][1].strip():
        shown.pop()
    file = Path(inspect.getsourcefile(inspect.unwrap(thing)) or "")
    place = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name
    print(f"# {place}, line {shown[0][0]}")
    print(textwrap.dedent("\n".join(text for _, text in shown)))


def docstring_lines(source: str) -> set[int]:
    """Positions of the lines that make up docstrings."""
    hidden: set[int] = set()
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        first = node.body[0]
        if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
            continue
        if isinstance(first.value.value, str) and first.end_lineno is not None:
            hidden |= set(range(first.lineno - 1, first.end_lineno))
    return hidden


def _find(thing: Any, lines: list[tuple[int, str]], text: str, after: int) -> int:
    for position, (_, line) in enumerate(lines):
        if position >= after and text in line:
            return position
    name = getattr(thing, "__qualname__", repr(thing))
    raise ValueError(f"excerpt of {name}: expected a line with {text!r}, got none")
