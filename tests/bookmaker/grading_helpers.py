"""Courses and submissions for the tests: the student version, filled in or spoiled."""

import copy
import shutil

import nbformat
from exercise_text import ALL, write

from bookmaker.grading.assignment import grade_id
from bookmaker.grading.course import Course, open_course, release
from recsys_book.exercises.source import read_source

FIRST, SECOND = "01_small", "02_other"
# With a second hidden case, which an answer that fails in the first one passes.
TEXT = ALL.replace('why="an array")])', 'why="an array"), case(5, expected=10)])')


def two_files(folder):
    """Two small exercises files with different identifiers."""
    other = TEXT.replace("`small.", "`other.").replace("Exercises: Small", "Exercises: Other")
    return [
        read_source(write(folder, TEXT, name=FIRST)),
        read_source(write(folder, other, name=SECOND)),
    ]


def make_course(folder, files):
    """A course in which the lessons are released."""
    course = open_course(folder, create=True)
    release(files, course)
    return course


def copy_course(course, folder):
    """The same course elsewhere: nbgrader spends seconds on each new gradebook."""
    shutil.copytree(course.root, folder)
    return Course(folder)


def student_version(course, lesson):
    """The notebook that students are given."""
    return nbformat.read(course.notebook("release", lesson), as_version=4)


def submit(folder, student, lesson, released, change=None):
    """Write ``<folder>/<student>/<lesson>.ipynb``, changed by ``change(notebook)``."""
    notebook = copy.deepcopy(released)
    if change is not None:
        change(notebook)
    path = folder / student / f"{lesson}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def cell(notebook, identifier):
    """The cell with an nbgrader id."""
    return next(c for c in notebook.cells if c.metadata.nbgrader.grade_id == identifier)


def fill(file, code=lambda one: one.solution):
    """Return a change that writes ``code(exercise)`` into each solution cell."""

    def change(notebook):
        for one in file.exercises:
            cell(notebook, grade_id(one)).source = code(one)

    return change


def reachable(file):
    """The points that tests can give, without those that a person gives."""
    return sum(one.points for one in file.exercises if one.kind != "open")
