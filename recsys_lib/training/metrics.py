"""Metrics of a ranking model: exact AUC and GAUC, log loss, calibration, share of a gap closed.

AUC sees only the order of the scores, GAUC only the order within a group, log loss and
calibration only their values. None of them bins or samples, apart from the calibration bins,
which say how they treat ties. Ranks are counted in whole numbers, so AUC does not depend on the
order of the rows, not even in its last digit.

Sources: AUC as the Wilcoxon-Mann-Whitney statistic, Hanley and McNeil (1982); GAUC, Zhou et al.,
"Deep Interest Network" (2018), section 5.3, weighted by impressions; normalized entropy, He et
al., "Practical Lessons from Predicting Clicks on Ads at Facebook" (2014), section 3; expected
calibration error, Naeini et al. (2015).
"""

from typing import NamedTuple

import numpy as np

from recsys_lib.checks import check_integer, rows_where
from recsys_lib.data.arrays import check_numbers

PROBABILITY_CLIP = 1e-6
"""Log loss moves probabilities this far from 0 and 1: a wrong certainty costs 13.8, not infinity
(float32 rounds a sigmoid of 17 to exactly 1)."""


class GroupAUC(NamedTuple):
    """AUC within groups, averaged with the groups' impressions as weights.

    value: the average over groups that hold both classes.
    num_groups: number of all groups.
    num_one_class: groups whose labels are all equal; they have no AUC and are left out.
    share_of_rows: share of all rows that lie in the groups that count.
    """

    value: float
    num_groups: int
    num_one_class: int
    share_of_rows: float


class CalibrationBins(NamedTuple):
    """One entry per bin, in order of probability; empty bins are left out.

    num_rows: rows, int64. mean_probability, mean_label: float64.
    """

    num_rows: np.ndarray
    mean_probability: np.ndarray
    mean_label: np.ndarray


def auc(label, score):
    """Chance that a random positive scores above a random negative; a tie counts half.

    Args:
        label: ``(N,)`` of 0 and 1.
        score: ``(N,)`` of any real numbers; only their order matters.

    Returns:
        A float in [0, 1].

    Raises:
        ValueError: wrong shapes, labels other than 0 and 1, NaN, or labels of one class only.
    """
    label, score = _check(label, score, "score")
    _require_both_classes("auc", label)
    return gauc(label, score, np.zeros(len(label), np.int8)).value


def gauc(label, score, group):
    """AUC within each group, averaged over groups with their impressions (rows) as weights.

    Groups with one class only have no AUC: they are left out and counted. Where columns count a
    user's own labels, score the rows of ``Dataset.held_still``, or GAUC judges how they are read.

    Args:
        label, score: as in ``auc``.
        group: ``(N,)`` integers, for example the user of each row.

    Returns:
        A ``GroupAUC``.

    Raises:
        ValueError: as in ``auc``; or no group holds both classes.
    """
    label, score = _check(label, score, "score")
    group = np.asarray(group)
    if group.shape != label.shape or group.dtype.kind not in "iu":
        raise ValueError(
            f"group: expected integers of shape {label.shape}, got {group.dtype} of shape "
            f"{group.shape}"
        )
    order = np.lexsort((score, group))
    label, score, group = label[order].astype(np.int64), score[order], group[order]
    new_group = np.append(True, group[1:] != group[:-1])
    starts = np.flatnonzero(new_group)
    rows = np.diff(np.append(starts, len(label)))
    positives = np.add.reduceat(label, starts)
    negatives = rows - positives

    first, last = _tie_blocks(new_group | np.append(True, score[1:] != score[:-1]))
    # Twice the average rank within the group, from 1: a whole number even in a block of ties.
    twice_rank = first + last + 2 - 2 * np.repeat(starts, rows)
    twice_rank_sum = np.add.reduceat(twice_rank * label, starts)

    counts = (positives > 0) & (negatives > 0)
    if not counts.any():
        raise ValueError(
            f"gauc: none of the {len(starts)} groups holds both classes, so no AUC is defined"
        )
    wins = (twice_rank_sum - positives * (positives + 1))[counts]  # twice the wins, ties count 1
    group_auc = wins / (2 * positives * negatives)[counts]
    weight = rows[counts]
    return GroupAUC(
        value=float((group_auc * weight).sum() / weight.sum()),
        num_groups=len(starts),
        num_one_class=int((~counts).sum()),
        share_of_rows=float(weight.sum() / len(label)),
    )


