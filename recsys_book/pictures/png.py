"""A ``Picture`` as PNG, drawn by Matplotlib from the same numbers as the SVG."""

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from recsys_book.pictures.parts import Shape, Text
from recsys_book.pictures.text import FAMILY
from recsys_book.plotting import figures

_DPI = 100
_CODES = {
    "M": (Path.MOVETO,),
    "L": (Path.LINETO,),
    "Q": (Path.CURVE3,) * 2,
    "C": (Path.CURVE4,) * 3,
    "Z": (Path.CLOSEPOLY,),
}


def as_png(size: tuple[int, int], parts: tuple[Shape | Text, ...]) -> bytes:
    """The picture as PNG, two pixels for each one on the page.

    Args:
        size, parts: of a ``Picture``.

    Returns:
        The file's content; the same for the same picture.
    """
    width, height = size
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
    # The book's look lays figures out; a picture is laid out already, and Matplotlib would warn.
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    points = 72 / _DPI  # in a pixel: Matplotlib measures fonts and lines in points
    edges = (0.5, 0.5), (width - 0.5, 0.5), (width - 0.5, height - 0.5), (0.5, height - 0.5)
    frame = Path([*edges, edges[0]], [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY])
    axes.add_patch(PathPatch(frame, facecolor="none", edgecolor="#D0D0D0", linewidth=points))
    for order, part in enumerate(parts):
        if isinstance(part, Text):
            weight = "bold" if part.is_bold else "normal"
            font = FontProperties(family=FAMILY, weight=weight, size=part.size * points)
            line = axes.text(part.x, part.y, part.text, fontproperties=font, va="baseline")
            line.set(color=part.color, parse_math=False, zorder=order + 1)
            continue
        dash = tuple(length / part.width for length in part.dash)
        axes.add_patch(
            PathPatch(
                _path(part.commands),
                facecolor=part.fill or "none",
                edgecolor=part.stroke or "none",
                zorder=order + 1,
                capstyle="butt",
                linewidth=part.width * points if part.stroke else 0,
                linestyle=(0, dash) if dash else "-",
            )
        )
    return figures.picture(figure, tight=False)


def _path(commands):
    vertices, codes, start = [], [], (0.0, 0.0)
    for letter, numbers in commands:
        points = list(zip(numbers[::2], numbers[1::2], strict=True)) or [start]
        if letter == "M":
            start = points[0]
        vertices += points
        codes += _CODES[letter]
    return Path(vertices, codes)
