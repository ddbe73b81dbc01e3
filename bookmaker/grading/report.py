"""Writes grades as one CSV file and one HTML page per student."""

import csv
import html
import io
from pathlib import Path

from recsys_lib.book.places import write_atomically

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }}
pre {{ background: #f3f3f3; padding: .6rem; overflow-x: auto; white-space: pre-wrap; }}
h3 span {{ float: right; font-weight: normal; }}
.fault {{ border-left: 4px solid #d55e00; padding-left: .8rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def write_report(grades, folder):
    """Write ``grades.csv`` and ``<student>.html`` for each student into a folder.

    Returns:
        The path of the CSV file.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "grades.csv"
    write_atomically(path, render_csv(grades))
    for student in sorted({one.student for one in grades}):
        pages = [one for one in grades if one.student == student]
        write_atomically(folder / f"{student}.html", render_page(student, pages))
    return path


def render_csv(grades):
    """Return the grades as CSV: a row for each student and lesson, a column for each exercise.

    A cell is empty where the lesson has no such exercise, and says ``pending`` where a person has
    yet to give the points; ``points`` adds up what is there.
    """
    identifiers = list(dict.fromkeys(mark.identifier for one in grades for mark in one.marks))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["student", "lesson", "points", "pending", "of", "remark", *identifiers])
    for one in grades:
        marks = {mark.identifier: _points(mark) for mark in one.marks}
        remark = "; ".join([*([one.fault] if one.fault else []), *one.notes])
        row = [_harmless(one.student), one.lesson, _number(one.points), one.pending, one.of]
        writer.writerow([*row, _harmless(remark), *(marks.get(name, "") for name in identifiers)])
    return buffer.getvalue()


def render_page(student, grades):
    """Return a student's feedback as an HTML page that needs no other file."""
    parts = []
    for one in grades:
        parts.append(f"<h2>{html.escape(one.lesson or 'unknown lesson')}</h2>")
        waiting = f", {one.pending} more to be given by a person" if one.pending else ""
        parts.append(f"<p>{_number(one.points)} of {one.of} points{waiting}.</p>")
        if one.fault:
            parts.append(f'<p class="fault">{html.escape(one.fault)}</p>')
        if one.notes:
            lines = "".join(f"<li>{html.escape(note)}</li>" for note in one.notes)
            parts.append(f'<ul class="fault">{lines}</ul>')
        parts += [_exercise(mark, one) for mark in one.marks]
    return _PAGE.format(title=html.escape(student), body="\n".join(parts))


def _exercise(mark, one):
    lines = [
        f"<h3>{html.escape(mark.title)} <span>{_points(mark)} of {mark.of}</span></h3>",
        f"<p><code>{html.escape(mark.identifier)}</code>, {mark.kind}</p>",
    ]
    if one.fault:
        return "\n".join(lines)
    if mark.answer:
        lines.append(f"<pre>{html.escape(mark.answer)}</pre>")
    for message in mark.messages:
        lines.append(f'<pre class="fault">{html.escape(message)}</pre>')
    if not mark.messages and not mark.pending and mark.points == mark.of:
        lines.append("<p>All tests passed.</p>")
    if mark.kind == "open" and mark.pending:
        lines.append(f"<p>Rubric:</p><pre>{html.escape(mark.rubric)}</pre>")
    return "\n".join(lines)


def _points(mark):
    return "pending" if mark.pending else _number(mark.points)


def _number(value):
    return f"{value:g}"


def _harmless(text):
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
