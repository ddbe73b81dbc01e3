"""Pages of HTML for instructors: what they load lies beside them, so that none needs a network."""

import re
import shutil
import subprocess
import sys
import tempfile
from html import escape
from importlib import resources
from pathlib import Path

from bookmaker.building.build import BuildError

REVEAL = "sphinx-revealjs==3.2.1"
"""The package whose wheel holds reveal.js, so that no Node.js is needed."""

_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
{head}
<script>MathJax = {{tex: {{inlineMath: [["$", "$"]], processEscapes: true}}}};</script>
<script defer src="mathjax.js"></script>
</head><body>
{body}
</body></html>
"""


def page(title: str, head: str, body: str) -> str:
    """A page of HTML that shows formulas; `copy_mathjax` copies what it loads for them.

    Args:
        title: as plain text.
        head: further lines of its head.
        body: HTML.
    """
    return _PAGE.format(title=escape(title), head=head, body=body)


def html_of(markdown: str) -> str:
    """The HTML of Markdown, as nbconvert makes it, without the signs that link to headings.

    Args:
        markdown: with formulas and code.
    """
    from nbconvert.filters import markdown2html

    return re.sub(r'<a class="anchor-link".*?</a>', "", markdown2html(markdown))


def copy_mathjax(folder: Path) -> None:
    """Copy MathJax, in one file, into a folder, which is made.

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
