"""The kinds of parts in a picture of a model, and their looks, in colour and in grey.

A kind is told by three signs at once: its colour, the form of its corners and its border. So a
picture that is printed in grey, or seen by a colour-blind reader, says the same.
"""

from typing import NamedTuple


class Look(NamedTuple):
    """How the boxes of a kind are drawn.

    Args:
        title: what the legend calls the kind.
        fill, border: hexadecimal colours.
        corners: ``"square"``, ``"round"``, ``"cut"`` or ``"pill"``.
        width: of the border, in pixels.
        dash: lengths of strokes and gaps, or nothing for an unbroken border.
        cells: whether cells of a vector are drawn at the left edge.
    """

    title: str
    fill: str
    border: str
    corners: str
    width: float = 1.2
    dash: tuple[float, ...] = ()
    cells: bool = False


LOOKS = {
    "input": Look("input", "#FFFFFF", "#555555", "square", dash=(4, 2)),
    "embedding": Look("embedding", "#D3E5F6", "#1F5F99", "square", cells=True),
    "interaction": Look("interaction", "#FCE3B4", "#8A5A00", "cut"),
    "network": Look("network", "#CBE8D8", "#0B6B4B", "round", width=2.2),
    "gate": Look("gate, attention", "#F2D0E1", "#8C2F63", "pill", dash=(5, 2)),
    "output": Look("output", "#3A3A3A", "#111111", "pill"),
    "loss": Look("loss, in training", "#EEEEEE", "#333333", "cut", dash=(2, 2)),
}
"""Look of each kind, in the order of the legend."""

TEXT = "#1A1A1A"
TEXT_ON = {"output": "#FFFFFF"}
"""Colour of a label where it is not ``TEXT``."""
