"""Runs an experiment: what is declared and not yet in its log, on two processes of one thread.

Killed at any point and started again, it goes on and ends with the same table.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments import tuning
from experiments.arms import VARIED, Arm
from experiments.blocks import Refused, open_fresh
from experiments.declaration import TUNING_WORLDS, Experiment
from experiments.registry import FOLDER, RESULTS
from experiments.store import BUILD, Store
from experiments.workers import NUM_WORKERS, Workers
from recsys_lib.locks import locked
from recsys_lib.training.progress import progress_bar

NUM_INITIALISATIONS = 4
"""Of each arm on its first world: their spread is what replay on another machine allows."""
REAL_INITIALISATIONS = 5

Unit = dict[str, Any]
Wanted = dict[tuple[Any, int], list[tuple[str, int]]]
"""Point and world to arm and initialisation."""


@contextmanager
def alone(identifier: str, build: Path = BUILD) -> Iterator[None]:
    """Hold an experiment's lock.

    Args:
        identifier: of the experiment.
        build: folder of all runs.

    Raises:
        Refused: another process holds it.
    """
    Path(build).mkdir(parents=True, exist_ok=True)
    try:
        with locked(Path(build) / f".{identifier}.lock", seconds=0.5):
            yield
    except TimeoutError:
        raise Refused(f"{identifier}: expected no other run, another process has it") from None


def tuned_arms(experiment: Experiment) -> list[Arm]:
    """The arms whose trials are run: those that inherit nothing."""
    return [arm for arm in experiment.arms if arm.inherits is None]


def _tuned(experiment: Experiment) -> list[tuple[Arm, Any]]:
    return [(arm, point) for point in experiment.tuning_points for arm in tuned_arms(experiment)]


def _trial(arm: Arm, point: Any, trial: int, options: Any, runs: Any) -> Unit:
    unit = {"kind": "tune", "arm": arm.name, "point": point, "trial": trial}
    return unit | {"options": options, "runs": [list(one) for one in runs]}


def first_trials(experiment: Experiment, store: Store) -> list[Unit]:
    """Every trial of every arm on the first tuning world, the defaults before all others."""
    first = tuning.runs(experiment)[:1]
    units = [
        _trial(arm, point, trial, options, first)
        for arm, point in _tuned(experiment)
        for trial, options in enumerate(tried(experiment, store, arm, point)[0])
    ]
    return sorted(units, key=lambda unit: unit["trial"])


def second_trials(experiment: Experiment, store: Store) -> list[Unit]:
    """The best trials of every arm on the other tuning worlds."""
    (world, initialisation), *others = tuning.runs(experiment)
    units = []
    for arm, point in _tuned(experiment):
        options, _ = tried(experiment, store, arm, point)
        scores = [
            store.value("tune", arm.name, trial, point, world, initialisation)["score"]
            for trial in range(len(options))
        ]
        units += [
            _trial(arm, point, trial, options[trial], others)
            for trial in sorted(tuning.best(scores))
        ]
    return units


def tried(
    experiment: Experiment, store: Store, arm: Arm, point: Any
) -> tuple[list[tuning.Options], tuning.Choice | None]:
    """The trials of an arm at a point, and what was chosen among them.

    In the second protocol a choice on the edge of the space extends it, once.

    Args:
        experiment: the declaration.
        store: its log.
        arm: that is tuned itself.
        point: of tuning.

    Returns:
        Options of the trials, and the ``Choice``, None until all that it needs is in the log.
    """
    options, space = tuning.trials(arm), arm.space
    choice = _chosen(experiment, store, arm, point, options, space)
    if experiment.protocol == 2 and choice is not None and choice.edges:
        more, space = tuning.extended(space, choice)
        options = [*options, *more]
        choice = _chosen(experiment, store, arm, point, options, space)
    return options, choice


def _chosen(experiment, store, arm, point, options, space):
    runs, scores = tuning.runs(experiment), []
    for trial in range(len(options)):
        entries = [store.done.get(("tune", arm.name, trial, point, *run)) for run in runs]
        scores.append([None if one is None else one["value"]["score"] for one in entries])
        if entries[0] is None:
            return None
    again = tuning.best([first for first, *_ in scores])
    whole = {
        trial: scores[trial]
        for trial in range(len(options))
        if all(("tune", arm.name, trial, point, *run) in store.done for run in runs)
    }
    return tuning.choose(options, space, whole) if set(again) <= set(whole) else None


def choices(experiment: Experiment, store: Store) -> dict[str, dict[Any, tuning.Choice]]:
    """What was chosen, once the trials are in the log.

    Args:
        experiment: the declaration.
        store: its log.

    Returns:
        Dict of arm to dict of tuning point to ``Choice``; heirs have that of their arm.

    Raises:
        ValueError: no trial of an arm had a finite loss in every tuning world, or some are missing.
    """
    found: dict[str, dict[Any, tuning.Choice]] = {}
    for arm, point in _tuned(experiment):
        _, choice = tried(experiment, store, arm, point)
        if choice is None:
            raise ValueError(f"arm {arm.name!r}: expected a trial with finite losses, got none")
        found.setdefault(arm.name, {})[point] = choice
    return found | {arm.name: found[arm.inherits] for arm in experiment.arms if arm.inherits}


def options_at(experiment: Experiment, chosen: dict[Any, tuning.Choice], point: Any) -> dict:
    """The tuned options of an arm at any point, from those at the points of tuning."""
    if point == VARIED:
        headline = next(c for c in experiment.contrasts if c.finding == experiment.headline)
        point = headline.at
    nearest = None if experiment.sweep is None else experiment.sweep.nearest(point)
    return chosen[nearest].options


def bound_units(experiment: Experiment) -> list[Unit]:
    """The gap in each tuning world, which decides the unit of what is said."""
    if experiment.is_real:
        return []
    return [
        {"kind": "bounds", "point": point, "world": world}
        for point in experiment.points
        for world in TUNING_WORLDS
    ]


def wanted_cells(experiment: Experiment) -> Wanted:
    """All cells on fresh worlds."""
    wanted: Wanted = {}

    def want(arm: Arm, point: Any, world: int, initialisation: int) -> None:
        wanted.setdefault((point, world), []).append((arm.name, initialisation))

    for arm in experiment.arms:
        worlds = experiment.worlds_of(arm)
        several = REAL_INITIALISATIONS if experiment.is_real else NUM_INITIALISATIONS
        for point in experiment.points:
            for world in worlds:
                is_first = point == experiment.points[0] and world == worlds[0]
                for initialisation in range(several if is_first else 1):
                    want(arm, point, world, initialisation)
    if experiment.headline is not None:
        headline = next(c for c in experiment.contrasts if c.finding == experiment.headline)
        for name in headline.arms:
            for world in experiment.worlds_of(experiment.arm(name)):
                want(experiment.arm(name), VARIED, world, 0)
    return wanted


def kind_of(times: int | None) -> str:
    """How the log calls a cell, or one of a longer run."""
    return "cell" if times is None else f"cell, {times} times the epochs"


def cell_units(
    experiment: Experiment,
    store: Store,
    wanted: Wanted,
    options_of: Callable[[str, Any], Any],
    times: int | None = None,
) -> list[Unit]:
    """The missing cells, a unit for each point and world.

    Args:
        experiment: the declaration.
        store: its log.
        wanted: cells.
        options_of: from an arm and a point to the tuned options.
        times: of a longer run, as for ``experiments.cells.measure``.
    """
    units: list[Unit] = []
    kind = kind_of(times)
    for (point, world), cells in wanted.items():
        missing = [one for one in cells if (kind, one[0], point, world, one[1]) not in store.done]
        names = dict.fromkeys(name for name, _ in missing)
        unit: Unit = {"kind": kind, "point": point, "world": world, "times": times}
        unit |= {"cells": missing, "choices": {name: options_of(name, point) for name in names}}
        if experiment.is_real and times is None:
            unit["predictions"] = {
                f"{name}/{number}": str(store.predictions(name, number)) for name, number in missing
            }
        # On one log there is one world: each arm is a unit, or one process would do all.
        parts = [[name] for name in names] if experiment.is_real else [list(names)]
        units += [
            unit | {"cells": [one for one in missing if one[0] in part]} for part in parts if part
        ]
    return units


def prefix_units(experiment: Experiment, chosen: dict[str, dict[Any, tuning.Choice]]) -> list[Unit]:
    """The beginning of each arm's training on its first world."""
    point = experiment.points[0]
    return [
        {"kind": "prefix", "arm": arm.name, "world": experiment.worlds_of(arm)[0]}
        | {"choice": options_at(experiment, chosen[arm.name], point)}
        for arm in experiment.arms
    ]


