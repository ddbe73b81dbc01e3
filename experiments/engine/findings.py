"""From differences to findings: intervals, verdicts, and runs that failed, or were cut short."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from experiments.engine.contrasts import CLAIMED, POINTS, Contrast
from experiments.engine.differences import RUNS, Compared, column_of, margin_of, plateau_of, unit_of
from experiments.engine.statistics import FAILED_SHARE, difference_of_shares, share_interval
from recsys_lib.training.intervals import BETTER, CANNOT_TELL, Interval, t_interval, verdict

CHANCE = 0.505
"""An AUC up to here is that of the base rate."""
CHANCE_SHARE = 0.01
"""Of a regression's gap, likewise."""
STABLE_SPAN = 40.0
"""Points of the gap up to which a mean says what an arm's runs do."""
CAPPED_SHARE = 1 / 10
"""Share of an arm's runs whose best epoch may be the last one allowed."""
UNFINISHED = "unfinished"


def failures(compared: Compared) -> tuple[dict[str, tuple[int, int]], set[int]]:
    """Runs that ended at the base rate over all rows, where that is one in twenty or more.

    Arms whose declaration expects this are left out.

    Returns:
        Dict of arm to failed runs and all runs; and the worlds in which one of these failed.
    """
    found, worlds = {}, set()
    for name, runs in compared.runs().items():
        failed = runs[failed_runs(runs, compared.contrast.measure)]
        if len(failed) and not compared.experiment.arm(name).at_base_rate:
            if len(failed) >= FAILED_SHARE * len(runs):
                found[name] = (len(failed), len(runs))
                worlds |= set(failed["world"])
    return found, worlds


def failed_runs(rows: pd.DataFrame, measure: str = "auc") -> pd.Series:
    """Which runs ended at the base rate, or with a loss that was not finite.

    A loss on pairs leaves the level of a user's scores open: all AUC is then chance, and no failure
    where the order within groups is what is compared.
    """
    missing = rows.filter(["auc", "mean_squared_error", "money_gap_closed"]).isna().all(axis=1)
    at_chance = rows["mean_squared_error_gap_closed"] <= CHANCE_SHARE
    ordering = "gauc" if measure.startswith("gauc") else "auc"
    return missing | (rows[ordering] <= CHANCE) | at_chance


def unstable(compared: Compared, unit: str) -> dict[str, dict[str, Any]]:
    """The runs of a contrast's arms, if those of one span more than ``STABLE_SPAN`` points.

    Args:
        compared: the contrast and the cells.
        unit: of the contrast; runs of another unit than points have no span, nor have those on
            worlds that differ.

    Returns:
        Dict of arm to its runs in points, to the number of those that leave the plateau and of all
        runs, and to the interval of that share; empty where all arms are stable. A run leaves the
        plateau where it is above half of the best arm's median.
    """
    if unit != POINTS or compared.experiment.worlds_differ:
        return {}
    column, factor = column_of(compared.contrast, unit)
    found: dict[str, dict[str, Any]] = {}
    is_wide = False
    for point in compared.points:
        rows = compared.rows(point, compared.contrast.part)
        plateau = plateau_of(rows, column)
        for name in compared.contrast.arms:
            values = rows.loc[rows["model"] == name, column].fillna(0.0)
            is_wide |= factor * float(np.ptp(values)) > STABLE_SPAN
            one = found.setdefault(name, {"runs": [], "left": [0, 0]})
            one["runs"] += [rounded(factor * value, unit) for value in values]
            one["left"][0] += int((values > plateau).sum())
            one["left"][1] += len(values)
    for one in found.values():
        one["interval"] = _ends(share_interval(*one["left"]))
    return found if is_wide else {}


def at_cap(compared: Compared) -> dict[str, list[int]]:
    """Arms of which more than one run in ten has its best epoch at the last one allowed.

    Returns:
        Dict of arm to such runs and all runs.
    """
    found = {}
    for name, runs in compared.runs().items():
        count = int((runs["epochs"] >= runs["cap"]).sum())
        if count > CAPPED_SHARE * len(runs):
            found[name] = [count, len(runs)]
    return found


def cut_short(compared: Compared, unit: str, margin: float) -> dict[str, list[int]]:
    """Arms of which more than one run in ten stopped early and low, as if on a plateau.

    Its best epoch is below half of the median best epoch of the better half of the arm's runs at
    this point, and its score more than a margin below that half's median.

    Args:
        compared: the contrast and the cells.
        unit: of the contrast.
        margin: in this unit.

    Returns:
        Dict of arm to such runs and all runs.
    """
    column, factor = column_of(compared.contrast, unit)
    count = dict.fromkeys(compared.contrast.arms, (0, 0))
    for point in compared.points:
        for name, runs in compared.rows(point, compared.contrast.part).groupby("model"):
            if name in count:
                score = factor * runs[column]
                best = runs[score >= score.median()]
                low = score < (factor * best[column]).median() - margin
                early = runs["epochs"] < best["epochs"].median() / 2
                before, all_before = count[name]
                count[name] = (before + int((low & early).sum()), all_before + len(runs))
    return {name: [*two] for name, two in count.items() if two[0] > CAPPED_SHARE * two[1]}


