"""Stages the source of the website, and lets Sphinx make HTML of it."""

import io
import re
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path, PurePosixPath

from bookmaker.building.build import serialise
from bookmaker.code.names import ROOT
from bookmaker.course.assets import copy_mathjax
from bookmaker.lessons.lessons import describe, read_notebook
from bookmaker.site import checks, ledger_pages, model_pages, reference, start
from bookmaker.site.lesson_pages import LessonPages
from bookmaker.site.links import LEDGER, Links
from recsys_book.base.paths import CHAPTERS, LessonError
from recsys_book.exercises.source import find_sources, read_source
from recsys_book.records.records import RESULTS, records

TITLE = "Ranking models for recommenders"
ASSETS = Path(__file__).parent / "assets"
# Answers to them stand beside the questions: a page for who has the repository.
LEFT_OUT = ("docs/oral_questions.md",)
TEXTS = (
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/*.md",
    "docs/contributing/*.md",
    "docs/course/**/*.md",
    "data/*.md",
)
MODELS, RUN = "book/models.md", "run.md"
FILES = ("docs/*.png", "docs/jobs/*", "docs/course/*.svg")


def build(out: Path, texts: Sequence[Path], repository: str = "", draw: bool = True) -> list[str]:
    """Build the website.

    Args:
        out: folder; ``out/html`` is the site.
        texts: of the lessons.
        repository: its address, for buttons and for links to files that are no pages.
        draw: whether the models' pictures are drawn, which needs TensorFlow.

    Returns:
        What Sphinx warned of, and what does not hold for a page, one line each.

    Raises:
        LessonError: a lesson or a page that the site is made of cannot be read, or ``out/html`` is
            no site.
    """
    html = out.resolve() / "html"
    if html.exists() and not (html / ".buildinfo").exists():
        raise LessonError(f"{html}: expected a site that Sphinx has built, or nothing")
    html.parent.mkdir(parents=True, exist_ok=True)
    # The former site stays until the new one is whole.
    with tempfile.TemporaryDirectory(dir=html.parent, prefix=".site-") as temporary:
        warned = _build(Path(temporary), texts, repository, draw)
        shutil.rmtree(html, ignore_errors=True)
        (Path(temporary) / "html").rename(html)
    exercises = [one for path in find_sources() for one in read_source(path).exercises]
    return warned + checks.problems(html, exercises)


def _build(out, texts, repository, draw):
    source, extra = out / "source", out / "extra"
    pictures = extra / "pictures" / "models"
    pictures.mkdir(parents=True)
    copy_mathjax(extra / "mathjax")
    # Beside the staging, in another process: TensorFlow takes its time.
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        drawing = other.submit(model_pages.draw, pictures) if draw else None
        staged = stage(source, extra, texts, repository)
        costs = drawing.result() if drawing else {}
    _write(source / MODELS, model_pages.models_page(staged, costs))
    return _sphinx(source, extra, out / "html", out / "doctrees")


def stage(source: Path, extra: Path, texts: Sequence[Path], repository: str = "") -> set[str]:
    """Write what Sphinx reads, but for the models' page, which has their pictures and costs.

    Args:
        source: folder for the pages.
        extra: folder for what is published as it is.
        texts, repository: as for ``build``.

    Returns:
        The paths of the staged pages.

    Raises:
        LessonError: as ``build``.
    """
    found = (path for pattern in TEXTS for path in sorted(ROOT.glob(pattern)))
    plain = [path.relative_to(ROOT).as_posix() for path in found]
    plain = [page for page in plain if page not in LEFT_OUT]
    ledger = (CHAPTERS / "FINDINGS.md").read_text(encoding="utf-8")
    entries = ledger_pages.entries(ledger)
    notebooks = {}
    for text in texts:
        path = text.with_suffix(".ipynb")
        notebooks[f"chapters/{text.parent.name}/{path.name}"] = text, read_notebook(path)
    said = {name: entry.sentence for name, entry in entries.items()}
    links = Links(ROOT, {*notebooks, *plain, LEDGER}, repository, said)
    lessons = LessonPages(CHAPTERS, links, extra)
    pages = []
    for page, (text, notebook) in notebooks.items():
        lesson = describe(text, notebook)
        pages.append(start.Page(page, lesson, start.minutes_of(notebook)))
        copied = extra / "notebooks" / page.removeprefix("chapters/")
        _write(copied, text.with_suffix(".ipynb").read_bytes())
        _write(source / page, serialise(lessons.staged(notebook, page)))
    for page in plain:
        text = (ROOT / page).read_text(encoding="utf-8")
        text = start.glossary(text) if page == "docs/glossary.md" else text
        _write(source / page, links.rewrite(text, page))
    for path in (path for pattern in FILES for path in ROOT.glob(pattern)):
        _write(source / path.relative_to(ROOT), path.read_bytes())
    titles = {page.path: page.lesson.title for page in pages}
    # Who reads the pages cannot edit them.
    ledger = re.sub(r"Generated by [^;]*; do\s+not edit\. ", "", links.rewrite(ledger, LEDGER))
    made = {
        LEDGER: ledger_pages.ledger_page(ledger, links.cited, titles),
        "book/scoreboards.md": model_pages.boards_page(records(), links.pages),
        "book/findings_by_model.md": ledger_pages.by_model(entries),
        **reference.pages(),
    }
    chapters = list(dict.fromkeys(page.lesson.chapter for page in pages))
    for chapter in chapters:
        of_it = [page for page in pages if page.lesson.chapter == chapter]
        made[f"chapters/{chapter}/index.md"] = start.chapter_page(chapter, of_it)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    contents = _contents(chapters, plain, made)
    made[RUN] = start.run_page(readme, links)
    made["index.md"] = start.landing(readme, links, contents)
    for page, text in made.items():
        _write(source / page, text)
    for path in [*RESULTS.glob("*.json"), *RESULTS.glob("*.csv")]:
        _write(extra / "records" / path.name, path.read_bytes())
    reference.write_source(extra / "source")
    return links.pages


