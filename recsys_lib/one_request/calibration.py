"""From the probabilities of a thinned log to those of the platform.

Where a row without a click is kept with probability w, the odds of a click are 1/w times too high:

    p = q / (q + (1 - q) / w)

A conversion after a click is not touched by it, since clicked rows are all kept. So a model of the
thinned log that predicts q for the click and r for "clicked and converted" has the right r / q, and

    P(click and conversion) = p r / q

which is *not* the first formula applied to r.

Source: He et al. 2014, "Practical Lessons from Predicting Clicks on Ads at Facebook", section 6.3
(the first formula).
Taught in chapter 07, "One request".
"""

import numpy as np
from numpy.typing import ArrayLike

from recsys_lib.checks import check_choice, check_number
from recsys_lib.data.arrays import check_numbers
from recsys_lib.data.splits import Split


def thin(split: Split, share: float, rng: np.random.Generator, task: str = "click") -> np.ndarray:
    """Which rows are kept when negatives are down-sampled.

    Args:
        split: ``Split``.
        share: w, the share of the rows without the label that is kept, above 0 and up to 1.
        rng: ``numpy.random.Generator``.
        task: the label; rows that have it are all kept.

    Returns:
        ``(N,)`` bool, a mask for ``split.take``.

    Raises:
        ValueError: a share out of range, or a label that the split does not have.

    Example:
        >>> ids, clicks = np.arange(6), np.array([0, 0, 1, 0, 1, 0])
        >>> split = Split({"item_id": ids}, {"click": clicks}, group=ids, row_id=ids)
        >>> thin(split, 0.25, np.random.default_rng(0)).tolist()
        [False, False, True, True, True, False]
    """
    _check_share(share)
    check_choice("task", task, sorted(split.labels))
    return (split.labels[task] == 1) | (rng.random(len(split)) < share)


def undo_sampling(probability: ArrayLike, share: float) -> np.ndarray:
    """The click's probability on the platform, from that on the thinned log.

    Args:
        probability: q, any shape.
        share: w, the share of the rows without a click that the training log kept.

    Returns:
        p, of the shape of q, float64.

    Raises:
        ValueError: a share out of range, or values outside [0, 1].

    Example:
        >>> undo_sampling([0.5, 0.9], 0.1).round(3).tolist()
        [0.091, 0.474]
    """
    _check_share(share)
    q = _check_probability("probability", probability)
    return q / (q + (1 - q) / share)


def undo_sampling_of_both(
    click: ArrayLike, both: ArrayLike, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Click, and click and conversion, on the platform, from those on the thinned log.

    Args:
        click: q, ``(N,)``.
        both: r, ``(N,)``.
        share: w.

    Returns:
        p and p r / q, ``(N,)`` float64 each; the second is 0 where q is, whatever r says.

    Raises:
        ValueError: as for ``undo_sampling``; two arrays of different shapes.

    Example:
        >>> click, both = undo_sampling_of_both([0.5], [0.05], 0.1)
        >>> (both / click).tolist()  # a conversion after a click is as likely as before
        [0.1]
    """
    click, both = _check_probability("click", click), _check_probability("both", both)
    if click.shape != both.shape:
        raise ValueError(f"both: expected the shape of click, {click.shape}, got {both.shape}")
    # p / q without a division by q, which may be 0.
    factor = 1 / (click + (1 - click) / _check_share(share))
    return click * factor, np.where(click > 0, both * factor, 0.0)


def _check_share(share):
    return check_number("share", share, 0, 1, exclude=(0,))


def _check_probability(name, values):
    return check_numbers(name, values, 0, 1).astype(np.float64)
