"""The numbers of the public tests of chapter 00, by slopes of the loss and by scikit-learn."""

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


ANSWERS = {"ranking.descent_step": stepped_by_slopes, "ranking.gauc": gauc_by_scikit_learn}
