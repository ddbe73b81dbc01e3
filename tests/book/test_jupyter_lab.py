"""The command that opens the book, and the server that lets published notebooks be read only."""

import asyncio
import functools
import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from small_book import LESSON, Book

from recsys_book import __main__ as commands
from recsys_book.base import paths
from recsys_book.reader import jupyter_lab, start_page


@pytest.fixture
def book(tmp_path, monkeypatch):
    folder = tmp_path / "Ein Bücherregal, mit Lücken"
    folder.mkdir()
    made = Book(folder)
    monkeypatch.setattr(paths, "CHAPTERS", made.chapters)
    return made


@pytest.fixture
def started(monkeypatch):
    """What JupyterLab would be started with: folder, words and variables."""
    calls = []
    monkeypatch.setattr(os, "chdir", lambda folder: calls.append(folder))
    monkeypatch.setattr(os, "execve", lambda program, words, variables: calls.append(words))
    return calls


def test_work_prepares_the_copies_and_says_what_it_kept(book, capsys):
    assert commands.main(["work"]) == 0
    assert capsys.readouterr().out == "work/: 2 notebooks copied\n"
    book.answer("answer = 1")
    assert commands.main(["work"]) == 0
    assert capsys.readouterr().out == f"Your answers stay as they are in {LESSON}\n"
    with pytest.raises(SystemExit):
        commands.main(["work", "--no-browser"])


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the server is a child")
def test_lab_opens_the_copy_with_the_readers_arguments(book, started, monkeypatch):
    monkeypatch.setenv(jupyter_lab.ARGUMENTS_VARIABLE, "--ip=0.0.0.0 --port=8888")
    commands.main(["lab", "--no-browser", "--port=8899"])
    folder, words = started
    # What is typed comes after what the machine asks for.
    assert words.index("--ip=0.0.0.0") < words.index("--port=8888") < words.index("--no-browser")
    assert (folder, words[0]) == (book.chapters.parent, sys.executable)
    assert f"--ServerApp.root_dir={book.chapters.parent}" in words
    assert "--LabApp.default_url=/lab/tree/work/index.ipynb" in words
    assert "--MappingKernelManager.cull_idle_timeout=3600" in words
    assert words[-2:] == ["--no-browser", "--port=8899"]
    assert (book.work / LESSON).exists()


