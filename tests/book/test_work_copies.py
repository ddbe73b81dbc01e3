"""Work copies: nothing a reader wrote is lost, nothing that stands still is written."""

import json
import os
import shutil
import subprocess
import time

import pytest

from recsys_lib.book import places, work_copies
from recsys_lib.book.notebook_sources import (
    UnreadableNotebook,
    digest,
    read_notebook,
    sources_of_notebook,
    sources_of_text,
)

LESSON = "01_first/01_small.ipynb"
NEW = "01_first/01_small.new.ipynb"
TAKEN = "01_first/01_small.from_chapters.ipynb"
FIRST, SECOND, THIRD = "answer = ...", "answer = ...  # second", "answer = ...  # third"
LINKS = {"cell_type": "markdown", "metadata": {"tags": ["links"]}, "source": ["[a](b.ipynb)"]}


def code(source, output=""):
    outputs = [{"output_type": "stream", "name": "stdout", "text": [output]}] if output else []
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "outputs": outputs,
        "source": source.splitlines(True),
    }


def prose(source):
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(True)}


class Book:
    """Chapters in a folder with spaces and foreign letters, and the work copies beside them."""

    def __init__(self, folder):
        self.chapters, self.work = folder / "chapters", folder / "work"
        self.publish("index.ipynb", f"# Start\n\n{work_copies.IN_CHAPTERS}\n\n[ledger](CLAIMS.md)")
        self.publish(LESSON)
        (self.chapters / "CLAIMS.md").write_text("# Claims\n")

    def publish(self, name, first=FIRST, output=""):
        """Write a pair of text and notebook."""
        path = self.chapters / name
        path.parent.mkdir(parents=True, exist_ok=True)
        title = "# A lesson"
        cells = [prose(title), LINKS, code(first, output), prose("Über\n\n$x$"), code("check()")]
        path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
        breaks = '+++ {"tags": ["links"]}\n\n[a](b.ipynb)\n'
        path.with_suffix(".md").write_text(
            f"---\nlesson: x\n---\n\n{title}\n\n{breaks}\n"
            f"```{{code-cell}} ipython3\n{first}\n```\n\n"
            f"Über\n\n$x$\n\n```{{code-cell}} ipython3\n:tags: [x]\n\ncheck()\n```\n"
        )

    def refresh(self):
        return work_copies.refresh(self.chapters)

    def answer(self, text, name=LESSON, folder=None):
        """Put an answer into a copy, as JupyterLab saves it: with outputs and all metadata."""
        path = (folder or self.work) / name
        notebook = read_notebook(path.read_bytes())
        cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        cell["source"], cell["outputs"] = text, code("", "42")["outputs"]
        path.write_text(json.dumps(notebook, indent=1))

    def source(self, name=LESSON):
        notebook = read_notebook((self.work / name).read_bytes())
        return next(source for kind, source in sources_of_notebook(notebook) if kind == "code")

    def run(self, name=LESSON, output="my output"):
        """Run a copy without changing it: outputs, counts, and an empty cell at the end."""
        path = self.work / name
        notebook = read_notebook(path.read_bytes())
        notebook["cells"][2]["outputs"] = code("", output)["outputs"]
        notebook["cells"].append(code(""))
        path.write_text(json.dumps(notebook))

    def files(self):
        return {
            path.relative_to(self.work).as_posix(): path.read_bytes()
            for path in self.work.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def book(tmp_path):
    folder = tmp_path / "Ein Bücherregal, mit Lücken"
    folder.mkdir()
    return Book(folder)


@pytest.fixture
def repository(book):
    """The book in a git repository of its own."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    who = ["-c", "user.name=x", "-c", "user.email=x@x"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *command], cwd=book.chapters.parent, check=True)
    return book


def test_everything_is_copied_once_and_then_nothing_is_written(book):
    (book.chapters / "01_first" / "01_small.exercises.md").write_text("# Solutions\n")
    (book.chapters / "01_first" / "01_small.exercises.ipynb").write_text("{}")
    (book.chapters / "inputs.json").write_text("{}")
    (book.chapters / "01_first" / "model.png").write_bytes(b"\x89PNG")
    assert book.refresh().lines() == ["work/: 2 notebooks copied"]
    copied = {LESSON, "index.ipynb", "CLAIMS.md", "01_first/model.png"}
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
    (book.chapters / "CLAIMS.md").write_text("# More claims\n")
    assert book.refresh().newer == [LESSON, "CLAIMS.md"]
    assert (book.source(), book.source(NEW)) == ("answer = 1", SECOND)
    assert (book.work / "CLAIMS.new.md").read_text() == "# More claims\n"


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
    published, copy = book.chapters / "CLAIMS.md", book.work / "CLAIMS.md"
    published.write_text("# Two\n")
    book.refresh()
    assert copy.read_text() == "# Two\n"
    copy.write_text("# Two, and my note\n")
    published.write_text("# Three\n")
    assert book.refresh().newer == ["CLAIMS.md"]
    assert copy.read_text() == "# Two, and my note\n"
    assert (book.work / "CLAIMS.new.md").read_text() == "# Three\n"
    copy.write_text("# Three\n")
    assert book.refresh().newer == []
    assert not (book.work / "CLAIMS.new.md").exists()


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
    write = places.write_atomically
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

        monkeypatch.setattr(places, "write_atomically", killed)
        finished = False
        try:
            clone.refresh()
            finished = True
        except KeyboardInterrupt:
            pass
        monkeypatch.setattr(places, "write_atomically", write)
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
    with pytest.raises(places.LessonError, match="work copies: expected the book's start page at"):
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


def test_a_text_and_its_notebook_have_the_same_sources():
    pairs = [path for path in places.CHAPTERS.rglob("*.ipynb") if path.with_suffix(".md").exists()]
    assert len(pairs) > 30
    for path in pairs:
        if ".exercises." not in path.name:
            text = sources_of_text(path.with_suffix(".md").read_text(encoding="utf-8"))
            assert text == sources_of_notebook(read_notebook(path.read_bytes())), path


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{}", b'{"cells": [3]}'])
def test_what_is_no_notebook_is_said(content):
    with pytest.raises(UnreadableNotebook):
        read_notebook(content)


def test_sources_of_odd_notebooks_and_texts():
    cells = [
        {"cell_type": "code", "source": "a"},
        {"cell_type": "code", "metadata": None, "source": ["a\n", "b"]},
        {"cell_type": "markdown", "metadata": {"tags": "links"}, "source": "  "},
    ]
    assert sources_of_notebook({"cells": cells}) == [["code", "a"], ["code", "a\nb"]]
    text = '+++ {"tags": [\n\na\n\n+++ {"x": 1}\n\n```{code-cell}\n---\ntags: [x]\n---\n1\n```\nb'
    expected = [["markdown", '+++ {"tags": [\n\na'], ["code", "1"], ["markdown", "b"]]
    assert sources_of_text(text) == expected
    assert digest(expected) != digest(expected[:2])
