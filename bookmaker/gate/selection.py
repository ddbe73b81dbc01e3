"""The choice of ``make test``: what changed since it was green, and a tenth of the rest.

``tests/green.json`` holds for each *unit* the hash of the contents with which it last passed: a
file of tests, the mutants of a file, the exercises of a lesson, a model in the contract, a
notebook. A run writes it; contents are those of the working tree, and git is not asked. Labs take
minutes on data that few machines have: one that did not change runs with ``WEEKLY=1`` alone.

A file of tests follows from itself, its helpers, and the folders of packages that these import,
directly or not. The zoo is a border: what lies above it does not follow from a single model, but
for one file of each package (``SMOKE``).
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from statistics import median
from typing import Any

from bookmaker.building import inputs
from bookmaker.building.inputs import ROOT, hash_of, key_of
from bookmaker.code.imports import OURS, code_alone, find_modules, imports_in
from bookmaker.lessons.lessons import code_of, is_lab
from recsys_book.base.paths import CHAPTERS, LessonError, write_atomically
from recsys_book.exercises.source import find_sources

RECORD = "tests/green.json"
TENTH = 10
MUTANTS_TEST = "tests/mutants/test_mutants.py"
GRADING_TEST = "tests/bookmaker/test_grading_of_the_book.py"
CONTRACT = "tests/contract"
START = "README.md"
"""The start page takes its questions from it."""
_MODELS = ("memorization", "second_order", "higher_order", "sequence", "multi_task")
_MODELS += ("multi_scenario", "one_request", "loops")
MODEL_ROOMS = {f"recsys_lib/{name}" for name in _MODELS}
ABOVE = {
    "benchmarks": ("benchmarks",),
    "book": ("recsys_book", "chapters", "docs"),
    "bookmaker": ("bookmaker", "recsys_book", "chapters", "docs", "experiments/results", START),
    "browser": ("bookmaker", "recsys_book", "chapters", "docs"),
    "contract": ("tests/contract",),
    "data": ("data",),
    "experiments": ("experiments",),
    "pipeline": ("recsys_pipeline", "docs"),
    "project": ("",),
}
"""Folders of tests above the zoo, each with the folders of which any file counts; ``data`` has no
model either."""
SMOKE = (
    "tests/benchmarks/test_inputs_of_rows.py",
    "tests/book/test_sketches_zoo.py",
    "tests/experiments/test_evidence_prefixes.py",
    "tests/pipeline/export/test_export_interest.py",
)

Hashes = Mapping[str, str]


class Tree:
    """The files of a project, and the hashes of what follows from them.

    Args:
        root: the folder that holds the packages and ``tests``.
    """

    def __init__(self, root: Path = ROOT):
        self.modules = find_modules(root, OURS)
        self.names = {one: path.relative_to(root).as_posix() for one, path in self.modules.items()}
        self.files = {path.relative_to(root).as_posix(): path for path in files_in(root)}
        self._contents: dict[str, bytes] = {}

    def tests(self) -> list[str]:
        """The files of tests."""
        return sorted(one for one in self.files if fnmatch(one, "tests/*test_*.py"))

    def hash_of(self, test: str, *, texts: bool = True) -> str:
        """The hash of all that a file of tests follows from.

        Args:
            test: its name below the root.
            texts: whether files count that are no code, such as lessons.

        Raises:
            LessonError: a file that counts is no Python.
        """
        folder = test.split("/")[1]
        smokes, folders = test in SMOKE, ABOVE.get(folder, ())
        border = MODEL_ROOMS if folder in ABOVE and not smokes else set()
        whole = {name for name in self.files if any(_in(name, one) for one in folders)}
        try:
            own = self._helpers(test)
            sources = (name for name in {*own, *whole} if name.endswith(".py"))
            read = inputs.read_by(map(self._text, sources), self.modules, as_text=False)
        except (SyntaxError, ValueError) as error:
            raise LessonError(f"{test}: {error}") from error
        rooms = {_room(self.names[module]) for module in read} | (MODEL_ROOMS if smokes else set())
        code = (name for name in self.names.values() if _room(name) in rooms)
        counts = {name for name in (*code, *(whole if texts else ())) if _room(name) not in border}
        return hash_of(self.contents(sorted({*counts, *own, "constraints.txt"})))

    def contents(self, names: Iterable[str]) -> list[tuple[str, bytes]]:
        """Parts for ``hash_of``, of files below the root that are there."""
        return [(name, self._content(name)) for name in names if name in self.files]

    def _content(self, name):
        if name not in self._contents:
            content = self.files[name].read_bytes()
            is_code = name.endswith(".py") and name.split("/")[0] in OURS
            content = code_alone(content.decode()).encode() if is_code else content
            self._contents[name] = hash_of([(name, content)]).encode()
        return self._contents[name]

    def _helpers(self, test):
        """A file of tests, the ``conftest.py`` files around it, and the helpers that it imports."""
        folders = [parent.as_posix() for parent in Path(test).parents][:-1]
        waiting, found = [test, *(f"{folder}/conftest.py" for folder in folders)], set()
        while waiting:
            name = waiting.pop()
            if name in self.files and name not in found:
                found.add(name)
                for one, _ in imports_in(self._text(name)):
                    near = {folders[0], name.rpartition("/")[0], "tests/shared"}
                    waiting += [f"{folder}/{one.replace('.', '/')}.py" for folder in near]
        return found

    def _text(self, name):
        return self.files[name].read_text(encoding="utf-8")


def current(notebooks: Iterable[Path], chapters: Path = CHAPTERS, root: Path = ROOT) -> Hashes:
    """Dict of unit to hash; what cannot run on this machine has none.

    Labs without their data are not among the notebooks, mutants need Linux, grading needs nbgrader.

    Args:
        notebooks: those that can run here, as ``inputs.notebooks_to_test`` gives them.
        chapters, root: folders of the chapters, and of packages and ``tests``.

    Raises:
        LessonError: something cannot be read.
    """
    tree = Tree(root)
    found = {test: tree.hash_of(test) for test in tree.tests() if not is_by_case(test)}
    for path in notebooks:
        name = notebook_of(path, chapters)
        read = inputs.inputs_of(path.with_suffix(".md"), root)
        found[name] = f"{read} {inputs.outputs_of(path)}"
    return found | {unit: hash_of(parts) for unit, parts in _cases(tree, chapters, root)}


def _cases(tree, chapters, root):
    """Each unit that is a case of a file of tests, with the contents that it follows from."""
    from recsys_lib.zoo import MODELS

    tests = tree.tests()
    promises = f"{CONTRACT}/test_promises.py"
    for model in MODELS if promises in tests else ():
        package, name = model.builder.split(":")
        read = inputs.read_by([f"from {package} import {name}"], tree.modules)
        files = [tree.names[one] for one in read]
        own = tree.contents(name for name in files if _room(name) in MODEL_ROOMS)
        yield f"contract of {model.key}", [("promises", tree.hash_of(promises).encode()), *own]
    graded = GRADING_TEST in tests and find_spec("nbgrader")
    for path in find_sources(chapters) if graded else ():
        try:
            read = inputs.parts_read(code_of(path), tree.modules, root)
        except (SyntaxError, ValueError) as error:
            raise LessonError(f"{path}: {error}") from error
        machinery = tree.hash_of(GRADING_TEST, texts=False).encode()
        own = [("exercises", path.read_bytes()), ("machinery", machinery)]
        yield grading_of(path, chapters), [*own, *read]
    read = ("tests/mutants/runner.py", "tests/mutants/mutant_rows.py")
    mutants = run_path(str(root / read[1]))["recorded"]() if set(read) <= set(tree.files) else ()
    groups: dict[str, list[Any]] = {}
    for one in mutants if sys.platform == "linux" else ():
        groups.setdefault(mutants_of(one.file, one.tests), []).append(one)
    for group, members in groups.items():
        found = {f"tests/{test.split('::')[0]}" for one in members for test in one.tests}
        rows = json.dumps([vars(one) for one in members], sort_keys=True).encode()
        files = tree.contents([*read, members[0].file, *sorted(found)])
        yield group, [("rows", rows), *files]


def notebook_of(path: Path, chapters: Path = CHAPTERS) -> str:
    """The unit of a notebook: ``"chapters/04_sequence_models/01_din.ipynb"``."""
    return f"{CHAPTERS.name}/{key_of(path, chapters)}.ipynb"


def mutants_of(file: str, tests: Iterable[str]) -> str:
    """The unit of a mutant: those of one file that the same files of tests find.

    Example:
        >>> mutants_of("recsys_lib/sequence/din.py", ["sequence/test_din.py::test_mask"])
        'mutants of recsys_lib/sequence/din.py: sequence/test_din.py'
    """
    return f"mutants of {file}: {', '.join(sorted({test.split('::')[0] for test in tests}))}"


def grading_of(exercises: Path, chapters: Path = CHAPTERS) -> str:
    """The unit of a lesson's exercises: ``"grading of 04_sequence_models/01_din"``."""
    return f"grading of {key_of(exercises, chapters).removesuffix('.exercises')}"


