"""The numbers of the public tests on Wide & Deep and on DIN, found by loops, slopes or counting."""

import numpy as np


def index_by_counting(first, second, vocabulary_sizes):
    if vocabulary_sizes[0] * vocabulary_sizes[1] > 1000:
        # The last pair has the last row.
        assert (first[0] + 1, second[0] + 1) == vocabulary_sizes
        return np.array([vocabulary_sizes[0] * vocabulary_sizes[1] - 1])
    pairs = [(i, j) for i in range(vocabulary_sizes[0]) for j in range(vocabulary_sizes[1])]
    return np.array(
        [pairs.index(pair) for pair in zip(first.tolist(), second.tolist(), strict=True)]
    )


def slopes_of_the_loss(probability, label, features, step=1e-5):
    logit = np.log(probability / (1 - probability))

    def loss(change):
        moved = logit + features @ change
        return np.mean(np.logaddexp(0, moved) - label * moved)

    moves = step * np.eye(features.shape[1])
    return np.array([(loss(move) - loss(-move)) / (2 * step) for move in moves])


def thrown_once(num_pairs, num_buckets):
    bucket = np.random.default_rng(7).integers(0, num_buckets, num_pairs)
    return np.mean(np.bincount(bucket, minlength=num_buckets)[bucket] > 1)


def added_step_by_step(scores, behaviours, ids):
    total = np.zeros((len(ids), behaviours.shape[2]))
    for row, step in zip(*np.nonzero(ids), strict=True):
        total[row] += scores[row, step] * behaviours[row, step]
    return total


def slopes_of_dice(x, mean, variance, alpha, epsilon=1e-8, step=1e-5):
    def dice(x):
        p = 1 / (1 + np.exp(-(x - mean) / np.sqrt(variance + epsilon)))
        return p * x + (1 - p) * alpha * x

    return (dice(x + step) - dice(x - step)) / (2 * step)


def slopes_of_the_penalty(table, ids, counts, strength, step=1e-5):
    present = {int(i) for i in ids.flat} - {0}

    def penalty(table):
        return sum(strength / (2 * max(counts[i], 1)) * table[i] @ table[i] for i in present)

    gradient = np.zeros(table.shape)
    for place in np.ndindex(table.shape):
        move = np.zeros(table.shape)
        move[place] = step
        gradient[place] = (penalty(table + move) - penalty(table - move)) / (2 * step)
    return gradient


def attended(matching, others, score):
    history = np.array([[1.0, 0.0]] * matching + [[0.0, 1.0]] * others)
    powers = np.exp(np.array([float(score)] * matching + [0.0] * others))
    return (powers / powers.sum() @ history)[0]


ANSWERS = {
    "memorization.cross_index": index_by_counting,
    "memorization.gradient": slopes_of_the_loss,
    "memorization.collisions": thrown_once,
    "sequence.weighted_interest": added_step_by_step,
    "sequence.dice_slope": slopes_of_dice,
    "sequence.batch_penalty": slopes_of_the_penalty,
    "sequence.softmax_share": attended,
}