def test_without_chapters_the_commands_say_so_in_one_line(tmp_path, monkeypatch, started, capsys):
    monkeypatch.setattr(paths, "CHAPTERS", tmp_path / "chapters")
    assert commands.main(["lab"]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("work copies: expected the book's start page at")
    assert errors.count("\n") == 1 and started == []


def test_a_folder_that_cannot_be_written_is_said_in_one_line(book, started, capsys):
    book.work.write_text("a file is in the way")
    assert commands.main(["lab"]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("work copies: cannot be written:") and errors.count("\n") == 1
    assert started == []


def test_the_news_question_is_answered_for_this_server_alone(book):
    root = book.chapters.parent
    jupyter_lab.write_settings(root)
    own = str(root / "work" / ".jupyter")
    theirs = {"JUPYTER_CONFIG_PATH": f"one{os.pathsep}two", "HOME": "x"}
    variables = jupyter_lab.environment(root, theirs)
    paths = variables["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert paths == [own, "one", "two"] and variables["HOME"] == "x"
    assert jupyter_lab.environment(root, {})["JUPYTER_CONFIG_PATH"] == own
    assert jupyter_lab.environment(root, {"JUPYTER_PATH": "x"})["JUPYTER_PATH"].endswith("x")
    # Jupyter's own reader finds the setting there.
    read = (
        "from jupyter_server.services.config.manager import ConfigManager as C\n"
        "print(C(config_dir_name='labconfig').get('default_setting_overrides'))"
    )
    environment = jupyter_lab.environment(root, dict(os.environ))
    printed = subprocess.run(
        [sys.executable, "-c", read], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert "'fetchNews': 'false'" in printed and "'kernelShutdown': True" in printed


def test_the_server_writes_copies_and_no_published_notebook(book):
    contents = pytest.importorskip("recsys_book.reader.lab_contents")
    root = book.chapters.parent
    shutil.copytree(book.chapters, book.work)
    manager = contents.BookContents(root_dir=str(root))

    def save(path):
        async def both():
            model = await manager.get(path)
            return await manager.save({**model, "path": path}, path)

        return asyncio.run(both())

    before = (book.chapters / LESSON).read_bytes()
    with pytest.raises(contents.HTTPError) as refused:
        save(f"chapters/{LESSON}")
    assert refused.value.status_code == 403
    assert refused.value.log_message.endswith(f"answer in work/{LESSON}")
    assert (book.chapters / LESSON).read_bytes() == before
    save(f"work/{LESSON}")
    # Authors edit texts, and exercises as notebooks.
    save("chapters/index.md")
    exercises = book.chapters / "01_first" / "01_small.exercises.ipynb"
    exercises.write_bytes(before)
    save("chapters/01_first/01_small.exercises.ipynb")
    writable = {
        path: asyncio.run(manager.get(path, content=False))["writable"]
        for path in (f"chapters/{LESSON}", f"work/{LESSON}", "chapters/index.md")
    }
    assert list(writable.values()) == [False, True, True]
    assert json.loads((book.work / LESSON).read_bytes())["cells"]


def test_a_notebook_says_of_its_language_what_its_kernel_will_say(book):
    contents = pytest.importorskip("recsys_book.reader.lab_contents")
    kernel = pytest.importorskip("ipykernel.ipkernel").IPythonKernel
    page = nbformat.v4.new_notebook(metadata={"language_info": {"name": "python"}})
    manager = contents.BookContents(root_dir=str(book.chapters.parent))
    for name, said in (("python3", kernel.language_info), ("julia", {"name": "python"})):
        page.metadata["kernelspec"] = {"name": name, "display_name": name}
        nbformat.write(page, book.chapters / LESSON)
        before = (book.chapters / LESSON).read_bytes()
        opened = asyncio.run(manager.get(f"chapters/{LESSON}"))["content"]
        assert opened["metadata"]["language_info"] == said
        assert (book.chapters / LESSON).read_bytes() == before


def test_scripts_run_of_outputs_that_stand_in_the_book_and_of_no_others(book):
    contents = pytest.importorskip("recsys_book.reader.lab_contents")
    shutil.copytree(book.chapters, book.work)
    page = nbformat.read(book.chapters / LESSON, as_version=4)
    block, own = (
        nbformat.v4.new_code_cell(
            "show()",
            outputs=[nbformat.v4.new_output("display_data", data={"text/html": script})],
        )
        for script in ("<script>book</script>", "<script>own</script>")
    )
    page.cells.append(block)
    nbformat.write(page, book.chapters / LESSON)
    # The reader has put a cell before it, and a text stands around it.
    page.cells = [own, nbformat.v4.new_markdown_cell("Mine."), *page.cells]
    nbformat.write(page, book.work / LESSON)
    nbformat.write(page, book.work / "01_first" / "mine.ipynb")
    manager = contents.BookContents(root_dir=str(book.chapters.parent))

    def trusted(path):
        cells = asyncio.run(manager.get(path))["content"]["cells"]
        return [cells[place]["metadata"].get("trusted", False) for place in (0, -1)]

    assert trusted(f"work/{LESSON}") == [False, True]
    assert trusted("work/01_first/mine.ipynb") == [False, False]
    assert trusted(f"chapters/{LESSON}") == [False, False]


def test_the_start_page_is_of_today_when_it_is_opened(book, monkeypatch):
    contents = pytest.importorskip("recsys_book.reader.lab_contents")
    page = nbformat.v4.new_notebook()
    page.cells = [nbformat.v4.new_code_cell("start()", metadata={"tags": ["start"]})]
    page.cells.append(nbformat.v4.new_code_cell("1"))
    book.work.mkdir(exist_ok=True)
    nbformat.write(page, book.work / "index.ipynb")
    before = (book.work / "index.ipynb").read_bytes()
    manager = contents.BookContents(root_dir=str(book.chapters.parent))
    for today in ("one", "two"):
        monkeypatch.setattr(contents, "render", lambda today=today: f"<p>{today}</p>")
        first, other = asyncio.run(manager.get("work/index.ipynb"))["content"]["cells"]
        assert first["outputs"][0]["data"]["text/html"] == f"<p>{today}</p>"
        assert first["metadata"]["trusted"] and other["outputs"] == []
    assert (book.work / "index.ipynb").read_bytes() == before
    # Without the outline, or with a broken one, the page opens all the same.
    for name, content in (("no", None), ("broken", "{")):
        (book.chapters / name).mkdir()
        if content is not None:
            (book.chapters / name / "lessons.json").write_text(content)
        of_folder = functools.partial(start_page.render, book.chapters / name)
        monkeypatch.setattr(contents, "render", of_folder)
        first, _ = asyncio.run(manager.get("work/index.ipynb"))["content"]["cells"]
        assert first["outputs"] == []
