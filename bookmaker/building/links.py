"""Links at head and foot of a lesson: the previous one, the start page, the next, its companion.

A lesson's first cell is followed by a prose cell with the tag ``links``, and another one ends it.
Both are generated from the order of the book; the first one also says how to run the lesson. Labs
are optional: they lead back into the row of lessons, and the row passes them by. A companion
``NN_slug.deeper.md`` leads back to its lesson.
"""

import re
from pathlib import Path

from bookmaker.building.build import refresh
from bookmaker.lessons.lessons import (
    companion_text,
    describe,
    find_texts,
    is_deeper,
    is_lab,
    lesson_text,
)
from recsys_book.base.notebook_sources import LINKS_TAG
from recsys_book.base.paths import CHAPTERS, LessonError, write_atomically

RUN_IT = "*Run > Run All Cells* in the menu, or press Shift+Enter in one cell after the other"
"""How to run a notebook, behind "choose"."""
HOW_TO_RUN = (
    f"**How to run.** Choose {RUN_IT}. Folded cells have to run, too, but need not be read."
)
_MARK = f'+++ {{"tags": ["{LINKS_TAG}"]}}'
_LINKS = re.compile(rf"\n*^{re.escape(_MARK)}\n\n[^\n]*\n(?:\n\*\*How to run\.[^\n]*\n)?", re.M)
_END_OF_CELL = re.compile(r"^(\+\+\+|```\{code-cell\})", re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)


def line(text_path: Path, chapters: Path = CHAPTERS) -> str:
    """The links of one lesson, as one line of Markdown.

    Args:
        text_path: the lesson's text, in ``chapters``.
        chapters: the folder of the chapters.

    Returns:
        Such as ``Previous: [FM](01_fm.ipynb) · [Start page](../index.ipynb)``.

    Raises:
        LessonError: a text that is linked to has no sound front matter.
    """
    text_path = Path(text_path)
    texts = find_texts(chapters)
    row = [path for path in texts if not is_lab(path) and not is_deeper(path)]
    start = "[Start page](../index.ipynb)"
    if is_deeper(text_path):
        return f"Lesson: {_link(lesson_text(text_path), text_path)} · {start}"
    before = [path for path in row if path < text_path]
    behind = [path for path in row if path > text_path]
    parts = [f"Previous: {_link(before[-1], text_path)}"] if before else []
    parts.append(start)
    if behind:
        parts.append(f"Next: {_link(behind[0], text_path)}")
    deeper = companion_text(text_path)
    if deeper in texts:
        parts.append(f"Deeper: [more on this lesson]({deeper.stem}.ipynb)")
    return " · ".join(parts)


def link_to(name: str, source: Path) -> str:
    """A link from one lesson to another, with the other's title up to its first colon.

    Args:
        name: of the other, such as ``"02_second_order_crosses/01_fm"``.
        source: the text in which the link stands.

    Returns:
        Such as ``[FM](../02_second_order_crosses/01_fm.ipynb)``.

    Raises:
        LessonError: there is no such lesson, or its front matter is not sound.
    """
    source = Path(source)
    target = source.parent.parent / f"{name}.md"
    if not target.is_file():
        raise LessonError(f"{source}: expected names of lessons of the book, got {name}")
    return _link(target, source)


def problems(chapters: Path = CHAPTERS) -> list[str]:
    """Which lessons do not link to their neighbours, one line each.

    Args:
        chapters: the folder of the chapters.

    Returns:
        A line for each text whose links are missing, or not those of the book's order.

    Raises:
        LessonError: a text has no sound front matter.
    """
    return [
        f"{path}: the links at head and foot are missing or not those of the book's order; "
        "run `python -m bookmaker links`"
        for path in find_texts(chapters)
        if _with_links(path, chapters) != path.read_text(encoding="utf-8")
    ]


def write(chapters: Path = CHAPTERS) -> list[Path]:
    """Write links and how to run it into all lessons' texts and notebooks; no cell is executed.

    Args:
        chapters: the folder of the chapters.

    Returns:
        The files that changed.

    Raises:
        LessonError: a text has no sound front matter.
    """
    changed = []
    for text_path in find_texts(chapters):
        text = _with_links(text_path, chapters)
        if text != text_path.read_text(encoding="utf-8"):
            write_atomically(text_path, text)
            changed.append(text_path)
            if refresh(text_path):
                changed.append(text_path.with_suffix(".ipynb"))
    return changed


def _with_links(text_path, chapters):
    """The text at ``text_path`` as it should be."""
    text = _LINKS.sub("\n", text_path.read_text(encoding="utf-8"))
    front_matter = _FRONT_MATTER.match(text)
    begin = front_matter.end() if front_matter else 0
    end = _END_OF_CELL.search(text, begin)
    cut = end.start() if end else len(text)
    cell = f"{_MARK}\n\n{line(text_path, chapters)}\n"
    rest = f"\n{text[cut:].rstrip()}\n" if end else ""
    return f"{text[:cut].rstrip()}\n\n{cell}\n{HOW_TO_RUN}\n{rest}\n{cell}"


def _link(target, source):
    """A link to the notebook of ``target``, with its title up to the first colon."""
    title = describe(target).title
    name = title if is_lab(target) else title.split(": ")[0]
    name = re.sub(r"([\[\]])", r"\\\1", name)
    folder = "" if target.parent == source.parent else f"../{target.parent.name}/"
    return f"[{name}]({folder}{target.stem}.ipynb)"
