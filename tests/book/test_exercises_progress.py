"""The progress file: written and read, off in builds, harmless when broken or unwritable."""

import json

import pytest
from exercise_text import write

from recsys_lib.book import places
from recsys_lib.book.exercises import check, progress_file, student


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    chapters = tmp_path / "chapters"
    write(chapters)
    monkeypatch.setattr(places, "CHAPTERS", chapters)
    monkeypatch.delenv("RECSYS_PROGRESS", raising=False)
    monkeypatch.delenv("RECSYS_PROGRESS_FILE", raising=False)
    monkeypatch.setattr(student, "_predictions", {})
    monkeypatch.setattr(progress_file, "_complained", [])
    return tmp_path / ".progress.json"


def right(x):
    return 2 * x


def wrong(x):
    return x


def test_attempts_and_the_first_pass_are_kept(path):
    check("small.twice", wrong)
    check("small.twice", right)
    entry = json.loads(path.read_text())["checks"]["small.twice"]
    assert (entry["attempts"], entry["last"]) == (2, "exact")
    first = entry["passed_time"]
    check("small.twice", wrong)
    entry = json.loads(path.read_text())["checks"]["small.twice"]
    assert (entry["attempts"], entry["last"], entry["passed_time"]) == (3, "wrong", first)


def test_no_attempt_leaves_no_trace(path):
    check("small.twice", ...)
    assert not path.exists()


def test_nothing_is_kept_or_read_in_builds(path, monkeypatch):
    monkeypatch.setenv("RECSYS_PROGRESS", "0")
    check("small.twice", right)
    assert not path.exists()
    path.write_text('{"checks": {"small.twice": {"passed_time": "2020-01-01"}}}')
    assert progress_file.read_progress() == {}
    assert progress_file.render_progress() == (
        "<p>Run this cell to see which exercises you have solved.</p>"
    )


def test_the_environment_names_another_file(path, tmp_path, monkeypatch):
    other = tmp_path / "deep" / "mine.json"
    monkeypatch.setenv("RECSYS_PROGRESS_FILE", str(other))
    check("small.twice", right)
    assert other.exists() and not path.exists()


def test_the_table_counts_what_passed():
    check("small.twice", right)
    check("small.letter", "a")
    table = progress_file.render_progress()
    assert "1 of 4 exercises passed, 3 of 10 points." in table
    assert "<td>00 01_small</td><td>Twice</td><td>code</td><td>2 min</td><td>3</td>" in table
    assert "passed on 20" in table
    assert "1 attempt, last: wrong" in table
    assert table.count("not attempted") == 2


def test_deleting_the_file_starts_over(path):
    check("small.twice", right)
    path.unlink()
    assert "0 of 4 exercises" in progress_file.render_progress()


@pytest.mark.parametrize("content", ["", "[]", '{"checks": 3}', '{"checks": {"small.twice": 1}}'])
def test_a_broken_file_counts_as_empty(path, content):
    path.write_text(content)
    assert progress_file.read_progress() == {}
    check("small.twice", right)
    assert progress_file.read_progress()["small.twice"]["attempts"] == 1


def test_where_it_cannot_be_written_one_line_says_so_once(capsys, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RECSYS_PROGRESS_FILE", str(tmp_path / "file" / "progress.json"))
    check("small.twice", right)
    check("small.twice", right)
    out = capsys.readouterr().out
    assert out.count("progress cannot be kept") == 1
    assert out.count("exact on 2 public cases") == 2


def test_an_empty_book_has_no_table(tmp_path):
    assert progress_file.render_progress(tmp_path / "none") == "<p>No exercises yet.</p>"
