"""What an experiment will cost, and whether its margins can be met, before it runs.

Seconds per cell are measured: ten cells of tuning, which the run then need not repeat.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.engine import differences, running, statistics, tuning
from experiments.engine.arms import point_text
from experiments.engine.contrasts import Contrast
from experiments.engine.declaration import Experiment
from experiments.engine.store import Store
from experiments.engine.workers import NUM_WORKERS

NUM_MEASURED = 10
"""Cells that are measured before anything is estimated."""
MOST_SIDE_ARMS, MOST_SECONDS, MOST_MINUTES, MOST_HOURS = 8, 20.0, 30.0, 16.0
"""Of a lesson: side arms, seconds of a cell, core-minutes; of the book: core-hours."""


class Plan(NamedTuple):
    """The estimate for one experiment.

    Attributes:
        identifier: of the experiment.
        tuning, measuring: numbers of cells.
        left: of both, those that are not yet in the log.
        seconds: mean of the measured cells, by arm; and of all arms under ``""``.
        warnings: one line each.
    """

    identifier: str
    tuning: int
    measuring: int
    left: int
    seconds: dict[str, float]
    warnings: tuple[str, ...]

    @property
    def minutes(self) -> float:
        """Core-minutes of the whole experiment."""
        return (self.tuning + self.measuring) * self.seconds.get("", float("nan")) / 60

    def lines(self) -> Iterator[str]:
        """What is printed."""
        cost = "not measured"
        if (per_cell := self.seconds.get("")) is not None:
            cost = (
                f"{per_cell:.1f} s a cell, {self.minutes:.1f} core-minutes, "
                f"{self.minutes / NUM_WORKERS:.1f} minutes on {NUM_WORKERS} processes"
            )
        yield (
            f"{self.identifier}: {self.tuning} cells of tuning, {self.measuring} on fresh worlds; "
            f"{self.tuning + self.measuring - self.left} done; {cost}"
        )
        if by_arm := ", ".join(f"{name} {one:.1f}" for name, one in self.seconds.items() if name):
            yield f"  seconds a cell: {by_arm}"
        for warning in self.warnings:
            yield f"  warning: {warning}"


def plan(experiment: Experiment, store: Store) -> Plan:
    """Count the cells, and estimate from those that are measured.

    Args:
        experiment: the declaration.
        store: its log, with whatever is in it.

    Returns:
        The ``Plan``.
    """
    others = len(tuning.runs(experiment)) - 1
    trials = [len(tuning.trials(arm)) for arm in running.tuned_arms(experiment)]
    of_point = sum(count + others * min(tuning.NUM_AGAIN, count) for count in trials)
    num_tuning = len(experiment.tuning_points) * of_point
    num_cells = sum(len(cells) for cells in running.wanted_cells(experiment).values())
    timed = [(k[1], one["seconds"]) for k, one in store.done.items() if k[0] in ("tune", "cell")]
    own = {arm.name: [took for name, took in timed if name == arm.name] for arm in experiment.arms}
    seconds = {name: float(np.mean(took)) for name, took in own.items() if took}
    # Arms take part in as many cells each, whatever share of the measured ones they have.
    if seconds:
        seconds[""] = float(np.mean(list(seconds.values())))
    left = num_tuning + num_cells - len(store.seconds("tune", "cell"))
    found = Plan(experiment.identifier, num_tuning, num_cells, left, seconds, ())
    return found._replace(warnings=tuple(_warnings(experiment, store, found)))


def total_lines(plans: Sequence[Plan]) -> Iterator[str]:
    """What all experiments together will take.

    Args:
        plans: of all of them.

    Yields:
        Lines to print.
    """
    hours = np.nansum([one.minutes for one in plans]) / 60
    cells = sum(one.tuning + one.measuring for one in plans)
    unknown = sum("" not in one.seconds for one in plans)
    beside = f"; {unknown} not measured" if unknown else ""
    yield f"together: {cells} cells, {hours:.2f} core-hours{beside}"
    if hours > MOST_HOURS:
        yield f"  warning: expected at most {MOST_HOURS:g} core-hours for the book"


def _warnings(experiment: Experiment, store: Store, found: Plan) -> Iterator[str]:
    if (side := sum(arm.side for arm in experiment.arms)) > MOST_SIDE_ARMS:
        yield f"expected at most {MOST_SIDE_ARMS} side arms, got {side}"
    for name, seconds in found.seconds.items():
        if name and seconds > MOST_SECONDS:
            yield f"arm {name!r}: expected at most {MOST_SECONDS:g} s a cell, got {seconds:.1f}"
    if found.minutes > MOST_MINUTES:
        yield f"expected at most {MOST_MINUTES:g} core-minutes, got {found.minutes:.0f}"
    yield from margin_warnings(experiment, store)
    yield from edge_lines(experiment, store)


def margin_warnings(experiment: Experiment, store: Store) -> Iterator[str]:
    """Margins at which a true tie will often be *cannot tell*, and margins that are missing.

    The spread is that of the chosen trials on the validation rows of the tuning worlds, which is
    rather too large than too small.

    Args:
        experiment: the declaration.
        store: its log; nothing is said before tuning is done.

    Yields:
        Lines.
    """
    gaps = differences.smallest_gaps(store)
    for contrast in experiment.contrasts:
        unit = differences.unit_of(contrast, gaps)
        try:
            margin = differences.margin_of(experiment, contrast, unit)
        except ValueError as error:
            if gaps:
                yield str(error)
            continue
        if (spread := _spread(experiment, contrast, store, unit)) is None:
            continue
        worlds = min(len(experiment.worlds_of(experiment.arm(name))) for name in contrast.arms)
        least = statistics.least_margin(spread, worlds)
        if margin < least:
            yield (
                f"contrast {contrast.finding!r}: the margin is {margin:g} {unit}, under "
                f"{least:.2g}, the least at which four of five true ties are level on {worlds} "
                f"worlds (standard deviation {spread:.2g} on the tuning worlds)"
            )


def missing_margins(experiment: Experiment, store: Store) -> list[str]:
    """Contrasts whose margin has to be declared before fresh worlds are run, one line each."""
    gaps, found = differences.smallest_gaps(store), []
    for contrast in experiment.contrasts:
        try:
            differences.margin_of(experiment, contrast, differences.unit_of(contrast, gaps))
        except ValueError as error:
            found.append(str(error))
    return found


def edge_lines(experiment: Experiment, store: Store) -> Iterator[str]:
    """Choices at the edge of a space, one line each; none before tuning is done."""
    try:
        chosen = running.choices(experiment, store)
    except ValueError:
        return
    for arm in running.tuned_arms(experiment):
        for point, choice in chosen[arm.name].items():
            for option in choice.edges:
                at = f" at {point_text(point)}" if point is not None else ""
                said = f"arm {arm.name!r}{at}: {option} = {choice.options[option]}"
                yield f"{said} is at the edge of its space"


def _spread(experiment: Experiment, contrast: Contrast, store: Store, unit: str) -> float | None:
    """The standard deviation of a contrast's differences between tuning worlds."""
    if experiment.is_real or contrast.kind == "trend" or contrast.part != "all":
        return None
    point, rows = experiment.tuned_at(contrast.at), []
    for name in contrast.arms:
        owner = experiment.arm(experiment.arm(name).inherits or name)
        options, _, choice = running.tried(experiment, store, owner, point)
        if choice is None:
            return None
        trial = options.index(choice.options)
        for run in tuning.runs(experiment):
            value = store.value("tune", owner.name, trial, point, *run)
            head = dict(zip(differences.KEYS, (name, point_text(contrast.at), *run), strict=False))
            rows += [head | row for row in value["rows"]]
    table = pd.DataFrame(rows).reindex(columns=[*differences.COLUMNS, *differences.MORE])
    values = differences.Compared(experiment, contrast, table).differences(unit)
    spread = float(np.std(values, ddof=1))
    return spread if np.isfinite(spread) and spread > 0 else None
