import pytest

from bookmaker.checks import lesson_checks
from bookmaker.lessons.formatting import format_text
from recsys_book.base.paths import LessonError


def test_formats_code_and_leaves_prose(chapters, survey):
    ugly = survey.replace("total = 2 + 2", "total=2+2").replace("None.\n", "total=2+2\n")
    path = chapters.write(ugly)
    assert format_text(path) is True
    assert path.read_text() == survey.replace("None.\n", "total=2+2\n")
    assert format_text(path) is False


def test_names_what_ruff_cannot_parse(chapters, survey):
    path = chapters.write(survey.replace("total = 2 + 2", "total = ("))
    with pytest.raises(LessonError, match=r"01_small.md: .*"):
        format_text(path)
    assert "total = (" in path.read_text()


def test_a_formatted_text_still_fits_a_formatted_notebook(chapters):
    path = chapters.write()
    chapters.fake(path)
    format_text(path)
    assert lesson_checks.check_lesson(path) == []
