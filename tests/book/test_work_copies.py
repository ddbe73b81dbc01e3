"""Work copies: nothing a reader wrote is lost, nothing that stands still is written."""

import json
import os
import shutil
import time

import pytest
from small_book import FIRST, LESSON, NEW, SECOND, THIRD, Book, book, code, prose, repository

from recsys_book.base import paths
from recsys_book.base.notebook_sources import read_notebook
from recsys_book.reader import work_copies

__all__ = ["book", "repository"]


def test_everything_is_copied_once_and_then_nothing_is_written(book):
    (book.chapters / "01_first" / "01_small.exercises.md").write_text("# Solutions\n")
    (book.chapters / "01_first" / "01_small.exercises.ipynb").write_text("{}")
    (book.chapters / "inputs.json").write_text("{}")
    (book.chapters / "01_first" / "model.png").write_bytes(b"\x89PNG")
    assert book.refresh().lines() == ["work/: 2 notebooks copied"]
    copied = {LESSON, "index.ipynb", "FINDINGS.md", "01_first/model.png"}
    assert set(book.files()) == {*copied, ".copied.json", "jupytext.toml"}
    before = {path: path.stat().st_mtime_ns for path in book.work.rglob("*")}
    assert book.refresh().lines() == []
    assert before == {path: path.stat().st_mtime_ns for path in book.work.rglob("*")}


def test_the_start_page_says_which_of_the_two_it_is(book):
    book.refresh()
    published = (book.chapters / "index.ipynb").read_text()
    copy = "".join(map(str, read_notebook((book.work / "index.ipynb").read_bytes())["cells"]))
    for start in ("Answer in a copy", "This is your copy"):
        assert (start in published, start in copy) == (start[0] == "A", start[0] == "T")


def test_a_lesson_that_was_only_run_is_renewed_and_else_keeps_its_outputs(book):
    book.refresh()
    book.run()
    assert book.refresh().lines() == []
    assert "my output" in (book.work / LESSON).read_text()
    book.publish(LESSON, SECOND)
    assert book.refresh().lines() == ["work/: 1 notebook renewed"]
    assert book.source() == SECOND
    # New outputs of a lesson whose sources stay are news too, for those who changed nothing.
    book.run()
    book.publish(LESSON, SECOND, output="a better figure")
    assert book.refresh().renewed == [LESSON]
    assert "a better figure" in (book.work / LESSON).read_text()


def test_answers_are_kept_and_a_newer_lesson_lies_beside_them(book):
    book.refresh()
    book.answer("answer = 1")
    assert book.refresh().lines() == [f"Your answers stay as they are in {LESSON}"]
    assert NEW not in book.files()

    for published in (SECOND, THIRD):
        book.publish(LESSON, published)
        report = book.refresh()
        assert report.lines() == [
            f"You changed {LESSON}: kept; the newer one lies beside it as NAME.new.ipynb"
        ]
        assert (book.source(), book.source(NEW)) == ("answer = 1", published)
    before = book.files()
    book.refresh()
    assert book.files() == before

    # The reader brings the answered one up to date: nothing is newer any more.
    book.answer(THIRD)
    assert book.refresh().newer == []
    assert NEW not in book.files()


def test_the_newer_lesson_goes_when_the_published_one_is_the_answered_one_again(book):
    book.refresh()
    book.answer("answer = 1")
    book.publish(LESSON, SECOND)
    book.refresh()
    book.publish(LESSON, FIRST)
    assert book.refresh().kept == [LESSON]
    assert NEW not in book.files() and book.source() == "answer = 1"


def test_answers_in_the_newer_lesson_are_kept_too(book):
    book.refresh()
    book.answer("answer = 1")
    book.publish(LESSON, SECOND)
    book.refresh()
    book.answer("answer = 2", NEW)
    book.publish(LESSON, THIRD)
    report = book.refresh()
    assert report.both == [NEW] and any("rename it" in line for line in report.lines())
    assert (book.source(), book.source(NEW)) == ("answer = 1", "answer = 2")

    # Renamed, it goes on as the lesson, and knows from which edition it comes.
    (book.work / NEW).replace(book.work / LESSON)
    assert book.refresh().newer == [LESSON]
    assert (book.source(), book.source(NEW)) == ("answer = 2", THIRD)
    book.publish(LESSON, SECOND)
    assert book.refresh().kept == [LESSON]


