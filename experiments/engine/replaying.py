"""Replay: do today's code and packages still give what is recorded?

Prefixes first: a sixth, which follows from the commit, those whose code changed before all others.
Then a few whole cells. Replay judges numbers and never a verdict.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments import logs
from experiments.engine import records, registry, repository, workers
from experiments.engine.arms import point_text
from experiments.engine.declaration import Experiment
from experiments.engine.registry import RESULTS

SIXTH, NUM_CELLS, SECONDS = 6, 12, 120.0
START_TOLERANCE, END_TOLERANCE = 1e-5, 1e-3
"""Relative deviation of a loss, at the start and at the twentieth step, where it was recorded."""
_TOLERANCES = np.geomspace(START_TOLERANCE, END_TOLERANCE, 20)
FIRST_STEPS = 3
"""As many losses are held on any processor."""
_ELSEWHERE = np.array([5e-5, 5e-4, 2e-3, *np.geomspace(2.5e-3, 0.1, 17)])
"""The same on another processor: five times the largest deviation that was measured with kernels
held to SSE 4.1 and to AVX2 (all 327 arms; ONEDNN_MAX_CPU_ISA, AMD EPYC with AVX-512): 6e-6, 7e-5
and 4e-4 in the first three steps, up to 2e-2 later, most in AFN+, whose logarithms enlarge
rounding; below 1e-3 in all but 11 arms."""
MOST_SPREADS = 6.0
"""Standard deviations between initialisations that a cell of another machine may differ."""
EXACT = ("auc", "gauc", "log_loss", "mean_squared_error")
SPREAD = ("auc", "mean_squared_error_gap_closed")
LEAST_SPREAD = 1e-4
"""Of AUC: what rounding alone can do to a model that draws nothing."""


class Task(NamedTuple):
    """One arm whose record is replayed.

    Attributes:
        experiment: the declaration.
        arm: name.
        changed: whether the code differs from that of the record.
        record: the manifest.
    """

    experiment: Experiment
    arm: str
    changed: bool
    record: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As reports name it."""
        return f"{self.experiment.identifier}, {self.arm}"


class Outcome(NamedTuple):
    """What a replay found.

    Attributes:
        problems: one line for each number that differs.
        warnings: one line for each prefix whose later losses differ on a processor that is not
            that of the record.
        prefixes, cells: how many were replayed.
        confirmed: tasks whose code changed and whose numbers did not.
        skipped: one line for each experiment that was left out, and why.
        left: prefixes that were not drawn.
    """

    problems: list[str]
    warnings: list[str]
    prefixes: int
    cells: int
    confirmed: list[Task]
    skipped: list[str]
    left: int


def tolerance(step: int, *, elsewhere: bool = False) -> float:
    """How far a loss may be from the recorded one, relative to it.

    Args:
        step: counted from 0.
        elsewhere: on another processor than that of the record.

    Example:
        >>> round(tolerance(0), 6), round(tolerance(19), 6)
        (1e-05, 0.001)
    """
    tolerances = _ELSEWHERE if elsewhere else _TOLERANCES
    return float(tolerances[min(step, len(tolerances) - 1)])


def compare_prefix(
    recorded: Mapping[str, Any],
    found: Mapping[str, Any],
    *,
    elsewhere: bool = False,
    steps: int | None = None,
) -> str | None:
    """What differs between two prefixes, in a few words; None where nothing does.

    Args:
        recorded, found: as ``experiments.engine.prefixes.prefix`` gives them.
        elsewhere: this is another processor than that of the record.
        steps: how many losses are compared; default: all.
    """
    if recorded["data"] != found["data"]:
        return "the training rows differ"
    if len(recorded["losses"]) != len(found["losses"]):
        return f"expected {len(recorded['losses'])} losses, got {len(found['losses'])}"
    pairs = zip(recorded["losses"][:steps], found["losses"][:steps], strict=True)
    for step, (was, now) in enumerate(pairs):
        if not abs(now - was) <= tolerance(step, elsewhere=elsewhere) * abs(was):
            return f"the loss of step {step + 1} is {now:.6g}, expected {was:.6g}"
    return None


