"""What the third protocol judges by: the order within a group, and what a calibration leaves.

A score orders the candidates of one page. Its level is mended by a line that is fitted afterwards,
on validation rows; a measure that falls with the level alone says nothing of the order.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from experiments.engine.declaration import Experiment
from recsys_book.base.paths import write_atomically
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.splits import Split
from recsys_lib.training.metrics import PROBABILITY_CLIP, gauc, log_loss, num_pairs, share_of_gap
from recsys_lib.training.validation import ENOUGH_PAIRS
from recsys_pipeline.export.calibration import fit_platt

Row = dict[str, Any]
Predict = Callable[[Split], dict[str, np.ndarray]]


def judged(dataset: Dataset, rows: list[Row], predict: Predict, group: str | None) -> list[Row]:
    """Rows of binary tasks with what judges the order, and the log loss once the level is mended.

    Args:
        dataset: with test rows, and validation rows for the line.
        rows: of a cell, with ``task`` and ``slice``.
        predict: of a split, by task.
        group: which of the split's groups is ranked within; None: the first.

    Returns:
        The rows, with ``gauc`` within that group, ``gauc_gap_closed`` (0 is a random order, 1 that
        of the true probabilities) where these are known, and ``log_loss_platt``, after a line for
        the logit; without this one where scores do not rise with the label.
    """
    test, valid = dataset.test, dataset.valid
    scores, known = predict(test), predict(valid)
    for row in rows:
        if (dataset.tasks or {}).get(task := row["task"]) != "binary" or "log_loss" not in row:
            continue
        chosen = test.slices.get(row["slice"], True) & test.label_masks.get(
            task, np.ones(len(test), bool)
        )
        label, p, groups = (
            of[chosen] for of in (test.labels[task], scores[task], test.group_of(group))
        )
        if num_pairs(label, groups):
            row["gauc"] = gauc(label, p, groups).value
            if task in test.probability:
                best = gauc(label, test.probability[task][chosen], groups).value
                row["gauc_gap_closed"] = float(share_of_gap(row["gauc"], 0.5, best))
        fitted = valid.rows_of(task)
        try:
            line = fit_platt(task, valid.labels[task][fitted], known[task][fitted])
        except ValueError:
            continue
        logit = special.logit(np.clip(p.astype(np.float64), PROBABILITY_CLIP, 1 - PROBABILITY_CLIP))
        mended = special.expit(line.slope * logit + line.intercept)
        row["log_loss_platt"] = log_loss(label, mended)
    return rows


def scored(
    experiment: Experiment,
    dataset: Dataset,
    rows: list[Row],
    predict: Predict,
    on_log: bool,
    path: Path | None,
) -> list[Row]:
    """Rows with what the third protocol judges by, and on a log with the order held still.

    Args:
        experiment: the declaration.
        dataset, rows, predict: as for ``judged``.
        on_log: whether the test rows are those of a log.
        path: file for the predictions of a log's test rows.
    """
    if experiment.protocol > 2:
        rows = judged(dataset, rows, predict, experiment.group)
    if on_log:
        rows = _as_requests(rows, dataset, predict, path, experiment.knobs.get("gap"))
    return rows


def _as_requests(rows, dataset, predict, path, gap):
    """Rows with the GAUC of test rows held still; the predictions are kept where there is a path.

    What is known of a user moves with the user's own labels: what orders the rows of one user by it
    orders no request, for in a request it is the same for all candidates. With a gap, order is
    judged within pages, too, on rows that are held until the user pauses for longer.
    """
    test = dataset.test
    as_is, still = (predict(split) for split in (test, dataset.held_still(test)))
    of_pages = None if gap is None else predict(dataset.held_still(test, gap))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [(as_is[task], still[task]) for task in sorted(as_is)]
        write_atomically(path, np.asarray(kept, np.float32).tobytes())
    for row in rows:
        part = slice(None) if row["slice"] == "all" else test.slices[row["slice"]]
        if "gauc" in row:  # some user has rows of both labels
            label, scores = (of[row["task"]][part] for of in (test.labels, still))
            held = gauc(label, scores, test.group[part]).value
            row |= {"gauc": held, "gauc_moving": row["gauc"]}
            if of_pages is not None:
                of = of_pages[row["task"]][part], test.group_of("page")[part]
                row["gauc_page"] = gauc(label, *of).value
    return rows


def order_score(split: Split, rows: list[Row], group: str | None) -> float | None:
    """What a trial is judged by where the order is: the negative GAUC, the lower the better.

    Args:
        split: the rows that judge.
        rows: of ``judged``.
        group: within which order is what chooses, if it is.

    Returns:
        The mean over the tasks; None where order does not choose, a loss was not finite, or a task
        has fewer pairs in its groups than GAUC needs to tell one trial from another.
    """
    whole = [row for row in rows if row["slice"] == "all"]
    if group is None or any("gauc" not in row for row in whole):
        return None
    groups = split.group_of(group)
    for task in (row["task"] for row in whole):
        chosen = split.rows_of(task)
        if num_pairs(split.labels[task][chosen], groups[chosen]) < ENOUGH_PAIRS:
            return None
    return -float(np.mean([row["gauc"] for row in whole]))
