"""Pareto weights: in every step those under which the tasks' common gradient is shortest.

    min_w || sum_i w_i grad_theta L_i ||^2    where    sum_i w_i = 1,  w_i >= c_i

theta are shared parameters. With all c_i = 0 a step against that gradient makes no task worse
(to first order), unless the point is Pareto stationary and the gradient is zero.

Source: Lin et al. 2019, "A Pareto-Efficient Algorithm for Multiple Objective Optimization in
E-Commerce Recommendation" (PE-LTR), section 4; for c = 0 Sener and Koltun 2018, "Multi-Task
Learning as Multi-Objective Optimization", section 3.
Taught in chapter 05, "Loss balancing".
"""

import dataclasses
from collections.abc import Mapping

import keras
import tensorflow as tf

from recsys_lib.checks import check_choice
from recsys_lib.multi_task.balancing.min_norm import METHODS, check_bounds, solve
from recsys_lib.multi_task.gradients import shared_parameters
from recsys_lib.training.weighting import Weighting, check_named_tasks, check_several


@dataclasses.dataclass(frozen=True)
class ParetoWeights:
    """Weights of the shortest common gradient on the last shared layer; they sum to one.

    Args:
        lower_bounds: ``c_i``: dict of task to its lowest weight (tasks left out have 0), or one
            number for all tasks; default 0.
        shared: name of the last shared layer; default: see
            ``recsys_lib.multi_task.gradients.shared_parameters``.
        method: ``"exact"`` or ``"paper"``; see ``min_norm_weights``.

    Raises:
        ValueError: an unknown method; when bound to a model, fewer than two tasks or more than 8,
            bounds of unknown tasks, below zero, or that sum to more than one, or no such layer.

    Example:
        >>> ParetoWeights({"like": 0.2})
        ParetoWeights(lower_bounds={'like': 0.2}, shared=None, method='exact')
    """

    lower_bounds: Mapping[str, float] | float | None = None
    shared: str | None = None
    method: str = "exact"

    def __post_init__(self):
        check_choice("method", self.method, METHODS)

    def start(self, model: keras.Model, kinds: Mapping[str, str]) -> Weighting:
        """Bind to a model; ``kinds`` is a dict of its tasks to their kinds."""
        check_several("ParetoWeights", kinds)
        given = self.lower_bounds or 0.0
        named = given if isinstance(given, Mapping) else dict.fromkeys(kinds, given)
        check_named_tasks("lower_bounds", named, kinds)
        bounds = check_bounds([named.get(task, 0.0) for task in kinds], len(kinds))
        return _ShortestGradient(self.method, bounds, shared_parameters(model, self.shared))


class _ShortestGradient(Weighting):
    def __init__(self, method, bounds, shared):
        self.method, self.bounds, self.shared = method, bounds, shared

    def step(self, tape, losses):
        gradients = tf.cast(self.shared.gradients(tape, losses), tf.float64)
        gram = tf.matmul(gradients, gradients, transpose_b=True)
        weights = tf.cast(solve(gram, self.bounds, self.method), tf.float32)
        return tf.unstack(weights), 0.0, []
