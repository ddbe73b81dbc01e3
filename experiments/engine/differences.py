"""From cells to differences: one number for each world, in the unit of a contrast.

On real data the differences are those of ``experiments.engine.real``.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from experiments.engine.arms import point_text
from experiments.engine.contrasts import MARGIN, MEASURES, POINTS, Contrast
from experiments.engine.declaration import DATA_MARGINS, GAUC_MARGIN, Experiment
from experiments.engine.running import Wanted, kind_of, wanted_cells
from experiments.engine.store import Store

LEAST_GAP = 0.03
"""AUC between the base rate and the oracle from which on shares of it are the unit."""

RUNS = "runs"
"""The unit of the share of runs that leave the plateau."""
KEYS = ["model", "point", "world", "initialisation", "task", "slice"]
COLUMNS = [
    *(*KEYS, "rows", "auc", "auc_gap_closed", "gauc", "log_loss", "log_loss_gap_closed"),
    *("calibration_error", "mean_squared_error", "mean_squared_error_gap_closed"),
    *("parameters", "epochs", "cap", "processor", "switches"),
]
MORE = (
    "gauc_moving",
    "gauc_page",
    "money_gap_closed",
    "promised_gap_closed",
    "gauc_gap_closed",
    "log_loss_platt",
)
"""Columns where they were measured: of a log, of pages, and in the third protocol."""


def table_of(
    experiment: Experiment, store: Store, wanted: Wanted | None = None, times: int | None = None
) -> pd.DataFrame:
    """The cells on fresh worlds, sorted, as a record holds them.

    Args:
        experiment: the declaration.
        store: a log in which nothing is missing.
        wanted: which cells, as ``wanted_cells`` gives them; default: all that are declared.
        times: of a longer run, those with so many times the epochs.

    Returns:
        ``DataFrame`` with the columns ``COLUMNS``, and those of ``MORE`` that were measured.
    """
    rows = []
    wanted = wanted_cells(experiment) if wanted is None else wanted
    for (point, world), cells in wanted.items():
        for name, initialisation in cells:
            entry = store.done[kind_of(times), name, point, world, initialisation]
            head = dict(zip(KEYS, (name, point_text(point), world, initialisation), strict=False))
            head |= {field: entry[field] for field in ("processor", "switches")}
            rows += [head | row for row in entry["value"]]
    frame = pd.DataFrame(rows)
    frame = frame.reindex(columns=[*COLUMNS, *(name for name in MORE if name in frame)])
    return frame.sort_values(KEYS, kind="stable", ignore_index=True)


def cells_of(
    experiment: Experiment, contrasts: Iterable[Contrast], runs: Iterable[tuple[int, int]]
) -> Wanted:
    """The cells that contrasts compare.

    Args:
        experiment: the declaration.
        contrasts: of it.
        runs: worlds and initialisations.
    """
    wanted: Wanted = {}
    for contrast in contrasts:
        for point in points_of(experiment, contrast):
            for world, initialisation in runs:
                cells = wanted.setdefault((point, world), [])
                new = [(name, initialisation) for name in contrast.arms]
                cells += [one for one in new if one not in cells]
    return wanted


def unit_of(contrast: Contrast, gaps: Mapping[tuple[str, str, str], float]) -> str:
    """The unit of a contrast: points of a gap, or that of the measure.

    Args:
        contrast: of an experiment.
        gaps: point, task and slice to the smallest gap of the tuning worlds; a log has none.
    """
    if contrast.measure == "auc":
        here = [
            gap
            for (point, task, part), gap in gaps.items()
            if part == contrast.part
            and contrast.task in (None, task)
            and (contrast.kind == "trend" or point == point_text(contrast.at))
        ]
        if min(here, default=math.nan) >= LEAST_GAP:
            return POINTS
    return MEASURES[contrast.measure][1]


def smallest_gaps(store: Store) -> dict[tuple[str, str, str], float]:
    """Point, task and slice to the smallest gap of the tuning worlds."""
    found: dict[tuple[str, str, str], float] = {}
    for key, entry in store.done.items():
        if key[0] == "bounds":
            for row in entry["value"]:
                name = (point_text(key[1]), row["task"], row["slice"])
                found[name] = min(found.get(name, math.inf), row["gap"])
    return found


def margin_of(experiment: Experiment, contrast: Contrast, unit: str) -> float:
    """The margin of a contrast in its unit; 0 where the interval has to lie above zero.

    Raises:
        ValueError: none is declared and nothing has it by default, or one that no difference in
            this unit can reach.
    """
    if unit == RUNS:
        return 0.0
    margin, where = contrast.margin, f"contrast {contrast.finding!r}: the unit is {unit}, expected"
    if margin is None and unit == POINTS:
        margin = MARGIN
    elif margin is None and experiment.data is not None:
        margin = GAUC_MARGIN if contrast.measure == "gauc" else DATA_MARGINS[experiment.data]
    if margin is None:
        raise ValueError(f"{where} a declared margin")
    if unit != POINTS and margin >= 0.5:
        raise ValueError(f"{where} a margin in it, got {margin:g}")
    return margin


def column_of(contrast: Contrast, unit: str) -> tuple[str, float]:
    """The column of the table behind a contrast, and the factor that makes it its unit."""
    if unit in (POINTS, RUNS):
        return f"{contrast.measure.removesuffix('_gap')}_gap_closed", 100.0
    return contrast.measure, float(MEASURES[contrast.measure][0])


def points_of(experiment: Experiment, contrast: Contrast, at: Any = None) -> tuple[Any, ...]:
    """The points of the sweep at which a contrast compares: all of a trend, else one."""
    if contrast.kind == "trend":
        return experiment.points
    return (contrast.at if at is None else at,)


def plateau_of(rows: pd.DataFrame, column: str) -> float:
    """What a run has to exceed to leave the plateau: half of the best arm's median."""
    return float(rows.groupby("model")[column].median().max()) / 2


