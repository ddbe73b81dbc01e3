"""The figure of recorded evidence: means with their intervals, in the styles of the arms."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Further arms of one model have its colour, and differ in other ways.
_AGAIN = (("D", ":"), ("v", (0, (5, 1, 1, 1))), ("P", (0, (1, 3))), ("X", (0, (7, 3))))
_OTHERS, _OTHER_MARKERS = "#555555", ("x", "+", "*", "1")
_FEW_POINTS = 8


def drawn(
    rows: Sequence[Mapping[str, Any]],
    record: Mapping[str, Any],
    name: str,
    axis: str,
    title: str,
) -> "Figure":
    """A record's means with their intervals.

    Args:
        rows: of the record's summary, in the order of the models.
        record: its manifest, for the sweep and the styles.
        name: of the measure to draw.
        axis: label of its axis.
        title: the finding, or the question.

    Returns:
        One line for each model, or a curve along the sweep. On real data a single model has no
        interval: users are drawn to compare two models, as the table says.
    """
    from matplotlib.figure import Figure

    sweep = record["declaration"]["sweep"]
    models = list(dict.fromkeys(row["model"] for row in rows))
    height = 3.6 if sweep is not None else 0.9 + 0.32 * len(models)
    figure = Figure(figsize=(7.0, height), dpi=100, layout="constrained")
    axes = figure.subplots()
    of_arms = looks(models, record["arms"])
    for place, model in enumerate(models):
        own = [row for row in rows if row["model"] == model and name in row]
        means = [row[name][0] for row in own]
        lows = [row[name][0] - row[name][1] if len(row[name]) > 1 else 0 for row in own]
        highs = [row[name][2] - row[name][0] if len(row[name]) > 1 else 0 for row in own]
        look = of_arms[place]
        if sweep is not None:
            points = [float(row["point"]) for row in own]
            axes.errorbar(points, means, [lows, highs], label=model, capsize=2, **look)
        else:
            at = len(models) - 1 - place
            axes.errorbar(means, [at] * len(own), xerr=[lows, highs], capsize=2, **look)
    if sweep is not None:
        axes.set(xlabel=sweep["knob"].replace("_", " "), ylabel=axis)
        if len(points := sorted({float(row["point"]) for row in rows})) <= _FEW_POINTS:
            axes.set_xticks(points, [f"{point:g}" for point in points])
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    else:
        axes.set_yticks(range(len(models))[::-1], models)
        has_interval = any(len(row[name]) > 1 for row in rows if name in row)
        spread = "average and 95 % interval" if has_interval else "average of the runs"
        axes.set_xlabel(f"{axis}, {spread}")
    axes.set_title(title, wrap=True)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def looks(names: Sequence[str], arms: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How arms are drawn beside each other: in the colours that their models have in the book.

    What is no model of the book has none of their colours, unless nothing in the figure is one.

    Args:
        names: of the arms, in the order of the figure.
        arms: what the record says of each.

    Returns:
        Colour, marker and line style of each, as matplotlib takes them.
    """
    from recsys_book.plots import series_style

    styles = [arms.get(name, {}).get("style") for name in names]
    found: list[dict[str, Any]] = []
    again = 0
    for place, style in enumerate(styles):
        if style is None and not any(styles):
            found.append(series_style(place))
        elif style is None:
            marker = _OTHER_MARKERS[place % len(_OTHER_MARKERS)]
            found.append({"color": _OTHERS, "marker": marker})
        elif style in styles[:place]:
            marker, dash = _AGAIN[again % len(_AGAIN)]
            again += 1
            look = {"color": style[0], "marker": marker, "linestyle": dash}
            found.append(look | {"markerfacecolor": "white"})
        else:
            color, marker, dash = style
            # JSON has lists where matplotlib wants tuples.
            line = (dash[0], tuple(dash[1])) if isinstance(dash, list) else dash
            found.append({"color": color, "marker": marker, "linestyle": line})
    return found
