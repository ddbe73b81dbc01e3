"""Lessons: where they lie, what their front matter says, and their two forms.

A lesson is a MyST text ``chapters/NN_name/NN_slug.md`` beside the executed notebook of the same
name. The text is the source; everything here reads it, and nothing here writes it. A lesson may
have a companion beside it, ``NN_slug.deeper.md``; its exercises, ``NN_slug.exercises.md``, serve
both and are no lesson. Optional labs, ``lab_slug.md``, are treated as lessons with a short anatomy,
see ``bookmaker.lessons.labs``.
"""

import ast
import copy
import functools
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bookmaker.lessons.anatomies import HEADINGS
from recsys_book.base.paths import CHAPTERS, LessonError
from recsys_book.exercises import marks
from recsys_book.exercises.parsing import SUFFIX
from recsys_lib.data.registry import ENTRIES

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CELL_METADATA = ("name", "nbgrader", "tags")

_FRONT_MATTER = {"title": str, "question": str, "library": str, "seconds": int}
_DEEPER = ".deeper"
_NAME = re.compile(r"\d\d_\w+/\d\d[a-z]?_\w+")


@dataclass(frozen=True)
class Lesson:
    """One lesson, companion or lab as its front matter describes it.

    Args:
        text_path: its text.
        title, question, library: as the front matter says.
        seconds: how long its cells run.
        anatomy: one of `HEADINGS`.
        minutes: to read and try a lab; those of the others are counted.
        data: a lab's data set.
        prerequisites: names of the lessons that a core lesson or a survey builds on, such as
            ``"02_second_order_crosses/01_fm"``; None for companions and labs.
        idea: the one hard idea of a core lesson or a survey, a sentence to repeat the next day;
            empty for lessons that do not name theirs yet.
    """

    text_path: Path
    title: str
    question: str
    library: str
    seconds: int
    anatomy: str
    minutes: int | None = None
    data: str | None = None
    prerequisites: tuple[str, ...] | None = None
    idea: str = ""

    @property
    def notebook_path(self):
        return self.text_path.with_suffix(".ipynb")

    @property
    def chapter(self):
        return self.text_path.parent.name

    @property
    def name(self):
        return self.text_path.stem

    @property
    def is_lab(self):
        return self.anatomy == "lab"


def find_texts(chapters=CHAPTERS):
    """Return the paths of all lessons' texts in the order of the book.

    A companion stands behind its lesson, a lesson with a letter behind its number (``01b_slug``)
    behind the one without, and a chapter's labs stand last.
    """
    folder = Path(chapters)
    found = [*folder.glob("[0-9][0-9]_*/[0-9][0-9]*_*.md"), *folder.glob("[0-9][0-9]_*/lab_*.md")]
    texts = [path for path in found if not path.name.endswith(SUFFIX)]
    return sorted(texts, key=lambda path: (lesson_text(path), is_deeper(path)))


def is_lab(path):
    """Return whether the text or notebook at ``path`` is an optional lab's, by its name."""
    return Path(path).name.startswith("lab_")


def is_deeper(path: Path) -> bool:
    """Whether a text or notebook is a lesson's companion, by its name.

    Args:
        path: the text or notebook.

    Example:
        >>> is_deeper(Path("01_fm.deeper.ipynb")), is_deeper(Path("01_fm.ipynb"))
        (True, False)
    """
    return Path(path).stem.endswith(_DEEPER)


def lesson_text(path: Path) -> Path:
    """The text of the lesson to which a text belongs: a lesson's own, a companion's lesson's.

    Args:
        path: a lesson's or a companion's text.

    Example:
        >>> lesson_text(Path("01_fm.deeper.md")).name, lesson_text(Path("01_fm.md")).name
        ('01_fm.md', '01_fm.md')
    """
    path = Path(path)
    return path.with_name(f"{path.stem.removesuffix(_DEEPER)}{path.suffix}")


def companion_text(path: Path) -> Path:
    """Where the text of a lesson's companion lies, if there is one.

    Args:
        path: the lesson's text, or the companion's.

    Example:
        >>> companion_text(Path("01_fm.md")).name
        '01_fm.deeper.md'
    """
    path = lesson_text(path)
    return path.with_name(f"{path.stem}{_DEEPER}{path.suffix}")


