"""Checks a lesson without running it: pair, execution, outputs, anatomy, sentences.

Every function returns a list of one-line problems, each beginning with the file it is about; an
empty list means that all is well.
"""

import re
import sys
import tempfile
from pathlib import Path

from bookmaker.building import evidence, generated, index, inputs, links
from bookmaker.building.build import is_stale
from bookmaker.checks import numbers, pairs
from bookmaker.lessons import budget, figures, live, sentences
from bookmaker.lessons.anatomies import HEADER_LABELS
from bookmaker.lessons.budget import lines_to_read
from bookmaker.lessons.figures import WITHHELD
from bookmaker.lessons.lesson_cells import duplicate_exercises, lesson_problems
from bookmaker.lessons.lessons import (
    describe,
    find_texts,
    read_notebook,
    read_text,
)
from bookmaker.lessons.offered_names import module_problems, offer_problems
from bookmaker.lessons.prose import headings
from recsys_book.base.paths import CHAPTERS, LessonError
from recsys_book.plotting.frames import frames_in
from recsys_book.reader.start_page import OUTLINE

LONGEST_CELL = 30
LONGEST_TAGGED_CELL = 40

_PIXELS = re.compile(r"data:image/png;base64,[^\"]*")
_ABSOLUTE_PATH = re.compile(r"""(?:^|[\s"'(=\[,])((?:/[\w.+-]+){2,}/?|[A-Za-z]:\\\w[\w\\.-]*)""")


def check_book(chapters=CHAPTERS):
    """Return the problems of all lessons, of the start page and of the ledger."""
    chapters = Path(chapters)
    texts = find_texts(chapters)
    problems = []
    for text_path in texts:
        problems += check_lesson(text_path)
    findings = sentences.findings_recorded(sentences.results_of(chapters))
    problems += sentences.problems_between(texts, findings)
    problems += duplicate_exercises(chapters)
    known = {text_path.with_suffix(".ipynb") for text_path in texts}
    for path in sorted(chapters.glob("[0-9][0-9]_*/*.ipynb")):
        if path not in known and not path.name.endswith(".exercises.ipynb"):
            problems.append(f"{path}: notebook without a text of the same name")
    if not problems:
        # Both are generated from the lessons; a broken lesson has been named above.
        problems += index_problems(chapters)
        problems += evidence.problems(chapters)
        problems += inputs.problems(chapters)
        problems += links.problems(chapters)
    return problems


def check_lesson(text_path):
    """Return the problems of one lesson."""
    try:
        text_notebook = read_text(text_path)
        lesson = describe(text_path, text_notebook)
        notebook = read_notebook(lesson.notebook_path)
    except LessonError as error:
        return [str(error)]
    stale, problems = stale_problems(text_path), _text_problems(lesson, text_notebook)
    if stale:
        return stale + problems
    problems += budget.problems(lesson, budget.count(text_path, text_notebook, notebook))
    problems += numbers.problems(lesson, notebook)
    problems += notebook_problems(lesson.notebook_path, notebook)
    problems += live.problems(lesson.notebook_path, notebook)
    return problems + figures.problems(lesson.notebook_path, notebook)


def text_problems(text_path):
    """Return what a lesson's text lacks, which can be told before anything runs."""
    try:
        notebook = read_text(text_path)
        return _text_problems(describe(text_path, notebook), notebook)
    except LessonError as error:
        return [str(error)]


def _text_problems(lesson, notebook):
    return [
        *anatomy_problems(lesson, notebook),
        *pairs.problems(lesson, notebook),
        *lab_problems(lesson, notebook),
        *sentences.problems(lesson.text_path, notebook),
        *lesson_problems(lesson.text_path, notebook),
        *offer_problems(lesson.text_path, notebook),
        *module_problems(lesson.text_path, notebook),
    ]


def stale_problems(text_path):
    """Return one line if a pair's notebook is not what a build makes of its text, else none."""
    path = Path(text_path).with_suffix(".ipynb")
    fault = f"{path}: stale: not what a build makes of the text; run `make book`"
    return [fault] if is_stale(text_path) else []


