"""Quality against cost, drawn as an SVG without a drawing library."""

import dataclasses
import html
import itertools
import math
from collections.abc import Callable, Sequence

from recsys_lib import zoo

WIDTH, HEIGHT = 760, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 150, 50, 60
_LINE_HEIGHT = 13


@dataclasses.dataclass(frozen=True)
class Point:
    """One model.

    Args:
        name: printed name.
        cost: above 0.
        score: position on the vertical axis.
        low, high: ends of the score's interval.
        color: hexadecimal.
    """

    name: str
    cost: float
    score: float
    low: float
    high: float
    color: str = "#0072B2"


def color_of(model: zoo.Model) -> str:
    """The model's colour in the book's figures; a variant has the colour of its model."""
    family = model
    if model not in zoo.MODELS:
        family = next(row for row in zoo.MODELS if row.builder == model.builder)
    return zoo.style(family).color


def front(points: Sequence[Point]) -> list[Point]:
    """The models that no other one beats in score at no higher cost, the cheapest first.

    Example:
        >>> costs = {"a": (1.0, 0.7), "b": (2.0, 0.6), "c": (3.0, 0.8)}
        >>> [one.name for one in front([Point(n, c, s, s, s) for n, (c, s) in costs.items()])]
        ['a', 'c']
    """
    found: list[Point] = []
    for point in sorted(points, key=lambda one: (one.cost, -one.score)):
        if not found or point.score > found[-1].score:
            found.append(point)
    return found


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from ``low`` to ``high``, ``most`` of them at most.

    Example:
        >>> [round(tick, 3) for tick in ticks(0.702, 0.741)]
        [0.71, 0.72, 0.73, 0.74]
    """
    span = max(high - low, 1e-9)
    step = 10 ** math.floor(math.log10(span / most))
    step *= next(times for times in (1, 2, 5, 10) if span / (step * times) <= most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [place * step for place in range(first, last + 1)]


def draw(points: Sequence[Point], cost: str, score: str = "AUC") -> str:
    """The figure.

    Args:
        points: one for each model.
        cost: name of the horizontal axis, which is logarithmic.
        score: name of the vertical axis.

    Returns:
        SVG text with a title and a description for readers who do not see it.

    Raises:
        ValueError: no point, or a cost that is not above 0.
    """
    if not points or any(not point.cost > 0 for point in points):
        raise ValueError(f"points: expected costs above 0, got {[p.cost for p in points]}")
    costs = [math.log10(point.cost) for point in points]
    left, right = min(costs) - 0.1, max(costs) + 0.1
    low, high = min(p.low for p in points), max(p.high for p in points)
    pad = max((high - low) * 0.06, 1e-4)
    low, high = low - pad, high + pad

    def x(value: float) -> float:
        share = (math.log10(value) - left) / (right - left)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - (value - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)

    parts = [_axes(x, y, (left, right), (low, high), cost, score)]
    best = front(points)
    path = " ".join(f"{x(point.cost):.1f},{y(point.score):.1f}" for point in best)
    parts.append(f'<polyline points="{path}" fill="none" stroke="#999" stroke-dasharray="4 3"/>')
    for point in points:
        at = x(point.cost)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{y(point.low):.1f}" y2="{y(point.high):.1f}" '
            f'stroke="{point.color}" stroke-width="1.5"/>'
            f'<circle cx="{at:.1f}" cy="{y(point.score):.1f}" r="4.5" fill="{point.color}"/>'
        )
    for point, height in zip(points, _apart([y(point.score) for point in points]), strict=True):
        at, own = x(point.cost) + 8, y(point.score)
        if abs(height - own) > _LINE_HEIGHT / 2:
            parts.append(
                f'<path d="M{at - 4:.1f},{own:.1f} L{at - 1:.1f},{height:.1f}" stroke="#999"/>'
            )
        parts.append(f'<text x="{at:.1f}" y="{height + 4:.1f}">{html.escape(point.name)}</text>')
    title = f"{score} against {cost}"
    names = ", ".join(point.name for point in best)
    told = f"{len(points)} models. No model beats these at no higher cost: {names}."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'role="img" font-family="sans-serif" font-size="11"><title>{html.escape(title)}</title>'
        f"<desc>{html.escape(told)}</desc>"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
        f'<text x="{_LEFT}" y="24" font-size="14" font-weight="bold">{html.escape(title)}</text>'
        f'<text x="{_LEFT}" y="40" fill="#555">whiskers: 95 % intervals; dashes: no model beats '
        f"these at no higher cost</text>{''.join(parts)}</svg>\n"
    )


def _axes(
    x: Callable[[float], float],
    y: Callable[[float], float],
    ends: tuple[float, float],
    heights: tuple[float, float],
    cost: str,
    score: str,
) -> str:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = [
        f'<path d="M{_LEFT},{_TOP} V{bottom} H{right}" fill="none" stroke="#333"/>',
        f'<text x="{(_LEFT + right) / 2:.0f}" y="{HEIGHT - 16}" text-anchor="middle">'
        f"{html.escape(cost)}</text>",
        f'<text x="16" y="{(_TOP + bottom) / 2:.0f}" text-anchor="middle" '
        f'transform="rotate(-90 16 {(_TOP + bottom) / 2:.0f})">{html.escape(score)}</text>',
    ]
    marks = ticks(*heights)
    digits = max(0, -math.floor(math.log10(marks[1] - marks[0]) + 1e-9)) if len(marks) > 1 else 4
    for mark in marks:
        at = y(mark)
        parts.append(
            f'<path d="M{_LEFT},{at:.1f} H{right}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{mark:.{digits}f}</text>'
        )
    for mark in _powers(*ends):
        at = x(mark)
        parts.append(
            f'<path d="M{at:.1f},{bottom} v5" stroke="#333"/>'
            f'<text x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{mark:,.6g}</text>'
        )
    return "".join(parts)


def _powers(left: float, right: float) -> list[float]:
    """Powers of ten between two logarithms; if there are few, also 2 and 5 times these."""
    factors = (1, 2, 5) if right - left < 2.5 else (1,)
    return [
        factor * 10.0**power
        for power in range(math.floor(left), math.ceil(right) + 1)
        for factor in factors
        if left <= math.log10(factor) + power <= right
    ]


def _apart(heights: list[float]) -> list[float]:
    """Heights of labels, moved up or down until no two overlap."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    placed = list(heights)
    for before, place in itertools.pairwise(order):
        placed[place] = max(placed[place], placed[before] + _LINE_HEIGHT)
    lowest = float(HEIGHT - _BOTTOM)
    for place in reversed(order):
        placed[place] = min(placed[place], lowest)
        lowest = placed[place] - _LINE_HEIGHT
    return placed
