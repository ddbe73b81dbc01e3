"""Formats the code cells in the lessons' texts with ruff, which reads notebooks but no text."""

import json
import subprocess
import sys
from pathlib import Path

from bookmaker.lessons.lessons import code_places, read_text
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
    code = [cell for cell in formatted["cells"] if cell["cell_type"] == "code" and cell["source"]]
    position = 0
    pieces = []
    for (start, end), cell in zip(code_places(text, notebook), code, strict=True):
        pieces += [text[position:start], "".join(cell["source"])]
        position = end
    result = "".join([*pieces, text[position:]])
    if result == text:
        return False
    write_atomically(text_path, result)
    return True
