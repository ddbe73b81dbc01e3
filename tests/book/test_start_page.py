"""The start page: where to go on, what a route takes, which boxes are filled."""

import json
import re

import pytest

from recsys_book.reader import start_page


def lesson(key, exercises, title="Title: more", **changes):
    return {
        "key": key,
        "title": title,
        "question": "Why?",
        "reading": 30,
        "exercises": exercises,
        "seconds": 20,
        "has_deeper": False,
        "follows": False,
        **changes,
    }


LESSONS = [
    lesson("00_a/01_one", {"a.x": 5, "a.y": 2}, "One: the <first>", has_deeper=True),
    lesson("00_a/02_two", {"b.x": 12}, "Two", follows=True),
    lesson("01_b/01_three", {"c.x": 40}, "Three"),
]
LAB = lesson("01_b/lab_x", {}, "Lab", data="clicks")
OUTLINE = {
    "chapters": [
        {"number": "00", "title": "A", "needs": [], "lessons": LESSONS[:2], "labs": []},
        {"number": "01", "title": "B", "needs": ["00"], "lessons": LESSONS[2:], "labs": [LAB]},
    ],
    "routes": [
        {
            "title": "Short",
            "text": "Go:",
            "lessons": ["00_a/01_one", "01_b/01_three"],
            "instead": {"00_a/02_two": "Two is < 3."},
        },
        {"title": "All", "text": "Go.", "lessons": [], "instead": {}},
    ],
}


def passed(*names, time="2026-01-02"):
    return {name: {"passed_time": time, "last_time": time, "attempts": 1} for name in names}


def tried(name, time="2026-01-01"):
    return {name: {"last": "wrong", "last_time": time, "attempts": 1}}


@pytest.fixture
def page(tmp_path, monkeypatch):
    (tmp_path / start_page.OUTLINE).write_text(json.dumps(OUTLINE))
    monkeypatch.setattr(start_page, "environment_problems", list)
    return lambda **checks: start_page.render(tmp_path, checks)


def step(page):
    (found,) = re.findall(r'<p class="next">(.*?)</p>', page)
    return re.sub(r"<[^>]+>", "", found)


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ({}, "Begin here: One, 37 minutes."),
        (tried("c.x"), "Continue with Three, 1 h 10 min."),
        (tried("a.x"), "Continue with One, 37 minutes."),
        (
            passed("a.y"),
            "Continue with One: 1 of 2 exercises are solved, and the others take about 5 minutes.",
        ),
        (passed("a.x", "a.y"), "Continue with Two, 42 minutes."),
        # The lesson that was tried last, and not the first that is open.
        (tried("a.x") | passed("b.x"), "Continue with Three, 1 h 10 min."),
        (passed("c.x", time="2026-02-01") | passed("b.x"), "Continue with One, 37 minutes."),
        (passed("a.x", "a.y", "b.x", "c.x"), "You have solved every exercise of the lessons."),
        # After one lesson the reader may be on a route; after two of it, and no other, they are.
        (
            passed("a.x", "a.y"),
            "Continue with Two, 42 minutes. On the route Short: Three.",
        ),
        (
            passed("a.x", "a.y") | tried("c.x", time="2026-02-01"),
            "Continue with Three, 1 h 10 min.",
        ),
        (passed("a.x", "a.y", "c.x"), "Continue with Two, 42 minutes."),
        (
            passed("a.x", "a.y") | passed("b.x", time="2026-02-01"),
            "Continue with Three, 1 h 10 min.",
        ),
    ],
)
def test_it_says_where_to_go_on(page, checks, said):
    assert step(page(**checks)).startswith(said)


