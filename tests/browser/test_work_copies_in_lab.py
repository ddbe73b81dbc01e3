"""A reader's copies in a real browser: links, no question, and nothing that git would notice."""

import json
import re
import time

import book_server
import lab
import pytest

from recsys_book.exercises.source import find_exercise

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the extra `browser` (Playwright) is not installed"
)
CHROMIUM = lab.find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

LESSONS = ("The ranking stage", "What a metric sees")
LESSON = "00_the_ranking_stage/02_metrics.ipynb"
EXERCISE = "ranking.gauc"
FRONT = ".jp-NotebookPanel:not(.lm-mod-hidden)"
SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"
IS_DIRTY = "() => window.jupyterapp.shell.currentWidget.context.model.dirty"
# Pixels of a small laptop's screen that a browser leaves to a page.
SMALL_SCREEN = 600
# JupyterLab asks for news a tenth of a second after its first page is up.
QUESTION_SECONDS = 10


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A page of a browser, the server's address, and the clone that it serves."""
    folder = tmp_path_factory.mktemp("reader")
    clone = book_server.Clone(folder)
    with book_server.serve(clone, folder) as address, sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(lab.CHROMIUM_FLAGS))
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        yield page, address, clone
        browser.close()


def heading(page, title):
    """Wait until the lesson of this title is in front."""
    found = page.locator(FRONT).get_by_role("heading", name=re.compile(f"^{title}"), level=1)
    found.first.wait_for(timeout=60_000)


def follow(page, kind, title):
    """Follow the link ``kind: title`` at the foot of the lesson in front."""
    cells = page.locator(f"{FRONT} .jp-MarkdownCell")
    # JupyterLab puts the cells below the window into the page one by one.
    foot = cells.filter(has_text=f"{kind}: {title}").last
    foot.scroll_into_view_if_needed()
    foot.get_by_role("link", name=title, exact=True).click()
    heading(page, title)


def test_the_book_opens_on_the_readers_copy_and_asks_nothing(reader):
    page, address, clone = reader
    # The server itself knows which page it opens on.
    page.goto(f"{address}/")
    heading(page, "Ranking models for recommenders")
    assert page.url.endswith("/lab/tree/work/index.ipynb")
    sync_api.expect(page.locator(FRONT)).to_contain_text("This is your copy")
    # Nobody has run its cell.
    begin = page.locator(FRONT).get_by_text(re.compile("^Begin here: "))
    sync_api.expect(begin).to_have_text("Begin here: The ranking stage, 44 minutes.")
    assert begin.bounding_box()["y"] < SMALL_SCREEN
    question = page.get_by_text("official Jupyter news")
    with pytest.raises(sync_api.TimeoutError):
        question.first.wait_for(timeout=QUESTION_SECONDS * 1000)
    assert clone.changes() == ""


def test_the_start_page_knows_where_the_reader_is(reader):
    page, address, clone = reader
    progress = clone.folder.parent / "progress.json"
    passed = {"attempts": 1, "last_time": "2026-01-01", "passed_time": "2026-01-01"}
    progress.write_text(json.dumps({"version": 1, "checks": {EXERCISE: passed}}))
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(f"{address}/lab/tree/work/index.ipynb?reset")
    heading(page, "Ranking models for recommenders")
    front = page.locator(FRONT)
    sync_api.expect(front.get_by_text(f"Continue with {LESSONS[1]}: 1 of")).to_be_visible()
    box = front.locator(".book-map").get_by_role("link", name=f"{LESSONS[1]} 1/")
    assert "50%" in box.get_attribute("style")
    for part in (".book-start", ".book-map"):
        fits = "one => one.scrollWidth <= one.clientWidth"
        assert front.locator(part).evaluate(fits), f"{part} is cut off at 800 pixels"
    box.click()
    heading(page, LESSONS[1])
    page.set_viewport_size({"width": 1400, "height": 1000})
    progress.unlink()


def test_the_tables_of_the_start_page_read_from_the_left_and_use_their_width(reader):
    page, address, _ = reader
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{address}/lab/tree/work/index.ipynb?reset")
    heading(page, "Ranking models for recommenders")
    table = page.locator(f"{FRONT} .book-start details[open] table").last
    sync_api.expect(table).to_be_visible()
    cells = table.locator("th, td")
    align = "all => [...new Set(all.map(one => getComputedStyle(one).textAlign))]"
    assert cells.evaluate_all(align) == ["left"]
    lesson = table.locator("td.lesson").first.bounding_box()
    assert lesson["width"] > 0.6 * table.bounding_box()["width"]
    # Title and question stand in a line each.
    assert lesson["height"] < 50
    page.set_viewport_size({"width": 1400, "height": 1000})


def test_an_open_cell_that_runs_alone_says_that_a_folded_one_has_to_run(reader):
    page, address, _ = reader
    page.goto(f"{address}/lab/tree/work/00_the_ranking_stage/01_the_ranking_stage.ipynb?reset")
    heading(page, LESSONS[0])
    # A cell that is run before its kernel is there is not run at all.
    page.get_by_role("button", name="Python 3 (ipykernel) | Idle").wait_for(timeout=120_000)
    cell = page.locator(lab.CELL).filter(has_text="sizes = {").first
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    said = cell.locator(".jp-OutputArea-output").filter(has_text="comes from")
    sync_api.expect(said).to_have_text(
        "`simulator` comes from a folded cell above: choose Run > Run All Above Selected Cell.",
        timeout=60_000,
    )