class CellRow(NamedTuple):
    """A cell that was measured again: AUC or gap share of each task, then and now."""

    recorded: float
    found: float
    spread: float

    @property
    def deviation(self) -> float:
        """In standard deviations between initialisations."""
        return (self.found - self.recorded) / max(self.spread, LEAST_SPREAD)


def compare_cells(rows: Iterable[CellRow], same_machine: bool) -> str | None:
    """What differs between recorded cells and those measured again; None where nothing does.

    Args:
        rows: of cells of one arm.
        same_machine: processor and versions are those of the record: every bit has to agree.
    """
    for row in rows:
        if same_machine and row.recorded != row.found:
            return f"a cell is {row.found!r}, expected {row.recorded!r} on this machine"
        if not same_machine and not abs(row.deviation) <= MOST_SPREADS:
            return (
                f"a cell is {row.found:.5f}, expected {row.recorded:.5f} within "
                f"{MOST_SPREADS:g} times {max(row.spread, LEAST_SPREAD):.5f}"
            )
    return None


def compare_means(rows: Iterable[CellRow]) -> str | None:
    """Whether cells of another machine differ in the mean; None where they do not.

    Args:
        rows: of the cells of all arms.
    """
    if not (deviations := [row.deviation for row in rows if math.isfinite(row.deviation)]):
        return None
    mean, most = float(np.mean(deviations)), 4 * math.sqrt(2 / len(deviations))
    said = f"{len(deviations)} cells differ by {mean:.2f} standard deviations in the mean"
    return f"{said}, expected at most {most:.2f}" if abs(mean) > most else None


def tasks(folder: Path = registry.FOLDER, results: Path = RESULTS) -> tuple[list[Task], list[str]]:
    """All recorded arms whose data are on this machine, and a line for each that is left out.

    Args:
        folder: of the declarations.
        results: of the records.
    """
    found, skipped = [], []
    for identifier in registry.identifiers(folder):
        if (record := records.read(identifier, results)) is None:
            continue
        experiment = registry.load(identifier, folder)
        if lacking := logs.missing(experiment.data):
            skipped.append(f"{identifier}: not replayed, {lacking}")
            continue
        for arm in experiment.arms:
            if arm.name in record["arms"]:
                changed = records.code_of(experiment, arm) != record["arms"][arm.name]["code"]
                found.append(Task(experiment, arm.name, changed, record))
    return found, skipped


def drawn(found: Sequence[Task], seed: int) -> list[Task]:
    """The tasks in the order of their turn: changed ones first, each kind shuffled.

    Args:
        found: all of them.
        seed: of the shuffle, ``commit_seed()``.
    """
    shuffled = [found[place] for place in np.random.default_rng(seed).permutation(len(found))]
    return sorted(shuffled, key=lambda one: not one.changed)


def commit_seed(root: Path = registry.FOLDER) -> int:
    """A number that follows from the commit; 0 where there is no history."""
    return int((repository.head(root) or "0")[:12], 16)


