"""A ``Picture`` as SVG, written by hand."""

import hashlib
from xml.sax.saxutils import escape

from recsys_book.pictures.parts import Shape, Text
from recsys_book.pictures.text import FAMILY


def as_svg(
    title: str, description: str, size: tuple[int, int], parts: tuple[Shape | Text, ...]
) -> str:
    """The picture as an SVG element that needs no other file.

    Args:
        title, description, size, parts: of a ``Picture``.

    Returns:
        Text; the same for the same picture.
    """
    width, height = size
    # Several pictures may stand on one page, and a page's ids are unique.
    mark = hashlib.sha256(f"{title}{description}{parts}".encode()).hexdigest()[:8]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" style="max-width:100%;height:auto" '
        f'aria-labelledby="title-{mark} description-{mark}" '
        f'font-family="{FAMILY}, Verdana, sans-serif">',
        f'<title id="title-{mark}">{escape(title)}</title>',
        f'<desc id="description-{mark}">{escape(description)}</desc>',
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="6" fill="#FFFFFF" '
        'stroke="#D0D0D0"/>',
    ]
    for part in parts:
        lines.append(_text(part) if isinstance(part, Text) else _shape(part))
    return "\n".join([*lines, "</svg>"])


def _number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _text(part):
    weight = ' font-weight="bold"' if part.is_bold else ""
    return (
        f'<text x="{_number(part.x)}" y="{_number(part.y)}" font-size="{_number(part.size)}" '
        f'textLength="{_number(part.width)}" lengthAdjust="spacingAndGlyphs" '
        f'fill="{part.color}"{weight}>{escape(part.text)}</text>'
    )


def _shape(part: Shape) -> str:
    path = "".join(
        letter + " ".join(_number(number) for number in numbers)
        for letter, numbers in part.commands
    )
    stroke = ""
    if part.stroke:
        stroke = f' stroke="{part.stroke}" stroke-width="{_number(part.width)}"'
        if part.dash:
            stroke += f' stroke-dasharray="{" ".join(map(_number, part.dash))}"'
    return f'<path d="{path}" fill="{part.fill or "none"}"{stroke}/>'
