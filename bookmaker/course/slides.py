"""Slides for a lesson, chosen by rule from its committed notebook; nothing is executed.

A slide shows one thing of a section: its problem, a printed walk, a figure with its *What to see*
line, a formula, a table, the whole model, the decision box. The prose of the section is what the
speaker reads in the notes (key S). What the committed notebook does not show, the answers to
guesses, is not on the slides either.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bookmaker.course import assets
from bookmaker.course.paths import Book
from bookmaker.lessons.anatomies import CHECKED, MEASURED
from bookmaker.lessons.figures import is_figure
from bookmaker.lessons.lessons import Lesson, describe, read_notebook
from recsys_book.base.notebook_sources import LINKS_TAG
from recsys_book.base.paths import CHAPTERS, write_atomically

FOLDER = CHAPTERS.parent / "build" / "slides"

SHOWN: dict[str, tuple[str, ...]] = {
    "The problem": ("table",),
    "One example": ("print", "figure", "figure"),
    "The mathematics": ("formula", "table"),
    "Predict": ("prose",),
    "The whole model": ("code",),
    "What it does": ("figure", "figure", "figure"),
    "Break it": ("prose",),
    "In short": ("table", "list"),
}
"""What is shown of each section, one slide for each; what a section does not have is left out."""
OTHERS = ("figure", "figure", "table")
"""The same for the sections that a survey names itself."""
KINDS = {
    "title": "#",
    "see": r"\*What to see",
    "formula": r"\$\$",
    "table": r"\|",
    "list": r"(?:[-*]|\d+\.) ",
    "prose": "",
}
"""Kind of a paragraph to how it begins; the first that fits."""
LEFT_OUT = (MEASURED, CHECKED, "References")

_HEAD = """\
<link rel="stylesheet" href="reveal/dist/reset.css">
<link rel="stylesheet" href="reveal/dist/reveal.css">
<link rel="stylesheet" href="reveal/dist/theme/white.css">
<style>
.reveal { font-size: 27px; } .reveal h2 { font-size: 1.35em; text-transform: none; }
.reveal h1 { font-size: 1.9em; text-transform: none; }
.reveal p, .reveal li { line-height: 1.35; } .reveal .slides { text-align: left; }
.reveal pre { width: 100%; font-size: .7em; box-shadow: none; line-height: 1.25; }
.reveal img { display: block; margin: .3em auto; max-width: 100%; max-height: 500px;
  width: auto; height: auto; min-height: 320px; object-fit: contain; background: white; }
.reveal table { font-size: .85em; } .reveal .see { font-size: .8em; font-style: italic; }
"""

_SCRIPTS = """\
<script src="reveal/dist/reveal.js"></script>
<script src="reveal/plugin/notes/notes.js"></script>
<script>
function fit() {  // A slide that is too tall or too wide gets smaller letters and pictures.
  const slide = Reveal.getCurrentSlide();
  const large = () => slide.scrollHeight > 720 || slide.scrollWidth > slide.clientWidth;
  for (let size = 100; large() && size > 40; size -= 4) {
    slide.style.fontSize = size + "%";
    slide.querySelectorAll("img").forEach(i => {
      i.style.minHeight = "0"; i.style.maxHeight = 5 * size + "px"; });
  }
}
Reveal.initialize({width: 1280, height: 720, margin: 0.04, center: false, hash: true,
  slideNumber: "c/t", transition: "none", plugins: [RevealNotes]}).then(fit);
