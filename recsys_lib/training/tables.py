"""Summaries of a table of runs: seeds side by side, means with intervals, ties."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from recsys_lib.checks import check_choice
from recsys_lib.training.intervals import LEVEL

SCORES = ("auc", "gauc", "log_loss", "calibration_error", "mean_squared_error")
"""The measures that ``summarize`` shows, where a table has them; regression has only the last."""


def by_seed(
    table: pd.DataFrame,
    metric: str = "auc",
    rows: str | Sequence[str] = "seed",
    columns: str | Sequence[str] = "model",
    *,
    part: str | None = None,
    task: str | None = None,
) -> pd.DataFrame:
    """One number of every trained run as a frame; baselines, which have no seed, are left out.

    Args:
        table: what ``compare`` returned.
        metric: column of the table to show.
        rows, columns: columns of the table (``"model"``, ``"seed"``, ``"slice"``, ``"task"``, or
            one that was added) that become the frame's rows and columns, in the order of first
            appearance.
        part: the slice; default: all that the table has.
        task: the task; default: all that the table has.

    Returns:
        ``DataFrame``.

    Raises:
        ValueError: no such metric, slice or task, no trained run, or two values for one entry.

    Example:
        >>> table = pd.DataFrame(
        ...     {"model": ["FM", "FM"], "seed": [0, 1], "slice": "all", "auc": [0.7, 0.8]}
        ... )
        >>> by_seed(table)["FM"].tolist()
        [0.7, 0.8]
    """
    rows, columns = ([name] if isinstance(name, str) else list(name) for name in (rows, columns))
    _require_columns(table, "rows and columns", [*rows, *columns])
    trained = _trained(table, metric, part, task)
    keys = [*rows, *columns]
    if trained.duplicated(keys).any():
        left = [
            name
            for name in ("task", "slice")
            if name in trained and name not in keys and trained[name].nunique() > 1
        ]
        raise ValueError(
            f"table: expected one value of {metric!r} for each of {keys}, got several; "
            f"it also differs in {left or 'other columns'}"
        )
    frame = trained.pivot_table(metric, rows, columns, sort=False, aggfunc="first", dropna=False)
    # The pivot adds every combination of rows; only runs that were made are rows of the frame.
    frame = frame.reindex(index=_in_order(trained, rows), columns=_in_order(trained, columns))
    return frame.astype(float)


def gap_shares(
    table: pd.DataFrame,
    metric: str = "auc",
    rows: str | Sequence[str] = "seed",
    columns: str | Sequence[str] = "model",
    *,
    part: str | None = None,
    task: str | None = None,
) -> pd.DataFrame:
    """Percent of the way from the base rate's score to the oracle's that each run has gone.

    Args:
        metric: ``"auc"``, ``"log_loss"`` or ``"mean_squared_error"``.
        table, rows, columns, part, task: as for ``by_seed``.

    Returns:
        ``DataFrame`` of percent.

    Raises:
        ValueError: as ``by_seed``.
    """
    shares = by_seed(table, f"{metric}_gap_closed", rows, columns, part=part, task=task)
    return 100 * shares


def summarize(
    table: pd.DataFrame,
    scores: Sequence[str] | None = None,
    by: Sequence[str] | None = None,
    *,
    interval: bool = False,
) -> pd.DataFrame:
    """Mean and spread over seeds.

    Args:
        table: what ``compare`` returned.
        scores: columns to summarise; default: those of ``SCORES`` that the table has.
        by: columns that make up a row of the summary; default: model and slice, and between the
            two the task where there are several.
        interval: show the ends of the mean's 95 % interval too. It speaks of the seeds, that is of
            initial weights and the order of rows, and not of other users or another world.

    Returns:
        ``DataFrame`` indexed by ``by`` in the order of first appearance, with the columns
        ``<score>`` (mean) and ``<score>_sd`` (sample standard deviation over seeds; missing for
        one seed), and ``<score>_low`` and ``<score>_high`` where the interval is asked for.

    Raises:
        ValueError: a column that the table does not have.
    """
    if scores is None:
        scores = [name for name in SCORES if name in table.columns]
    if by is None:
        by = ("model", "task", "slice") if table["task"].nunique() > 1 else ("model", "slice")
    _require_columns(table, "scores and by", [*scores, *by])
    grouped = table.groupby(list(by), sort=False)[list(scores)]
    means, spreads, counts = grouped.mean(), grouped.std(ddof=1), grouped.count()
    columns = {}
    for name in scores:
        columns[name], columns[f"{name}_sd"] = means[name], spreads[name]
        if interval:
            freedom = (counts[name] - 1).where(counts[name] > 1)
            half = stats.t.ppf((1 + LEVEL) / 2, freedom) * spreads[name] / counts[name] ** 0.5
            columns[f"{name}_low"], columns[f"{name}_high"] = means[name] - half, means[name] + half
    return pd.DataFrame(columns)


def _require_columns(table, what, names):
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise ValueError(f"{what}: expected columns of {sorted(table.columns)}, got {missing}")


def _trained(table, metric, part, task=None):
    """The runs that have the metric, of one slice and task where these are named."""
    _require_columns(table, "metric", [metric])
    for name, column, value in (("part", "slice", part), ("task", "task", task)):
        if value is not None:
            check_choice(name, value, sorted(set(table[column])))
            table = table[table[column] == value]
    table = table[table["seed"].notna()]
    if table.empty:
        raise ValueError("table: expected at least one row with a seed, got none")
    return table


def _in_order(table, columns):
    """The combinations of some columns in the order of first appearance, as an index."""
    found = table[columns].drop_duplicates()
    if len(columns) == 1:
        return pd.Index(found[columns[0]], name=columns[0])
    return pd.MultiIndex.from_frame(found)


def ties(table, metric="auc", part="all", higher_is_better=True):
    """Who is best, who ties with the best, and who is behind.

    Two models tie unless every seed of the better one beats every seed of the other: a difference
    that the choice of seed can turn round is none.

    Args:
        table: what ``compare`` returned, for one task.
        metric: column to compare.
        part: the slice.
        higher_is_better: whether larger values of the metric are better.

    Returns:
        ``DataFrame`` indexed by model, best mean first: ``mean``, ``lowest`` and ``highest`` over
        seeds, ``verdict``: ``"best"``, ``"tie"`` (with the best) or ``"behind"``.

    Raises:
        ValueError: an unknown metric or slice, several tasks, or nothing to compare.
    """
    if table["task"].nunique() > 1:
        raise ValueError(f"table: expected one task, got {sorted(table['task'].unique())}")
    trained = _trained(table, metric, part)
    scores = trained.groupby("model", sort=False)[metric].agg(["mean", "min", "max"])
    scores.columns = ["mean", "lowest", "highest"]
    scores = scores.sort_values("mean", ascending=not higher_is_better, kind="stable")
    best = scores.iloc[0]
    overlaps = (
        scores["highest"] >= best["lowest"]
        if higher_is_better
        else scores["lowest"] <= best["highest"]
    )
    scores["verdict"] = np.where(overlaps, "tie", "behind")
    scores.loc[scores.index[0], "verdict"] = "best"
    return scores