def test_links_lead_through_the_lessons_and_back(reader):
    page, address, clone = reader
    page.goto(f"{address}/lab/tree/work/index.ipynb?reset")
    heading(page, "Ranking models for recommenders")
    page.locator(FRONT).get_by_role("link", name=LESSONS[0], exact=True).first.click()
    heading(page, LESSONS[0])
    follow(page, "Next", LESSONS[1])
    follow(page, "Previous", LESSONS[0])
    follow(page, "Next", LESSONS[1])
    head = page.locator(f"{FRONT} .jp-MarkdownCell").nth(1)
    head.get_by_role("link", name="Start page").click()
    heading(page, "Ranking models for recommenders")
    opened = page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path")
    assert opened == "work/index.ipynb"
    assert clone.changes() == ""


@pytest.mark.parametrize(
    "opened",
    [
        "work/index.ipynb",
        "work/00_the_ranking_stage/01_the_ranking_stage.ipynb",
        "work/02_second_order_crosses/01_fm.ipynb",
        "chapters/04_sequence_models/01_din.ipynb",
    ],
)
def test_opening_a_notebook_changes_nothing_and_closing_it_asks_nothing(reader, opened):
    page, address, clone = reader
    page.goto(f"{address}/lab/tree/{opened}?reset")
    page.locator(f"{FRONT} .jp-Cell").first.wait_for(timeout=60_000)
    page.wait_for_function(f"() => ({lab.KERNEL_STATUS})() === 'idle'", timeout=90_000)
    page.wait_for_timeout(2000)  # what the kernel says of itself arrives after it
    assert page.evaluate(IS_DIRTY) is False
    page.evaluate("() => { window.jupyterapp.commands.execute('application:close'); }")
    page.locator(FRONT).wait_for(state="detached", timeout=10_000)
    assert page.locator(".jp-Dialog").count() == 0
    assert clone.changes() == ""


def test_running_and_saving_a_lesson_changes_nothing_that_git_knows(reader):
    page, address, clone = reader
    copy = clone.folder / "work" / LESSON
    before, beside = copy.read_bytes(), sorted(copy.parent.iterdir())
    page.goto(f"{address}/lab/tree/work/{LESSON}?reset")
    heading(page, LESSONS[1])
    lab.run_all(page, timeout=300)
    page.evaluate(SAVE)
    page.wait_for_function(f"() => !({IS_DIRTY})()", timeout=30_000)
    assert copy.read_bytes() != before
    outputs = [cell.get("outputs") for cell in json.loads(copy.read_bytes())["cells"]]
    assert any(outputs), "the outputs were not saved"
    assert sorted(copy.parent.iterdir()) == beside, "a file was written beside the lesson"
    assert clone.changes() == ""


def test_a_reader_is_helped_corrected_and_shown_the_solution(reader):
    page, _, clone = reader
    # The lesson that has just been run is still in front, its kernel with it.
    heading(page, LESSONS[1])
    _, exercise = find_exercise(EXERCISE)
    asks = f'check("{EXERCISE}"'
    cell = page.locator(lab.CELL).filter(has_text=asks).last

    def says(source):
        # The cell goes on being found by its text.
        lab.run_cell(page, cell, f"{source}\n# {asks}")
        return cell.locator(".jp-OutputArea")

    gentle = exercise.hints[0].split("?")[0].split("`")[0]
    sync_api.expect(says(f'hint("{EXERCISE}")')).to_contain_text(f"Hint 1 of 3. {gentle}")
    sync_api.expect(says(f'solution("{EXERCISE}")')).not_to_contain_text("def gauc")
    mistake = exercise.mistakes[0]
    verdict = says(f'{mistake.code}\n\n\ncheck("{EXERCISE}", gauc)')
    sync_api.expect(verdict).to_contain_text(f"{EXERCISE}: wrong")
    sync_api.expect(verdict).to_contain_text(mistake.text)
    lines = [line for line in exercise.solution.splitlines() if "### " not in line]
    verdict = says("\n".join([*lines, "", "", f'check("{EXERCISE}", gauc)']))
    sync_api.expect(verdict).to_contain_text(f"{EXERCISE}: ✓")
    sync_api.expect(says(f'solution("{EXERCISE}")')).to_contain_text("def gauc(label, score")
    page.evaluate(SAVE)
    assert clone.changes() == ""


def test_a_kernel_ends_with_the_tab_of_its_lesson(reader):
    page, address, _ = reader
    # The lesson that has just been saved is still in front, its kernel with it.
    heading(page, LESSONS[1])

    def has_kernel():
        sessions = page.request.get(f"{address}/api/sessions").json()
        return f"work/{LESSON}" in [session["path"] for session in sessions]

    assert has_kernel()
    page.locator(".lm-DockPanel-tabBar .lm-mod-current .lm-TabBar-tabCloseIcon").click()
    deadline = time.monotonic() + 60
    while has_kernel() and time.monotonic() < deadline:
        page.wait_for_timeout(200)
    assert not has_kernel()


def test_a_published_lesson_can_be_read_and_not_be_written_to(reader):
    page, address, clone = reader
    page.goto(f"{address}/lab/tree/chapters/{LESSON}?reset")
    heading(page, LESSONS[1])
    writable = "() => window.jupyterapp.shell.currentWidget.context.contentsModel.writable"
    assert page.evaluate(writable) is False
    page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.model.cells.get(0)"
        ".sharedModel.setSource('mine')"
    )
    page.wait_for_function(IS_DIRTY, timeout=30_000)
    # Neither JupyterLab's own command nor a request past it reaches the file.
    page.evaluate("() => { window.jupyterapp.commands.execute('docmanager:save'); }")
    refused = page.evaluate(
        """async () => {
            const { contents } = window.jupyterapp.serviceManager;
            const path = window.jupyterapp.shell.currentWidget.context.path;
            const model = await contents.get(path);
            try { await contents.save(path, model); } catch (error) { return error.message; }
            return null;
        }"""
    )
    assert refused is not None and f"answer in work/{LESSON}" in refused
    assert clone.changes() == ""
