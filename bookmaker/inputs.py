"""What a notebook's outputs follow from, as one hash: so that what did not change is not run again.

A notebook's inputs are the code and tags of its text, its exercises, the modules of the library
that they import, directly or not, the locked versions of all packages, and the cards of the data
that it loads. ``chapters/inputs.json`` holds the hash with which each notebook was built.

``make test`` keeps, below ``build/``, the hashes of the last green run on this machine, together
with the notebooks' own and what the comparison masks; it leaves out what has not changed since.
"""

import contextlib
import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from bookmaker.imports import find_modules, imports_in, loaded_by, parents
from bookmaker.labs import runnable
from bookmaker.lessons import cell_contents, code_of, find_texts, is_lab, read_text
from recsys_lib.book.places import CHAPTERS, LessonError, write_atomically

NAME = "inputs.json"
ROOT = CHAPTERS.parent
STAMP = ROOT / "build" / "tested.json"
_NAMED_AS_TEXT = re.compile(r"""["'](recsys_lib(?:\.\w+)+)(?::(\w+))?["']""")


def modules_read(sources: Iterable[str], root: Path = ROOT) -> list[str]:
    """All modules of the library that run when the sources run, in alphabetical order.

    The zoo names builders as text and imports them on use. Who imports the zoo may build any of
    them; who only imports something that reads the zoo, a plot's colours for example, does not.

    Args:
        sources: Python code.
        root: the folder that holds the library.

    Raises:
        ValueError: an import of a module that the library does not have.
    """
    modules = find_modules(root, ("recsys_lib",))
    waiting = _named(sources, modules)
    if any(one.startswith("recsys_lib.zoo") for one in waiting):
        for module, path in modules.items():
            if module.startswith("recsys_lib.zoo"):
                for found in _NAMED_AS_TEXT.finditer(path.read_text(encoding="utf-8")):
                    waiting |= loaded_by(found[1], found[2], modules)
    read = set()
    while waiting:
        module = waiting.pop()
        if module in read:
            continue
        read.add(module)
        waiting |= (parents(module) | _named_in_module(module, modules)) - read
    return sorted(read)


def inputs_of(text_path: Path, root: Path = ROOT) -> str:
    """The hash of a lesson's inputs.

    Args:
        text_path: the lesson's text.
        root: the folder that holds the library, the lock and the data cards.

    Raises:
        LessonError: the text or its exercises cannot be read, or import a module of the library
            that is not there, directly or not.
    """
    text_path, root = Path(text_path), Path(root)
    sources = code_of(text_path)
    parts = [("cells", repr(_code_cells(text_path)).encode())]
    exercises = text_path.with_name(f"{text_path.stem}.exercises.md")
    if exercises.exists():
        sources = [*sources, *code_of(exercises)]
        parts.append(("exercises", exercises.read_bytes()))
    try:
        read = modules_read(sources, root)
    except (SyntaxError, ValueError) as error:
        raise LessonError(f"{text_path}: {error}") from error
    modules = find_modules(root, ("recsys_lib",))
    parts += [(module, modules[module].read_bytes()) for module in read]
    for card in sorted((root / "data").glob("*.md")):
        if any(_is_about(card.stem, module) for module in read):
            parts.append((card.name, card.read_bytes()))
    parts.append(("constraints.txt", (root / "constraints.txt").read_bytes()))
    return _hash(parts)


def read_built(chapters: Path = CHAPTERS) -> dict[str, str]:
    """Dict of each notebook to the hash of the inputs with which it was built."""
    path = Path(chapters) / NAME
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def record_built(text_path: Path, inputs: str, chapters: Path = CHAPTERS) -> None:
    """Note with which inputs a notebook has been built, and forget notebooks that are gone."""
    known = {_key(path, chapters) for path in texts(chapters)}
    built = {name: value for name, value in read_built(chapters).items() if name in known}
    built[_key(text_path, chapters)] = inputs
    lines = json.dumps(dict(sorted(built.items())), indent=1)
    write_atomically(Path(chapters) / NAME, lines + "\n")


