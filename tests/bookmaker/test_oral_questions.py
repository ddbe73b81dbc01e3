"""Lessons with exercises have questions for a talk with the student."""

import re

import pytest
from exercise_text import write

from recsys_book.base.paths import CHAPTERS
from recsys_book.exercises.parsing import SUFFIX
from recsys_book.exercises.source import find_sources

PAGE = CHAPTERS.parent / "docs" / "oral_questions.md"
QUESTIONS = 3
QUESTION = "{n}. **Open your answer. Why?**\n   - Because\n     of this.\n"
LESSON = "## 00_small/01_small\n\n"
THREE = "".join(QUESTION.format(n=n) for n in (1, 2, 3))


def problems(chapters=CHAPTERS, page=PAGE):
    """The gaps of the page of oral questions, one line each.

    The page has a heading for each lesson with exercises, below it a numbered list of questions in
    bold, each with a list of what a good answer contains.
    """
    with_exercises = {
        f"{path.parent.name}/{path.name.removesuffix(SUFFIX)}" for path in find_sources(chapters)
    }
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    sections = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        sections[heading.strip()] = body
    found = [
        f"{page}: expected a lesson with exercises, as NN_chapter/NN_slug, got {heading}"
        for heading in sections
        if heading not in with_exercises
    ]
    for lesson in sorted(with_exercises):
        questions = re.split(r"^\d+\. ", sections.get(lesson, ""), flags=re.MULTILINE)[1:]
        whole = [
            one for one in questions if one.startswith("**") and re.search(r"^   - \S", one, re.M)
        ]
        if len(whole) != QUESTIONS or len(questions) != QUESTIONS:
            found.append(
                f"{page}: {lesson}: expected {QUESTIONS} questions with what a good answer "
                f"contains, got {len(whole)}"
            )
    return found


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
