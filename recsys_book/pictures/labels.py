"""Positions for the labels of arrows, and the faults of a drawing."""

import itertools

from recsys_book.pictures.kinds import LOOKS
from recsys_book.pictures.parts import WIDEST, Rectangle
from recsys_book.pictures.text import SIZE, height_of, width_of

_ALONG = (0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78, 0.15, 0.85)
_HEIGHT = 14


def placed(arrows, lines, taken, page, size):
    """A place for the label of each arrow that has one.

    The places along the arrow are tried from its middle outwards, on it and beside it; the one
    that hides the fewest other arrows is taken, among those that touch nothing.

    Args:
        arrows: with labels or without.
        lines: their points.
        taken: areas that no label may touch.
        page: its width and height.
        size: of the font.

    Returns:
        List of ``(Rectangle, text)``. A label that finds no place stands in the arrow's middle,
        and ``problems`` names it.
    """
    found = []
    segments = [_segments(line) for line in lines]
    # Arrows with little room choose first.
    order = sorted(range(len(arrows)), key=lambda place: (_length(lines[place]), place))
    areas = {}
    for place in order:
        text = arrows[place].label
        if not text:
            continue
        width = width_of(text, size) + 4
        others = [s for number, group in enumerate(segments) if number != place for s in group]
        best, fewest = None, None
        for x, y, is_beside in _candidates(lines[place], width):
            area = Rectangle(x - width / 2, y - _HEIGHT / 2, x + width / 2, y + _HEIGHT / 2)
            if area.left < 2 or area.right > page[0] - 2 or area.top < 0 or area.bottom > page[1]:
                continue
            if any(area.overlaps(other, 1) for other in [*taken, *areas.values()]):
                continue
            hidden = sum(crosses(segment, area) for segment in others) + 0.1 * is_beside
            if fewest is None or hidden < fewest:
                best, fewest = area, hidden
        if best is None:
            x, y = _point(lines[place], 0.5)
            best = Rectangle(x - width / 2, y - _HEIGHT / 2, x + width / 2, y + _HEIGHT / 2)
        areas[place] = best
    for place in sorted(areas):
        found.append((areas[place], arrows[place].label))
    return found


def _candidates(line, width):
    for share in _ALONG:
        x, y = _point(line, share)
        yield x, y, False
    for share in _ALONG:
        x, y = _point(line, share)
        for side in (1, -1):
            yield x + side * (width / 2 + 4), y, True


def _segments(line):
    return list(itertools.pairwise(line))


def _length(line):
    return sum(((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2) ** 0.5 for a, b in _segments(line))


def _point(line, share):
    """The point at this share of a line's length."""
    left = share * _length(line)
    for a, b in _segments(line):
        length = _length([a, b])
        if left <= length:
            part = left / length if length else 0
            return a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])
        left -= length
    return line[-1]


def crosses(segment, area) -> bool:
    """Whether a straight line enters an area."""
    (x0, y0), (x1, y1) = segment
    low, high = 0.0, 1.0
    for start, step, least, most in (
        (x0, x1 - x0, area.left, area.right),
        (y0, y1 - y0, area.top, area.bottom),
    ):
        if abs(step) < 1e-9:
            if not least < start < most:
                return False
            continue
        near, far = sorted(((least - start) / step, (most - start) / step))
        low, high = max(low, near), min(high, far)
    return low < high - 1e-9


def problems(drawing):
    """The faults of a drawing, a line each.

    Args:
        drawing: ``Drawing``.

    Returns:
        List of texts.
    """
    found = []
    width, height = drawing.size
    if width > WIDEST:
        found.append(f"page: expected at most {WIDEST} pixels, got {width:.0f}")
    page = Rectangle(0, 0, width, height)
    named = [(f"box {box.key!r}", box.area) for box in drawing.boxes]
    named += [(f"label {text!r}", area) for area, text in drawing.labels]
    named += [
        (f"title {frame.title!r}", area)
        for frame, area in zip(drawing.frames, drawing.frame_titles, strict=True)
    ]
    for place, (name, area) in enumerate(named):
        if area.left < page.left or area.right > page.right or area.top < page.top:
            found.append(f"{name}: expected inside the page")
        if area.bottom > page.bottom:
            found.append(f"{name}: expected inside the page")
        for other, second in named[place + 1 :]:
            if area.overlaps(second):
                found.append(f"{name}: expected free, overlaps {other}")
    for box in drawing.boxes:
        found += _too_wide(box)
    for arrow, line in zip(drawing.arrows, drawing.lines, strict=True):
        for name, area in named:
            if name in (f"box {arrow.source!r}", f"box {arrow.target!r}"):
                inner = Rectangle(area.left + 1, area.top + 1, area.right - 1, area.bottom - 1)
            elif name.startswith("label"):
                continue
            else:
                inner = area
            if any(crosses(segment, inner) for segment in _segments(line)):
                found.append(f"arrow {arrow.source} -> {arrow.target}: runs through {name}")
    for frame in drawing.frames:
        for name, area in named:
            is_inside = (
                frame.area.left <= area.left
                and area.right <= frame.area.right
                and frame.area.top <= area.top
                and area.bottom <= frame.area.bottom
            )
            if name.startswith("box") and not is_inside and frame.area.overlaps(area):
                found.append(f"{name}: expected inside or outside of frame {frame.title!r}")
    return found + _hidden_arrows(drawing)


def _too_wide(box):
    inner = box.area.right - box.area.left - (10 if LOOKS[box.kind].cells else 4)
    found = [
        f"box {box.key!r}: expected at most {inner:.0f} pixels, {line!r} has {needed:.0f}"
        for line in box.lines
        if (needed := width_of(line, SIZE)) > inner
    ]
    if height_of(box.lines) > box.area.bottom - box.area.top + 0.5:
        found.append(f"box {box.key!r}: expected room for {len(box.lines)} lines")
    return found


def _hidden_arrows(drawing):
    """Arrows that lie on each other for more than a few pixels, so that one looks like the other.

    Arrows that leave the same box may run together.
    """
    found = []
    lines = list(zip(drawing.arrows, drawing.lines, strict=True))
    for place, (first, one) in enumerate(lines):
        for second, two in lines[place + 1 :]:
            if first.source == second.source:
                continue
            shared = sum(_shared_length(a, b) for a in _segments(one) for b in _segments(two))
            if shared > 12:
                names = (f"{arrow.source} -> {arrow.target}" for arrow in (first, second))
                found.append("arrows {} and {}: lie on each other".format(*names))
    return found


def _shared_length(one, two):
    (ax, ay), (bx, by) = one
    length = _length([(ax, ay), (bx, by)])
    if length < 1e-6:
        return 0.0
    right, down = (bx - ax) / length, (by - ay) / length
    along = []
    for x, y in two:
        across = abs((x - ax) * down - (y - ay) * right)
        if across > 2:
            return 0.0
        along.append((x - ax) * right + (y - ay) * down)
    return max(0.0, min(length, max(along)) - max(0.0, min(along)))
