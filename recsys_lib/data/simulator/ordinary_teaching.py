"""What the effects of an ordinary platform are worth, and what so many rows can teach of them.

The *perfect statistician* knows which columns act together, and nothing of their form. Rows teach
cells: of a cell with frequency f, n rows give the true value but for noise of variance
1 / (n f v), v = p (1 - p), and what is believed of it is the posterior mean

    lambda (value + noise),    lambda = n f v s^2 / (1 + n f v s^2),    s^2 the term's variance

Frequencies are those of the training rows. A cell that none of them is in counts as half a row; a
cell of new items is never known, unless rows are endless: then all is.

A table of low rank, or of hidden kinds, has but k numbers for each id. Who knows that learns an id
from all its rows: lambda is then the larger of the cell's and of the product over the columns of

    n f v s^2 / (k + n f v s^2),    f the id's frequency
"""

from typing import NamedTuple

import numpy as np

from recsys_lib.data.simulator.ordinary_effects import USES
from recsys_lib.data.simulator.world import sigmoid


class Cells(NamedTuple):
    """Cells of the test rows: ``number`` ``(T,)`` from 0, and each one's ``frequency``."""

    number: np.ndarray
    frequency: np.ndarray


class Known(NamedTuple):
    """A term as test rows show it.

    effect: its number. values: ``(T,)`` log-odds. use, cells, per_id, sides: as in ``Term``.
    """

    effect: int
    use: str
    values: np.ndarray
    cells: Cells
    per_id: int
    sides: tuple[Cells, ...]


def count_cells(of_train: np.ndarray, of_test: np.ndarray, is_new: np.ndarray) -> Cells:
    """Number the cells of test rows, and count them in training.

    Args:
        of_train, of_test: cells of the rows, ``(N,)`` and ``(T,)``.
        is_new: ``(T,)``, whether a test row's item is new.
    """
    known, number = np.unique(of_test, return_inverse=True)
    place = np.minimum(np.searchsorted(known, of_train), len(known) - 1)
    rows = np.bincount(place[known[place] == of_train], minlength=len(known))
    is_old = np.bincount(number, ~is_new, len(known)) + rows > 0
    return Cells(number, np.maximum(rows, 0.5) * is_old / len(of_train))


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
    value: np.ndarray, weight: np.ndarray, variance: float, noise: np.ndarray
) -> np.ndarray:
    """What is believed of cells whose values were drawn from N(0, variance).

    Args:
        value: of each cell.
        weight: lambda, 0 to 1.
        variance: of values.
        noise: standard normal number of each cell, by which its rows mislead.

    Example:
        >>> float(posterior_mean(np.array(2.0), np.array(0.5), 1.0, np.array(1.0)))
        1.5
    """
    # Lambda times noise of variance 1 / (n f v), in terms of lambda.
    return weight * value + np.sqrt(weight * (1 - weight) * variance) * noise


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
        self._noise = [random.standard_normal(len(term.cells.frequency)) for term in terms]
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

    def learned(self, num_rows: float, knows_forms: bool = False) -> list[float]:
        """Points of the perfect statistician for each of ``USES``, each with all before it.

        Args:
            num_rows: training rows.
            knows_forms: which tables have few numbers for each id.
        """
        score, points = np.zeros(len(self._probability)), []
        for use in USES:
            for number, term in enumerate(self._terms):
                if term.use == use:
                    score += self.belief(number, num_rows, knows_forms)
            points.append(self.points(score))
        return points

    def belief(self, number: int, num_rows: float, knows_forms: bool = False) -> np.ndarray:
        """What the statistician believes of a term, log-odds ``(T,)``.

        Args:
            number: of the term.
            num_rows, knows_forms: as for ``learned``.
        """
        term, variance = self._terms[number], float(self._terms[number].values.var())
        if np.isinf(num_rows):
            return term.values

        def weight(cells, numbers=1):
            rows = num_rows * cells.frequency[cells.number]
            told = rows * self._information * variance
            return told / (numbers + told)

        known = weight(term.cells)
        if knows_forms and term.per_id:
            sides = [weight(side, term.per_id) for side in term.sides]
            known = np.maximum(known, np.prod(sides, axis=0))
        noise = self._noise[number][term.cells.number]
        return posterior_mean(term.values, known, variance, noise)
