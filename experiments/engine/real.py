"""What is said of a real log: five initialisations, a bootstrap over users, two references.

It speaks of this log and this split. The half-width of a pair's interval is the resolution: what
differs by less cannot be told apart here. Everything follows from sums of each user, which are
kept with the record, so that verdicts can be computed again where the log is absent.
"""

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from experiments.engine.contrasts import MEASURES
from experiments.engine.declaration import Experiment
from experiments.engine.differences import Compared, unit_of
from experiments.engine.findings import rounded, shown, summed_up
from experiments.engine.running import REAL_INITIALISATIONS
from experiments.engine.store import Store, predictions_path
from recsys_lib.data.splits import Split
from recsys_lib.training.metrics import PROBABILITY_CLIP
from recsys_pipeline.leaderboard import resampling
from recsys_pipeline.leaderboard.resampling import Log, difference

ON_LOG = ("auc", "gauc", "log_loss")
"""Measures of a log."""

Measured = dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]


class UserSums(NamedTuple):
    """What a record keeps of the users of a log for one task, to compute its verdicts again.

    Attributes:
        rows, clicks: ``(users,)``, test rows of each user, and those with label 1.
        arms: name to ``(4, users)`` float32, means over the initialisations: pairs of a click and
            another row of the user that the arm ranks rightly where the user's columns are held
            still, ties half; the loss; the pairs of the user's clicks, and those of the user's
            other rows, with rows of all users.
    """

    rows: np.ndarray
    clicks: np.ndarray
    arms: dict[str, np.ndarray]

    @classmethod
    def of(cls, log: Log, predictions: Mapping[str, Iterable[ArrayLike]]) -> "UserSums":
        """The sums of arms whose predictions of each initialisation are given.

        Args:
            log: of the test rows.
            predictions: arm to ``(2, rows)`` for each initialisation: of the rows as they are, and
                with the user's columns held still.
        """
        arms = {
            name: np.mean([_sums(one, log) for one in several], axis=0).astype(np.float32)
            for name, several in predictions.items()
        }
        return cls(np.bincount(log.users), np.bincount(log.users, log.labels).astype(int), arms)

    def write(self, path: Path) -> None:
        """Write them in one compressed file."""
        rows, clicks = self.rows.astype(np.int32), self.clicks.astype(np.int32)
        names, sums = np.array(list(self.arms)), np.stack(list(self.arms.values()))
        np.savez_compressed(path, rows=rows, clicks=clicks, names=names, sums=sums)

    @classmethod
    def read(cls, path: Path) -> "UserSums":
        """Read what ``write`` wrote."""
        with np.load(path) as kept:
            arms = dict(zip(kept["names"].tolist(), kept["sums"], strict=True))
            return cls(kept["rows"], kept["clicks"], arms)


def _sums(scores: ArrayLike, log: Log) -> np.ndarray:
    scores, still = np.asarray(scores)
    rows = pd.DataFrame({"user": log.users, "click": log.labels > 0.5, "score": scores})
    whole, own = rows["score"].rank(), rows.groupby("click")["score"].rank()
    rows["still"] = still
    here = rows.groupby("user")["still"].rank()
    here -= rows.groupby(["user", "click"])["still"].rank()
    clicks = rows["click"].to_numpy()
    # A rank among all rows less that among rows of the same label counts the others below.
    below = (whole - own).to_numpy()
    p = np.clip(scores.astype(np.float64), PROBABILITY_CLIP, 1 - PROBABILITY_CLIP)
    of_rows = (
        np.where(clicks, here, 0),
        -np.where(clicks, np.log(p), np.log1p(-p)),
        np.where(clicks, below, 0),
        np.where(clicks, 0, clicks.sum() - below),
    )
    return np.stack([np.bincount(log.users, one) for one in of_rows])


def orders_of(test: Split, predictions: Mapping[str, Iterable[ArrayLike]]) -> dict[str, np.ndarray]:
    """The order of each user's rows under each arm: what any grouping within users is judged by.

    Args:
        test: the rows, with pages.
        predictions: as for ``UserSums.of``.

    Returns:
        ``user``, ``page``, ``click`` ``(rows,)``; ``arms``, their names; ``places``
        ``(arms, initialisations, rows)``, the place of a row among its user's rows, which are held
        still. Equal scores have one place.
    """
    user = np.unique(test.group, return_inverse=True)[1].astype(np.int32)
    places = np.array(
        [
            [pd.Series(np.asarray(one)[1]).groupby(user).rank("dense") for one in several]
            for several in predictions.values()
        ]
    )
    places = places.astype(np.min_scalar_type(int(places.max())))
    rows = {"user": user, "page": test.group_of("page").astype(np.int32), "click": test.label > 0.5}
    return rows | {"arms": np.array(list(predictions)), "places": places}


Users = dict[str, UserSums]
"""Task to its sums; that of a log with a single one is called ``""``."""


def tasks_of(table: pd.DataFrame) -> list[str]:
    """The tasks of a log's cells, in alphabetical order; ``""`` alone where there is but one."""
    found = sorted(table["task"].unique())
    return found if len(found) > 1 else [""]


def named(measure: str, task: str | None) -> str:
    """How results call a measure of a task, ``"auc of like"``; ``"auc"`` of a single one."""
    return f"{measure} of {task}" if task else measure


