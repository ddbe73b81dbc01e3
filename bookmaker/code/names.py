"""The public names: what the packages offer in their ``__init__``, read without running them."""

import ast
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bookmaker import PACKAGES
from bookmaker.code.imports import find_modules
from recsys_book.base.paths import CHAPTERS
from recsys_lib import lazy

ROOT = CHAPTERS.parent

AS_MODULES = ("recsys_book.plots", "recsys_lib.data.kuairand", "recsys_lib.data.movielens")
"""Modules that are imported as such, ``from recsys_lib.data import movielens``."""


@dataclass(frozen=True)
class PublicName:
    """A name that a package offers: the package, the name, and its module and name there."""

    package: str
    name: str
    module: str
    original: str


def offered_by_package(root: Path = ROOT) -> dict[str, list[PublicName]]:
    """Dict of each package, and each module imported as such, to what it offers, sorted by name."""
    modules = find_modules(root, PACKAGES)
    found = {}
    for package, path in modules.items():
        if path.name != "__init__.py" or not (offered := _offered(path)):
            continue
        found[package] = [
            PublicName(package, name, *_home(package, name, modules)) for name in sorted(offered)
        ]
    for module in AS_MODULES:
        if module in modules:
            names = (getattr(one, "name", "_") for one in _tree(modules[module]).body)
            own = sorted(name for name in names if not name.startswith("_"))
            found[module] = [PublicName(module, name, module, name) for name in own]
    return dict(sorted(found.items()))


def _home(module, name, modules):
    """The module and name behind a name that a package, or one behind it, only passes on."""
    path = modules[module]
    homes = {**_imported(_tree(path)), **lazy.homes(path.read_text(encoding="utf-8"))}
    if name not in homes or homes[name][0] not in modules:
        return module, name
    return _home(*homes[name], modules)


def definition(one: PublicName, root: Path = ROOT) -> ast.stmt:
    """The statement that defines a public name.

    Raises:
        ValueError: there is none.
    """
    if (module := _file(root, f"{one.module}.{one.original}")).is_file():
        return ast.Expr(ast.Constant(ast.get_docstring(_tree(module))))
    if (module := _file(root, one.module)).is_file():
        for statement in _tree(module).body:
            if one.original in _defined_by(statement):
                return statement
    raise ValueError(f"{one.package}.{one.name}: {one.module} defines no {one.original!r}")


def docstring(one: PublicName, root: Path = ROOT) -> str:
    """The docstring of a public name; empty where it has none."""
    statement = definition(one, root)
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return ast.get_docstring(statement) or ""
    if isinstance(statement, ast.Expr):
        return statement.value.value or ""
    # A constant's docstring is the string behind it.
    body = _tree(_file(root, one.module)).body
    behind = body[body.index(statement) + 1 :][:1]
    for one_behind in behind:
        value = getattr(one_behind, "value", None)
        if isinstance(one_behind, ast.Expr) and isinstance(value, ast.Constant):
            return str(value.value)
    return ""


def _offered(path):
    """The lazy exports of a package, or what its ``__all__`` lists."""
    if found := lazy.homes(path.read_text(encoding="utf-8")):
        return sorted(found)
    for statement in _tree(path).body:
        if isinstance(statement, ast.Assign) and _defined_by(statement) == {"__all__"}:
            return ast.literal_eval(statement.value)
    return []


def _imported(tree):
    return {
        alias.asname or alias.name: (statement.module, alias.name)
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def _defined_by(statement):
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else []
    targets += statement.targets if isinstance(statement, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _file(root, module):
    """Where a module or a package is written."""
    path = Path(root).joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _tree(path):
    return _parsed(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=512)
def _parsed(path, _time):
    return ast.parse(path.read_text(encoding="utf-8"))