@pytest.mark.parametrize(
    "change",
    [
        lambda cells: cells.insert(1, code("mine = 1")),
        lambda cells: cells.append(prose("A note.")),
        lambda cells: cells.pop(),
        lambda cells: cells.reverse(),
        lambda cells: cells[2].update(cell_type="raw"),
    ],
)
def test_added_removed_moved_and_converted_cells_are_changes(book, change):
    book.refresh()
    path = book.work / LESSON
    notebook = read_notebook(path.read_bytes())
    change(notebook["cells"])
    path.write_text(json.dumps(notebook))
    book.publish(LESSON, SECOND)
    assert book.refresh().newer == [LESSON]
    assert read_notebook(path.read_bytes())["cells"] == notebook["cells"]


def test_generated_links_are_no_change_of_a_lesson(book):
    book.refresh()
    book.answer("answer = 1")
    path = book.chapters / LESSON
    path.write_text(path.read_text().replace("b.ipynb", "c.ipynb"))
    text = path.with_suffix(".md")
    text.write_text(text.read_text().replace("b.ipynb", "c.ipynb"))
    assert book.refresh().kept == [LESSON] and NEW not in book.files()


def test_without_the_record_copies_are_compared_with_the_published_ones(book):
    book.refresh()
    book.answer("answer = 1")
    record = book.work / ".copied.json"
    for broken in ("", "[]", '{"pages": 3}', "{"):
        record.write_text(broken)
        assert book.refresh().kept == [LESSON]
    record.unlink()
    book.publish(LESSON, SECOND)
    (book.chapters / "FINDINGS.md").write_text("# More findings\n")
    assert book.refresh().newer == [LESSON, "FINDINGS.md"]
    assert (book.source(), book.source(NEW)) == ("answer = 1", SECOND)
    assert (book.work / "FINDINGS.new.md").read_text() == "# More findings\n"


def test_a_notebook_that_lost_its_metadata_counts_as_changed_unless_it_is_the_published_one(book):
    book.refresh()
    path = book.work / LESSON
    path.write_bytes((book.chapters / LESSON).read_bytes())
    assert book.refresh().newer == []
    path.write_bytes((book.chapters / LESSON).read_bytes())
    book.publish(LESSON, SECOND)
    assert book.refresh().newer == [LESSON]
    assert (book.source(), book.source(NEW)) == (FIRST, SECOND)


def test_pages_are_renewed_unless_the_reader_wrote_into_them(book):
    book.refresh()
    published, copy = book.chapters / "FINDINGS.md", book.work / "FINDINGS.md"
    published.write_text("# Two\n")
    book.refresh()
    assert copy.read_text() == "# Two\n"
    copy.write_text("# Two, and my note\n")
    published.write_text("# Three\n")
    assert book.refresh().newer == ["FINDINGS.md"]
    assert copy.read_text() == "# Two, and my note\n"
    assert (book.work / "FINDINGS.new.md").read_text() == "# Three\n"
    copy.write_text("# Three\n")
    assert book.refresh().newer == []
    assert not (book.work / "FINDINGS.new.md").exists()


def test_the_readers_own_files_and_duplicates_are_left_alone(book):
    book.refresh()
    own = {
        "01_first/01_small-Copy1.ipynb": (book.work / LESSON).read_bytes(),
        "01_first/99_mine.ipynb": (book.chapters / LESSON).read_bytes(),
        "notes.md": b"mine",
    }
    for name, content in own.items():
        (book.work / name).write_bytes(content)
    book.publish(LESSON, SECOND)
    book.refresh()
    assert {name: book.files()[name] for name in own} == own


