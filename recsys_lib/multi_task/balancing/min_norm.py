"""The shortest convex combination of a few vectors, with a lowest weight for each.

    min_w w^T G w    where    sum_i w_i = 1,  w_i >= c_i,    G_ij = <g_i, g_j>

With v = w - c the weights lie on a simplex of size 1 - sum c. Which v_i are zero at the solution
is not known beforehand; for up to 8 tasks every possibility is tried, all at once: on each set of
tasks the problem without bounds is a linear system (Lagrange), and of those solutions that have no
negative weight the shortest is exact. Two tasks have a closed form.

Only inner products enter, so that the cost does not depend on the number of parameters.
"""

import itertools

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from recsys_lib.checks import check_choice

MAX_TASKS = 8
METHODS = ("exact", "paper")
# Relative to the longest gradient. Gradients are float32, so what lies closer is no difference.
_NO_DIFFERENCE = 1e-12
_ROUNDING = 1e-9


def check_bounds(lower_bounds: ArrayLike | None, num_tasks: int) -> np.ndarray:
    """Lower bounds as ``(num_tasks,)`` float64.

    Args:
        lower_bounds: a number for each task, one for all, or None for 0.
        num_tasks: number of tasks.

    Raises:
        ValueError: too many tasks; a bound below zero; bounds that sum to more than one.
    """
    if num_tasks > MAX_TASKS:
        raise ValueError(f"expected at most {MAX_TASKS} tasks, got {num_tasks}")
    bounds = np.zeros(num_tasks) if lower_bounds is None else np.asarray(lower_bounds, np.float64)
    bounds = np.broadcast_to(bounds, (num_tasks,)) if bounds.ndim == 0 else bounds
    if bounds.shape != (num_tasks,):
        raise ValueError(f"lower_bounds: expected {num_tasks} numbers, got {bounds.shape}")
    if not (bounds >= 0).all():
        raise ValueError(f"lower_bounds: expected numbers of 0 or more, got {bounds.tolist()}")
    if bounds.sum() > 1 + 1e-9:
        raise ValueError(f"lower_bounds: expected a sum of at most 1, got {bounds.tolist()}")
    return bounds


def min_norm_weights(
    gram: ArrayLike, lower_bounds: ArrayLike | None = None, method: str = "exact"
) -> np.ndarray:
    """Weights of the shortest combination.

    Where several weights give the same length (equal gradients), the ``w - c`` of smallest norm
    is taken.

    Args:
        gram: ``(tasks, tasks)``, the inner products of the gradients; 2 to 8 tasks.
        lower_bounds: ``c``: ``(tasks,)`` or one number for all; default 0.
        method: ``"exact"``; or ``"paper"``, as PE-LTR does it: solve without ``w >= c``, then take
            the nearest point that satisfies it. That point can be far from the solution.

    Returns:
        ``(tasks,)`` float64.

    Raises:
        ValueError: no square matrix, too many tasks, an unknown method, or bounds below zero or
            with a sum above one.

    Example:
        >>> min_norm_weights([[1.0, 0.0], [0.0, 3.0]]).tolist()
        [0.75, 0.25]
    """
    gram = np.asarray(gram, np.float64)
    if gram.ndim != 2 or gram.shape[0] != gram.shape[1] or not len(gram):
        raise ValueError(f"gram: expected a square matrix, got shape {gram.shape}")
    check_choice("method", method, METHODS)
    return solve(tf.constant(gram), check_bounds(lower_bounds, len(gram)), method).numpy()


def solve(gram: tf.Tensor, bounds: np.ndarray, method: str) -> tf.Tensor:
    """As ``min_norm_weights`` on a float64 tensor, inside a compiled function too."""
    longest = tf.reduce_max(tf.linalg.diag_part(gram))
    gram = tf.math.divide_no_nan(gram, longest)
    room = max(0.0, 1 - bounds.sum())
    if method == "paper":
        everyone = np.ones((1, len(bounds)))
        excess = _project(_stationary(gram, bounds, room, everyone)[0], room)
    elif len(bounds) == 2:
        excess = _two_tasks(gram, bounds, room)
    else:
        excess = _best_of_all_sets(gram, bounds, room)
    return bounds + excess


