"""Uncertainty weighting: every task learns how noisy it is, and noisy tasks count less.

    s_i = log sigma_i^2
    binary: exp(-s_i) L_i + s_i / 2,    regression: exp(-s_i) L_i / 2 + s_i / 2

With a loss that stays, s_i comes to log(2 L_i) for a binary task and to log L_i for a regression
task: either way the weight of the loss becomes 1 / (2 L_i), so that tasks whose losses differ by
any factor come to count the same. With the s_i at their best, what is left to minimise is
sum_i log(L_i) / 2 and a constant: the network minimises the geometric mean of the losses, in which
a loss that halves counts the same whatever its size.

Source: Kendall, Gal and Cipolla 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses for
Scene Geometry and Semantics", section 3.2 (equations 7 and 10).
Taught in chapter 05, "Loss balancing".
"""

import dataclasses
from collections.abc import Mapping

import keras
import tensorflow as tf

from recsys_lib.checks import check_number
from recsys_lib.replicas import sum_over_replicas
from recsys_lib.training.weighting import Weighting, check_several

# The gradient -exp(-s) L falls with every step of a rising s. With Adam's usual memory of 1,000
# steps the first, large gradients would go on dividing the small ones that follow.
_MOMENTUM, _VELOCITY, _EPSILON = 0.9, 0.95, 1e-7


@dataclasses.dataclass(frozen=True)
class UncertaintyWeighting:
    """Weights ``exp(-s_i)`` for binary tasks and ``exp(-s_i) / 2`` for regression tasks.

    The ``s_i`` start at zero and are trained by an Adam of their own: its steps have the same size
    whatever the scale of a loss. They are free, below zero too. Once they have arrived, the network
    minimises the geometric mean of the tasks' losses.

    Args:
        learning_rate: of the ``s_i``, and about their step.

    Raises:
        ValueError: a learning rate of 0 or less; when bound to a model, fewer than two tasks.

    Example:
        >>> UncertaintyWeighting(0.05)
        UncertaintyWeighting(learning_rate=0.05)
    """

    learning_rate: float = 0.02

    def __post_init__(self):
        check_number("learning_rate", self.learning_rate, 0, exclude=(0,))

    def start(self, model: keras.Model, kinds: Mapping[str, str]) -> Weighting:
        """Bind to a model; ``kinds`` is a dict of its tasks to their kinds."""
        check_several("UncertaintyWeighting", kinds)
        return _LogVariances(kinds, self.learning_rate)


class _LogVariances(Weighting):
    def __init__(self, kinds, learning_rate):
        self.learning_rate = learning_rate
        self.factors = [0.5 if kind == "regression" else 1.0 for kind in kinds.values()]
        zeros = tf.zeros(len(kinds))
        self.log_variances = tf.Variable(zeros, trainable=False)
        self.momentum = tf.Variable(zeros, trainable=False)
        self.velocity = tf.Variable(zeros, trainable=False)
        self.powers = tf.Variable([1.0, 1.0], trainable=False)  # Adam's beta_1^t and beta_2^t
        self.variables = [self.log_variances, self.momentum, self.velocity, self.powers]

    def step(self, tape, losses):
        log_variances = self.log_variances.read_value()
        weights = self.factors * tf.exp(-log_variances)
        # d/ds of exp(-s) L + s/2, and of exp(-s) L / 2 + s/2: the weight holds the half.
        self._adam(0.5 - weights * sum_over_replicas(tf.stack(losses)))
        return tf.unstack(weights), tf.reduce_sum(log_variances) / 2, []

    def _adam(self, gradient):
        powers = self.powers.assign(self.powers * [_MOMENTUM, _VELOCITY])
        tf.raw_ops.ResourceApplyAdam(
            var=self.log_variances.handle,
            m=self.momentum.handle,
            v=self.velocity.handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=self.learning_rate,
            beta1=_MOMENTUM,
            beta2=_VELOCITY,
            epsilon=_EPSILON,
            grad=gradient,
        )
