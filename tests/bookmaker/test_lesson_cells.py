"""A lesson and its exercises file are held against each other."""

import pytest
from exercise_text import ALL, small, write

from bookmaker.__main__ import main
from bookmaker.checks import lesson_checks
from bookmaker.lessons.lesson_cells import (
    duplicate_exercises,
    lesson_problems,
    render_lesson_cells,
)
from bookmaker.lessons.lessons import read_text
from bookmaker.lessons.offered_names import SENTENCE


@pytest.fixture
def lesson(chapters, survey):
    """Path of a lesson that shows all exercises of the file beside it."""
    cells = render_lesson_cells(small(chapters.folder))
    names = "from recsys_book import check, exercise, hint, solution"
    offer = f"{SENTENCE.format('small.twice')}\n\n```{{code-cell}} ipython3\n{names}\n```\n"
    return chapters.write(
        survey.replace("## References", f"## Exercises\n\n{offer}\n{cells}\n## References")
    )


def problems(path):
    return lesson_problems(path, read_text(path))


def test_the_printed_cells_are_what_the_lesson_needs(lesson):
    assert problems(lesson) == []


def test_blank_lines_do_not_count(lesson):
    lesson.write_text(lesson.read_text().replace("your code here\n\n\n", "your code here\n"))
    assert problems(lesson) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# your code here", "return 2 * x", "small.twice is not its starter"),
        ('check("small.letter", answer)', "answer", "small.letter is not its starter"),
        ('exercise("small.throw")', "guess = 1", "no cell shows the exercise small.throw"),
        ('exercise("small.throw")', 'exercise("small.thru")', "has no exercise small.thru"),
    ],
)
def test_deviations_are_named(lesson, old, new, message):
    text = lesson.read_text()
    assert old in text
    lesson.write_text(text.replace(old, new, 1))
    found = problems(lesson)
    assert any(message in problem for problem in found)
    assert all(problem.startswith(str(lesson)) for problem in found)


def test_a_lesson_cannot_show_exercises_without_a_file(lesson):
    lesson.with_name("01_small.exercises.md").unlink()
    found = problems(lesson)
    assert len(found) == 4
    assert "shows the exercise small.twice, but 01_small.exercises.md is missing" in found[0]


def test_a_lesson_without_exercises_is_fine(chapters):
    assert problems(chapters.write()) == []


def test_a_broken_file_is_a_problem(lesson, chapters):
    write(chapters.folder, ALL.replace("### Hints", "### Tips"))
    (problem,) = problems(lesson)
    assert "unknown section 'Tips'" in problem


def test_the_check_of_the_book_knows_about_them(lesson, chapters):
    main(["--chapters", str(chapters.folder), "cells"])
    chapters.fake(lesson)
    assert not [p for p in lesson_checks.check_book(chapters.folder) if "exercise" in p]
    write(chapters.folder, name="02_small")
    found = lesson_checks.check_book(chapters.folder)
    assert any("the exercise small.twice stands in 2 files" in problem for problem in found)
    assert len(duplicate_exercises(chapters.folder)) == 4


def test_two_chapters_cannot_share_the_name_of_a_lesson_with_exercises(chapters):
    write(chapters.folder)
    write(chapters.folder, ALL.replace("small.", "other."), chapter="02_other")
    (problem,) = duplicate_exercises(chapters.folder)
    assert problem.endswith("01_small.exercises.md stands in 2 chapters")