def test_after_din_a_reader_of_the_weekend_goes_on_as_the_route_does():
    outline = start_page.read_outline()
    lessons = {one["key"]: one for part in outline["chapters"] for one in part["lessons"]}
    weekend = outline["routes"][0]["lessons"]

    def said_after(*keys):
        times = {key: f"2026-01-{day:02d}" for day, key in enumerate(keys, start=1)}
        solved = {
            name: {"passed_time": time, "last_time": time}
            for key, time in times.items()
            for name in lessons[key]["exercises"]
        }
        found = start_page.render(checks=solved)
        opened = re.search(r"<details open><summary><strong>(\d\d)", found)[1]
        return step(found), opened

    assert weekend[2] == "04_sequence_models/01_din"
    after_din, opened = said_after(*weekend[:3])
    assert after_din.startswith("Continue with Which sequence model, when?, ")
    assert after_din.endswith("In the order of the book: DIEN.") and opened == "04"
    after_fm, opened = said_after(*weekend[:2])
    assert after_fm.startswith("Continue with DIN, ") and opened == "04"
    # Who read another lesson before it is not on the route.
    after_din, _ = said_after(weekend[0], "00_the_ranking_stage/02_metrics", *weekend[1:3])
    assert after_din.startswith("Continue with DIEN, ") and "order of the book" not in after_din


def test_routes_have_their_hours_and_what_is_done(page):
    short, all_ = re.findall(
        r"<li>(<em>.*?)</li>(?=<li><em>|</ul>\n)", page(**passed("c.x", "a.x"))
    )
    assert "<em>Short</em>, 1 h 47 min, 1 of 2 lessons done." in short
    assert "Three</a> ✓<details><summary>What to know instead" in short
    assert short.endswith('<a href="00_a/02_two.ipynb">Two</a>: Two is &lt; 3.</li></ul></details>')
    assert "instead" not in all_ and 'href="00_a/01_one.ipynb">One</a> →' in short
    assert "<em>All</em>, 2 h 29 min, 1 of 3 lessons done." in all_


def test_boxes_are_links_that_fill(page):
    found = page(**passed("a.x", "b.x"))
    boxes = re.findall(r'<span>(→ )?<a href="(\S+)" style="--solved: (\d+%)".*?>(.*?)</a>', found)
    assert boxes == [
        ("", "00_a/01_one.ipynb", "50%", "One 1/2"),
        ("→ ", "00_a/02_two.ipynb", "100%", "Two ✓"),
        ("", "01_b/01_three.ipynb", "0%", "Three"),
    ]
    assert "Exercises solved, by chapter: 00: 2 of 3; 01: 0 of 1." in found
    assert "builds on 00" in found and "<first>" not in found


def test_the_chapter_of_the_reader_is_open(page):
    opened = re.compile(r"<details( open)?><summary><strong>(\d\d)")
    assert opened.findall(page()) == [(" open", "00"), ("", "01")]
    assert opened.findall(page(**tried("c.x"))) == [("", "00"), (" open", "01")]
    assert 'href="00_a/01_one.deeper.ipynb"' in page() and 'href="01_b/lab_x.ipynb"' in page()


def test_the_assignments_of_the_course_are_said(page, tmp_path):
    assert "Due until" not in page()
    dates = {"02_two": "2999-12-08T18:00+00:00", "09_own": "2998-01-01", "01_one": "2001-01-01"}
    (tmp_path / "week.json").write_text(json.dumps(dates))
    first, second = re.findall(r"<p><strong>(Due until .*?)</p>", page())
    assert first == "Due until Monday, 01 January 2998, 23:59:</strong> the assignment of 09_own"
    assert second.startswith("Due until Sunday, 08 December 2999, ")
    assert second.endswith('the assignment of <a href="00_a/02_two.ipynb">Two</a>')
    (tmp_path / "week.json").write_text("[]")
    assert "week.json: expected a due date for each lesson" in page()


def test_what_is_wrong_with_the_environment_stands_above(page, monkeypatch):
    monkeypatch.setattr(start_page, "environment_problems", lambda: ["keras: <old>"])
    found = page()
    assert found.index("keras: &lt;old&gt;") < found.index("Begin here")


def test_the_books_page_names_every_lesson():
    outline = start_page.read_outline()
    found = start_page.render(checks={})
    lessons = [one for chapter in outline["chapters"] for one in chapter["lessons"]]
    assert len(lessons) > 30 and all(f'"{one["key"]}.ipynb"' in found for one in lessons)
