"""A colour, a marker and a dash for each model, distinct within a chapter and readable in grey."""

from typing import NamedTuple

from recsys_lib.zoo.models import of_chapter
from recsys_lib.zoo.row import Model


class Style(NamedTuple):
    """``color``: hexadecimal; ``marker`` and ``dash``: as matplotlib takes them."""

    color: str
    marker: str
    dash: str | tuple[int, tuple[int, ...]]


# Eight colours that people with any common colour blindness can tell apart (Okabe and Ito, 2008,
# yellow darkened for a white page), in an order in which neighbours differ in lightness.
_COLORS = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00"),
    *("#56B4E9", "#CC79A7", "#000000", "#B8A800"),
)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))


def style(model: Model) -> Style:
    """The style of a model: by its place among the rows of its chapter.

    Args:
        model: a row of the zoo.

    Returns:
        Colour, marker and dash.
    """
    place = of_chapter(model.chapter).index(model)
    # Lengths without a common divisor: the combination comes back after 8 * 11 * 7 rows only.
    color, marker = _COLORS[place % len(_COLORS)], _MARKERS[place % len(_MARKERS)]
    return Style(color, marker, _DASHES[place % len(_DASHES)])