def num_pairs(label, group):
    """How many pairs of a positive and a negative lie in one group: what GAUC can tell by.

    Args:
        label: ``(N,)`` of 0 and 1.
        group: ``(N,)`` integers.

    Returns:
        An integer.

    Example:
        >>> num_pairs([1, 0, 0, 1], [5, 5, 5, 6])
        2
    """
    label, _ = _check(label, np.zeros(len(label)), "score")
    _, place = np.unique(np.asarray(group), return_inverse=True)
    rows, positives = np.bincount(place), np.bincount(place, label)
    return int((positives * (rows - positives)).sum())


def ndcg(label, score, group, top=None):
    """Discounted gain of the clicks in the order of the scores, over that of the best order.

    A click at place r of its group, from 1, gains ``1 / log2(r + 1)``. Rows with equal scores share
    the mean discount of their places (McSherry and Najork 2008). The mean over groups with a
    click, each counted once.

    Args:
        label, score, group: as in ``gauc``.
        top: places that count; default: all.

    Returns:
        A float in [0, 1].

    Raises:
        ValueError: as in ``auc``; or no group holds a positive.

    Example:
        >>> round(ndcg([0, 1, 1, 0], [3, 2, 1, 0], [7, 7, 7, 7]), 3)
        0.693
    """
    label, score = _check(label, score, "score")
    _, group = np.unique(np.asarray(group), return_inverse=True)
    order = np.lexsort((-score, group))
    label, score, group = label[order], score[order], group[order]
    new_group = np.append(True, group[1:] != group[:-1])
    starts = np.flatnonzero(new_group)
    place = np.arange(len(label)) - starts[group]
    gain = np.where(place < (top or len(label)), 1 / np.log2(place + 2), 0.0)
    new_score = np.append(True, score[1:] != score[:-1])
    first, last = _tie_blocks(new_group | new_score)
    before = np.append(0.0, np.cumsum(gain))
    shared = (before[last + 1] - before[first]) / (last + 1 - first)
    clicks = np.add.reduceat(label, starts)
    found = np.add.reduceat(label * shared, starts)
    best = np.add.reduceat(gain * (place < clicks[group]), starts)
    counts = clicks > 0
    if not counts.any():
        raise ValueError(f"ndcg: none of the {len(starts)} groups holds a positive")
    return float((found[counts] / best[counts]).mean())


def log_loss(label, probability, clip=PROBABILITY_CLIP):
    """Mean of ``-log`` of the probability given to what happened (natural logarithm).

    Args:
        label: as in ``auc``.
        probability: ``(N,)`` in [0, 1], clipped to ``[clip, 1 - clip]``.
        clip: a number in [0, 0.5).

    Returns:
        A number of at least 0.

    Raises:
        ValueError: wrong shapes, labels other than 0 and 1, probabilities outside [0, 1] or NaN.
    """
    label, probability = _check(label, probability, "probability")
    if not 0 <= clip < 0.5:
        raise ValueError(f"clip: expected a number from 0 to below 0.5, got {clip!r}")
    probability = np.clip(probability, clip, 1 - clip)
    given = np.where(label == 1, probability, 1 - probability)
    with np.errstate(divide="ignore"):  # infinite by definition where clip is 0
        return float(-np.log(given).mean())


def normalized_entropy(label, probability):
    """Log loss divided by that of always predicting the sample's own mean label; 1 is no better.

    Args:
        label, probability: as in ``log_loss``.

    Returns:
        A number of at least 0.

    Raises:
        ValueError: as in ``log_loss``; or labels of one class only.
    """
    checked, _ = _check(label, probability, "probability")
    _require_both_classes("normalized_entropy", checked)
    return log_loss(label, probability) / log_loss(
        label, np.full(len(checked), checked.mean()), clip=0
    )


def calibration_bins(label, probability, num_bins=10):
    """Mean prediction against mean label in bins of equal numbers of rows.

    Rows with equal predictions share a bin, the one in which the middle of their block falls:
    which of them are positive, or come first, cannot matter. Without ties the bins' sizes differ
    by one row at most; with ties they can be uneven, and a constant prediction gives one bin.

    Args:
        label, probability: as in ``log_loss``, not clipped.
        num_bins: number of bins before empty ones are left out.

    Returns:
        ``CalibrationBins``.

    Raises:
        ValueError: as in ``log_loss``; or ``num_bins`` is not an integer of 1 or more.
    """
    label, probability = _check(label, probability, "probability")
    num_bins = check_integer("num_bins", num_bins)
    order = np.argsort(probability, kind="stable")
    label, probability = label[order], probability[order]
    first, last = _tie_blocks(np.append(True, probability[1:] != probability[:-1]))
    bins = (first + last) * num_bins // (2 * len(label))
    rows = np.bincount(bins, minlength=num_bins)
    filled = rows > 0
    rows = rows[filled]
    return CalibrationBins(
        num_rows=rows,
        mean_probability=np.bincount(bins, probability, num_bins)[filled] / rows,
        mean_label=np.bincount(bins, label, num_bins)[filled] / rows,
    )


