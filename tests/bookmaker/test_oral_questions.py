"""Lessons with exercises have questions for a talk with the student."""

import pytest
from exercise_text import write

from bookmaker.checks.oral_questions import problems

QUESTION = "{n}. **Open your answer. Why?**\n   - Because\n     of this.\n"
LESSON = "## 00_small/01_small\n\n"
THREE = "".join(QUESTION.format(n=n) for n in (1, 2, 3))


def test_the_page_of_the_book_is_complete():
    assert problems() == []


@pytest.mark.parametrize(
    ("text", "got"),
    [
        (LESSON + THREE, None),
        (LESSON + THREE + QUESTION.format(n=4), 4),
        (LESSON + QUESTION.format(n=1), 1),
        (LESSON + THREE.replace("   - Because", "     Because", 1), 2),
        (LESSON + THREE.replace("**Open", "Open", 1), 2),
        ("# Oral questions\n", 0),
    ],
)
def test_three_questions_with_answers(tmp_path, text, got):
    write(tmp_path)
    page = tmp_path / "oral_questions.md"
    page.write_text(text)
    line = "expected 3 questions with what a good answer contains, got"
    expected = [] if got is None else [f"{page}: 00_small/01_small: {line} {got}"]
    assert problems(tmp_path, page) == expected


def test_a_heading_that_is_no_lesson(tmp_path):
    write(tmp_path)
    page = tmp_path / "oral_questions.md"
    page.write_text(LESSON + THREE + "## 00_small/02_gone\n")
    assert problems(tmp_path, page) == [
        f"{page}: expected a lesson with exercises, as NN_chapter/NN_slug, got 00_small/02_gone"
    ]
