"""The board as text, Markdown and HTML, with its figures and its provenance."""

import base64
import datetime
import html
import io
import json
import os
import pathlib
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from recsys_lib import zoo
from recsys_lib.data import Dataset
from recsys_pipeline.export.folders import versions
from recsys_pipeline.leaderboard.board import Board, as_lines
from recsys_pipeline.leaderboard.store import checksum
from recsys_pipeline.train.models import FIRST_ORDER, find
from recsys_pipeline.train.recipe_files import RecipeFile
from recsys_pipeline.train.runs import HEADINGS, plain, write

FIGURES = {
    "parameters": "parameters",
    "milliseconds": "milliseconds to score 1,000 rows",
}
"""Costs that the scores are drawn against."""
GAP = 0.04  # between two names in a figure, as a share of its height
PACKAGES = ("tensorflow-cpu", "tensorflow", "keras", "numpy", "pandas", "scipy")
FORMS = {
    **{"auc": "{:.5f}", "gauc": "{:.5f}", "log_loss": "{:.5f}", "published": "{:.5f}"},
    **{"to_published": "{:+.5f}", "parameters": "{:,.0f}", "epochs": "{:.1f}"},
    **{"seconds": "{:.1f}", "milliseconds": "{:.1f}", "runs": "{:.0f}"},
}


def shown(board: Board) -> pd.DataFrame:
    """The final table as texts: a column for whatever the board can say, and no others."""
    summary, found = board.summary, {"model": board.summary["model"]}
    measures = sorted(board.verdicts, key=lambda name: name != board.rank_by)
    for name in (*measures, "log_loss", "published", "to_published", "runs", *list(FORMS)[5:-1]):
        if name not in summary:
            continue
        heading = HEADINGS.get(name, name.replace("_", " "))
        heading = f"published ({board.rule})" if name == "published" else heading
        found[heading] = _texts(FORMS[name], summary, name)
        if f"{name}_sd" in summary:
            found[heading] += _texts(" +- {:.5f}", summary, f"{name}_sd")
        if (best := f"{name}_to_best") in summary:
            names = (best, f"{best}_low", f"{best}_high")
            found[f"{heading} to the best"] = _texts("{:+.5f} [{:+.5f}, {:+.5f}]", summary, *names)
        if name in measures:
            found[f"by {heading}"] = summary[f"verdict_{name}"]
    if summary["remark"].any():
        found["remark"] = summary["remark"]
    return pd.DataFrame(found)


def _texts(form: str, table: pd.DataFrame, *names: str) -> pd.Series:
    """Columns in one form; empty where the first of them is missing."""
    rows = zip(*(table[name] for name in names), strict=True)
    found = ["" if pd.isna(values[0]) else form.format(*values) for values in rows]
    return pd.Series(found, table.index)


def notes(board: Board) -> list[str]:
    """Notes below the table, a sentence each."""
    drawn = f"{board.num_units:,} {board.unit} of the test split are drawn with replacement" + (
        ", each with all rows" if board.unit == "users" else ", since no group is given"
    )
    said = [board.pairs] if board.pairs else []
    said += [
        f"Intervals are at 95 %, those to the best model together: {drawn}; the spread of "
        "initialisations is added where there are several.",
        f"A model is behind if it is more than {board.margin:g} under the best one, level if it is "
        "less, whichever end of the interval counts; else the data cannot tell. Of one run nothing "
        "is said: another initialisation may end elsewhere.",
    ]
    for name, values in board.chosen.items():
        told = ", ".join(f"{option}={value}" for option, value in values.items())
        said.append(f"{name}: chosen on validation rows: {told}.")
    return said + [f"Left out: {name}: {reason}." for name, reason in board.left_out.items()]


def as_text(board: Board) -> str:
    """The final table for a terminal, with its notes."""
    return "\n".join([as_lines(shown(board)), "", *notes(board)])


def as_markdown(board: Board, provenance: Mapping[str, Any], figures: Mapping[str, str]) -> str:
    """The board as a Markdown page; ``figures``: file to alternative text."""
    table = shown(board)
    rows = [table.columns, [":---", *["---:"] * (table.shape[1] - 1)], *table.to_numpy()]
    lines = [f"# {_title(provenance)}", ""]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    lines += ["", *[f"- {note}" for note in notes(board)], ""]
    for file, alternative in figures.items():
        lines += [f"![{alternative}]({file})", ""]
    lines += ["## How it was made", "", "```json", json.dumps(provenance, indent=1), "```", ""]
    return "\n".join(lines)


def as_html(board: Board, provenance: Mapping[str, Any], drawings: Mapping[str, str]) -> str:
    """The board as one HTML page that asks no host; ``drawings``: alternative text to SVG."""
    table = shown(board).set_index("model").rename_axis(index=None, columns="model")
    told = "".join(f"<li>{html.escape(note)}</li>" for note in notes(board))
    drawn = "".join(
        f'<p><img alt="{html.escape(text)}" src="data:image/svg+xml;base64,'
        f'{base64.b64encode(drawing.encode()).decode()}"></p>'
        for text, drawing in drawings.items()
    )
    title = html.escape(_title(provenance))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>\n{table.to_html(border=0)}\n<ul>{told}</ul>\n{drawn}\n"
        f"<h2>How it was made</h2><pre>{html.escape(json.dumps(provenance, indent=1))}</pre>"
        "</body></html>\n"
    )


