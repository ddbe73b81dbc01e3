"""The start page as its reader needs it today: where to go on, the routes, the map, the lessons.

``start()`` shows it in the start page's one code cell. In the JupyterLab of ``make lab`` the server
renews the cell's output whenever the page is opened (``lab_contents``), so nobody has
to run it. ``make book`` writes the book's outline into ``chapters/lessons.json``; what is solved
stands in the progress file.
"""

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from recsys_book.base import paths
from recsys_book.exercises.progress_file import read_progress, render_progress
from recsys_book.reader.environment import environment_problems
from recsys_book.reader.week import this_week

OUTLINE = "lessons.json"
TAG = "start"
"""The tag of the cell whose output the server renews."""

Lesson = Mapping[str, Any]
Checks = Mapping[str, Mapping[str, Any]]
"""What ``read_progress`` returns."""

# Colours of JupyterLab's theme, light or dark; what is solved is said in words, too. A class that
# is named twice outweighs JupyterLab's rules, by which cells are equally wide and aligned right.
STYLE = """<style>
.book-start { max-width: 60em; line-height: 1.45; container-type: inline-size; }
.book-start .next { font-size: 1.25em; margin: .2em 0 .6em; }
.book-start ul { margin: .2em 0 .6em; padding-left: 1.2em; }
.book-map { display: grid; grid-template-columns: minmax(7em, 12em) 1fr; gap: .5em 1em; }
.book-map .chapter span { display: block; font-size: .85em; opacity: .8; }
.book-map .boxes { display: flex; flex-wrap: wrap; gap: .35em; align-items: center; }
.book-map a { border: 1px solid currentColor; border-radius: 4px; padding: .1em .5em;
  display: inline-block; background: linear-gradient(to right, rgba(64, 160, 80, .3) var(--solved),
  transparent var(--solved)); }
.book-start.book-start table { border-collapse: collapse; width: 100%; margin: .3em 0 1em;
  table-layout: auto; }
.book-start.book-start table :is(th, td) { text-align: left; vertical-align: top;
  padding: .25em .6em; }
.book-start .lesson { width: 100%; }
.book-start .lesson ~ * { white-space: nowrap; }
@container (max-width: 36em) { .book-map { grid-template-columns: 1fr; } }
.book-start summary { cursor: pointer; margin: .6em 0; }
</style>"""


def start() -> None:
    """Display where to go on, the routes, the map of the book and its lessons."""
    from IPython.display import HTML, display

    display(HTML(render()))


def read_outline(chapters: Path | None = None) -> dict[str, Any]:
    """Chapters with their lessons, and the routes, as ``make book`` wrote them.

    Args:
        chapters: the folder of the chapters; by default the book's.
    """
    path = Path(chapters or paths.CHAPTERS) / OUTLINE
    return json.loads(path.read_text(encoding="utf-8"))


def render(chapters: Path | None = None, checks: Checks | None = None) -> str:
    """The page as HTML.

    Args:
        chapters: the folder of the chapters; by default the book's.
        checks: what ``read_progress`` returns; by default the reader's.
    """
    outline = read_outline(chapters)
    checks = read_progress() if checks is None else checks
    lessons = _by_key(outline)
    next_one, routes, map_, tables = _parts(outline, checks)
    parts = [
        *[f"<p><strong>{html.escape(line)}</strong></p>" for line in environment_problems()],
        next_one,
        *_due(lessons.values(), chapters),
        "<p><strong>Three routes</strong></p>",
        routes,
        "<p><strong>The map.</strong> An arrow stands between two lessons of which the second "
        "builds on the first. A box fills as you solve the exercises of its lesson. In the lists "
        "below it <em>deeper</em> leads to a lesson's companion, which goes further.</p>",
        map_,
        f"<details><summary>{_solved_line(outline['chapters'], checks)}</summary>"
        f"{render_progress(chapters)}</details>",
        *tables,
    ]
    return "\n".join([STYLE, '<div class="book-start">', *parts, "</div>"])


def render_for_all(chapters: Path | None = None) -> list[str]:
    """The start page's parts for who has no progress file: a website's visitors.

    Args:
        chapters: the folder of the chapters; by default the book's.

    Returns:
        HTML of the first step, of the routes, and of the map with the lists of lessons.
    """
    next_one, routes, map_, tables = _parts(read_outline(chapters), None)
    told = (
        "<p>An arrow stands between two lessons of which the second builds on the first. In the "
        "lists <em>deeper</em> leads to a lesson's companion, which goes further.</p>"
    )
    parts = (next_one, routes, "\n".join([told, map_, *tables]))
    return [f'{STYLE}<div class="book-start">\n{part}\n</div>' for part in parts]


