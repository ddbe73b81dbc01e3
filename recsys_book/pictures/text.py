"""Texts of a picture: how wide they are, and formulas as outlines."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextPath

FAMILY = "DejaVu Sans"
"""The font that comes with Matplotlib, so that a picture is the same on every machine."""
SIZE, SMALL = 12, 11
"""Pixels: the fonts of boxes, and of all else; no text of a picture is smaller."""
LINE = 15
"""Pixels from one line of a box to the next."""

_MOVE, _LINE, _QUADRATIC, _CUBIC, _CLOSE = 1, 2, 3, 4, 79


class Outline(NamedTuple):
    """A formula as filled outlines.

    Args:
        commands: ``(letter, numbers)`` of an SVG path, from the formula's left end and base line;
            y grows downwards.
        width, top, bottom: extent in pixels, ``top`` upwards and ``bottom`` downwards of the base
            line.
    """

    commands: tuple[tuple[str, tuple[float, ...]], ...]
    width: float
    top: float
    bottom: float


def height_of(lines: Sequence[str]) -> float:
    """The height of a box with these lines, in pixels."""
    return 13 + LINE * len(lines)


def is_formula(text: str) -> bool:
    """Whether a line of a label holds a formula between dollar signs."""
    return text.count("$") >= 2


def pieces(text: str) -> list[tuple[str, bool]]:
    """A line cut into plain pieces and formulas.

    Args:
        text: one line.

    Returns:
        Pairs of a piece, formulas with their dollar signs, and whether it is a formula.

    Example:
        >>> pieces("candidate $v$")
        [('candidate ', False), ('$v$', True)]
    """
    if not is_formula(text):
        return [(text, False)] if text else []
    cut = text.split("$")
    found = [
        (f"${piece}$" if place % 2 else piece, bool(place % 2)) for place, piece in enumerate(cut)
    ]
    return [(piece, formula) for piece, formula in found if piece]


@functools.cache
def width_of(text: str, size: float, is_bold: bool = False) -> float:
    """The width of a line.

    Args:
        text: one line, plain or with formulas between dollar signs.
        size: of the font, in pixels.
        is_bold: whether the line is bold.

    Returns:
        Pixels.

    Example:
        >>> width_of("DIN", 12) < width_of("DIEN", 12) < width_of("DIEN", 12, True)
        True
    """
    if is_formula(text):
        parts = pieces(text)
        return round(
            sum(outline(p, size).width if formula else width_of(p, size) for p, formula in parts), 2
        )
    return round(sum(_advance(letter, is_bold) for letter in text) * size, 2)


@functools.cache
def _advance(letter, is_bold):
    """How far a letter moves the pen, as a share of the font's size, without any hinting."""
    weight = "bold" if is_bold else "normal"
    font = get_font(findfont(FontProperties(family=FAMILY, weight=weight)))
    font.set_size(100, 72)
    return font.load_char(ord(letter)).linearHoriAdvance / 65536 / 100


@functools.cache
def outline(text: str, size: float) -> Outline:
    """A formula, set by Matplotlib's own TeX.

    Args:
        text: with its dollar signs.
        size: of the font, in pixels.

    Returns:
        Its ``Outline``.
    """
    prop = FontProperties(family=FAMILY, math_fontfamily="dejavusans")
    path = TextPath((0, 0), text, size=size, prop=prop, usetex=False)
    commands, letters = [], {_MOVE: "M", _LINE: "L", _QUADRATIC: "Q", _CUBIC: "C", _CLOSE: "Z"}
    for points, code in path.iter_segments(curves=True, simplify=False):
        numbers = [] if code == _CLOSE else [float(number) for number in points]
        signed = (-n if place % 2 else n for place, n in enumerate(numbers))
        commands.append((letters[int(code)], tuple(round(n, 1) + 0.0 for n in signed)))
    xs, ys = path.vertices[:, 0], path.vertices[:, 1]
    return Outline(
        tuple(commands),
        round(float(xs.max()) + 1, 2),
        round(float(ys.max()), 2),
        round(float(-ys.min()), 2),
    )
