"""What the website says in the place of what speaks of a notebook, and its pages of our texts."""

import re

import pytest
from exercise_text import small
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bookmaker.building.build import RESULTS
from bookmaker.building.links import HOW_TO_RUN
from bookmaker.code.names import ROOT
from bookmaker.lessons.figures import WITHHELD
from bookmaker.lessons.offered_names import SENTENCE
from bookmaker.site import build, start
from bookmaker.site.lesson_pages import LessonPages
from bookmaker.site.links import Links

PAGE = "chapters/00_small/01_small.ipynb"


@pytest.fixture
def stage(chapters, tmp_path):
    def staged(*cells):
        pages = LessonPages(chapters.folder, Links(ROOT, {PAGE}), tmp_path / "extra")
        notebook = new_notebook(cells=[new_markdown_cell("# Small"), *cells])
        return pages.staged(notebook, PAGE).cells[2:]

    return staged


def test_the_result_of_a_guess_is_folded_with_its_figures(stage):
    printed = new_output("stream", text="a_sum: 4.0 points\n")
    table = new_output("execute_result", data={"text/plain": "a table"})
    kept = {WITHHELD: [printed, table], "tags": ["answer"]}
    [cell] = stage(new_code_cell("table", metadata=kept))
    assert cell.outputs == [printed, table] and "hide-output" in cell.metadata.tags
    assert "guess first" in cell.metadata.mystnb["code_prompt_show"]
    result = {"name": "a_sum", "value": "4.0", "unit": "points"}
    cell, came = stage(new_code_cell("table", metadata={**kept, RESULTS: [result]}))
    assert cell.outputs == [table] and 'data-came="4.0"' in came.source
    [plain] = stage(new_code_cell("x", outputs=[table]))
    assert plain.outputs == [table] and plain.metadata.tags == []


def test_calls_that_need_a_kernel_are_not_shown_and_answer_nothing(stage, chapters):
    small(chapters.folder)
    asked, *_ = stage(new_code_cell('exercise("small.twice")'))
    assert asked.metadata.tags == ["remove-input"]
    printed = new_output("stream", text="small.twice: not attempted yet")
    starter = 'answer = ...\ncheck("small.twice", answer)'
    [tried] = stage(new_code_cell(starter, outputs=[printed]))
    assert (tried.source, tried.outputs, tried.metadata.tags) == (starter, [], [])


def test_sentences_on_notebooks_are_said_for_pages(stage):
    texts = [
        f"{SENTENCE.format('small.twice')} Now.",
        "Put a number in place of the dots; *In short* answers. The dots of FM lie left.",
        f"[Start page](../index.ipynb)\n\n{HOW_TO_RUN}",
    ]
    found = [one.source for one in stage(*map(new_markdown_cell, texts))]
    assert found == [
        "Your answer is checked when you run the lesson. Now.",
        "Write what you guess into the boxes; *In short* answers. The dots of FM lie left.",
        "[Start page](../../index.md)",
    ]


def test_words_of_the_glossary_are_terms():
    text = (
        "# Glossary\n\nWords.\n\n**Gap.** A way,\nin *points*.\n\n## Other\n\n**GAUC.** Of users.\n"
    )
    assert start.glossary(text) == (
        "# Glossary\n\nWords.\n\n```{glossary}\nGap\n  A way,\n  in *points*.\n```\n\n## Other\n\n"
        "```{glossary}\nGAUC\n  Of users.\n```\n"
    )
    ours = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^```\{glossary\}\n(.+)$", start.glossary(ours), re.M)
    assert len(terms) == len(re.findall(r"^\*\*", ours, re.M)) > 20 and "Lens" in terms


def test_how_to_run_the_book_is_what_the_readme_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    page = start.run_page(readme, Links(ROOT, set(), "https://example.org/a"))
    assert "[the book's repository](https://example.org/a)" in page and "make lab " in page
    for heading in ("Installation", "When something goes wrong"):
        assert f"## {heading}\n\n{start.section(readme, heading)[:60]}" in page
    assert "For whom" not in page


def test_a_folder_that_is_no_site_is_left_alone_and_a_failed_build_keeps_the_former(
    tmp_path, monkeypatch
):
    kept = tmp_path / "html" / "mine.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    with pytest.raises(ValueError, match="expected a site that Sphinx has built"):
        build.build(tmp_path, [])
    (tmp_path / "html" / ".buildinfo").touch()
    monkeypatch.setattr(build, "stage", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build.build(tmp_path, [], draw=False)
    assert kept.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["html"]
