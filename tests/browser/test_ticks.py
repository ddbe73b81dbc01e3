"""A tick leads to its row among the checked sentences, and opens the block, in a real browser."""

import re

import book_server
import lab
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bookmaker.lessons.lessons import KERNELSPEC
from recsys_book.records.sentences import render_sentences

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the extra `browser` (Playwright) is not installed"
)
CHROMIUM = lab.find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

COUNT = 40
MARK = re.compile("^[≡✓○]$")
LONG = "\n\n".join(["A line."] * 80)
PROSE = "First [≡](#small.sum.n1), last [≡](#small.sum.n39)."
CHECKS = f"""\
from recsys_book import checked_sentences, exact

for number in range({COUNT}):
    exact(f"small.sum.n{{number}}", f"Sentence {{number}}.", number == number)
checked_sentences()"""
FOLDED = "\n".join(["pass"] * 60)
FRONT = ".jp-NotebookPanel:not(.lm-mod-hidden)"
LESSONS = ("ticks.ipynb", "copy.ipynb")
# In the last two JupyterLab, as it comes, guesses the heights of cells so that a tick misses its
# block; and in none of them does it draw the block at once.
OF_THE_BOOK = (
    "00_the_ranking_stage/01_the_ranking_stage.ipynb",
    "02_second_order_crosses/01_fm.ipynb",
    "04_sequence_models/01_din.ipynb",
)
GUESS_HEIGHTS = """() => {
    const shown = window.jupyterapp.shell.currentWidget.content;
    shown.notebookConfig = {...shown.notebookConfig, windowingMode: 'contentVisibility'};
}"""
OPEN = "path => window.jupyterapp.commands.execute('docmanager:open', { path }).then(() => null)"


def notebook():
    """A lesson that is longer than the window, with its block as it is committed."""
    checks = {f"small.sum.n{number}": f"Sentence {number}." for number in range(COUNT)}
    shown = new_output("display_data", data={"text/html": render_sentences(checks, [])})
    cells = [
        new_markdown_cell(PROSE),
        new_markdown_cell(LONG),
        *(new_code_cell(FOLDED, metadata={"jupyter": {"source_hidden": True}}) for _ in range(8)),
        new_code_cell(CHECKS, outputs=[shown], execution_count=1),
        new_markdown_cell(LONG),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC})


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(lab.CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """A page of a browser in which two lessons with the same sentences can be opened."""
    folder = tmp_path_factory.mktemp("lab")
    with lab.serve(folder) as address:
        for name in LESSONS:
            nbformat.write(notebook(), folder / "book" / "chapters" / name)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(address)
        page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for(timeout=90_000)
        yield page


@pytest.fixture(scope="module")
def open_copy(browser, tmp_path_factory):
    """Function that opens a reader's fresh copy of a lesson, and returns the page."""
    folder = tmp_path_factory.mktemp("copies")
    with book_server.serve(book_server.Clone(folder), folder) as address:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})

        def opened(name):
            page.goto(f"{address}/lab/tree/work/{name}?reset")
            return page

        yield opened


def put_in_front(page, name):
    """Open a lesson, or bring it in front, and wait until its block lies below the window."""
    page.evaluate(OPEN, name)
    summary = page.locator(f"{FRONT} summary")
    summary.wait_for(state="attached", timeout=60_000)
    page.locator(FRONT).get_by_role("link", name=MARK).first.scroll_into_view_if_needed()
    sync_api.expect(summary).not_to_be_in_viewport(timeout=30_000)


def click_tick(page, number):
    tick = page.locator(FRONT).get_by_role("link", name=MARK).nth(number)
    tick.scroll_into_view_if_needed()
    tick.click()


def is_seen(page, element):
    """Wait until an element of the lesson in front lies within the window."""
    sync_api.expect(page.locator(FRONT).locator(element)).to_be_in_viewport(timeout=10_000)


def test_before_the_lesson_is_run_a_tick_leads_to_the_closed_block(page):
    put_in_front(page, LESSONS[0])
    block = page.locator(f"{FRONT} details")
    assert page.locator(f"{FRONT} .jp-OutputArea script").count() == 0
    click_tick(page, 0)
    is_seen(page, "summary")
    assert block.evaluate("it => it.open") is False
    assert page.locator(f"{FRONT} summary").inner_text() == f"{COUNT} exact, 0 recorded"


@pytest.mark.parametrize("lesson", OF_THE_BOOK)
def test_the_first_tick_of_a_fresh_copy_leads_to_its_row_and_opens_the_block(open_copy, lesson):
    page = open_copy(lesson)
    tick = page.locator(FRONT).get_by_role("link", name=MARK).first
    tick.wait_for(state="attached", timeout=90_000)
    row = f"tr[id='{tick.get_attribute('href').removeprefix('#')}']"
    tick.click()
    is_seen(page, row)
    assert page.locator(f"{FRONT} details:has({row})").evaluate("it => it.open") is True


def test_a_tick_leads_to_its_row_and_opens_the_block(page):
    for name in LESSONS:
        put_in_front(page, name)
        lab.run_all(page, timeout=120)
    # The other lesson stands first on the page, and has rows of the same names.
    for lesson in reversed(LESSONS):
        put_in_front(page, lesson)
        block = page.locator(f"{FRONT} details")
        for number, name in enumerate(("small.sum.n1", "small.sum.n39")):
            block.evaluate("it => { it.open = false; }")
            click_tick(page, number)
            is_seen(page, f"tr[id='{name}']")
            assert block.evaluate("it => it.open") is True
        sentence = page.locator(f"{FRONT} tr[id='small.sum.n39'] td").nth(1)
        assert sentence.inner_text() == "Sentence 39."
        # Sentences are read from the left.
        assert sentence.evaluate("it => getComputedStyle(it).textAlign") == "left"
        block.evaluate("it => { it.open = false; }")


def test_a_link_to_a_part_of_the_lesson_is_left_alone(page):
    put_in_front(page, LESSONS[0])
    asked = page.locator(FRONT).evaluate(
        """panel => {
            const link = document.createElement('a');
            let asked = false;
            link.href = '#Break-it';
            link.onclick = event => { asked = true; event.preventDefault(); };
            panel.querySelector('.jp-Notebook').append(link);
            link.click();
            return asked;
        }"""
    )
    assert asked is True


def test_a_tick_finds_its_row_among_cells_of_guessed_heights(page):
    # The last test: the page keeps the guesses.
    put_in_front(page, LESSONS[0])
    page.evaluate(GUESS_HEIGHTS)
    page.wait_for_timeout(500)
    click_tick(page, 0)
    is_seen(page, "tr[id='small.sum.n1']")
