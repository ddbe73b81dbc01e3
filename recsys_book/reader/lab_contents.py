"""The files of the book's JupyterLab: read-only published notebooks, and a start page of today.

Whoever opens the start page finds in it what the progress file says now, without running its cell.
A notebook comes as JupyterLab would make it when its kernel starts, so that opening changes
nothing.
"""

from typing import Any

from ipykernel.ipkernel import IPythonKernel
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError

from recsys_book.reader.start_page import TAG, render
from recsys_book.reader.work_copies import FOLDER, START_PAGE


def is_published(path: str) -> bool:
    """Whether a path, relative to the book's folder, is a published notebook, which git tracks.

    Args:
        path: with slashes, as Jupyter writes it.

    Example:
        >>> is_published("chapters/04_sequence_models/01_din.ipynb")
        True
        >>> is_published("work/04_sequence_models/01_din.ipynb")
        False
    """
    path = path.strip("/")
    is_notebook = path.endswith(".ipynb") and not path.endswith(".exercises.ipynb")
    return path.startswith("chapters/") and is_notebook


def renew(notebook: dict[str, Any]) -> None:
    """Put today's start page into the output of a notebook's cell for it, as if it had been run.

    Args:
        notebook: is changed; one without such a cell is left as it is.
    """
    cells = [one for one in notebook["cells"] if TAG in one["metadata"].get("tags", ())]
    try:
        shown = {"text/html": render(), "text/plain": "the start page"} if cells else {}
    except (OSError, ValueError, LookupError, TypeError, OverflowError):
        return  # a file is missing or broken: the page opens as it was saved, its cell says why
    for cell in cells:
        cell["outputs"] = [{"output_type": "display_data", "data": shown, "metadata": {}}]
        cell["metadata"]["trusted"] = True  # by the book's own code, not the file's


def know_the_kernel(notebook: dict[str, Any]) -> None:
    """Say of a notebook's language what this environment's kernel says of it.

    JupyterLab does so once the kernel has started, and from then on asks whether to save.

    Args:
        notebook: is changed; one of another kernel is left as it is.
    """
    if notebook["metadata"].get("kernelspec", {}).get("name") == "python3":
        notebook["metadata"]["language_info"] = dict(IPythonKernel.language_info)


def trust(notebook: dict[str, Any], published: dict[str, Any]) -> None:
    """Let the scripts of outputs run that stand in the book, such as the one for its ticks.

    Args:
        notebook: is changed; what it holds beside the book's own outputs is left as it is.
        published: the notebook in ``chapters/``.
    """
    of_book = [one["outputs"] for one in published["cells"] if one["cell_type"] == "code"]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and cell["outputs"] in of_book:
            cell["metadata"]["trusted"] = True


class BookContents(AsyncLargeFileManager):
    """Shows published notebooks as read-only, so that no save reaches them."""

    def is_writable(self, path):
        """Whether JupyterLab may offer to save a file."""
        return not is_published(path) and super().is_writable(path)

    async def get(self, path, content=True, **options):
        """A file or a folder; the start page with what the reader has solved by now."""
        model = await super().get(path, content=content, **options)
        if not content or model["type"] != "notebook":
            return model
        folder, _, name = path.strip("/").partition("/")
        know_the_kernel(model["content"])
        if folder == FOLDER and await self.file_exists(f"chapters/{name}"):
            trust(model["content"], (await super().get(f"chapters/{name}"))["content"])
        if folder in (FOLDER, "chapters") and name == START_PAGE:
            renew(model["content"])
        return model

    async def save(self, model, path=""):
        """Save a file, unless it is a published notebook."""
        if is_published(path):
            copy = path.strip("/").replace("chapters", FOLDER, 1)
            raise HTTPError(403, f"{path} is the book as published; answer in {copy}")
        return await super().save(model, path)
