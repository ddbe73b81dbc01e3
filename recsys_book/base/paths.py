"""The paths of the book on this machine, and how its files are replaced."""

import os
import tempfile
from pathlib import Path

CHAPTERS = Path(__file__).parents[2] / "chapters"


class LessonError(ValueError):
    """A text cannot be read as a lesson; the message names the file and the fault."""


def write_atomically(path, content):
    """Replace the file at ``path`` by a text or by bytes in one step, or leave it as it was."""
    path = Path(path)
    if isinstance(content, str):
        content = content.encode("utf-8")
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
