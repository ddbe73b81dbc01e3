"""The website of a few pages, opened from the disk, as a reader uses it without a kernel."""

import re
import subprocess

import lab
import pytest

from bookmaker.lessons.lessons import select_texts
from bookmaker.site import checks
from recsys_book.exercises.source import find_exercise
from recsys_book.reader import start_page

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the extra `browser` (Playwright) is not installed"
)
pytest.importorskip("sphinx", reason="the extra `site` (Sphinx) is not installed")
CHROMIUM = lab.find_chromium()
sync_api.expect.set_options(timeout=60_000)  # a busy machine is slow, and not wrong
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

DIN = "chapters/04_sequence_models/01_din.html"
LESSONS = (
    "00_the_ranking_stage/01_the_ranking_stage",
    "04_sequence_models/01_din",
    "04_sequence_models/01_din.deeper",
)
REPOSITORY = "https://example.org/a/book"
AXE = "axe-core@4.10.3"
# The theme's own parts are left out: what we write stands in the article.
FAULTS = """async () => {
    const rules = ["color-contrast", "label", "image-alt", "link-name", "button-name", "list"];
    const run = { runOnly: { type: "rule", values: rules } };
    const found = await axe.run(document.querySelector(".bd-article"), run);
    const shown = one => one.nodes.map(node => [one.id, node.html.slice(0, 200)]);
    return found.violations.flatMap(shown);
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder of the built HTML; Sphinx and our checks have nothing to say about it."""
    from bookmaker.site.build import build

    out = tmp_path_factory.mktemp("site")
    assert build(out, select_texts(LESSONS), REPOSITORY, draw=False) == []
    return out / "html"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=list(lab.CHROMIUM_FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def visit(site, browser):
    """Function that opens a page; at the end no host must have been asked for anything."""
    asked, opened = [], []

    def open_page(page, width=1300, scheme="light"):
        shown = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        shown.set_default_timeout(120_000)
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(f"file://{site}/{page}")
        opened.append(shown)
        return shown

    yield open_page
    for shown in opened:
        shown.close()
    assert asked and [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_a_slider_moves_picture_and_sentence_by_the_keyboard(visit):
    page = visit(DIN)
    box = page.locator(".frames").first
    slider, image = box.get_by_label("angle of the candidate"), box.locator("img")
    assert slider.get_attribute("aria-valuetext") == "0"
    before, said = image.get_attribute("src"), box.locator("[aria-live]").inner_text()
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "15"
    assert image.get_attribute("src") != before
    now = box.locator("[aria-live]").inner_text()
    assert now != said and now.startswith("At 15 degrees")
    assert image.get_attribute("alt") == now
    page.wait_for_function("it => it.complete && it.naturalWidth > 0", arg=image.element_handle())


def test_a_guess_is_kept_and_judged_where_its_result_comes_into_view(visit):
    page = visit(DIN)
    field = page.locator("input[data-guess=din_ahead_of_mean]")
    result = page.locator(".result[data-guess=din_ahead_of_mean]")
    field.fill("10")
    page.reload()
    assert field.input_value() == "10"
    assert "guessed" not in result.inner_text()
    result.scroll_into_view_if_needed()
    came = float(result.get_attribute("data-came"))
    sync_api.expect(result).to_contain_text(f"you guessed 10, {float(f'{came - 10:.3g}'):g} off")


def test_hints_are_folded_and_say_no_solution(visit, site):
    page = visit(DIN)
    hint = page.locator("details.hint").first
    assert hint.evaluate("it => it.open") is False
    hint.locator("summary").click()
    assert len(hint.inner_text()) > 40
    exercise = find_exercise("sequence.weighted_interest")[1]
    told = site / "told.html"
    try:
        told.write_text(f"<pre>{exercise.solution}</pre>")
        assert checks.problems(site, [exercise]) == [
            "told.html: expected no answer to sequence.weighted_interest, got it"
        ]
    finally:
        told.unlink()


def test_a_sign_leads_to_the_ledger_its_record_and_back(visit):
    page = visit(DIN)
    page.locator("a.sign[href$='#sequence.interests.din_above_mean']").first.click()
    row = page.locator("tr", has=page.locator("[id='sequence.interests.din_above_mean']"))
    sync_api.expect(row).to_be_in_viewport()
    sync_api.expect(page.locator("a[href$='records/sequence.interests.json']")).to_have_count(1)
    row.get_by_role("link", name="DIN", exact=True).click()
    sync_api.expect(page.locator("[id='cited.sequence.interests.din_above_mean']")).to_be_visible()
    assert page.url.split("#")[0].endswith(DIN)


def test_formulas_are_drawn_and_no_raw_one_is_left(visit):
    page = visit(DIN)
    drawn, written = page.locator("mjx-container svg"), page.locator(".bd-article .math")
    assert written.count() > 20
    sync_api.expect(drawn).to_have_count(written.count())
    text = page.locator(".bd-article").evaluate(
        "it => { const copy = it.cloneNode(true);"
        " copy.querySelectorAll('pre, code, script').forEach(one => one.remove());"
        " return copy.textContent; }"
    )
    assert not re.search(r"\\[a-zA-Z(]|\$", text)


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("din", "DIN: the candidate asks"),
        ("build_din", "recsys_lib.sequence.build_din"),
        ("lens", "Glossary"),
        ("install", "Run the book"),
    ],
)
def test_the_search_finds_what_was_meant(visit, asked, first):
    page, complaints = visit("index.html"), []
    page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
    page.goto(page.url.replace("index.html", f"search.html?q={asked}"))
    found = page.locator("#search-results li a")
    sync_api.expect(found.filter(has_text=first).first).to_be_visible()
    assert any(first in text for text in found.all_inner_texts()[:2])
    assert complaints == []


