"""The board as text, Markdown and HTML, with its figures and its provenance."""

import html
import json
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from recsys_pipeline.leaderboard.board import Board
from recsys_pipeline.leaderboard.entries import every_model
from recsys_pipeline.leaderboard.figure import Point, color_of, draw
from recsys_pipeline.leaderboard.planning import Plan
from recsys_pipeline.leaderboard.store import write

FIGURES = {
    "parameters": "parameters",
    "milliseconds": "milliseconds to score 1,000 rows",
}
"""Costs that the scores are drawn against."""

Column = tuple[str, str, Callable[[Mapping[str, Any]], str]]


def columns_of(board: Board) -> list[Column]:
    """The columns of the final table: heading, alignment, and the text of a row.

    There is a spread if there are several initialisations, GAUC if a group is given, and the
    published score if a recipe states it.
    """
    summary = board.summary

    def number(name: str, form: str) -> Callable[[Mapping[str, Any]], str]:
        return lambda row: "" if pd.isna(row.get(name)) else format(row[name], form)

    columns: list[Column] = [
        ("model", "left", lambda row: str(row["model"])),
        ("AUC", "right", number("auc", ".5f")),
    ]
    if board.seeds > 1:
        columns.append(("+-", "right", number("auc_sd", ".5f")))
    if "to_best" in summary:
        columns.append(("to the best", "right", _to_best))
    columns.append(("verdict", "left", lambda row: str(row["verdict"])))
    if "published" in summary:
        columns.append(("published", "right", number("published", ".5f")))
        columns.append(("to published", "right", number("to_published", "+.5f")))
    if "gauc" in summary:
        columns.append(("GAUC", "right", number("gauc", ".5f")))
        if "verdict_gauc" in summary:
            columns.append(("by GAUC", "left", lambda row: str(row["verdict_gauc"])))
    columns.append(("log loss", "right", number("log_loss", ".5f")))
    if board.seeds > 1:
        columns.append(("+- ", "right", number("log_loss_sd", ".5f")))
    columns += [
        ("parameters", "right", number("parameters", ",.0f")),
        ("epochs", "right", number("epochs", ".1f")),
        ("seconds", "right", number("seconds", ".1f")),
        ("ms/1,000", "right", number("milliseconds", ".1f")),
    ]
    if summary["remark"].any():
        columns.append(("remark", "left", lambda row: str(row["remark"])))
    return columns


def _to_best(row: Mapping[str, Any]) -> str:
    if pd.isna(row["to_best"]):
        return ""
    ends = f"{row['to_best_low']:+.5f}, {row['to_best_high']:+.5f}"
    return f"{row['to_best']:+.5f} [{ends}]"


def _cells(board: Board) -> tuple[list[Column], list[list[str]]]:
    columns = columns_of(board)
    rows = board.summary.to_dict("records")
    return columns, [[text(row) for _, _, text in columns] for row in rows]


def notes(board: Board) -> list[str]:
    """Notes below the table, a sentence each."""
    drawn = f"{board.num_units:,} {board.unit} of the test split are drawn with replacement" + (
        ", each with all rows" if board.unit == "users" else ", since no group is given"
    )
    over = (
        f"the spread of {board.seeds} initialisations is added"
        if board.seeds > 1
        else "there is one initialisation, and the spread of initialisations is not in them"
    )
    said = [
        f"Intervals are at 95 %, those to the best model together: {drawn}; {over}.",
        f"A model is behind if it is more than {board.margin:g} AUC under the best one, level if "
        "it is less, whichever end of the interval counts; else the data cannot tell.",
    ]
    for name, values in board.chosen.items():
        told = ", ".join(f"{option}={value}" for option, value in values.items())
        said.append(f"{name}: chosen on validation rows: {told}.")
    said += [f"Left out: {name}: {reason}." for name, reason in board.left_out.items()]
    return said


