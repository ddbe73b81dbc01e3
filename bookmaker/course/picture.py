"""What builds on what as a picture: chapters are bands, lessons boxes, prerequisites arrows."""

from collections.abc import Mapping
from html import escape

Groups = Mapping[str, Mapping[str, str]]
"""Title of a chapter to its lessons: key to name."""
Needs = Mapping[str, tuple[str, ...]]
"""Key of a lesson to the keys of the lessons that it builds on."""

WIDTH, HEIGHT, STEP, ROW = 172, 50, 198, 58
"""Of a lesson's box, and from one to the next."""
BAND, LEFT, GAP = 64, 226, 12
"""Where bands and boxes begin, and the space between bands."""
# Told apart by people who do not see all colours, and each dark enough on white.
COLORS = ("#444444", "#0072b2", "#a65c00", "#007a5a", "#a3195b", "#6a3d9a", "#8a6d00", "#b22222")


def direct(needs: Needs) -> dict[str, tuple[str, ...]]:
    """The prerequisites of each lesson that no other of its prerequisites builds on.

    Args:
        needs: all prerequisites.

    Example:
        >>> direct({"a": (), "b": ("a",), "c": ("a", "b")})["c"]
        ('b',)
    """

    def behind(key: str) -> set[str]:
        return {one for need in needs[key] for one in (need, *behind(need))}

    return {
        key: tuple(one for one in own if not any(one in behind(other) for other in own))
        for key, own in needs.items()
    }


def describe(groups: Groups, needs: Needs) -> str:
    """The picture in words, its alternative text.

    Args:
        groups: chapters with their lessons.
        needs: all prerequisites.
    """
    arrows = direct(needs)
    chapters = []
    for title, lessons in groups.items():
        said = [
            f"{key} builds on {' and '.join(arrows[key])}" if arrows[key] else f"{key} is the first"
            for key in lessons
        ]
        chapters.append(f"Chapter {title}: {', '.join(said)}.")
    return "What builds on what, lesson by lesson. " + " ".join(chapters)


def _places(groups: Groups, arrows: Needs) -> tuple[dict[str, tuple[int, int]], list[int]]:
    """Column and row of each lesson, and the rows at which bands begin and the last one ends.

    A lesson stands right of those of its chapter that it builds on.
    """
    places: dict[str, tuple[int, int]] = {}
    starts = [0]
    for lessons in groups.values():
        filled: dict[int, int] = {}
        for key in lessons:
            before = [places[one] for one in arrows[key] if one in lessons]
            column = max((one[0] + 1 for one in before), default=0)
            # In the row of the lesson that it continues, where that is free.
            beside = min((one[1] for one in before), default=0) - starts[-1]
            row = max(filled.get(column, 0), beside)
            places[key] = (column, starts[-1] + row)
            filled[column] = row + 1
        starts.append(starts[-1] + max(filled.values()))
    return places, starts


def draw(groups: Groups, needs: Needs) -> str:
    """The picture as SVG, with title and description.

    Args:
        groups: chapters with their lessons.
        needs: all prerequisites, whose detours are left out.
    """
    arrows = direct(needs)
    places, starts = _places(groups, arrows)
    band = {key: number for number, lessons in enumerate(groups.values()) for key in lessons}
    across = {
        band[key]: {band[need] for other in lessons for need in needs[other]} - {band[key]}
        for lessons in groups.values()
        for key in lessons
    }
    tops = [GAP + start * ROW + number * GAP for number, start in enumerate(starts)]
    width = LEFT + (1 + max(column for column, _ in places.values())) * STEP
    height = tops[-1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" font-family="sans-serif" font-size="12">',
        "<title>What builds on what</title>",
        f"<desc>{escape(describe(groups, needs))}</desc>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, (title, lessons) in enumerate(groups.items()):
        color, top, below = COLORS[number % len(COLORS)], tops[number], tops[number + 1]
        parts.append(
            f'<marker id="m{number}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{color}"/></marker>'
            f'<rect x="{BAND}" y="{top}" width="{width - BAND - 6}" height="{below - top - GAP}" '
            f'rx="6" fill="#f3f3f3"/><text y="{top + 22}" font-weight="bold" fill="{color}">'
            f"{_lines(title, BAND + 8, 20)}</text>"
        )

        def corner(key: str, top: int = top, first: int = starts[number]) -> tuple[int, int]:
            column, row = places[key]
            return LEFT + column * STEP, top + 6 + (row - first) * ROW

        own = [(need, key) for key in lessons for need in arrows[key] if need in lessons]
        parts += [_inside(corner(need), corner(key), number) for need, key in own]
        parts += [_box(corner(key), key, lessons, arrows[key], color) for key in lessons]
    chapters = direct({str(key): tuple(map(str, sorted(own))) for key, own in across.items()})
    pairs = [(int(need), int(key)) for key, own in chapters.items() for need in own]
    parts += [_across(tops[need] + 20, tops[key] + 12, key - need, need) for need, key in pairs]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _lines(text: str, x: int, most: int) -> str:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "".join(
        f'<tspan x="{x}" dy="{14 * (number > 0)}">{escape(line)}</tspan>'
        for number, line in enumerate(lines)
    )


def _box(
    place: tuple[int, int],
    key: str,
    lessons: Mapping[str, str],
    needs: tuple[str, ...],
    color: str,
) -> str:
    """A lesson: its number and name, and which lessons of other chapters it builds on."""
    x, y = place
    others = [need for need in needs if need not in lessons]
    after = f"after {', '.join(others)}" if others else ""
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="4" fill="white" '
        f'stroke="{color}"/><text y="{y + 15}">{_lines(f"{key} {lessons[key]}", x + 7, 21)}</text>'
        f'<text x="{x + 7}" y="{y + 44}" font-size="10.5" fill="#555555">{after}</text>'
    )


def _inside(start: tuple[int, int], end: tuple[int, int], number: int) -> str:
    """An arrow from right edge to left edge; it turns in the gap before its end."""
    (x0, y0), (x1, y1) = start, end
    turn, y0, y1 = x1 - STEP + WIDTH, y0 + HEIGHT // 2, y1 + HEIGHT // 2
    middle = (turn + x1) // 2
    path = f"M{x0 + WIDTH} {y0}H{turn}C{middle} {y0} {middle} {y1} {x1 - 1} {y1}"
    return _line(path, number)


def _across(y0: int, y1: int, far: int, number: int) -> str:
    """An arrow from chapter to chapter, left of the bands; the farther the wider."""
    out = BAND - 16 - 16 * far
    return _line(f"M{BAND} {y0}C{out} {y0} {out} {y1} {BAND - 1} {y1}", number)


def _line(path: str, number: int) -> str:
    color = COLORS[number % len(COLORS)]
    return (
        f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.4" '
        f'marker-end="url(#m{number})"/>'
    )
