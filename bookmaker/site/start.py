"""The landing page, with its three routes and the map, and a page for each chapter."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bookmaker.book_map import places
from bookmaker.index import chapter_title
from bookmaker.lessons import Lesson
from bookmaker.site.links import html_of
from recsys_book.paths import LessonError

WALK = "[the walk of five commands](docs/README.md)"
ROUTES = (
    ("A first weekend", "00/01 02/01 04/01 04/05", ""),
    ("An engineer with a log", "00/01 00/03 01/01 04/01 04/05 07/04", WALK),
)
"""Name, lessons by the numbers of chapter and lesson, and what is no lesson."""
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
    def number(self) -> str:
        """Numbers of chapter and lesson, such as ``"04/01"``."""
        return f"{self.lesson.chapter[:2]}/{self.lesson.name.partition('_')[0]}"

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


def through_table(text: str) -> str:
    """A section up to the end of its first table.

    Args:
        text: Markdown.

    Raises:
        LessonError: it has no table.
    """
    found = re.match(r".*?^\|.*?$(?!\n\|)", text, re.M | re.S)
    if found is None:
        raise LessonError(f"expected a table, got {text[:60]!r}")
    return found[0]


def landing(
    pages: Sequence[Page], readme: str, which_model: str, contents: Mapping[str, Sequence[str]]
) -> str:
    """The landing page.

    Args:
        pages: all that are staged, in the order of the book.
        readme: text of README.md.
        which_model: what the start page says below *Which model first?*, with the site's links.
        contents: dict of a caption to the pages below it.
    """
    title, _, rest = readme.partition("\n")
    about = rest.partition("\n## ")[0].strip().split("\n\n")[-1]
    first = next(page for page in pages if not page.is_companion)
    parts = [
        f"{title}\n\n{about}",
        f'<p><a class="begin" href="{html_of(first.path)}">Begin here: '
        f"{first.lesson.title}</a></p>",
        f"## For whom\n\n{section(readme, 'For whom')}",
        f"## Three routes\n\n{_routes(pages)}",
        f"## Which model first?\n\n{which_model}",
        f"## The map\n\n{_map(pages)}",
    ]
    for caption, names in contents.items():
        listed = "\n".join(names)
        parts.append(f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{listed}\n```")
    return "\n\n".join(parts) + "\n"


def chapter_page(chapter: str, pages: Sequence[Page]) -> str:
    """The page of a chapter: its lessons with question and minutes.

    Args:
        chapter: its folder.
        pages: those of the chapter, in order.
    """
    lessons = {page.number for page in pages if not page.is_companion}
    rows = [
        f"| [{page.lesson.title}]({Path(page.path).name}) | {page.lesson.question} | "
        f"{page.minutes} min |"
        for page in pages
    ]
    # A companion stands below its lesson, where that is among the pages.
    alone = [page for page in pages if not page.is_companion or page.number not in lessons]
    names = [Path(page.path).name for page in alone]
    listed = "\n".join(name.removesuffix(".ipynb") for name in names)
    return (
        f"# {chapter[:2]} {chapter_title(chapter)}\n\n| lesson | the question it answers | time |\n"
        f"|:---|:---|---:|\n{chr(10).join(rows)}\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    )


def _routes(pages):
    lessons = {page.number: page for page in pages if not page.is_companion}
    rows = ["| route | lessons | hours |", "|:---|:---|---:|"]
    for name, numbers, besides in ROUTES:
        on_route = [lessons[one] for one in numbers.split() if one in lessons]
        shown = [f"[{one.lesson.title.partition(':')[0]}]({one.path})" for one in on_route]
        rows.append(
            f"| {name} | {', '.join([*shown, besides] if besides else shown)} | "
            f"{_hours(on_route)} |"
        )
    open_to_all = [page for page in pages if not page.lesson.is_lab]
    core = [page for page in open_to_all if not page.is_companion]
    rows.append(
        f"| Everything | {len(core)} lessons; with their companions {_hours(open_to_all)} "
        f"hours | {_hours(core)} |"
    )
    return "\n".join(rows)


def _hours(pages: Iterable[Page]) -> str:
    return f"{sum(page.minutes for page in pages) / 60:.1f}"


def _map(pages):
    """The map of the book; each of its boxes is a link."""
    from recsys_book.pictures.flow_pictures import map_drawing

    known = {f"{page.lesson.chapter}/{page.lesson.name}": page for page in pages}
    chapters = {page.lesson.chapter: chapter_title(page.lesson.chapter) for page in pages}
    drawn = [
        place._replace(needs=tuple(one for one in place.needs if one in known))
        for place in places(page.lesson for page in pages)
    ]
    drawing = map_drawing(drawn, chapters)
    svg = drawing.picture().svg
    above = 34.0  # pixels that the title takes
    links = []
    for box in drawing.boxes:
        area, title = box.area, " ".join(box.lines)
        target = (
            html_of(known[box.key].path) if box.key in known else f"chapters/{box.key}/index.html"
        )
        links.append(
            f'<a href="{target}" aria-label="{html.escape(title)}"><rect x="{area.left}" '
            f'y="{area.top + above}" width="{area.right - area.left}" '
            f'height="{area.bottom - area.top}" fill="transparent"/></a>'
        )
    drawn_with_links = svg.rstrip().removesuffix("</svg>") + "\n".join(links) + "\n</svg>"
    # A picture with links in it is a group of links for who cannot see it.
    drawn_with_links = drawn_with_links.replace('role="img"', 'role="group"', 1)
    return f'<div class="map">\n{drawn_with_links}\n</div>'
