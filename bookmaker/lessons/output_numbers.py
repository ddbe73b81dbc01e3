"""The numbers that a notebook shows: in its outputs, and in the records that its cells name."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

_NUMBER = re.compile(
    r"(?<![\w.])(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)"
    r"(?!\.?\d)"
)
_PERCENT = re.compile(r"%|\bper ?cent\b|\bpoints?\b", re.IGNORECASE)
_UNITS = (
    (re.compile(r"(?<![\w'’])(?:ns|nanoseconds?)\b"), 1e-9),
    (re.compile(r"(?<![\w'’])(?:[µμu]s|microseconds?)\b"), 1e-6),
    (re.compile(r"(?<![\w'’])(?:ms|milliseconds?)\b"), 1e-3),
    (re.compile(r"(?<![\w'’])(?:s|sec|seconds?)\b"), 1.0),
    (re.compile(r"(?<![\w'’])(?:min|minutes?)\b"), 60.0),
    (re.compile(r"(?<![\w'’])(?:h|hours?)\b"), 3600.0),
)
_OF_RECORDS = ("summary", "findings", "varied", "scoreboard", "resolution", "gaps")
_IN_POINTS = ("points", "error_points")
_COUNTS = ("worlds", "record", "users", "runs", "margin")
"""Columns that hold no effect, though they stand beside one in points."""
_CONFIDENCE = 95.0
"""All intervals of records are of so many percent."""


@dataclass
class Shown:
    """The numbers that a notebook shows, by what they may hold.

    Args:
        plain: all of them.
        shares: those that may be a share or points though nothing says so: all but a record's.
        percent: percentages, and points of a gap.
        seconds: durations.
    """

    plain: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    percent: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, text: str, context: str = "") -> None:
        """Add the numbers of a line, or of a cell of a table.

        Args:
            text: the line.
            context: what else says in which unit they are, a column's head for example.
        """
        around = f"{text} {context}"
        is_percent = _PERCENT.search(around) is not None
        in_line = [factor for unit, factor in _UNITS if unit.search(around)]
        for found in _NUMBER.finditer(text):
            number = float(found["number"].replace(",", ""))
            self.plain.append(number)
            self.shares.append(number)
            if is_percent:
                self.percent.append(number)
            rest = text[found.end() :].lstrip()
            own = [factor for unit, factor in _UNITS if unit.match(rest)]
            self.seconds += [number * factor for factor in own or in_line]


def shown_in(notebook: Any, experiments: Iterable[str] = (), results: Path | None = None) -> Shown:
    """The numbers that a notebook shows.

    Args:
        notebook: an executed notebook.
        experiments: those whose records it shows.
        results: folder of the records.

    Returns:
        Numbers of what was printed, of values that cells show, of tables, and of the records.
    """
    shown = Shown()
    for cell in notebook.cells:
        for output in cell.outputs if cell.cell_type == "code" else ():
            data = output.get("data", {})
            for text in (output.get("text"), data.get("text/plain"), output.get("evalue")):
                for line in (text or "").splitlines():
                    shown.add(line)
            for text, context in _Texts(data.get("text/html", "")).found:
                shown.add(text, context)
    for experiment in experiments:
        path = Path(results or ".") / f"{experiment}.json"
        if path.exists():
            _add_record(shown, json.loads(path.read_text(encoding="utf-8")))
    return shown


def _add_record(shown, record):
    shown.percent.append(_CONFIDENCE)
    parts = [record[name] for name in _OF_RECORDS if name in record]
    parts += [arm.get("choice") for arm in record["arms"].values()]
    for number, in_points in _numbers(parts, False):
        shown.plain.append(number)
        if in_points:
            shown.percent.append(number)


def _numbers(value: Any, in_points: bool) -> Iterator[tuple[float, bool]]:
    """The numbers in a piece of a record, and whether they are points of a gap."""
    if isinstance(value, dict):
        in_points = in_points or value.get("unit") == "points"
        for name, one in value.items():
            yield from _numbers(one, (in_points or name in _IN_POINTS) and name not in _COUNTS)
    elif isinstance(value, list):
        for one in value:
            yield from _numbers(one, in_points)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value), in_points


class _Texts(HTMLParser):
    """The texts of an HTML output; of a table's cell with the heads of its column and row."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._heads: dict[int, str] = {}
        self._row = ""
        self._column = 0
        self._cell: tuple[str, int] | None = None
        self._text = ""
        self._in_head = self._hidden = False
        self.feed(text)
        self.close()
        self._flush()

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "style", "svg"):
            self._hidden = True
        elif tag == "table":
            self._heads = {}
        elif tag == "thead":
            self._in_head = True
        elif tag == "tr":
            self._row, self._column = "", 0
        if tag in ("td", "th"):
            self._flush()
            self._cell = (tag, int(dict(attributes).get("colspan") or 1))
        elif tag in ("p", "div", "li", "br", "summary", "tr", "table", "caption"):
            self._break()

    def handle_endtag(self, tag):
        if tag in ("script", "style", "svg"):
            self._hidden = False
        elif tag == "thead":
            self._in_head = False
        if tag in ("td", "th", "p", "div", "li", "summary", "caption"):
            self._flush()

    def handle_data(self, data):
        if not self._hidden:
            self._text += data

    def _break(self):
        if self._cell is None:
            self._flush()
        else:
            self._text += " "

    def _flush(self):
        """End a text: keep it, and what a head says of the cells below or beside it."""
        text, self._text = self._text.strip(), ""
        context = ""
        if self._cell is not None:
            tag, span = self._cell
            columns = range(self._column, self._column + span)
            if self._in_head:
                for column in columns:
                    self._heads[column] = f"{self._heads.get(column, '')} {text}"
            elif tag == "th":
                self._row = f"{self._row} {text}"
            else:
                context = f"{self._heads.get(self._column, '')} {self._row}"
            self._column += span
            self._cell = None
        if text:
            self.found.append((text, context))