def built_with_others(chapters: Path = CHAPTERS) -> list[Path]:
    """The texts whose notebook was built with other inputs than those of today, or never."""
    built = read_built(chapters)
    return [path for path in texts(chapters) if built.get(_key(path, chapters)) != inputs_of(path)]


def problems(chapters: Path = CHAPTERS) -> list[str]:
    """Where ``inputs.json`` and the notebooks that there are do not fit, one line each."""
    path = Path(chapters) / NAME
    there = {_key(text, chapters) for text in texts(chapters)}
    known = set(read_built(chapters))
    return [
        *(f"{path}: does not say how {one} was built; run `make book`" for one in there - known),
        *(f"{path}: names {one}, which is not there; run `make book`" for one in known - there),
    ]


def texts(chapters: Path = CHAPTERS) -> list[Path]:
    """The texts of the start page, all lessons and all labs."""
    page = Path(chapters) / "index.md"
    return [*([page] if page.exists() else []), *find_texts(chapters)]


def hashes_to_test(notebooks: Iterable[Path], chapters: Path = CHAPTERS) -> dict[str, str]:
    """Dict of notebook to the hash of all that its test follows from."""
    return {_key(notebook, chapters): _tested_hash(notebook) for notebook in notebooks}


def changed(
    notebooks: Iterable[Path],
    hashes: Mapping[str, str],
    tested: Mapping[str, str],
    chapters: Path = CHAPTERS,
) -> list[Path]:
    """The notebooks whose hash is not the one of the last green run."""
    return [
        notebook
        for notebook in notebooks
        if hashes[_key(notebook, chapters)] != tested.get(_key(notebook, chapters))
    ]


def notebooks_to_test(chapters: Path = CHAPTERS) -> tuple[list[Path], list[str]]:
    """All notebooks that can run on this machine, labs first, and a line for each left out."""
    labs, left_out = runnable(chapters)
    lessons = [path.with_suffix(".ipynb") for path in texts(chapters) if not is_lab(path)]
    return [path for path in [*labs, *lessons] if path.exists()], left_out


def read_stamp(stamp: Path = STAMP) -> dict[str, str]:
    """The hashes of the last green run; none where there was no such run."""
    try:
        kept = json.loads(Path(stamp).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def write_stamp(stamp: Path, hashes: Mapping[str, str]) -> None:
    """Keep the hashes of what has passed."""
    stamp = Path(stamp)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(stamp, json.dumps(dict(hashes), indent=1) + "\n")


def _tested_hash(notebook):
    masks = ROOT / "tests" / "nbval_sanitize.cfg"
    return _hash(
        [
            ("inputs", inputs_of(notebook.with_suffix(".md")).encode()),
            ("notebook", notebook.read_bytes()),
            ("masks", masks.read_bytes()),
            ("python", f"{platform.python_version()} {platform.machine()}".encode()),
        ]
    )


def _named(sources, modules):
    """The library's modules that the sources import; one that is no Python will not run either."""
    found = set()
    for source in sources:
        with contextlib.suppress(SyntaxError):
            for module, name in imports_in(source):
                if module.split(".")[0] == "recsys_lib":
                    found |= loaded_by(module, name, modules)
    return found


def _named_in_module(module, modules):
    path = modules[module]
    imports = _imports_of_file(path, path.stat().st_mtime_ns)
    ours = [one for one in imports if one[0].split(".")[0] == "recsys_lib"]
    return set().union(*(loaded_by(*one, modules) for one in ours))


@lru_cache(maxsize=1024)
def _imports_of_file(path, _time):
    return tuple(imports_in(path.read_text(encoding="utf-8")))


def _code_cells(text_path):
    return [cell for cell in cell_contents(read_text(text_path)) if cell[0] == "code"]


def _is_about(card, module):
    """Whether a card describes what a module loads: ``kuairand_pure`` for ``data.kuairand``."""
    parts = module.split(".")
    return parts[:2] == ["recsys_lib", "data"] and len(parts) > 2 and card.startswith(parts[2])


def _key(path, chapters):
    return Path(path).relative_to(chapters).with_suffix("").as_posix()


def _hash(parts):
    digest = hashlib.sha256()
    for name, content in parts:
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]