def _two_tasks(gram, bounds, room):
    """The minimum of a parabola on an interval."""
    first, second, both = gram[0, 0], gram[1, 1], gram[0, 1]
    squared = first + second - 2 * both  # of g_1 - g_2
    slope = bounds[0] * (both - first) + (bounds[1] + room) * (second - both)
    own = tf.clip_by_value(slope / tf.maximum(squared, _NO_DIFFERENCE), 0.0, room)
    own = tf.where(squared > _NO_DIFFERENCE, own, room / 2)
    return tf.stack([own, room - own])


def _stationary(gram, bounds, room, sets):
    """On each set of tasks, v with sum ``room`` that minimises the length, negative or not.

    Args:
        sets: ``(sets, tasks)`` of 0 and 1.

    Returns:
        ``(sets, tasks)``, zero outside the set, of smallest norm where there are several.
    """
    num_tasks = len(bounds)
    # Each set in units of its own longest gradient: what is short beside others counts here.
    unit = tf.reduce_max(tf.linalg.diag_part(gram) * sets, axis=1)[:, None]
    pull = tf.math.divide_no_nan(-tf.linalg.matvec(gram, bounds) * sets, unit)
    inside = sets[:, :, None] * sets[:, None, :]
    inside = tf.math.divide_no_nan(gram * inside, unit[:, :, None])
    outside = (1 - sets)[:, :, None] * np.eye(num_tasks)  # v_i = 0
    corner = np.zeros((len(sets), 1, 1))
    # The Lagrange system: G v + multiplier = -G c on the set, and the sum of v.
    rows = tf.concat([inside + outside, sets[:, :, None]], axis=2)
    last = tf.concat([sets[:, None, :], corner], axis=2)
    system = tf.concat([rows, last], axis=1)  # (sets, tasks + 1, tasks + 1)
    right = tf.concat([pull, np.full((len(sets), 1), room)], axis=1)
    values, vectors = tf.linalg.eigh(system)
    small = tf.abs(values) < _NO_DIFFERENCE
    inverse = tf.where(small, 0 * values, 1 / tf.where(small, tf.ones_like(values), values))
    inner = inverse * tf.linalg.matvec(vectors, right, transpose_a=True)
    return tf.linalg.matvec(vectors, inner)[:, :num_tasks]


def _best_of_all_sets(gram, bounds, room):
    sets = np.array(list(itertools.product([0.0, 1.0], repeat=len(bounds)))[1:])
    excess = _stationary(gram, bounds, room, sets)
    possible = tf.reduce_all(excess > -_ROUNDING, axis=1)
    excess = tf.maximum(excess, 0.0)
    weights = bounds + excess
    lengths = tf.reduce_sum(weights * tf.linalg.matmul(weights, gram), axis=1)
    lengths = tf.where(possible, lengths, np.inf)
    shortest = lengths <= (1 + _ROUNDING) * tf.reduce_min(lengths) + 1e-15
    norms = tf.where(shortest, tf.reduce_sum(excess**2, axis=1), np.inf)
    best = excess[tf.argmin(norms)]
    return best * tf.math.divide_no_nan(tf.cast(room, tf.float64), tf.reduce_sum(best))


def _project(point, room):
    """The nearest point without negative entries that sums to ``room``."""
    ordered = tf.sort(point, direction="DESCENDING")
    surplus = (tf.cumsum(ordered) - room) / np.arange(1.0, point.shape[0] + 1)
    last = tf.reduce_sum(tf.cast(ordered > surplus, tf.int32)) - 1
    return tf.maximum(point - surplus[last], 0.0)
