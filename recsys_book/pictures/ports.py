"""Ports: the points where arrows leave and reach their boxes."""

from collections import defaultdict

INSET = 10
"""Pixels between a port and the corner of its box."""
APART = 11
"""Pixels between two ports at one edge."""


def lines_of(boxes, arrows):
    """The points of each arrow, from the edge of its source to the edge of its target.

    Args:
        boxes: placed boxes.
        arrows: between them.

    Returns:
        List of lists of ``(x, y)``, in the order of the arrows.
    """
    areas = {box.key: box.area for box in boxes}
    ends = defaultdict(list)  # (box, edge) -> (wanted place on the edge, towards, arrow, which end)
    for number, arrow in enumerate(arrows):
        source, target = areas[arrow.source], areas[arrow.target]
        first, last = _edges(source, target, arrow.via)
        if arrow.via:
            wanted = [_clamped(source, first, arrow.via[0]), _clamped(target, last, arrow.via[-1])]
            towards = [arrow.via[0], arrow.via[-1]]
        else:
            wanted = _facing(source, target, first)
            towards = [_center(target), _center(source)]
        for which, (key, edge) in enumerate([(arrow.source, first), (arrow.target, last)]):
            axis = 0 if edge in ("top", "bottom") else 1
            ends[key, edge].append((wanted[which], towards[which][axis], number, which))
    found = {}
    for (key, edge), members in ends.items():
        for (_, _, number, which), place in zip(
            sorted(members), _spread(areas[key], edge, sorted(members)), strict=True
        ):
            found[number, which] = _point(areas[key], edge, place)
    return [[found[number, 0], *arrow.via, found[number, 1]] for number, arrow in enumerate(arrows)]


def _center(area):
    return (area.left + area.right) / 2, (area.top + area.bottom) / 2


def _edges(source, target, via):
    """At which edge an arrow leaves, and at which it arrives."""
    first = _edge_towards(source, via[0] if via else None, target)
    last = _edge_towards(target, via[-1] if via else None, source)
    return first, last


def _edge_towards(area, point, other):
    _, top, right, bottom = area
    if point is not None:
        x, y = point
        if top <= y <= bottom:
            return "right" if x > right else "left"
        return "top" if y < top else "bottom"
    if other.bottom <= top:
        return "top"
    if other.top >= bottom:
        return "bottom"
    return "right" if other.left >= right else "left"


def _span(area, edge):
    if edge in ("top", "bottom"):
        low, high = area.left, area.right
    else:
        low, high = area.top, area.bottom
    inset = min(INSET, (high - low) / 4)
    return low + inset, high - inset


def _clamped(area, edge, point):
    low, high = _span(area, edge)
    low, high = low - INSET + 4, high + INSET - 4  # a bend may stand near the corner
    return min(max(point[0] if edge in ("top", "bottom") else point[1], low), high)


def _facing(source, target, edge):
    """Two places, the same where the boxes face each other, so that the arrow is straight."""
    (a, b), (c, d) = _span(source, edge), _span(target, edge)
    low, high = max(a, c), min(b, d)
    if low <= high:
        for middle in ((a + b) / 2, (c + d) / 2):
            if low <= middle <= high:
                return middle, middle
        return (low + high) / 2, (low + high) / 2
    first, second = (a + b) / 2, (c + d) / 2
    # An arrow that comes from the side ends near that side, beside those that come straight.
    leaves = first + 0.5 * (min(max(second, a), b) - first)
    arrives = second + 0.9 * (min(max(first, c), d) - second)
    return leaves, arrives


def _spread(area, edge, members):
    """The ports' places, in order, at least ``APART`` from each other where there is room."""
    low, high = _span(area, edge)
    places = [member[0] for member in members]
    # Arrows that leave one box may begin in one point; those that arrive may not.
    if all(which == 0 for *_, which in members):
        return places
    apart = min(APART, (high - low) / max(len(places) - 1, 1))
    for _ in range(60):
        for left in range(len(places) - 1):
            missing = apart - (places[left + 1] - places[left])
            if missing > 0.01:
                places[left] -= missing / 2
                places[left + 1] += missing / 2
        places = [min(max(place, low), high) for place in places]
    return places


def _point(area, edge, place):
    return {
        "top": (place, area.top),
        "bottom": (place, area.bottom),
        "left": (area.left, place),
        "right": (area.right, place),
    }[edge]
