"""Answers that lie in the published chapters are taken over into the work copies, once."""

import pytest
from small_book import FIRST, LESSON, SECOND, TAKEN, book, repository

__all__ = ["book", "repository"]


@pytest.mark.parametrize("with_git", [True, False])
def test_answers_in_chapters_are_taken_over_once(with_git, request):
    book = request.getfixturevalue("repository" if with_git else "book")
    book.answer("answer = 1", folder=book.chapters)
    report = book.refresh()
    assert report.taken == [LESSON] and "git checkout -- chapters/" in report.lines()[-1]
    assert book.source() == "answer = 1"
    assert book.refresh().taken == []
    # What the reader goes on with is the copy.
    book.answer("answer = 2")
    assert book.refresh().taken == []
    assert book.source() == "answer = 2"
    book.publish(LESSON, FIRST)
    assert book.refresh().kept == [LESSON]
    assert book.source() == "answer = 2"


def test_answers_in_chapters_never_replace_answers_in_the_copy(repository):
    book = repository
    book.refresh()
    book.answer("answer = 1")
    book.answer("answer = 2", folder=book.chapters)
    assert book.refresh().taken == [TAKEN]
    assert (book.source(), book.source(TAKEN)) == ("answer = 1", "answer = 2")
    book.answer("answer = 3", folder=book.chapters)
    assert book.refresh().taken == [TAKEN]
    assert book.source(TAKEN) == "answer = 3"
    book.answer("answer = 4", TAKEN)
    book.answer("answer = 5", folder=book.chapters)
    assert book.refresh().taken == [TAKEN.replace("chapters", "chapters2")]
    assert (book.source(), book.source(TAKEN)) == ("answer = 1", "answer = 4")


def test_taking_over_goes_on_where_it_was_killed(book):
    book.answer("answer = 1", folder=book.chapters)
    book.refresh()
    (book.work / ".copied.json").unlink()
    before = set(book.files())
    book.refresh()
    assert set(book.files()) == before | {".copied.json"}
    assert book.source() == "answer = 1"


def test_with_git_the_published_lesson_is_still_at_hand(repository):
    book = repository
    book.answer("answer = 1", folder=book.chapters)
    book.refresh()
    (book.work / LESSON).unlink()
    book.refresh()
    assert book.source() == FIRST
    (book.chapters / LESSON).write_text("<<<<<<< HEAD")
    assert book.refresh().lines() == []


def test_an_authors_text_that_waits_for_its_build_is_no_answer(repository):
    book = repository
    text = (book.chapters / LESSON).with_suffix(".md")
    text.write_text(text.read_text().replace(FIRST, SECOND))
    report = book.refresh()
    assert (report.taken, report.copied) == ([], ["index.ipynb", LESSON])
    # Built, and not committed yet.
    book.publish(LESSON, SECOND)
    assert book.refresh().renewed == [LESSON]
