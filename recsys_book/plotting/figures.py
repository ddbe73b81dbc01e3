"""Figures as pictures in a notebook: crisp, small, of a fixed size, with a description.

JupyterLab shows a PNG without a description, whatever its metadata say. So each figure is shown as
an ``img`` element with an alternative text, and also as a plain PNG for viewers that do not show
HTML. The element's picture has two pixels for each pixel of the page; a palette keeps it small.
"""

import base64
import html
import io

from matplotlib.figure import Figure

from recsys_book.base.shell import running_shell
from recsys_lib import zoo
from recsys_lib.zoo import Style

DENSITY = 2
"""Pixels of a picture for each pixel on the page, in both directions."""
COLORS = 256
COLORS_OF_PLAIN = 64
"""The same for viewers that do not show HTML."""
NO_TITLE = "A figure without a title"


def picture(
    figure: Figure, *, density: float = DENSITY, tight: bool = True, colors: int = COLORS
) -> bytes:
    """The figure as PNG, with a palette.

    Args:
        figure: to draw.
        density: pixels for each pixel of the page, which has ``figure.dpi`` pixels in an inch.
        tight: whether to cut off the margins, as notebooks do, and keep artists outside of the
            figure; otherwise the picture has the figure's size.
        colors: of the palette.

    Returns:
        The file's content; the same for the same figure.

    Example:
        >>> png = picture(Figure(figsize=(2, 1), dpi=100), tight=False)
        >>> width_of(png)
        400
    """
    return _as_png(_drawn(figure, density, tight), colors)


def width_of(png: bytes) -> int:
    """The width of a picture.

    Args:
        png: the file's content.

    Returns:
        The width in pixels of the file.
    """
    from PIL import Image

    return Image.open(io.BytesIO(png)).width


def style(key: str) -> Style:
    """The colour, marker and dash of a model of the book, the same in all lessons.

    Args:
        key: of a row of the zoo.

    Returns:
        As ``recsys_lib.zoo.style``.

    Raises:
        ValueError: no row has this key or name.

    Example:
        >>> style("fm").marker
        's'
    """
    return zoo.style(zoo.find(key))


def title_of(figure: Figure) -> str:
    """A description of a figure from its titles and axis labels.

    Args:
        figure: a figure.

    Returns:
        One line of plain text.

    Example:
        >>> figure = Figure()
        >>> _ = figure.subplots().set(title="Loss", xlabel="epoch", ylabel="nats")
        >>> title_of(figure)
        'Loss. Axes: epoch; nats.'
    """
    titles = [figure.get_suptitle(), *(axes.get_title() for axes in figure.axes)]
    labels = [
        label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel()) if label
    ]
    said = "; ".join(dict.fromkeys(title for title in titles if title)) or NO_TITLE
    axes = f" Axes: {'; '.join(dict.fromkeys(labels))}." if labels else ""
    return " ".join(f"{said}.{axes}".split())


def image_element(png: bytes, alternative: str, *, density: float = DENSITY) -> str:
    """A picture as HTML.

    Args:
        png: the file's content.
        alternative: alternative text, plain.
        density: the picture's pixels for each pixel on the page.

    Returns:
        An ``img`` element that needs no other file.

    Example:
        >>> png = picture(Figure(figsize=(2, 1), dpi=100), tight=False)
        >>> image_element(png, "Nothing.")[:36]
        '<img alt="Nothing." width="200" src='
    """
    width = round(width_of(png) / density)
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return f'<img alt="{html.escape(alternative)}" width="{width}" src="{source}">'


def show_with_descriptions() -> None:
    """Let the running notebook show its figures as this module describes; elsewhere do nothing."""
    shell = running_shell()
    if shell is None:
        return
    from matplotlib_inline.config import InlineBackend

    # Formats that are chosen by name go before a bundle, and are chosen with the first figure.
    InlineBackend.instance(parent=shell).figure_formats = set()
    shell.display_formatter.mimebundle_formatter.for_type(Figure, _bundle)


def _bundle(figure, include=None, exclude=None):
    """The forms of a figure in a notebook, and their metadata; none for an empty one."""
    if not figure.axes and not figure.lines:
        return {}, {}
    from PIL import Image

    drawn = _drawn(figure, DENSITY, tight=True)
    size = [max(1, round(length / DENSITY)) for length in drawn.size]
    plain = _as_png(drawn.resize(size, Image.Resampling.BOX), COLORS_OF_PLAIN)
    title = title_of(figure)
    forms = {
        "text/html": image_element(_as_png(drawn, COLORS), title),
        "image/png": base64.b64encode(plain).decode("ascii"),
    }
    return forms, {"image/png": {"alt": title}}


def _drawn(figure, density, tight):
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(
        buffer,
        format="png",
        dpi=density * figure.dpi,
        bbox_inches="tight" if tight else None,
        facecolor=figure.get_facecolor(),
        edgecolor=figure.get_edgecolor(),
    )
    return Image.open(buffer).convert("RGB")


def _as_png(image, colors):
    from PIL import Image

    # An octree keeps colours of few pixels, thin lines, which the usual median cut blends away.
    reduced = image.quantize(colors, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # It stores white as 254.
    palette = reduced.getpalette()
    reduced.putpalette([255 if value >= 254 else value for value in palette])
    buffer = io.BytesIO()
    reduced.save(buffer, format="png", optimize=True)
    return buffer.getvalue()
