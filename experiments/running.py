"""Runs an experiment: what is declared and not yet in its log, on two processes of one thread.

Killed at any point and started again, it goes on and ends with the same table.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments import tuning
from experiments.arms import VARIED, Arm
from experiments.declaration import TUNING_WORLDS, Experiment
from experiments.registry import FOLDER
from experiments.store import BUILD, Store
from experiments.workers import NUM_WORKERS, Workers
from recsys_lib.locks import locked
from recsys_lib.training.progress import progress_bar

NUM_INITIALISATIONS = 4
"""Of each arm on its first world: their spread is what replay on another machine allows."""
REAL_INITIALISATIONS = 5

Unit = dict[str, Any]


class Refused(RuntimeError):
    """A run that must not begin; the message is one line."""


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


def first_trials(experiment: Experiment) -> list[Unit]:
    """Every trial of every arm on the first tuning world, the defaults before all others."""
    first = [list(tuning.runs(experiment)[0])]
    units = [
        {"kind": "tune", "arm": arm.name, "trial": trial, "point": point, "runs": [run]}
        for point in experiment.tuning_points
        for arm in tuned_arms(experiment)
        for trial in range(len(tuning.trials(arm)))
        for run in first
    ]
    return sorted(units, key=lambda unit: unit["trial"])


def second_trials(experiment: Experiment, store: Store) -> list[Unit]:
    """The best trials of every arm on the other tuning worlds."""
    (world, initialisation), *others = tuning.runs(experiment)
    units = []
    for point in experiment.tuning_points:
        for arm in tuned_arms(experiment):
            scores = [
                store.value("tune", arm.name, trial, point, world, initialisation)["score"]
                for trial in range(len(tuning.trials(arm)))
            ]
            units += [
                {
                    "kind": "tune",
                    "arm": arm.name,
                    "trial": trial,
                    "point": point,
                    "runs": [list(one) for one in others],
                }
                for trial in sorted(tuning.best(scores))
            ]
    return units


def choices(experiment: Experiment, store: Store) -> dict[str, dict[Any, tuning.Choice]]:
    """What was chosen, once the trials are in the log.

    Args:
        experiment: the declaration.
        store: its log.

    Returns:
        Dict of arm to dict of tuning point to ``Choice``; heirs have that of their arm.
    """
    found: dict[str, dict[Any, tuning.Choice]] = {}
    runs = tuning.runs(experiment)
    for arm in tuned_arms(experiment):
        found[arm.name] = {}
        for point in experiment.tuning_points:
            scores: dict[int, list[float | None]] = {}
            for trial in range(len(tuning.trials(arm))):
                keys = [("tune", arm.name, trial, point, *run) for run in runs]
                if all(key in store.done for key in keys):
                    scores[trial] = [store.value(*key)["score"] for key in keys]
            found[arm.name][point] = tuning.choose(arm, scores)
    for arm in experiment.arms:
        if arm.inherits is not None:
            found[arm.name] = found[arm.inherits]
    return found


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


def wanted_cells(experiment: Experiment) -> dict[tuple[Any, int], list[tuple[str, int]]]:
    """All cells on fresh worlds: point and world to arm and initialisation."""
    wanted: dict[tuple[Any, int], list[tuple[str, int]]] = {}

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
        arms = [experiment.arm(name) for name in experiment.others(headline)]
        for arm in arms:
            for world in experiment.worlds_of(arm):
                want(arm, VARIED, world, 0)
    return wanted


def cell_units(experiment: Experiment, store: Store) -> list[Unit]:
    """The missing cells, a unit for each point and world, and the missing prefixes."""
    chosen = choices(experiment, store)
    units: list[Unit] = [
        {
            "kind": "prefix",
            "arm": arm.name,
            "world": experiment.worlds_of(arm)[0],
            "choice": options_at(experiment, chosen[arm.name], experiment.points[0]),
        }
        for arm in experiment.arms
    ]
    for (point, world), cells in wanted_cells(experiment).items():
        missing = [one for one in cells if ("cell", one[0], point, world, one[1]) not in store.done]
        if not missing:
            continue
        names = dict.fromkeys(name for name, _ in missing)
        unit: Unit = {
            "kind": "cells",
            "point": point,
            "world": world,
            "cells": [list(one) for one in missing],
            "choices": {name: options_at(experiment, chosen[name], point) for name in names},
        }
        if experiment.is_real:
            unit["predictions"] = {
                f"{name}/{number}": str(store.predictions(name, number)) for name, number in missing
            }
        # On one log there is one world: each arm is a unit, or one process would do all.
        units += _apart(unit) if experiment.is_real else [unit]
    return units


def _apart(unit: Unit) -> list[Unit]:
    names = dict.fromkeys(name for name, _ in unit["cells"])
    return [unit | {"cells": [one for one in unit["cells"] if one[0] == name]} for name in names]


def is_done(unit: Unit, store: Store) -> bool:
    """Whether everything of a unit is in the log."""
    if unit["kind"] == "tune":
        key = ("tune", unit["arm"], unit["trial"], unit["point"])
        return all((*key, *run) in store.done for run in unit["runs"])
    if unit["kind"] == "bounds":
        return ("bounds", unit["point"], unit["world"]) in store.done
    if unit["kind"] == "prefix":
        return ("prefix", unit["arm"], unit["world"]) in store.done
    return False


def open_block(experiment: Experiment, store: Store) -> None:
    """Note under which declaration the fresh worlds are run.

    Args:
        experiment: the declaration.
        store: its log.

    Raises:
        Refused: they were run before under another declaration.
    """
    if experiment.is_real:
        return
    key = ("opened", f"{experiment.worlds[0]}:{experiment.worlds[1]}")
    sha = experiment.sha256()
    if key in store.done and store.value(*key) != sha:
        raise Refused(
            f"{experiment.identifier}: worlds {key[1]} were run under another declaration; "
            "expected a new block in `worlds` and a line in `amendments`"
        )
    store.add({"key": list(key), "value": sha, "seconds": 0.0})


def run(
    experiment: Experiment,
    *,
    folder: Path = FOLDER,
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
        build: folder of all runs.
        num_workers: processes.
        only_tuning: stop before the fresh worlds.
        at_most: units of tuning, to measure how long they take; then stop.
        before_fresh: called with the log between tuning and the fresh worlds; it may raise.

    Returns:
        The log.

    Raises:
        Refused: another process runs it, or its worlds were run under another declaration.
        WorkFailed: a cell ended in an error.
    """
    # Trials are drawn and defaults checked before anything is started.
    stages: list[Callable[[], list[Unit]]] = [lambda: first_trials(experiment)]
    with alone(experiment.identifier, build):
        store = Store(experiment, build)
        if at_most is None:
            stages.append(lambda: second_trials(experiment, store) + bound_units(experiment))
        with Workers(num_workers) as workers:
            for units in stages:
                _do(experiment, units()[:at_most], store, workers, folder, "tuning")
            if only_tuning or at_most is not None:
                return store
            if before_fresh is not None:
                before_fresh(store)
            open_block(experiment, store)
            _do(experiment, cell_units(experiment, store), store, workers, folder, "measuring")
    return store


def _do(experiment, units, store, workers, folder, word):
    missing = [unit for unit in units if not is_done(unit, store)]
    head = {"folder": str(folder), "identifier": experiment.identifier}
    head["sha256"] = experiment.sha256()
    jobs = [head | {"unit": json.loads(json.dumps(unit))} for unit in missing]
    total = sum(len(unit.get("cells", unit.get("runs", [0]))) for unit in missing)
    with progress_bar(None, total, 0) as bar:
        bar.set_description_str(f"{experiment.identifier}, {word}")
        for entry in workers.run(jobs):
            store.add(entry)
            bar.update(1)
