"""Logistic regression on ids and numbers, the baseline that every ranking model must beat.

Each id and each number has one weight; the model knows which users like much and which items are
liked much, and nothing about the two together:

    P(y = 1 | x) = sigmoid(sum_i w_i x_i + b)

Taught in chapter 00, "The ranking stage".
"""

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import linear_logit
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import LinearOptions, shared_options


@shared_options()
def build_logistic_regression(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    **common: Unpack[LinearOptions],
) -> keras.Model:
    """Build logistic regression: one weight per id and per number.

    Args:
        feature_columns: columns of any kind; a sequence counts with the mean weight of its steps,
            or with their sum where its column says so.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        **common: see ``LinearOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers to look at:
        ``linear``, the ids' weights; ``linear_numeric``, the numbers'.

    Raises:
        ValueError: several tasks, or a penalty below 0.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, NumericColumn
        >>> columns = [CategoricalColumn("user_id", 6), NumericColumn("price")]
        >>> build_logistic_regression(columns).count_params()  # 6 ids, a number and the bias
        8
    """
    inputs = build_inputs(feature_columns)
    logit = linear_logit(inputs, feature_columns, l2=common["linear_l2"])
    return keras.Model(inputs, predict_one(tasks, logit), name="logistic_regression")
