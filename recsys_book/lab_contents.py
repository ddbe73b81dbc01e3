"""The files of the book's JupyterLab: read-only published notebooks, and a start page of today.

Whoever opens the start page finds in it what the progress file says now, without running its cell.
"""

from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError

from recsys_book.start_page import TAG, render
from recsys_book.work_copies import FOLDER, START_PAGE


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


class BookContents(AsyncLargeFileManager):
    """Shows published notebooks as read-only, so that no save reaches them."""

    def is_writable(self, path):
        """Whether JupyterLab may offer to save a file."""
        return not is_published(path) and super().is_writable(path)

    async def get(self, path, content=True, **options):
        """A file or a folder; the start page with what the reader has solved by now."""
        model = await super().get(path, content=content, **options)
        is_start = path.strip("/") in (f"{FOLDER}/{START_PAGE}", f"chapters/{START_PAGE}")
        if is_start and content and model["type"] == "notebook":
            renew(model["content"])
        return model

    async def save(self, model, path=""):
        """Save a file, unless it is a published notebook."""
        if is_published(path):
            copy = path.strip("/").replace("chapters", FOLDER, 1)
            raise HTTPError(403, f"{path} is the book as published; answer in {copy}")
        return await super().save(model, path)
