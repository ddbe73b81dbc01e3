"""The longer run: would a contrast of runs that were cut short be another one, had they gone on?

The chosen recipes of its arms are trained on the tuning worlds at their cap and at three times it.
"""

import functools
from typing import Any

import numpy as np

from experiments.engine import findings, records, tuning
from experiments.engine.contrasts import Contrast
from experiments.engine.declaration import Experiment
from experiments.engine.differences import COLUMNS, Compared, cells_of, table_of
from experiments.engine.running import Places, Session

TIMES = 3


def longer(experiment: Experiment, places: Places) -> dict[str, dict[str, Any]]:
    """Make the longer run of each finding that needs one, and take it into the record.

    Args:
        experiment: the declaration.
        places: where.

    Returns:
        Dict of finding to what is recorded of it now.

    Raises:
        Refused: there is no record that answers for the declaration.
    """
    results = places.results
    record = records.answering(experiment, results)
    options_of = functools.partial(records.options_of, experiment, record)
    table = records.read_table(experiment.identifier, results).reindex(columns=COLUMNS)

    def is_unfinished(contrast: Contrast) -> bool:
        is_short = "cut_short" in record["findings"][contrast.finding]
        return is_short or bool(findings.at_cap(Compared(experiment, contrast, table)))

    contrasts = [c for c in experiment.contrasts if is_unfinished(c)]
    if not contrasts:
        return {}
    wanted = cells_of(experiment, contrasts, tuning.runs(experiment))
    tables = []
    with Session(experiment, places) as session:
        for times in (1, TIMES):
            session.do(session.cell_units(wanted, options_of, times), f"{times} times the epochs")
            of_times = table_of(experiment, session.store, wanted, times)
            if experiment.is_real:  # its initialisations are paired as worlds are
                of_times = of_times.assign(world=of_times["initialisation"], initialisation=0)
            tables.append(of_times)
    found = {}
    for contrast in contrasts:
        finding = record["findings"][contrast.finding]
        pair = [Compared(experiment, contrast, one).differences(finding["unit"]) for one in tables]
        effects = [float(np.nanmean(differences)) for differences in pair]
        found[contrast.finding] = findings.finished(finding, contrast, *effects)
    record["findings"] |= found
    records.write_manifest(record, results)
    return found
