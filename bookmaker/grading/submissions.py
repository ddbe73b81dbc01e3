"""Finds what students sent in a folder, and makes each notebook fit for nbgrader.

A submission is rebuilt on the student version: locked cells come from there, whatever was done to
them; a student's own solution and added cells keep their order. So removed, copied, reordered and
tampered cells, lost metadata, foreign kernels and old notebook formats all end as a notebook that
nbgrader can read.
"""

import copy
import dataclasses
import json
import os
import re
import stat
import unicodedata
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from bookmaker.grading.roster import Roster, is_moodles, says_late

REMOVED = "# The solution cell that stood here was removed."
NOT_OF_IT = "expected the assignment's notebook, got one without its cells"
THE_LESSON = (
    "this is the lesson for practice and not its assignment, which has the same name: hand in the "
    "notebook that was handed out"
)
UNTOLD = "its name is no released lesson's, and its content names none"
LARGEST_FILE_BYTES = 20_000_000


@dataclass(frozen=True)
class Submission:
    """One file that a student sent, or the fault because of which there is none.

    Attributes:
        path: the file; None where a student's folder holds none.
        lesson: name of its lesson; empty where that cannot be told.
        notebook: what it holds; None where it is no notebook.
        fault: one line, empty where all is well.
        content: of the file; empty where it was not read.
        changed: time of its last change, in seconds since 1970.
        late: whether Canvas says that it came late; None where nobody says.
    """

    student: str
    lesson: str
    path: Path | None = None
    notebook: Any = None
    fault: str = ""
    content: bytes = b""
    changed: float = 0.0
    late: bool | None = None

    @property
    def name(self) -> str:
        """The file's name as it may stand in a line of text."""
        return printable(self.path.name) if self.path else ""


def printable(name: str) -> str:
    """Return a name of a file without letters that no text holds, or that end a line."""
    name = name.encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFC", re.sub(r"[\x00-\x1f\x7f]", "?", name))


def find_submissions(
    folder: str | Path, lessons: set[str], roster: Roster, lesson: str = ""
) -> list[Submission]:
    """Return all that lies in a folder, sorted by student and path. No link is followed.

    Args:
        folder: holds ``<student>/<lesson>.ipynb``, or ``<student>.ipynb`` in a flat folder.
        lessons: names of the lessons that are released.
        roster: the `Roster`, which knows how Canvas and Moodle name the files.
        lesson: the lesson of every file; by default told by the file's name or its content.
    """
    found = []
    for path in sorted(Path(folder).iterdir()):
        name = printable(path.name)
        if name.startswith("."):
            continue
        if path.is_symlink() or not path.is_dir():
            stem = name.removesuffix(".ipynb")
            student, given = roster.student(stem)
            named, told = ("", "") if given else _named(stem, lessons)
            if named and not told:
                reason = "expected <student>.ipynb or <student>/<lesson>.ipynb, got a lesson's name"
                found.append(Submission("", named, path, fault=reason))
            else:
                one = _read(told or student, path, given or stem, lessons, lesson)
                found.append(dataclasses.replace(one, late=says_late(stem)))
            continue
        student, _ = roster.student(name)
        inside = [_read(student, file, file.stem, lessons, lesson) for file in _files(path)]
        # What Moodle's students upload may have any name, nbgrader's own among them.
        inside = inside if is_moodles(name) else [*map(_timed, inside)]
        # What lies beside a notebook, a picture perhaps, is of no interest.
        notebooks = [one for one in inside if one.path.suffix == ".ipynb"]
        nothing = Submission(student, lesson, fault="no file was handed in")
        found += notebooks or inside or [nothing]
    # A file whose own lesson cannot be told belongs to the one lesson of all others.
    if len(told := {one.lesson for one in found if one.lesson}) == 1:
        found = [dataclasses.replace(one, lesson=one.lesson or min(told)) for one in found]
    found = [
        dataclasses.replace(one, fault=one.fault or ("" if one.lesson else UNTOLD)) for one in found
    ]
    return sorted(found, key=lambda one: (one.student, str(one.path)))


