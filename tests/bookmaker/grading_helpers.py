"""Submissions for the tests: the student version, filled in or spoiled."""

import copy

import nbformat

from bookmaker.grading.assignment import grade_id


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
