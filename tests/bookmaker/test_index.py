import json
import re

import pytest
from pair_text import AS_LAB, core_text, write_pair

from bookmaker.__main__ import main
from bookmaker.building import index
from bookmaker.building.links import RUN_IT
from bookmaker.checks import lesson_checks
from bookmaker.course import paths as course
from bookmaker.lessons import budget
from bookmaker.lessons.instead import INSTEAD
from bookmaker.lessons.lessons import describe, find_texts, read_notebook, read_text
from recsys_book.base.paths import CHAPTERS, LessonError
from recsys_book.reader.start_page import OUTLINE
from recsys_book.records.records import record_of

ROOT = CHAPTERS.parent


@pytest.fixture
def book(chapters, survey):
    """Two chapters: a survey, a pair and a lab, then a survey and a core lesson."""
    chapters.write(survey, "00_small", "00_one")
    write_pair(chapters)
    chapters.write(survey.replace(*AS_LAB), "00_small", "lab_clicks")
    chapters.write(survey.replace("[]", "[00_small/01_small]"), "01_more", "01_next")
    text = core_text().replace("[]", "[00_small/00_one, 01_more/01_next]")
    chapters.write(text, "01_more", "02_new")
    return chapters.folder


def test_the_outline_says_what_builds_on_what(book):
    first, second = index.outline(book)["chapters"]
    assert (first["number"], first["title"], first["needs"]) == ("00", "Small", [])
    assert (second["number"], second["needs"]) == ("01", ["00"])
    lessons = [*first["lessons"], *second["lessons"]]
    assert [(one["key"], one["follows"]) for one in lessons] == [
        ("00_small/00_one", False),
        ("00_small/01_small", False),
        ("01_more/01_next", True),
        ("01_more/02_new", True),
    ]
    assert [one["has_deeper"] for one in lessons] == [False, True, False, False]
    (lab,) = first["labs"]
    assert (lab["key"], lab["data"]) == ("00_small/lab_clicks", "kuairand_pure")
    assert second["labs"] == []


def test_the_outline_has_a_lessons_minutes(book):
    pair = index.outline(book)["chapters"][0]["lessons"][1]
    counted = budget.count(book / "00_small" / "01_small.md")
    assert (pair["reading"], sum(pair["exercises"].values())) == (4, 3)
    assert (pair["reading"], pair["exercises"]) == (counted.reading, counted.exercises)


def test_a_lesson_that_is_not_there_is_named(book):
    path = book / "01_more" / "02_new.md"
    path.write_text(path.read_text().replace("00_small/00_one", "00_small/04_no"))
    with pytest.raises(LessonError, match=r"02_new.md: .*prerequisites.*got '00_small/04_no'"):
        index.outline(book)
    assert main(["--chapters", str(book), "index"]) == 1


def test_routes_are_of_lessons_that_there_are(book):
    assert [route["title"] for route in index.outline(book)["routes"]] == ["Everything"]
    routes = index.outline()["routes"]
    assert [route["title"] for route in routes] == [
        "A first weekend",
        "An engineer with a log",
        "Everything",
    ]


def test_a_route_says_what_to_know_instead_of_each_prerequisite_that_it_skips():
    outline = index.outline()
    for route in outline["routes"]:
        came, skipped = set(), []
        for key in route["lessons"]:
            needs = describe(CHAPTERS / f"{key}.md").prerequisites
            skipped += [need for need in needs if need not in (*came, *skipped)]
            came.add(key)
        assert list(route["instead"]) == sorted(skipped), route["title"]
        assert all(one.endswith(".") for one in route["instead"].values())
    weekend = next(one for one in outline["routes"] if one["title"] == "A first weekend")
    assert (
        "Wide & Deep adds both"
        in weekend["instead"]["01_memorization_generalization/01_wide_and_deep"]
    )


