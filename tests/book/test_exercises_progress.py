"""The progress file: written and read, off in builds, nothing lost by others, kills or faults."""

import json
import os
import subprocess
import sys

import pytest
from exercise_text import write

from recsys_book.base import paths
from recsys_book.exercises import check, progress_file, student
from recsys_lib.locks import locked


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    chapters = tmp_path / "chapters"
    write(chapters)
    monkeypatch.setattr(paths, "CHAPTERS", chapters)
    monkeypatch.delenv("RECSYS_KEEP_PROGRESS", raising=False)
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
    monkeypatch.setenv("RECSYS_KEEP_PROGRESS", "0")
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


BROKEN = ["", "[]", "{", '{"checks": 3}', '{"checks": {"small.twice": 1}}', "\udcff"]


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_file_counts_as_empty_and_is_kept_aside(path, capsys, content):
    content = content.encode("utf-8", "surrogateescape")
    path.write_bytes(content)
    assert progress_file.read_progress() == {}
    assert path.read_bytes() == content
    check("small.twice", right)
    check("small.twice", right)
    assert progress_file.read_progress()["small.twice"]["attempts"] == 2
    assert path.with_name(".progress.broken-1.json").read_bytes() == content
    out = capsys.readouterr().out
    assert out.count("cannot be read; it is kept as .progress.broken-1.json") == 1


def test_a_second_broken_file_does_not_replace_the_first(path):
    for content in ("one", "two"):
        path.write_text(content)
        check("small.twice", right)
    kept = [path.with_name(f".progress.broken-{number}.json").read_text() for number in (1, 2)]
    assert kept == ["one", "two"]


def test_the_table_says_that_the_file_is_broken(path):
    path.write_text("{")
    assert "cannot be read; the next check puts it aside" in progress_file.render_progress()
    check("small.twice", right)
    assert "cannot be read" not in progress_file.render_progress()


def test_a_file_that_cannot_be_opened_is_not_put_aside(path, capsys):
    path.mkdir()
    check("small.twice", right)
    assert path.is_dir() and list(path.parent.glob("*broken*")) == []
    assert "progress cannot be kept" in capsys.readouterr().out


WRITER = """
import os, sys
from recsys_book.exercises import progress_file
for number in range(15):
    progress_file.record(f"small.{sys.argv[1]}_{number}", "exact", True)
    progress_file.record("small.common", "wrong", False)
"""
KILLED = """
import os
from recsys_book.base import paths
from recsys_book.exercises import progress_file
os.replace = lambda temporary, path: os._exit(9)
progress_file.record("small.letter", "exact", True)
"""


def run_apart(path, code, *arguments):
    environment = {**os.environ, "RECSYS_PROGRESS_FILE": str(path)}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment)


def test_two_writers_lose_nothing(path):
    writers = [run_apart(path, WRITER, name) for name in ("first", "second")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    checks = progress_file.read_progress()
    assert len(checks) == 31
    assert checks["small.common"]["attempts"] == 30
    assert not path.with_name(".progress.lock").exists()


def test_a_kill_in_the_middle_of_writing_loses_nothing_and_leaves_nothing(path):
    check("small.twice", right)
    before = path.read_text()
    assert run_apart(path, KILLED).wait(60) == 9
    assert path.read_text() == before
    assert list(path.parent.glob("..progress.json.*"))
    check("small.twice", right)
    assert progress_file.read_progress()["small.twice"]["attempts"] == 2
    assert list(path.parent.glob("..progress.json.*")) == []


def test_a_neighbour_with_a_similar_name_stays(path):
    neighbour = path.with_name("..progress.json.swp")
    neighbour.write_text("an editor's")
    check("small.twice", right)
    assert neighbour.exists()


def test_a_lock_that_somebody_keeps_costs_the_record_and_not_the_verdict(path, capsys, monkeypatch):
    monkeypatch.setattr(progress_file, "LOCK_SECONDS", 0.1)
    with locked(path.with_name(".progress.lock"), seconds=1):
        check("small.twice", right)
    assert "expected .progress.lock to be free within 0.1 s" in capsys.readouterr().out
    assert not path.exists()


def test_where_it_cannot_be_written_one_line_says_so_once(capsys, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RECSYS_PROGRESS_FILE", str(tmp_path / "file" / "progress.json"))
    check("small.twice", right)
    check("small.twice", right)
    out = capsys.readouterr().out
    assert out.count("progress cannot be kept") == 1
    assert out.count("✓ right: exact on 2 public cases") == 2


def test_an_empty_book_has_no_table(tmp_path):
    assert progress_file.render_progress(tmp_path / "none") == "<p>No exercises yet.</p>"
