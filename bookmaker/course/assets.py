"""What the manual and the slides load: it lies beside them, so that they open without a network."""

import shutil
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

from bookmaker.building.build import BuildError

REVEAL = "sphinx-revealjs==3.2.1"
"""The package whose wheel holds reveal.js, so that no Node.js is needed."""

MATHJAX = """\
<script>MathJax = {tex: {inlineMath: [["$", "$"]], processEscapes: true}};</script>
<script defer src="mathjax.js"></script>"""
"""What the head of a page loads to show formulas."""


def copy_mathjax(folder: Path) -> None:
    """Copy what `MATHJAX` loads into the folder of a page, which is made.

    Args:
        folder: the page's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Formulas as SVG need no fonts, which some browsers refuse to read from a disk.
    package = Path(str(resources.files("mathjax")))
    shutil.copy(package / "static/mathjax/es5/tex-svg-full.js", folder / "mathjax.js")


def fetch_reveal(folder: Path) -> None:
    """Fetch reveal.js into the folder ``reveal`` of the slides, if it is not there yet.

    Args:
        folder: of the slides.

    Raises:
        BuildError: the package cannot be installed into a temporary folder.
    """
    if (folder / "reveal").exists():
        return
    with tempfile.TemporaryDirectory(dir=folder) as target:
        uv = shutil.which("uv")
        command = [uv] if uv else [sys.executable, "-m"]
        command += ["pip", "install", "--quiet", "--no-deps", "--target", target, REVEAL]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        if finished.returncode:
            said = finished.stderr.strip()[-300:]
            raise BuildError(f"{REVEAL}: expected it from the package index, got {said!r}")
        (Path(target) / "sphinx_revealjs/_static/revealjs").rename(folder / "reveal")