def finding_of(compared: Compared, gaps: Mapping[tuple[str, str, str], float]) -> dict[str, Any]:
    """What is recorded of a contrast on worlds.

    Args:
        compared: the contrast and the cells.
        gaps: of ``smallest_gaps``.

    Returns:
        As ``summed_up`` has it. Where runs failed, the difference is that among worlds where all
        runs succeeded; where an arm is unstable, it is that of the shares of runs that leave the
        plateau, in all worlds.
    """
    contrast, unit = compared.contrast, unit_of(compared.contrast, gaps)
    _, worlds = failures(compared)
    more: dict[str, Any] = {}
    if compared.experiment.protocol > 1 and (runs := unstable(compared, unit)):
        unit, worlds, more = RUNS, set(), {"unstable": runs}
    kept = compared.table[~compared.table["world"].isin(worlds)]
    values = compared._replace(table=kept).differences(unit)
    values = values[np.isfinite(values)]
    is_share = unit == RUNS and contrast.kind != "trend"
    estimate = difference_of_shares if is_share else t_interval
    interval = estimate(values) if len(values) > 1 else None
    return summed_up(compared, unit, interval) | more


def summed_up(compared: Compared, unit: str, interval: Interval | None) -> dict[str, Any]:
    """A finding from its interval: the verdict, or why there is none.

    Args:
        compared: the contrast, and the cells in which failed runs and those that were cut short are
            seen.
        unit: of the interval.
        interval: of the difference; None where fewer than two units have one.

    Returns:
        Dict: ``verdict``, ``confirmed``, ``effect``, ``interval``, ``unit``, ``margin``,
        ``worlds``. Where runs failed also ``failed``, by arm: no verdict is given on a mean. Where
        runs were cut short also ``at_cap``, by arm, and ``otherwise``, the verdict that waits for a
        longer run.
    """
    contrast = compared.contrast
    margin = margin_of(compared.experiment, contrast, unit)
    failed, _ = failures(compared)
    fields = ("kind", "measure", "part", "text")
    found: dict[str, Any] = {name: getattr(contrast, name) for name in fields}
    found |= {"unit": unit, "margin": margin, "effect": None, "interval": None, "worlds": 0}
    said = CANNOT_TELL
    if interval is not None:
        found |= shown(interval, unit) | {"worlds": interval.num_units}
        # No verdict is given on the mean of runs some of which failed, nor on a trend of shares.
        if not (contrast.kind == "trend" if unit == RUNS else bool(failed)):
            said = BETTER if interval.low > 0 else CANNOT_TELL
            said = verdict(interval, margin) if margin else said
            if interval.high < -margin:
                found["reversed"] = True
    found |= {"verdict": said, "confirmed": said in CLAIMED[contrast.kind]}
    if contrast.exploratory:
        found["exploratory"] = True
    if failed:
        found["failed"] = {
            name: {"runs": list(counts), "interval": _ends(share_interval(*counts))}
            for name, counts in failed.items()
        }
    if compared.experiment.protocol > 1 and (capped := at_cap(compared)):
        found["at_cap"] = capped
    if compared.experiment.protocol > 2 and (short := cut_short(compared, unit, margin)):
        found["cut_short"] = short
    if "at_cap" in found or "cut_short" in found:
        found |= {"otherwise": said, "verdict": UNFINISHED, "confirmed": False}
    return found


def finished(
    found: Mapping[str, Any], contrast: Contrast, before: float, after: float
) -> dict[str, Any]:
    """Take a longer run into a finding: it gives an unfinished one its verdict if little moved.

    Args:
        found: of ``summed_up``.
        contrast: its own.
        before, after: effect on the tuning worlds at the cap, and at three times the cap.

    Returns:
        The finding with ``longer``: both effects, and whether the longer run moves the contrast by
        less than a third of its margin, or leaves a lead of more than two margins above the margin.
    """
    margin, said = found["margin"], found.get("otherwise", found["verdict"])
    is_far = said == BETTER and 0 < 3 * margin < after
    is_settled = abs(after - before) < margin / 3 or after == before or is_far
    numbers = {"before": rounded(before, found["unit"]), "after": rounded(after, found["unit"])}
    finding = dict(found) | {"longer": numbers | {"settled": is_settled}}
    if is_settled and finding.pop("otherwise", None) is not None:
        finding |= {"verdict": said, "confirmed": said in CLAIMED[contrast.kind]}
    return finding


def rounded(value: float, unit: str) -> float:
    """Digits that two runs on different machines share, and a reader can use."""
    return round(float(value), 2 if unit == POINTS else 5)


def shown(interval: Interval, unit: str) -> dict[str, Any]:
    """The effect and the interval, in digits that a reader can use."""
    ends = [rounded(interval.low, unit), rounded(interval.high, unit)]
    return {"effect": rounded(interval.mean, unit), "interval": ends}


def _ends(share: tuple[float, float]) -> list[float]:
    return [round(end, 3) for end in share]