def calibration_error(label, probability, num_bins=10):
    """Expected calibration error: how far mean prediction and mean label lie apart in a bin.

    The absolute difference in each of ``calibration_bins``, averaged with the bins' rows as
    weights.

    Args:
        label, probability, num_bins: as in ``calibration_bins``.

    Returns:
        A number in [0, 1].

    Raises:
        ValueError: as in ``calibration_bins``.
    """
    bins = calibration_bins(label, probability, num_bins)
    distance = np.abs(bins.mean_probability - bins.mean_label)
    return float((distance * bins.num_rows).sum() / bins.num_rows.sum())


def calibration_ratio(label, probability):
    """Mean prediction over mean label: 1.1 means 10 % too many clicks are predicted.

    Args:
        label, probability: as in ``log_loss``.

    Returns:
        A number of at least 0.

    Raises:
        ValueError: as in ``log_loss``; or there is no positive label.
    """
    label, probability = _check(label, probability, "probability")
    if not label.any():
        raise ValueError("calibration_ratio: expected at least one positive label, got none")
    return float(probability.mean() / label.mean())


def mean_squared_error(label, prediction):
    """Mean of the squared difference, in float64, of a regression task.

    Args:
        label, prediction: ``(N,)`` of real numbers.

    Returns:
        A number of at least 0.

    Raises:
        ValueError: wrong shapes.
    """
    label, prediction = np.asarray(label, np.float64), np.asarray(prediction, np.float64)
    if label.ndim != 1 or prediction.shape != label.shape or not len(label):
        raise ValueError(
            "mean_squared_error: expected labels and predictions of one shape (N,), got "
            f"{label.shape} and {prediction.shape}"
        )
    return float(np.mean((label - prediction) ** 2))


def share_of_gap(score, trivial, oracle):
    """Share of the way from a trivial score to the oracle's: 0 is trivial, 1 is the oracle.

    Works for scores that should rise (AUC) and that should fall (log loss, squared error). A
    share below 0 is worse than trivial.

    Args:
        score: a number or an array.
        trivial, oracle: the score of a trivial baseline and of the true probabilities.

    Returns:
        A number, or an array like ``score``.

    Raises:
        ValueError: trivial and oracle are equal or not finite: there is no gap to close.
    """
    if not (np.isfinite(trivial) and np.isfinite(oracle)) or trivial == oracle:
        raise ValueError(
            "share_of_gap: expected two different finite scores, "
            f"got trivial {trivial} and oracle {oracle}"
        )
    return (score - trivial) / (oracle - trivial)


def _tie_blocks(new_block):
    """First and last position, from 0, of the block that each sorted row belongs to."""
    first = np.flatnonzero(new_block)
    lengths = np.diff(np.append(first, len(new_block)))
    return np.repeat(first, lengths), np.repeat(first + lengths - 1, lengths)


def _check(label, score, what):
    """Both arrays as float64 ``(N,)``; ``what`` names the second in messages."""
    arrays = []
    for name, values in (("label", label), (what, score)):
        # A score may be infinite: it is only compared.
        low, high = {"probability": (0, 1), "score": (-np.inf, np.inf)}.get(name, (None, None))
        values = check_numbers(name, values, low, high)
        if values.ndim != 1 or len(values) == 0:
            raise ValueError(f"{name}: expected shape (N,) with N > 0, got {values.shape}")
        arrays.append(values.astype(np.float64))
    label, score = arrays
    if len(label) != len(score):
        raise ValueError(f"{what}: expected {len(label)} rows as in label, got {len(score)}")
    bad = ~np.isin(label, (0, 1))
    if bad.any():
        raise ValueError(f"label: expected 0 or 1, got {label[bad][0]:g} ({rows_where(bad)})")
    return label, score


def _require_both_classes(metric, label):
    if label.min() == label.max():
        raise ValueError(
            f"{metric}: expected labels of both classes, got {len(label)} rows of "
            f"{label[0]:g} only, so it is not defined"
        )
