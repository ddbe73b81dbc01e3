"""The packages' public names with their docstrings, read without running them, and their source."""

import ast
import re
import textwrap
from pathlib import Path

from bookmaker import PACKAGES
from bookmaker.code.imports import find_modules
from bookmaker.code.names import ROOT, PublicName, definition, docstring, offered_by_package

_SOURCE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{name}</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="{up}source.css"></head>
<body><nav><a href="{up}../index.html">The book</a></nav><main><h1>{name}</h1>{code}</main></body>
</html>
"""


def pages() -> dict[str, str]:
    """Dict of the path of each package's page to its text, in reStructuredText."""
    offered = offered_by_package().items()
    return {f"reference/{package}.rst": _page(package, names) for package, names in offered}


def _page(package, names):
    module = ast.parse(find_modules(ROOT, PACKAGES)[package].read_text(encoding="utf-8"))
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
        napoleon_custom_sections=["Source", ("Call arguments", "params_style")],
    )
    # In reStructuredText a letter cannot follow a literal: ``Split``s.
    return str(GoogleDocstring(re.sub(r"(``[^`\n]+``)(\w?)", _apart, text), settings))


def _apart(found):
    return rf"{found[1]}\ {found[2]}" if found[2] else found[1]


def write_source(folder: Path) -> None:
    """Write a page for each module of the packages: its code, a line an anchor, ``L-1``.

    Args:
        folder: for the pages; the paths below it are those of the modules.
    """
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    light, dark = (
        HtmlFormatter(lineanchors="L", linenos="inline", style=f"a11y-high-contrast-{kind}")
        for kind in ("light", "dark")
    )
    colors = f"{light.get_style_defs()}\n@media (prefers-color-scheme: dark) {{\n"
    colors += f"body {{ background: #2b2b2b; color: #fff }}\n{dark.get_style_defs()}\n}}\n"
    folder.mkdir()
    (folder / "source.css").write_text(colors, encoding="utf-8")
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        up = "../" * name.count("/")
        code = highlight(path.read_text(encoding="utf-8"), PythonLexer(), light)
        page = folder / f"{name[:-3]}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(_SOURCE.format(name=name, up=up, code=code), encoding="utf-8")
