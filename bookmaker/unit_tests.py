"""One hash of all that a file of tests follows from; ``make test`` runs it when that changes.

Nothing is executed: all is read from texts. A file of tests follows from its own text, from its
helpers and ``conftest.py`` files, from the modules of ours that these import, directly or not (see
``bookmaker.inputs``), and from the locked packages. What no import names counts by these rules:

- a module that a string of a test names counts as imported, a package with its ``__main__``: tests
  replace a module's names and run modules as commands;
- of a module that imports by a computed name, every module of its package counts as imported;
- of a test or module that names ``__file__``, the files count at the place that it makes of it with
  ``parent``, ``parents`` and names: at ``Path(__file__).parents[2] / "docs"`` those of ``docs``, at
  ``__file__`` alone those beside it and below. At the root these are all files;
- docstrings and comments of an imported module count only for a test that reads them: one that
  names ``__doc__``, ``getsource`` or ``doctest``, or to whose places the module belongs;
- a test follows from all files, too, when it is one of the project itself, imports a module that
  goes up from the chapters to the root, or starts other processes than Python's.

The mutants and the grading of the book's exercises are chosen case by case: see
``bookmaker.selection``.
"""

import ast
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path

from bookmaker.imports import OURS, code_alone, find_modules, imports_in
from bookmaker.inputs import ROOT, hash_of, read_by
from recsys_book.paths import LessonError

CHOSEN_BY_CASE = (
    "tests/mutants/test_mutants.py",
    "tests/bookmaker/test_grading_of_the_book.py",
)
RECORD = "tests/green.json"
LOCK = "constraints.txt"
SHARED = "tests/shared"

_MODULE = re.compile(rf"\b(?:{'|'.join(OURS)})(?:\.\w+)+|^(?:{'|'.join(OURS)})$")
_READS_TEXT = re.compile(r"__doc__|getsource|doctest")
_COMPUTED_NAME = "import_module("
# Their computed names are lazy exports and names stated as text, which are followed already.
_FOLLOWED = ("lazy.py", "options.py")
_PLACE = re.compile(
    r"__file__\)?(?:\.resolve\(\))?((?:\.parents?\b(?:\[\d\])?)*)\)?((?:\s*/\s*\"[^\"]+\")*)"
)
_TO_THE_ROOT = "CHAPTERS.parent"


class Reader:
    """Reads what files of tests follow from, each file of the project once.

    Args:
        root: the folder that holds the packages and ``tests``.
    """

    def __init__(self, root: Path = ROOT):
        self._root = root
        self._modules = find_modules(root, OURS)
        self._texts: dict[Path, str] = {}
        self._hashes: dict[tuple[Path, bool], str] = {}
        self._at: dict[Path, list[Path]] = {}
        self._all = sorted(_tracked(root))

    def hash_of(self, path: Path, *, by_path: bool = True) -> str:
        """The hash of all that a file of tests follows from.

        Args:
            path: the file.
            by_path: whether the files count that it may read by their paths.

        Raises:
            LessonError: the file is no Python or imports a module of ours that is not there.
        """
        try:
            imported, at_places = self._files(path, by_path)
        except (SyntaxError, ValueError) as error:
            raise LessonError(f"{path}: {error}") from error
        if any(_READS_TEXT.search(self._text(one)) for one in self._tests(path)):
            imported, at_places = set(), imported | at_places
        found = [self._named_hash(one, whole=False) for one in imported]
        found += [self._named_hash(one, whole=True) for one in at_places]
        return hash_of([("files", "\n".join(sorted(found)).encode())])

    def files(self, path: Path, *, by_path: bool = True) -> set[Path]:
        """The files behind `hash_of`."""
        return set().union(*self._files(path, by_path))

    def _files(self, path, by_path):
        """Those that count by their code, and those that count by their whole text."""
        tests = self._tests(path)
        sources = [self._text(one) for one in tests]
        sources.append("\n".join(self._imports_of_named(sources)))
        read: list[str] = []
        while (more := read_by(sources, self._modules)) != read:
            read = more
            sources.append("\n".join(self._imports_of_computed(read)))
        modules = {self._modules[one] for one in read}
        files = {*tests, *modules, self._root / LOCK}
        if not by_path:
            return modules, files - modules
        texts = [self._text(one) for one in tests]
        if (
            any(self._root / "tests" / "project" in one.parents for one in tests)
            or any(_TO_THE_ROOT in self._text(one) for one in files)
            or any("subprocess" in text and "sys.executable" not in text for text in texts)
        ):
            return modules, {*(files - modules), *self._all}
        places = {place for one in files for place in _places(one, self._text(one))}
        return modules, (files - modules).union(*map(self._below, places))

    def _below(self, place):
        if place not in self._at:
            start = f"{place}{os.sep}"
            self._at[place] = [one for one in self._all if f"{one}{os.sep}".startswith(start)]
        return self._at[place]

    def _tests(self, path):
        """A file of tests, its ``conftest.py`` files, and the helpers that these import."""
        waiting = [path, *(folder / "conftest.py" for folder in path.parents)]
        found = []
        while waiting:
            file = waiting.pop()
            if file in found or self._root not in file.parents or not file.exists():
                continue
            found.append(file)
            for name, _ in imports_in(self._text(file)):
                waiting += [file.parent / f"{name}.py", self._root / SHARED / f"{name}.py"]
        return found

    def _imports_of_named(self, sources) -> Iterator[str]:
        """An import of each module that a string names, alone or with a name in it."""
        for named in {one for text in sources for one in _named_in_strings(text)}:
            while named and named not in self._modules:
                named = named.rpartition(".")[0]
            yield from (
                f"import {one}" for one in (named, f"{named}.__main__") if one in self._modules
            )

    def _imports_of_computed(self, read) -> Iterator[str]:
        for name in read:
            path = self._modules[name]
            if path.name not in _FOLLOWED and _COMPUTED_NAME in self._text(path):
                package = name.rpartition(".")[0]
                yield from (
                    f"import {one}" for one in self._modules if one.startswith(f"{package}.")
                )

    def _text(self, path):
        if path not in self._texts:
            self._texts[path] = path.read_text(encoding="utf-8")
        return self._texts[path]

    def _named_hash(self, path, whole):
        if (path, whole) not in self._hashes:
            name = path.relative_to(self._root).as_posix()
            content = path.read_bytes() if whole else code_alone(self._text(path)).encode()
            self._hashes[path, whole] = hash_of([(name, content)])
        return self._hashes[path, whole]


