"""The numbers of the public tests of chapter 00, by slopes, loops and scikit-learn."""

import statistics

import numpy as np
from sklearn.metrics import roc_auc_score


def stepped_by_slopes(weights, bias, numbers, labels, rate, step=1e-5):
    def loss(change):
        moved = bias + change[0] + numbers @ (weights + change[1:])
        return np.mean(np.logaddexp(0, moved) - labels * moved)

    moves = step * np.eye(len(weights) + 1)
    slopes = np.array([(loss(move) - loss(-move)) / (2 * step) for move in moves])
    return weights - rate * slopes[1:], bias - rate * slopes[0]


def gauc_by_scikit_learn(label, score, group):
    values, weights = [], []
    for one in set(group.tolist()):
        rows = np.flatnonzero(group == one)
        if len(set(label[rows].tolist())) == 2:
            values.append(roc_auc_score(label[rows], score[rows]))
            weights.append(len(rows))
    return np.average(values, weights=weights)


def likes_row_by_row(item, time, liked):
    """Goes through the moments in their order; the likes of a moment count once it is over."""
    counts, found = {}, np.zeros(len(item), int)
    for moment in sorted(set(time.tolist())):
        rows = [row for row in range(len(item)) if time[row] == moment]
        for row in rows:
            found[row] = counts.get(int(item[row]), 0)
        for row in rows:
            counts[int(item[row])] = counts.get(int(item[row]), 0) + int(liked[row])
    return found


def half_width_by_parts(first, second, first_runs, second_runs):
    parts = [float(a - b) ** 2 for a, b in zip(first, second, strict=True)]
    parts += [statistics.variance(own.tolist()) / len(own) for own in (first_runs, second_runs)]
    return 1.96 * sum(parts) ** 0.5


ANSWERS = {
    "ranking.descent_step": stepped_by_slopes,
    "ranking.gauc": gauc_by_scikit_learn,
    "ranking.leak": likes_row_by_row,
    "ranking.half_width": half_width_by_parts,
}
