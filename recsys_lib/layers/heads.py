"""From logits to predictions: the head of a task, and what ``tasks`` means to every builder.

``tasks`` is the name of one binary task, a tuple of names of binary tasks, or a dict of name to
``"binary"`` or ``"regression"``. A name gives a model whose output is a tensor; a tuple or a dict,
also of a single task, gives one whose output is a dict.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from recsys_lib.checks import check_choice, check_number
from recsys_lib.keras_graphs import layers_of
from recsys_lib.keras_internals import keep_logits
from recsys_lib.layers.options import Configured

KINDS = ("binary", "regression")
"""A probability behind a sigmoid, or the sum of the logits as it is."""

Tasks = str | Sequence[str] | Mapping[str, str]


def in_full_precision(options: dict[str, Any]) -> dict[str, Any]:
    """A layer's options with the precision of the weights where none is given.

    Under a mixed policy heads add up and squash in the weights' precision: a probability in half
    precision has three digits, and one above .9998 is 1.
    """
    if options.get("dtype") is None:
        options = {**options, "dtype": keras.config.dtype_policy().variable_dtype}
    return options


@keras.saving.register_keras_serializable("recsys_lib")
class PredictionHead(Configured):
    """Sum the logits, add one bias, apply the sigmoid.

    The logits are summed with weight one. Passing them through another ``Dense(1)`` would
    multiply their sum by a random number that is negative in half of all initialisations.

    Args:
        kind: ``"binary"`` for a probability, ``"regression"`` for the sum as it is.

    Call arguments:
        logits: list of tensors ``(batch, 1)``, or one of them.
        as_logit: return the sum and the bias without the sigmoid, for a head that needs both.

    Returns:
        ``(batch,)``.

    Raises:
        ValueError: a logit of another shape, which would broadcast over the batch.
    """

    # ``rank`` may give a logit that is the same for all candidates as one row.
    broadcasts_single_rows = True

    def __init__(self, kind="binary", **kwargs):
        super().__init__(**in_full_precision(kwargs))
        self.kind = check_choice("kind", kind, KINDS)

    def build(self, input_shape):
        # One shape or several; a loaded configuration gives a shape as a list, not as a tuple.
        several = isinstance(input_shape[0], list | tuple)
        shapes = input_shape if several else [input_shape]
        for shape in shapes:
            if len(shape) != 2 or shape[-1] != 1:
                raise ValueError(
                    f"PredictionHead {self.name!r}: expected logits of shape (batch, 1), "
                    f"got {tuple(shape)}"
                )
        self.bias = self.add_weight(name="bias", shape=(), initializer="zeros")

    def call(self, logits, as_logit=False):
        logits = logits if isinstance(logits, list | tuple) else [logits]
        total = ops.squeeze(sum(logits[1:], start=logits[0]), axis=-1) + self.bias  # (batch,)
        return ops.sigmoid(total) if self.kind == "binary" and not as_logit else total


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
    """What a ``HeadWithLossBeside`` put beside its prediction, or None.

    Args:
        prediction: a model's output in training.

    Returns:
        The weight and the other prediction ``(batch,)``.
    """
    return getattr(prediction, "_recsys_beside", None)


def check_tasks(
    tasks: Tasks, *, exactly: int | None = None, only: str | None = None
) -> dict[str, str]:
    """``tasks`` as a dict of name to kind, in the order given.

    Args:
        tasks: a name, a sequence of names, or a dict of name to kind.
        exactly: how many tasks the model predicts; None: one or more.
        only: the one kind that the model predicts; None: either.

    Returns:
        Dict of name to ``"binary"`` or ``"regression"``.

    Raises:
        ValueError: no task, another number of them, a name twice, or an unknown kind.

    Example:
        >>> check_tasks("like")
        {'like': 'binary'}
        >>> check_tasks({"play": "binary", "watch_time": "regression"})
        {'play': 'binary', 'watch_time': 'regression'}
    """
    if isinstance(tasks, Mapping):
        kinds = dict(tasks)
    elif isinstance(tasks, str):
        kinds = {tasks: "binary"}
    elif isinstance(tasks, Sequence):
        if len(set(tasks)) != len(tasks):
            raise ValueError(f"tasks: expected different names, got {tasks!r}")
        kinds = dict.fromkeys(tasks, "binary")
    else:
        raise ValueError(f"tasks: expected a name, names or a dict of kinds, got {tasks!r}")
    if not kinds:
        raise ValueError("tasks: expected at least one, got none")
    for task, kind in kinds.items():
        if not isinstance(task, str) or not task:
            raise ValueError(f"tasks: expected names, got {task!r}")
        if kind not in KINDS:
            raise ValueError(f"task {task!r}: expected 'binary' or 'regression', got {kind!r}")
        if only is not None and kind != only:
            raise ValueError(f"task {task!r}: expected {only!r}, got {kind!r}")
    if exactly is not None and len(kinds) != exactly:
        expected = "one task" if exactly == 1 else f"{exactly} tasks"
        raise ValueError(f"tasks: expected {expected}, got {list(kinds)}")
    return kinds


def task_outputs(
    tasks: Tasks, predictions: Sequence[KerasTensor]
) -> KerasTensor | dict[str, KerasTensor]:
    """A model's output: a tensor where ``tasks`` is a name, else a dict of task to tensor.

    Args:
        tasks: as the builder was given them.
        predictions: ``(batch,)`` for each task, in their order.

    Returns:
        What ``keras.Model`` takes as its outputs.
    """
    if isinstance(tasks, str):
        (prediction,) = predictions
        return prediction
    return dict(zip(check_tasks(tasks), predictions, strict=True))


def predict_one(
    tasks: Tasks,
    logits: KerasTensor | Sequence[KerasTensor],
    beside: tuple[float, KerasTensor] | None = None,
) -> KerasTensor | dict[str, KerasTensor]:
    """The output of a model for one task, from the logits ``(batch, 1)`` that its parts add up.

    Args:
        tasks: as the builder was given them; one.
        logits: one or several ``(batch, 1)``.
        beside: weight of another prediction ``(batch,)`` in the loss, and the prediction; see
            ``HeadWithLossBeside``.

    Returns:
        A tensor ``(batch,)`` where ``tasks`` is a name, else a dict of the task to it.

    Raises:
        ValueError: several tasks.
    """
    ((task, kind),) = check_tasks(tasks, exactly=1).items()
    if beside is None:
        return task_outputs(tasks, [PredictionHead(kind, name=task)(logits)])
    weight, other = beside
    return task_outputs(tasks, [HeadWithLossBeside(kind, weight, name=task)(logits, other)])


def predict_each(tasks: Tasks, logits: KerasTensor) -> KerasTensor | dict[str, KerasTensor]:
    """The output of a model for several tasks, from ``(batch, tasks, 1)`` logits.

    Args:
        tasks: as the builder was given them.
        logits: ``(batch, tasks, 1)``, in the order of the tasks.

    Returns:
        A tensor ``(batch,)`` where ``tasks`` is a name, else a dict of task to it.
    """
    kinds = check_tasks(tasks)
    # Unstacked rather than indexed: some exporters merge the constant positions of several indices.
    each = ops.unstack(logits, num=len(kinds), axis=1)
    heads = [
        PredictionHead(kind, name=task)(logit)
        for (task, kind), logit in zip(kinds.items(), each, strict=True)
    ]
    return task_outputs(tasks, heads)


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
