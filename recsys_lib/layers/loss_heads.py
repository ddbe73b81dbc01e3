"""Heads whose loss is more than that of their probability: a funnel's product, a second prediction.

ESMM's head multiplies two probabilities and knows the logit of the product; SIM's carries the
prediction of its search into the loss.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from recsys_lib.checks import check_number
from recsys_lib.keras_graphs import layers_of
from recsys_lib.keras_internals import keep_logits
from recsys_lib.layers.heads import (
    PredictionHead,
    Tasks,
    check_tasks,
    in_full_precision,
    task_outputs,
)
from recsys_lib.layers.options import Configured


@keras.saving.register_keras_serializable("recsys_lib")
class ProductHead(Configured):
    """The probability that one event follows another: ``p = sigmoid(a) sigmoid(b)``.

    Cross-entropy of a probability near 0 or 1 has lost its digits, and Keras clips it, so that a
    confident mistake has no gradient. This head knows the logit of its product,

        log(p / (1 - p)) = -log(exp(-a) + exp(-b) + exp(-a - b)),

    from which Keras's binary cross-entropy is exact at any confidence: for label 1 it is
    ``-(log sigmoid(a) + log sigmoid(b))``, for label 0 ``-log(1 - sigmoid(a) sigmoid(b))``.
    ``predict_funnel`` puts it behind the heads of the two events.

    Call arguments:
        probabilities: ``sigmoid(a)`` and ``sigmoid(b)``, each ``(batch,)``.
        logits: ``a`` and ``b``, each ``(batch,)``.

    Returns:
        ``(batch,)``, exactly the product of the probabilities, which is never above either.

    Args:
        click_task: task of the first event, whose label is 1 wherever the second's is.
        conversion_task: task of this head, "both happened", over all rows.
    """

    def __init__(self, click_task="click", conversion_task="conversion", **kwargs):
        super().__init__(**in_full_precision(kwargs))
        self.click_task, self.conversion_task = click_task, conversion_task

    def call(self, probabilities, logits):
        first, second = probabilities
        a, b = logits
        # Not ``logaddexp`` twice: its gradient is wrong where both are equal.
        logit = -ops.logsumexp(ops.stack([-a, -b, -a - b], axis=-1), axis=-1)
        return keep_logits(first * second, logit)


@keras.saving.register_keras_serializable("recsys_lib")
class HeadWithLossBeside(PredictionHead):
    """A head that, in training, carries another prediction of its label into the loss.

    The loss of a row is that of the head's prediction and ``weight`` times that of the other.
    ``fit`` of this library reads it; Keras's own ``fit`` does not. In inference nothing reads the
    other prediction, so a traced graph leaves out what leads to it.

    Call arguments:
        logits: as for ``PredictionHead``.
        other: ``(batch,)``, a prediction of the same task and kind.

    Returns:
        ``(batch,)``, what ``PredictionHead`` returns.

    Args:
        kind: see ``PredictionHead``.
        weight: the factor before the other loss, 0 or more.

    Raises:
        ValueError: a weight below 0.
    """

    # ``rank`` looks for it in the class that has the ``call``.
    broadcasts_single_rows = True

    def __init__(self, kind="binary", weight=1.0, **kwargs):
        super().__init__(kind, **kwargs)
        self.weight = check_number(f"{self.name}, weight", weight, 0)

    def build(self, logits_shape, other_shape):
        super().build(logits_shape)

    def call(self, logits, other, training=None):
        prediction = super().call(logits)
        if training:
            prediction._recsys_beside = (self.weight, other)
        return prediction


def loss_beside(prediction: Any) -> tuple[float, Any] | None:
    """The weight and the prediction that a ``HeadWithLossBeside`` put beside its own, or None."""
    return getattr(prediction, "_recsys_beside", None)


def predict_funnel(
    tasks: Tasks, logits: Sequence[KerasTensor], given: str = "conversion_given_click"
) -> dict[str, KerasTensor]:
    """The outputs of a click and of a conversion behind it: ``p_click`` and ``p_click p_given``.

    Args:
        tasks: the click and the conversion, in this order, both binary. The conversion's label is
            "clicked and converted", over all rows; see ``check_funnel``.
        logits: of the click and of the conversion once clicked, each ``(batch, 1)``.
        given: name of the layer that holds the probability of a conversion once clicked.

    Returns:
        Dict of the two tasks to probabilities ``(batch,)``, the conversion's from a
        ``ProductHead``.

    Raises:
        ValueError: not two binary tasks, or a layer named like one of them.

    Example:
        >>> click, converted = keras.Input((1,)), keras.Input((1,))
        >>> outputs = predict_funnel(("click", "conversion"), [click, converted])
        >>> {task: output.shape for task, output in outputs.items()}
        {'click': (None,), 'conversion': (None,)}
    """
    click, conversion = check_tasks(tasks, exactly=2, only="binary")
    if given in (click, conversion):
        raise ValueError(f"tasks: {given!r} is the name of a layer, expected another for a task")
    heads = [PredictionHead(name=name) for name in (click, given)]
    probabilities = [head(logit) for head, logit in zip(heads, logits, strict=True)]
    totals = [head(logit, as_logit=True) for head, logit in zip(heads, logits, strict=True)]
    product = ProductHead(click, conversion, name=conversion)(probabilities, totals)
    return {click: probabilities[0], conversion: product}


def check_funnel(
    model: keras.Model,
    labels: Mapping[str, np.ndarray],
    masks: Mapping[str, np.ndarray] | None = None,
    where: str = "labels",
) -> None:
    """Refuse conversions without a click where a model multiplies the two probabilities.

    Such a row says that something happened which the model takes for impossible; usually the
    conversion's label is "converted once clicked", or it belongs to another impression.

    Args:
        model: Keras model; one without a ``ProductHead`` passes.
        labels: dict of task to ``(rows,)``.
        masks: dict of task to ``(rows,)`` bool, where the label exists; default: everywhere.
        where: beginning of the message.

    Raises:
        ValueError: rows with a conversion and without a click; names the tasks and the rows.
    """
    for head in (layer for layer in layers_of(model) if isinstance(layer, ProductHead)):
        click, conversion = head.click_task, head.conversion_task
        if click not in labels or conversion not in labels:
            continue
        impossible = np.asarray(labels[conversion]) > np.asarray(labels[click])
        for task in (click, conversion):
            if masks and task in masks:
                impossible &= np.asarray(masks[task], bool)
        rows = np.flatnonzero(impossible)
        if len(rows):
            first = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
            raise ValueError(
                f"{where}: model {model.name!r} takes {conversion!r} for a part of {click!r}, "
                f"expected no {conversion!r} without {click!r}, got {len(rows)} rows: {first}"
            )


def predict_beside(
    tasks: Tasks, logits: KerasTensor, weight: float, other: KerasTensor
) -> KerasTensor | dict[str, KerasTensor]:
    """As ``predict_one``, with another prediction ``(batch,)`` of the same label in the loss."""
    ((task, kind),) = check_tasks(tasks, exactly=1).items()
    return task_outputs(tasks, [HeadWithLossBeside(kind, weight, name=task)(logits, other)])
