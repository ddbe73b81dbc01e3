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
from dataclasses import dataclass
from pathlib import Path

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
        numbers: what its prose may say although no output holds it.
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
    numbers: tuple[str, ...] = ()
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
        plain = path.with_suffix("") if path.suffix == ".ipynb" else path
        fitting = [
            text
            for text in texts
            if text.resolve() in (path, plain.with_name(f"{plain.name}.md"))
            or text.parent.resolve() == path
            or name in (text.stem, text.parent.name, f"{text.parent.name}/{text.stem}")
        ]
        if not fitting:
            stems = [text.stem for text in texts]
            known = ", ".join(
                text.stem if stems.count(text.stem) == 1 else f"{text.parent.name}/{text.stem}"
                for text in texts
            )
            known = known or "none"
            raise LessonError(f"{name}: no lesson of this name; lessons: {known}")
        chosen += [text for text in fitting if text not in chosen]
    return chosen


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
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

    try:
        source = jupytext.reads(text, fmt={"extension": ".md", "format_name": "myst"})
    except Exception as error:
        raise LessonError(f"{path}: not a MyST notebook: {error}") from error

    make = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
    notebook = new_notebook()
    seen = {}
    for cell in source.cells:
        metadata = {key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata}
        content = f"{cell.cell_type}\n{cell.source}"
        seen[content] = seen.get(content, 0) + 1
        identifier = hashlib.sha256(f"{seen[content]}\n{content}".encode()).hexdigest()[:12]
        notebook.cells.append(
            make[cell.cell_type](source=cell.source, id=identifier, metadata=metadata)
        )
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
    return [
        "\n".join("" if line.lstrip()[:1] in tuple("%!") else line for line in source.splitlines())
        for source in (cell.source for cell in notebook.cells if cell.cell_type == "code")
    ]


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
    plain = "\n".join("" if line.lstrip()[:1] in "%!" else line for line in source.splitlines())
    try:
        tree = ast.parse(plain)
    except SyntaxError:
        # Whatever else is wrong with the cell shows when it is executed.
        return []
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) == name or getattr(node.func, "attr", None) == name)
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
    anatomy = fields.get("anatomy")
    if anatomy not in HEADINGS:
        raise LessonError(
            f"{text_path}: front matter `lesson.anatomy` must be one of {', '.join(HEADINGS)}, "
            f"got {anatomy!r}"
        )
    of_lab = anatomy == "lab"
    kinds = {**_FRONT_MATTER, "minutes": int} if of_lab else _FRONT_MATTER
    for key, kind in kinds.items():
        value = fields.get(key)
        if not isinstance(value, kind) or isinstance(value, bool) or not value:
            raise LessonError(
                f"{text_path}: front matter `lesson.{key}` must be a non-empty {kind.__name__}, "
                f"got {value!r}"
            )
    _check_name(text_path, anatomy)
    known = {*kinds, "anatomy", "data" if of_lab else "numbers"}
    if anatomy in ("core", "survey"):
        known |= {"prerequisites", "idea"}
    unknown = sorted(set(fields) - known)
    if unknown:
        raise LessonError(f"{text_path}: front matter `lesson` has unknown keys: {unknown}")
    idea = fields.get("idea", "")
    if not isinstance(idea, str):
        raise LessonError(f"{text_path}: front matter `lesson.idea` must be a text, got {idea!r}")
    data = fields.get("data")
    if of_lab and data not in list(ENTRIES):
        raise LessonError(
            f"{text_path}: front matter `lesson.data` must be one of {', '.join(ENTRIES)}, "
            f"got {data!r}"
        )
    prerequisites = None
    if "prerequisites" in known:
        prerequisites = _texts_in(text_path, fields, "prerequisites", fields.get("prerequisites"))
        for name in prerequisites:
            if not _NAME.fullmatch(name):
                raise LessonError(
                    f"{text_path}: front matter `lesson.prerequisites`: expected names such as "
                    f"02_second_order_crosses/01_fm, got {name!r}"
                )
    return Lesson(
        text_path=Path(text_path),
        anatomy=anatomy,
        data=data,
        idea=idea,
        prerequisites=prerequisites,
        numbers=_texts_in(text_path, fields, "numbers", fields.get("numbers", [])),
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


def _texts_in(text_path, fields, key, values):
    if not isinstance(values, list) or not all(isinstance(one, str) and one for one in values):
        raise LessonError(
            f"{text_path}: front matter `lesson.{key}` must be a list of texts, got {values!r}"
        )
    if len(set(values)) < len(values):
        raise LessonError(f"{text_path}: front matter `lesson.{key}` names something twice")
    return tuple(values)


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


def is_executed(cell):
    """Return whether ``cell`` needs no execution or has been executed."""
    return cell.cell_type != "code" or cell.execution_count is not None


def is_current(text_notebook, notebook):
    """Return whether ``notebook`` holds the same sources as the text, executed."""
    return (
        cell_contents(text_notebook) == cell_contents(notebook)
        and text_notebook.metadata.get("lesson") == notebook.metadata.get("lesson")
        and all(is_executed(cell) for cell in notebook.cells)
    )