def _parts(outline: Mapping[str, Any], checks: Checks | None) -> tuple[str, str, str, list[str]]:
    """What the page has for everybody; without checks nothing speaks of what is solved."""
    lessons, known = _by_key(outline), checks or {}
    here, aside = _next(outline["routes"], lessons, known)
    routes = "".join(_route(route, lessons, known) for route in outline["routes"])
    boxes = "".join(_row(chapter, known) for chapter in outline["chapters"])
    return (
        f'<p class="next">{_next_step(lessons.values(), here, known)}{aside}</p>',
        f"<ul>{routes}</ul>",
        f'<div class="book-map" role="list">{boxes}</div>',
        [_table(chapter, checks, here) for chapter in outline["chapters"]],
    )


def _by_key(outline: Mapping[str, Any]) -> dict[str, Lesson]:
    return {one["key"]: one for chapter in outline["chapters"] for one in chapter["lessons"]}


def solved(lesson: Lesson, checks: Checks) -> int:
    """How many of a lesson's exercises have passed.

    Args:
        lesson: of the outline.
        checks: what ``read_progress`` returns.
    """
    return sum(_passed(name, checks) for name in lesson["exercises"])


def is_done(lesson: Lesson, checks: Checks) -> bool:
    """Whether a lesson has exercises and all have passed.

    Args:
        lesson: of the outline.
        checks: what ``read_progress`` returns.
    """
    return solved(lesson, checks) == len(lesson["exercises"]) > 0


def next_lesson(lessons: Iterable[Lesson], checks: Checks) -> Lesson | None:
    """The lesson to go on with; None once all are solved.

    It is the one that was tried last; if that is solved, the next one that is not.

    Args:
        lessons: in the order of the book.
        checks: what ``read_progress`` returns.
    """
    lessons = list(lessons)
    times = [
        (str(checks[name].get("last_time", "")), place)
        for place, one in enumerate(lessons)
        for name in one["exercises"]
        if name in checks
    ]
    latest = max(times)[1] if times else 0
    waiting = [one for one in lessons[latest:] + lessons[:latest] if not is_done(one, checks)]
    return waiting[0] if waiting else None


def _next(routes, lessons, checks):
    """The lesson to go on with, and a sentence where route and book do not go on alike.

    Who has tried the first lesson of a route, and none that is not on it, is on the route; after
    one lesson nobody knows, and the order of the book comes first.
    """
    of_book = next_lesson(lessons.values(), checks)
    tried = {key for key, one in lessons.items() if checks.keys() & one["exercises"].keys()}
    for route in routes:
        if tried & set(route["lessons"][:1]) and tried <= set(route["lessons"]):
            of_route = next_lesson([lessons[key] for key in route["lessons"]], checks)
            if of_route in (None, of_book):
                continue
            link, name = _link(of_route, _short(of_route)), html.escape(route["title"])
            if len(tried) == 1:
                return of_book, f" On the route <em>{name}</em>: {link}."
            return of_route, f" In the order of the book: {_link(of_book, _short(of_book))}."
    return of_book, ""


def _next_step(lessons, lesson, checks):
    if lesson is None:
        return "You have solved every exercise of the lessons. The companions (deeper) go further."
    link, count = _link(lesson, _short(lesson)), solved(lesson, checks)
    if not any(one in checks for other in lessons for one in other["exercises"]):
        return f"Begin here: {link}, {_time(_minutes(lesson))}."
    if not count:
        return f"Continue with {link}, {_time(_minutes(lesson))}."
    left = sum(m for name, m in lesson["exercises"].items() if not _passed(name, checks))
    return (
        f"Continue with {link}: {count} of {len(lesson['exercises'])} exercises are solved, and "
        f"the others take about {_time(left)}."
    )


def _due(lessons, chapters):
    """A line for each assignment that a course has set and that is still open."""
    try:
        dates = this_week(chapters)
    except paths.LessonError as error:
        return [f"<p>{html.escape(str(error))}</p>"]
    named = {one["key"].partition("/")[2]: one for one in lessons}
    return [
        f"<p><strong>Due until {due:%A, %d %B %Y, %H:%M}:</strong> the assignment of "
        f"{_link(named[lesson], _short(named[lesson])) if lesson in named else html.escape(lesson)}"
        "</p>"
        for lesson, due in dates
    ]


def _passed(name, checks):
    return "passed_time" in checks.get(name, {})


def _minutes(lesson):
    return lesson["reading"] + sum(lesson["exercises"].values())


def _time(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} minutes"
    if hours >= 5:
        return f"{round(minutes / 60)} hours"
    return f"{hours} h {rest:02d} min"


