"""FM whose products of pairs are dropped out in training, as AFM's are."""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import linear_logit
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import FlatOptions, shared_options, tables
from recsys_lib.second_order.interactions import PairwiseProduct, crossed_fields


@shared_options()
def fm_with_dropout(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    dropout_rate: float = 0.0,
    **common: Unpack[FlatOptions],
) -> keras.Model:
    """FM with the dropout that AFM's paper adds: AFM without its attention.

    Args:
        feature_columns: columns of any kind, two fields at least.
        tasks: the one task.
        dropout_rate: of the elements of the pairs' products.
        **common: see ``TableOptions`` and ``LinearOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``.
    """
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, **tables(feature_columns, common))
    products = PairwiseProduct(name="pairs")(fields)  # (batch, pairs, dim)
    products = keras.layers.Dropout(dropout_rate, name="pairs_dropout")(products)
    second_order = ops.sum(products, axis=(1, 2))[:, None]
    logits = [linear_logit(inputs, feature_columns, l2=common["linear_l2"]), second_order]
    return keras.Model(inputs, predict_one(tasks, logits), name="fm_with_dropout")
