"""One widget for all lessons: a slider over prepared values, a picture and a sentence.

A figure under the slider is drawn by a plain function of the value, so that a test can call it
without a browser. In a lesson the cell before shows the same figure for one value and stays
readable without a kernel; the widget's own cell is tagged ``nbval-ignore-output``.
"""

import html
import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from recsys_book.plotting.common_axes import Limits

Draw = Callable[[Any], "tuple[Figure, str]"]


class Explorer:
    """The display of `explore`; its parts can be set and read in code.

    Attributes:
        slider: ``ipywidgets.SelectionSlider``; setting ``slider.value`` redraws.
        shown: ``ipywidgets.HTML`` with the sentence and, below it, the picture.
        box: slider and picture in one column; it is displayed.
    """

    def __init__(self, draw, name, values, start=None, label=None, same_axes=True, limits=None):
        import ipywidgets

        from recsys_book.plotting.common_axes import CommonAxes

        values = list(values)
        if len(values) < 2:
            raise ValueError(f"values: expected at least two, got {len(values)}")
        if len({str(value) for value in values}) < len(values):
            raise ValueError(f"values: expected all different, got {values}")
        if start is not None and start not in values:
            raise ValueError(f"start: expected one of {values}, got {start!r}")
        if limits is not None and not same_axes:
            raise ValueError("limits: expected none where the axes are not the same, got some")
        self._draw, self._name, self._label = draw, name, label or name
        self._drawn, self._pictures = {}, {}
        self._axes = CommonAxes(limits or ()) if same_axes else None
        self.slider = ipywidgets.SelectionSlider(
            options=[(str(value), value) for value in values],
            value=values[0] if start is None else start,
            description=self._label,
            continuous_update=False,
            style={"description_width": "initial"},
            layout={"width": "480px"},
        )
        self.shown = ipywidgets.HTML()
        self.box = ipywidgets.VBox([self.slider, self.shown])
        self.slider.observe(lambda change: self.update(change["new"]), names="value")
        if same_axes and limits is None:
            self._draw_all(values)
        self.update(self.slider.value)

    def update(self, value: Any) -> None:
        """Show picture and sentence of a value; drawn once, then remembered.

        Args:
            value: one of the slider's.
        """
        try:
            if value not in self._drawn:
                self._add({value: draw_one(self._draw, value)})
            if value not in self._pictures:
                self._pictures[value] = self._picture(value)
            self.shown.value = self._pictures[value]
        except Exception as error:
            # In a callback an exception would vanish: the reader has to see it. It is not
            # remembered, so that moving the slider back tries again.
            why = f"This picture failed: {type(error).__name__}: {error}"
            self.shown.value = f"<p>{html.escape(why)}</p>"

    def limits(self) -> "list[Limits]":
        """The present limits of the axes, over all values that were drawn so far.

        Returns:
            One for each axes, in the form in which `explore` takes them.

        Raises:
            ValueError: the axes are not the same.
        """
        if self._axes is None:
            raise ValueError("limits: expected an explorer with the same axes, got one without")
        return self._axes.limits()

    def _draw_all(self, values):
        found = {}
        for value in values:
            try:
                found[value] = draw_one(self._draw, value)
            except Exception:
                continue  # `update` draws it again, and shows what is wrong
        if found:
            self._add(found)

    def _add(self, found):
        if self._axes is not None and self._axes.add(*(figure for figure, _ in found.values())):
            self._pictures.clear()
        self._drawn.update(found)

    def _picture(self, value):
        """The sentence and the picture of a value, as HTML."""
        from recsys_book.plotting.figures import image_element, picture

        figure, sentence = self._drawn[value]
        element = image_element(picture(figure, tight=False), sentence)
        # The slider cannot name its handle. The picture next to it does so when it is loaded.
        says = json.dumps([self._label, str(value)])
        script = html.escape(f"({_NAME_HANDLE})(this, {says})")
        image = element.replace(
            "<img ",
            f'<img class="explore-{html.escape(self._name)}" style="{_FITS}" onload="{script}" ',
            1,
        )
        return f"<p>{html.escape(sentence)}</p>{image}"

    def _ipython_display_(self):
        from IPython.display import display

        from recsys_book.plotting import frames

        display(self.box)
        if frames.are_wanted():
            values = [value for _, value in self.slider.options]
            # Each is drawn before the first is shown: the axes may grow with the last one.
            self._add({one: draw_one(self._draw, one) for one in values if one not in self._drawn})
            drawn = [(value, self._drawn[value]) for value in values]
            frames.show_frames(self._label, values.index(self.slider.value), drawn)


# A notebook does this for its figures, and not for what widgets show.
_FITS = "max-width: 100%; height: auto"
_NAME_HANDLE = (
    "(image, [label, value]) => {"
    " const handle = image.closest('.widget-vbox')?.querySelector('[role=slider]');"
    " handle?.setAttribute('aria-label', label);"
    " handle?.setAttribute('aria-valuetext', value); }"
)


def explore(
    draw: Draw,
    name: str,
    values: Iterable[Any],
    start: Any = None,
    label: str | None = None,
    *,
    same_axes: bool = True,
    limits: "Sequence[Limits] | None" = None,
) -> Explorer:
    """A slider over ``values`` above a sentence and a picture.

    Args:
        draw: function of one value that returns ``(figure, sentence)``: a Matplotlib ``Figure``
            and one sentence of plain text that says what it shows.
        name: a word for the quantity; stands before the slider unless ``label`` is given.
        values: the values, at least two, in the slider's order.
        start: the first value shown; default: the first.
        label: the slider's caption, with unit.
        same_axes: whether all pictures have the same axes, so that only what they show moves. All
            values are drawn for that before the first is shown.
        limits: for a ``draw`` that takes long: left, right, bottom and top of what each axes of a
            figure shows in any case; an empty list where the first figure shows enough. A value is
            then drawn when it is chosen, and the axes grow if it does not fit. `Explorer.limits`
            gives them once all values were chosen.

    Returns:
        An `Explorer`, to be the last expression of its cell.

    Raises:
        ValueError: fewer than two values, equal ones, a start that is not among them, or limits
            without the same axes.
    """
    return Explorer(draw, name, values, start, label, same_axes, limits)


def draw_one(draw: Draw, value: Any) -> "tuple[Figure, str]":
    """Call ``draw`` and close what it opened.

    Args:
        draw: as `explore` takes it.
        value: what to draw.

    Returns:
        The figure and the sentence.

    Raises:
        TypeError: ``draw`` did not return a figure and a string.
    """
    import matplotlib.pyplot as plt
    from matplotlib.figure import Figure

    before = set(plt.get_fignums())
    try:
        result = draw(value)
        if not (
            isinstance(result, tuple)
            and len(result) == 2
            and isinstance(result[0], Figure)
            and isinstance(result[1], str)
        ):
            raise TypeError(f"draw({value!r}): expected (Figure, str), got {_kinds(result)}")
        return result
    finally:
        # All opened figures are closed, or the inline backend would show them below the cell too.
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def _kinds(result):
    if isinstance(result, tuple):
        return f"({', '.join(type(part).__name__ for part in result)})"
    return type(result).__name__