def _link(lesson, text=None):
    return f'<a href="{lesson["key"]}.ipynb">{html.escape(text or lesson["title"])}</a>'


def _short(lesson):
    return lesson["title"].partition(":")[0]


def _route(route: Mapping[str, Any], lessons: Mapping[str, Lesson], checks: Checks) -> str:
    """A route as a list item: its hours, for whom it is, its lessons, and what to know instead."""
    of_route = [lessons[key] for key in route["lessons"]] or list(lessons.values())
    time = _time(sum(_minutes(one) for one in of_route))
    done = sum(is_done(one, checks) for one in of_route)
    said = f", {done} of {len(of_route)} lessons done" * (done > 0)
    way = " → ".join(
        _link(one, _short(one)) + " ✓" * is_done(one, checks)
        for one in (of_route if route["lessons"] else [])
    )
    known = "".join(
        f"<li>{_link(lessons[key], _short(lessons[key]))}: {html.escape(sentence)}</li>"
        for key, sentence in route["instead"].items()
    )
    if known:
        asked = "What to know instead of the lessons that this route leaves out"
        known = f"<details><summary>{asked}</summary><ul>{known}</ul></details>"
    after = route.get("after", "")
    return f"<li><em>{route['title']}</em>, {time}{said}. {route['text']} {way}{after}{known}</li>"


def _row(chapter: Mapping[str, Any], checks: Checks) -> str:
    """A chapter's line of the map."""
    boxes: list[str] = []
    for lesson in chapter["lessons"]:
        count, all_ = solved(lesson, checks), len(lesson["exercises"])
        share = f"{100 * count / max(all_, 1):.0f}%"
        mark = " ✓" if is_done(lesson, checks) else f" {count}/{all_}" if count else ""
        arrow = "→ " if lesson["follows"] else ""
        boxes.append(
            f'<span>{arrow}<a href="{lesson["key"]}.ipynb" style="--solved: {share}" title="'
            f'{html.escape(lesson["question"])}">{html.escape(_short(lesson))}{mark}</a></span>'
        )
    needs = f"<span>builds on {', '.join(chapter['needs'])}</span>" if chapter["needs"] else ""
    return (
        f'<div class="chapter" role="listitem">{chapter["number"]} '
        f"{html.escape(chapter['title'])}{needs}</div>"
        f'<div class="boxes" role="listitem">{"".join(boxes)}</div>'
    )


def _solved_line(chapters: Sequence[Mapping[str, Any]], checks: Checks) -> str:
    counts = []
    for chapter in chapters:
        count = sum(solved(one, checks) for one in chapter["lessons"])
        all_ = sum(len(one["exercises"]) for one in chapter["lessons"])
        counts.append(f"{chapter['number']}: {count} of {all_}")
    return f"Exercises solved, by chapter: {'; '.join(counts)}."


def _table(chapter: Mapping[str, Any], checks: Checks | None, here: Lesson | None) -> str:
    """A chapter's lessons, and a line for each optional lab; open where the reader is."""
    known, is_read = checks or {}, checks is not None
    rows = []
    for lesson in chapter["lessons"]:
        deeper = f' · <a href="{lesson["key"]}.deeper.ipynb">deeper</a>' * lesson["has_deeper"]
        count, all_ = solved(lesson, known), len(lesson["exercises"])
        mark = '<span title="solved">✓</span>' if is_done(lesson, known) else ""
        done = f"<td>{mark}</td>" * is_read
        of_all = f"{count} of {all_}" if is_read else f"{all_} in all"
        solving = f"{sum(lesson['exercises'].values())} min, {of_all}" if all_ else ""
        rows.append(
            f'<tr>{done}<td class="lesson">{_link(lesson)}{deeper}<br>'
            f"{html.escape(lesson['question'])}</td><td>{lesson['reading']} min</td>"
            f"<td>{solving}</td></tr>"
        )
    labs = [
        f"<p>Optional lab on the data set <code>{lab['data']}</code>: {_link(lab)}. "
        f"{html.escape(lab['question'])} ({lab['reading']} min to read, {lab['seconds']} s to run)"
        "</p>"
        for lab in chapter["labs"]
    ]
    head = "<th>done</th>" * is_read
    head += '<th class="lesson">lesson and its question</th><th>to read</th><th>exercises</th>'
    count = sum(is_done(one, known) for one in chapter["lessons"])
    said = f"{count} of {len(rows)} lessons done" if is_read else f"{len(rows)} lessons"
    return (
        f"<details{' open' * (here in chapter['lessons'])}><summary><strong>{chapter['number']} "
        f"{html.escape(chapter['title'])}</strong>, {said}</summary>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"{''.join(labs)}</details>"
    )