def is_chosen_whole(name: str) -> bool:
    """Whether a path below the root is a file of tests that runs, or is left out, as a whole.

    Example:
        >>> is_chosen_whole("tests/sequence/test_din.py"), is_chosen_whole("tests/conftest.py")
        (True, False)
    """
    return fnmatch(name, "tests/*test_*.py") and name not in CHOSEN_BY_CASE


def find(root: Path = ROOT) -> list[str]:
    """The files of tests that are chosen as a whole, as ``"tests/sequence/test_din.py"``."""
    found = (path.relative_to(root).as_posix() for path in (root / "tests").rglob("test_*.py"))
    return sorted(filter(is_chosen_whole, found))


def hashes(root: Path = ROOT) -> dict[str, str]:
    """Dict of each file of tests to the hash of all that it follows from.

    Args:
        root: the folder that holds the packages and ``tests``.

    Raises:
        LessonError: a file of tests is no Python or imports a module of ours that is not there.
    """
    reader = Reader(root)
    return {name: reader.hash_of(root / name) for name in find(root)}


@lru_cache(maxsize=1024)
def _named_in_strings(text):
    nodes = ast.walk(ast.parse(text))
    strings = (node.value for node in nodes if isinstance(node, ast.Constant))
    return {one for text in strings if isinstance(text, str) for one in _MODULE.findall(text)}


def _places(path, text):
    """The files or folders that a text makes of its own place."""
    for ups, names in _PLACE.findall(text):
        place = path
        for up in re.findall(r"parents\[(\d)\]|parent\b", ups):
            place = place.parents[int(up or 0)]
        yield place.joinpath(*re.findall(r"\"([^\"]+)\"", names)) if ups else path.parent


def _tracked(root) -> Iterator[Path]:
    """Every file that git does not ignore, but for the record that a run of all tests writes."""
    listed = root / ".gitignore"
    ignored = [".git", *(listed.read_text().split() if listed.exists() else ())]
    ignored = [pattern.strip("/") for pattern in ignored]
    waiting = [root]
    while waiting:
        for path in waiting.pop().iterdir():
            name = path.relative_to(root).as_posix()
            if any(fnmatch(path.name, one) or fnmatch(name, one) for one in ignored):
                continue
            if path.is_dir():
                waiting.append(path)
            elif name != RECORD:
                yield path
