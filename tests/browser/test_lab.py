"""What a reader does, in a real browser: open the book, run a lesson, drag, solve an exercise."""

import json
import re

import lab
import pytest

from recsys_book.exercises.source import find_exercise

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the extra `browser` (Playwright) is not installed"
)
CHROMIUM = lab.find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

LESSON = "What a metric sees"
QUANTITY = "score"
EXERCISE = "ranking.gauc"
WRONG = f"""def gauc(label, score, group):
    return 0.25


check("{EXERCISE}", gauc)"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """The page of a browser on the start page, and the file that keeps the reader's progress."""
    folder = tmp_path_factory.mktemp("lab")
    with lab.serve(folder) as address, sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(lab.CHROMIUM_FLAGS))
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(address)
        page.locator(".jp-NotebookPanel").first.wait_for(timeout=90_000)
        yield page, folder / "progress.json"
        browser.close()


def right_answer():
    _, exercise = find_exercise(EXERCISE)
    lines = [line for line in exercise.solution.splitlines() if "### " not in line]
    return "\n".join([*lines, "", "", f'check("{EXERCISE}", {exercise.target})'])


def test_a_reader_opens_runs_drags_and_solves(reader):
    page, progress_file = reader

    page.get_by_role("link", name=LESSON).first.click()
    page.get_by_role("heading", name=re.compile(f"^{LESSON}")).first.wait_for(timeout=60_000)
    lab.run_all(page, timeout=240)

    assert page.get_by_text("training:").count() == 0, "a progress bar was left behind"

    widget = page.locator(".widget-vbox").filter(has=page.locator(f"img.explore-{QUANTITY}"))
    sentence, picture = widget.locator(".widget-html-content").last, widget.locator("img")
    sentence.wait_for(timeout=30_000)
    text_before, picture_before = sentence.inner_text(), picture.get_attribute("src")
    widget.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    sync_api.expect(sentence).not_to_have_text(text_before, timeout=60_000)
    sync_api.expect(picture).not_to_have_attribute("src", picture_before, timeout=60_000)

    cell = page.locator(lab.CELL).filter(has_text=f'check("{EXERCISE}"').last
    verdict = lab.run_cell(page, cell, WRONG)
    assert verdict.startswith(f"{EXERCISE}: wrong") and "public tests" in verdict, verdict
    assert last_verdict(progress_file) == "wrong"
    verdict = lab.run_cell(page, cell, right_answer())
    assert verdict.startswith(f"{EXERCISE}: ✓ right") and "public tests" in verdict, verdict
    assert last_verdict(progress_file) == "exact"


def last_verdict(progress_file):
    return json.loads(progress_file.read_text())["checks"][EXERCISE]["last"]
