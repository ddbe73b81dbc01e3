"""The map of the book on the start page, drawn from what lessons say they build on."""

import re

import pytest
from pair_text import AS_LAB, core_text, write_pair
from small_book import Book

from bookmaker import book_map, index, lesson_checks, lessons
from bookmaker.__main__ import main
from recsys_book.paths import LessonError


@pytest.fixture
def book(chapters, survey):
    """Two chapters: two surveys, a pair and a lab, then a survey and a core lesson."""
    lab = survey.replace(*AS_LAB)
    chapters.write(survey, "00_small", "01_one")
    chapters.write(survey, "00_small", "02_two")
    write_pair(chapters)
    for kind in ("", ".deeper", ".exercises"):
        path = chapters.folder / "00_small" / f"01_small{kind}.md"
        path.rename(path.with_name(f"03_small{kind}.md"))
    chapters.write(lab, "00_small", "lab_clicks")
    chapters.write(survey.replace("[]", "[00_small/03_small]"), "01_more", "01_next")
    text = core_text().replace("[]", "[00_small/01_one, 01_more/01_next]")
    chapters.write(text, "01_more", "02_new")
    return chapters.folder


def needs(folder):
    described = [lessons.describe(path) for path in lessons.find_texts(folder)]
    return {place.key: place.needs for place in book_map.places(described)}


def test_a_lesson_builds_on_what_it_says(book):
    assert needs(book) == {
        # Labs and companions have no place on the map.
        "00_small/01_one": (),
        "00_small/02_two": (),
        "00_small/03_small": (),
        "01_more/01_next": ("00_small/03_small",),
        "01_more/02_new": ("00_small/01_one", "01_more/01_next"),
    }


def build_on_nothing(folder):
    """Let no lesson say what it builds on."""
    for path in (folder / "01_more").iterdir():
        lines = path.read_text().splitlines(keepends=True)
        none = ("  prerequisites: []\n" if "prerequisites:" in line else line for line in lines)
        path.write_text("".join(none))


def test_there_is_no_map_until_a_lesson_says_what_it_builds_on(book):
    build_on_nothing(book)
    assert index.render_map(book) is None
    assert book_map.NAME not in index.render(book)


def test_the_start_page_shows_the_map(book):
    page = index.render(book)
    assert re.search(rf"!\[The book: [^\]]+\]\({book_map.NAME}\)", page)
    assert page.index(book_map.NAME) < page.index("## 00 Small")
    picture = index.render_map(book)
    assert picture.startswith("<svg") and picture.endswith("</svg>\n")
    assert picture == index.render_map(book)
    assert "Sums: two and two builds on 00_small/01_one, 01_more/01_next" in picture


def test_it_is_written_checked_and_taken_away(book):
    path = book_map.path(book)
    index.write(book)
    assert path.read_text() == index.render_map(book)
    assert lesson_checks.index_problems(book) == []
    path.write_text(path.read_text().replace("A small lesson", "A lesson"))
    said = [f"{path}: not what the lessons say; run `make book`"]
    assert lesson_checks.index_problems(book) == said
    path.unlink()
    assert lesson_checks.index_problems(book) == said
    assert main(["--chapters", str(book), "index"]) == 0 and path.exists()
    build_on_nothing(book)
    index.write(book)
    assert not path.exists() and lesson_checks.index_problems(book) == []


def test_a_lesson_that_is_not_there_is_named(book):
    path = book / "01_more" / "02_new.md"
    path.write_text(path.read_text().replace("00_small/01_one", "00_small/04_no"))
    with pytest.raises(LessonError, match=r"book_map.svg: lesson .01_more/02_new.: .*small/04_no"):
        index.render_map(book)
    assert main(["--chapters", str(book), "index"]) == 1


def test_a_work_copy_of_the_start_page_has_its_map(tmp_path):
    book = Book(tmp_path)
    (book.chapters / book_map.NAME).write_text("<svg/>")
    book.refresh()
    assert (book.work / book_map.NAME).read_text() == "<svg/>"
