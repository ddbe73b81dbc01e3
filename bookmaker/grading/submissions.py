"""Finds submitted notebooks in a folder and makes each one fit for nbgrader.

A submission is rebuilt on the student version: locked cells come from there, whatever was done to
them; a student's own solution and added cells keep their order. So removed, copied, reordered and
tampered cells, lost metadata, foreign kernels and old notebook formats all end as a notebook that
nbgrader can read.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from bookmaker.lessons import KERNELSPEC

REMOVED = "# The solution cell that stood here was removed."
LARGEST_FILE_BYTES = 20_000_000


@dataclass(frozen=True)
class Submission:
    """One file to grade, or the fault because of which there is none.

    Attributes:
        path: the file; None where a student's folder holds none.
        lesson: name of its lesson; empty where that cannot be told.
        notebook: what it holds; None where it is no notebook.
        fault: one line, empty where all is well.
    """

    student: str
    lesson: str
    path: Path | None
    notebook: object = None
    fault: str = ""


def find_submissions(folder, lessons, lesson=""):
    """Return the submissions in a folder, sorted by student.

    Args:
        folder: holds ``<student>/<lesson>.ipynb``, or ``<student>.ipynb`` in a flat folder.
        lessons: names of the lessons that have exercises.
        lesson: the lesson of every file; by default told by the file's name or its content.
    """
    folder = Path(folder)
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            found += _of_student(path, lessons, lesson)
        elif path.suffix == ".ipynb" or path.is_file():
            found.append(_read(path.stem, path, lessons, lesson))
    # A file whose own lesson cannot be told belongs to the one lesson of all others.
    told = {one.lesson for one in found if one.lesson}
    if len(told) == 1:
        only = told.pop()
        found = [
            one if one.lesson else Submission(one.student, only, one.path, one.notebook, one.fault)
            for one in found
        ]
    return found


def _of_student(folder, lessons, lesson):
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    notebooks = [path for path in paths if path.suffix == ".ipynb"]
    found = [_read(folder.name, path, lessons, lesson) for path in notebooks or paths]
    if not found:
        return [Submission(folder.name, lesson, None, fault="no file was handed in")]
    kept = {}
    for one in found:
        # The file with the lesson's own name counts; a copy such as "... (1)" beside it does not.
        if one.lesson not in kept or one.path.stem == one.lesson:
            kept[one.lesson] = one
    return list(kept.values())


def _read(student, path, lessons, lesson):
    named = lesson or (path.stem if path.stem in lessons else "")
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            return Submission(student, named, path, fault="not graded: more than 20 MB")
        notebook = _parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Submission(student, named, path, fault=f"not a notebook: {reason[:120]}")
    named = named or _told_by(notebook, lessons)
    return Submission(student, named, path, notebook)


def _parse(text):
    """Return a notebook of format 4 from its text, as lenient as can be."""
    import nbformat

    content = json.loads(text)
    if not isinstance(content, dict) or "nbformat" not in content:
        raise ValueError("no notebook's JSON")
    try:
        notebook = nbformat.reads(text, as_version=4)
        for cell in notebook.cells:
            known = cell.cell_type in ("code", "markdown", "raw")
            if not known or not isinstance(cell.source, str):
                raise ValueError("a cell without source")
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return notebook


def _told_by(notebook, lessons):
    name = notebook.get("metadata", {}).get("assignment", "")
    return name if name in lessons else ""


def rebuild(released, submitted):
    """Return the submission on the form of the released notebook.

    Args:
        released: the student version; it is not changed.
        submitted: the student's notebook.

    Returns:
        ``(notebook, notes)``: what nbgrader gets, and one line for each thing put back.
    """
    import copy

    from nbformat.v4 import new_code_cell, new_notebook

    known = {_id(cell): cell for cell in released.cells}
    own, extras, last, tampered = {}, {None: []}, None, []
    for cell in submitted.cells:
        identifier = _id(cell)
        if identifier in known and identifier not in own:
            own[identifier] = cell
            last = identifier
            extras[last] = []
        elif cell.cell_type == "code" and cell.source.strip():
            # Added by the student, or the copy of a cell that has been met already.
            extras[last].append(cell.source)
    cells, notes = [new_code_cell(source) for source in extras[None]], []
    for identifier, original in known.items():
        cell = copy.deepcopy(original)
        if identifier not in own:
            notes.append(f"cell {identifier} was missing")
            if original.metadata.nbgrader.solution:
                cell.source = REMOVED
        elif original.metadata.nbgrader.solution:
            cell.source = own[identifier].source
        elif own[identifier].source.strip() != original.source.strip():
            tampered.append(identifier)
        cells.append(cell)
        cells += [new_code_cell(source) for source in extras.get(identifier, [])]
    notes += [
        f"cell {identifier} was changed; the original was put back" for identifier in tampered
    ]
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = dict(KERNELSPEC)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook, notes


def _id(cell):
    metadata = cell.get("metadata", {}).get("nbgrader")
    identifier = metadata.get("grade_id") if isinstance(metadata, dict) else None
    return identifier if isinstance(identifier, str) else None
