"""Target attention over found steps in double precision, by loops, for the tests of its models."""

import numpy as np
from reference import softmax
from tiny_requests import weight


def head_scores(layer, behaviours, candidate, context=None):
    """Scores ``(steps, heads)`` of one row: both sides projected, head by head."""
    query, key = weight(layer, "query"), weight(layer, "key")
    size = layer.size
    scores = np.zeros((len(behaviours), layer.num_heads))
    for head in range(layer.num_heads):
        part = slice(head * size, (head + 1) * size)
        for step, behaviour in enumerate(behaviours):
            product = (behaviour @ key[:, part]) @ (candidate @ query[:, part])
            scores[step, head] = product / np.sqrt(size) if layer.scaled else product
    if context is not None:
        scores += context @ weight(layer, "context")
    return scores


def attention_of(scores, steps):
    """Weights ``(steps, heads)``: a softmax of each head over the given steps, 0 elsewhere."""
    weights = np.zeros_like(scores)
    if len(steps):
        weights[steps] = softmax(scores[steps], axis=0)
    return weights


def head_values(layer, weights, behaviours):
    """``[sum_j a_j e_j W_V, ...] W_O`` of one row."""
    value, size = weight(layer, "value"), layer.size
    heads = []
    for head in range(weights.shape[1]):
        projected = behaviours @ value[:, head * size : (head + 1) * size]
        heads.append(weights[:, head] @ projected)
    return np.concatenate(heads) @ weight(layer, "output")


def top(scores, real, k):
    """The k real steps of the highest score, the latest of equal ones."""
    order = sorted(np.flatnonzero(real), key=lambda step: (-scores[step], -step))
    return np.array(order[:k], int)