def exercises_text(path: Path) -> Path:
    """Where the exercises lie that a lesson and its companion show, if there are any.

    Args:
        path: the lesson's text, or the companion's.

    Example:
        >>> exercises_text(Path("01_fm.deeper.md")).name
        '01_fm.exercises.md'
    """
    path = lesson_text(path)
    return path.with_name(f"{path.stem}{SUFFIX}")


def select_texts(names, chapters=CHAPTERS):
    """Return the texts that ``names`` name: a path, a chapter's folder, or a lesson's name.

    Labs of several chapters may have one name; ``05_multi_task/lab_kuairand`` is one of them.

    Raises:
        LessonError: if a name fits no lesson; the message lists the lessons there are.
    """
    texts = find_texts(chapters)
    if not names:
        return texts
    chosen = []
    for name in names:
        path = Path(name).resolve()
        fitting = [
            text
            for text in texts
            if path in _forms(text.resolve())
            or name in (text.stem, text.parent.name, f"{text.parent.name}/{text.stem}")
        ]
        if not fitting:
            known = ", ".join(f"{text.parent.name}/{text.stem}" for text in texts) or "none"
            raise LessonError(f"{name}: no lesson of this name; lessons: {known}")
        chosen += [text for text in fitting if text not in chosen]
    return chosen


def _forms(text):
    """The paths that name a lesson: those of its text and notebook, and its chapter's folder."""
    return text, text.with_suffix(".ipynb"), text.with_suffix(""), text.parent