def test_a_route_that_skips_a_lesson_without_a_sentence_is_refused(book, monkeypatch):
    route = {"title": "Short", "text": "Go.", "lessons": ("01_more/02_new",)}
    monkeypatch.setattr(index, "ROUTES", (route,))
    with pytest.raises(
        LessonError, match=r"instead\.yaml: expected a sentence for 00_small/00_one"
    ):
        index.outline(book)
    whole = {**route, "lessons": ("00_small/00_one", "00_small/01_small", "01_more/01_next")}
    monkeypatch.setattr(index, "ROUTES", (whole,))
    assert index.outline(book)["routes"][0]["instead"] == {}


def test_no_sentence_is_for_a_lesson_that_every_route_and_path_has():
    shown = {key for route in index.outline()["routes"] for key in route["instead"]}
    book = course.Book()
    for _, sessions in course.PATHS.values():
        shown |= {book.lessons[number]["key"] for number in book.on_trust(sessions)}
    assert set(INSTEAD) == shown


def test_the_outline_is_written_and_checked(book):
    index.write(book)
    path = book / OUTLINE
    assert json.loads(path.read_text()) == json.loads(index.rendered_outline(book))
    assert lesson_checks.index_problems(book) == []
    path.write_text(path.read_text().replace("A small lesson", "A lesson"))
    said = [f"{path}: not what the lessons say; run `make book`"]
    assert lesson_checks.index_problems(book) == said
    path.unlink()
    assert lesson_checks.index_problems(book) == said


def test_the_first_lesson_is_linked_above_all_else(chapters, survey):
    chapters.write(survey, name="02_next")
    chapters.write(survey)
    first_cell = index.render(chapters.folder).split("```")[0]
    assert "[Begin here](00_small/01_small.ipynb)." in first_cell


def test_start_page_and_readme_say_how_to_run_a_lesson(chapters, survey):
    chapters.write(survey)
    first_cell = index.render(chapters.folder).split("```")[0]
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"To run a lesson, choose {RUN_IT}." in first_cell
    assert f"To run a lesson, choose {RUN_IT}." in readme


def test_the_readmes_questions_stand_on_the_start_page_with_its_own_links(chapters, survey):
    chapters.write(survey)
    page = index.render(chapters.folder)
    assert f"\n{index.FIRST_MODEL}\n## Before you start\n" in page
    tree = index.FIRST_MODEL.replace("](0", "](chapters/0")
    assert tree in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_model_is_that_of_the_boards():
    for name in ("scoreboards.kuairand", "scoreboards.movielens"):
        arms = record_of(name)["declaration"]["arms"]
        for arm in (one for one in arms if one["name"] in ("logistic regression", "trees")):
            assert {"user_count", "user_like_rate", "item_count"} <= {*arm["columns"]}, arm["name"]
    said = " ".join(index.FIRST_MODEL.split())
    assert "one for each past count and click rate of user and item), and trees on these" in said


def test_no_title_ages():
    for path in find_texts(CHAPTERS):
        (title,) = re.findall(r"^  title: (.*)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert not re.search(r"(?i)\b(today|recent|modern|newest|latest)\b", title), path.name


def test_is_executed_and_written_once(chapters, survey, monkeypatch):
    chapters.write(survey)
    text_path = index.write(chapters.folder)
    notebook = read_notebook(text_path.with_suffix(".ipynb"))
    (code,) = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code.source == "from recsys_book import start\n\nstart()"
    # What whoever builds has solved is not in the committed page.
    assert "Begin here: " in code.outputs[0].data["text/html"]
    assert set(code.metadata.tags) == {"hide-input", "nbval-ignore-output", "start"}

    built = []
    monkeypatch.setattr(index, "build", built.append)
    index.write(chapters.folder)
    assert built == []
    # The page's own text stays, and what it shows follows from the outline.
    page = text_path.read_text()
    (lesson,) = chapters.folder.glob("*/*.md")
    lesson.with_name("lab_clicks.md").write_text(survey.replace(*AS_LAB))
    index.write(chapters.folder)
    assert (built, text_path.read_text()) == ([text_path], page)


def test_the_generated_text_is_a_notebook_with_one_code_cell(chapters, survey):
    chapters.write(survey)
    (chapters.folder / "index.md").write_text(index.render(chapters.folder))
    cells = read_text(chapters.folder / "index.md").cells
    assert [cell.cell_type for cell in cells] == ["markdown", "code", "markdown"]
