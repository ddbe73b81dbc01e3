"""GradNorm: tasks pull the shared layer equally hard, and slow tasks harder.

    G_i = || grad_W (w_i L_i) ||,    r_i = (L_i / L_i(0)) / mean_j (L_j / L_j(0))
    L_grad = sum_i | G_i - mean_j(G_j) r_i^alpha |

W are the parameters of the last shared layer. The gradient of L_grad goes to the weights w alone,
with the targets held constant; afterwards the weights are scaled to sum to the number of tasks.

Source: Chen, Badrinarayanan, Lee and Rabinovich 2018, "GradNorm: Gradient Normalization for
Adaptive Loss Balancing in Deep Multitask Networks", section 3 (equations 1 and 2, algorithm 1).
Taught in chapter 05, "Loss balancing".
"""

import dataclasses
import math
from collections.abc import Mapping

import keras
import tensorflow as tf

from recsys_lib.checks import check_choice, check_integer, check_number
from recsys_lib.multi_task.gradients import shared_parameters
from recsys_lib.replicas import sum_over_replicas
from recsys_lib.training.weighting import Weighting, check_several

_LOWEST_WEIGHT = 1e-6
INITIAL_LOSSES = (None, "log_classes")


@dataclasses.dataclass(frozen=True)
class GradNorm:
    """Weights that even out gradient norms and training rates.

    In three points this goes beyond the paper.

    - The step is one of gradient descent on ``L_grad / mean(G)`` in ``log w``: weights stay
      positive, and the scale of the losses does not matter.
    - The paper's targets ``mean(G) r_i^alpha`` add up to the sum of the norms only for ``alpha``
      0 or 1. Otherwise no weights reach them all: above 1 every target can lie above its norm,
      all weights are pulled up at once, and scaling them to a fixed sum undoes that or drives one
      of them to zero. So the targets are scaled to the sum of the norms. With norms and rates
      that stay, ``w_i`` comes to ``r_i^alpha / || grad_W L_i ||``, scaled.
    - ``L_i(0)`` is the mean over the first ``initial_steps`` batches, since one batch is noisy;
      until then the mean so far stands in for it. Where the first losses depend much on how the
      network starts, the paper advises what they are in theory, log C for a choice among C classes:
      ``initial_losses="log_classes"``.

    Args:
        alpha: strength with which slow tasks are favoured; 0 evens out the norms alone.
        learning_rate: relative change of a weight in a step, about.
        shared: name of the last shared layer; default: see
            ``recsys_lib.multi_task.gradients.shared_parameters``.
        initial_steps: batches from which ``L_i(0)`` is taken; 1 is the paper's.
        initial_losses: None: measured; ``"log_classes"``: log 2 for every binary task (a regression
            task has no such value, and its loss is measured).

    The history reports ``norm_<task>``, the ``G_i``, and ``rate_<task>``, the ``r_i``.

    Raises:
        ValueError: arguments out of range; when bound to a model, fewer than two tasks, or no
            such layer.

    Example:
        >>> GradNorm(alpha=0.5).initial_steps
        20
    """

    alpha: float = 1.5
    learning_rate: float = 0.025
    shared: str | None = None
    initial_steps: int = 20
    initial_losses: str | None = None

    def __post_init__(self):
        check_number("alpha", self.alpha, 0)
        check_number("learning_rate", self.learning_rate, 0, exclude=(0,))
        check_integer("initial_steps", self.initial_steps)
        check_choice("initial_losses", self.initial_losses, INITIAL_LOSSES)

    def start(self, model: keras.Model, kinds: Mapping[str, str]) -> Weighting:
        """Bind to a model; ``kinds`` is a dict of its tasks to their kinds."""
        check_several("GradNorm", kinds)
        return _Norms(self, shared_parameters(model, self.shared), kinds)


class _Norms(Weighting):
    def __init__(self, method, shared, tasks):
        self.method, self.shared, self.num_tasks = method, shared, len(tasks)
        in_theory = method.initial_losses is not None
        self.is_known = [in_theory and kind == "binary" for kind in tasks.values()]
        self.columns = [f"{name}_{task}" for name in ("norm", "rate") for task in tasks]
        self.weights = tf.Variable(tf.ones(len(tasks)), trainable=False)
        self.initial_losses = tf.Variable(tf.zeros(len(tasks)), trainable=False)
        self.steps_seen = tf.Variable(0.0, trainable=False)
        self.variables = [self.weights, self.initial_losses, self.steps_seen]

    def step(self, tape, losses):
        weights = self.weights.read_value()
        norms = tf.norm(self.shared.gradients(tape, losses), axis=1)
        rates = self._rates(sum_over_replicas(tf.stack(losses)))
        self.weights.assign(self._update(weights, norms, rates))
        reports = [*tf.unstack(weights * norms), *tf.unstack(rates)]
        return tf.unstack(weights), 0.0, reports

    def _rates(self, losses):
        """The ``r_i``; counts this batch for ``L_i(0)`` if it is one of the first."""
        seen, initial = self.steps_seen.read_value(), self.initial_losses.read_value()
        mean = initial + (losses - initial) / (seen + 1)
        initial = tf.where(seen < self.method.initial_steps, mean, initial)
        initial = tf.where(self.is_known, math.log(2), initial)
        self.initial_losses.assign(initial)
        self.steps_seen.assign(tf.minimum(seen + 1, self.method.initial_steps))
        progress = tf.math.divide_no_nan(losses, initial)
        return tf.math.divide_no_nan(progress, tf.reduce_mean(progress))

    def _update(self, weights, norms, rates):
        weighted = weights * norms
        targets = rates**self.method.alpha
        targets *= tf.math.divide_no_nan(tf.reduce_mean(weighted), tf.reduce_mean(targets))
        # d L_grad / d log w_i = sign(G_i - target_i) G_i, the target a constant.
        slopes = tf.sign(weighted - targets) * weighted
        slopes = tf.math.divide_no_nan(slopes, tf.reduce_mean(weighted))
        weights = tf.maximum(weights * tf.exp(-self.method.learning_rate * slopes), _LOWEST_WEIGHT)
        return weights * (self.num_tasks / tf.reduce_sum(weights))
