"""Polynomial of degree two: one weight of its own for every pair of ids.

    logit = w_0 + sum_i w_i x_i + sum_{i<j} w_ij x_i x_j

This is what a factorization machine replaces: on ids the pair weights are the crosses of Wide &
Deep's wide part, over all pairs of columns. A pair that never occurred keeps the weight zero.

Source: Rendle 2010, "Factorization Machines", section 3 (the comparison with polynomial models).
Taught in chapter 02, "FM".
"""

import keras

from recsys_lib.features.crosses import DEFAULT_MAX_ROWS, DEFAULT_NUM_BUCKETS
from recsys_lib.memorization import build_wide


def build_polynomial(
    feature_columns,
    max_cross_rows=DEFAULT_MAX_ROWS,
    num_cross_buckets=DEFAULT_NUM_BUCKETS,
    task="click",
):
    """Build the model: ``build_wide`` with all pairs, under the name of this chapter.

    Args:
        feature_columns: columns of any kind, two id columns at least; numbers enter the linear
            term alone.
        max_cross_rows, num_cross_buckets: pairs with more combinations than that are hashed, see
            ``CrossProduct``.
        task: name of the output.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``.
    """
    wide = build_wide(
        feature_columns,
        max_cross_rows=max_cross_rows,
        num_cross_buckets=num_cross_buckets,
        task=task,
    )
    return keras.Model(wide.input, wide.output, name="polynomial")
