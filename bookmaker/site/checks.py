"""What holds for every page of the built site; ``make site`` fails where it does not."""

import re
import urllib.parse
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

from recsys_book.exercises.parsing import BEGIN_SOLUTION, END_SOLUTION, Exercise

MOST_BYTES = 1_500_000
_LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}
_NOT_LOADED = ("canonical", "next", "prev", "index", "search", "author")
_VOID = {"img", "link", "meta", "input", "br", "hr", "source", "area", "base", "col", "wbr"}
_UNREAD = {"script", "style", "pre", "code", "svg", "head"}
_RAW_TEX = re.compile(r"\$[^$\s][^$\n]*\$|\\(?:math|text|frac|sum|left|begin|hat|boldsymbol)")


class _Page(HTMLParser):
    """What a page holds: anchors, links, what it loads, its faults, its prose and all its text."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self._open = set(), []
        self.links, self.loaded, self.faults, self.prose, self.text = [], [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag not in _VOID:
            self._open.append((tag, "math" in (values.get("class") or "").split()))
        self.anchors |= {values[key] for key in ("id", "name") if values.get(key)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        address = values.get(_LOADED.get(tag, ""))
        if address and values.get("rel") not in _NOT_LOADED:
            self.loaded.append(address)
        if tag == "img" and not values.get("alt"):
            self.faults.append(f"expected an alternative text, got none: {address[:80]}")

    def handle_endtag(self, tag):
        while self._open and tag not in _VOID and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        self.text.append(data)
        if not any(tag in _UNREAD or is_formula for tag, is_formula in self._open):
            self.prose.append(data)


def problems(site: Path, exercises: Iterable[Exercise] = ()) -> list[str]:
    """The faults of a built site, one line each.

    Args:
        site: folder of its HTML.
        exercises: of which no page may hold a solution, an explanation or a hidden test.

    Returns:
        A line for each page that is too large or loads something from a host, for each link that
        leads nowhere, picture without text, formula that is not one, and answer that is told.
    """
    files = (path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts)
    pages = {path: _Page(path) for path in files}
    secrets = {exercise.identifier: _secrets(exercise) for exercise in exercises}
    found = []
    for path, page in pages.items():
        where = path.relative_to(site).as_posix()
        if (size := path.stat().st_size) > MOST_BYTES:
            page.faults.append(f"expected at most {MOST_BYTES} bytes, got {size}")
        for link in dict.fromkeys([*page.links, *page.loaded]):
            if link in page.loaded and re.match(r"(?:[a-z]+:)?//", link):
                page.faults.append(f"expected nothing from a host, got {link}")
            if not _leads_somewhere(path, link, pages):
                page.faults.append(f"expected a link that leads somewhere, got {link}")
        if raw := _RAW_TEX.search(" ".join(page.prose)):
            page.faults.append(f"expected no raw formula, got {raw[0][:60]}")
        text = _squeezed("".join(page.text))
        told = (name for name, parts in secrets.items() if any(one in text for one in parts))
        page.faults += [f"expected no answer to {name}, got it" for name in told]
        found += [f"{where}: {fault}" for fault in page.faults]
    return found


def _leads_somewhere(path, link, pages):
    address = urllib.parse.urlsplit(link)
    if address.scheme or address.netloc:
        return True
    target = path
    if address.path:
        target = Path(path.parent, urllib.parse.unquote(address.path)).resolve()
    if not address.fragment or target not in pages:
        return target.is_file()
    return urllib.parse.unquote(address.fragment) in pages[target].anchors


def _secrets(exercise):
    """What only who has solved an exercise may read, without spaces; short texts tell nothing."""
    inside = exercise.solution.partition(BEGIN_SOLUTION)[2].partition(END_SOLUTION)[0]
    parts = (inside, exercise.hidden, exercise.explanation, exercise.rubric)
    return [one for part in parts if len(one := _squeezed(part)) > 40]


def _squeezed(text):
    return re.sub(r"[\s`*$\\]+", "", text)
