"""What the effects of an ordinary platform are worth, and what so many rows can teach of them.

The *perfect statistician* knows which columns act together, and nothing of their form. Rows teach
cells: of a cell with frequency f, n rows give the true value but for noise of variance
1 / (n f v), v = p (1 - p), and the statistician's belief is the posterior mean

    lambda (value + noise),    lambda = n f v s^2 / (1 + n f v s^2),    s^2 the term's variance

Where a table of cells is of a form with few numbers, who knows the form can learn more of it.
"""

from typing import NamedTuple

import numpy as np

from recsys_lib.data.simulator.ordinary_effects import USES
from recsys_lib.data.simulator.world import sigmoid


class Known(NamedTuple):
    """A term as test rows show it.

    effect: its number. use: one of ``USES``. values: ``(T,)`` log-odds of the test rows. cell:
    ``(T,)`` numbers of their cells from 0. frequency: share of the training rows in each cell.
    """

    effect: int
    use: str
    values: np.ndarray
    cell: np.ndarray
    frequency: np.ndarray


def expected_auc(score: np.ndarray, probability: np.ndarray) -> float:
    """AUC over all labels that the probabilities may give: a row is a click of so much, and none.

    Args:
        score: ``(N,)``; ties count half.
        probability: ``(N,)`` of a click.

    Example:
        >>> round(expected_auc(np.array([0.0, 1.0]), np.array([0.2, 0.8])), 2)
        0.8
    """
    order = np.argsort(score)
    ordered, p = score[order], probability[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    clicks, others = np.add.reduceat(p, first), np.add.reduceat(1 - p, first)
    below = np.cumsum(others) - others / 2
    return float((clicks * below).sum() / (clicks.sum() * others.sum()))


def fit_scale(score: np.ndarray, auc: float, base_rate: float) -> tuple[float, float]:
    """Scale and bias by which ``sigmoid(bias + scale score)`` has an oracle's AUC and a base rate.

    Args:
        score: ``(N,)``, of standard deviation about 1.
        auc, base_rate: wanted, as expected over labels.

    Returns:
        Both numbers.
    """
    score = np.sort(score)
    low, high, bias = 0.1, 8.0, 0.0
    for _ in range(30):
        scale = (low + high) / 2
        for _ in range(8):  # Newton's steps, kept short
            p = sigmoid(bias + scale * score)
            bias += float(np.clip((base_rate - p.mean()) / (p * (1 - p)).mean(), -1, 1))
        if expected_auc(score, sigmoid(bias + scale * score)) < auc:
            low = scale
        else:
            high = scale
    return scale, bias


def posterior_mean(
    value: np.ndarray, rows: np.ndarray | float, variance: float, noise: np.ndarray | float
) -> np.ndarray:
    """What is believed of a cell, whose value was drawn from N(0, variance).

    Args:
        value: of the cell.
        rows: n f v, rows in the cell times p (1 - p).
        variance: of values.
        noise: standard normal number of the cell, by which its rows mislead.

    Example:
        >>> float(posterior_mean(np.array(2.0), np.array(1.0), 1.0, 0.0))
        1.0
    """
    weight = rows * variance / (1 + rows * variance)
    # Noise of variance 1 / rows, times the weight; written so that no rows are no division.
    return weight * value + np.sqrt(rows) * variance / (1 + rows * variance) * noise


class Teaching:
    """Points of a platform: 100 is the oracle, 0 is chance.

    Args:
        terms: of all effects.
        probability: ``(T,)`` of the test rows.
        random: generator of the noise of cells.
    """

    def __init__(self, terms: list[Known], probability: np.ndarray, random: np.random.Generator):
        self._terms, self._probability = terms, probability
        self._information = float((probability * (1 - probability)).mean())
        self._noise = [random.standard_normal(len(term.frequency)) for term in terms]
        self._oracle = np.log(probability) - np.log1p(-probability)
        self._best = expected_auc(self._oracle, probability)

    def points(self, score: np.ndarray) -> float:
        """Share of the oracle's distance from chance, in hundredths."""
        auc = expected_auc(score, self._probability)
        return 100 * (auc - 0.5) / (self._best - 0.5)

    def lost(self, dropped: set[int]) -> float:
        """Points that the oracle loses without some effects."""
        left = self._oracle.copy()
        for term in self._terms:
            if term.effect in dropped:
                left -= term.values
        return 100 - self.points(left)

    def learned(self, num_rows: float) -> list[float]:
        """Points of the perfect statistician for each of ``USES``, each with all before it."""
        score, points = np.zeros(len(self._probability)), []
        for use in USES:
            for term, noise in zip(self._terms, self._noise, strict=True):
                if term.use == use:
                    score += self._belief(term, num_rows, noise)
            points.append(self.points(score))
        return points

    def _belief(self, term, num_rows, noise):
        if np.isinf(num_rows):
            return term.values
        rows = num_rows * self._information * term.frequency[term.cell]
        return posterior_mean(term.values, rows, term.values.var(), noise[term.cell])
