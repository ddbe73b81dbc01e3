"""One widget for all lessons: a slider over prepared values, a picture and a sentence.

A figure under the slider is drawn by a plain function of the value, so that a test can call it
without a browser. In a lesson the cell before shows the same figure for one value and stays
readable without a kernel; the widget's own cell is tagged ``nbval-ignore-output``.
"""

import html
import io

PLACEHOLDER_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000b494441"
    "54789c6360000200000500017a5eab3f0000000049454e44ae426082"
)
"""One transparent pixel, shown where a picture could not be drawn."""


class Explorer:
    """What `explore` displays; its parts can be set and read in code.

    Attributes:
        slider: ``ipywidgets.SelectionSlider``; setting ``slider.value`` redraws.
        image: ``ipywidgets.Image`` with the picture as PNG.
        sentence: ``ipywidgets.HTML`` with the sentence.
        box: the three above each other; this is displayed.
    """

    def __init__(self, draw, name, values, start=None, label=None):
        import ipywidgets

        values = list(values)
        if len(values) < 2:
            raise ValueError(f"values: expected at least two, got {len(values)}")
        if len({str(value) for value in values}) < len(values):
            raise ValueError(f"values: expected all different, got {values}")
        if start is not None and start not in values:
            raise ValueError(f"start: expected one of {values}, got {start!r}")
        self._draw = draw
        self._rendered = {}
        self.slider = ipywidgets.SelectionSlider(
            options=[(str(value), value) for value in values],
            value=values[0] if start is None else start,
            description=label or name,
            continuous_update=False,
            style={"description_width": "initial"},
            layout={"width": "480px"},
        )
        self.image = ipywidgets.Image(format="png", value=PLACEHOLDER_PNG)
        self.image.add_class(f"explore-{name}")
        self.sentence = ipywidgets.HTML()
        self.box = ipywidgets.VBox([self.slider, self.sentence, self.image])
        self.slider.observe(lambda change: self.update(change["new"]), names="value")
        self.update(self.slider.value)

    def update(self, value):
        """Show picture and sentence of ``value``; drawn once, then remembered."""
        if value not in self._rendered:
            try:
                self._rendered[value] = render(self._draw, value)
            except Exception as error:
                # In a callback an exception would vanish: the reader has to see it. It is not
                # remembered, so that moving the slider back tries again.
                self._show(PLACEHOLDER_PNG, f"This picture failed: {type(error).__name__}: {error}")
                return
        self._show(*self._rendered[value])

    def _show(self, picture, text):

        # One message to the browser instead of two, so that picture and sentence always agree.
        with self.sentence.hold_sync(), self.image.hold_sync():
            self.sentence.value = f"<p>{html.escape(text)}</p>"
            self.image.value = picture

    def _ipython_display_(self):
        from IPython.display import display

        display(self.box)


def explore(draw, name, values, start=None, label=None):
    """A slider over ``values`` above a sentence and a picture.

    Args:
        draw: function of one value that returns ``(figure, sentence)``: a Matplotlib ``Figure``
            and one sentence of plain text that says what it shows.
        name: a word for the quantity; stands before the slider unless ``label`` is given.
        values: the values, at least two, in the slider's order.
        start: the first value shown; default: the first.
        label: the slider's caption, with unit.

    Returns:
        An `Explorer`, to be the last expression of its cell.

    Raises:
        ValueError: fewer than two values, equal ones, or a start that is not among them.
    """
    return Explorer(draw, name, values, start, label)


def render(draw, value):
    """Return ``(png, sentence)`` of ``draw(value)``, with the figure closed.

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
        figure, sentence = result
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
        return buffer.getvalue(), sentence
    finally:
        # Whatever was opened is closed, or the inline backend would show it below the cell too.
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def _kinds(result):
    if isinstance(result, tuple):
        return f"({', '.join(type(part).__name__ for part in result)})"
    return type(result).__name__
