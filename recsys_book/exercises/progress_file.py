"""The progress file: which checks passed and when, in one small JSON file, and its table.

The file is ``.progress.json`` in the folder of the book, or the one in ``RECSYS_PROGRESS_FILE``.
Deleting it loses nothing but this table. While ``RECSYS_KEEP_PROGRESS=0``, as in builds and tests,
it is neither read nor written.

Several notebooks may write at once: each reads, adds and replaces the file under a lock. A
broken file is renamed to ``.progress.broken-1.json``.
"""

import datetime
import html
import json
import os
import re
from pathlib import Path

from recsys_book.base import paths
from recsys_book.exercises.source import find_sources, read_source
from recsys_lib.locks import locked

FILE_VARIABLE = "RECSYS_PROGRESS_FILE"
SWITCH_VARIABLE = "RECSYS_KEEP_PROGRESS"
VERSION = 1
LOCK_SECONDS, STALE_LOCK_SECONDS = 5.0, 30.0


class BrokenProgress(ValueError):
    """The progress file holds something other than checks."""


def progress_path():
    """Return the path of the progress file."""
    chosen = os.environ.get(FILE_VARIABLE)
    return Path(chosen) if chosen else paths.CHAPTERS.parent / ".progress.json"


def is_on():
    """Return whether progress is kept in this process."""
    return os.environ.get(SWITCH_VARIABLE) != "0"


def read_progress():
    """Return the checks recorded so far: dict of identifier to a dict of its attempts.

    A file that cannot be read counts as empty.
    """
    try:
        return _read(progress_path()) if is_on() else {}
    except (OSError, BrokenProgress):
        return {}


def record(identifier, status, passed, prediction=None):
    """Record one attempt; prints one line, once, if the file cannot be written."""
    if not is_on():
        return
    path = progress_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_suffix(".lock"), LOCK_SECONDS, STALE_LOCK_SECONDS):
            _remove_leftovers(path)
            checks = _read_or_put_aside(path)
            _add(checks.setdefault(identifier, {}), status, passed, prediction)
            text = json.dumps({"version": VERSION, "checks": checks}, indent=1, sort_keys=True)
            paths.write_atomically(path, text + "\n")
    except OSError as error:
        if not _complained:
            _complained.append(error)
            print(f"(progress cannot be kept: {error.strerror}; the verdict counts all the same)")


def _read(path):
    try:
        checks = json.loads(path.read_text(encoding="utf-8"))["checks"]
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenProgress(f"{path.name}: expected a dict of checks: {error}") from None
    if not isinstance(checks, dict) or not all(isinstance(one, dict) for one in checks.values()):
        raise BrokenProgress(f"{path.name}: expected a dict of checks, each one a dict")
    return checks


def _read_or_put_aside(path):
    """The checks so far; a broken file gets another name, so that no attempt overwrites it."""
    try:
        return _read(path)
    except BrokenProgress:
        number = 1
        while (aside := path.with_name(f"{path.stem}.broken-{number}.json")).exists():
            number += 1
        os.replace(path, aside)
        print(
            f"(the progress file cannot be read; it is kept as {aside.name}, and a new one begins)"
        )
        return {}


def _remove_leftovers(path):
    """Remove files of a killed process; under the lock no other process is writing."""
    temporary = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}")
    for other in path.parent.iterdir():
        if temporary.fullmatch(other.name):
            other.unlink(missing_ok=True)


def _add(entry, status, passed, prediction):
    """Add an attempt to an exercise's entry."""
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    entry["attempts"] = (entry["attempts"] if isinstance(entry.get("attempts"), int) else 0) + 1
    entry["last"] = status
    entry["last_time"] = now
    if passed:
        entry.setdefault("passed_time", now)
    if prediction:
        entry.setdefault("prediction", prediction)


_complained: list = []


def has_passed(identifier):
    """Return whether an answer has passed before, according to the file."""
    return "passed_time" in read_progress().get(identifier, {})


def first_prediction(identifier):
    """Return the numbers that were predicted first for an experiment, or None."""
    prediction = read_progress().get(identifier, {}).get("prediction")
    if isinstance(prediction, list) and all(isinstance(v, int | float) for v in prediction):
        return prediction
    return None


def progress():
    """Display a table of all exercises: lesson, title, points, minutes, and when each passed."""
    from IPython.display import HTML, display

    display(HTML(render_progress()))


def render_progress(chapters=None):
    """Return the table that `progress` displays, as HTML; a sentence while no progress is kept."""
    if not is_on():
        return "<p>Run this cell to see which exercises you have solved.</p>"
    checks = read_progress()
    rows, passed, points, all_points, count = [], 0, 0, 0, 0
    for path in find_sources(chapters):
        file = read_source(path)
        for position, one in enumerate(file.exercises):
            entry = checks.get(one.identifier, {})
            done = "passed_time" in entry
            count, passed = count + 1, passed + done
            all_points, points = all_points + one.points, points + one.points * done
            lesson = f"{path.parent.name[:2]} {file.lesson}" if position == 0 else ""
            cells = (lesson, one.title, one.kind, f"{one.minutes} min", one.points, _status(entry))
            rows.append(
                "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"
            )
    if not rows:
        return "<p>No exercises yet.</p>"
    heads = ("lesson", "exercise", "kind", "time", "points", "public tests")
    return "\n".join(
        [
            *_word_on_broken(),
            f"<p>{passed} of {count} exercises passed, {points} of {all_points} points.</p>",
            "<table>",
            "<thead><tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr></thead>",
            "<tbody>",
            *rows,
            "</tbody>",
            "</table>",
        ]
    )


def _word_on_broken():
    try:
        _read(progress_path())
    except (OSError, BrokenProgress):
        return ["<p>The progress file cannot be read; the next check puts it aside.</p>"]
    return []


def _status(entry):
    if "passed_time" in entry:
        return f"passed on {str(entry['passed_time'])[:10]}"
    attempts = entry.get("attempts", 0)
    if not attempts:
        return "not attempted"
    return f"{attempts} {'attempt' if attempts == 1 else 'attempts'}, last: {entry.get('last')}"
