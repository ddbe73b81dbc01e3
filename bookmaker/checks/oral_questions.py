"""Each lesson with exercises has three questions for a talk with the student."""

import re
from pathlib import Path

from recsys_book.base.paths import CHAPTERS
from recsys_book.exercises.parsing import SUFFIX
from recsys_book.exercises.source import find_sources

PAGE = CHAPTERS.parent / "docs" / "oral_questions.md"
QUESTIONS = 3


def problems(chapters: Path = CHAPTERS, page: Path = PAGE) -> list[str]:
    """The gaps of the page of oral questions, one line each.

    Args:
        chapters: the folder of the chapters.
        page: the page; a heading for each lesson, below it a numbered list of questions in bold,
            each with a list of what a good answer contains.

    Returns:
        A line for each lesson that has exercises and no three questions with answers, and for each
        heading that is no lesson's.
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
