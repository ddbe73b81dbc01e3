import pytest

from bookmaker import ledger
from recsys_lib.book.places import LessonError


def test_lists_claims_by_lesson(chapters):
    chapters.fake(chapters.write())
    text = ledger.render(chapters.folder)
    assert "The book makes 1 claim.\n" in text
    assert "## [A small lesson](00_small/01_small.ipynb)" in text
    assert "| `small.sum` | The sum is four. | sum 4 |" in text


def test_a_checked_claim_without_output_is_named(chapters):
    chapters.fake(chapters.write(), lambda notebook: notebook.cells[1].update(outputs=[]))
    with pytest.raises(LessonError, match=r"no output of the claims \['small.sum'\]"):
        ledger.render(chapters.folder)


def test_a_book_without_lessons_has_an_empty_ledger(chapters):
    path = ledger.write(chapters.folder)
    assert "The book makes 0 claims." in path.read_text()
