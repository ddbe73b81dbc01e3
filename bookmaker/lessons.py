"""Lessons: where they lie, what their front matter says, and their two forms.

A lesson is a MyST text ``chapters/NN_name/NN_slug.md`` beside the executed notebook of the same
name. The text is the source; everything here reads it, and nothing here writes it. Files named
``*.exercises.md`` and ``*.exercises.ipynb`` are no lessons. Optional labs, ``lab_slug.md``, are
treated as lessons with a short anatomy, see ``bookmaker.labs``.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from recsys_lib.book.places import CHAPTERS, LessonError
from recsys_lib.data.registry import ENTRIES

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CELL_METADATA = ("name", "nbgrader", "tags")

HEADINGS = {
    "full": (
        "Where the previous model fails",
        "The mathematics",
        "A worked example",
        "Predict before you run",
        "From scratch",
        "In the library",
        "On the simulator",
        "On real data",
        "Turn the knob",
        "Break it",
        "Exercises",
        "What was claimed",
        "References",
    ),
    "overview": ("Predict before you run", "What was claimed", "References"),
    "lab": ("References",),
}
_LESSON_LABELS = ("Question", "Objectives", "Prerequisites", "Time", "Library")
HEADER_LABELS = {
    "full": _LESSON_LABELS,
    "overview": _LESSON_LABELS,
    "lab": ("Question", "Data", "Prerequisites", "Time", "Library"),
}

_FRONT_MATTER = {"title": str, "question": str, "minutes": int, "library": str, "seconds": int}


@dataclass(frozen=True)
class Lesson:
    """One lesson or lab as its front matter describes it; ``data`` is a lab's data set."""

    text_path: Path
    title: str
    question: str
    minutes: int
    library: str
    seconds: int
    anatomy: str = "full"
    data: str | None = None

    @property
    def notebook_path(self):
        return self.text_path.with_suffix(".ipynb")

    @property
    def chapter(self):
        return self.text_path.parent.name

    @property
    def name(self):
        return self.text_path.stem


def find_texts(chapters=CHAPTERS):
    """Return the paths of all lessons' texts in the order of the book, a chapter's labs last."""
    folder = Path(chapters)
    found = [*folder.glob("[0-9][0-9]_*/[0-9][0-9]_*.md"), *folder.glob("[0-9][0-9]_*/lab_*.md")]
    return sorted(path for path in found if not path.name.endswith(".exercises.md"))


def is_lab(path):
    """Return whether the text or notebook at ``path`` is an optional lab's, by its name."""
    return Path(path).name.startswith("lab_")


def select_texts(names, chapters=CHAPTERS):
    """Return the texts that ``names`` name: a path, a chapter's folder, or a lesson's name.

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
            if text.resolve() in (path, path.with_suffix(".md"))
            or text.parent.resolve() == path
            or name in (text.stem, text.parent.name)
        ]
        if not fitting:
            known = ", ".join(text.stem for text in texts) or "none"
            raise LessonError(f"{name}: no lesson of this name; lessons: {known}")
        chosen += [text for text in fitting if text not in chosen]
    return chosen


def read_text(path):
    """Return the MyST text at ``path`` as an unexecuted notebook with stable cell ids.

    Raises:
        LessonError: if the file is not UTF-8, or not a MyST notebook.
    """
    import jupytext
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

    try:
        source = jupytext.reads(
            Path(path).read_text(encoding="utf-8"),
            fmt={"extension": ".md", "format_name": "myst"},
        )
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

    Raises:
        LessonError: if the file is not a MyST notebook.
    """
    return code_in(read_text(path))


def code_in(notebook):
    """Return the code cells of a notebook as `code_of` does those of a text."""
    return [
        "\n".join("" if line.lstrip()[:1] in tuple("%!") else line for line in source.splitlines())
        for source in (cell.source for cell in notebook.cells if cell.cell_type == "code")
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
    for key, kind in _FRONT_MATTER.items():
        value = fields.get(key)
        if not isinstance(value, kind) or isinstance(value, bool) or not value:
            raise LessonError(
                f"{text_path}: front matter `lesson.{key}` must be a non-empty {kind.__name__}, "
                f"got {value!r}"
            )
    anatomy = fields.get("anatomy", "full")
    if anatomy not in HEADINGS:
        raise LessonError(
            f"{text_path}: front matter `lesson.anatomy` must be one of {', '.join(HEADINGS)}, "
            f"got {anatomy!r}"
        )
    if (anatomy == "lab") != is_lab(text_path):
        raise LessonError(
            f"{text_path}: `anatomy: lab` and a file's name `lab_...` go together, got {anatomy!r}"
        )
    known = {*_FRONT_MATTER, "anatomy"} | ({"data"} if anatomy == "lab" else set())
    unknown = sorted(set(fields) - known)
    if unknown:
        raise LessonError(f"{text_path}: front matter `lesson` has unknown keys: {unknown}")
    data = fields.get("data")
    if anatomy == "lab" and data not in list(ENTRIES):
        raise LessonError(
            f"{text_path}: front matter `lesson.data` must be one of {', '.join(ENTRIES)}, "
            f"got {data!r}"
        )
    return Lesson(
        text_path=Path(text_path),
        anatomy=anatomy,
        data=data,
        **{key: fields[key] for key in _FRONT_MATTER},
    )


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