def is_done(unit: Unit, store: Store) -> bool:
    """Whether everything of a unit is in the log."""
    if unit["kind"] == "tune":
        key = ("tune", unit["arm"], unit["trial"], unit["point"])
        return all((*key, *run) in store.done for run in unit["runs"])
    if unit["kind"] == "bounds":
        return ("bounds", unit["point"], unit["world"]) in store.done
    return unit["kind"] == "prefix" and ("prefix", unit["arm"], unit["world"]) in store.done


def run(
    experiment: Experiment,
    *,
    folder: Path = FOLDER,
    results: Path = RESULTS,
    build: Path = BUILD,
    num_workers: int = NUM_WORKERS,
    only_tuning: bool = False,
    at_most: int | None = None,
    before_fresh: Callable[[Store], None] | None = None,
) -> Store:
    """Measure all that is missing.

    Args:
        experiment: the declaration.
        folder: where it is declared.
        results: folder of the records, in which opened worlds are noted.
        build: folder of all runs.
        num_workers: processes.
        only_tuning: stop before the fresh worlds.
        at_most: units of tuning, to measure how long they take; then stop.
        before_fresh: called with the log between tuning and the fresh worlds; it may raise.

    Returns:
        The log.

    Raises:
        Refused: another process runs it, or its worlds may not be opened.
        WorkFailed: a cell ended in an error.
    """
    with alone(experiment.identifier, build):
        store = Store(experiment, build)

        def first() -> list[Unit]:
            return first_trials(experiment, store)[:at_most]

        def second() -> list[Unit]:
            return second_trials(experiment, store) + bound_units(experiment)

        # Trials are drawn and defaults checked before anything is started.
        stages = [first, second, first, second] if at_most is None else [first]
        with Workers(num_workers) as workers:
            for units in stages:
                do(experiment, units(), store, workers, folder, "tuning")
            if only_tuning or at_most is not None:
                return store
            if before_fresh is not None:
                before_fresh(store)
            open_fresh(experiment, folder, results)
            chosen = choices(experiment, store)
            units = prefix_units(experiment, chosen) + cell_units(
                experiment,
                store,
                wanted_cells(experiment),
                lambda name, point: options_at(experiment, chosen[name], point),
            )
            do(experiment, units, store, workers, folder, "measuring")
    return store


def do(
    experiment: Experiment,
    units: list[Unit],
    store: Store,
    workers: Workers,
    folder: Path,
    word: str,
) -> None:
    """Do what of some units is not in the log; the word says what, beside the bar."""
    missing = [unit for unit in units if not is_done(unit, store)]
    head = {"folder": str(folder), "identifier": experiment.identifier}
    head["sha256"] = experiment.sha256()
    total = sum(len(unit.get("cells", unit.get("runs", [0]))) for unit in missing)
    with progress_bar(None, total, 0) as bar:
        bar.set_description_str(f"{experiment.identifier}, {word}")
        for entry in workers.run([head | {"unit": unit} for unit in missing]):
            store.add(entry)
            bar.update(1)
