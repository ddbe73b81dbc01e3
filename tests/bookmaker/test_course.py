"""The course around the book: hours, the picture, the manual and the slides."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from bookmaker import budget
from bookmaker.course import manual, paths, picture, slides
from bookmaker.lessons import companion_text
from recsys_book.exercises.parsing import Exercise, Mistake
from recsys_book.exercises.source import find_sources, read_source
from recsys_book.paths import LessonError

BOOK = paths.Book()
SVG = "{http://www.w3.org/2000/svg}"


def test_the_page_and_the_picture_are_what_the_lessons_say():
    for path, text in paths.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run `make book`"


def test_fourteen_weeks_are_the_whole_book_in_an_order_that_its_prerequisites_allow():
    _, sessions = paths.PATHS["fourteen_weeks"]
    keys = [key for session in sessions for key, _, _ in BOOK.chosen(session)]
    assert sorted(keys) == sorted(BOOK.lessons)
    assert BOOK.on_trust(sessions) == []


def test_what_a_path_leaves_out_is_named():
    assert BOOK.on_trust((paths.Session("00/01 04/01"),)) == ["00/02", "02/01"]
    with pytest.raises(LessonError, match="got '09/09'"):
        list(BOOK.chosen(paths.Session("09/09")))


def test_hours_are_those_of_lessons_and_exercises():
    lesson = BOOK.lessons["04/01"]
    inside = budget.count(lesson.text_path)
    deeper = budget.count(companion_text(lesson.text_path))
    assert BOOK.minutes(lesson) == inside.reading + 8 + 3
    assert BOOK.further_minutes(lesson) == deeper.reading + 12 + 12 + 10
    line = next(one for one in paths.table(BOOK, "evening").splitlines() if "| 1 |" in one)
    minutes = sum(BOOK.minutes(BOOK.lessons[key]) for key in ("00/01", "00/02", "04/01"))
    assert line.endswith(f"| {minutes / 60:.1f} | {minutes / 60:.1f} |")


def test_a_page_without_its_marks_is_refused(tmp_path):
    (tmp_path / paths.PAGE).write_text("# A course\n")
    with pytest.raises(LessonError, match="expected '<!-- evening"):
        paths.write(folder=tmp_path)


def test_an_arrow_is_drawn_for_each_prerequisite_without_detour():
    needs = {"00/1": (), "00/2": ("00/1",), "01/1": ("00/1", "00/2"), "01/2": ("01/1", "00/2")}
    groups = {"00 A": {"00/1": "one", "00/2": "two & more"}, "01 B": {"01/1": "x", "01/2": "y"}}
    assert picture.direct(needs)["01/2"] == ("01/1",)
    root = ElementTree.fromstring(picture.draw(groups, needs))
    lines = [path for path in root.iter(f"{SVG}path") if path.get("stroke")]
    assert len(lines) == 3  # 00/1 to 00/2, 01/1 to 01/2, chapter to chapter
    texts = ["".join(one.itertext()) for one in root.iter(f"{SVG}text")]
    assert {"00/2 two & more", "01/1 x", "after 00/2", "00 A"} <= set(texts)
    described = root.find(f"{SVG}desc").text
    assert described == picture.describe(groups, needs)
    assert "01/1 builds on 00/2" in described


def test_no_box_of_the_books_picture_leaves_it_or_covers_another():
    root = ElementTree.fromstring(paths.prerequisites(BOOK)[0])
    width, height = (float(root.get(name)) for name in ("width", "height"))
    boxes = [
        tuple(float(one.get(name)) for name in ("x", "y", "width", "height"))
        for one in root.iter(f"{SVG}rect")
        if one.get("stroke")
    ]
    assert len(boxes) == len(BOOK.lessons)
    for number, (x, y, wide, tall) in enumerate(boxes):
        assert 0 <= x and x + wide <= width and 0 <= y and y + tall <= height
        for other_x, other_y, _, _ in boxes[:number]:
            assert abs(x - other_x) >= wide or abs(y - other_y) >= tall


def exercise(kind, minutes, mistakes):
    found = [Mistake(by, "wrong", "answer = 1") for by in mistakes]
    parts = {"statement": "s", "solution": "answer = 0", "target": "answer", "public": "p"}
    return Exercise("a.b", kind, "T", 2, minutes, mistakes=tuple(found), **parts)


@pytest.mark.parametrize(
    ("kind", "minutes", "mistakes", "stars"),
    [
        ("code", 7, ["public"], 1),
        ("code", 8, ["public"], 2),
        ("code", 12, ["public"], 3),
        ("code", 12, ["public", "hidden"], 4),
        ("derivation", 12, ["hidden"], 5),
        ("open", 8, [], 3),
        ("recall", 3, ["public"] * 3, 1),
        ("recall", 3, ["public"] * 4, 2),
    ],
)
def test_stars_follow_the_rule(kind, minutes, mistakes, stars):
    one = exercise(kind, minutes, mistakes)
    assert manual.stars(one) == stars
    assert f'aria-label="{stars} of 5 stars"' in manual.shown_stars(one)


def test_the_manual_has_every_exercise_whole():
    files = [read_source(path) for path in find_sources()]
    chosen = [file for file in files if file.lesson in ("01_wide_and_deep", "01_din")]
    page = manual.render(chosen, mathjax="<script>loaded</script>")
    text = re.sub(r"<[^>]+>", "", page).replace("&#39;", "'").replace("&quot;", '"')
    assert "<script>loaded</script>" in page
    every = [one for file in chosen for one in file.exercises]
    assert all(f'id="{one.identifier}"' in page for one in every)
    assert page.count("<h4>Solution</h4>") == len(every)
    assert text.count("(found by: ") == sum(len(one.mistakes) for one in every)
    assert page.count("<h4>Rubric</h4>") == sum(one.kind == "open" for one in every) > 0
    assert "weights = np.where(real, scores, 0.0)" in text
    assert "Forgets the mask. (found by: public)" in text


LESSONS = [pytest.param(lesson, id=key) for key, lesson in BOOK.lessons.items()]


@pytest.mark.parametrize("lesson", LESSONS)
def test_slides_are_about_twelve_with_notes_and_alternative_texts(lesson):
    made = slides.slides(lesson)
    assert 10 <= len(made) <= 16
    whole = "\n".join(made)
    assert len(re.findall(r"<h2[^>]*>In short", whole)) == 2
    assert all('<aside class="notes">' in one for one in made)
    for image in re.findall(r"<img[^>]*>", whole):
        assert len(re.search(r'alt="([^"]*)"', image)[1]) > 20
    # Nothing is asked of a server, and no link leads to a notebook that is not there.
    assert not re.search(r'src="(?!data:)', whole)
    assert ".ipynb" not in whole and "[≡]" not in whole


def test_a_page_of_slides_loads_what_lies_beside_it():
    page = slides.render(BOOK.lessons["04/01"])
    loaded = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', page)
    assert len(loaded) == 6 and all(one.startswith("assets/") for one in loaded)


def test_what_is_not_shown_in_the_notebook_is_on_no_slide():
    shown = "\n".join(slides.slides(BOOK.lessons["04/01"]))
    assert "How many points does DIN with softmax lose?" in shown
    assert "closes" not in shown  # the answer's cell prints it
