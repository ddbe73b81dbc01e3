"""The ledger: every claim of the book with the evidence of the committed notebooks."""

from pathlib import Path

from bookmaker.claim_sources import ids_in_cells
from bookmaker.lessons import describe, find_texts, is_lab, read_notebook
from recsys_lib.book.claims import parse_output
from recsys_lib.book.places import CHAPTERS, LessonError, write_atomically

INTRODUCTION = """\
# Ledger of claims

Generated from the outputs of the executed notebooks by `make book`; do not edit. Each statement is
checked by a cell of its lesson whenever the lesson runs. The evidence is what the committed
notebook measured; another machine measures slightly different numbers.
"""


def path(chapters=CHAPTERS):
    """Return where the ledger lies."""
    return Path(chapters) / "CLAIMS.md"


def render(chapters=CHAPTERS):
    """Return the ledger's text.

    Raises:
        LessonError: if a notebook lacks the output of a claim that one of its cells checks.
    """
    parts = [INTRODUCTION]
    total = 0
    for text_path in find_texts(chapters):
        if is_lab(text_path):  # makes no claims
            continue
        lesson = describe(text_path)
        checked = claims_of(read_notebook(lesson.notebook_path), lesson.notebook_path)
        if not checked:
            continue
        total += len(checked)
        link = lesson.notebook_path.relative_to(chapters).as_posix()
        parts.append(f"## [{lesson.title}]({link})\n\n" + _table(checked))
    parts.insert(1, f"The book makes {total} {'claim' if total == 1 else 'claims'}.\n")
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


def _table(checked):
    rows = ["| claim | statement | evidence |", "|---|---|---|"]
    for item in checked:
        cells = (f"`{item.identifier}`", _cell(item.statement), _cell(item.evidence))
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _cell(text):
    return text.replace("|", "\\|")
