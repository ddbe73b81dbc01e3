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

from experiments import running
from experiments.contrasts import MEASURES
from experiments.declaration import Experiment
from experiments.differences import Compared, unit_of
from experiments.findings import rounded, shown, summed_up
from experiments.store import Store, predictions_path
from recsys_lib.data.splits import Split
from recsys_lib.training.metrics import PROBABILITY_CLIP
from recsys_pipeline.leaderboard import resampling
from recsys_pipeline.leaderboard.resampling import Log, difference

ON_LOG = ("auc", "gauc", "log_loss")
"""Measures of a log."""

Measured = dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]


class UserSums(NamedTuple):
    """What a record keeps of the users of a log, to compute its verdicts again.

    Attributes:
        rows, clicks: ``(users,)``, test rows of each user, and those with label 1.
        arms: name to ``(4, users)`` float32, means over the initialisations: pairs of a click and
            another row of the user that the arm ranks rightly, ties half; the loss; the pairs of
            the user's clicks, and those of the user's other rows, with rows of all users.
    """

    rows: np.ndarray
    clicks: np.ndarray
    arms: dict[str, np.ndarray]

    @classmethod
    def of(cls, log: Log, predictions: Mapping[str, Iterable[ArrayLike]]) -> "UserSums":
        """The sums of arms whose predictions of each initialisation are given."""
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
    rows = pd.DataFrame({"user": log.users, "click": log.labels > 0.5, "score": scores})
    whole, own = rows["score"].rank(), rows.groupby("click")["score"].rank()
    here = rows.groupby("user")["score"].rank()
    here -= rows.groupby(["user", "click"])["score"].rank()
    clicks = rows["click"].to_numpy()
    # A rank among all rows less that among rows of the same label counts the others below.
    below = (whole - own).to_numpy()
    p = np.clip(np.asarray(scores, np.float64), PROBABILITY_CLIP, 1 - PROBABILITY_CLIP)
    of_rows = (
        np.where(clicks, here, 0),
        -np.where(clicks, np.log(p), np.log1p(-p)),
        np.where(clicks, below, 0),
        np.where(clicks, 0, clicks.sum() - below),
    )
    return np.stack([np.bincount(log.users, one) for one in of_rows])


def log_of(split: Split) -> Log:
    """The test rows as the sums of users read them.

    Args:
        split: of one task; ``group`` is the user.
    """
    return Log(split.label, np.unique(split.group, return_inverse=True)[1])


def measured(
    users: UserSums, table: pd.DataFrame, num_draws: int = resampling.NUM_DRAWS
) -> Measured:
    """Each measure of each arm, on the log and in every draw of users, better above.

    In a draw the pooled AUC is that of the log and the sum of what each drawn user adds to it (the
    linear part, which is what the variance rests on); GAUC and log loss are exact.

    Args:
        users: the sums.
        table: cells, which hold the measures of each initialisation.
        num_draws: of the bootstrap.

    Returns:
        Dict of measure to dict of arm to measures ``(initialisations,)`` and ``(draws,)`` of the
        mean over them.

    Source: Obuchowski 1997, "Nonparametric Analysis of Clustered ROC Curve Data", for the sums.
    """
    numbers = np.arange(len(users.rows))
    weights = resampling.user_weights(Log(numbers, numbers), num_draws).astype(np.float64)
    others = users.rows - users.clicks
    pairs, all_pairs = users.clicks * others, users.clicks.sum() * others.sum()
    has_both = pairs > 0
    found: Measured = {name: {} for name in ON_LOG}
    for arm, sums in users.arms.items():
        wins, loss, above, below = sums.astype(np.float64)
        auc = above.sum() / all_pairs
        share = users.clicks / users.clicks.sum() + others / others.sum()
        of_user = np.where(has_both, users.rows * wins / np.maximum(pairs, 1), 0)
        drawn = {
            "auc": auc + weights @ ((above + below) / all_pairs - auc * share),
            "gauc": (weights @ of_user) / (weights @ (users.rows * has_both)),
            "log_loss": (weights @ loss) / (weights @ users.rows),
        }
        runs = table[(table["model"] == arm) & (table["slice"] == "all")]
        for name, values in drawn.items():
            sign, _ = MEASURES[name]
            found[name][arm] = (sign * runs[name].to_numpy(np.float64), sign * values)
    return found


def predictions_of(experiment: Experiment, store: Store) -> dict[str, list[np.ndarray]]:
    """The predictions of all arms, as the run left them.

    Raises:
        ValueError: a file is missing or has another number of rows.
    """
    found, numbers = {}, range(running.REAL_INITIALISATIONS)
    for arm in experiment.arms:
        paths = [predictions_path(store.folder, arm.name, number) for number in numbers]
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
        Dict of finding to dict, as ``experiments.findings.summed_up`` gives it; ``worlds`` is the
        number of users.
    """
    found = {}
    for contrast in experiment.contrasts:
        a, b = (results[contrast.measure][name] for name in contrast.arms)
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
        references: names of arms.
        num_users: of the log.

    Returns:
        Dict of measure to dict of reference to dict of arm to effect and interval.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in results}
    for name, reference in itertools.product(results, references):
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
