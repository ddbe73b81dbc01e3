"""A method of a lesson has one look in all figures of the lesson."""

import matplotlib.pyplot as plt
import numpy as np

from bookmaker.lessons.lessons import read_text
from recsys_book import plots, runs
from recsys_book.base.paths import CHAPTERS

BALANCING = CHAPTERS / "05_multi_task" / "05_loss_balancing.md"


def look(line):
    return line.get_color(), line.get_marker()


def test_methods_of_loss_balancing_look_alike_in_both_figures():
    names = {"np": np, "plt": plt, "plots": plots, "runs": runs}
    names["UNITS"] = {"ten times smaller": 0.1, "as before": 1.0, "ten times larger": 10.0}
    sources = [cell.source for cell in read_text(BALANCING).cells if cell.cell_type == "code"]
    for part in ("def walk(unit)", "METHODS = (", "def turned(unit)", "table = runs("):
        exec(next(source for source in sources if part in source), names)
    first, _ = names["turned"](1.0)
    right = first.axes[1]
    of_first = dict(
        zip(
            [label.get_text() for label in right.get_yticklabels()],
            [look(line) for line in right.lines if line.get_marker() != "None"],
            strict=True,
        )
    )
    averages = [line for line in names["figure"].axes[0].lines if line.get_markersize() > 10]
    of_second = {line.get_label(): look(line) for line in averages}
    plt.close("all")
    assert len(of_first) == 4 and len(set(of_second.values())) == len(of_second) == 5
    assert of_first.items() <= of_second.items()
