"""Figures, the slider and tables as a reader sees them, and hears them, in JupyterLab."""

import base64
import io

import lab
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from bookmaker.lessons.figures import FOLDED, what_to_see
from bookmaker.lessons.lessons import KERNELSPEC

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the extra `browser` (Playwright) is not installed"
)
CHROMIUM = lab.find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

LESSON = "01_memorization_generalization/01_wide_and_deep.ipynb"
SLIDER = """\
from recsys_book import explore, plots

plots.use_style()


def draw(power):
    figure = plots.curves(
        {"line": ([0, 1], [0, 10**power])}, f"Ten to the {power}", "x", "y", figsize=(4, 3)
    )
    return figure, f"It ends at {10**power}."


explore(draw, "power", [0, 2, 5], label="power of ten")"""
FIGURE = 'plots.curves({"line": ([0, 1], [0, 1])}, "A line", "x (m)", "y (s)")'
WIDE = SLIDER.replace("figsize=(4, 3)", "figsize=(10, 3)")
TABLE = "| model | AUC |\n|:---|---:|\n| FM | 0.7 |"


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Function that opens a notebook of the book, or one with a slider, and returns the page."""
    folder = tmp_path_factory.mktemp("lab")
    with lab.serve(folder) as address, sync_api.sync_playwright() as driver:
        cells = [new_code_cell(SLIDER), new_code_cell(FIGURE), new_markdown_cell(TABLE)]
        notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC})
        nbformat.write(notebook, folder / "book" / "chapters" / "slider.ipynb")
        notebook.cells = [new_code_cell(WIDE)]
        nbformat.write(notebook, folder / "book" / "chapters" / "wide.ipynb")
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(lab.CHROMIUM_FLAGS))

        def open_notebook(path, width=1400):
            page = browser.new_page(viewport={"width": width, "height": 1000})
            page.goto(address.replace("index.ipynb", path))
            page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for(timeout=90_000)
            return page

        yield open_notebook
        browser.close()


def sizes(image):
    return image.evaluate(
        "it => [it.clientWidth, it.clientHeight, it.naturalWidth, it.naturalHeight]"
    )


def alignments(cells):
    found = cells.evaluate_all("all => all.map(cell => getComputedStyle(cell).textAlign)")
    return [alignment.removeprefix("-webkit-") for alignment in found]


def axes_of(image):
    """The column of the left spine and the row of the lower one, in pixels of the picture."""
    content = image.get_attribute("src").split("base64,")[1]
    dark = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("L")) < 60
    return int(dark.sum(axis=0).argmax()), int(dark.sum(axis=1).argmax())


def test_the_slider_keeps_its_size_and_axes_and_says_what_it_is(opened):
    page = opened("slider.ipynb")
    lab.run_all(page, timeout=120)
    widget = page.locator(".widget-vbox")
    image, handle = widget.locator("img.explore-power"), widget.get_by_role("slider")
    image.wait_for(timeout=60_000)
    assert sizes(image) == [400, 300, 800, 600]
    seen = set()
    for position, (value, end) in enumerate((("0", 1), ("2", 100), ("5", 100_000))):
        if position:
            handle.focus()
            page.keyboard.press("ArrowRight")
        sync_api.expect(image).to_have_attribute("alt", f"It ends at {end}.", timeout=60_000)
        sync_api.expect(handle).to_have_attribute("aria-label", "power of ten")
        sync_api.expect(handle).to_have_attribute("aria-valuetext", value)
        assert widget.locator("p").inner_text() == f"It ends at {end}."
        seen.add((*sizes(image), axes_of(image)))
    assert len(seen) == 1, seen

    # What a reader runs is as crisp as what the book holds, and has its title to say.
    figure = page.locator(".jp-OutputArea-output img[alt='A line. Axes: x (m); y (s).']")
    width, _, pixels, _ = sizes(figure)
    assert abs(pixels - 2 * width) <= 1

    assert alignments(page.locator(".jp-RenderedMarkdown :is(th, td)")) == ["left", "right"] * 2
    page.close()


def test_a_slider_is_not_wider_than_its_cell_beside_the_list_of_files(opened):
    page = opened("wide.ipynb", width=1280)
    assert page.locator("#jp-left-stack .jp-FileBrowser").is_visible()
    lab.run_all(page, timeout=120)
    image, cell = page.locator("img.explore-power"), page.locator(".jp-OutputArea-output")
    image.wait_for(timeout=60_000)
    width, height, *pixels = sizes(image)
    assert pixels == [2000, 600] and 400 < width < 1000
    assert abs(width / height - pixels[0] / pixels[1]) < 0.02
    right = "it => it.getBoundingClientRect().right"
    assert image.evaluate(right) <= cell.evaluate(right)
    assert page.locator(".widget-vbox").evaluate("it => it.scrollWidth <= it.clientWidth")
    page.close()


def test_every_picture_of_a_lesson_has_an_alternative_text(opened):
    lesson = "04_sequence_models/01_din.ipynb"
    page = opened(lesson)
    cells = nbformat.read(lab.ROOT / "chapters" / lesson, as_version=4).cells
    shown = [one.get("data", {}) for cell in cells for one in cell.get("outputs", [])]
    count = sum("<img" in data.get("text/html", "") for data in shown)
    images = page.locator(".jp-Notebook img")
    sync_api.expect(images).to_have_count(count, timeout=60_000)
    sketch = page.locator(".jp-OutputArea-output img[src^='data:image/svg']")
    assert "behaviour" in sketch.get_attribute("alt")
    assert all(image.get_attribute("alt") for image in images.all())
    page.close()


def test_a_lesson_as_it_is_committed_is_described_crisp_and_folded(opened):
    page = opened(LESSON)
    notebook = nbformat.read(lab.ROOT / "chapters" / LESSON, as_version=4)
    expected = [
        what_to_see(notebook, number)
        for number, cell in enumerate(notebook.cells)
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
    ]
    # A slider's first picture stands below its sentence.
    images = page.locator(".jp-OutputArea-output > img:first-child")
    sync_api.expect(images).to_have_count(len(expected), timeout=60_000)
    assert len(expected) > 1
    assert [image.get_attribute("alt") for image in images.all()] == expected
    for image in images.all():
        image.scroll_into_view_if_needed()
        # A wide figure is made smaller by JupyterLab, in both directions.
        width, height, *pixels = sizes(image)
        drawn = image.get_attribute("src").startswith("data:image/svg")  # crisp at any size
        assert width > 200 and (drawn or pixels[0] >= 2 * width - 1)
        assert abs(pixels[0] / width - pixels[1] / height) < 0.02

    tagged = [cell for cell in notebook.cells if FOLDED in cell.metadata.get("tags", [])]
    folded = page.locator(".jp-CodeCell .jp-InputPlaceholder")
    assert tagged and folded.count() == len(tagged)

    # The book's tables have their text on the left; only what an author aligned otherwise is not.
    firsts = page.locator(".jp-RenderedMarkdown table td:first-child")
    assert firsts.count() > 3
    assert set(alignments(firsts)) == {"left"}
    page.close()