def read_record(root: Path = ROOT, chapters: Path = CHAPTERS) -> dict[str, dict[str, Any]]:
    """What is recorded; no notebook is green where its comparison masked something else.

    Args:
        root: the folder that holds ``tests``.
        chapters: the folder of the chapters.

    Returns:
        ``{"green": unit to hash, "built": notebook to hash, "seconds": unit to seconds}``.
    """
    path = root / RECORD
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    green, built = kept.get("green", {}), {}
    if kept.get("masks") == masks(root):
        for name, one in inputs.read_built(chapters).items():
            built[f"{CHAPTERS.name}/{name}.ipynb"] = f"{one['inputs']} {one['outputs']}"
    else:
        green = {name: one for name, one in green.items() if not name.endswith(".ipynb")}
    return {"green": green, "built": built, "seconds": kept.get("seconds", {})}


def masks(root: Path = ROOT) -> str:
    """The hash of what the comparison of notebooks masks."""
    return hash_of([("masks", (root / "tests" / "nbval_sanitize.cfg").read_bytes())])


def write_record(
    green: Mapping[str, str], seconds: Mapping[str, float], *, anew: bool, root: Path = ROOT
) -> None:
    """Add to the record what passed.

    Args:
        green: unit to hash.
        seconds: unit to seconds.
        anew: whether all units ran, so that what was recorded before is forgotten, but for labs.
        root: the folder that holds ``tests``.
    """
    kept, new = read_record(root), {"masks": masks(root)}
    for name, added in (("green", green), ("seconds", seconds)):
        old = {key: value for key, value in kept[name].items() if not anew or is_lab(key)}
        new[name] = dict(sorted({**old, **added}.items()))
    write_atomically(root / RECORD, json.dumps(new, indent=1) + "\n")


