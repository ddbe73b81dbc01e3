"""The manual for instructors: every exercise with its solution, its mistakes and its rubric."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from html import escape
from pathlib import Path

from bookmaker.course import assets
from bookmaker.grading.assignment import split_points
from recsys_book.base.paths import CHAPTERS, write_atomically
from recsys_book.exercises.parsing import Exercise, ExerciseFile
from recsys_book.exercises.source import find_sources, read_source

FOLDER = CHAPTERS.parent / "build" / "manual"
SECONDS = 600
"""For Chromium to print."""

THINKING = {
    "recall": "tell a statement of the lesson from those that are like it",
    "code": "turn a formula into code that holds for every case",
    "derivation": "derive it on paper, then try it against numbers",
    "experiment": "say what an experiment gives before it runs",
    "open": "decide for a case of one's own, and give reasons",
}
"""What each kind of exercise asks for."""

RULE = """\
Difficulty is one star for every exercise; one more from 8 minutes on, and one more from 12 minutes
on; one more for a derivation or an open answer, which begin on an empty page; and one more where an
answer looks right and is not: a recorded mistake that passes the public tests, or a recall exercise
with four or more recorded mistakes."""

_STYLE = """\
<style>
body { max-width: 48em; margin: 2em auto; padding: 0 1em; font: 16px/1.5 sans-serif; }
pre { background: #f4f4f4; padding: .6em; overflow-x: auto; white-space: pre-wrap; }
h3 { border-top: 1px solid #bbb; padding-top: 1em; } h4 { margin-bottom: .2em; }
table { border-collapse: collapse; } td, th { border: 1px solid #bbb; padding: .2em .6em; }
h3, h4 { break-after: avoid; }
@media print { h2 { break-before: page; } pre { break-inside: avoid; } }
</style>"""


def difficulty(one: Exercise) -> int:
    """How hard an exercise is, one to five, by `RULE`.

    Args:
        one: the exercise.
    """
    hidden = any(mistake.caught_by == "hidden" for mistake in one.mistakes)
    tempting = len(one.mistakes) >= 4 if one.kind == "recall" else hidden
    blank = one.kind in ("derivation", "open")
    return 1 + (one.minutes >= 8) + (one.minutes >= 12) + tempting + blank


def _stars(one: Exercise) -> str:
    return "★" * difficulty(one) + "☆" * (5 - difficulty(one))


def render(files: Iterable[ExerciseFile]) -> str:
    """The manual as one page of HTML.

    Args:
        files: the exercises, in the order of the book.
    """
    files = list(files)
    every = [one for file in files for one in file.exercises]
    minutes = sum(one.minutes for one in every)
    parts = [
        f"# Manual for instructors\n\n{len(every)} exercises, {minutes / 60:.0f} hours. It holds "
        "the solutions and the hidden tests: do not hand it out.",
        f"## Kinds and difficulty\n\n{RULE}",
        "\n".join(f"- **{kind}**: {text}" for kind, text in THINKING.items()),
        "## Contents",
        "\n".join(f"- [{_title(file)}](#{file.lesson})" for file in files),
        *map(_lesson, files),
    ]
    return assets.page("Manual for instructors", _STYLE, assets.html_of("\n\n".join(parts)))


def _title(file: ExerciseFile) -> str:
    number = f"{file.path.parent.name[:2]}/{file.lesson.partition('_')[0]}"
    return f"{number} {file.title.removeprefix('Exercises: ')}"


def _lesson(file: ExerciseFile) -> str:
    rows = [
        f"| [{one.title}](#{one.identifier}) | {one.kind} | {one.points} | {one.minutes} | "
        f"{_stars(one)} |"
        for one in file.exercises
    ]
    head = "| exercise | kind | points | minutes | difficulty |\n|:---|:---|---:|---:|---:|"
    title = f'<h2 id="{file.lesson}">{escape(_title(file))}</h2>'
    return "\n\n".join([title, "\n".join([head, *rows]), *map(_exercise, file.exercises)])


def _exercise(one: Exercise) -> str:
    def code(text: str) -> str:
        return f"```python\n{text}\n```"

    public, hidden = split_points(one)
    shares = f", {hidden} of them for the hidden tests" if hidden else ""
    hints = "\n".join(f"{number}. {hint}" for number, hint in enumerate(one.hints, start=1))
    varies = one.variant_note or ("The order of the options." if one.varies == "options" else "")
    parts = [
        f'<h3 id="{one.identifier}">{escape(one.title)}</h3>',
        f"`{one.identifier}`, {public + hidden} point{'s' * (one.points > 1)}{shares}, "
        f"{one.minutes} minutes, {_stars(one)}; {one.kind}: {THINKING[one.kind]}.",
        one.statement,
        f"<h4>Solution</h4>\n\n{code(one.solution)}",
    ]
    named = {"Explanation": one.explanation, "Rubric": one.rubric, "Hints": hints}
    named |= {"With a seed": varies, "Hidden tests": one.hidden and code(one.hidden)}
    parts += [f"<h4>{name}</h4>\n\n{text}" for name, text in named.items() if text]
    if one.mistakes:
        parts.append("<h4>Recorded mistakes, and what each shows</h4>")
    for mistake in one.mistakes:
        found = "public" if mistake.caught_by == "public" else "hidden, the public ones pass"
        parts += [f"{mistake.text} *(found by: {found})*", code(mistake.code)]
    return "\n\n".join(parts)


def write(chapters: Path = CHAPTERS, folder: Path = FOLDER) -> list[Path]:
    """Write the manual as HTML, and as PDF where Chromium is installed; return the paths.

    Args:
        chapters: the folder of the chapters.
        folder: where it is written.
    """
    assets.copy_mathjax(folder)
    page = folder / "index.html"
    write_atomically(page, render(map(read_source, find_sources(chapters))))
    return [page, *_print(page, folder / "manual.pdf")]


def _print(page: Path, path: Path) -> list[Path]:
    """Print a page with Chromium, once its formulas are set; without Chromium nothing."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = [name for name in names if shutil.which(name)]
    if not found:
        return []
    path.unlink(missing_ok=True)  # of the page as it was
    command = [found[0], "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    command += ["--virtual-time-budget=120000", page.resolve().as_uri()]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        new = Path(folder) / path.name  # a browser that is ended may leave half of it
        with contextlib.suppress(subprocess.SubprocessError):
            command += [f"--print-to-pdf={new}"]
            subprocess.run(command, capture_output=True, check=True, timeout=SECONDS)
            return [new.replace(path)]
    return []
