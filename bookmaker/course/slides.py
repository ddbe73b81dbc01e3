"""Slides for a lesson, chosen by rule from its committed notebook; nothing is executed.

A slide shows one thing of a section: its problem, a printed walk, a figure with its *What to see*
line, a formula, a table, the whole model, the decision box. The prose of the section is what the
speaker reads in the notes (key S). What the committed notebook does not show, the answers to
guesses, is not on the slides either.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from bookmaker.anatomies import CHECKED, MEASURED
from bookmaker.course import assets
from bookmaker.course.paths import Book
from bookmaker.figures import is_figure
from bookmaker.lessons import Lesson, read_notebook
from recsys_book.notebook_sources import LINKS_TAG
from recsys_book.paths import CHAPTERS, write_atomically

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
LEFT_OUT = (MEASURED, CHECKED, "References")

_STYLE = """\
.reveal { font-size: 27px; } .reveal h2 { font-size: 1.35em; text-transform: none; }
.reveal h1 { font-size: 1.9em; text-transform: none; }
.reveal p, .reveal li { line-height: 1.35; } .reveal .slides { text-align: left; }
.reveal pre { width: 100%; font-size: .7em; box-shadow: none; line-height: 1.25; }
.reveal img { display: block; margin: .3em auto; max-width: 100%; max-height: 500px;
  width: auto; height: auto; min-height: 320px; object-fit: contain; background: white; }
.reveal table { font-size: .85em; } .reveal .see { font-size: .8em; font-style: italic; }"""

_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="assets/reveal/dist/reset.css">
<link rel="stylesheet" href="assets/reveal/dist/reveal.css">
<link rel="stylesheet" href="assets/reveal/dist/theme/white.css">
<style>{style}</style>
{mathjax}
</head><body><div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="assets/reveal/dist/reveal.js"></script>
<script src="assets/reveal/plugin/notes/notes.js"></script>
<script>
function fit() {{  // A slide that is too tall or too wide gets smaller letters and pictures.
  const slide = Reveal.getCurrentSlide();
  const large = () => slide.scrollHeight > {height} || slide.scrollWidth > slide.clientWidth;
  for (let size = 100; large() && size > 40; size -= 4) {{
    slide.style.fontSize = size + "%";
    slide.querySelectorAll("img").forEach(i => {{
      i.style.minHeight = "0"; i.style.maxHeight = 5 * size + "px"; }});
  }}
}}
Reveal.initialize({{width: 1280, height: {height}, margin: 0.04, center: false, hash: true,
  slideNumber: "c/t", transition: "none", plugins: [RevealNotes]}}).then(fit);
Reveal.on("slidechanged", fit);
window.addEventListener("load", () => MathJax.startup.promise.then(fit));
</script></body></html>
"""
HEIGHT = 720


@dataclass
class Section:
    """A section of a lesson: its things in order, and the prose of each.

    Args:
        title: its heading.
        things: kind, and Markdown or HTML, of all that can be shown.
        prose: its paragraphs.
    """

    title: str
    things: list[tuple[str, str]] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)


def sections(lesson: Lesson) -> list[Section]:
    """The sections of a lesson's committed notebook; the first is its header.

    Args:
        lesson: a core lesson or a survey.
    """
    found = [Section(lesson.title)]
    notebook = read_notebook(lesson.notebook_path)
    for cell in notebook.cells:
        if LINKS_TAG in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            # Marks of checked sentences go, and links into the book, which lies elsewhere.
            source = re.sub(r"\s*\[[≡✓○]\]\([^)]*\)", "", cell.source)
            source = re.sub(r"\[([^\]]+)\]\((?!http)[^)]*\)", r"\1", source)
            for kind, text in _blocks(source):
                if kind == "heading":
                    found.append(Section(text))
                else:
                    found[-1].things.append((kind, text))
                    found[-1].prose += [text] * (kind in ("prose", "see"))
            continue
        folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        if re.search(r"\b(?:guess|exercise|check)\(", cell.source):
            continue
        if not folded:
            found[-1].things.append(("code", f"```python\n{cell.source}\n```"))
        for output in cell.outputs:
            found[-1].things += _shown(output)
    return found


