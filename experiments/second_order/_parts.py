"""FiBiNET taken apart: the branch of the original vectors alone, with matrices or without."""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import deep_logit, flatten_fields, linear_logit
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import DeepLinearOptions, options_for, shared_options, tables
from recsys_lib.second_order import BilinearInteraction, PairwiseProduct, crossed_fields


@shared_options()
def without_senet(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    matrices: bool = True,
    **common: Unpack[DeepLinearOptions],
) -> keras.Model:
    """FiBiNET without SENET and its branch.

    Args:
        feature_columns: columns of any kind, two fields at least.
        tasks: the task.
        matrices: whether the products are bilinear, a matrix for each pair, or plain.
        **common: as for ``build_fibinet``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``.
    """
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, **tables(feature_columns, common))
    cross = BilinearInteraction() if matrices else PairwiseProduct()
    flat = flatten_fields(cross(fields))
    if common["hidden_units"]:
        logit = deep_logit(flat, **options_for(deep_logit, common))
    else:
        logit = ops.sum(flat, axis=1, keepdims=True)
    logits = [linear_logit(inputs, feature_columns, l2=common["linear_l2"]), logit]
    return keras.Model(inputs, predict_one(tasks, logits), name="without_senet")
