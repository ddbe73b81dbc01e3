"""The library's public names with their docstrings, read without running them, and its source."""

import ast
import html
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bookmaker.imports import find_modules
from bookmaker.names import ROOT, PublicName, definition, docstring, offered_by_package

LIBRARY = "recsys_lib"


def pages() -> dict[str, str]:
    """Dict of the path of each package's page to its text, in reStructuredText."""
    found = {}
    for package, names in offered_by_package().items():
        if package.split(".")[0] == LIBRARY:
            found[f"reference/{package}.rst"] = _page(package, names)
    return found


def _page(package, names):
    module = ast.parse(find_modules(ROOT, (LIBRARY,))[package].read_text(encoding="utf-8"))
    about = (ast.get_docstring(module) or "").split("\n\n")[0]
    parts = [f"{package}\n{'=' * len(package)}\n", about, f".. py:module:: {package}\n"]
    return "\n\n".join([*parts, *(_entry(one) for one in names)]) + "\n"


def _entry(one: PublicName) -> str:
    statement = definition(one)
    source = (
        f"`source <../source/{one.module.replace('.', '/')}.html#L-{statement.lineno}>`__"
        if hasattr(statement, "lineno")
        else ""
    )
    body = [_sections(docstring(one)), source]
    kind, signature = "data", ""
    if isinstance(statement, ast.FunctionDef):
        kind, signature = "function", _signature(statement)
    elif isinstance(statement, ast.ClassDef):
        kind = "class"
        methods = [one for one in statement.body if isinstance(one, ast.FunctionDef)]
        signature = next((_signature(one) for one in methods if one.name == "__init__"), "")
        body += [
            _directive("method", method.name, _signature(method), [_sections(said)])
            for method in methods
            if not method.name.startswith("_") and (said := ast.get_docstring(method))
        ]
    return _directive(kind, one.name, signature, body)


def _signature(function):
    arguments = function.args
    for of_kind in (arguments.posonlyargs, arguments.args):
        of_kind[:] = [one for one in of_kind if one.arg not in ("self", "cls")]
    for one in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        one.annotation = None  # the docstring says what each one is
    return f"({ast.unparse(arguments)})"


def _directive(kind, name, signature, body):
    text = textwrap.indent("\n\n".join(part for part in body if part), "   ")
    return f".. py:{kind}:: {name}{signature}\n\n{text}\n"


def _sections(text):
    """A docstring's sections, `Args:` and the like, in reStructuredText."""
    from sphinx.ext.napoleon import Config, GoogleDocstring

    settings = Config(
        napoleon_use_param=False,
        napoleon_use_rtype=False,
        napoleon_custom_sections=["Source", "Shapes", "Units"],
    )
    return str(GoogleDocstring(text, settings))


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx write the pages of the source.

    Args:
        app: Sphinx.
    """
    app.connect("html-collect-pages", _source_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _source_pages(app: Any) -> Iterator[tuple[str, dict[str, str], str]]:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    shown = HtmlFormatter(lineanchors="L", cssclass="highlight")
    for path in sorted(Path(ROOT / LIBRARY).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        code = highlight(path.read_text(encoding="utf-8"), PythonLexer(), shown)
        body = f"<h1>{html.escape(name)}</h1>\n{code}"
        yield f"source/{name[:-3]}", {"title": name, "body": body}, "page.html"
