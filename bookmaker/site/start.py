"""The landing page, with its three routes and the map, and a page for each chapter."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bookmaker.building.index import FIRST_MODEL, chapter_title
from bookmaker.lessons.lessons import Lesson
from bookmaker.site.links import Links, html_of
from recsys_book.base.paths import LessonError
from recsys_book.reader.start_page import render_for_all

_MINUTES = re.compile(r"\*\*Time\.\*\* (\d+) minutes")


@dataclass(frozen=True)
class Page:
    """A lesson, companion or lab that is staged.

    Args:
        path: from the repository's root.
        lesson: what its front matter says.
        minutes: to read and to solve, as its header says.
    """

    path: str
    lesson: Lesson
    minutes: int

    @property
    def is_companion(self) -> bool:
        return self.lesson.anatomy == "deeper"


def minutes_of(notebook: Any) -> int:
    """The minutes that a lesson's header states.

    Args:
        notebook: the lesson's.

    Raises:
        LessonError: it states none.
    """
    found = _MINUTES.search(notebook.cells[0].source)
    if found is None:
        raise LessonError(f"{notebook.cells[0].source[:60]!r}: expected a line **Time.**, got none")
    return int(found[1])


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level.

    Args:
        text: Markdown.
        heading: how its text begins.

    Raises:
        LessonError: there is no such heading.
    """
    found = re.search(rf"^## {re.escape(heading)}[^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if found is None:
        raise LessonError(f"expected a heading `## {heading}`, got none")
    return found[1].strip()


def landing(readme: str, links: Links, contents: Mapping[str, Sequence[str]]) -> str:
    """The landing page, of README.md and of the start page of the notebooks.

    Args:
        readme: text of README.md.
        links: of all pages.
        contents: dict of a caption to the pages below it.
    """
    readme = links.rewrite(readme, "README.md")
    title, _, rest = readme.partition("\n")
    about = rest.partition("\n## ")[0].strip().split("\n\n")[-1]
    first, routes, map_ = (_html(part, links) for part in render_for_all())
    # What the notebooks' start page says lies in the folder of the chapters.
    which = re.sub(r"\]\((?![a-z]+:)", "](chapters/", FIRST_MODEL)
    parts = [
        f"{title}\n\n{about}",
        first,
        "On these pages you read the lessons, move their sliders and write down guesses. To run "
        f"them and to solve exercises, get {_repository(links)} and type `make lab` in its folder: "
        "[Run the book](run.md).",
        f"## For whom\n\n{section(readme, 'For whom')}",
        f"## Three routes\n\n{routes}",
        links.rewrite(which, "index.md"),
        f"## The map\n\n{map_}",
    ]
    for caption, names in contents.items():
        listed = "\n".join(names)
        parts.append(f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{listed}\n```")
    return "\n\n".join(parts) + "\n"


def run_page(readme: str, links: Links) -> str:
    """The page that says how to run the book, of README.md.

    Args:
        readme: text of README.md.
        links: of all pages.
    """
    first = readme.partition("\n## ")[0]
    commands = re.search(r"^```bash\n.*?^```$", first, re.M | re.S)[0]
    parts = ["# Run the book", f"In the folder of {_repository(links)}:", commands]
    for heading in ("Installation", "Data and licences", "When something goes wrong"):
        parts.append(f"## {heading}\n\n{section(readme, heading)}")
    return links.rewrite("\n\n".join(parts) + "\n", "README.md")


def _repository(links):
    address = links.repository
    return f"[the book's repository]({address})" if address else "the book's repository"


def glossary(text: str) -> str:
    """The glossary with each of its words as a term, which the search finds.

    Args:
        text: Markdown, in which a paragraph on a word begins with it in bold, and a full stop.
    """

    def term(found):
        lines = "\n".join(f"  {line}" for line in found[2].splitlines())
        return f"```{{glossary}}\n{found[1]}\n{lines}\n```"

    return re.sub(r"^\*\*([^*]+)\.\*\* (.+?)(?=\n\n|\n?\Z)", term, text, flags=re.M | re.S)


def _html(text, links):
    """HTML of the notebooks' start page for the site; a lesson that is not there is no link."""

    def link(found):
        path = posixpath.normpath(f"chapters/{found[1]}")
        if path in links.pages:
            return f'<a href="{html_of(path)}"{found[2]}>{found[3]}</a>'
        return f"<span{found[2]}>{found[3]}</span>"

    return re.sub(r'<a href="([^":]+)"([^>]*)>(.*?)</a>', link, text)


def chapter_page(chapter: str, pages: Sequence[Page]) -> str:
    """The page of a chapter: its lessons with question and minutes.

    Args:
        chapter: its folder.
        pages: those of the chapter, in order.
    """
    rows = [
        f"| [{page.lesson.title}]({Path(page.path).name}) | {page.lesson.question} | "
        f"{page.minutes} min |"
        for page in pages
    ]
    # The way leads from lesson to lesson; companions come after the last one.
    in_order = sorted(pages, key=lambda page: page.is_companion)
    names = [Path(page.path).name for page in in_order]
    listed = "\n".join(name.removesuffix(".ipynb") for name in names)
    return (
        f"# {chapter[:2]} {chapter_title(chapter)}\n\n| lesson | the question it answers | time |\n"
        f"|:---|:---|---:|\n{chr(10).join(rows)}\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    )