def read_text(path):
    """Return the MyST text at ``path`` as an unexecuted notebook with stable cell ids.

    Raises:
        LessonError: if the file is not UTF-8, or not a MyST notebook.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LessonError(f"{path}: not a MyST notebook: {error}") from error
    return copy.deepcopy(_notebook_of(text, path))


@functools.lru_cache(maxsize=256)
def _notebook_of(text, path):
    """Many checks read every text; to parse one takes a tenth of a second."""
    import jupytext
    from nbformat.v4 import new_notebook

    try:
        source = jupytext.reads(text, fmt={"extension": ".md", "format_name": "myst"})
    except Exception as error:
        raise LessonError(f"{path}: not a MyST notebook: {error}") from error

    notebook = new_notebook(cells=source.cells)
    seen = Counter()
    for cell in notebook.cells:
        content = f"{cell.cell_type}\n{cell.source}"
        seen[content] += 1
        identifier = f"{seen[content]}\n{content}"
        cell.id = hashlib.sha256(identifier.encode()).hexdigest()[:12]
        cell.metadata = {key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata}
    notebook.metadata["kernelspec"] = dict(KERNELSPEC)
    notebook.metadata["language_info"] = {"name": "python"}
    if "lesson" in source.metadata:
        notebook.metadata["lesson"] = source.metadata["lesson"]
    return notebook


def code_of(path):
    """Return the code cells of a text as Python, without lines of shell and magic commands.

    Of an exercises file it is the book's code; a name that a seed chooses stands for its value.

    Raises:
        LessonError: if the file is not a MyST notebook.
    """
    return [marks.filled(code, marks.BOOK) for code in code_in(read_text(path))]


def code_in(notebook):
    """Return the code cells of a notebook as `code_of` does those of a text."""
    return [_without_magic(cell.source) for cell in notebook.cells if cell.cell_type == "code"]


def _without_magic(source):
    lines = ("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    return "\n".join(lines)


def code_places(text: str, notebook: Any) -> Iterator[tuple[int, int]]:
    """Where the sources of the code cells stand in a text; those of empty cells do not.

    Args:
        text: of a lesson.
        notebook: the same, as `read_text` gives it.

    Yields:
        Begin and end of each.
    """
    position = 0
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source:
            start = text.index(cell.source, text.index("```{code-cell}", position))
            position = start + len(cell.source)
            yield start, position


def calls_in_cell(source: str, name: str) -> list[ast.Call]:
    """The calls of a function, or of a method of this name, in a code cell.

    Args:
        source: the cell's code; none are found in what is no Python.
        name: of the function.

    Example:
        >>> len(calls_in_cell("%matplotlib inline\\nexact('a.b', 'A.', book.exact('c'))", "exact"))
        2
    """
    if name not in source:
        return []
    try:
        tree = ast.parse(_without_magic(source))
    except SyntaxError:
        # Whatever else is wrong with the cell shows when it is executed.
        return []
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and name in (getattr(node.func, "id", None), getattr(node.func, "attr", None))
    ]


def read_notebook(path):
    """Return the notebook at ``path``.

    Raises:
        LessonError: if the file is missing or is not a notebook.
    """
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError as error:
        raise LessonError(f"{path}: missing; run `make book`") from error
    except Exception as error:
        raise LessonError(f"{path}: not a notebook: {error}") from error


def describe(text_path, notebook=None):
    """Return the `Lesson` that the front matter of ``text_path`` describes.

    Raises:
        LessonError: if the front matter lacks a key or holds a value of the wrong kind.
    """
    notebook = read_text(text_path) if notebook is None else notebook
    fields = notebook.metadata.get("lesson")
    if not isinstance(fields, dict):
        raise LessonError(f"{text_path}: front matter has no mapping `lesson`")

    def require(holds, key, expected, got=None):
        if not holds:
            raise LessonError(
                f"{text_path}: front matter `lesson.{key}` must be {expected}, "
                f"got {fields.get(key) if got is None else got!r}"
            )

    anatomy = fields.get("anatomy")
    require(anatomy in list(HEADINGS), "anatomy", f"one of {', '.join(HEADINGS)}")
    is_lab, in_row = anatomy == "lab", anatomy in ("core", "survey")
    kinds = {**_FRONT_MATTER, "minutes": int} if is_lab else _FRONT_MATTER
    for key, kind in kinds.items():
        value = fields.get(key)
        require(type(value) is kind and value, key, f"a non-empty {kind.__name__}")
    _check_name(text_path, anatomy)
    known = {*kinds, "anatomy"} | ({"data"} if is_lab else set())
    known |= {"prerequisites", "idea"} if in_row else set()
    if unknown := sorted(set(fields) - known):
        raise LessonError(f"{text_path}: front matter `lesson` has unknown keys: {unknown}")
    require(isinstance(fields.get("idea", ""), str), "idea", "a text")
    if is_lab:
        require(fields.get("data") in list(ENTRIES), "data", f"one of {', '.join(ENTRIES)}")
    names = fields.get("prerequisites") if in_row else []
    are_texts = isinstance(names, list) and all(isinstance(x, str) and x for x in names)
    require(are_texts, "prerequisites", "a list of texts")
    require(len(set(names)) == len(names), "prerequisites", "a list without repetitions")
    for name in names:
        expected = "names such as 02_second_order_crosses/01_fm"
        require(_NAME.fullmatch(name), "prerequisites", expected, name)
    return Lesson(
        text_path=Path(text_path),
        anatomy=anatomy,
        data=fields.get("data"),
        idea=fields.get("idea", ""),
        prerequisites=tuple(names) if in_row else None,
        **{key: fields[key] for key in kinds},
    )


def _check_name(text_path, anatomy):
    """Refuse a file whose name says another anatomy, and a companion without its lesson."""
    for kind, is_named, name in (
        ("lab", is_lab(text_path), "lab_..."),
        ("deeper", is_deeper(text_path), f"...{_DEEPER}.md"),
    ):
        if (anatomy == kind) != is_named:
            raise LessonError(
                f"{text_path}: `anatomy: {kind}` and a file's name `{name}` go together, got "
                f"{anatomy!r}"
            )
    lesson = lesson_text(text_path)
    if anatomy == "deeper" and not lesson.exists():
        raise LessonError(f"{text_path}: expected the companion of a lesson, got no {lesson.name}")


def cell_contents(notebook):
    """Return what the two forms of a lesson must share: kind, source and metadata of each cell."""
    return [
        (
            cell.cell_type,
            cell.source,
            {key: cell.metadata[key] for key in CELL_METADATA if cell.metadata.get(key)},
        )
        for cell in notebook.cells
    ]