def changed(hashes: Hashes, record: Mapping[str, Hashes]) -> list[str]:
    """The units that are not green with today's contents; a notebook is green as it was built.

    Args:
        hashes: those of today.
        record: as ``read_record`` gives it.
    """
    green, built = record["green"], record["built"]
    return [name for name, one in hashes.items() if one not in (green.get(name), built.get(name))]


def chosen(hashes: Hashes, found: Iterable[str], *, everything: bool, weekly: bool) -> list[str]:
    """The units to run: those that changed, and of the rest all, or a tenth.

    The tenth follows from all hashes: it is another in each commit. Labs are among the rest once a
    week.

    Args:
        hashes: those of today.
        found: what ``changed`` found.
        everything: whether all of the rest run.
        weekly: whether this is the weekly run.

    Example:
        >>> units = {"tests/test_locks.py": "1", "chapters/04_b/lab_c.ipynb": "2"}
        >>> chosen(units, [], everything=True, weekly=False)
        ['tests/test_locks.py']
    """
    found = list(found)
    rest = [name for name in hashes if name not in found and (weekly or not is_lab(name))]
    if not everything:
        seed = hash_of((name, value.encode()) for name, value in sorted(hashes.items()))
        rest.sort(key=lambda name: hashlib.sha256((seed + name).encode()).digest())
        rest = rest[: -(-len(rest) // TENTH)]
    return found + rest


def summary(run: Iterable[str], hashes: Hashes, seconds: Mapping[str, float], workers: int) -> str:
    """How many units run, and about how long that takes.

    Args:
        run: the chosen units.
        hashes: all units.
        seconds: of each unit, as recorded; one without takes the median of all.
        workers: how many share the time.
    """
    run, usual = list(run), median([0, *seconds.values()])
    minutes = sum(seconds.get(unit, usual) for unit in run) / workers / 60
    some = f"{len(run)} of {len(hashes)} units run"
    return f"{some}, about {max(1, round(minutes))} min with {workers} workers"


def is_by_case(test: str) -> bool:
    """Whether the tests of a file are chosen case by case."""
    return test in (MUTANTS_TEST, GRADING_TEST) or _in(test, CONTRACT)


def _room(name):
    """``"recsys_lib/data"`` for what lies below it; a package itself for the files beside."""
    return "/".join(name.split("/")[:-1][:2])


def _in(name, folder):
    return not folder or f"{name}/".startswith(f"{folder}/")


def files_in(root: Path) -> Iterator[Path]:
    """Every file that git would not ignore, but for the record."""
    listed = root / ".gitignore"
    ignored = [".git", ".venv", *(listed.read_text().split() if listed.exists() else ())]
    ignored = [pattern.strip("/") for pattern in ignored]
    waiting = [root]
    while waiting:
        for path in waiting.pop().iterdir():
            name = path.relative_to(root).as_posix()
            if name != RECORD and not any(
                fnmatch(path.name, one) or fnmatch(name, one) for one in ignored
            ):
                if path.is_dir():
                    waiting.append(path)
                else:
                    yield path
