"""Find and read the exercises files of the book, and the exercise of an identifier."""

from functools import lru_cache
from pathlib import Path

from recsys_book.base import paths
from recsys_book.base.notebook_sources import sources_of_text
from recsys_book.exercises.parsing import SUFFIX, SUMMARY, ExerciseError, parse


def find_sources(chapters=None):
    """Return the paths of all exercises files, in the order of the book."""
    chapters = paths.CHAPTERS if chapters is None else chapters
    return sorted(Path(chapters).glob(f"[0-9][0-9]_*/[0-9][0-9]*_*{SUFFIX}"))


def source_of(lesson, chapters=None):
    """Return the exercises file of a lesson, given its name or a path.

    Raises:
        ExerciseError: no lesson of this name has exercises.
    """
    wanted = Path(str(lesson)).name
    # A companion's exercises are its lesson's.
    for ending in (SUFFIX, ".md", ".ipynb", ".deeper"):
        wanted = wanted.removesuffix(ending)
    sources = find_sources(chapters)
    fitting = [path for path in sources if path.name == wanted + SUFFIX]
    if len(fitting) != 1:
        known = ", ".join(path.name.removesuffix(SUFFIX) for path in sources) or "none"
        count = "no lesson" if not fitting else f"{len(fitting)} lessons"
        raise ExerciseError(f"{lesson}: {count} of this name with exercises; there are: {known}")
    return fitting[0]


def read_source(path):
    """Return the `ExerciseFile` at ``path``; files that did not change are read once.

    Raises:
        ExerciseError: the file is missing, or a part of it is missing, unknown or malformed.
    """
    path = Path(path)
    try:
        status = path.stat()
    except OSError:
        raise ExerciseError(f"{path}: no such file") from None
    return _read(path, status.st_mtime_ns, status.st_size)


def find_exercise(identifier, chapters=None):
    """Return ``(ExerciseFile, Exercise)`` of an identifier, or None.

    Only the files that mention it are read, so that a fault in another lesson's exercises does
    not matter.
    """
    for path in find_sources(chapters):
        if f"`{identifier}`" not in path.read_text(encoding="utf-8"):
            continue
        file = read_source(path)
        for exercise in file.exercises:
            if exercise.identifier == identifier:
                return file, exercise
    return None


def known_identifiers(chapters=None):
    """Return all identifiers of the book's exercises, in order."""
    found = []
    for path in find_sources(chapters):
        text = path.read_text(encoding="utf-8")
        found += [
            match["identifier"]
            for line in text.splitlines()
            if (match := SUMMARY.fullmatch(line.strip()))
        ]
    return found


@lru_cache(maxsize=64)
def _read(path, _modified, _size):
    try:
        return parse(path, sources_of_text(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ExerciseError(f"{path}: {error}") from None
