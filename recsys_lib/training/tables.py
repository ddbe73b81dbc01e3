"""What a table of runs says: means over seeds, and who ties with whom."""

import numpy as np
import pandas as pd

SCORES = ("auc", "gauc", "log_loss", "calibration_error", "mean_squared_error")
"""What ``summarize`` shows of those that a table has; regression tasks have the last alone."""


def summarize(table, scores=None, by=None):
    """Mean and spread over seeds.

    Args:
        table: what ``compare`` returned.
        scores: columns to summarise; default: those of ``SCORES`` that the table has.
        by: columns that make up a row of the summary; default: model and slice, and between the
            two the task where there are several.

    Returns:
        ``DataFrame`` indexed by ``by`` in the order of first appearance, with the columns
        ``<score>`` (mean) and ``<score>_sd`` (sample standard deviation over seeds; missing for
        one seed).
    """
    if scores is None:
        scores = [name for name in SCORES if name in table.columns]
    if by is None:
        by = ("model", "task", "slice") if table["task"].nunique() > 1 else ("model", "slice")
    grouped = table.groupby(list(by), sort=False)[list(scores)]
    means, spreads = grouped.mean(), grouped.std(ddof=1)
    columns = {}
    for name in scores:
        columns[name], columns[f"{name}_sd"] = means[name], spreads[name]
    return pd.DataFrame(columns)


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
    if metric not in table.columns:
        raise ValueError(f"metric: expected one of {sorted(table.columns)}, got {metric!r}")
    if part not in set(table["slice"]):
        raise ValueError(f"part: expected one of {sorted(set(table['slice']))}, got {part!r}")
    if table["task"].nunique() > 1:
        raise ValueError(f"table: expected one task, got {sorted(table['task'].unique())}")
    trained = table[table["seed"].notna() & (table["slice"] == part)]
    if trained.empty:
        raise ValueError("table: expected at least one row with a seed, got none")
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