def notebook_problems(path, notebook):
    """Return what is wrong with the cells and outputs of an executed notebook."""
    problems = []
    count = 0
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        where = f"{path}: cell {number}"
        tags = cell.metadata.get("tags", [])
        if not cell.source.strip():
            problems.append(f"{where} is an empty code cell")
            continue
        count += 1
        if cell.execution_count != count:
            problems.append(
                f"{where} has execution count {cell.execution_count}, expected {count}: the "
                "notebook was not run once from top to bottom"
            )
        lines = lines_to_read(cell.source)
        longest = LONGEST_TAGGED_CELL if "long-cell" in tags else LONGEST_CELL
        if lines > longest:
            problems.append(f"{where} has {lines} lines, at most {longest} are allowed")
        for output in [*cell.outputs, *cell.metadata.get(WITHHELD, [])]:
            problems += _output_problems(where, output) + _slider_problems(where, output)
    return problems


def anatomy_problems(lesson, notebook):
    """Return which parts of a lesson are missing or out of place."""
    path = lesson.text_path
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    found = [heading for text in prose for heading in headings(text)]
    problems = []
    titles = [text for level, text, _ in found if level == 1]
    if titles != [lesson.title]:
        problems.append(f"{path}: expected one heading `# {lesson.title}`, found {titles}")
    header = notebook.cells[0].source if notebook.cells else ""
    header = header.split("\n## ")[0]
    for label in HEADER_LABELS[lesson.anatomy]:
        if f"**{label}.**" not in header:
            problems.append(
                f"{path}: the header (first cell, before any `##`) lacks `**{label}.**`"
            )
    problems += generated.header_problems(lesson, header, notebook)
    second = [text for level, text, _ in found if level == 2]
    for wanted in pairs.headings(lesson, notebook):
        if (count := second.count(wanted)) != 1:
            problems.append(f"{path}: heading `## {wanted}` appears {count} times, expected once")
    return problems


def lab_problems(lesson, notebook):
    """Return what a lab does not do that every lab must."""
    if not lesson.is_lab:
        return []
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    asks = f'needs_data("{lesson.data}")'
    if not code or asks not in code[0]:
        return [f"{lesson.text_path}: the first code cell does not call {asks}"]
    return []


def index_problems(chapters):
    """Return the problems of the generated start page."""
    text_path, notebook_path = index.paths(chapters)
    if not text_path.exists() or text_path.read_text(encoding="utf-8") != index.render(chapters):
        return [f"{text_path}: not what the lessons say; run `make book`"]
    outline = text_path.with_name(OUTLINE)
    there = outline.read_text(encoding="utf-8") if outline.exists() else None
    if there != index.rendered_outline(chapters):
        return [f"{outline}: not what the lessons say; run `make book`"]
    try:
        notebook = read_notebook(notebook_path)
    except LessonError as error:
        return [str(error)]
    return stale_problems(text_path) + notebook_problems(notebook_path, notebook)


def _output_problems(where, output):
    if output.output_type == "error":
        return [f"{where} ended with {output.ename}: {output.evalue}"]
    if output.get("name") == "stderr":
        return [f"{where} wrote to stderr: {_short(output.text)}"]
    texts = [output.text] if "text" in output else []
    texts += [
        _PIXELS.sub("", text)
        for kind, text in output.get("data", {}).items()
        if kind.startswith("text/") and isinstance(text, str)
    ]
    found = {path for text in texts for path in machine_paths(text)}
    return [f"{where} shows a path of the machine it ran on: {path}" for path in sorted(found)]


def _slider_problems(where, output):
    """A slider that says something else has to show something else, too."""
    sentences = {}
    for one in frames_in(output.get("data", {})):
        sentences.setdefault(one["png"], set()).add(one["sentence"])
    return [
        f"{where}: expected another picture for each sentence of the slider, got one for "
        f"{sorted(said)}"
        for said in sentences.values()
        if len(said) > 1
    ]


def machine_paths(text):
    """Return the absolute paths and this machine's own folders that ``text`` mentions."""
    found = {match.group(1) for match in _ABSOLUTE_PATH.finditer(text)}
    here = {str(CHAPTERS.parent), str(Path.home()), sys.prefix, tempfile.gettempdir()}
    return found | {folder for folder in here if len(folder) > 1 and f"{folder}/" in text}


def _short(value, length=70):
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}..."
