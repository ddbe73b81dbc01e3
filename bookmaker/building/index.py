"""The start page, and the outline of the book that it shows: lessons, minutes, routes."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from bookmaker.building import inputs
from bookmaker.building.build import build, is_stale
from bookmaker.building.inputs import ROOT
from bookmaker.building.links import RUN_IT
from bookmaker.lessons import budget
from bookmaker.lessons.instead import left_out, sentence
from bookmaker.lessons.lessons import Lesson, companion_text, describe, find_texts, is_deeper
from recsys_book.base.paths import CHAPTERS, LessonError, write_atomically
from recsys_book.reader.start_page import OUTLINE, TAG
from recsys_book.reader.work_copies import IN_CHAPTERS

PAGE = Path(__file__).with_suffix(".md")
"""The start page but for what has its source elsewhere."""

_README = (ROOT / "README.md").read_text(encoding="utf-8")
_WHICH = re.search(r"^## Which model first\?.*?(?=\n^## )", _README, re.MULTILINE | re.DOTALL)
FIRST_MODEL = _WHICH[0].replace("](chapters/", "](") if _WHICH else ""
"""The README's questions, which the start page and the website ask, too."""

_DATA = yaml.safe_load(PAGE.with_suffix(".yaml").read_text(encoding="utf-8"))
CHAPTER_TITLES: dict[str, str] = _DATA["chapters"]
ROUTES: list[dict[str, Any]] = _DATA["routes"]
"""The ways through the book; a route without lessons is that of all."""


def paths(chapters=CHAPTERS):
    """Return the paths of the start page's text and notebook."""
    return Path(chapters) / "index.md", Path(chapters) / "index.ipynb"


def render(chapters=CHAPTERS):
    """Return the start page as MyST text."""
    first = next(path for path in find_texts(chapters))
    link = f"{first.parent.name}/{first.stem}.ipynb"
    return Template(PAGE.read_text(encoding="utf-8")).substitute(
        first=link, run_it=RUN_IT, tag=TAG, first_model=FIRST_MODEL, in_chapters=IN_CHAPTERS
    )


def outline(chapters: Path = CHAPTERS) -> dict[str, Any]:
    """The chapters with their lessons, and the routes, for ``recsys_book.reader.start_page``.

    Args:
        chapters: the folder of the chapters.

    Raises:
        LessonError: a lesson cannot be read, or builds on one that the book does not have; or a
            route leaves out a lesson, and there is no sentence on what to know instead.
    """
    texts = [describe(text_path) for text_path in find_texts(chapters)]
    known = {f"{lesson.chapter}/{lesson.name}" for lesson in texts}
    found: dict[str, dict[str, Any]] = {}
    before = None
    for lesson in texts:
        folder = lesson.chapter
        chapter = found.setdefault(
            folder,
            {
                "number": folder.partition("_")[0],
                "title": chapter_title(folder),
                "needs": [],
                "lessons": [],
                "labs": [],
            },
        )
        one = _entry(lesson)
        if lesson.is_lab:
            chapter["labs"].append(one | {"data": lesson.data})
        elif not is_deeper(lesson.text_path):
            needs = lesson.prerequisites or ()
            for need in needs:
                if need not in known:
                    raise LessonError(
                        f"{lesson.text_path}: front matter `lesson.prerequisites`: expected "
                        f"lessons of the book, got {need!r}"
                    )
            others = {need.partition("_")[0] for need in needs} - {chapter["number"]}
            chapter["needs"] = sorted({*chapter["needs"], *others})
            chapter["lessons"].append(one | {"follows": before in needs})
            before = one["key"]
    needed = {f"{one.chapter}/{one.name}": one.prerequisites or () for one in texts}
    routes = [
        route | {"instead": {one: sentence(one) for one in left_out(route["lessons"], needed)}}
        for route in ROUTES
        if known.issuperset(route["lessons"])
    ]
    return {"chapters": list(found.values()), "routes": routes}


def _entry(lesson: Lesson) -> dict[str, Any]:
    counted = budget.count(lesson.text_path)
    return {
        "key": f"{lesson.chapter}/{lesson.name}",
        "title": lesson.title,
        "question": lesson.question,
        "reading": lesson.minutes if lesson.is_lab else counted.reading,
        "exercises": counted.exercises,
        "seconds": lesson.seconds,
        "has_deeper": companion_text(lesson.text_path).exists(),
    }


def rendered_outline(chapters: Path = CHAPTERS) -> str:
    """The text of ``lessons.json``.

    Args:
        chapters: the folder of the chapters.
    """
    return json.dumps(outline(chapters), indent=1, ensure_ascii=False) + "\n"


def write(chapters=CHAPTERS):
    """Write the outline and the start page, execute it where that is needed; return its path.

    Raises:
        LessonError: a lesson cannot be read, or builds on one that the book does not have.
    """
    text_path, _ = paths(chapters)
    pages: Mapping[Path, str] = {
        Path(chapters) / OUTLINE: rendered_outline(chapters),
        text_path: render(chapters),
    }
    for path, content in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            write_atomically(path, content)
    read = inputs.inputs_of(text_path)
    if is_stale(text_path) or not inputs.is_built_with(text_path, read, chapters):
        build(text_path)
        inputs.record_built(text_path, read, chapters)
    return text_path


def chapter_title(folder):
    """Return a chapter's title; for a folder the book does not know, its name in words."""
    return CHAPTER_TITLES.get(folder, folder[3:].replace("_", " ").capitalize())