def _blocks(source: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each paragraph of a Markdown cell."""
    for text in re.split(r"\n\s*\n", source.strip()):
        text = text.strip()
        starts = text.lstrip()
        if text.startswith("#"):
            yield "heading" if text.startswith("## ") else "title", text.lstrip("# ")
        elif starts.startswith("*What to see"):
            yield "see", text
        elif starts.startswith("$$"):
            yield "formula", text
        elif starts.startswith("|"):
            yield "table", text
        elif re.match(r"(?:[-*]|\d+\.) ", starts):
            yield "list", text
        else:
            yield "prose", text


def _shown(output) -> Iterator[tuple[str, str]]:
    data = output.get("data", {})
    if is_figure(output):
        yield "figure", data["text/html"] if "text/html" in data else ""
    elif "<table" in data.get("text/html", ""):
        yield "table", data["text/html"]
    elif output.output_type == "stream":
        yield "print", f"```text\n{output.text.rstrip()}\n```"


def _first(text: str, sentences: int) -> str:
    """The first sentences of a paragraph."""
    parts = re.split(r"(?<=[.?!]) (?=[A-Z*`$\[])", " ".join(text.split()))
    return " ".join(parts[:sentences])


def slides(lesson: Lesson) -> list[str]:
    """The slides of a lesson, each a ``section`` of HTML with its notes.

    Args:
        lesson: a core lesson or a survey.
    """
    found = sections(lesson)
    aims = next((text for kind, text in found[0].things if kind == "list"), "")
    opening = f"# {lesson.title}\n\n{lesson.question}\n\nAfter this lesson you can\n\n{aims}"
    made = [_slide(opening, "", found[0].prose)]
    for section in found[1:]:
        made += _slides_of(section)
    return made


def _slides_of(section: Section) -> Iterator[str]:
    shown = () if section.title in LEFT_OUT else SHOWN.get(section.title, OTHERS)
    waiting = list(shown)
    lead = before = ""
    for position, (kind, text) in enumerate(section.things):
        if kind == "prose" and not before:
            lead = before = _first(text, 2)
        if kind not in waiting:
            continue
        waiting.remove(kind)
        below = ""
        if kind == "prose":
            lead, text = "", "\n\n".join(_first(one, 6) for one in section.prose)
        if kind == "figure":
            see = [one for what, one in section.things[position:] if what == "see"]
            below = "".join(_first(one.strip("*"), 9) for one in see[:1])
        top = f"## {section.title}" + (f"\n\n{lead}" if lead and kind != "figure" else "")
        yield _slide(f"{top}\n\n{text}", below, section.prose)
        lead = ""
    if lead and len(waiting) == len(shown) > 0:
        # None of it is there: at least what the section says first.
        yield _slide(f"## {section.title}\n\n{lead}", "", section.prose)


def _slide(markdown: str, below: str, notes: list[str]) -> str:
    from nbconvert.filters import markdown2html

    # HTML of an output stays as it is: Markdown would take its indented lines for code.
    head, mark, output = markdown.partition("\n\n<")
    body = markdown2html(head) + (f"<{output}" if mark else "")
    caption = f'<div class="see">{markdown2html(below)}</div>' if below else ""
    said = markdown2html("\n\n".join(notes))
    return f'<section>{body}{caption}<aside class="notes">{said}</aside></section>'


def render(lesson: Lesson) -> str:
    """A lesson's slides as one page of HTML.

    Args:
        lesson: a core lesson or a survey.
    """
    from pygments.formatters import HtmlFormatter

    return _PAGE.format(
        title=escape(lesson.title),
        style=f"{_STYLE}\n{HtmlFormatter().get_style_defs('.highlight')}",
        mathjax=assets.MATHJAX.format(folder="assets"),
        slides=re.sub(r'<a class="anchor-link".*?</a>', "", "\n".join(slides(lesson))),
        height=HEIGHT,
    )


def write(chapters: Path = CHAPTERS, folder: Path = FOLDER) -> list[Path]:
    """Write the slides of all lessons, and a page that lists them.

    Args:
        chapters: the folder of the chapters.
        folder: where they are written; it opens without a network, wherever it is copied.

    Raises:
        AssetError: reveal.js or MathJax cannot be fetched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(assets.fetch(), folder / "assets", dirs_exist_ok=True)
    links, written = [], []
    for number, lesson in Book(chapters).lessons.items():
        path = folder / f"{lesson.chapter}.{lesson.name}.html"
        write_atomically(path, render(lesson))
        written.append(path)
        links.append(f'<li><a href="{path.name}">{number} {escape(lesson.title)}</a></li>')
    head = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Slides</title>'
    text = "Arrow keys turn the slides, S opens the notes, add ?print-pdf to print."
    page = f"{head}<h1>Slides</h1><p>{text}</p><ul>{''.join(links)}</ul></html>\n"
    write_atomically(folder / "index.html", page)
    return [folder / "index.html", *written]
