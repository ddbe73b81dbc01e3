"""Polynomial of degree two: one weight of its own for every pair of ids.

    logit = w_0 + sum_i w_i x_i + sum_{i<j} w_ij x_i x_j

This is what a factorization machine replaces: on ids the pair weights are the crosses of Wide &
Deep's wide part, over all pairs of columns. A pair that never occurred keeps the weight zero.

Source: Rendle 2010, "Factorization Machines", section 3 (the comparison with polynomial models).
Taught in chapter 02, "FM".
"""

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.features.columns import Column
from recsys_lib.features.crosses import DEFAULT_MAX_ROWS, DEFAULT_NUM_BUCKETS, CrossProduct
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import linear_logit
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import LinearOptions, shared_options


@shared_options()
def build_polynomial(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    max_cross_rows: int = DEFAULT_MAX_ROWS,
    num_cross_buckets: int = DEFAULT_NUM_BUCKETS,
    **common: Unpack[LinearOptions],
) -> keras.Model:
    """Build the model: a weight for each id and for each pair of ids, and a bias.

    Args:
        feature_columns: columns of any kind, two id columns at least; numbers enter the linear
            term alone.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        max_cross_rows, num_cross_buckets: pairs with more combinations than that are hashed, see
            ``CrossProduct``.
        **common: see ``LinearOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers to look at:
        ``wide_linear`` and ``wide_linear_numeric``, the weights w_i; ``wide_cross``, the w_ij.

    Raises:
        ValueError: no pair of id columns, an option out of range, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> build_polynomial(columns).count_params()  # 6 x 9 pairs, 15 ids and the bias
        70
    """
    inputs, l2 = build_inputs(feature_columns), common["linear_l2"]
    linear = linear_logit(inputs, feature_columns, name="wide_linear", l2=l2)
    sizes = (max_cross_rows, num_cross_buckets)
    crosses = CrossProduct(feature_columns, None, *sizes, l2, name="wide_cross")(inputs)
    return keras.Model(inputs, predict_one(tasks, [linear, crosses]), name="polynomial")
