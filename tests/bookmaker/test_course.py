"""The course around the book: hours, the picture, the manual and the slides."""

import html
import re
from types import SimpleNamespace

import pytest

from bookmaker.building.build import BuildError
from bookmaker.course import assets, manual, paths, picture, slides
from bookmaker.lessons import budget
from bookmaker.lessons.instead import sentence
from bookmaker.lessons.lessons import companion_text, describe
from recsys_book.base.paths import LessonError
from recsys_book.exercises.parsing import Exercise, Mistake
from recsys_book.exercises.source import find_sources, read_source

BOOK = paths.Book()
LESSON = describe(BOOK.text_path("04/01"))


def test_the_page_and_the_picture_are_what_the_lessons_say():
    for path, text in paths.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run `make book`"


def test_fourteen_weeks_are_the_whole_book_in_an_order_that_its_prerequisites_allow():
    _, sessions = paths.PATHS["fourteen_weeks"]
    keys = [key for session in sessions for key, _ in BOOK.chosen(session)]
    assert sorted(keys) == sorted(BOOK.lessons)
    assert BOOK.on_trust(sessions) == []


def test_what_a_path_leaves_out_is_named():
    assert BOOK.on_trust((paths.Session("00/01 04/01"),)) == ["00/02", "02/01"]
    with pytest.raises(LessonError, match="got '09/09'"):
        list(BOOK.chosen(paths.Session("09/09")))


def test_hours_are_those_of_lessons_and_exercises():
    inside = budget.count(LESSON.text_path)
    deeper = budget.count(companion_text(LESSON.text_path))
    assert BOOK.minutes("04/01") == inside.reading + 8 + 3
    assert BOOK.assignment("04/01") == (
        "`01_din`, 5 exercises, 19 points",
        deeper.reading + 12 + 12 + 10,
    )


def test_a_row_adds_up_lessons_what_is_handed_in_and_the_rest(monkeypatch):
    sessions = (paths.Session("00/01 04/01*", "talk", 1.5), paths.Session("00/02"))
    monkeypatch.setitem(paths.PATHS, "short", ("day", sessions))
    table = paths.table(BOOK, "short").splitlines()
    reading, solving = BOOK.minutes("00/01") + BOOK.minutes("04/01"), BOOK.assignment("04/01")[1]
    cells = [cell.strip() for cell in table[2].strip("|").split("|")]
    assert cells[0] == "1" and cells[2:4] == ["`01_din`, 5 exercises, 19 points", "talk"]
    hours = [reading / 60, solving / 60, 1.5, reading / 60 + solving / 60 + 1.5]
    assert cells[4:] == [f"{one:.1f}" for one in hours]
    second = BOOK.minutes("00/02") / 60
    *_, said, _, _, fm = table
    assert f"**{hours[3] + second:.0f} hours**" in said
    assert f"{hours[0] + second:.0f} for lessons" in said
    assert said.endswith("leaves out, and what to know instead:")
    assert fm.startswith("- 02/01 Factorization machines: FM gives every id a vector; ")


@pytest.mark.parametrize("name", paths.PATHS)
def test_a_path_says_what_to_know_instead_of_each_prerequisite_that_it_leaves_out(name):
    page, missing = paths.table(BOOK, name), BOOK.on_trust(paths.PATHS[name][1])
    for number in missing:
        assert f"\n- {BOOK.title(number)}: {sentence(BOOK.lessons[number]['key'])}" in page
    assert page.count("\n- ") == len(missing)
    assert page.endswith("leaves out: none.") == (not missing)


def test_a_page_without_its_marks_is_refused(tmp_path):
    (tmp_path / paths.PAGE).write_text("# A course\n")
    with pytest.raises(LessonError, match="expected '<!-- evening"):
        paths.write(folder=tmp_path)


def test_an_arrow_is_drawn_for_each_prerequisite_without_detour():
    needs = {"a": (), "b": ("a",), "c": ("a", "b"), "d": ("c", "b")}
    assert picture.direct(needs) == {"a": (), "b": ("a",), "c": ("b",), "d": ("c",)}
    drawing = picture.drawing(BOOK)
    needs = picture.direct(BOOK.needs)
    inside = {(one, key) for key in needs for one in needs[key] if one[:2] == key[:2]}
    assert {(arrow.source, arrow.target) for arrow in drawing.arrows} == inside
    boxes = {box.key: " ".join(box.lines) for box in drawing.boxes}
    assert list(boxes) == list(BOOK.lessons)
    assert boxes["07/03"] == "07/03 Day by day after 00/03, 02/01"
    assert "03/03 builds on 02/02 and 03/02" in drawing.description


