"""Which modules of ours a source imports, read from its text: nothing is executed.

A name that a lesson takes from a package's lazy exports (see ``recsys_lib.lazy``) counts as an
import of the module that defines it.
"""

import ast
import io
import tokenize
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from bookmaker import PACKAGES
from recsys_lib import lazy

OURS = (*PACKAGES, "bookmaker", "benchmarks", "experiments")
"""What readers install, and what authors run."""


def find_modules(root: Path, packages: tuple[str, ...]) -> dict[str, Path]:
    """Dict of dotted name to file of all modules of some packages; a package is its ``__init__``.

    Args:
        root: the folder that holds the packages.
        packages: their names; one that is not there has no modules.
    """
    found = {}
    for package in packages:
        for path in sorted((Path(root) / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@lru_cache(maxsize=4096)
def code_alone(source: str) -> str:
    """The lines of a source that hold code, without docstrings and comments.

    Args:
        source: a module. One that is no Python, or that uses ``__doc__``, is returned as it is.

    Example:
        >>> print(code_alone('def f(x):\\n    "Twice."\\n\\n    return 2 * x  # not three times'))
        def f(x):
            return 2 * x
    """
    if "__doc__" in source:
        return source
    try:
        tree = ast.parse(source)
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, tokenize.TokenError):
        return source
    lines = [line.encode() for line in source.split("\n")]
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            first, last = value.lineno - 1, int(value.end_lineno or 0) - 1
            after = lines[last][value.end_col_offset :]
            lines[first] = lines[first][: value.col_offset]
            lines[first + 1 : last + 1] = [b""] * (last - first)
            lines[last] += after
    texts = [line.decode() for line in lines]
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            texts[row - 1] = texts[row - 1][:column]
    return "\n".join(text.rstrip() for text in texts if text.strip())


@lru_cache(maxsize=4096)
def imports_in(source: str) -> tuple[tuple[str, str | None], ...]:
    """Every import of a source, also within functions, but for those under ``TYPE_CHECKING``.

    Returns:
        ``(module, name)`` for ``from module import name``, ``(module, None)`` for ``import
        module``. The name of a star import is ``"*"``.

    Raises:
        SyntaxError: the source is no Python.
        ValueError: a relative import.

    Example:
        >>> imports_in("import a.b\\nfrom c import d, e")
        (('a.b', None), ('c', 'd'), ('c', 'e'))
    """
    found: list[tuple[str, str | None]] = []
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Import):
            found += [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno}: expected an absolute import")
            found += [(str(node.module), alias.name) for alias in node.names]
        elif isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            waiting[:0] = node.orelse
        else:
            # No expression holds an import.
            waiting[:0] = [x for x in ast.iter_child_nodes(node) if not isinstance(x, ast.expr)]
    return tuple(found)


def loaded_by(module: str, name: str | None, modules: Mapping[str, Path]) -> set[str]:
    """Which of ``modules`` an import names; none when it is not ours.

    Args:
        module: as in ``imports_in``.
        name: as in ``imports_in``.
        modules: as ``find_modules`` returns them.

    Raises:
        ValueError: a module of ours that is not there.
    """
    package = module.split(".")[0]
    if package not in modules and not any(one.startswith(f"{package}.") for one in modules):
        return set()
    if name is not None and f"{module}.{name}" in modules:
        return whole(f"{module}.{name}", modules)
    if module not in modules:
        raise ValueError(f"{module}: no such module")
    homes = _homes(modules[module])
    if name is None or name == "*":
        return whole(module, modules)
    return {homes[name][0]} if name in homes else {module}


def whole(module: str, modules: Mapping[str, Path]) -> set[str]:
    """A module; a package with all its lazy exports, since any of them may be used."""
    return {module, *(home for home, _ in _homes(modules[module]).values())}


def parents(module: str) -> set[str]:
    """The packages around a module, whose ``__init__`` runs before it."""
    parts = module.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts))}


def _homes(path):
    return _homes_in(path, path.stat().st_mtime_ns) if path.name == "__init__.py" else {}


@lru_cache(maxsize=256)
def _homes_in(path, _time):
    return lazy.homes(path.read_text(encoding="utf-8"))