def test_the_start_page_shows_routes_with_hours_and_a_map_of_links(visit):
    page = visit("index.html")
    outline = start_page.read_outline()
    found = {one["key"]: one for chapter in outline["chapters"] for one in chapter["lessons"]}
    weekend = next(one for one in outline["routes"] if one["title"] == "A first weekend")
    steps = [found[one] for one in weekend["lessons"]]
    minutes = sum(one["reading"] + sum(one["exercises"].values()) for one in steps)
    shown = page.locator("li", has_text="A first weekend").inner_text()
    assert f"A first weekend, {minutes // 60} h {minutes % 60:02d} min." in shown
    assert page.locator("li", has_text="Did users do something before?").count() == 1
    assert "solved" not in " ".join(page.locator(".book-start").all_inner_texts())
    page.locator(".book-map").get_by_role("link", name="DIN", exact=True).click()
    assert page.url.endswith(DIN)
    sync_api.expect(page.locator(f"a[href^='{REPOSITORY}']").first).to_be_attached()
    assert page.locator("a[href*='mybinder.org/v2/git/https%3A%2F%2Fexample.org']").count() == 1
    download = page.get_by_role("link", name="Download the notebook")
    assert download.get_attribute("href").endswith("notebooks/04_sequence_models/01_din.ipynb")


def test_a_newcomer_moves_a_slider_after_one_link(visit):
    page = visit("index.html")
    page.locator(".next").get_by_role("link").click()
    box = page.locator(".frames").first
    before = box.locator("[aria-live]").inner_text()
    box.get_by_role("slider").press("ArrowRight")
    assert box.locator("[aria-live]").inner_text() != before


def test_a_board_is_sorted_by_the_column_that_is_clicked(visit):
    page = visit("book/scoreboards.html")
    board = page.locator("table.sortable").first
    for measure, column in (("GAUC", 2), ("AUC", 4)):
        board.get_by_role("button", name=measure, exact=True).click()
        cells = board.locator(f"tbody td:nth-child({column})").all_inner_texts()
        values = [float(one) for one in cells]
        assert len(values) > 30 and values == sorted(values, reverse=True)


@pytest.mark.parametrize("page", ["index.html", DIN, "book/models.html", "chapters/FINDINGS.html"])
def test_a_telephone_scrolls_in_one_direction_only(visit, page):
    shown = visit(page, width=375)
    shown.wait_for_load_state("load")
    width, window = shown.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= window


def test_figures_lie_on_a_white_card_in_the_dark(visit):
    image = visit(DIN, scheme="dark").locator(".frames img").first
    assert image.evaluate("it => getComputedStyle(it).backgroundColor") == "rgb(255, 255, 255)"


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The text of axe, from the npm registry."""
    folder = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, AXE]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"axe-core could not be fetched by npm: {error}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["index.html", DIN, "book/scoreboards.html"])
def test_axe_finds_no_fault_of_ours(visit, axe, page, scheme):
    shown = visit(page, scheme=scheme)
    shown.wait_for_function("window.MathJax === undefined || MathJax.startup?.document !== null")
    shown.evaluate(axe)
    assert shown.evaluate(FAULTS) == []
