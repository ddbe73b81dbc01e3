"""Field-matrixed factorization machine: each pair of fields turns the vectors by its own matrix.

A factorization machine's vectors meet all others in one space. Here the first vector of a pair is
carried into the space of the second by a learned matrix M_ij:

    logit = w_0 + sum_i w_i x_i + sum_{i<j} <v_i M_ij, v_j> x_i x_j

Its special cases are FM with M_ij the identity, FwFM with M_ij = r_ij times the identity, and FvFM,
the field-vectorized machine, with M_ij diagonal.

Source: Sun, Pan, Zhang and Flores 2021, "FM^2: Field-matrixed Factorization Machines for
Recommender Systems", section 3. The paper lets each field have a width of its own; here there is
one width.
Taught in chapter 02, "FwFM, FmFM and FFM".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
import numpy as np
from keras import ops

from recsys_lib.checks import check_choice
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import linear_logit
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import Configured, FlatOptions, shared_options, tables
from recsys_lib.second_order.interactions import PairLayer, crossed_fields

MATRICES = ("full", "diagonal")


@keras.saving.register_keras_serializable("recsys_lib")
class FieldMatrices(Configured, PairLayer):
    """Product of every pair of fields through its matrix, ``<v_i M_ij, v_j>`` for i < j.

    All matrices start as the identity.

    Call arguments:
        fields: ``(batch, num_fields, embedding_dim)``.

    Returns:
        ``(batch, num_pairs)``.

    Args:
        matrices: ``"full"``, or ``"diagonal"``, which keeps their diagonals alone.

    Raises:
        ValueError: an unknown kind of matrices.
    """

    def __init__(self, matrices="full", **kwargs):
        super().__init__(**kwargs)
        self.matrices = check_choice("matrices", matrices, MATRICES)

    def build(self, input_shape):
        super().build(input_shape)
        one = (np.eye if self.matrices == "full" else np.ones)(self.embedding_dim)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.num_pairs, *one.shape),
            initializer=lambda shape, dtype=None: ops.broadcast_to(ops.cast(one, dtype), shape),
        )

    def call(self, fields):
        if self.matrices == "full":
            turned = self.turn_first(fields, self.kernel)
        else:
            turned = self.first(fields) * self.kernel
        return ops.sum(turned * self.second(fields), axis=-1)


@shared_options()
def build_fmfm(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    matrices: str = "full",
    **common: Unpack[FlatOptions],
) -> keras.Model:
    """Build the model. It starts as a factorization machine: every matrix is the identity.

    This start is ours; FuxiCTR, for one, draws the matrices at random.

    Args:
        feature_columns: columns of any kind, two fields at least.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        matrices: ``"full"``; ``"diagonal"`` makes it the paper's FvFM.
        **common: see ``TableOptions`` and ``LinearOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``fmfm_pairs`` holds every pair's term, ``(batch, num_pairs)``, and in its ``kernel`` the
        matrices.

    Raises:
        ValueError: as ``build_fm``, or an unknown kind of matrices.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_fmfm(columns, "click", embedding_dim=4)
        >>> tuple(model.get_layer("fmfm_pairs").kernel.shape)
        (1, 4, 4)
    """
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, **tables(feature_columns, common))
    terms = FieldMatrices(matrices, name="fmfm_pairs")(fields)  # (batch, pairs)
    second_order = ops.sum(terms, axis=1, keepdims=True)
    logits = [linear_logit(inputs, feature_columns, l2=common["linear_l2"]), second_order]
    return keras.Model(inputs, predict_one(tasks, logits), name="fmfm")
