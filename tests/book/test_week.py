"""The assignments that are due, from the file that the course writes beside the chapters."""

from datetime import UTC, datetime, timedelta

import pytest

import recsys_book
from recsys_book.base import paths
from recsys_book.reader.week import NAME, read_moment, this_week, write_week

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def test_what_is_due_next_comes_first_and_what_is_over_is_gone(tmp_path):
    assert this_week(tmp_path, NOW) == []
    write_week(["01_din", "02_dien"], NOW + timedelta(days=7), tmp_path)
    write_week(["03_dsin"], NOW + timedelta(days=2), tmp_path)
    write_week(["04_twin"], NOW - timedelta(seconds=1), tmp_path)
    later = NOW + timedelta(days=7)
    assert this_week(tmp_path, NOW) == [
        ("03_dsin", NOW + timedelta(days=2)),
        ("01_din", later),
        ("02_dien", later),
    ]
    write_week(["01_din"], None, tmp_path)
    write_week(["02_dien"], NOW, tmp_path)
    assert [lesson for lesson, _ in this_week(tmp_path, NOW)] == ["02_dien", "03_dsin"]


def test_by_default_it_is_the_books_file(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "CHAPTERS", tmp_path)
    due = datetime.now(UTC) + timedelta(days=1)
    write_week(["01_din"], due)
    assert recsys_book.this_week() == [("01_din", due)]


@pytest.mark.parametrize("text", ["[]", "{", '{"01_din": "soon"}', '{"01_din": 3}'])
def test_a_broken_file_is_named(tmp_path, text):
    (tmp_path / NAME).write_text(text)
    with pytest.raises(paths.LessonError, match=r"^week\.json: expected a due date for each"):
        this_week(tmp_path, NOW)


def test_a_day_ends_with_its_last_minute_and_a_moment_keeps_its_zone():
    day = read_moment("2026-12-08", "due")
    assert (day.day, day.hour, day.minute) == (8, 23, 59) and day.tzinfo is not None
    assert read_moment("2026-12-08 00:00", "due").hour == 0
    assert read_moment("2026-12-08T18:00Z", "due") == datetime(2026, 12, 8, 18, tzinfo=UTC)
    with pytest.raises(paths.LessonError, match=r"^due: expected a date such as .* got '8'"):
        read_moment("8", "due")
