"""What nbgrader's feedback shows of a hidden test: that it failed, and not by which case."""

import re

from nbgrader.preprocessors import GetGrades

from bookmaker.grading.assignment import BEGIN_HIDDEN, END_HIDDEN

_REGION = re.compile(rf"^{BEGIN_HIDDEN}$.*?^{END_HIDDEN}$\n?", re.DOTALL | re.MULTILINE)


class GradesWithoutHiddenTests(GetGrades):
    """Writes points and comments into what students read, and cuts the hidden tests out of it."""

    def preprocess(self, nb, resources):
        """Return the notebook with points and without hidden tests; nbconvert calls it."""
        nb, resources = super().preprocess(nb, resources)
        for cell in nb.cells:
            identifier = cell.metadata.get("nbgrader", {}).get("grade_id", "")
            if not identifier.endswith(("--public", "--hidden")):
                continue
            cell.source = _REGION.sub("", cell.source).strip("\n")
            for output in cell.outputs:
                if output.output_type == "error":
                    # A traceback shows the lines of the test; the message of a hidden one the case.
                    text = output.evalue
                    if identifier.endswith("--hidden"):
                        text = text.partition("\n")[0]
                    output.evalue, output.traceback = text, [f"{output.ename}: {text}"]
        return nb, resources
