"""Lazy exports: a package's ``__init__`` names what it offers, and loads it when it is used.

The names stand there once, where editors and type checkers read them::

    from typing import TYPE_CHECKING

    if TYPE_CHECKING:
        from recsys_lib.features.columns import CategoricalColumn
    else:
        from recsys_lib.lazy import lazy_exports

        __getattr__, __dir__, __all__ = lazy_exports(__name__)

``from recsys_lib.features import CategoricalColumn`` then loads ``recsys_lib.features.columns`` and
nothing else of the package: whoever reads a file of data does not wait for TensorFlow.
"""

import ast
import importlib
import sys
from collections.abc import Callable
from typing import Any


def homes(source: str) -> dict[str, tuple[str, str]]:
    """Where the lazily exported names of a package come from.

    Args:
        source: text of the package's ``__init__``.

    Returns:
        Dict of each name that an ``if TYPE_CHECKING:`` block imports to the module that it comes
        from and its name there.

    Example:
        >>> homes("if TYPE_CHECKING:\\n    from package.module import thing")
        {'thing': ('package.module', 'thing')}
    """
    return {
        alias.asname or alias.name: (statement.module, alias.name)
        for block in ast.parse(source).body
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom) and statement.module is not None
        for alias in statement.names
    }


def lazy_exports(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` (PEP 562) and ``__all__`` of a package.

    Args:
        package: the package's name, its ``__name__``.

    Returns:
        ``__getattr__``, which loads a name's module at the first use of the name; ``__dir__``,
        which lists all names, loaded or not; and the names that the package offers, sorted.

    Raises:
        ImportError: the package was installed without its source, from which the names are read.
    """
    module = sys.modules[package]
    get_source = getattr(getattr(module.__spec__, "loader", None), "get_source", None)
    source = get_source(package) if get_source is not None else None
    if source is None:
        raise ImportError(f"{package}: expected the source of its __init__, found none")
    offered = homes(source)
    submodules = {home for home, _ in offered.values() if home.rpartition(".")[0] == package}

    def __getattr__(name: str) -> Any:
        if name in offered:
            home, original = offered[name]
            value = getattr(importlib.import_module(home), original)
            setattr(module, name, value)  # the next use finds it without asking here
            return value
        if f"{package}.{name}" in submodules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*vars(module), *offered} - {"TYPE_CHECKING", "lazy_exports"})

    return __getattr__, __dir__, sorted(offered)