class Compared(NamedTuple):
    """A contrast on a table of cells.

    Attributes:
        experiment: the declaration.
        contrast: of it.
        table: cells.
        at: another point than the contrast's own, ``VARIED``.
    """

    experiment: Experiment
    contrast: Contrast
    table: pd.DataFrame
    at: Any = None

    @property
    def points(self) -> tuple[Any, ...]:
        """Where it compares."""
        return points_of(self.experiment, self.contrast, self.at)

    def rows(self, point: Any, part: str) -> pd.DataFrame:
        """The cells of the contrast's task at a point, on a slice.

        Further initialisations are left out on worlds.

        Raises:
            ValueError: the contrast leaves the task open where there are several.
        """
        chosen = self.table[
            (self.table["point"] == point_text(point))
            & (self.table["slice"] == part)
            & ((self.table["initialisation"] == 0) | self.experiment.is_real)
        ]
        task, tasks = self.contrast.task, sorted(chosen["task"].unique())
        if task is None and len(tasks) > 1:
            where = f"contrast {self.contrast.finding!r}, task"
            raise ValueError(f"{where}: expected one of {tasks}, got none")
        return chosen if task is None else chosen[chosen["task"] == task]

    def runs(self) -> dict[str, pd.DataFrame]:
        """The runs of each arm at all points, scored on all rows."""
        runs = pd.concat([self.rows(point, "all") for point in self.points])
        return {name: runs[runs["model"] == name] for name in self.contrast.arms}

    def by_world(self, unit: str, point: Any) -> pd.DataFrame:
        """The measure with a row for each world and a column for each arm.

        What an arm did not run, or where it failed, is missing. Above is better. In ``RUNS`` a
        run that leaves the plateau, above half of the best arm's median, is 1 and every other 0.
        """
        column, factor = column_of(self.contrast, unit)
        rows = self.rows(point, self.contrast.part)
        values = factor * rows[column]
        if unit == RUNS:
            values = (rows[column] > plateau_of(rows, column)).astype(float)
        wide = rows.assign(value=values).pivot(index="world", columns="model", values="value")
        return wide.reindex(columns=list(self.contrast.arms))

    def differences(self, unit: str) -> np.ndarray:
        """The differences, world by world; above zero where the first arm is ahead.

        Args:
            unit: of the contrast.
        """
        curves = []
        for point in self.points:
            frame = self.by_world(unit, point)
            a, *rival = self.contrast.arms
            curves.append(frame[a] - (frame[rival[0]] if rival else 0))
        if self.contrast.kind != "trend":
            return curves[0].to_numpy()
        values = np.asarray(self.experiment.points, np.float64)
        centred = values - values.mean()
        return pd.concat(curves, axis=1).to_numpy() @ centred / (centred @ centred) * np.ptp(values)
