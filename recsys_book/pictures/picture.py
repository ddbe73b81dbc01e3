"""A picture of lines, areas and texts that is shown as SVG and, from the same numbers, as PNG.

Notebook viewers differ in what they take: JupyterLab draws an SVG only where it trusts the
notebook, and some draw none. So one output holds both, and its plain text is the description.
"""

import base64
import functools
from typing import Any

from recsys_book.pictures.parts import Shape, Text


class Picture:
    """A picture by ``diagram`` or ``sketch``; a notebook shows it.

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
        data = {
            "image/svg+xml": self.svg,
            "image/png": base64.b64encode(self.png).decode("ascii"),
            "text/plain": self.alternative,
        }
        of_png = {"width": width, "height": height, "alt": self.alternative}
        return data, {"image/png": of_png, "image/svg+xml": {"alt": self.alternative}}
