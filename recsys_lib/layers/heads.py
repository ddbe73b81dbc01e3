"""From logits to predictions: the head of a task, and what ``tasks`` means to every builder.

``tasks`` is the name of one binary task, a tuple of names of binary tasks, or a dict of name to
``"binary"`` or ``"regression"``. A name gives a model whose output is a tensor; a tuple or a dict,
also of a single task, gives one whose output is a dict.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import KerasTensor, ops

from recsys_lib.checks import check_choice
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
        if not isinstance(task, str) or not task or "/" in task:
            raise ValueError(f"tasks: expected names without '/', got {task!r}")
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
    tasks: Tasks, logits: KerasTensor | Sequence[KerasTensor]
) -> KerasTensor | dict[str, KerasTensor]:
    """The output of a model for one task, from the logits ``(batch, 1)`` that its parts add up.

    Args:
        tasks: as the builder was given them; one.
        logits: one or several ``(batch, 1)``.

    Returns:
        A tensor ``(batch,)`` where ``tasks`` is a name, else a dict of the task to it.

    Raises:
        ValueError: several tasks.
    """
    ((task, kind),) = check_tasks(tasks, exactly=1).items()
    return task_outputs(tasks, [PredictionHead(kind, name=task)(logits)])


def predict_each(tasks: Tasks, logits: KerasTensor) -> KerasTensor | dict[str, KerasTensor]:
    """The output of a model for several tasks, from ``(batch, tasks, 1)`` logits.

    Args:
        tasks: as the builder was given them.
        logits: ``(batch, tasks, 1)``, in the order of the tasks.

    Returns:
        As ``predict_one``.
    """
    kinds = check_tasks(tasks)
    # Unstacked rather than indexed: some exporters merge the constant positions of several indices.
    each = ops.unstack(logits, num=len(kinds), axis=1)
    heads = [
        PredictionHead(kind, name=task)(logit)
        for (task, kind), logit in zip(kinds.items(), each, strict=True)
    ]
    return task_outputs(tasks, heads)
