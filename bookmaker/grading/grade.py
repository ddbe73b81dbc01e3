"""Grades a folder of submitted notebooks with nbgrader, each in a course of its own.

Student code is not sandboxed: it runs with the rights of whoever grades. Grade inside a container
that has no network and nothing worth reading; ``docs/instructors.md`` shows how.
"""

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bookmaker.grading.assignment import grade_id
from bookmaker.grading.course import STUDENT, GradingError, release
from bookmaker.grading.process import Workers
from bookmaker.grading.submissions import find_submissions, rebuild
from recsys_lib.book.exercises.source import find_sources, read_source, source_of

CELL_SECONDS = 10
START_SECONDS = 90


@dataclass
class Mark:
    """What one student earned on one exercise.

    ``pending`` is the number of points that a person has yet to give.
    """

    identifier: str
    title: str
    kind: str
    of: int
    points: float = 0.0
    pending: int = 0
    messages: list = field(default_factory=list)
    answer: str = ""
    rubric: str = ""


@dataclass
class Grade:
    """One student's lesson: marks by exercise, what was put back, and why it was not graded."""

    student: str
    lesson: str
    marks: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    fault: str = ""

    @property
    def points(self):
        return sum(mark.points for mark in self.marks)

    @property
    def of(self):
        return sum(mark.of for mark in self.marks)

    @property
    def pending(self):
        return sum(mark.pending for mark in self.marks)


def grade(folder, lesson="", *, chapters=None, seconds=CELL_SECONDS, workers=2, report=None):
    """Grade all submissions in a folder.

    Args:
        folder: holds ``<student>/<lesson>.ipynb`` or ``<student>.ipynb``.
        lesson: the lesson of all files; by default told by each file.
        chapters: folder of the chapters; default: the book's.
        seconds: time limit of a cell.
        workers: submissions graded at the same time.
        report: called with each `Grade` as it is ready, or None.

    Returns:
        List of `Grade`, sorted by student and lesson. A submission that cannot be graded has zero
        points and says why; it stops no other.

    Raises:
        GradingError: no such folder, nothing in it, or nbgrader is missing.
        LessonError: no such lesson, or its exercises cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise GradingError(f"{folder}: no such folder of submissions")
    sources = {path.name.removesuffix(".exercises.md"): path for path in find_sources(chapters)}
    if lesson:
        lesson = read_source(source_of(lesson, chapters)).lesson
    submissions = find_submissions(folder, set(sources), lesson)
    if not submissions:
        raise GradingError(f"{folder}: holds no submission")
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as scratch:
        course = Path(scratch) / "course"
        course.mkdir()
        names = sorted({one.lesson for one in submissions if one.lesson in sources})
        files = {name: read_source(sources[name]) for name in names}
        released = release(files.values(), course)

        def run(numbered):
            number, submission = numbered
            with pool.lend() as worker:
                file, path = files.get(submission.lesson), released.get(submission.lesson)
                root = Path(scratch) / str(number)
                result = _grade_one(submission, file, path, root, worker)
            if report is not None:
                report(result)
            return result

        with (
            Workers(workers, seconds, Path(scratch)) as pool,
            ThreadPoolExecutor(workers) as threads,
        ):
            grades = list(threads.map(run, enumerate(submissions)))
    return sorted(grades, key=lambda one: (one.student, one.lesson))


def _grade_one(submission, file, released, root, worker):
    result = Grade(submission.student, submission.lesson, fault=submission.fault)
    if file is None:
        names = f"its name is no lesson's, and its content names none ({submission.path})"
        result.fault = result.fault or f"not graded: {names}"
        return result
    result.marks = [
        Mark(one.identifier, one.title, one.kind, one.points, rubric=one.rubric)
        for one in file.exercises
    ]
    if result.fault:
        return result
    import nbformat

    notebook, result.notes = rebuild(nbformat.read(released, as_version=4), submission.notebook)
    try:
        # A gradebook of its own, so that submissions can be graded side by side.
        shutil.copytree(released.parents[2], root)
        target = root / "submitted" / STUDENT / file.lesson / f"{file.lesson}.ipynb"
        target.parent.mkdir(parents=True)
        nbformat.write(notebook, target)
        # Each exercise can take its limit once, and the kernel starts anew after each that does.
        limit = START_SECONDS + (worker.seconds + 10) * (len(notebook.cells) + 1)
        marks = worker.grade(root, file.lesson, limit)
    except (OSError, ValueError) as error:
        marks = {"error": str(error)}
    if "error" in marks:
        result.fault = f"not graded: {marks['error']}"
        return result
    for one, mark in zip(file.exercises, result.marks, strict=True):
        _fill(mark, one, marks)
    return result


def _fill(mark, one, marks):
    """Add up what nbgrader gave for the cells of one exercise."""
    mark.answer = marks["sources"].get(grade_id(one), "")
    solution = marks["cells"].get(grade_id(one), {})
    if solution.get("error"):
        mark.messages.append(f"your cell: {solution['error']}")
    for part, name in (("", ""), ("public", "public tests"), ("hidden", "hidden tests")):
        cell = marks["cells"].get(grade_id(one, part))
        if cell is None or not cell["of"]:
            continue
        mark.points += cell["points"]
        if cell["pending"]:
            mark.pending += round(cell["of"])
        if name and cell["error"]:
            text = cell["error"]
            if part == "hidden":
                # Enough to know what to look for, not enough to copy the case.
                text = text.splitlines()[0]
            mark.messages.append(f"{name}: {_plain(text)}")


def _plain(text):
    for kind in ("WrongAnswer: ", "NotAttempted: "):
        text = text.removeprefix(kind)
    return text