def log_of(split: Split, task: str) -> Log:
    """The test rows as the sums of users read them.

    Args:
        split: ``group`` is the user.
        task: which one; ``""`` of a single one.
    """
    label = split.labels[task] if task else split.label
    return Log(label, np.unique(split.group, return_inverse=True)[1])


def measured(users: Users, table: pd.DataFrame, num_draws: int = resampling.NUM_DRAWS) -> Measured:
    """Each measure of each arm, on the log and in every draw of users, better above.

    In a draw the pooled AUC is that of the log and the sum of what each drawn user adds to it (the
    linear part, which is what the variance rests on); GAUC and log loss are exact.

    Args:
        users: the sums.
        table: cells, which hold the measures of each initialisation.
        num_draws: of the bootstrap.

    Returns:
        Dict of measure, as ``named`` has it, to dict of arm to measures ``(initialisations,)``
        and ``(draws,)`` of the mean over them.

    Source: Obuchowski 1997, "Nonparametric Analysis of Clustered ROC Curve Data", for the sums.
    """
    found: Measured = {}
    for task, (rows, clicks, arms) in users.items():
        numbers, others = np.arange(len(rows)), rows - clicks
        weights = resampling.user_weights(Log(numbers, numbers), num_draws).astype(np.float64)
        pairs, all_pairs = clicks * others, clicks.sum() * others.sum()
        has_both = pairs > 0
        for arm, sums in arms.items():
            wins, loss, above, below = sums.astype(np.float64)
            auc = above.sum() / all_pairs
            share = clicks / clicks.sum() + others / others.sum()
            of_user = np.where(has_both, rows * wins / np.maximum(pairs, 1), 0)
            drawn = {
                "auc": auc + weights @ ((above + below) / all_pairs - auc * share),
                "gauc": (weights @ of_user) / (weights @ (rows * has_both)),
                "log_loss": (weights @ loss) / (weights @ rows),
            }
            runs = runs_of(table, arm, task)
            for name, values in drawn.items():
                sign, _ = MEASURES[name]
                both = (sign * runs[name].to_numpy(np.float64), sign * values)
                found.setdefault(named(name, task), {})[arm] = both
    return found


def runs_of(table: pd.DataFrame, arm: str, task: str) -> pd.DataFrame:
    """The cells of an arm on all rows; those of one task, where it has a name."""
    runs = table[(table["model"] == arm) & (table["slice"] == "all")]
    return runs[runs["task"] == task] if task else runs


def predictions_of(experiment: Experiment, store: Store, table: pd.DataFrame) -> dict[str, Any]:
    """The predictions of all arms, as the run left them.

    Args:
        experiment: the declaration.
        store: its log.
        table: its cells, which say the tasks of each arm.

    Returns:
        Dict of task, as ``tasks_of`` has it, to dict of arm to ``(2, rows)`` for each
        initialisation.

    Raises:
        ValueError: a file is missing or has another number of rows.
    """
    found: dict[str, Any] = {task: {} for task in tasks_of(table)}
    for arm in experiment.arms:
        paths = [predictions_path(store.folder, arm.name, n) for n in range(REAL_INITIALISATIONS)]
        if missing := [path.name for path in paths if not path.is_file()]:
            raise ValueError(f"arm {arm.name!r}: expected its predictions, {missing[0]} is missing")
        own = [task for task in found if len(runs_of(table, arm.name, task))]
        whole = [np.fromfile(path, np.float32).reshape(len(own), 2, -1) for path in paths]
        for place, task in enumerate(own):
            found[task][arm.name] = [one[place] for one in whole]
    if len({one.shape for arms in found.values() for of in arms.values() for one in of}) > 1:
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
        Dict of finding to dict, as ``findings.summed_up`` gives it; ``worlds`` is the
        number of users.
    """
    found = {}
    for contrast in experiment.contrasts:
        # A single task is in no name, whether the contrast says which it is or not.
        of = results.get(named(contrast.measure, contrast.task)) or results[contrast.measure]
        a, b = (of[name] for name in contrast.arms)
        compared = Compared(experiment, contrast, table)
        one = summed_up(compared, unit_of(contrast, {}), difference(a, b, num_users))
        found[contrast.finding] = one | {"users": True}
    return found


def scoreboards(
    results: Measured, references: Iterable[str], num_users: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """Each arm's difference to the references, at 95 % over the whole column.

    Args:
        results: of ``measured``.
        references: names of arms; what one of them lacks is not compared with it.
        num_users: of the log.

    Returns:
        Dict of measure to dict of reference to dict of arm to effect and interval.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in results}
    for name, reference in itertools.product(results, references):
        if reference in results[name]:
            board = resampling.scoreboard(results[name], reference, num_users)
            found[name][reference] = {arm: shown(one, name) for arm, one in board.items()}
    return found


def resolution(results: Measured, num_users: int) -> dict[str, dict[str, float]]:
    """The half-width of every pair's interval: what this log can tell apart.

    Args:
        results: of ``measured``.
        num_users: of the log.

    Returns:
        Dict of measure to dict of ``"a to b"`` to half-width.
    """
    return {
        name: {
            f"{a} to {b}": rounded(difference(of[a], of[b], num_users).half_width, name)
            for a, b in itertools.combinations(of, 2)
        }
        for name, of in results.items()
    }
