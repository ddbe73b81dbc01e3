"""The page that a student gets back: by exercise, with formulas, and without the hidden tests.

nbgrader makes it, from its gradebook, with the preprocessor and the exporter that stand here. The
page asks no other host for anything: formulas are MathML, which browsers show by themselves.
"""

import html
from pathlib import Path

from latex2mathml.converter import convert
from nbconvert.exporters.html import HTMLExporter, contextfilter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbgrader.preprocessors import ClearHiddenTests, GetGrades

from bookmaker.grading.course import Course
from bookmaker.grading.executor import KNOWN_MISTAKE
from bookmaker.grading.late import lateness


class GradesWithoutHiddenTests(GetGrades):
    """Writes points and comments into what students read, and cuts the hidden tests out of it."""

    def preprocess(self, nb, resources):
        """Return the notebook with points and without hidden tests; nbconvert calls it."""
        nb, resources = super().preprocess(nb, resources)
        hidden_tests = ClearHiddenTests(parent=self)
        for cell in nb.cells:
            identifier = _id(cell)
            if not identifier.endswith(("--public", "--hidden")):
                continue
            # Not of the whole notebook: a student's own cell with such a line would be an error.
            hidden_tests.preprocess_cell(cell, resources, 0)
            for output in cell.outputs:
                if output.output_type == "error":
                    # A traceback shows the lines of the test; the message of a hidden one the case.
                    text = output.evalue
                    if identifier.endswith("--hidden"):
                        text = text.partition("\n")[0]
                    output.evalue, output.traceback = text, [f"{output.ename}: {text}"]
        course = Course(Path(self.db_url.removeprefix("sqlite:///")).parent)
        with self.gradebook:
            submission = self.gradebook.find_submission(self.assignment_id, self.student_id)
            late, marks = lateness(submission), submission.notebooks[0].grades
            waiting = {mark.name for mark in marks if mark.needs_manual_grade}
        resources["nbgrader"] |= {
            "title": _heading(nb, "introduction") or self.assignment_id,
            "late": late,
            "remarks": course.record(self.student_id, self.assignment_id).get("faults", []),
            "exercises": list(_exercises(nb, waiting)),
        }
        return nb, resources


def _exercises(notebook, waiting):
    """A row for each exercise: id, title, points, how many there are, and what there is to say."""
    for statement in notebook.cells:
        name, _, part = _id(statement).partition("--")
        if part != "statement":
            continue
        cells = [cell for cell in notebook.cells if _id(cell).partition("--")[0] == name]
        marks = [cell.metadata.nbgrader for cell in cells if cell.metadata.nbgrader.grade]
        said = [text for cell in cells if cell.cell_type == "code" for text in _said(cell.outputs)]
        said = [text for text in said if text.startswith(KNOWN_MISTAKE)] or said[:1]
        said += ["waits for a person's points"] * any(_id(cell) in waiting for cell in cells)
        yield {
            "id": name,
            "title": statement.source.partition("\n")[0].removeprefix("## ").rpartition(" (")[0],
            "points": float(sum(mark.score for mark in marks)),
            "most": float(sum(mark.points for mark in marks)),
            "said": "; ".join(said),
        }


def _said(outputs):
    """The first line of each error, and whole what names a mistake."""
    for output in outputs:
        if output.output_type == "error":
            yield output.evalue.partition("\n")[0]
        elif output.get("text", "").startswith(KNOWN_MISTAKE):
            yield output.text.strip()


def _id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def _heading(notebook, identifier):
    found = [cell.source for cell in notebook.cells if _id(cell) == identifier]
    return found[0].partition("\n")[0].removeprefix("# ") if found else ""


class FeedbackExporter(HTMLExporter):
    """Writes the page by the template ``templates/exercises``, with formulas as MathML."""

    @contextfilter
    def markdown2html(self, context, source):
        """Return Markdown as HTML; the template's filter."""
        return MarkdownWithMath(renderer=_WithMathML(exclude_anchor_links=True)).render(source)


class _WithMathML(IPythonRenderer):
    def inline_math(self, body):
        return _mathml(body, "inline") or super().inline_math(body)

    def block_math(self, body):
        return _mathml(body, "block") or super().block_math(body)

    def latex_environment(self, name, body):
        whole = f"\\begin{{{name}}}{body}\\end{{{name}}}"
        return _mathml(whole, "block") or super().latex_environment(name, body)


def _mathml(formula, display):
    try:
        return convert(formula, display=display)
    except Exception:  # what the library cannot read stays as it was written
        return ""


def page_of_faults(lesson: str, lines: list[str]) -> str:
    """Return the page for one whose file is broken: what is broken, and what to do.

    Args:
        lesson: its name.
        lines: what there is to say of the file.
    """
    said = "".join(f"<li>{html.escape(line)}</li>\n" for line in lines)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{lesson}</title>'
        f"</head>\n<body>\n<h1>{lesson}: nothing could be graded</h1>\n<ul>\n{said}</ul>\n"
        "<p>Open the notebook that you were given in Jupyter, put your answers there, save it, and "
        "hand it in again.</p>\n</body></html>\n"
    )
