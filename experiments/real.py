"""What is said of a real log: five initialisations, a bootstrap over users, two references.

It speaks of this log and this split. The half-width of a pair's interval is the resolution: what
differs by less cannot be told apart here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from experiments.contrasts import MEASURES, Contrast
from experiments.declaration import DATA_MARGINS, Experiment
from experiments.findings import CHANCE, rounded, summed_up
from experiments.running import REAL_INITIALISATIONS
from experiments.statistics import FAILED_SHARE
from experiments.store import Store
from recsys_lib.data.splits import Split
from recsys_lib.training.intervals import Interval, verdict
from recsys_pipeline.leaderboard.resampling import (
    NUM_DRAWS,
    Log,
    difference,
    measure,
    scoreboard,
    user_weights,
)

OF_LOGS = ("auc", "log_loss")
UNITS = {"auc": "AUC", "log_loss": "nats"}

Measured = dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]


def log_of(split: Split) -> Log:
    """The test rows as the bootstrap reads them.

    Args:
        split: of one task; ``group`` is the user.
    """
    return Log(split.label, np.unique(split.group, return_inverse=True)[1])


def measured(
    log: Log, predictions: Mapping[str, list[np.ndarray]], num_draws: int = NUM_DRAWS
) -> Measured:
    """Each measure of each arm, on the log and in every draw of users, better above.

    Args:
        log: the test rows.
        predictions: arm to predictions of its initialisations.
        num_draws: of the bootstrap.

    Returns:
        Dict of measure to dict of arm to what
            ``recsys_pipeline.leaderboard.resampling.measure`` gives.
    """
    weights = user_weights(log, num_draws)
    found: Measured = {}
    for name in OF_LOGS:
        sign = MEASURES[name]
        found[name] = {}
        for arm, scores in predictions.items():
            own, drawn = measure(scores, log, name, weights)
            found[name][arm] = (sign * own, sign * drawn)
    return found


def predictions_of(experiment: Experiment, store: Store) -> dict[str, list[np.ndarray]]:
    """The predictions of all arms, as the run left them.

    Raises:
        ValueError: a file is missing or has another number of rows.
    """
    found: dict[str, list[np.ndarray]] = {}
    for arm in experiment.arms:
        paths = [store.predictions(arm.name, one) for one in range(REAL_INITIALISATIONS)]
        if missing := [path.name for path in paths if not path.is_file()]:
            raise ValueError(f"arm {arm.name!r}: expected its predictions, {missing[0]} is missing")
        found[arm.name] = [np.fromfile(path, np.float32) for path in paths]
    if len({len(one) for several in found.values() for one in several}) > 1:
        raise ValueError("predictions: expected as many rows of all arms, got different ones")
    return found


def findings(
    experiment: Experiment, results: Measured, table: pd.DataFrame, num_users: int
) -> dict[str, dict[str, Any]]:
    """What is recorded of the contrasts of an experiment on a log.

    Args:
        experiment: the declaration.
        results: of ``measured``.
        table: the cells, in which failed runs are seen.
        num_users: of the log.

    Returns:
        Dict of finding to dict, as ``experiments.findings.finding_of`` gives it; ``worlds`` is the
        number of users.
    """
    return {
        contrast.finding: _finding(experiment, contrast, results, table, num_users)
        for contrast in experiment.contrasts
    }


def _finding(experiment, contrast, results, table, num_users):
    unit, margin = UNITS[contrast.measure], margin_of(experiment, contrast)
    of = results[contrast.measure]
    a, *rivals = experiment.others(contrast)
    parts = []
    for rival in rivals:
        found = difference(of[a], of[rival], num_users)
        parts.append(
            {
                "text": f"{a} to {rival}",
                **_shown(found, unit),
                "worlds": num_users,
                "verdict": verdict(found, margin),
                "reversed": found.high < -margin,
            }
        )
    failed = {}
    for name in (a, *rivals):
        runs = table[(table["model"] == name) & (table["slice"] == "all")]
        count = int((runs["auc"].isna() | (runs["auc"] <= CHANCE)).sum())
        if count >= max(1, FAILED_SHARE * len(runs)):
            failed[name] = (count, len(runs))
    return summed_up(contrast, unit, margin, parts, failed) | {"users": True}


def margin_of(experiment: Experiment, contrast: Contrast) -> float:
    """The margin of a contrast on real data: its own, or the data set's."""
    if contrast.margin is not None:
        return contrast.margin
    return DATA_MARGINS[str(experiment.data)]


def scoreboards(
    results: Measured, references: Iterable[str], num_users: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """Each arm's difference to the references, at 95 % over the whole column.

    Args:
        results: of ``measured``.
        references: names of arms.
        num_users: of the log.

    Returns:
        Dict of measure to dict of reference to dict of arm to effect and interval.
    """
    return {
        name: {
            reference: {
                arm: _shown(found, UNITS[name])
                for arm, found in scoreboard(of, reference, num_users).items()
            }
            for reference in references
        }
        for name, of in results.items()
    }


def resolution(results: Measured, num_users: int) -> dict[str, dict[str, float]]:
    """The half-width of every pair's interval: what this log can tell apart.

    Args:
        results: of ``measured``.
        num_users: of the log.

    Returns:
        Dict of measure to dict of ``"a to b"`` to half-width.
    """
    found: dict[str, dict[str, float]] = {}
    for name, of in results.items():
        arms = list(of)
        found[name] = {
            f"{a} to {b}": rounded(difference(of[a], of[b], num_users).half_width, UNITS[name])
            for place, a in enumerate(arms)
            for b in arms[place + 1 :]
        }
    return found


def _shown(found: Interval, unit: str) -> dict[str, Any]:
    ends = [rounded(found.low, unit), rounded(found.high, unit)]
    return {"effect": rounded(found.mean, unit), "interval": ends}
