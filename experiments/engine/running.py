"""Runs an experiment: what is declared and not yet in its log, on two processes of one thread.

Killed at any point and started again, it goes on and ends with the same table.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from experiments.engine import tuning
from experiments.engine.arms import VARIED, Arm
from experiments.engine.blocks import Refused, open_fresh
from experiments.engine.declaration import TUNING_WORLDS, Experiment
from experiments.engine.registry import FOLDER
from experiments.engine.store import BUILD, Store
from experiments.engine.workers import NUM_WORKERS, Workers
from recsys_lib.locks import locked
from recsys_lib.training.run import progress_bar

NUM_INITIALISATIONS = 4
"""Of each arm on its first world: their spread is what replay on another machine allows."""
REAL_INITIALISATIONS = 5

Unit = dict[str, Any]
Wanted = dict[tuple[Any, int], list[tuple[str, int]]]
"""Point and world to arm and initialisation."""


@contextlib.contextmanager
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


class Tried(NamedTuple):
    """The trials of an arm at a point.

    Attributes:
        options: of each trial.
        scores: of each, in the tuning runs that were made of it; None if not finite.
        choice: None until all that it needs is in the log.
    """

    options: list[tuning.Options]
    scores: list[list[float | None]]
    choice: tuning.Choice | None


def trial_units(experiment: Experiment, store: Store, only_best: bool) -> list[Unit]:
    """Every trial of every arm on the first tuning world, the defaults before all others.

    Args:
        experiment: the declaration.
        store: its log.
        only_best: instead the best trials of every arm on the other tuning worlds.
    """
    first, *others = tuning.runs(experiment)
    units = []
    for point in experiment.tuning_points:
        for arm in tuned_arms(experiment):
            options, scores, _ = tried(experiment, store, arm, point)
            best = tuning.best([one[0] for one in scores]) if only_best else range(len(options))
            for trial in best:
                head = ("tune", arm.name, trial, point)
                keys = [(*head, *run) for run in (others if only_best else [first])]
                units.append({"keys": keys, "options": {arm.name: options[trial]}})
    return sorted(units, key=lambda unit: unit["keys"][0][2])


def tried(experiment: Experiment, store: Store, arm: Arm, point: Any) -> Tried:
    """The trials of an arm at a point, and what was chosen among them.

    In the second protocol a choice on the edge of the space extends it, once.

    Args:
        experiment: the declaration.
        store: its log.
        arm: that is tuned itself.
        point: of tuning.
    """

    def among(options: list[tuning.Options], space: tuning.Space) -> Tried:
        keys = [("tune", arm.name, trial, point) for trial in range(len(options))]
        runs = [[(*key, *run) for run in tuning.runs(experiment)] for key in keys]
        scores = [[store.value(*key)["score"] for key in of if key in store.done] for of in runs]
        whole = {trial: one for trial, one in enumerate(scores) if len(one) == len(TUNING_WORLDS)}
        choice = None
        if all(scores) and set(tuning.best([one[0] for one in scores])) <= set(whole):
            choice = tuning.choose(options, space, whole)
        return Tried(options, scores, choice)

    found = among(tuning.trials(arm), arm.space)
    if experiment.protocol > 1 and found.choice is not None and found.choice.edges:
        more, space = tuning.extended(arm.space, found.choice)
        found = among([*found.options, *more], space)
    return found


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
    for arm in tuned_arms(experiment):
        for point in experiment.tuning_points:
            choice = tried(experiment, store, arm, point).choice
            if choice is None:
                raise ValueError(f"arm {arm.name!r}: expected a trial with finite losses, got none")
            found.setdefault(arm.name, {})[point] = choice
    return found | {arm.name: found[arm.inherits] for arm in experiment.arms if arm.inherits}


def bound_units(experiment: Experiment) -> list[Unit]:
    """The gap in each tuning world, which decides the unit of what is said."""
    points = () if experiment.is_real else experiment.points
    return [{"keys": [("bounds", point, world)]} for point in points for world in TUNING_WORLDS]


def wanted_cells(experiment: Experiment) -> Wanted:
    """All cells on fresh worlds, with several initialisations on the first of them."""
    wanted: Wanted = {}
    several = REAL_INITIALISATIONS if experiment.is_real else NUM_INITIALISATIONS
    for arm in experiment.arms:
        worlds = experiment.worlds_of(arm)
        is_chief = experiment.headline is not None and arm.name in experiment.chief.arms
        for point in (*experiment.points, *([VARIED] if is_chief else [])):
            for world in worlds:
                is_first = point == experiment.points[0] and world == worlds[0]
                cells = wanted.setdefault((point, world), [])
                cells += [(arm.name, number) for number in range(several if is_first else 1)]
    return wanted


def kind_of(times: int | None) -> str:
    """How the log calls a cell, or one of a longer run."""
    return "cell" if times is None else f"cell, {times} times the epochs"


class Places(NamedTuple):
    """Where an experiment is declared, recorded and run, and by how many processes.

    Attributes:
        results: folder of the records, in which opened worlds are noted.
        folder: of the declarations.
        build: folder of all runs.
        num_workers: processes.
    """

    results: Path
    folder: Path = FOLDER
    build: Path = BUILD
    num_workers: int = NUM_WORKERS


class Session(contextlib.ExitStack):
    """One experiment that is run, alone, by some workers.

    Args:
        experiment: the declaration.
        places: where.

    Raises:
        Refused: another process runs it.
    """

    def __init__(self, experiment: Experiment, places: Places) -> None:
        super().__init__()
        self.experiment, self.places = experiment, places

    def __enter__(self) -> Self:
        self.enter_context(alone(self.experiment.identifier, self.places.build))
        self.store = Store(self.experiment, self.places.build)
        self._workers = self.enter_context(Workers(self.places.num_workers))
        return self

    def do(self, units: Iterable[Unit], word: str) -> None:
        """Do what of some units is not in the log; the word says what, beside the bar."""
        job = {"folder": str(self.places.folder), "identifier": self.experiment.identifier}
        job["sha256"] = self.experiment.sha256()
        jobs, total = [], 0
        for unit in units:
            if missing := [key for key in unit["keys"] if key not in self.store.done]:
                jobs.append(job | {"unit": unit | {"keys": missing}})
                total += len(missing)
        with progress_bar(None, total, 0) as bar:
            bar.set_description_str(f"{self.experiment.identifier}, {word}")
            for entry in self._workers.run(jobs):
                self.store.add(entry)
                bar.update(1)

    def cell_units(
        self, wanted: Wanted, options_of: Callable[[str, Any], Any], times: int | None = None
    ) -> list[Unit]:
        """Cells, a unit for each point and world.

        Args:
            wanted: which ones.
            options_of: from an arm and a point to the tuned options.
            times: of a longer run, as for ``experiments.engine.cells.measure``.
        """
        units: list[Unit] = []
        for (point, world), cells in wanted.items():
            names = dict.fromkeys(name for name, _ in cells)
            # On one log there is one world: each arm is a unit, or one process would do all.
            for part in [[name] for name in names] if self.experiment.is_real else [names]:
                keys = [(kind_of(times), one, point, world, n) for one, n in cells if one in part]
                options = {name: options_of(name, point) for name in part}
                kept = str(self.store.folder) if self.experiment.is_real and not times else None
                units.append({"keys": keys, "options": options, "times": times, "kept": kept})
        return units


def run(
    experiment: Experiment,
    places: Places,
    *,
    only_tuning: bool = False,
    at_most: int | None = None,
    before_fresh: Callable[[Store], None] = lambda store: None,
) -> Store:
    """Measure all that is missing.

    Args:
        experiment: the declaration.
        places: where.
        only_tuning: stop before the fresh worlds.
        at_most: units of tuning, to measure how long they take; then stop.
        before_fresh: called with the log between tuning and the fresh worlds; it may raise.

    Returns:
        The log.

    Raises:
        Refused: another process runs it, or its worlds may not be opened.
        WorkFailed: a cell ended in an error.
    """
    with Session(experiment, places) as session:
        store = session.store
        session.do(trial_units(experiment, store, False)[:at_most], "tuning")
        if at_most is not None:
            return store
        session.do(bound_units(experiment), "tuning")
        # Once more beyond the edges of the spaces, if a choice lies there.
        for only_best in (True, False, True):
            session.do(trial_units(experiment, store, only_best), "tuning")
        if only_tuning:
            return store
        before_fresh(store)
        open_fresh(experiment, places.folder, places.results)
        chosen = choices(experiment, store)

        def options_of(name: str, point: Any) -> tuning.Options:
            return chosen[name][experiment.tuned_at(point)].options

        units: list[Unit] = []
        for arm in experiment.arms:
            beginning = ("prefix", arm.name, experiment.worlds_of(arm)[0])
            options = {arm.name: options_of(arm.name, experiment.points[0])}
            units.append({"keys": [beginning], "options": options})
        units += session.cell_units(wanted_cells(experiment), options_of)
        session.do(units, "measuring")
    return store
