"""The manual for instructors: every exercise with its solution, its mistakes and its rubric."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from html import escape
from pathlib import Path

from bookmaker.course import assets
from bookmaker.grading.assignment import split_points
from recsys_book.exercises.parsing import Exercise, ExerciseFile
from recsys_book.exercises.source import find_sources, read_source
from recsys_book.paths import CHAPTERS, write_atomically

FOLDER = CHAPTERS.parent / "build" / "manual"

THINKING = {
    "recall": "recall: tell a statement of the lesson from those that are like it",
    "code": "apply: turn a formula into code that holds for every case",
    "derivation": "analyse: derive it on paper, then try it against numbers",
    "experiment": "predict: say what an experiment gives before it runs",
    "open": "judge: decide for a case of one's own, and give reasons",
}
"""The kind of thinking that each kind of exercise asks for."""

RULE = """\
One star for every exercise; one more from 8 minutes on, and one more from 12 minutes on; one more
for a derivation or an open answer, which begin on an empty page; and one more where an answer looks
right and is not: a recorded mistake that passes the public tests, or a recall exercise with four or
more recorded mistakes."""

_HEAD = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ max-width: 48em; margin: 2em auto; padding: 0 1em; font: 16px/1.5 sans-serif; }}
pre {{ background: #f4f4f4; padding: .6em; overflow-x: auto; white-space: pre-wrap; }}
h3 {{ border-top: 1px solid #bbb; padding-top: 1em; }} h4 {{ margin-bottom: .2em; }}
table {{ border-collapse: collapse; }} td, th {{ border: 1px solid #bbb; padding: .2em .6em; }}
.what {{ color: #555; }} a.anchor-link {{ display: none; }}
@media print {{ section {{ break-before: page; }} pre {{ break-inside: avoid; }} }}
</style>
{mathjax}
</head><body>
"""


def stars(one: Exercise) -> int:
    """How hard an exercise is, one to five, by `RULE`.

    Args:
        one: the exercise.
    """
    hidden = any(mistake.caught_by == "hidden" for mistake in one.mistakes)
    tempting = len(one.mistakes) >= 4 if one.kind == "recall" else hidden
    blank = one.kind in ("derivation", "open")
    return 1 + (one.minutes >= 8) + (one.minutes >= 12) + tempting + blank


def shown_stars(one: Exercise) -> str:
    """The stars as HTML that a screen reader reads as a number.

    Args:
        one: the exercise.
    """
    count = stars(one)
    text = "★" * count + "☆" * (5 - count)
    return f'<span role="img" aria-label="{count} of 5 stars">{text}</span>'