Reveal.on("slidechanged", fit);
window.addEventListener("load", () => MathJax.startup.promise.then(fit));
</script>"""


class Section(NamedTuple):
    """A section of a lesson.

    Args:
        title: its heading.
        things: kind, and Markdown or HTML, of all that can be shown, in order.
    """

    title: str
    things: list[tuple[str, str]]

    @property
    def prose(self) -> list[str]:
        """Its paragraphs."""
        return [text for kind, text in self.things if kind in ("prose", "see")]


def sections(lesson: Lesson) -> list[Section]:
    """The sections of a lesson's committed notebook; the first is its header.

    Args:
        lesson: a core lesson or a survey.
    """
    found = [Section(lesson.title, [])]
    for cell in read_notebook(lesson.notebook_path).cells:
        if LINKS_TAG in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            # Marks of checked sentences go, and links into the book, which lies elsewhere.
            source = re.sub(r"\s*\[[≡✓○]\]\([^)]*\)", "", cell.source)
            source = re.sub(r"\[([^\]]+)\]\((?!http)[^)]*\)", r"\1", source)
            for text in map(str.strip, re.split(r"\n\s*\n", source)):
                if text.startswith("## "):
                    found.append(Section(text.removeprefix("## "), []))
                else:
                    kind = next(kind for kind, begin in KINDS.items() if re.match(begin, text))
                    found[-1].things.append((kind, text))
        else:
            found[-1].things.append(("code", f"```python\n{cell.source}\n```"))
            for output in cell.outputs:
                shown = output.get("data", {}).get("text/html", "")
                if is_figure(output) or "<table" in shown:
                    found[-1].things.append(("figure" if is_figure(output) else "table", shown))
                elif output.output_type == "stream":
                    found[-1].things.append(("print", f"```text\n{output.text.rstrip()}\n```"))
    return found


def _first(text: str, sentences: int) -> str:
    """The first sentences of a paragraph."""
    parts = re.split(r"(?<=[.?!]) (?=[A-Z*`$\[])", " ".join(text.split()))
    return " ".join(parts[:sentences])


def slides(lesson: Lesson) -> list[str]:
    """The slides of a lesson, each a ``section`` of HTML with its notes.

    Args:
        lesson: a core lesson or a survey.
    """
    first, *others = sections(lesson)
    aims = next((text for kind, text in first.things if kind == "list"), "")
    opening = f"# {lesson.title}\n\n{lesson.question}\n\nAfter this lesson you can\n\n{aims}"
    return [
        _slide(opening, "", first.prose),
        *(one for section in others for one in _slides_of(section)),
    ]


def _slides_of(section: Section) -> Iterator[str]:
    if section.title in LEFT_OUT or not section.things:
        return
    top, waiting = f"## {section.title}", list(SHOWN.get(section.title, OTHERS))
    notes = section.prose or [text for kind, text in section.things if kind in ("list", "table")]
    if notes and not any(kind in waiting for kind, _ in section.things):
        # None of it is there: at least what the section says first.
        said = _first(notes[0], 2) if section.prose else notes[0]
        yield _slide(f"{top}\n\n{said}", "", notes)
    lead: str | None = None  # what the section says before its first slide
    for position, (kind, text) in enumerate(section.things):
        if kind == "prose" and lead is None:
            lead = _first(text, 2)
        if kind not in waiting:
            continue
        waiting.remove(kind)
        if kind == "prose":
            text = "\n\n".join(_first(one, 6) for one in notes)
        elif kind != "figure" and lead:
            text = f"{lead}\n\n{text}"
        see = [one for what, one in section.things[position:] if what == "see" and kind == "figure"]
        below = "".join(_first(one.strip("*"), 9) for one in see[:1])
        yield _slide(f"{top}\n\n{text}", below, notes)
        lead = ""


def _slide(markdown: str, below: str, notes: list[str]) -> str:
    # HTML of an output stays as it is: Markdown would take its indented lines for code.
    head, mark, output = markdown.partition("\n\n<")
    body = assets.html_of(head) + (f"<{output}" if mark else "")
    caption = f'<div class="see">{assets.html_of(below)}</div>' if below else ""
    said = assets.html_of("\n\n".join(notes))
    return f'<section>{body}{caption}<aside class="notes">{said}</aside></section>'


def render(lesson: Lesson) -> str:
    """A lesson's slides as one page of HTML.

    Args:
        lesson: a core lesson or a survey.
    """
    from pygments.formatters import HtmlFormatter

    head = f"{_HEAD}{HtmlFormatter().get_style_defs('.highlight')}</style>"
    body = "\n".join(slides(lesson))
    body = f'<div class="reveal"><div class="slides">\n{body}\n</div></div>\n{_SCRIPTS}'
    return assets.page(lesson.title, head, body)


def write(chapters: Path = CHAPTERS, folder: Path = FOLDER) -> list[Path]:
    """Write the slides of all lessons, and a page that lists them; return the paths.

    Args:
        chapters: the folder of the chapters.
        folder: where they are written; it opens without a network, wherever it is copied.

    Raises:
        BuildError: reveal.js cannot be fetched.
    """
    assets.copy_mathjax(folder)
    assets.fetch_reveal(folder)
    book, pages = Book(chapters), {}
    contents = (
        "# Slides\n\nArrow keys turn the slides, S opens the notes, add ?print-pdf to print.\n"
    )
    for number in book.lessons:
        lesson = describe(book.text_path(number))
        name = f"{lesson.chapter}.{lesson.name}.html"
        pages[folder / name] = render(lesson)
        contents += f"\n- [{book.title(number)}]({name})"
    pages[folder / "index.html"] = assets.page("Slides", "", assets.html_of(contents))
    for path, page in pages.items():
        write_atomically(path, page)
    return list(pages)
