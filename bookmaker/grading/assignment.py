"""The nbgrader form of a lesson's exercises, and the version of it that students are given."""

import re
from pathlib import Path

from pydantic import TypeAdapter

from bookmaker.lessons.lessons import KERNELSPEC
from recsys_book.exercises.answers import MARKERS
from recsys_book.exercises.parsing import STUB, ExerciseFile
from recsys_book.exercises.student import describe

BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
# A comment in Markdown, so that whoever grades sees the rubric and not the markers.
BEGIN_RUBRIC, END_RUBRIC = "<!-- BEGIN RUBRIC -->", "<!-- END RUBRIC -->"
HIDDEN_NOTE = "# Hidden tests of this exercise run here when it is graded."

_INTRODUCTION = """\
# {title}

{count} exercises, {points} points. Write your solutions into the cells that say `{stub}`; leave the
other cells as they are: they are put back when you are graded. Add cells of your own wherever you
like. A cell without an error below your solution has passed its public tests. Hidden tests come on
top when it is graded. Before you hand in, save this notebook (Ctrl+S) and run in a cell of your own

```python
from recsys_book import check_all, hand_in

check_all()  # runs all cells from top to bottom and all public tests, a line for each
hand_in("your name in this course")  # writes the file to hand in: {lesson}.<your name>.ipynb
```"""


def grade_id(one, part=""):
    """Return the nbgrader id of a part of an exercise: "", "public", "hidden" or "statement"."""
    return one.identifier.replace(".", "-") + (f"--{part}" if part else "")


def split_points(one):
    """Return the points of the public and the hidden test cell: hidden ones count half.

    A recall exercise has one cell: its public test only asks whether the answer is a letter.
    """
    if one.kind == "recall" or not one.hidden:
        return one.points, 0
    hidden = one.points // 2
    return one.points - hidden, hidden


def instructor_notebook(file):
    """Return the exercises of an `ExerciseFile` as the notebook that nbgrader starts from.

    It holds solutions, hidden tests and rubrics, between markers at which nbgrader cuts them out;
    when it grades it puts hidden tests and rubrics back.
    """
    from nbformat.v4 import new_notebook

    points = sum(one.points for one in file.exercises)
    introduction = _INTRODUCTION.format(
        title=file.title,
        count=len(file.exercises),
        points=points,
        stub=STUB,
        lesson=file.lesson,
    )
    cells = [
        _cell("markdown", introduction, "introduction", locked=True),
        _cell("code", file.setup, "setup", locked=True),
    ]
    for one in file.exercises:
        statement = f"## {describe(one).replace('**', '', 2)}"
        if one.rubric:
            rubric = f"**Rubric**\n\n{one.rubric}"
            statement = f"{statement}\n\n{BEGIN_RUBRIC}\n\n{rubric}\n\n{END_RUBRIC}"
        cells.append(_cell("markdown", statement, grade_id(one, "statement"), locked=True))
        if one.kind == "open":
            cells.append(_cell("code", one.solution, grade_id(one), one.points, solution=True))
            continue
        cells.append(_cell("code", one.solution, grade_id(one), solution=True))
        cells += _test_cells(one)
    for number, cell in enumerate(cells):
        # nbformat draws ids; the same exercises shall be the same notebook.
        cell.id = f"cell-{number}"
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = dict(KERNELSPEC)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["assignment"] = file.lesson
    return notebook


def _test_cells(one):
    """The test cells of an exercise: public and hidden tests, each with its points."""
    public_points, hidden_points = split_points(one)
    public, hidden = one.public, f"{HIDDEN_NOTE}\n{BEGIN_HIDDEN}\n{one.hidden}\n{END_HIDDEN}"
    if one.hidden and not hidden_points:
        public = f"{public}\n{hidden}"
    cells = [_cell("code", public, grade_id(one, "public"), public_points, locked=True)]
    if hidden_points:
        cells.append(_cell("code", hidden, grade_id(one, "hidden"), hidden_points, locked=True))
    return cells


def _cell(kind, source, identifier, points=None, *, solution=False, locked=False):
    from nbformat.v4 import new_code_cell, new_markdown_cell

    cell = (new_code_cell if kind == "code" else new_markdown_cell)(source)
    cell.metadata["nbgrader"] = {
        "grade": points is not None,
        "grade_id": identifier,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
        **({} if points is None else {"points": points}),
    }
    return cell


def secret_lines(file):
    """Return the lines that no student may see: of solutions, hidden tests and mistakes.

    Lines that also stand in what students are given, and lines without a word, are left out.
    """
    given, secret = set(), set()
    for one in file.exercises:
        visible = (one.starter, one.public, one.statement, file.setup, *MARKERS)
        given.update(_lines("\n".join(visible)))
        kept = [one.solution, one.hidden, one.explanation, one.rubric, one.variant]
        kept += [mistake.code for mistake in one.mistakes]
        secret.update(_lines("\n".join(kept)))
    return {line for line in secret - given if re.search(r"\w{2}", line)}


def _lines(text):
    return {line.strip() for line in text.splitlines()}


def leaked_lines(file, notebook):
    """Return the secret lines that stand anywhere in a notebook, its metadata included, sorted."""

    def texts(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for key, part in value.items():
                yield str(key)
                yield from texts(part)
        elif isinstance(value, list | tuple):
            for part in value:
                yield from texts(part)

    lines = set()
    for text in texts(notebook):
        lines.update(_lines(text))
    return sorted(secret_lines(file) & lines)


def handed_out(root: Path, lesson: str) -> ExerciseFile | None:
    """Return the exercises of a lesson as a course handed them out, with the recorded mistakes.

    Args:
        root: the course's folder.
        lesson: its name.

    Returns:
        The exercises; None where the lesson was handed out before they were kept.
    """
    path = Path(root) / "exercises" / f"{lesson}.json"
    if not path.exists():
        return None
    return TypeAdapter(ExerciseFile).validate_json(path.read_bytes())