_STYLE = (
    "body{font-family:sans-serif;margin:2em;max-width:90em}table{border-collapse:collapse}"
    "td,th{padding:.25em .7em;border-bottom:1px solid #ddd;white-space:nowrap;text-align:right}"
    "tbody th{font-weight:normal;text-align:left}pre{background:#f6f6f6;padding:1em;overflow:auto}"
)


def _title(provenance: Mapping[str, Any]) -> str:
    recipe = provenance["recipe"] or {}
    return str(recipe.get("title") or f"Leaderboard on {provenance['data']['name']}")


def front(costs: pd.Series, scores: pd.Series) -> list[Any]:
    """The models that no other one beats at no higher cost, the cheapest first.

    Example:
        >>> front(pd.Series({"a": 1, "b": 2, "c": 3}), pd.Series({"a": 0.7, "b": 0.6, "c": 0.8}))
        ['a', 'c']
    """
    order = pd.DataFrame({"cost": costs, "score": -scores}).sort_values(["cost", "score"])
    best = -order["score"]
    return list(order.index[best > best.cummax().shift(fill_value=float("-inf"))])


def draw(board: Board, cost: str) -> str:
    """The scores against a cost of ``FIGURES``, as SVG; who is on the front is in its title."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    measure = HEADINGS[board.rank_by]
    table = board.summary.set_index("model").sort_values(board.rank_by, ascending=False)
    costs, scores = table[cost].clip(lower=1e-6), table[board.rank_by]
    best = front(costs, scores)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "board"}):
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.subplots()
        axes.plot(costs[best], scores[best], "--", color="#999", zorder=1)
        low, high = table[f"{board.rank_by}_low"], table[f"{board.rank_by}_high"]
        axes.set_ylim(low.min() - 1e-4, high.max() + 1e-4)
        # The names stand on the right, each at its score, and below the one before.
        places = GAP * np.arange(len(table))
        heights = (scores - axes.get_ylim()[0]) / np.ptp(axes.get_ylim())
        heights = np.minimum.accumulate(heights + places) - places
        for name, height in (heights + max(0.0, -heights.min())).items():
            color, marker, _ = style_of(find(board.lines[name]["model"]))
            at = (costs[name], scores[name])
            axes.plot([at[0]] * 2, [low[name], high[name]], color=color)
            axes.plot(*at, marker, color=color)
            line = {"arrowstyle": "-", "color": "#bbb", "lw": 0.5}
            text = axes.annotate(str(name), at, (1.02, height), "data", "axes fraction", line)
            text.set(va="center", fontsize=8, color=color)
        axes.set(xscale="log", xlabel=FIGURES[cost], ylabel=measure)
        axes.set_title(f"No model beats these at no higher cost: {', '.join(best)}", fontsize=9)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Title": f"{measure}, {cost}"})
    return file.getvalue()


def style_of(model: zoo.Model) -> zoo.Style:
    """The model's style in the book's figures; a variant has that of its model."""
    return zoo.style(find("wide_and_deep") if model == FIRST_ORDER else model)


def provenance_of(dataset: Dataset, board: Board, recipe: RecipeFile | None) -> dict[str, Any]:
    """Versions, data, recipe and settings: what someone else needs to make the board again."""
    said = recipe and recipe.model_dump(include={"name", "title", "about", "sha256"})
    return {
        "made": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "versions": versions(PACKAGES),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "data": {
            "name": dataset.name,
            "rows": {name: len(split) for name, split in dataset.splits.items()},
            "columns": len(dataset.feature_columns),
            "tasks": dict(dataset.tasks or {}),
            "sha256": checksum(dataset),
        },
        "recipe": said and {**said, "published": recipe.published.source},  # type: ignore[union-attr]
        "models": plain(board.lines),
        "chosen": dict(board.chosen),
        "left_out": dict(board.left_out),
        "margin": board.margin,
        "group": board.group,
        "drawn": f"{board.num_units} {board.unit}",
    }


def write_report(
    board: Board, provenance: Mapping[str, Any], folder: str | os.PathLike[str]
) -> list[pathlib.Path]:
    """Write table, pages and figures of a board into its folder; returns the files."""
    folder = pathlib.Path(folder)
    drawings = {f"{board.rank_by}_against_{cost}.svg": draw(board, cost) for cost in FIGURES}
    told = [f"{HEADINGS[board.rank_by]} against {what}" for what in FIGURES.values()]
    files = {
        "scores.csv": board.table.to_csv(index=False),
        "board.csv": board.summary.to_csv(index=False),
        "board.md": as_markdown(board, provenance, dict(zip(drawings, told, strict=True))),
        "board.html": as_html(board, provenance, dict(zip(told, drawings.values(), strict=True))),
        "made.json": provenance,
        **drawings,
    }
    for name, content in files.items():
        write(folder / name, content)
    return [folder / name for name in files]