def _contents(chapters, plain, made):
    """What the contents list, by caption."""
    words = ["docs/glossary.md", "docs/notation.md"]
    evidence = [MODELS, "book/scoreboards.md", LEDGER, "book/findings_by_model.md"]
    teaching = [one for one in plain if re.match("docs/(course/|instructors|hub)", one)]
    making = [one for one in plain if "ontributing" in one.lower()] + ["CHANGELOG.md"]
    library = [one for one in made if one.startswith("reference/")]
    listed = {*words, *teaching, *making, *library}
    rest = [one for one in plain if one not in listed]
    found = {
        "The book": [RUN],
        "Lessons": [f"chapters/{one}/index.md" for one in chapters],
        "Models and evidence": evidence,
        "Your own data": [one for one in rest if "docs/" in one],
        "Words": words,
        "Teaching": teaching,
        "Library": library,
        "Data sets": [one for one in rest if "data/" in one],
        "Contributing": making,
    }
    return {
        caption: [str(PurePosixPath(one).with_suffix("")) for one in names]
        for caption, names in found.items()
    }


def _sphinx(source, extra, html, doctrees):
    from sphinx.application import Sphinx

    settings = {
        "project": TITLE,
        "author": "",
        "copyright": "",
        "language": "en",
        "extensions": ["myst_nb", "sphinx_copybutton", "sphinx.ext.mathjax"],
        "source_suffix": {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"},
        "nb_execution_mode": "off",
        "nb_merge_streams": True,
        "nb_render_markdown_format": "myst",
        "myst_enable_extensions": ["dollarmath", "amsmath"],
        "myst_heading_anchors": 4,
        "myst_dmath_double_inline": True,
        "mathjax_path": "../mathjax/mathjax.js",
        "default_role": "literal",
        "html_theme": "sphinx_book_theme",
        "html_title": TITLE,
        "html_static_path": [str(ASSETS)],
        "html_extra_path": [str(extra)],
        "html_css_files": ["site.css"],
        "html_js_files": [("site.js", {"defer": "defer"})],
        "html_copy_source": False,
        "html_context": {"default_mode": "auto"},
        "html_show_sphinx": False,
        "html_search_scorer": str(ASSETS / "scorer.js"),
        # With its menu each formula would be a stop of the Tab key.
        "mathjax3_config": {"options": {"enableMenu": False}},
        "nb_code_prompt_show": "Show the {type}",
        "nb_code_prompt_hide": "Hide the {type}",
        "html_theme_options": {
            "use_download_button": False,
            "use_fullscreen_button": False,
            "show_navbar_depth": 1,
            "navbar_persistent": [],
            "search_bar_text": "Search models, words, functions",
        },
    }
    warned = io.StringIO()
    folders = (source, None, html, doctrees)
    app = Sphinx(*folders, "html", settings, status=None, warning=warned, parallel=2)
    app.build(force_all=True)
    return [line for line in warned.getvalue().splitlines() if line.strip()]


def _write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, encoding="utf-8")
