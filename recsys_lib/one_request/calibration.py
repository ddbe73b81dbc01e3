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

from numbers import Real

import numpy as np


def thin(split, share, rng, task="click"):
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
    """
    _check_share(share)
    if task not in split.labels:
        raise ValueError(f"task: expected one of {sorted(split.labels)}, got {task!r}")
    return (split.labels[task] == 1) | (rng.random(len(split)) < share)


def undo_sampling(probability, share):
    """The click's probability on the platform, from that on the thinned log.

    Args:
        probability: q, any shape.
        share: w, the share of the rows without a click that the training log kept.

    Returns:
        p, of the shape of q, float64.

    Raises:
        ValueError: a share out of range, or values outside [0, 1].
    """
    _check_share(share)
    q = _check_probability("probability", probability)
    return q / (q + (1 - q) / share)


def undo_sampling_of_both(click, both, share):
    """Click, and click and conversion, on the platform, from those on the thinned log.

    Args:
        click: q, ``(N,)``.
        both: r, ``(N,)``.
        share: w.

    Returns:
        p and p r / q, ``(N,)`` float64 each; the second is 0 where q is, whatever r says.

    Raises:
        ValueError: as for ``undo_sampling``; two arrays of different shapes.
    """
    click, both = _check_probability("click", click), _check_probability("both", both)
    if click.shape != both.shape:
        raise ValueError(f"both: expected the shape of click, {click.shape}, got {both.shape}")
    # p / q without a division by q, which may be 0.
    factor = 1 / (click + (1 - click) / _check_share(share))
    return click * factor, np.where(click > 0, both * factor, 0.0)


def _check_share(share):
    if not isinstance(share, Real) or not 0 < share <= 1:
        raise ValueError(f"share: expected a number above 0 and up to 1, got {share!r}")
    return share


def _check_probability(name, values):
    values = np.asarray(values, np.float64)
    bad = ~((values >= 0) & (values <= 1))  # so that NaN is bad too
    if bad.any():
        raise ValueError(f"{name}: expected probabilities from 0 to 1, got {values[bad][0]:g}")
    return values
