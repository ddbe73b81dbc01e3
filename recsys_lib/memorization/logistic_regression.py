"""Logistic regression on ids and numbers, the baseline that every ranking model must beat.

Each id and each number has one weight; the model knows which users like much and which items are
liked much, and nothing about the two together:

    P(y = 1 | x) = sigmoid(sum_i w_i x_i + b)

Taught in chapter 00, "The ranking stage".
"""

import keras

from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import linear_logit
from recsys_lib.layers.heads import PredictionHead


def build_logistic_regression(feature_columns, task="click"):
    """Build the model.

    Args:
        feature_columns: columns of any kind; a sequence counts with the mean weight of its steps.
        task: name of the output.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``.
    """
    inputs = build_inputs(feature_columns)
    logit = linear_logit(inputs, feature_columns)
    return keras.Model(inputs, PredictionHead(name=task)(logit), name="logistic_regression")