def test_no_box_of_the_picture_covers_another_and_no_arrow_crosses_one():
    # It is wider than a lesson's picture, and arrows into one box may join.
    apart = [one for one in picture.drawing(BOOK).problems() if "lie on each other" not in one]
    assert len(apart) == 1 and apart[0].startswith("page: expected at most 700 pixels")


def exercise(kind, minutes, mistakes):
    found = [Mistake(by, "wrong", "answer = 1") for by in mistakes]
    parts = {"statement": "s", "solution": "answer = 0", "target": "answer", "public": "p"}
    return Exercise("a.b", kind, "T", 2, minutes, mistakes=tuple(found), **parts)


@pytest.mark.parametrize(
    ("kind", "minutes", "mistakes", "difficulty"),
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
def test_difficulty_follows_the_rule(kind, minutes, mistakes, difficulty):
    assert manual.difficulty(exercise(kind, minutes, mistakes)) == difficulty


@pytest.mark.parametrize("ends", ["exit 1", "kill -9 $$", "exec sleep 9"])
def test_half_a_manual_is_none(tmp_path, monkeypatch, ends):
    """Chromium fails, is killed, or takes too long, with half of the file written."""
    browser = tmp_path / "chromium"
    browser.write_text(
        f'#!/bin/bash\nfor one; do case $one in --print-to-pdf=*) echo %PDF > "${{one#*=}}"; esac; '
        f"done\n{ends}\n"
    )
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(manual, "SECONDS", 1)
    made = tmp_path / "made"
    made.mkdir()
    (made / "index.html").touch()
    (made / "manual.pdf").write_text("of the page as it was")
    assert manual._print(made / "index.html", made / "manual.pdf") == []
    assert [path.name for path in made.iterdir()] == ["index.html"]
    browser.write_text(browser.read_text().replace(ends, "exit 0"))
    assert manual._print(made / "index.html", made / "manual.pdf") == [made / "manual.pdf"]


def test_the_manual_has_every_exercise_whole():
    files = [read_source(path) for path in find_sources()]
    chosen = [file for file in files if file.lesson in ("01_wide_and_deep", "01_din")]
    page = manual.render(chosen)
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    every = [one for file in chosen for one in file.exercises]
    assert all(f'id="{one.identifier}"' in page for one in every)
    shown = re.findall(r"<h4>Solution</h4>\s*(<div.*?</div>)", page, re.DOTALL)
    code = [html.unescape(re.sub(r"<[^>]+>", "", one)).strip() for one in shown]
    assert code == [one.solution.strip() for one in every]
    assert text.count("(found by: ") == sum(len(one.mistakes) for one in every)
    assert page.count("<h4>Rubric</h4>") == sum(one.kind == "open" for one in every) > 0
    assert "Forgets the mask. (found by: public)" in text


@pytest.mark.parametrize("number", BOOK.lessons)
def test_slides_are_about_twelve_with_notes_and_alternative_texts(number):
    made = slides.slides(describe(BOOK.text_path(number)))
    assert 10 <= len(made) <= 16
    whole = "\n".join(made)
    assert len(re.findall(r"<h2[^>]*>In short", whole)) == 2
    assert all(re.search(r'<aside class="notes">\s*<\w', one) for one in made)
    for image in re.findall(r"<img[^>]*>", whole):
        assert len(re.search(r'alt="([^"]*)"', image)[1]) > 20
    # Nothing is asked of a server, and no link leads to a notebook that is not there.
    assert not re.search(r'src="(?!data:)', whole)
    assert ".ipynb" not in whole and "[≡]" not in whole


def test_a_page_of_slides_loads_what_lies_beside_it():
    page = slides.render(LESSON)
    loaded = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', page)
    assert len(loaded) == 6 and all(re.match(r"reveal/|mathjax\.js$", one) for one in loaded)


def test_slides_without_a_package_index_say_so_and_leave_no_half(tmp_path, monkeypatch):
    failed = SimpleNamespace(returncode=1, stderr="no such host\n")
    monkeypatch.setattr(assets.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(BuildError, match="from the package index, got 'no such host'"):
        assets.fetch_reveal(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_shown_in_the_notebook_is_on_no_slide():
    shown = "\n".join(slides.slides(LESSON))
    assert "How many points does DIN with softmax lose?" in shown
    assert "closes" not in shown  # the answer's cell prints it
