"""Lines of the library that a lesson shows, with their file and the name of what it is."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def excerpt(
    thing: Callable[..., Any] | type, start: str | None = None, end: str | None = None
) -> None:
    """Print source of the library, dedented and without docstring, below its file and name.

    The name stays right where a line number would drift, as other code above grows.

    Args:
        thing: function, method or class.
        start: text; the excerpt begins with the first line that holds it. Default: the first line.
        end: text; the excerpt ends before the first line after the start that holds it. Default:
            the last line.

    Raises:
        ValueError: nothing with source, or no line holds the text.

    Example:
        >>> from recsys_lib.layers import flatten_fields
        >>> excerpt(flatten_fields, start="return")
        # recsys_lib/layers/blocks.py, flatten_fields
        return ops.reshape(fields, (-1, fields.shape[1] * fields.shape[2]))
    """
    try:
        source = inspect.getsource(thing)
    except (OSError, TypeError):
        raise ValueError(
            f"excerpt: expected a function or class written in Python, got {thing!r}"
        ) from None
    hidden = docstring_lines(source)
    shown = [line for number, line in enumerate(source.splitlines()) if number not in hidden]
    shown = shown[_find(thing, shown, start, 0) if start is not None else 0 :]
    if end is not None:
        shown = shown[: _find(thing, shown, end, 1)]
    while shown and not shown[-1].strip():
        shown.pop()
    file = Path(inspect.getsourcefile(inspect.unwrap(thing)) or "")
    place = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name
    print(f"# {place}, {_name(thing)}")
    print(textwrap.dedent("\n".join(shown)))


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


def _find(thing: Any, lines: list[str], text: str, after: int) -> int:
    for position, line in enumerate(lines):
        if position >= after and text in line:
            return position
    raise ValueError(f"excerpt of {_name(thing)}: expected a line with {text!r}, got none")


def _name(thing: Any) -> str:
    return getattr(thing, "__qualname__", repr(thing))
