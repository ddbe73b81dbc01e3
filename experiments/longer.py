"""The longer run: would a contrast of runs that were cut short be another one, had they gone on?

The chosen recipes of its arms are trained on the tuning worlds at their cap and at three times it.
"""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from experiments import records, tuning
from experiments.arms import point_text
from experiments.blocks import Refused
from experiments.cells import cap_of, is_estimator
from experiments.declaration import Experiment
from experiments.differences import differences_of, points_of, table_of
from experiments.findings import at_cap, finished
from experiments.registry import FOLDER, RESULTS
from experiments.running import Session, Wanted
from experiments.store import BUILD
from experiments.workers import NUM_WORKERS

TIMES = 3


def longer(
    experiment: Experiment,
    *,
    folder: Path = FOLDER,
    results: Path = RESULTS,
    build: Path = BUILD,
    num_workers: int = NUM_WORKERS,
) -> dict[str, dict[str, Any]]:
    """Make the longer run of each finding that needs one, and take it into the record.

    Args:
        experiment: the declaration.
        folder: of the declarations.
        results: of the records.
        build: folder of all runs.
        num_workers: processes.

    Returns:
        Dict of finding to what is recorded of it now.

    Raises:
        Refused: there is no record that answers for the declaration.
    """
    reason = records.stale(experiment, results)
    if reason is not None:
        raise Refused(f"{reason}; expected a record of which a run can be longer")
    record = records.read(experiment.identifier, results)
    assert record is not None
    options_of = functools.partial(records.options_of, experiment, record)
    table = with_caps(experiment, options_of, records.read_table(experiment.identifier, results))
    contrasts = [
        one
        for one in experiment.contrasts
        if at_cap(experiment, one, table, points_of(experiment, one))
    ]
    if not contrasts:
        return {}
    wanted: Wanted = {}
    for contrast in contrasts:
        for point in points_of(experiment, contrast):
            for world, initialisation in tuning.runs(experiment):
                cells = wanted.setdefault((point, world), [])
                new = [(name, initialisation) for name in contrast.arms]
                cells += [one for one in new if one not in cells]
    tables = []
    with Session(experiment, folder, build, num_workers) as session:
        for times in (1, TIMES):
            session.do(session.cell_units(wanted, options_of, times), f"{times} times the epochs")
            of_times = table_of(experiment, session.store, wanted, times)
            if experiment.is_real:  # its initialisations are paired as worlds are
                of_times = of_times.assign(world=of_times["initialisation"], initialisation=0)
            tables.append(of_times)
    found = {}
    for contrast in contrasts:
        finding = record["findings"][contrast.finding]
        effects = [
            float(np.nanmean(differences_of(experiment, contrast, one, finding["unit"])))
            for one in tables
        ]
        found[contrast.finding] = finished(finding, contrast, *effects)
    record["findings"] |= found
    records.write_manifest(record, records.paths(experiment.identifier, results)[1])
    return found


def with_caps(experiment: Experiment, options_of: Any, table: Any) -> Any:
    """A table of cells with the epochs that each run might have; old tables do not hold them."""
    caps = {}
    for arm in experiment.arms:
        for point in experiment.points:
            if not is_estimator(arm.function):
                cap = cap_of(experiment, arm, options_of(arm.name, point))
                caps[arm.name, point_text(point)] = cap
    keys = zip(table["model"], table["point"], strict=True)
    return table.assign(cap=[caps.get(key, np.nan) for key in keys])
