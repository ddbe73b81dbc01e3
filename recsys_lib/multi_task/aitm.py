"""AITM: a chain of events, in which each task hands on to the next one what it knows.

    q_t = f_t(x),    z_1 = q_1,    p_(t-1) = g_(t-1)(z_(t-1))
    z_t = sum_u w_u h_3(u)    over u in {p_(t-1), q_t},
          w = softmax_u(<h_1(u), h_2(u)> / sqrt(k))
    y_t = sigmoid(v_t . z_t + b_t)
    loss = sum_t loss(label_t, y_t) + alpha sum_(t>1) mean(max(y_t - y_(t-1), 0))

Every label says "this event and all before it", over all rows. The last term is the paper's
behavioral expectation calibrator. It makes the order y_t <= y_(t-1) likely, not certain, as ESMM's
product does. It needs no label, so its mean is over all rows. All towers f_t read the same x, which
of a user's history holds what pooling makes of it, or DIN's unit: ``interest="attention"``.

Where the paper leaves a choice this is as in the authors' code: g is one hidden layer of its own
for each task, like a tower's; h_1, h_2 and h_3 are linear maps without a bias, the same ones for
all tasks; y_t, in the paper an MLP of z_t, is a linear map.

Source: Xi et al. 2021, "Modeling the Sequential Dependence among Audience Multi-step Conversions
with Multi-task Learning in Targeted Display Advertising", the sections on adaptive information
transfer and on the behavioral expectation calibrator.
Taught in chapter 05, "ESMM".
"""

import math
from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_number
from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead, Tasks, check_tasks
from recsys_lib.layers.network_stack import NetworkStack
from recsys_lib.layers.options import Widths, options_for, shared_options
from recsys_lib.multi_task.parts import TaskOptions, task_input
from recsys_lib.replicas import share_of_mean


@keras.saving.register_keras_serializable("recsys_lib")
class TransferWeights(keras.layers.Layer):
    """How much each of two vectors counts: ``softmax_u(<h_1(u), h_2(u)> / sqrt(k))``.

    Query and key are of one and the same vector: the two do not look at each other.

    Call arguments:
        pair: ``(batch, 2, k)``.

    Returns:
        ``(batch, 2)``, sums to one.

    Attributes:
        query, key: the kernels of h_1 and h_2, ``(k, k)``.
    """

    def build(self, pair_shape):
        width = pair_shape[-1]
        self.query = self.add_weight((width, width), name="query")
        self.key = self.add_weight((width, width), name="key")

    def call(self, pair):
        products = ops.matmul(pair, self.query) * ops.matmul(pair, self.key)
        return ops.softmax(ops.sum(products, axis=-1) / math.sqrt(pair.shape[-1]), axis=-1)


@keras.saving.register_keras_serializable("recsys_lib")
class ChainedPredictionHead(PredictionHead):
    """The probability of an event that needs another one first: in training not to be above it.

    While it trains it adds ``weight mean(max(p - p_before, 0))`` to the loss, the mean over all
    rows of the batch: it needs no label. Its gradient lowers p and raises the probability before.

    Call arguments:
        logits: as for ``PredictionHead``.
        before: ``(batch,)``, the probability of the event before.

    Returns:
        ``(batch,)``, what ``PredictionHead`` returns.

    Args:
        weight: the factor, 0 or more; 0: no such loss.

    Raises:
        ValueError: a weight below 0.
    """

    # ``rank`` looks for it in the class that has the ``call``.
    broadcasts_single_rows = True

    def __init__(self, weight=1.0, **kwargs):
        super().__init__("binary", **kwargs)
        self.weight = check_number(f"{self.name}, weight", weight, 0)

    def build(self, logits_shape, before_shape):
        super().build(logits_shape)

    def call(self, logits, before, training=None):
        prediction = super().call(logits)
        if training and self.weight:
            self.add_loss(self.weight * share_of_mean(ops.relu(prediction - before)))
        return prediction


@shared_options()
def build_aitm(
    feature_columns: Sequence[Column],
    tasks: Tasks = ("click", "conversion"),
    *,
    hidden_units: Widths = (64, 32),
    calibrator_weight: float = 0.6,
    **common: Unpack[TaskOptions],
) -> keras.Model:
    """Build the model.

    Args:
        feature_columns: columns of any kind.
        tasks: the events in their order, two or more, all binary; a label is 1 where its event and
            all before it happened, over all rows. Nothing refuses another label.
        hidden_units: widths of each tower's layers, at least one; the last one is k.
        calibrator_weight: alpha, 0 or more; the default is that of the authors' command.
        **common: see ``TaskOptions``. All towers share the tables.

    Returns:
        ``keras.Model`` from the columns' inputs to a dict of task to probability ``(batch,)``.
        Layer ``towers`` holds all q, ``(batch, tasks, k)``. For each task t from 2 on
        ``transferred_t`` holds the p that it is given, ``transfer_weights_t`` the weights of p and
        q, ``(batch, 2)``, and ``information_t`` its z. With attention ``history_weights`` holds the
        weights ``(batch, steps)``, ``interest`` their sum.

    Raises:
        ValueError: fewer than two tasks, one that is not binary, bad widths, or a weight below 0;
            attention and no history.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> model = build_aitm(columns, ("click", "cart", "purchase"))
        >>> [model.get_layer(name).output.shape for name in ("towers", "transfer_weights_3")]
        [(None, 3, 32), (None, 2)]
    """
    calibrator_weight = check_number("calibrator_weight", calibrator_weight, 0)
    first_task, *later = check_tasks(tasks, only="binary")
    if not later:
        raise ValueError(f"tasks: expected 2 tasks or more, got {[first_task]}")
    inputs, features = task_input(feature_columns, common)
    of_towers = options_for(NetworkStack, common)
    towers = NetworkStack(1 + len(later), hidden_units, **of_towers, name="towers")(features)
    first, *others = ops.unstack(towers, num=1 + len(later), axis=1)  # q, (batch, k) each
    weigh = TransferWeights(name="transfer_weights")
    values = keras.layers.Dense(first.shape[-1], use_bias=False, name="transfer_values")
    information = [first]  # z of each task
    for t, own in enumerate(others, start=2):
        transfer = MLP(hidden_units[-1:], **options_for(MLP, common), name=f"transferred_{t}")
        pair = ops.stack([transfer(information[-1]), own], axis=1)  # (batch, 2, k)
        weights = keras.layers.Identity(name=f"transfer_weights_{t}")(weigh(pair))
        mixture = keras.layers.Dot(axes=1, name=f"information_{t}")([weights, values(pair)])
        information.append(mixture)
    logits = [
        keras.layers.Dense(1, use_bias=False, name=f"logit_{t}")(state)
        for t, state in enumerate(information, start=1)
    ]
    before = PredictionHead(name=first_task)(logits[0])
    outputs = {first_task: before}
    for task, logit in zip(later, logits[1:], strict=True):
        before = outputs[task] = ChainedPredictionHead(calibrator_weight, name=task)(logit, before)
    return keras.Model(inputs, outputs, name="aitm")
