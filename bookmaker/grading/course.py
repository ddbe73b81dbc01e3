"""A throwaway nbgrader course for one lesson: release, student version, gradebook."""

import logging
import os
import re
import shutil
import sys
from pathlib import Path

from bookmaker.grading.assignment import instructor_notebook, leaked_lines
from recsys_lib.book.exercises.parsing import STUB, ExerciseError
from recsys_lib.book.places import write_atomically

STUDENT = "student"
INSTALL = 'nbgrader is not installed: python -m pip install -e ".[instructor]" -c constraints.txt'


class GradingError(RuntimeError):
    """The exercises could not be released or graded; the message says what is at fault."""


def require_nbgrader():
    """Raise `GradingError` where the instructors' extra is not installed."""
    try:
        import nbgrader  # noqa: F401
    except ImportError:
        raise GradingError(INSTALL) from None


def find_own_commands():
    """Put the environment's own commands first on the PATH.

    nbgrader calls `alembic` by its bare name, which a Python that was started by its path, as
    `make` does, would not find or would find elsewhere.
    """
    own = str(Path(sys.executable).parent)
    others = [part for part in os.environ.get("PATH", "").split(os.pathsep) if part != own]
    os.environ["PATH"] = os.pathsep.join([own, *others])


def course_api(root):
    """Return nbgrader's API on the course in the folder ``root``."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    find_own_commands()
    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.course_id = "book"
    config.ClearSolutions.code_stub = {"python": STUB}
    config.OverwriteCells.add_missing_cells = True
    # What nbgrader tells about each step is of no use; its errors end up in the exceptions.
    config.NbGraderAPI.log_level = config.Application.log_level = logging.ERROR
    api = NbGraderAPI(config=config)
    api.log.setLevel(logging.ERROR)
    return api


def release(files, root):
    """Make one course of several `ExerciseFile` objects in the empty folder ``root``.

    One course for all, because nbgrader spends seconds on each new gradebook.

    Returns:
        Dict of lesson to the path of its student version; the gradebook beside them knows all
        tests.

    Raises:
        GradingError: nbgrader refused an exercise, or a student version holds a secret line.
    """
    require_nbgrader()
    import nbformat

    root = Path(root)
    released = {}
    for file in files:
        source = root / "source" / file.lesson / f"{file.lesson}.ipynb"
        source.parent.mkdir(parents=True)
        nbformat.write(instructor_notebook(file), source)
        result = course_api(root).generate_assignment(file.lesson, force=True, create=True)
        path = root / "release" / file.lesson / source.name
        if not result["success"] or not path.exists():
            raise GradingError(f"{file.path}: nbgrader refused it:\n{failure(result)}")
        if leaked := leaked_lines(file, nbformat.read(path, as_version=4)):
            raise GradingError(
                f"{file.path}: the student version would hold {len(leaked)} lines of a solution, "
                f"hidden test or mistake, the first is {leaked[0]!r}"
            )
        released[file.lesson] = path
    return released


def write_assignments(files, folder, scratch):
    """Write each student version into ``folder/<lesson>/<lesson>.ipynb``.

    Args:
        files: `ExerciseFile` objects.
        folder: the target; the folder of a lesson in it is replaced, and holds nothing but the
            notebook, so that it can be handed out whole.
        scratch: an empty folder for the course; it holds the solutions and is the caller's to
            remove.

    Returns:
        Dict of lesson to path.
    """
    for file in files:
        if not file.exercises:
            raise ExerciseError(f"{file.path}: no exercises")
    paths = {}
    for lesson, released in release(files, scratch).items():
        target = Path(folder) / lesson
        if target.exists():
            shutil.rmtree(target)
        target.mkdir(parents=True)
        paths[lesson] = target / f"{lesson}.ipynb"
        write_atomically(paths[lesson], released.read_text(encoding="utf-8"))
    return paths


def failure(result):
    """Return the one line of a failed nbgrader step that says why: its log's first exception."""
    lines = str(result.get("log") or result.get("error") or "").splitlines()
    named = re.compile(r"\s*(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt)\b.*")
    reasons = [line.strip() for line in lines if named.fullmatch(line)]
    return (reasons or [line.strip() for line in lines if line.strip()] or ["no reason given"])[0]
