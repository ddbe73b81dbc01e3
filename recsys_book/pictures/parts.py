"""The parts of a picture: lines, areas and texts in numbers."""

from typing import NamedTuple

Command = tuple[str, tuple[float, ...]]

WIDEST = 700
"""Pixels: the column of a notebook."""


class Rectangle(NamedTuple):
    """An area of the page, ``left < right`` and ``top < bottom``, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Rectangle", gap: float = 0.0) -> bool:
        """Whether two areas have more than their edges, or less than a gap, between them."""
        return (
            self.left < other.right + gap
            and other.left < self.right + gap
            and self.top < other.bottom + gap
            and other.top < self.bottom + gap
        )


class Shape(NamedTuple):
    """A line or an area.

    Args:
        commands: letters of an SVG path (M, L, Q, C, Z) with absolute numbers.
        fill, stroke: hexadecimal colours, or None.
        width: of the line, in pixels.
        dash: lengths of strokes and gaps.
    """

    commands: tuple[Command, ...]
    fill: str | None = None
    stroke: str | None = None
    width: float = 1.0
    dash: tuple[float, ...] = ()


class Text(NamedTuple):
    """A line of text, without formulas.

    Args:
        text: what it says.
        x, y: left end of its base line.
        size: of the font, in pixels.
        width: in pixels; the SVG fixes it, whatever font the viewer has.
        color: hexadecimal.
        is_bold: whether it is bold.
    """

    text: str
    x: float
    y: float
    size: float
    width: float
    color: str
    is_bold: bool = False
