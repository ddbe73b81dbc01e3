"""The numbers that a notebook shows: in its outputs, and in the records that its cells name."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup

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
            for text, context in _texts(data.get("text/html", "")):
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


def _texts(html: str) -> Iterator[tuple[str, str]]:
    """The texts of an HTML output; of a table's cell with the heads of its column and row."""
    page = BeautifulSoup(html, "html.parser")
    for one in page(["script", "style", "svg"]):
        one.decompose()
    for one in page(["p", "div", "li", "br", "summary", "table", "caption"]):
        one.insert_before("\n")
        one.insert_after("\n")
    for table in page("table"):
        heads: dict[int, str] = {}
        for row in table("tr"):
            column, beside = 0, ""
            for cell in row(["td", "th"]):
                text, span = " ".join(cell.get_text().split()), int(cell.get("colspan") or 1)
                if cell.find_parent("thead"):
                    for one in range(column, column + span):
                        heads[one] = f"{heads.get(one, '')} {text}"
                is_value = cell.name == "td" and not cell.find_parent("thead")
                yield text, f"{heads.get(column, '')} {beside}" if is_value else ""
                beside += f" {text}" if cell.name == "th" else ""
                column += span
            row.decompose()
    yield from ((line, "") for line in page.get_text().splitlines())
