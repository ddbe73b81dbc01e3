"""Formats the code cells in the lessons' texts with ruff, which reads notebooks but no text."""

import json
import subprocess
import sys
from pathlib import Path

from bookmaker.lessons.lessons import read_text
from recsys_book.base.paths import LessonError, write_atomically


def format_text(text_path):
    """Format the code cells of one lesson's text in place; returns whether it changed.

    Raises:
        LessonError: if ruff cannot parse a cell; the message is ruff's own.
    """
    text_path = Path(text_path)
    notebook = read_text(text_path)
    command = [sys.executable, "-m", "ruff", "format"]
    command += ["--stdin-filename", str(text_path.with_suffix(".ipynb")), "-"]
    finished = subprocess.run(command, input=json.dumps(notebook), capture_output=True, text=True)
    if finished.returncode != 0:
        raise LessonError(f"{text_path}: {finished.stderr.strip()}")
    formatted = json.loads(finished.stdout)

    text = text_path.read_text(encoding="utf-8")
    position = 0
    pieces = []
    for before, after in zip(notebook.cells, formatted["cells"], strict=True):
        if before.cell_type != "code" or not before.source:
            continue
        start = text.index("```{code-cell}", position)
        start = text.index(before.source, start)
        pieces += [text[position:start], "".join(after["source"])]
        position = start + len(before.source)
    result = "".join([*pieces, text[position:]])
    if result == text:
        return False
    write_atomically(text_path, result)
    return True
