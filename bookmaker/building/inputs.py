"""One hash of all that a notebook's outputs follow from; while it stays, no cell is run again.

A notebook's inputs are the code and tags of its text, its exercises, the modules of the library
that they import, directly or not, the locked versions of all packages, the cards of the data that
it loads, and the records of the experiments that it shows. ``chapters/inputs.json`` holds, for each
notebook, the hash of the inputs with which it was built and a hash of what its cells then showed. A
build keeps outputs whose inputs are those of today (see ``build``), and ``make test``
leaves them out (see ``bookmaker.gate.selection``).
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from bookmaker import PACKAGES
from bookmaker.code.imports import code_alone, find_modules, imports_in, loaded_by, parents
from bookmaker.lessons.figures import without_description
from bookmaker.lessons.labs import runnable
from bookmaker.lessons.lessons import (
    cell_contents,
    code_in,
    code_of,
    exercises_text,
    find_texts,
    is_lab,
    read_notebook,
    read_text,
)
from bookmaker.lessons.sentences import experiments_named
from recsys_book.base.paths import CHAPTERS, LessonError, write_atomically
from recsys_book.reader.start_page import OUTLINE
from recsys_book.records.withdrawn import reasons
from recsys_lib.locks import locked

NAME = "inputs.json"
LOCK_SECONDS = 30.0
RECORDS = "experiments/results"
ROOT = CHAPTERS.parent
_NAMED_AS_TEXT = re.compile(rf"""["']((?:{"|".join(PACKAGES)})(?:\.\w+)+)(?::(\w+))?["']""")


def read_by(
    sources: Iterable[str], modules: Mapping[str, Path], *, as_text: bool = True
) -> list[str]:
    """All modules of ours that run when the sources run, in alphabetical order.

    What a module names as text, ``"module:name"``, it imports on use, and so counts. The zoo names
    all builders so. Who imports the zoo may build any of them; who only imports something that
    reads the zoo, a plot's colours for example, does not.

    Args:
        sources: Python code.
        modules: those of ours, as ``find_modules`` returns them.
        as_text: whether what a module names as text counts.

    Raises:
        ValueError: an import of a module of ours that is not there.
    """
    waiting = _named(sources, modules)
    if as_text and any(one.startswith("recsys_lib.zoo") for one in waiting):
        for module in modules:
            if module.startswith("recsys_lib.zoo"):
                waiting |= _named_as_text(module, modules)
    read = set()
    while waiting:
        module = waiting.pop()
        if module in read:
            continue
        read.add(module)
        waiting |= (parents(module) | _named_in_module(module, modules)) - read
        if as_text and not module.startswith("recsys_lib.zoo"):
            waiting |= _named_as_text(module, modules) - read
    return sorted(read)


def inputs_of(text_path: Path, root: Path = ROOT) -> str:
    """The hash of a lesson's inputs.

    Args:
        text_path: the lesson's text.
        root: the folder that holds the library, the lock, the data cards and the records.

    Raises:
        LessonError: the text or its exercises cannot be read, or import a module of the library
            that is not there, directly or not.
    """
    text_path, root = Path(text_path), Path(root)
    notebook = read_text(text_path)
    sources = code_in(notebook)
    parts = [("cells", repr(code_cells(notebook)).encode())]
    exercises, outline = exercises_text(text_path), text_path.with_name(OUTLINE)
    if exercises.exists():
        sources = [*sources, *code_of(exercises)]
        parts.append(("exercises", exercises.read_bytes()))
    if outline.exists():  # beside the start page, which shows it
        parts.append((OUTLINE, outline.read_bytes()))
    try:
        parts += parts_read(sources, find_modules(root, PACKAGES), root)
    except (SyntaxError, ValueError) as error:
        raise LessonError(f"{text_path}: {error}") from error
    return hash_of(parts)


def parts_read(
    sources: Iterable[str], modules: Mapping[str, Path], root: Path = ROOT
) -> list[tuple[str, bytes]]:
    """All that sources read when they run, for ``hash_of``: modules, data cards, records, the lock.

    Docstrings and comments of modules do not count: that a lesson prints other comments shows when
    its notebook is tested. A record that is not there is no part; once it is there, it is.

    Args:
        sources: Python code.
        modules: those of ours, as ``find_modules`` returns them.
        root: the folder that holds the lock, the data cards and the records.

    Raises:
        ValueError: an import of a module of ours that is not there.
        SyntaxError: a module that is no Python.
    """
    sources = list(sources)
    read = read_by(sources, modules)
    code = ((module, modules[module].read_text(encoding="utf-8")) for module in read)
    parts = [(module, code_alone(source).encode()) for module, source in code]
    for experiment in experiments_named(sources):
        record = root / RECORDS / f"{experiment}.json"
        if record.exists():
            parts.append((f"{RECORDS}/{record.name}", record.read_bytes()))
            if why := reasons(experiment, json.loads(record.read_bytes()), record.parent):
                parts.append((f"withdrawn of {experiment}", json.dumps(why).encode()))
    for card in sorted((root / "data").glob("*.md")):
        if any(_is_about(card.stem, module) for module in read):
            parts.append((card.name, card.read_bytes()))
    return [*parts, ("constraints.txt", (root / "constraints.txt").read_bytes())]


def outputs_of(notebook_path: Path) -> str:
    """The hash of a notebook's code cells and of what they show.

    What the prose says of a figure, its alternative text, does not count.

    Raises:
        LessonError: the notebook is missing or is none.
    """
    cells = [cell for cell in read_notebook(notebook_path).cells if cell.cell_type == "code"]
    shown = [
        (
            cell.source,
            cell.execution_count,
            [without_description(output) for output in cell.outputs],
        )
        for cell in cells
    ]
    return hash_of([("outputs", json.dumps(shown, sort_keys=True).encode())])


def read_built(chapters: Path = CHAPTERS) -> dict[str, dict[str, str]]:
    """Dict of each notebook to ``{"inputs": hash, "outputs": hash}`` of its last build."""
    path = Path(chapters) / NAME
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def record_built(text_path: Path, inputs: str, chapters: Path = CHAPTERS) -> None:
    """Note with which inputs a notebook has been built, and forget notebooks that are gone.

    Args:
        text_path: the text; what the notebook beside it shows is noted, too.
        inputs: what ``inputs_of`` said before the build.
        chapters: the folder of the chapters.

    Raises:
        LessonError: the notebook is missing or is none.
    """
    known = {key_of(path, chapters) for path in texts(chapters)}
    outputs = outputs_of(Path(text_path).with_suffix(".ipynb"))
    # Lessons are built side by side, and each build must keep what the others noted.
    with locked(Path(chapters) / f".{NAME}.lock", LOCK_SECONDS):
        built = {name: value for name, value in read_built(chapters).items() if name in known}
        built[key_of(text_path, chapters)] = {"inputs": inputs, "outputs": outputs}
        lines = json.dumps(dict(sorted(built.items())), indent=1)
        write_atomically(Path(chapters) / NAME, lines + "\n")


def is_built_with(text_path: Path, inputs: str, chapters: Path = CHAPTERS) -> bool:
    """Whether a notebook's outputs are those that a build gave with these inputs.

    Args:
        text_path: the text.
        inputs: what ``inputs_of`` says today.
        chapters: the folder of the chapters.
    """
    built = read_built(chapters).get(key_of(text_path, chapters), {})
    try:
        outputs = outputs_of(Path(text_path).with_suffix(".ipynb"))
    except LessonError:
        return False
    return built == {"inputs": inputs, "outputs": outputs}


def built_with_others(chapters: Path = CHAPTERS) -> list[Path]:
    """The texts whose notebook was built with other inputs than those of today, or never."""
    return [path for path in texts(chapters) if not is_built_with(path, inputs_of(path), chapters)]


def problems(chapters: Path = CHAPTERS) -> list[str]:
    """Where ``inputs.json`` and the notebooks that there are do not fit, one line each."""
    path = Path(chapters) / NAME
    there = {key_of(text, chapters) for text in texts(chapters)}
    known = set(read_built(chapters))
    return [
        *(f"{path}: does not say how {one} was built; run `make book`" for one in there - known),
        *(f"{path}: names {one}, which is not there; run `make book`" for one in known - there),
    ]


def texts(chapters: Path = CHAPTERS) -> list[Path]:
    """The texts of the start page, all lessons and all labs."""
    page = Path(chapters) / "index.md"
    return [*([page] if page.exists() else []), *find_texts(chapters)]


def notebooks_to_test(chapters: Path = CHAPTERS) -> tuple[list[Path], list[str]]:
    """All notebooks that can run on this machine, labs first, and a line for each left out."""
    labs, left_out = runnable(chapters)
    lessons = [path.with_suffix(".ipynb") for path in texts(chapters) if not is_lab(path)]
    return [path for path in [*labs, *lessons] if path.exists()], left_out


def key_of(path: Path, chapters: Path = CHAPTERS) -> str:
    """A lesson's name in the records: ``"04_sequence_models/01_din"``."""
    return Path(path).relative_to(chapters).with_suffix("").as_posix()


def code_cells(notebook) -> list[tuple]:
    """Source and tags of a notebook's code cells, in their order."""
    return [cell for cell in cell_contents(notebook) if cell[0] == "code"]


def hash_of(parts: Iterable[tuple[str, bytes]]) -> str:
    """One hash of named contents, in their order."""
    digest = hashlib.sha256()
    for name, content in parts:
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _named(sources, modules):
    """The library's modules that the sources import; one that is no Python will not run either."""
    found = set()
    for source in sources:
        with contextlib.suppress(SyntaxError):
            for module, name in imports_in(source):
                if module.split(".")[0] in modules:
                    found |= loaded_by(module, name, modules)
    return found


def _named_in_module(module, modules):
    path = modules[module]
    imports = _imports_of_file(path, path.stat().st_mtime_ns)
    ours = [one for one in imports if one[0].split(".")[0] in modules]
    return set().union(*(loaded_by(*one, modules) for one in ours))


def _named_as_text(module, modules):
    path = modules[module]
    names = _texts_of_file(path, path.stat().st_mtime_ns)
    if not module.startswith("recsys_lib.zoo"):  # its rows put package and function together
        names = [name for name in names if name[1]]
    return set().union(*(loaded_by(module, name or None, modules) for module, name in names))


@lru_cache(maxsize=1024)
def _texts_of_file(path, _time):
    return tuple(_NAMED_AS_TEXT.findall(path.read_text(encoding="utf-8")))


@lru_cache(maxsize=1024)
def _imports_of_file(path, _time):
    return tuple(imports_in(path.read_text(encoding="utf-8")))


def _is_about(card, module):
    """Whether a card describes what a module loads: ``kuairand_pure`` for ``data.kuairand``."""
    parts = module.split(".")
    return parts[:2] == ["recsys_lib", "data"] and len(parts) > 2 and card.startswith(parts[2])