def test_a_lesson_that_the_book_no_longer_has_goes_unless_it_holds_answers(book):
    for name in ("02_second/01_gone.ipynb", "02_second/02_answered.ipynb", "03_third/01_x.ipynb"):
        book.publish(name)
    book.refresh()
    book.answer("answer = 1", "02_second/02_answered.ipynb")
    shutil.rmtree(book.chapters / "02_second")
    shutil.rmtree(book.chapters / "03_third")
    report = book.refresh()
    assert report.gone == ["02_second/02_answered.ipynb"]
    assert "02_second/01_gone.ipynb" not in book.files()
    assert "02_second/02_answered.ipynb" in book.files()
    assert not (book.work / "03_third").exists()


def test_what_is_no_notebook_is_named_and_left_alone(book):
    book.refresh()
    (book.work / LESSON).write_text("<<<<<<< HEAD")
    (line,) = book.refresh().lines()
    assert line.startswith(f"work/{LESSON}: not JSON") and line.endswith("left alone")
    assert (book.work / LESSON).read_text() == "<<<<<<< HEAD"
    (book.work / LESSON).write_text("")
    assert book.refresh().copied == [LESSON]
    assert book.source() == FIRST


def test_without_a_readable_published_lesson_nothing_is_touched(book):
    (book.chapters / LESSON).write_text("<<<<<<< HEAD")
    report = book.refresh()
    assert report.copied == ["index.ipynb"]
    assert report.lines()[-1].startswith(f"chapters/{LESSON}: neither the file nor git")


def test_a_kill_at_any_write_heals_at_the_next_start(book, monkeypatch):
    def state(there):
        files = there.files()
        return {name: content for name, content in files.items() if "/." not in f"/{name}"}

    def changes(there):
        there.refresh()
        there.answer("answer = 1")
        there.publish("02_other/01_x.ipynb", FIRST)
        there.refresh()
        there.publish(LESSON, SECOND)
        there.publish("02_other/01_x.ipynb", THIRD)
        there.answer("answer = 9", "index.ipynb", folder=there.chapters)

    changes(book)
    book.refresh()
    expected = state(book)
    write = paths.write_atomically
    for survived in range(12):
        folder = book.chapters.parent / f"clone {survived}"
        folder.mkdir()
        clone = Book(folder)
        changes(clone)
        count = iter(range(survived, -1, -1))

        def killed(path, content, count=count):
            if next(count) == 0:
                path.with_name(f".{path.name}.leftover").write_text("half")
                raise KeyboardInterrupt
            write(path, content)

        monkeypatch.setattr(paths, "write_atomically", killed)
        finished = False
        try:
            clone.refresh()
            finished = True
        except KeyboardInterrupt:
            pass
        monkeypatch.setattr(paths, "write_atomically", write)
        clone.refresh()
        assert state(clone) == expected, survived
        if finished:
            break
    assert finished and survived > 3


def test_what_a_killed_run_left_is_removed_later(book):
    book.refresh()
    old, new = (book.work / "01_first" / f".01_small.ipynb.{name}" for name in ("old", "new"))
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (time.time() - 3600,) * 2)
    book.refresh()
    assert (old.exists(), new.exists()) == (False, True)


def test_without_chapters_there_is_one_clear_error(tmp_path):
    with pytest.raises(paths.LessonError, match="work copies: expected the book's start page at"):
        work_copies.refresh(tmp_path / "chapters")
    assert list(tmp_path.iterdir()) == []


def test_the_report_stays_short(book):
    names = [f"0{number}_chapter/01_lesson.ipynb" for number in range(1, 8)]
    for name in names:
        book.publish(name)
    book.refresh()
    for name in names:
        book.answer("answer = 1", name)
    (line,) = book.refresh().lines()
    assert line.endswith("04_chapter/01_lesson.ipynb and 3 more")


def test_a_file_is_replaced_in_one_step(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")
    replace, seen = os.replace, []

    def look(source, target):
        seen.append((path.read_text(), os.path.getsize(source)))
        replace(source, target)

    monkeypatch.setattr(os, "replace", look)
    for content in ("Ü\r\n", b"\x89"):
        path.write_text("old")
        paths.write_atomically(path, content)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert seen == [("old", 4), ("old", 1)] and list(tmp_path.iterdir()) == [path]
