"""A book of two notebooks in a folder of its own, and what a reader does to its work copies."""

import json
import shutil
import subprocess

import pytest

from recsys_book.base.notebook_sources import read_notebook, sources_of_notebook
from recsys_book.reader import work_copies

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
        self.publish(
            "index.ipynb", f"# Start\n\n{work_copies.IN_CHAPTERS}\n\n[ledger](FINDINGS.md)"
        )
        self.publish(LESSON)
        (self.chapters / "FINDINGS.md").write_text("# Ledger\n")

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
