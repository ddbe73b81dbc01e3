"""From differences to findings: intervals, verdicts, and runs that failed."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from experiments.contrasts import Contrast
from experiments.declaration import Experiment
from experiments.differences import POINTS, Part, margin_of, parts_of, rows_of, unit_of
from experiments.statistics import FAILED_SHARE, share_interval
from recsys_lib.training.intervals import (
    BETTER,
    CANNOT_TELL,
    LEVEL_VERDICT,
    NOT_WORSE,
    Interval,
    t_interval,
    verdict,
)

CHANCE = 0.505
"""An AUC up to here is that of the base rate."""
CHANCE_SHARE = 0.01
"""Of a regression's gap, likewise."""


def said_of(part: Part) -> tuple[Interval, str]:
    """Interval and verdict of one difference."""
    found = t_interval(part.values)
    if part.margin == 0:
        return found, BETTER if found.low > 0 else CANNOT_TELL
    return found, verdict(found, part.margin)


def together(kind: str, verdicts: list[str]) -> str:
    """The verdict of a contrast from those of its parts.

    Example:
        >>> together("first", ["better", "level"]), together("all_level", ["level", "level"])
        ('not worse', 'level')
    """
    if kind == "all_level":
        return LEVEL_VERDICT if set(verdicts) == {LEVEL_VERDICT} else CANNOT_TELL
    if len(set(verdicts)) == 1:
        return verdicts[0]
    if kind == "crossing" or CANNOT_TELL in verdicts:
        return CANNOT_TELL
    return NOT_WORSE


def failures(
    experiment: Experiment, contrast: Contrast, table: pd.DataFrame, points: Iterable[Any]
) -> tuple[dict[str, tuple[int, int]], set[int]]:
    """Runs that ended at the base rate over all rows, where that is one in twenty or more.

    Arms whose declaration expects this are left out.

    Args:
        experiment: the declaration.
        contrast: of it.
        table: cells.
        points: those of the contrast.

    Returns:
        Dict of arm to failed runs and all runs; and the worlds in which one of these failed.
    """
    runs = pd.concat([rows_of(table, contrast, point, "all") for point in points])
    failed = runs[failed_runs(runs)]
    found, worlds = {}, set()
    for name in experiment.others(contrast):
        of_arm = failed[failed["model"] == name]
        count = int((runs["model"] == name).sum())
        if len(of_arm) and not experiment.arm(name).at_base_rate:
            if len(of_arm) >= FAILED_SHARE * count:
                found[name] = (len(of_arm), count)
                worlds |= set(of_arm["world"])
    return found, worlds


def failed_runs(rows: pd.DataFrame) -> pd.Series:
    """Which runs ended at the base rate, or with a loss that was not finite."""
    missing = rows["auc"].isna() & rows["mean_squared_error"].isna()
    at_chance = rows["mean_squared_error_gap_closed"] <= CHANCE_SHARE
    return missing | (rows["auc"] <= CHANCE) | at_chance


def finding_of(
    experiment: Experiment,
    contrast: Contrast,
    table: pd.DataFrame,
    gaps: Mapping[tuple[str, str, str], float],
    at: Any = None,
) -> dict[str, Any]:
    """What is recorded of a contrast.

    Args:
        experiment: the declaration.
        contrast: of it.
        table: cells.
        gaps: of ``smallest_gaps``.
        at: ``VARIED``, or None for the contrast's own point.

    Returns:
        Dict: ``verdict``, ``confirmed``, ``effect``, ``interval``, ``unit``, ``margin``,
        ``worlds``, ``parts``. Where runs failed also ``failed``, by arm; the differences are then
        those among worlds where all runs succeeded, and no verdict is given.
    """
    unit = unit_of(contrast, gaps)
    points: tuple[Any, ...] = (contrast.at if at is None else at,)
    if contrast.kind == "trend":
        points = experiment.points
    elif contrast.kind == "crossing":
        points = contrast.at
    failed, worlds = failures(experiment, contrast, table, points)
    kept = table[~table["world"].isin(worlds)]
    shown: list[dict[str, Any]] = []
    for part in parts_of(experiment, contrast, kept, unit, at):
        values = part.values[np.isfinite(part.values)]
        if len(values) < 2:
            shown.append({"text": part.text, "effect": None, "interval": None, "worlds": 0})
            continue
        interval, said = said_of(part._replace(values=values))
        shown.append(
            {
                "text": part.text,
                "effect": rounded(interval.mean, unit),
                "interval": [rounded(interval.low, unit), rounded(interval.high, unit)],
                "worlds": interval.num_units,
                "verdict": said,
                "reversed": 0 < part.margin < -interval.high,
            }
        )
    return summed_up(contrast, unit, margin_of(contrast, unit), shown, failed)


def summed_up(
    contrast: Contrast,
    unit: str,
    margin: float,
    parts: list[dict[str, Any]],
    failed: Mapping[str, tuple[int, int]] | None = None,
) -> dict[str, Any]:
    """A finding from its parts: the verdict of all, the effect of the part that decides.

    Args:
        contrast: the contrast.
        unit: of its numbers.
        margin: in this unit.
        parts: dicts with ``text``, ``effect``, ``interval``, ``worlds``, ``verdict``, ``reversed``.
        failed: arm to failed runs and runs.
    """
    known = [part for part in parts if part["effect"] is not None]
    is_whole = known == parts
    said = together(contrast.kind, [p["verdict"] for p in parts]) if is_whole else CANNOT_TELL
    if failed:
        said = CANNOT_TELL
    # The smallest lead decides whether all lead, the largest distance whether all are level.
    decides = max if contrast.kind == "all_level" else min
    size = (lambda p: abs(p["effect"])) if contrast.kind == "all_level" else (lambda p: p["effect"])
    chief = decides(known, key=size) if known else parts[0]
    found = {
        "kind": contrast.kind,
        "measure": contrast.measure,
        "part": contrast.part,
        "verdict": said,
        "confirmed": said in contrast.claimed,
        "unit": unit,
        "margin": margin,
        "text": chief["text"],
        "effect": chief["effect"],
        "interval": chief["interval"],
        "worlds": chief["worlds"],
        "parts": parts,
    }
    if any(part.get("reversed") for part in parts) and not failed:
        found["reversed"] = True
    if contrast.exploratory:
        found["exploratory"] = True
    if failed:
        found["failed"] = {
            name: {"runs": list(counts), "interval": [round(x, 3) for x in share_interval(*counts)]}
            for name, counts in failed.items()
        }
    return found


def rounded(value: float, unit: str) -> float:
    """Digits that two runs on different machines share, and a reader can use."""
    return round(float(value), 2 if unit == POINTS else 5)
