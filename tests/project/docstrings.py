"""What ruff does not ask of a docstring: that it names all that a reader of the reference needs.

A public function or class names every parameter under ``Args:``, what it returns under
``Returns:``, the ``ValueError`` that its own body raises under ``Raises:``; builders and the
functions that everybody calls show an ``Example:``. ruff's D417 reads no entry of two names and no
class. Sources are read, not run.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from bookmaker.code.names import ROOT, PublicName, definition, docstring, offered_by_package

WITH_EXAMPLE = {"fit", "compare", "evaluate", "rank"}

_ENTRY = re.compile(r"^(\*{0,2}\w+(?:,\s+\*{0,2}\w+)*):", re.MULTILINE)
# Arguments that Keras passes on to every layer.
_ASIDE = {"self", "cls", "kwargs"}


def problems(root: Path = ROOT) -> dict[str, list[str]]:
    """Dict of each public name to what its docstring lacks; empty when all are complete."""
    found = {}
    for names in offered_by_package(root).values():
        for one in names:
            if lacking := list(lacks(one, root)):
                found.setdefault(f"{one.module}.{one.original}", lacking)
    return found


def lacks(one: PublicName, root: Path = ROOT) -> Iterator[str]:
    """The gaps of the docstring of a public name, one line each."""
    text = docstring(one, root)
    statement = definition(one, root)
    if not text.strip() or re.match(r"[A-Z][a-z ]*:$", text, re.MULTILINE):
        yield "says no purpose"
    elif isinstance(statement, ast.ClassDef):
        yield from _class_lacks(statement, text)
    elif isinstance(statement, ast.FunctionDef):
        yield from _function_lacks(statement, text)


def section(text: str, name: str) -> str | None:
    """The body of a docstring's section without its indentation, or None."""
    lines = text.splitlines()
    if f"{name}:" not in lines:
        return None
    body = []
    for line in lines[lines.index(f"{name}:") + 1 :]:
        if line and not line.startswith(" "):
            break
        body.append(line.removeprefix("    "))
    return "\n".join(body)


def _function_lacks(function, text):
    yield from _missing_args(_parameters(function), text, ("Args",))
    if _returns(function) and section(text, "Returns") is None:
        yield "has no Returns"
    if _yields(function) and section(text, "Yields") is None:
        yield "has no Yields"
    yield from _missing_raises(function, text)
    if (function.name.startswith("build_") and _is_builder(function)) or (
        function.name in WITH_EXAMPLE
    ):
        if ">>> " not in (section(text, "Example") or ""):
            yield "has no Example"


def _class_lacks(statement, text):
    methods = {one.name: one for one in statement.body if isinstance(one, ast.FunctionDef)}
    if "__init__" in methods:
        parameters = _parameters(methods["__init__"])
        yield from _missing_args(parameters, text, ("Args",))
    else:
        fields = [
            one.target.id
            for one in statement.body
            if isinstance(one, ast.AnnAssign) and not one.target.id.startswith("_")
        ]
        if fields and not all(f"``{field}``" in text for field in fields):
            yield from _missing_args(fields, text, ("Args", "Attributes"))
    for name in ("__init__", "__post_init__"):
        if name in methods:
            yield from _missing_raises(methods[name], text)


def _missing_args(parameters, text, sections):
    entries = {
        name.strip().lstrip("*")
        for one in sections
        for entry in _ENTRY.findall(section(text, one) or "")
        for name in entry.split(",")
    }
    missing = [name for name in parameters if name not in entries]
    if missing:
        yield f"names no {', '.join(missing)} under {' or '.join(sections)}"


def _missing_raises(function, text):
    raised = any(
        isinstance(node, ast.Raise) and "ValueError" in ast.dump(node) for node in _own(function)
    )
    if raised and "ValueError" not in (section(text, "Raises") or ""):
        yield "raises ValueError and has no Raises"


def _parameters(function):
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [one.arg for one in every if one.arg not in _ASIDE]


def _is_builder(function):
    return "feature_columns" in _parameters(function)


def _returns(function):
    return any(
        isinstance(node, ast.Return)
        and node.value is not None
        and not (isinstance(node.value, ast.Constant) and node.value.value is None)
        for node in _own(function)
    )


def _yields(function):
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own(function))


def _own(function):
    """All nodes of a function's body but for those of functions and classes within it."""
    waiting = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
