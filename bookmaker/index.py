"""The start page: the map of the book, and its lessons with question, minutes and seconds."""

from pathlib import Path

from bookmaker import book_map, budget, inputs
from bookmaker.build import build, is_stale
from bookmaker.lessons import companion_text, describe, find_texts, is_deeper
from recsys_book.paths import CHAPTERS, write_atomically
from recsys_book.work_copies import IN_CHAPTERS

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
Each lesson names the earlier ones that it builds on. A sentence that ends in ≡ is so by
computation, and a cell checks it each time the lesson runs. One that ends in ✓ was declared,
measured and confirmed; one that ends in ○ was declared and measured, and not confirmed. [The
ledger](FINDINGS.md) lists them all, and what held on worlds that nobody had seen.

"""

BELOW = """

In the JupyterLab of `make lab`, close the tab of a lesson that you have finished: this ends its
kernel, and frees the memory that it holds.
"""

FIRST_MODEL = """\
## Which model first?

Begin with logistic regression and trees, both on counts and rates of user and item. On the book's
two real logs no model is shown to lead these two in GAUC, which compares the rows of one user, as
a ranker does ([the boards](04_sequence_models/05_sequence_comparison.deeper.ipynb)). Then ask what
your log holds:

| if in your log | then try | shown in |
|:---|:---|:---|
| some pairs of ids are exceptions, and return often | a weight for each pair, beside a network | \
[Wide & Deep](01_memorization_generalization/01_wide_and_deep.ipynb) |
| known ids meet that never met before | FM, then FwFM | \
[Crossing pairs](02_second_order_crosses/07_second_order_comparison.ipynb) |
| a third column decides which pair counts | a plain network, then IPNN, DCN-V2 or xDeepFM | \
[Higher orders](03_higher_order_crosses/04_higher_order_comparison.ipynb) |
| users did something before | the mean of the history, then DIN | \
[Sequences](04_sequence_models/05_sequence_comparison.ipynb) |
| a row has several labels | one network for each, then Shared-Bottom | \
[Several tasks](05_multi_task/06_multi_task_comparison.ipynb) |
| requests come from several surfaces | the surface as a column | \
[Several surfaces](06_multi_scenario/06_multi_scenario_comparison.ipynb) |

Each of these lessons says what to count first and when not to use the model.

"""

# What the reader runs on the start page: a sentence of prose, the cell's source and its tags.
START_CELLS = (
    (
        "The next cell says in one line each what is wrong with your environment, if anything is.",
        "from recsys_book import check_env\n\ncheck_env()",
        (),
    ),
    (
        "Most lessons end in exercises that answer at once. Run the next cell to see which of them "
        "you have\nsolved; this is kept in the file `.progress.json`, which you may delete.",
        "from recsys_book import progress\n\nprogress()",
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
    lessons = [describe(text_path) for text_path in find_texts(chapters)]
    begin = [f"**Begin here:** {_linked(first)}.\n\n" for first in lessons[:1]]
    parts = [FRONT_MATTER, "".join([INTRODUCTION, *begin, FIRST_MODEL, IN_CHAPTERS, BELOW])]
    for prose, source, tags in START_CELLS:
        option = f":tags: [{', '.join(tags)}]\n\n" if tags else ""
        parts.append(f"{prose}\n\n```{{code-cell}} ipython3\n{option}{source}\n```\n")
    if any(lesson.prerequisites for lesson in lessons):
        parts.append(book_map.MARKDOWN)
    for chapter, title in _titles(lessons).items():
        found = [lesson for lesson in lessons if lesson.chapter == chapter]
        parts.append(f"## {chapter[:2]} {title}\n\n" + _chapter(found))
    return "\n".join(parts)


def render_map(chapters=CHAPTERS):
    """Return the map of the book as SVG; None as long as no lesson says what it builds on."""
    lessons = [describe(text_path) for text_path in find_texts(chapters)]
    return book_map.render(lessons, _titles(lessons))


def write(chapters=CHAPTERS, force=False):
    """Write the start page and its map, execute it where that is needed, and return its path.

    Raises:
        LessonError: a lesson cannot be read, or builds on one that the book does not have.
    """
    text_path, _ = paths(chapters)
    rendered, picture = render(chapters), render_map(chapters)
    if picture is None:
        book_map.path(chapters).unlink(missing_ok=True)
    else:
        write_atomically(book_map.path(chapters), picture)
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


def _titles(lessons):
    """Dict of the chapters that have lessons to their titles, in the order of the book."""
    return {lesson.chapter: chapter_title(lesson.chapter) for lesson in lessons}


def _chapter(found):
    """A chapter's table of lessons, and a line for each optional lab."""
    lessons = [one for one in found if not one.is_lab and not is_deeper(one.text_path)]
    parts = [_table(lessons)] if lessons else []
    for lab in found:
        if lab.is_lab:
            parts.append(
                f"Optional lab on the data set `{lab.data}`: "
                f"[{lab.title}]({lab.chapter}/{lab.notebook_path.name}). {lab.question} "
                f"({lab.minutes} min to read, {lab.seconds} s to run)\n"
            )
    return "\n".join(parts)


def _table(lessons):
    """A row for each lesson, with its minutes to read and for its exercises."""
    rows = [
        ["lesson", "the question it answers", "to read", "exercises", "to run"],
        [":---", ":---", "---:", "---:", "---:"],
    ]
    for lesson in lessons:
        linked, question = _linked(lesson), lesson.question.replace("|", "\\|")
        companion = companion_text(lesson.text_path)
        if companion.exists():
            linked += f" · [deeper]({lesson.chapter}/{companion.stem}.ipynb)"
        counted = budget.count(lesson.text_path)
        solving = f"{counted.solving} min" if counted.solving else ""
        rows.append([linked, question, f"{counted.reading} min", solving, f"{lesson.seconds} s"])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines[1] = lines[1].replace(" ", "")
    return "\n".join(lines) + "\n"


def _linked(lesson):
    title = lesson.title.replace("|", "\\|")
    return f"[{title}]({lesson.chapter}/{lesson.notebook_path.name})"
