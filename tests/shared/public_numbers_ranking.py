"""The numbers of the public tests of chapter 00, found by slopes of the loss."""

import numpy as np


def stepped_by_slopes(weights, bias, numbers, labels, rate, step=1e-5):
    def loss(change):
        moved = bias + change[0] + numbers @ (weights + change[1:])
        return np.mean(np.logaddexp(0, moved) - labels * moved)

    moves = step * np.eye(len(weights) + 1)
    slopes = np.array([(loss(move) - loss(-move)) / (2 * step) for move in moves])
    return weights - rate * slopes[1:], bias - rate * slopes[0]


ANSWERS = {"ranking.descent_step": stepped_by_slopes}
