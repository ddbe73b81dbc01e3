"""The files of the book's JupyterLab, in which published notebooks are read-only."""

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError

from recsys_book.work_copies import FOLDER


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


class BookContents(AsyncLargeFileManager):
    """Shows published notebooks as read-only, so that no save reaches them."""

    def is_writable(self, path):
        """Whether JupyterLab may offer to save a file."""
        return not is_published(path) and super().is_writable(path)

    async def save(self, model, path=""):
        """Save a file, unless it is a published notebook."""
        if is_published(path):
            copy = path.strip("/").replace("chapters", FOLDER, 1)
            raise HTTPError(403, f"{path} is the book as published; answer in {copy}")
        return await super().save(model, path)