def as_text(board: Board) -> str:
    """The final table for a terminal, with its notes.

    Args:
        board: of ``run``.

    Returns:
        Lines.
    """
    columns, rows = _cells(board)
    table = [[heading for heading, _, _ in columns], *rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(columns))]
    lines = []
    for row in table:
        parts = [
            cell.ljust(width) if side == "left" else cell.rjust(width)
            for cell, width, (_, side, _) in zip(row, widths, columns, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join([*lines, "", *notes(board)])


def as_markdown(board: Board, provenance: Mapping[str, Any], figures: Mapping[str, str]) -> str:
    """The board as a Markdown page.

    Args:
        board: of ``run``.
        provenance: of ``provenance_of``.
        figures: file to alternative text.

    Returns:
        Its text.
    """
    columns, rows = _cells(board)
    heads = [heading for heading, _, _ in columns]
    sides = [":---" if side == "left" else "---:" for _, side, _ in columns]
    lines = [f"# {_title(provenance)}", "", f"| {' | '.join(heads)} |", f"|{'|'.join(sides)}|"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    lines += ["", *[f"- {note}" for note in notes(board)], ""]
    for file, alternative in figures.items():
        lines += [f"![{alternative}]({file})", ""]
    lines += ["## How it was made", "", "```json", json.dumps(provenance, indent=1), "```", ""]
    return "\n".join(lines)


def as_html(board: Board, provenance: Mapping[str, Any], drawings: Mapping[str, str]) -> str:
    """The board as one self-contained HTML page.

    Args:
        board: of ``run``.
        provenance: of ``provenance_of``.
        drawings: name to SVG text.

    Returns:
        Its text.
    """
    columns, rows = _cells(board)
    cells = "".join(f'<th scope="col">{html.escape(heading)}</th>' for heading, _, _ in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f'<{tag}{scope} class="{side}">{html.escape(cell)}</{tag}>'
            for place, (cell, (_, side, _)) in enumerate(zip(row, columns, strict=True))
            for tag, scope in ([("th", ' scope="row"')] if place == 0 else [("td", "")])
        )
        + "</tr>\n"
        for row in rows
    )
    told = "".join(f"<li>{html.escape(note)}</li>" for note in notes(board))
    drawn = "".join(f"<figure>{drawing}</figure>" for drawing in drawings.values())
    title = html.escape(_title(provenance))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>\n"
        f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>\n"
        f"<ul>{told}</ul>\n{drawn}\n<h2>How it was made</h2>"
        f"<pre>{html.escape(json.dumps(provenance, indent=1))}</pre></body></html>\n"
    )


_STYLE = (
    "body{font-family:sans-serif;margin:2em;max-width:80em}table{border-collapse:collapse}"
    "td,th{padding:.25em .7em;border-bottom:1px solid #ddd;font-weight:normal;white-space:nowrap}"
    "thead th{font-weight:bold;text-align:left}.left{text-align:left}"
    ".right{text-align:right;font-variant-numeric:tabular-nums}"
    "pre{background:#f6f6f6;padding:1em;overflow:auto}"
)


def _title(provenance: Mapping[str, Any]) -> str:
    recipe = provenance["recipe"]
    return (recipe or {}).get("title") or f"Leaderboard on {provenance['data']['name']}"


def drawings_of(board: Board, plan: Plan) -> dict[str, str]:
    """The figures of a board, name to SVG text."""
    rows = every_model() | {name: entry.model for name, entry in plan.known.items()}
    found = {}
    for cost, told in FIGURES.items():
        points = [
            Point(
                row["model"],
                max(float(row[cost]), 1e-6),
                row["auc"],
                row["auc_low"],
                row["auc_high"],
                color_of(rows[row["model"]]),
            )
            for row in board.summary.to_dict("records")
        ]
        found[f"auc_against_{cost}"] = draw(points, told)
    return found


def write_report(
    board: Board, plan: Plan, provenance: Mapping[str, Any], folder: str | os.PathLike[str]
) -> list[pathlib.Path]:
    """Write table, pages and figures of a board into its folder.

    Args:
        board: of ``run``.
        plan: that was run.
        provenance: of ``provenance_of``.
        folder: of the board.

    Returns:
        The files.
    """
    folder = pathlib.Path(folder)
    drawings = drawings_of(board, plan)
    figures = {
        f"{name}.svg": f"AUC against {told}, a point and a whisker for each model"
        for name, told in zip(drawings, FIGURES.values(), strict=True)
    }
    files = {
        "scores.csv": board.table.to_csv(index=False),
        "board.csv": board.summary.to_csv(index=False),
        "board.md": as_markdown(board, provenance, figures),
        "board.html": as_html(board, provenance, drawings),
        "made.json": json.dumps(provenance, indent=1) + "\n",
        **{f"{name}.svg": drawing for name, drawing in drawings.items()},
    }
    for name, content in files.items():
        write(folder / name, content)
    return [folder / name for name in files]