def replay(
    folder: Path = registry.FOLDER,
    results: Path = RESULTS,
    *,
    full: bool = False,
    every_cell: bool = False,
    seconds: float = SECONDS,
    seed: int | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Replay a sixth of the prefixes, and as many whole cells as there is time for.

    Args:
        folder: of the declarations.
        results: of the records.
        full: all prefixes.
        every_cell: and one whole cell of each arm whose code changed.
        seconds: after which no further cell is begun.
        seed: of the draw; default: follows from the commit.
        say: called with a line for each step.

    Returns:
        The ``Outcome``.
    """
    started = time.monotonic()
    found, skipped = tasks(folder, results)
    turns = drawn(found, commit_seed(folder) if seed is None else seed)
    turns = turns if full else turns[: math.ceil(len(turns) / SIXTH)]
    problems: list[str] = []
    warnings: list[str] = []

    def agrees(task: Task, differs: str | None, well: str) -> bool:
        say(f"{task.name}: {differs or well}")
        if differs is not None:
            problems.append(f"{task.name}: {differs}")
        return differs is None

    agreeing = []
    for task in turns:
        differs, warning = prefix_again(task, results)
        if warning is not None:
            warnings.append(f"{task.name}: {warning}")
        # What is only warned of is not confirmed: changed code might be the reason, too.
        if agrees(task, differs, warning or "prefix agrees") and warning is None:
            agreeing.append(task)
    cells, confirmed, means = 0, [], []
    for task in agreeing:
        if every_cell and not task.changed:
            continue
        is_late = time.monotonic() - started > seconds
        if not every_cell and (cells >= NUM_CELLS or (cells and is_late)):
            break
        cells += 1
        rows, same = cell_again(task, results)
        means += [] if same else rows
        if agrees(task, compare_cells(rows, same), "a whole cell agrees") and task.changed:
            confirmed.append(task)
    if differs := compare_means(means):
        problems.append(differs)
    left = len(found) - len(turns)
    return Outcome(problems, warnings, len(turns), cells, confirmed, skipped, left)


def prefix_again(task: Task, results: Path = RESULTS) -> tuple[str | None, str | None]:
    """Compute an arm's prefix again.

    Args:
        task: the arm.
        results: of the records.

    Returns:
        What differs from the record, and what may differ since the processor does; None where
        nothing does. On another processor than the record's the data and the first losses are
        held, since a few steps enlarge what rounding changes: later losses that differ are only
        warned of.
    """
    from experiments.engine import prefixes

    experiment, recorded = task.experiment, task.record["arms"][task.arm]["prefix"]
    options = records.options_of(experiment, task.record, task.arm, experiment.points[0])
    found = prefixes.prefix(experiment, experiment.arm(task.arm), options)
    machines = set(_rows_of(task, results)["processor"])
    if machines == {workers.processor()} and task.record["versions"] == records.versions():
        return compare_prefix(recorded, found), None
    if serious := compare_prefix(recorded, found, elsewhere=True, steps=FIRST_STEPS):
        return serious, None
    if (differs := compare_prefix(recorded, found, elsewhere=True)) is None:
        return None, None
    here = f"recorded on {', '.join(sorted(machines))}, this is {workers.processor()}"
    return None, f"{differs} ({here})"


def cell_again(task: Task, results: Path = RESULTS) -> tuple[list[CellRow], bool]:
    """Measure an arm's first cell again.

    Args:
        task: the arm.
        results: of the records.

    Returns:
        A row for each task and slice, and whether this machine is that of the record.
    """
    from experiments.engine import cells

    experiment, arm = task.experiment, task.experiment.arm(task.arm)
    world, point = experiment.worlds_of(arm)[0], experiment.points[0]
    mine = _rows_of(task, results)
    options = records.options_of(experiment, task.record, arm.name, point)
    found = cells.measure(experiment, arm, options, point, world)
    here = [workers.processor(), workers.switches()]
    same = (mine[["processor", "switches"]] == here).all(axis=None)
    same = bool(same) and task.record["versions"] == records.versions()
    spread, rows = task.record["arms"][arm.name]["spread"], []
    again = {(row["task"], row["slice"]): row for row in found}
    for (name, part), then in mine.iterrows():
        now = again.get((name, part), {})
        # Elsewhere only that is compared whose spread is known.
        compared = EXACT if same else [measure for measure in SPREAD if part == "all"]
        for measure in compared:
            if math.isfinite(then[measure]) or measure in now:
                rows.append(CellRow(float(then[measure]), now.get(measure, math.nan), spread))
    return rows, same


def _rows_of(task, results):
    """The recorded rows of an arm's first cell, by task and slice."""
    experiment, arm = task.experiment, task.experiment.arm(task.arm)
    table = records.read_table(experiment.identifier, results)
    world, point = experiment.worlds_of(arm)[0], experiment.points[0]
    keys = {"model": arm.name, "point": point_text(point), "world": world, "initialisation": 0}
    return table.set_index(list(keys)).loc[[tuple(keys.values())]].set_index(["task", "slice"])


def confirm(confirmed: Iterable[Task], results: Path = RESULTS) -> Iterator[str]:
    """Note today's code for arms whose prefix and one whole cell agree; numbers are kept.

    Args:
        confirmed: of an ``Outcome``.
        results: of the records.

    Yields:
        A line for each.
    """
    for task in confirmed:
        experiment = task.experiment
        # Read again: something else may have been recorded during a long replay.
        record = records.read(experiment.identifier, results)
        assert record is not None
        record["arms"][task.arm]["code"] = records.code_of(experiment, experiment.arm(task.arm))
        records.write_manifest(record, results)
        yield f"{task.name}: confirmed"
