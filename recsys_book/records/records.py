"""Recorded evidence in a lesson: the measurements and the findings of an experiment.

Only the records below ``experiments/results`` are read; nothing is measured.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys_book.base.paths import CHAPTERS
from recsys_book.records.record_figures import drawn
from recsys_book.records.withdrawn import BLOCKS, reasons

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

RESULTS = CHAPTERS.parent / "experiments" / "results"

_UNITS = {
    "points": "points of the gap",
    "nats": "nats",
    "AUC": "AUC",
    "GAUC": "GAUC",
    "probability": "of probability",
    "runs": "of the runs that leave the plateau",
}
_DIGITS = {"points": 1, "runs": 2}
_COLUMNS = {
    "gauc_points": ("points of the GAUC gap", 1),
    "points": ("points of the AUC gap", 1),
    "error_points": ("points of the error gap", 1),
    "money_points": ("points of the money", 1),
    "auc": ("AUC", 4),
    "gauc": ("GAUC", 4),
    "log_loss": ("log loss", 4),
    "log_loss_platt": ("log loss, calibrated", 4),
}


class Evidence:
    """The record of an experiment, as a lesson shows it: the table, its legend, the figure.

    Args:
        record: manifest of the record.
        part: slice of the test rows.
        task: which one, where there are several.

    Attributes:
        record: as given.
        table: ``DataFrame``, a row for each model and point of a sweep.

    Raises:
        ValueError: no such slice or task.
    """

    def __init__(
        self, record: Mapping[str, Any], part: str = "all", task: str | None = None
    ) -> None:
        self.record = record
        self._rows = _rows_of(record, part, task)
        self.table = _table(self._rows, record)

    def figure(self) -> "Figure":
        """Means with their 95 % intervals: a line for each model, or a curve along the sweep."""
        name = next(one for one in _COLUMNS if any(one in row for row in self._rows))
        return drawn(self._rows, self.record, name, _COLUMNS[name][0], self._title())

    def _title(self) -> str:
        """The first declared finding that the record shows, else the question."""
        for contrast in self.record["declaration"]["contrasts"]:
            found = self.record["findings"][contrast["finding"]]
            if is_confirmed(found):
                return str(found["sentence"])
        return str(self.record["question"])

    def brackets(self) -> str:
        """A legend for the brackets of the table; empty if it has none."""
        if any("worlds" in row for row in self._rows):
            return "Brackets: 95 % interval over worlds."
        # On real data only differences have an interval, from users drawn with replacement.
        return "Brackets: 95 % interval over users." if self.record.get("scoreboard") else ""

    def _ipython_display_(self) -> None:
        from IPython.display import display

        from recsys_book.plotting.figures import show_with_descriptions

        show_with_descriptions()  # of a lesson that draws nothing else a kernel shows names alone
        display(self.table)
        if legend := self.brackets():
            print(legend)
        display(self.figure())


def records(results: Path | None = None) -> dict[str, dict[str, Any]]:
    """All records, by the identifier of their experiment.

    Args:
        results: folder of the records; default: that of this checkout.
    """
    folder = RESULTS if results is None else Path(results)
    return {path.stem: _read(path) for path in sorted(folder.glob("*.json")) if path.name != BLOCKS}


def evidence(
    identifier: str, part: str = "all", task: str | None = None, results: Path | None = None
) -> Evidence:
    """The table and the figure of an experiment, from its record.

    Args:
        identifier: ``"chapter.name"`` of the experiment.
        part: slice of the test rows.
        task: which one, where there are several.
        results: folder of the records; default: that of this checkout.

    Returns:
        ``Evidence``; a notebook shows it when it is a cell's last value.

    Raises:
        ValueError: nothing is recorded under this name, or no such slice or task.
    """
    return Evidence(record_of(identifier, results), part, task)


def finding(identifier: str, results: Path | None = None) -> None:
    """Print a finding in one line: its sentence, verdict, effect and interval.

    Args:
        identifier: ``"chapter.name.finding"``.
        results: folder of the records; default: that of this checkout.

    Raises:
        ValueError: no such record or finding.
    """
    print(sentence(identifier, results))


def sentence(identifier: str, results: Path | None = None) -> str:
    """The line that ``finding`` prints.

    Args:
        identifier, results: as for ``finding``.

    Returns:
        One line.

    Raises:
        ValueError: no such record or finding.
    """
    record, name = finding_of(identifier, results)
    return in_words(record["findings"][name])


def finding_of(identifier: str, results: Path | None = None) -> tuple[dict[str, Any], str]:
    """The record of a finding, and its name there.

    Args:
        identifier, results: as for ``finding``.

    Returns:
        ``(manifest, name)``.

    Raises:
        ValueError: no such record or finding.
    """
    experiment, _, name = identifier.rpartition(".")
    record = record_of(experiment, results)
    found = record["findings"]
    if name not in found:
        raise ValueError(f"finding: expected one of {sorted(found)} of {experiment}, got {name!r}")
    return record, name


def recorded(
    experiment: str,
    *,
    model: str,
    point: float | str | None = None,
    measure: str = "points",
    part: str = "all",
    task: str | None = None,
    results: Path | None = None,
) -> float:
    """One number of a record: the mean of a measure over its worlds.

    Args:
        experiment: ``"chapter.name"``.
        model: its name in the experiment.
        point: value of the swept knob; None if no knob is swept.
        measure: ``"points"`` (of the AUC gap), ``"error_points"``, ``"auc"``, ``"gauc"`` or
            ``"log_loss"``.
        part: slice of the test rows.
        task: which one, where there are several.
        results: folder of the records; default: that of this checkout.

    Returns:
        The mean; on real data that over the initialisations.

    Raises:
        ValueError: nothing is recorded under this name, or no such model, point, measure, slice or
            task.
    """
    rows = _rows_of(record_of(experiment, results), part, task)
    rows = _only(rows, "model", model)
    if point is not None or len({row["point"] for row in rows}) > 1:
        rows = _only(rows, "point", point if point is None else _point_text(point))
    (row,) = rows
    offered = [name for name in _COLUMNS if name in row]
    if measure not in offered:
        raise ValueError(f"measure: expected one of {offered}, got {measure!r}")
    return float(row[measure][0])


def _only(rows, name, wanted):
    known = list(dict.fromkeys(row[name] for row in rows))
    if wanted not in known:
        raise ValueError(f"{name}: expected one of {known}, got {wanted!r}")
    return [row for row in rows if row[name] == wanted]


def _point_text(point):
    return point if isinstance(point, str) else f"{point:g}"


def in_words(found: Mapping[str, Any]) -> str:
    """A recorded finding as one line.

    Args:
        found: an entry of a record's ``findings``.

    Returns:
        The line; it begins with "Not shown" if the record does not confirm the sentence.
    """
    return f"{said(found)} ({measured(found)})"


def said(found: Mapping[str, Any]) -> str:
    """The sentence of a recorded finding; one that the book may not say begins with why not.

    Args:
        found: an entry of a record's ``findings``.
    """
    if not found["confirmed"]:
        return f"Not shown: {found['sentence']}"
    return f"Withdrawn: {found['sentence']}" if "withdrawn" in found else found["sentence"]


def is_confirmed(found: Mapping[str, Any]) -> bool:
    """Whether the book may say a finding: its record confirms it, and nothing speaks against it.

    An exploratory one waits for other worlds; one that was withdrawn has a reason.

    Args:
        found: an entry of a record's ``findings``.
    """
    return bool(found["confirmed"]) and not (found.get("exploratory") or "withdrawn" in found)


def measured(found: Mapping[str, Any]) -> str:
    """Verdict, effect and interval of a recorded finding.

    Args:
        found: an entry of a record's ``findings``.

    Returns:
        The text in brackets after the sentence.
    """
    verdict = verdict_of(found)
    if found.get("unstable"):
        verdict += f", runs leave the plateau: {_counts(found['unstable'], 'left')}"
    elif found.get("failed"):
        verdict += f", training failed: {_counts(found['failed'], 'runs')}; among the others"
    if found["effect"] is None:
        return verdict
    digits = _DIGITS.get(found["unit"], 4)
    low, high = found["interval"]
    units = "users" if found.get("users") else "worlds"
    margin = f", margin {found['margin']:g}" if found["margin"] else ""
    why = f"; withdrawn: {found['withdrawn']}" if "withdrawn" in found else ""
    return (
        f"{verdict}: {found['text']} {found['effect']:+.{digits}f} "
        f"{_UNITS[found['unit']]}, 95 % interval {low:+.{digits}f} to {high:+.{digits}f}, "
        f"{found['worlds']} {units}{margin}{why}"
    )


def verdict_of(found: Mapping[str, Any]) -> str:
    """The verdict of a recorded finding, or why there is none, in a few words.

    Args:
        found: an entry of a record's ``findings``.
    """
    verdict = "the opposite" if found.get("reversed") else found["verdict"]
    if found["verdict"] == "unfinished":
        capped = ", ".join(f"{name} in {k} of {n}" for name, (k, n) in found["at_cap"].items())
        verdict = f"no verdict, unfinished: runs end at the last epoch allowed, {capped}"
    elif found.get("failed") and not found.get("unstable"):
        verdict = "no verdict"
    return f"exploratory, {verdict}" if found.get("exploratory") else verdict


def _counts(arms, key):
    return ", ".join(
        f"{name} in {of[key][0]} of {of[key][1]} runs "
        f"({100 * of['interval'][0]:.0f} to {100 * of['interval'][1]:.0f} %)"
        for name, of in arms.items()
    )


def record_of(identifier: str, results: Path | None = None) -> dict[str, Any]:
    """The manifest of a record.

    Args:
        identifier: ``"chapter.name"`` of the experiment.
        results: folder of the records; default: that of this checkout.

    Returns:
        The manifest, as ``experiments/results`` holds it.

    Raises:
        ValueError: nothing is recorded under this name.
    """
    folder = RESULTS if results is None else Path(results)
    known = [path.stem for path in sorted(folder.glob("*.json")) if path.name != BLOCKS]
    if identifier not in known:
        raise ValueError(f"evidence: expected one of {known}, got {identifier!r}")
    return _read(folder / f"{identifier}.json")


def _read(path: Path) -> dict[str, Any]:
    """A manifest; a finding that the book does not say has the reason as ``withdrawn``."""
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for name, reason in reasons(path.stem, record, path.parent).items():
        record["findings"][name]["withdrawn"] = reason
    return record


def _rows_of(record, part, task):
    rows = record["summary"]
    parts = list(dict.fromkeys(row["slice"] for row in rows))
    if part not in parts:
        raise ValueError(f"part: expected one of {parts}, got {part!r}")
    rows = [row for row in rows if row["slice"] == part and row["point"] != "varied"]
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    if task not in (None, *tasks) or (task is None and len(tasks) > 1):
        raise ValueError(f"task: expected one of {tasks}, got {task!r}")
    order = list(record["arms"])
    order = [one["name"] for one in record["declaration"]["arms"] if one["name"] in order]
    rows = [row for row in rows if task is None or row["task"] == task]
    return sorted(rows, key=lambda row: (order.index(row["model"]), _number(row["point"])))


def _number(point):
    try:
        return (float(point), "")
    except ValueError:
        return (0.0, point)


def _table(rows: list[dict[str, Any]], record: Mapping[str, Any]) -> "pd.DataFrame":
    import pandas as pd

    sweep = record["declaration"]["sweep"]
    shown = []
    for row in rows:
        line = {"model": row["model"]}
        if sweep is not None:
            line[sweep["knob"]] = row["point"]
        for name, (title, digits) in _COLUMNS.items():
            if name in row:
                line[title] = _with_interval(row[name], row.get(f"{name}_sd"), digits)
        if "worlds" in row:
            line["surely behind the best?"] = "yes" if row["behind"] else "no clear difference"
            line["worlds"] = str(row["worlds"])
        shown.append(line)
    table = pd.DataFrame(shown).fillna("")
    for named, references in record.get("scoreboard", {}).items():
        measure, _, task = named.partition(" of ")
        if task not in ("", rows[0]["task"]):
            continue
        title, digits = _COLUMNS[measure]
        for reference, of in references.items():
            table[f"{title}, better than {reference} by"] = [
                _with_interval([of[name]["effect"], *of[name]["interval"]], None, digits)
                if name in of
                else ""
                for name in table["model"]
            ]
    return table.set_index("model")


def _with_interval(numbers, spread, digits):
    mean, *ends = numbers
    if ends:
        return f"{mean:.{digits}f} [{ends[0]:.{digits}f}, {ends[1]:.{digits}f}]"
    return f"{mean:.{digits}f}" + (f" ± {spread:.{digits}f}" if spread is not None else "")
