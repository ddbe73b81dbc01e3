"""The ledger: every claim of the book with its evidence, and every exact check.

An exact check prints nothing, so that its statement is taken from the cell that checks it.
"""

import ast
from pathlib import Path
from typing import Any

from bookmaker.claim_sources import calls_in_cell, ids_in_cells
from bookmaker.lessons import describe, find_texts, is_lab, read_notebook
from recsys_book.claims import CheckedClaim, parse_output
from recsys_book.paths import CHAPTERS, LessonError, write_atomically

INTRODUCTION = """\
# Ledger of claims

Generated from the executed notebooks by `make book`; do not edit. Each statement is checked by a
cell of its lesson whenever the lesson runs. The evidence of a claim is what the committed notebook
measured; another machine measures slightly different numbers. An exact check is an identity, a
shape, a count or a gradient, and needs none. What experiments measured and recorded stands in the
[ledger of findings](FINDINGS.md).
"""


def path(chapters=CHAPTERS):
    """Return where the ledger lies."""
    return Path(chapters) / "CLAIMS.md"


def render(chapters=CHAPTERS):
    """Return the ledger's text.

    Raises:
        LessonError: if a notebook lacks the output of a claim that one of its cells checks, or an
            exact check does not say its statement as a text.
    """
    parts = [INTRODUCTION]
    claims, exact = 0, 0
    for text_path in find_texts(chapters):
        if is_lab(text_path):  # makes no claims
            continue
        lesson = describe(text_path)
        notebook = read_notebook(lesson.notebook_path)
        claimed = claims_of(notebook, lesson.notebook_path)
        checks = checks_of(notebook, lesson.notebook_path)
        if not claimed and not checks:
            continue
        claims, exact = claims + len(claimed), exact + len(checks)
        link = lesson.notebook_path.relative_to(chapters).as_posix()
        parts.append(f"## [{lesson.title}]({link})\n\n" + _table([*claimed, *checks]))
    counted = f"{claims} {'claim' if claims == 1 else 'claims'}"
    counted += f" and {exact} exact {'check' if exact == 1 else 'checks'}" if exact else ""
    parts.insert(1, f"The book makes {counted}.\n")
    return "\n".join(parts)


def write(chapters=CHAPTERS):
    """Write the ledger; returns its path."""
    write_atomically(path(chapters), render(chapters))
    return path(chapters)


def claims_of(notebook, notebook_path):
    """Return the claims that the cells of an executed notebook printed.

    Raises:
        LessonError: if a checked identifier is missing among them.
    """
    printed = [
        item
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.get("name") == "stdout"
        for item in parse_output(output.text)
    ]
    missing = set(ids_in_cells(notebook)[0]) - {item.identifier for item in printed}
    if missing:
        raise LessonError(f"{notebook_path}: no output of the claims {sorted(missing)}")
    return printed


def checks_of(notebook: Any, notebook_path: Path) -> list[CheckedClaim]:
    """The exact checks of a lesson, in their order; they have no evidence.

    Args:
        notebook: its content.
        notebook_path: where it lies, for messages.

    Raises:
        LessonError: a statement does not stand in the cell as a text.
    """
    found = []
    for number, cell in enumerate(notebook.cells, start=1):
        for call in calls_in_cell(cell.source, "exact") if cell.cell_type == "code" else ():
            given = dict(zip(("identifier", "statement"), call.args, strict=False))
            given |= {keyword.arg: keyword.value for keyword in call.keywords}
            texts = [given.get(name) for name in ("identifier", "statement")]
            said = [one.value for one in texts if isinstance(one, ast.Constant)]
            if len(said) < 2 or not all(isinstance(one, str) for one in said):
                raise LessonError(
                    f"{notebook_path}: cell {number}: exact: expected identifier and statement as "
                    "texts, got something that is known only when it runs"
                )
            found.append(CheckedClaim(*said, None))
    return found


def _table(checked):
    rows = ["| claim | statement | evidence |", "|---|---|---|"]
    for item in checked:
        evidence = "exact" if item.evidence is None else item.evidence
        cells = (f"`{item.identifier}`", _cell(item.statement), _cell(evidence))
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _cell(text):
    return text.replace("|", "\\|")
