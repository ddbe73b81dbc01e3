"""Links of staged pages: between pages, to the source, to the ledger, and out of the site."""

import html
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from bookmaker import PACKAGES

LEDGER = "chapters/FINDINGS.md"
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s#]+)(#[^()\s]*)?\)")
_SIGN = re.compile(r"\[([✓○≡])\]\(#([\w.]+)\)")
_START = ("chapters/index.ipynb", "chapters/index.md", "README.md")


@dataclass
class Links:
    """Writes the links of a page for the site.

    Args:
        root: of the repository.
        pages: paths of all staged pages, from the root.
        repository: address of the repository, for files that are no pages; empty for none.
        sentences: dict of what the ledger lists to its sentence.
        cited: filled with the pages on which an entry of the ledger is cited.
    """

    root: Path
    pages: set[str]
    repository: str = ""
    sentences: Mapping[str, str] = field(default_factory=dict)
    cited: dict[str, list[str]] = field(default_factory=dict)

    def rewrite(self, text: str, page: str) -> str:
        """The Markdown of a page, with links that hold in the site.

        Args:
            text: of the page, or of a part of it.
            page: its path from the root.
        """
        if page.startswith("chapters/"):  # the pages for authors show how a sign is written
            text = _SIGN.sub(lambda found: self._sign(page, found[1], found[2]), text)
        return _LINK.sub(lambda found: self._link(page, *found.groups()), text)

    def _link(self, page, label, target, part):
        whole = f"[{label}]({target}{part or ''})"
        if re.match(r"[a-z]+:", target):
            return whole
        path = os.path.normpath(PurePosixPath(page).parent / target)
        if path in _START:
            return f"[{label}]({up(page)}index.md)"
        if path in self.pages or not (self.root / path).exists():
            return whole
        if path.endswith(".py") and path.split("/")[0] in PACKAGES:
            return f'<a href="{up(page)}source/{path[:-3]}.html">{label}</a>'
        kind = "tree" if (self.root / path).is_dir() else "blob"
        return f"[{label}]({self.repository}/{kind}/main/{path})" if self.repository else label

    def _sign(self, page, sign, identifier):
        where = self.cited.setdefault(identifier, [])
        anchor = "" if page in where else f' id="cited.{identifier}"'
        where += [] if page in where else [page]
        if LEDGER not in self.pages or identifier not in self.sentences:
            return sign
        said = html.escape(self.sentences[identifier])
        target = f"{up(page)}{LEDGER[:-3]}.html#{identifier}"
        return (
            f'<a class="sign" href="{target}" title="{said}" aria-label="{said}"{anchor}>{sign}</a>'
        )


def up(page: str) -> str:
    """The way from a page to the site's root.

    Args:
        page: its path from the root.

    Example:
        >>> up("chapters/04_sequence_models/01_din.ipynb"), up("index.md")
        ('../../', '')
    """
    return "../" * page.count("/")


def html_of(page: str) -> str:
    """The path of a page's HTML.

    Args:
        page: its path from the root.

    Example:
        >>> html_of("docs/serving.md")
        'docs/serving.html'
    """
    return str(PurePosixPath(page).with_suffix(".html"))
