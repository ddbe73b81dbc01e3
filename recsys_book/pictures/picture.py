"""A picture of lines, areas and texts that is shown as SVG and, from the same numbers, as PNG.

JupyterLab shows an SVG without a description, and only where it trusts the notebook; some viewers
draw none. So the SVG is in an ``img`` element with an alternative text, a PNG beside it, and the
plain text is the description.
"""

import base64
import functools
import html
from typing import Any

from recsys_book.pictures.parts import Shape, Text


class Picture:
    """A picture by ``sketch`` or ``family``; a notebook shows it.

    Args:
        title: one line.
        description: what stands for the picture where it cannot be seen; plain text.
        size: width and height in pixels.
        parts: ``Shape`` and ``Text`` objects, drawn in this order on a white card.

    Attributes:
        svg, png: the picture as text and as a file's content; the same for the same picture.
        alternative: title and description, which also is what ``print`` shows.
    """

    def __init__(
        self,
        title: str,
        description: str,
        size: tuple[float, float],
        parts: tuple[Shape | Text, ...],
    ) -> None:
        self.title, self.description = title, description
        self.size = round(size[0]), round(size[1])
        self.parts = parts

    @property
    def alternative(self) -> str:
        return " ".join(f"{self.title}. {self.description}".split())

    @functools.cached_property
    def svg(self) -> str:
        from recsys_book.pictures.svg import as_svg

        return as_svg(self.title, self.description, self.size, self.parts)

    @functools.cached_property
    def png(self) -> bytes:
        from recsys_book.pictures.png import as_png

        return as_png(self.size, self.parts)

    def __repr__(self) -> str:
        return self.alternative

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
        width, height = self.size
        element = f'<img alt="{html.escape(self.alternative)}" width="{width}"'
        svg = base64.b64encode(self.svg.encode()).decode("ascii")
        data = {
            "text/html": f'{element} src="data:image/svg+xml;base64,{svg}">',
            "image/png": base64.b64encode(self.png).decode("ascii"),
            "text/plain": self.alternative,
        }
        return data, {"image/png": {"width": width, "height": height, "alt": self.alternative}}
