"""Grades submissions in a process of its own: ``python -m bookmaker.grading.worker SECONDS``.

Each line of standard input is ``[folder, lesson]`` in JSON: the folder of a throwaway course that
holds one submission. The marks are written into the folder as ``marks.json``, all at once.
"""

import json
import sys
from pathlib import Path

from bookmaker.grading.course import STUDENT, course_api, failure
from recsys_lib.book.places import write_atomically

MARKS = "marks.json"


def main(arguments=None):
    """Grade what standard input names, with the time limit of a cell as the argument."""
    (seconds,) = sys.argv[1:] if arguments is None else arguments
    for line in sys.stdin:
        folder, lesson = json.loads(line)
        root = Path(folder)
        error = autograde(root, lesson, int(seconds))
        marks = {"error": error} if error else read_marks(root, lesson)
        write_atomically(root / MARKS, json.dumps(marks))
    return 0


def autograde(root, lesson, seconds):
    """Run nbgrader's autograder; returns why it failed, or an empty text."""
    from nbgrader.converters import Autograde

    api = course_api(root)
    api.config.Autograde.autograde_preprocessors = [
        _guarded_execute(seconds) if kind.__name__ == "Execute" else kind
        for kind in Autograde.autograde_preprocessors.default()
    ]
    result = api.autograde(lesson, STUDENT, force=True, create=True)
    if result["success"]:
        return ""
    return failure(result)


def _guarded_execute(seconds):
    """nbgrader's Execute, going on after a cell that ends the kernel or does not end itself.

    Such a cell gets an error for its output. The kernel is thrown away, and the notebook starts
    anew with this cell replaced by the error: an interrupted kernel may be in any state, and a
    bare ``except`` in a loop does not even let itself be interrupted.
    """
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from nbgrader.preprocessors import Execute
    from nbgrader.preprocessors.execute import UnresponsiveKernelError

    class GuardedExecute(Execute):
        def __init__(self, **options):
            super().__init__(**options)
            self.timeout = seconds
            self.interrupt_on_timeout = False
            self.error_on_timeout = {}
            self.shutdown_kernel = "immediate"
            self.running = None

        def preprocess_cell(self, cell, resources, index):
            self.running = index
            return super().preprocess_cell(cell, resources, index)

        def preprocess(self, nb, resources, km=None):
            sources = {}
            while True:
                try:
                    nb, resources = super().preprocess(nb, resources, km)
                    break
                except (CellTimeoutError, UnresponsiveKernelError):
                    reason = f"ran longer than {seconds} s"
                except DeadKernelError:
                    reason = "ended the kernel"
                if self.running in sources:
                    raise RuntimeError(f"cell {self.running} {reason} although it was replaced")
                for index in _same_exercise(nb, self.running):
                    sources[index] = nb.cells[index].source
                    nb.cells[index].source = f"raise RuntimeError('this cell {reason}')"
            for index, source in sources.items():
                nb.cells[index].source = source
            return nb, resources

    return GuardedExecute


def _same_exercise(nb, index):
    """The cell and, for a public test, the hidden one of its exercise: it would only wait again."""
    identifier = nb.cells[index].metadata.get("nbgrader", {}).get("grade_id", "")
    found = [index]
    if identifier.endswith("--public"):
        hidden = identifier.removesuffix("public") + "hidden"
        found += [
            position
            for position, cell in enumerate(nb.cells)
            if cell.metadata.get("nbgrader", {}).get("grade_id") == hidden
        ]
    return found


def read_marks(root, lesson):
    """Return points, errors and solutions by nbgrader cell id.

    Returns:
        ``{"cells": {id: {"points", "of", "pending", "error"}}, "sources": {id: text}}``.
    """
    import nbformat
    from nbgrader.api import Gradebook

    cells, sources = {}, {}
    with Gradebook(f"sqlite:///{root}/gradebook.db", "book") as gradebook:
        submission = gradebook.find_submission_notebook(lesson, lesson, STUDENT)
        for grade in submission.grades:
            cells[grade.name] = {
                "points": grade.auto_score or 0.0,
                "of": grade.max_score,
                "pending": bool(grade.needs_manual_grade),
                "error": "",
            }
    path = root / "autograded" / STUDENT / lesson / f"{lesson}.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        identifier = cell.metadata.get("nbgrader", {}).get("grade_id")
        if identifier is None:
            continue
        if cell.metadata.nbgrader.solution:
            sources[identifier] = cell.source
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                record = cells.setdefault(
                    identifier, {"points": 0.0, "of": 0.0, "pending": False, "error": ""}
                )
                record["error"] = f"{output.ename}: {output.evalue}"
    return {"cells": cells, "sources": sources}


if __name__ == "__main__":
    sys.exit(main())
