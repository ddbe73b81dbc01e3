"""Weights that fade: each task starts with a weight of its own, which shrinks at its own rate.

    w_k(t) = w_k(0) gamma_k^t

The paper's training has two parts. Each task's loss is a mean over the rows on which the task has
a label (here ``Split.label_masks``), and the losses are added with these weights. It writes of an
update "after each step" and then says that t is the training epoch: both are here, and t counts
epochs by default.

Source: Tang et al. 2020, "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning Model
for Personalized Recommendations", section 4.3 (equations 9 and 10).
Taught in chapter 05, "Loss balancing".
"""

import dataclasses
from collections.abc import Mapping

import keras
import tensorflow as tf

from recsys_lib.checks import check_choice, check_number
from recsys_lib.training.weighting import Weighting, check_named_tasks

EVERY = ("epoch", "step")


@dataclasses.dataclass(frozen=True)
class DecayingWeights:
    """Weights ``weights * decay**t``.

    Args:
        weights: ``w_k(0)``: dict of task to its first weight, 0 or more (tasks left out have 1), or
            one number for all tasks.
        decay: ``gamma_k``: dict of task to the factor of each epoch or step, above 0 (tasks left
            out have 1, which keeps their weight), or one number for all tasks.
        every: what t counts, ``"epoch"`` or ``"step"``, from 0.

    Raises:
        ValueError: weights or factors out of range; when bound to a model, unknown tasks.

    Example:
        >>> DecayingWeights({"like": 0.5}, {"click": 0.9})
        DecayingWeights(weights={'like': 0.5}, decay={'click': 0.9}, every='epoch')
    """

    weights: Mapping[str, float] | float = 1.0
    decay: Mapping[str, float] | float = 1.0
    every: str = "epoch"

    def __post_init__(self):
        for name, excluded in (("weights", ()), ("decay", (0,))):
            given = getattr(self, name)
            values = given if isinstance(given, Mapping) else {None: given}
            for task, value in values.items():
                which = f"{name}" if task is None else f"{name}[{task!r}]"
                check_number(f"DecayingWeights, {which}", value, 0, exclude=excluded)
        check_choice("DecayingWeights, every", self.every, EVERY)

    def start(self, model: keras.Model, kinds: Mapping[str, str]) -> Weighting:
        """Bind to a model; ``kinds`` is a dict of its tasks to their kinds."""
        numbers = []
        for name in ("weights", "decay"):
            given = getattr(self, name)
            named = given if isinstance(given, Mapping) else dict.fromkeys(kinds, given)
            check_named_tasks(f"DecayingWeights, {name}", named, kinds)
            numbers.append([float(named.get(task, 1.0)) for task in kinds])
        return _Decaying(*numbers, self.every)


class _Decaying(Weighting):
    def __init__(self, weights, decay, every):
        self.weights, self.decay, self.every = weights, decay, every
        self.time = tf.Variable(0, dtype=tf.int64, trainable=False)  # t
        self.variables = [self.time]

    def step(self, tape, losses):
        time = tf.cast(self.time.read_value(), tf.float32)
        weights = tf.constant(self.weights) * tf.constant(self.decay) ** time
        if self.every == "step":
            self.time.assign_add(1)
        return tf.unstack(weights), 0.0, []

    def end_epoch(self):
        if self.every == "epoch":
            self.time.assign_add(1)
