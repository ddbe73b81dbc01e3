"""Give several figures of one kind the same axes, so that only the data move.

Two things move axes: limits that follow the data, and a layout that makes room for longer numbers.
Both are computed from all figures together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure

Limits = tuple[float, float, float, float]
"""Left, right, bottom and top of an axes, as ``Axes.axis()`` gives them."""

SMALLEST_SHARE = 0.6
"""Least share of an axes' width and height; below it, figures keep their own positions."""


@dataclass
class _Drawn:
    """A figure as its author drew it."""

    figure: Figure
    engine: Any
    limits: list[dict[str, tuple[float, float]]]
    follows: list[dict[str, bool]]
    laid_out: dict[str, Any] = field(default_factory=dict)


class CommonAxes:
    """The axes that figures share; they only grow when a figure is added.

    Limits that the author sets in every figure are kept, and so are the numbers beside a colour
    bar. A figure whose number of axes differs from the first one's keeps its own axes, and so does
    an axes whose scale is logarithmic in some figures only.

    Args:
        at_least: least limits, one for each of a figure's axes.
    """

    def __init__(self, at_least: Sequence[Limits] = ()):
        self._at_least = [tuple(float(end) for end in limits) for limits in at_least]
        self._drawn: list[_Drawn] = []
        self._now: list[tuple[float, ...]] = []

    def add(self, *figures: Figure) -> bool:
        """Give new figures and all earlier ones the same axes.

        Args:
            *figures: at least one figure, drawn and not shown yet.

        Returns:
            Whether the axes of earlier figures have changed, so that these have to be shown again.

        Raises:
            ValueError: least limits are not given for each of a figure's axes.
        """
        for figure in figures:
            if self._at_least and len(self._at_least) != len(figure.axes):
                raise ValueError(
                    f"limits: expected {len(figure.axes)}, one for each axes of the figure, "
                    f"got {len(self._at_least)}"
                )
        self._drawn += [_as_drawn(figure) for figure in figures]
        first = self._drawn[0].figure
        alike = [one for one in self._drawn if len(one.figure.axes) == len(first.axes)]
        for number in range(len(first.axes)):
            self._share_limits(alike, number, "x")
            self._share_limits(alike, number, "y")
        _share_places(alike)
        before, self._now = (
            self._now,
            [(*axes.axis(), *axes.get_position(original=True).bounds) for axes in first.axes],
        )
        return bool(before) and before != self._now

    def limits(self) -> list[Limits]:
        """The present limits of the axes, in the form of ``at_least``.

        Returns:
            One for each axes of the first figure.
        """
        axes = self._drawn[0].figure.axes
        return [tuple(float(end) for end in one.axis()) for one in axes]  # type: ignore[misc]

    def _share_limits(self, alike, number, direction):
        together = [one.figure.axes[number] for one in alike]
        scales = {getattr(axes, f"get_{direction}scale")() for axes in together}
        fixed = not any(one.follows[number][direction] for one in alike)
        if fixed or len(scales) > 1 or together[0].get_label() == "<colorbar>":
            return
        ends = [one.limits[number][direction] for one in alike]
        if self._at_least:
            ends.append(
                self._at_least[number][:2] if direction == "x" else self._at_least[number][2:]
            )
        low, high = min(min(pair) for pair in ends), max(max(pair) for pair in ends)
        inverted = ends[0][0] > ends[0][1]
        for axes in together:
            getattr(axes, f"set_{direction}lim")(*((high, low) if inverted else (low, high)))


def _as_drawn(figure):
    return _Drawn(
        figure=figure,
        engine=figure.get_layout_engine(),
        # Reading the limits makes an axes follow its data; so the switches are read after it.
        limits=[{"x": axes.get_xlim(), "y": axes.get_ylim()} for axes in figure.axes],
        follows=[
            {"x": axes.get_autoscalex_on(), "y": axes.get_autoscaley_on()} for axes in figure.axes
        ],
    )


def _share_places(alike):
    """Position each axes where all figures have room for it, and switch further layout off."""
    places = [_own_places(one) for one in alike]
    common = []
    for own in zip(*places, strict=True):
        left, bottom = max(box.x0 for box in own), max(box.y0 for box in own)
        right, top = min(box.x1 for box in own), min(box.y1 for box in own)
        if any(
            right - left < SMALLEST_SHARE * box.width or top - bottom < SMALLEST_SHARE * box.height
            for box in own
        ):
            return
        common.append((left, bottom, right - left, top - bottom))
    for one in alike:
        one.figure.set_layout_engine("none")
        for axes, place in zip(one.figure.axes, common, strict=True):
            axes.set_position(place)


def _own_places(one):
    """The positions of a figure's axes if it were alone, with their present limits."""
    limits = [axes.axis() for axes in one.figure.axes]
    if one.laid_out.get("limits") != limits:
        if one.engine is not None:
            one.figure.set_layout_engine(one.engine)
            for axes in one.figure.axes:
                axes.set_in_layout(True)
            one.engine.execute(one.figure)
        boxes = [axes.get_position(original=True).frozen() for axes in one.figure.axes]
        one.laid_out = {"limits": limits, "boxes": boxes}
    return one.laid_out["boxes"]