def _named(name, lessons):
    """The lesson and the student that a file's name tells, such as ``01_din.ann`` of `hand_in`."""
    # A second upload of one file is called "01_din (1)", or "01_din-1".
    plain = re.sub(r"( \(\d+\)|-\d+)$", "", name)
    lesson, _, student = plain.partition(".")
    return (lesson, student) if lesson in lessons else ("", "")


def _files(folder):
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # A linked folder is met here, and not walked into.
        linked = [name for name in folders if (here / name).is_symlink()]
        yield from (here / name for name in sorted([*names, *linked]) if not name.startswith("."))


def _read(student, path, given, lessons, lesson):
    named = lesson or _named(given, lessons)[0]
    one = Submission(student, named, path)
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a link" if stat.S_ISLNK(status.st_mode) else "no ordinary file"
            return dataclasses.replace(one, fault=f"{kind} was handed in; it is not read")
        if status.st_size > LARGEST_FILE_BYTES:
            return dataclasses.replace(one, fault="more than 20 MB; it is not read")
        one = dataclasses.replace(one, content=path.read_bytes(), changed=status.st_mtime)
        notebook = _parse(one.content.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return dataclasses.replace(one, fault=f"not a notebook: {reason[:120]}")
    return dataclasses.replace(one, lesson=named or _told_by(notebook, lessons), notebook=notebook)


def _timed(one):
    """A submission with the time that nbgrader's ``timestamp.txt`` beside it tells, if any does."""
    path = one.path.with_name("timestamp.txt")
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return one
        from nbgrader.utils import parse_utc

        moment = parse_utc(path.read_text(encoding="utf-8")[:100].strip())
        return dataclasses.replace(one, changed=moment.replace(tzinfo=UTC).timestamp())
    except (OSError, ValueError, OverflowError):
        return one


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
            cell.source.encode(
                "utf-8"
            )  # half of a character can be written as JSON, and no further
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return notebook


def _told_by(notebook, lessons):
    metadata = notebook.get("metadata")
    name = metadata.get("assignment", "") if isinstance(metadata, dict) else ""
    return name if isinstance(name, str) and name in lessons else ""


def fault_of(released: Any, submitted: Any) -> str:
    """Return why a notebook is not the assignment's: it has none of its solution cells, or ""."""
    known = {_id(cell) for cell in released.cells if _is_solution(cell)}
    if any(_id(cell) in known for cell in submitted.cells):
        return ""
    shows = re.compile(r"""^(?:check|exercise)\(["']""", re.MULTILINE)
    is_lesson = any(
        cell.cell_type == "code" and shows.search(cell.source) for cell in submitted.cells
    )
    return THE_LESSON if is_lesson else NOT_OF_IT


def answered(released: Any, submitted: Any) -> int:
    """Return how many solution cells of a notebook hold something else than the starter."""
    starters = {_id(cell): cell.source.strip() for cell in released.cells if _is_solution(cell)}
    written = {_id(cell): cell.source.strip() for cell in submitted.cells if _id(cell) in starters}
    return sum(source not in ("", starters[name]) for name, source in written.items())


def rebuild(released: Any, submitted: Any) -> tuple[Any, list[str]]:
    """Return the submission on the form of the released notebook.

    Args:
        released: the student version; it is not changed.
        submitted: the student's notebook.

    Returns:
        ``(notebook, notes)``: what nbgrader gets, and one line for each thing put back.
    """
    from nbformat.v4 import new_code_cell, new_notebook

    known = {_id(cell): cell for cell in released.cells}
    extras: dict[str | None, list[str]] = {None: []}
    own, last, tampered = {}, None, []
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
            if _is_solution(original):
                cell.source = REMOVED
        elif _is_solution(original):
            cell.source = own[identifier].source
        elif own[identifier].source.strip() != original.source.strip():
            tampered.append(identifier)
        cells.append(cell)
        cells += [new_code_cell(source) for source in extras.get(identifier, [])]
    notes += [
        f"cell {identifier} was changed; the original was put back" for identifier in tampered
    ]
    return new_notebook(cells=cells, metadata=copy.deepcopy(released.metadata)), notes


def _is_solution(cell):
    return bool(cell.metadata.nbgrader.solution)


def _id(cell):
    metadata = cell.get("metadata", {}).get("nbgrader")
    identifier = metadata.get("grade_id") if isinstance(metadata, dict) else None
    return identifier if isinstance(identifier, str) else None
