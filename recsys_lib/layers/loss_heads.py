"""The head of a funnel, whose loss is more than that of its probability.

It multiplies two probabilities and knows the logit of the product.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, ops

from recsys_lib.keras_internals import keep_logits
from recsys_lib.layers.heads import PredictionHead, Tasks, check_tasks, in_full_precision
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


def predict_funnel(
    tasks: Tasks, logits: Sequence[KerasTensor], given: str = "conversion_given_click"
) -> dict[str, KerasTensor]:
    """The outputs of a click and of a conversion behind it: ``p_click`` and ``p_click p_given``.

    Args:
        tasks: the click and the conversion, in this order, both binary. The conversion's label is
            "clicked and converted", over all rows: ``fit`` refuses a conversion without a click.
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
