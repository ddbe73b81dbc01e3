"""MathJax for the manual and the slides, and reveal.js: fetched once, then local.

Both come from wheels of the package index, so that no node is needed and nothing is asked of a
server when a page is opened. Nothing is installed in the environment.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bookmaker.build import BuildError
from recsys_book.paths import CHAPTERS

FOLDER = CHAPTERS.parent / "build" / "assets"
PACKAGES = {
    "mathjax": ("django-static-mathjax==3.2.2.1", "mathjax/static/mathjax/es5"),
    "reveal": ("sphinx-revealjs==3.2.1", "sphinx_revealjs/_static/revealjs"),
}
"""Name of a folder to the package that holds it, and where in the package."""

MATHJAX = """\
<script>MathJax = {{tex: {{inlineMath: [["$", "$"]], processEscapes: true}}}};</script>
<script defer src="{folder}/mathjax/tex-chtml.js"></script>"""


class AssetError(BuildError):
    """A package could not be fetched; the message names it and the reason."""


def fetch(folder: Path = FOLDER) -> Path:
    """Fetch what is not there yet; return the folder, with a folder for each of `PACKAGES` in it.

    Args:
        folder: where the files are kept.

    Raises:
        AssetError: a package cannot be installed into a temporary folder.
    """
    for name, (package, place) in PACKAGES.items():
        if (folder / name).exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as target:
            uv = shutil.which("uv")
            command = [uv] if uv else [sys.executable, "-m"]
            command += ["pip", "install", "--quiet", "--no-deps", "--target", target, package]
            finished = subprocess.run(command, capture_output=True, text=True, check=False)
            if finished.returncode or not (Path(target) / place).is_dir():
                lines = finished.stderr.strip().splitlines() or [f"it has no {place}"]
                raise AssetError(f"{package}: expected it from the package index, got {lines[-1]}")
            (Path(target) / place).rename(folder / name)
    return folder
