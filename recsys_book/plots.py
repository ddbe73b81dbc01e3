"""Figures of the lessons: one palette that the colour-blind can read, one look, labelled axes.

Every function returns a Matplotlib ``Figure`` with a title and axis labels, and shows nothing: a
lesson's cell shows it once by ending in the call (or by ``display(figure)``). A colour never
stands alone: each series also has its own marker or line style. Nothing here changes Matplotlib's
settings until `use_style` is called.

Palette: Okabe and Ito, "Color Universal Design" (2008).
"""

import numpy as np

from recsys_lib.training import metrics

PALETTE = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "bluish_green": "#009E73",
    "reddish_purple": "#CC79A7",
    "orange": "#E69F00",
    "sky_blue": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
}
"""Okabe and Ito's eight colours by name, in the order in which series use them."""

SERIES_COLORS = tuple(PALETTE[name] for name in PALETTE if name not in ("yellow", "black"))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINE_STYLES = ("-", "--", "-.", ":")
COLOR_MAP = "cividis"

_STYLE = {
    "figure.dpi": 100,
    "figure.figsize": (7.0, 3.6),
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "image.cmap": COLOR_MAP,
}


def use_style():
    """Set the book's look for all figures of this kernel, and how a notebook shows them."""
    import matplotlib.pyplot as plt
    from cycler import cycler

    from recsys_book.plotting.figures import show_with_descriptions

    show_with_descriptions()
    plt.rcParams.update(_STYLE)
    plt.rcParams["axes.prop_cycle"] = cycler(
        color=SERIES_COLORS, marker=MARKERS[: len(SERIES_COLORS)]
    )


def series_style(position):
    """The colour, marker and line style of a series.

    Args:
        position: of the series in its figure, from 0.

    Returns:
        Dict of keywords for ``Axes.plot``.
    """
    return {
        "color": SERIES_COLORS[position % len(SERIES_COLORS)],
        "marker": MARKERS[position % len(MARKERS)],
        "linestyle": LINE_STYLES[position % len(LINE_STYLES)],
    }


def heat_map(
    matrix,
    rows,
    columns,
    title,
    label,
    *,
    row_label="",
    column_label="",
    digits=2,
    limits=(None, None),
    figsize=None,
):
    """Draw a matrix as colours with its numbers written into the cells.

    Args:
        matrix: ``(len(rows), len(columns))`` numbers; NaN cells stay empty.
        rows, columns: names.
        title: the figure's title.
        label: what the numbers are, with unit; stands beside the colour bar.
        row_label, column_label: axis labels.
        digits: decimals written into each cell; None writes none.
        limits: the numbers at the ends of the colour bar; by default the smallest and largest.
        figsize: size in inches.

    Returns:
        The ``Figure``, drawn.

    Raises:
        ValueError: the matrix and the names do not fit.
    """
    matrix = np.asarray(matrix, float)
    rows, columns = list(rows), list(columns)
    if matrix.shape != (len(rows), len(columns)):
        raise ValueError(
            f"matrix: expected shape {(len(rows), len(columns))} as the names, got {matrix.shape}"
        )
    size = figsize or (2.5 + 0.75 * len(columns), 1.6 + 0.45 * len(rows))
    figure = _new_figure(size)
    axes = figure.subplots()
    image = axes.imshow(matrix, cmap=COLOR_MAP, aspect="auto", vmin=limits[0], vmax=limits[1])
    axes.set_xticks(range(len(columns)), columns, rotation=30 if len(columns) > 4 else 0)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(title=title, xlabel=column_label, ylabel=row_label)
    axes.grid(visible=False)
    if digits is not None:
        for (row, column), value in np.ndenumerate(matrix):
            if np.isfinite(value):
                dark = image.norm(value) < 0.5
                axes.text(
                    column,
                    row,
                    f"{value:.{digits}f}",
                    ha="center",
                    va="center",
                    color="white" if dark else "black",
                )
    figure.colorbar(image, ax=axes, label=label)
    return figure


def reliability(label, probabilities, title="Reliability", *, num_bins=10, figsize=None):
    """Draw the mean label against the mean prediction, in bins of equal numbers of rows.

    Args:
        label: ``(N,)`` of 0 and 1.
        probabilities: dict of name to ``(N,)`` in [0, 1].
        title: the figure's title.
        num_bins: as in ``metrics.calibration_bins``.
        figsize: size in inches.

    Returns:
        The ``Figure``, drawn.

    Raises:
        ValueError: no series.
    """
    if not probabilities:
        raise ValueError("probabilities: expected at least one series, got none")
    figure = _new_figure(figsize or (5.2, 4.4))
    axes = figure.subplots()
    largest = 0.0
    for position, (name, probability) in enumerate(probabilities.items()):
        bins = metrics.calibration_bins(label, probability, num_bins)
        axes.plot(bins.mean_probability, bins.mean_label, label=str(name), **series_style(position))
        largest = max(largest, bins.mean_probability.max(), bins.mean_label.max())
    axes.plot([0, largest], [0, largest], color="0.35", linewidth=1, label="calibrated", marker="")
    axes.set(
        title=title,
        xlabel="mean predicted probability in the bin",
        ylabel="share of positives in the bin",
    )
    axes.legend()
    return figure


def curves(series, title, x_label, y_label, *, references=None, x_log=False, figsize=None):
    """Draw lines with bands.

    Args:
        series: dict of name to ``(x, y)`` or ``(x, y, spread)``; the band reaches from
            ``y - spread`` to ``y + spread``, a number or an array for each point.
        title: the figure's title.
        x_label, y_label: axis labels, with units.
        references: dict of name to a value, drawn as horizontal lines.
        x_log: whether the x axis is logarithmic.
        figsize: size in inches.

    Returns:
        The ``Figure``, drawn.

    Raises:
        ValueError: no series, or a series whose parts differ in shape.
    """
    if not series:
        raise ValueError("series: expected at least one, got none")
    figure = _new_figure(figsize or _STYLE["figure.figsize"])
    axes = figure.subplots()
    for position, (name, parts) in enumerate(series.items()):
        if len(parts) not in (2, 3):
            raise ValueError(
                f"series {name!r}: expected (x, y) or (x, y, spread), got {len(parts)} parts"
            )
        x, y = (np.asarray(part, float) for part in parts[:2])
        if x.shape != y.shape or x.ndim != 1:
            raise ValueError(
                f"series {name!r}: expected x and y of one shape (N,), got {x.shape} and {y.shape}"
            )
        style = series_style(position)
        axes.plot(x, y, label=str(name), **style)
        if len(parts) == 3:
            spread = np.broadcast_to(np.asarray(parts[2], float), y.shape)
            axes.fill_between(x, y - spread, y + spread, color=style["color"], alpha=0.2, lw=0)
    for line, (name, value) in enumerate((references or {}).items()):
        style = LINE_STYLES[1 + line % (len(LINE_STYLES) - 1)]
        axes.axhline(value, color="0.35", linestyle=style, label=str(name))
    axes.set(title=title, xlabel=x_label, ylabel=y_label)
    if x_log:
        axes.set_xscale("log")
    axes.legend()
    return figure


def _new_figure(size):
    import matplotlib.pyplot as plt

    # Made by pyplot, so that a notebook learns to show figures; closed at once, or it would show
    # this one a second time at the end of the cell. A closed figure can be drawn on and saved.
    figure = plt.figure(figsize=size, layout="constrained")
    plt.close(figure)
    return figure