def render(files: Iterable[ExerciseFile], mathjax: str = "") -> str:
    """The manual as one page of HTML.

    Args:
        files: the exercises, in the order of the book.
        mathjax: what the head loads to show formulas; without it they stay TeX.
    """
    files = list(files)
    title = "Manual for instructors"
    count = sum(len(file.exercises) for file in files)
    minutes = sum(one.minutes for file in files for one in file.exercises)
    parts = [
        _HEAD.format(title=title, mathjax=mathjax),
        f"<h1>{title}</h1><p>{count} exercises, {minutes / 60:.0f} hours. It holds the solutions "
        "and the hidden tests: do not hand it out.</p>"
        f"<h2>Stars and thinking</h2><p>{RULE}</p><ul>",
        *[f"<li>{escape(kind)}: {escape(text)}</li>" for kind, text in THINKING.items()],
        "</ul><h2>Contents</h2><ul>",
        *[f'<li><a href="#{_anchor(file)}">{escape(_title(file))}</a></li>' for file in files],
        "</ul>",
        *map(_lesson, files),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _anchor(file: ExerciseFile) -> str:
    return f"{file.path.parent.name}-{file.lesson}"


def _title(file: ExerciseFile) -> str:
    number = f"{file.path.parent.name[:2]}/{file.lesson.partition('_')[0]}"
    return f"{number} {file.title.removeprefix('Exercises: ')}"


def _lesson(file: ExerciseFile) -> str:
    rows = [
        f'<tr><td><a href="#{one.identifier}">{escape(one.title)}</a></td><td>{one.kind}</td>'
        f"<td>{one.points}</td><td>{one.minutes}</td><td>{shown_stars(one)}</td></tr>"
        for one in file.exercises
    ]
    head = "<tr><th>exercise</th><th>kind</th><th>points</th><th>min</th><th>difficulty</th></tr>"
    return "\n".join(
        [
            f'<section><h2 id="{_anchor(file)}">{escape(_title(file))}</h2>',
            f"<table>{head}{''.join(rows)}</table>",
            *map(_exercise, file.exercises),
            "</section>",
        ]
    )


def _exercise(one: Exercise) -> str:
    from nbconvert.filters import markdown2html

    def code(text: str) -> str:
        return markdown2html(f"```python\n{text}\n```")

    public, hidden = split_points(one)
    shares = f", {hidden} of them for the hidden tests" if hidden else ""
    parts = [
        f'<h3 id="{one.identifier}">{escape(one.title)}</h3>',
        f'<p class="what">{shown_stars(one)} <code>{one.identifier}</code>, {public + hidden} '
        f"points{shares}, {one.minutes} minutes. {escape(THINKING[one.kind].capitalize())}.</p>",
        markdown2html(one.statement),
        f"<h4>Solution</h4>{code(one.solution)}",
    ]
    for name, text in (("Explanation", one.explanation), ("Rubric", one.rubric)):
        parts += [f"<h4>{name}</h4>{markdown2html(text)}"] * bool(text)
    if one.mistakes:
        parts.append("<h4>Recorded mistakes, and what each shows</h4>")
    for mistake in one.mistakes:
        found = "public" if mistake.caught_by == "public" else "hidden, the public ones pass"
        parts += [markdown2html(f"{mistake.text} *(found by: {found})*"), code(mistake.code)]
    hints = "\n".join(f"{number}. {hint}" for number, hint in enumerate(one.hints, start=1))
    parts.append(f"<h4>Hints</h4>{markdown2html(hints)}")
    if one.hidden:
        summary = "<details><summary>Hidden tests</summary>"
        parts.append(f"{summary}{code(one.hidden)}</details>")
    if one.variant_note or one.varies == "options":
        varies = one.variant_note or "The order of the options."
        parts.append(f"<p><strong>With a seed:</strong> {escape(varies)}</p>")
    return "\n".join(parts)


def write(chapters: Path = CHAPTERS, folder: Path = FOLDER) -> tuple[list[Path], str]:
    """Write the manual as HTML, and as PDF where Chromium is installed.

    Args:
        chapters: the folder of the chapters.
        folder: where it is written.

    Returns:
        The paths, and why formulas stay TeX; empty where MathJax is there.
    """
    mathjax, fault = "", ""
    try:
        place = os.path.relpath(assets.fetch(), folder)
        mathjax = assets.MATHJAX.format(folder=place)
    except assets.AssetError as error:
        fault = f"formulas are shown as TeX: {error}"
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    write_atomically(page, render(map(read_source, find_sources(chapters)), mathjax))
    printed = _print(page, folder / "manual.pdf")
    return [page, *printed], fault


def _print(page: Path, path: Path) -> list[Path]:
    """Print a page with Chromium, once its formulas are set; without Chromium nothing."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next((one for name in names if (one := shutil.which(name))), None)
    if found is None:
        return []
    new = path.with_suffix(".new.pdf")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    options += ["--virtual-time-budget=120000", f"--print-to-pdf={new}", page.resolve().as_uri()]
    finished = subprocess.run([found, *options], capture_output=True, check=False)
    if finished.returncode or not new.exists():
        return []
    return [new.replace(path)]
