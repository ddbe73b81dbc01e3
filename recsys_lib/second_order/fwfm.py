"""Field-weighted factorization machine: a factorization machine that learns each pair's strength.

One number r_ij per pair of fields scales the inner products of that pair:

    logit = w_0 + sum_i w_i x_i + sum_{i<j} r_ij <v_i, v_j> x_i x_j

It costs one parameter a pair more than a factorization machine. How much a pair's term varies
from row to row says what that pair contributes, which makes the model a measure of importance.

Source: Pan et al. 2018, "Field-weighted Factorization Machines for Click-Through Rate Prediction
in Display Advertising", section 3.
Taught in chapter 02, "FwFM, FmFM and FFM".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import linear_logit
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import FlatOptions, shared_options, tables
from recsys_lib.second_order.interactions import PairwiseInnerProduct, crossed_fields


@keras.saving.register_keras_serializable("recsys_lib")
class PairWeights(keras.layers.Layer):
    """Multiply each pair's value with a learned weight; all weights start at one.

    Call arguments:
        values: ``(batch, num_pairs)``.

    Returns:
        ``(batch, num_pairs)``.
    """

    def build(self, input_shape):
        self.weight = self.add_weight(name="weight", shape=(input_shape[-1],), initializer="ones")

    def call(self, values):
        return values * self.weight


@shared_options()
def build_fwfm(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    **common: Unpack[FlatOptions],
) -> keras.Model:
    """Build the model. It starts as a factorization machine: every r_ij is one.

    Of the paper's three linear parts it has the weights w_i; the paper prefers a vector for each
    field, whose inner product with v_i takes the place of w_i.

    Args:
        feature_columns: columns of any kind, two fields at least.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        **common: see ``TableOptions`` and ``LinearOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``fwfm_pairs`` holds every pair's term ``r_ij <v_i, v_j>``, ``(batch, num_pairs)``, and
        in its ``weight`` the r_ij.

    Raises:
        ValueError: as ``build_fm``.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_fwfm(columns, "click", embedding_dim=4)
        >>> model.get_layer("fwfm_pairs").output.shape
        (None, 1)
    """
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, **tables(feature_columns, common))
    products = PairwiseInnerProduct(name="fwfm_products")(fields)  # (batch, pairs)
    terms = PairWeights(name="fwfm_pairs")(products)
    second_order = ops.sum(terms, axis=1, keepdims=True)
    logits = [linear_logit(inputs, feature_columns, l2=common["linear_l2"]), second_order]
    return keras.Model(inputs, predict_one(tasks, logits), name="fwfm")
