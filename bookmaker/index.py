"""The start page: chapters and lessons with their questions, reading minutes and seconds."""

from pathlib import Path

from bookmaker import inputs
from bookmaker.build import build, is_stale
from bookmaker.lessons import describe, find_texts
from recsys_lib.book.places import CHAPTERS, write_atomically
from recsys_lib.book.work_copies import IN_CHAPTERS

FRONT_MATTER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
    format_version: 0.13
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
---
"""

INTRODUCTION = """\
# Ranking models for recommenders

A recommender's ranking stage is given about a thousand candidates for one request and predicts
what the user will do with each. This book teaches its models by running them. Every lesson is a
notebook: open it, run it from top to bottom, change it. You need NumPy and one Keras tutorial.
Begin with chapter 00; each lesson names the earlier ones that it builds on. Sentences marked
`claim: ...` are checked by a cell each time the lesson runs; [the ledger](CLAIMS.md) lists all of
them.

"""

GENERATED = "\n\nThis page is generated from the lessons by `make book`.\n"

# What the reader runs on the start page: a sentence of prose, the cell's source and its tags.
START_CELLS = (
    (
        "The next cell says in one line each what is wrong with your environment, if anything is.",
        "from recsys_lib.book import check_env\n\ncheck_env()",
        (),
    ),
    (
        "Most lessons end in exercises that answer at once. Run the next cell to see which of them "
        "you have\nsolved; this is kept in the file `.progress.json`, which you may delete.",
        "from recsys_lib.book import progress\n\nprogress()",
        ("nbval-ignore-output",),
    ),
)

CHAPTER_TITLES = {
    "00_the_ranking_stage": "The ranking stage",
    "01_memorization_generalization": "Memorization and generalization",
    "02_second_order_crosses": "Second-order crosses",
    "03_higher_order_crosses": "Higher-order crosses",
    "04_sequence_models": "Sequence models",
    "05_multi_task": "Multi-task learning",
    "06_multi_scenario": "Multi-scenario learning",
    "07_one_request": "One request, from features to a ranking",
}


def paths(chapters=CHAPTERS):
    """Return the paths of the start page's text and notebook."""
    return Path(chapters) / "index.md", Path(chapters) / "index.ipynb"


def render(chapters=CHAPTERS):
    """Return the start page as MyST text, generated from the lessons' front matter."""
    parts = [FRONT_MATTER, INTRODUCTION + IN_CHAPTERS + GENERATED]
    for prose, source, tags in START_CELLS:
        option = f":tags: [{', '.join(tags)}]\n\n" if tags else ""
        parts.append(f"{prose}\n\n```{{code-cell}} ipython3\n{option}{source}\n```\n")
    by_chapter = {}
    for text_path in find_texts(chapters):
        by_chapter.setdefault(text_path.parent.name, []).append(describe(text_path))
    for chapter, lessons in by_chapter.items():
        parts.append(f"## {chapter[:2]} {chapter_title(chapter)}\n\n" + _chapter(lessons))
    return "\n".join(parts)


def write(chapters=CHAPTERS, force=False):
    """Write the start page and execute it where that is needed; returns the text's path."""
    text_path, _ = paths(chapters)
    rendered = render(chapters)
    if not text_path.exists() or text_path.read_text(encoding="utf-8") != rendered:
        write_atomically(text_path, rendered)
    if force or is_stale(text_path):
        read = inputs.inputs_of(text_path)
        build(text_path)
        inputs.record_built(text_path, read, chapters)
    return text_path


def chapter_title(folder):
    """Return a chapter's title; for a folder the book does not know, its name in words."""
    return CHAPTER_TITLES.get(folder, folder[3:].replace("_", " ").capitalize())


def _chapter(found):
    """A chapter's table of lessons, and a line for each optional lab."""
    lessons = [lesson for lesson in found if lesson.data is None]
    parts = [_table(lessons)] if lessons else []
    for lab in found:
        if lab.data is not None:
            parts.append(
                f"Optional lab on the data set `{lab.data}`: "
                f"[{lab.title}]({lab.chapter}/{lab.notebook_path.name}). {lab.question} "
                f"({lab.minutes} min to read, {lab.seconds} s to run)\n"
            )
    return "\n".join(parts)


def _table(lessons):
    rows = ["| lesson | the question it answers | to read | to run |", "|:---|:---|---:|---:|"]
    for lesson in lessons:
        link = f"{lesson.chapter}/{lesson.notebook_path.name}"
        title, question = (text.replace("|", "\\|") for text in (lesson.title, lesson.question))
        rows.append(
            f"| [{title}]({link}) | {question} | {lesson.minutes} min | {lesson.seconds} s |"
        )
    return "\n".join(rows) + "\n"
