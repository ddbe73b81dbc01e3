"""Attentional factorization machine: an attention network weighs the pairs of each row.

A small network scores the product of every pair, a softmax over the row's pairs turns scores into
weights, and the weighted sum of the products is projected to the logit:

    a'_ij = h . ReLU(W (v_i o v_j) + b),    a_ij = softmax over the pairs of a'_ij
    logit = w_0 + sum_i w_i x_i + p . sum_{i<j} a_ij (v_i o v_j)

Source: Xiao et al. 2017, "Attentional Factorization Machines", equations 4 to 6.
Taught in chapter 02, "AFM".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
import tensorflow as tf
from keras import ops

from recsys_lib.checks import check_integer, check_known, check_number
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import check_dropout, deep_logit, linear_logit
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import Activation, Configured, FlatOptions, shared_options, tables
from recsys_lib.second_order.interactions import PairLayer, PairwiseProduct, crossed_fields


@keras.saving.register_keras_serializable("recsys_lib")
class PairAttention(Configured, PairLayer):
    """Attention weights over the pairs of a row; they sum to one.

    The paper's pairs are those of a row's non-zero features. A field that is absent, with an
    unknown id, an empty sequence or the number 0, has the zero vector: its pairs get weight zero
    and take nothing from the others. A row with fewer than two features present has no pair to
    weigh; its weights are uniform, over products that are all zero.

    Call arguments:
        fields: ``(batch, num_fields, embedding_dim)``; says which fields are present.
        products: ``(batch, num_pairs, embedding_dim)``, after dropout in training.

    Returns:
        ``(batch, num_pairs)``.

    Args:
        attention_dim: hidden units of the attention network.
        l2: L2 penalty on W, the only weights that the paper penalises.
        activation: of the hidden units; ReLU in the paper.

    Raises:
        ValueError: arguments out of range.

    Source: Xiao et al. 2017, equation 5.
    """

    def __init__(self, attention_dim=16, l2=0.0, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.attention_dim = check_integer("attention_dim", attention_dim)
        self.l2 = check_number("attention_l2", l2, 0)
        self.activation = check_known("activation", activation, keras.activations)

    def build(self, fields_shape, products_shape):
        super().build(fields_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.embedding_dim, self.attention_dim),
            initializer="glorot_uniform",
            regularizer=keras.regularizers.L2(self.l2) if self.l2 else None,
        )
        self.bias = self.add_weight(name="bias", shape=(self.attention_dim,), initializer="zeros")
        # h says which hidden features make a pair important; it never meets the prediction.
        self.projection = self.add_weight(
            name="projection", shape=(self.attention_dim, 1), initializer="glorot_uniform"
        )

    def call(self, fields, products):
        hidden = ops.matmul(products, self.kernel) + self.bias  # (batch, pairs, units)
        hidden = self.activation(hidden)
        scores = ops.squeeze(ops.matmul(hidden, self.projection), axis=-1)  # (batch, pairs)
        present = ops.cast(ops.any(ops.not_equal(fields, 0), axis=-1), scores.dtype)  # (B, fields)
        both = ops.take(present, self.pairs[0], axis=1) * ops.take(present, self.pairs[1], axis=1)
        # Large enough to leave nothing of an absent pair, small enough for half precision.
        # Keras's own softmax warns about an axis of length one, which is right for two fields.
        return tf.nn.softmax(scores - 1e4 * (1 - both), axis=1)


@keras.saving.register_keras_serializable("recsys_lib")
class WeightedSum(keras.layers.Layer):
    """Sum over the pairs, ``sum_ij a_ij p_ij``.

    Call arguments:
        weights: ``(batch, num_pairs)``.
        products: ``(batch, num_pairs, embedding_dim)``.

    Returns:
        ``(batch, embedding_dim)``.

    Source: Xiao et al. 2017, equation 4.
    """

    def call(self, weights, products):
        pooled = ops.matmul(ops.expand_dims(weights, 1), products)  # (batch, 1, dim)
        return ops.squeeze(pooled, axis=1)


@shared_options()
def build_afm(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    attention_dim: int = 16,
    attention_dropout_rate: float = 0.0,
    pooled_dropout_rate: float = 0.0,
    attention_l2: float = 0.0,
    activation: Activation = "relu",
    dropout_rate: float = 0.0,
    **common: Unpack[FlatOptions],
) -> keras.Model:
    """Build an attentional factorization machine.

    Args:
        feature_columns: columns of any kind, two fields at least.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        attention_dim: hidden units of the attention network, the paper's attention factor.
        attention_dropout_rate: dropout on the pairs' weights a_ij, a whole pair at a time. (The
            paper drops elements of the products, which is ``dropout_rate``.)
        pooled_dropout_rate: dropout on the weighted sum of the products.
        attention_l2: L2 penalty on the attention network's matrix W, and on nothing else.
        activation: of the attention network; ReLU in the paper.
        dropout_rate: dropout on the pairs' products, as in the paper.
        **common: see ``TableOptions`` and ``LinearOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``afm_pairs`` holds the products ``(batch, num_pairs, embedding_dim)``, ``afm_attention``
        the weights a_ij ``(batch, num_pairs)``, ``afm_pooled`` the weighted sum, and
        ``afm_logit`` the projection p.

    Raises:
        ValueError: fewer than two fields, a column that states another width, an option out of
            range, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_afm(columns, "click", embedding_dim=4, attention_dim=3)
        >>> model.get_layer("afm_attention").output.shape  # one pair of fields
        (None, 1)
    """
    dropout_rate = check_dropout("dropout_rate", dropout_rate)
    attention_dropout_rate = check_dropout("attention_dropout_rate", attention_dropout_rate)
    pooled_dropout_rate = check_dropout("pooled_dropout_rate", pooled_dropout_rate)
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, **tables(feature_columns, common))
    products = PairwiseProduct(name="afm_pairs")(fields)  # (batch, pairs, dim)
    products = keras.layers.Dropout(dropout_rate, name="afm_pairs_dropout")(products)
    attention = PairAttention(attention_dim, attention_l2, activation, name="afm_attention")
    weights = attention(fields, products)  # (batch, pairs)
    if attention_dropout_rate:
        dropout = keras.layers.Dropout(attention_dropout_rate, name="afm_attention_dropout")
        weights = dropout(weights)
    pooled = WeightedSum(name="afm_pooled")(weights, products)  # (batch, dim)
    pooled = keras.layers.Dropout(pooled_dropout_rate, name="afm_pooled_dropout")(pooled)
    logit = deep_logit(pooled, (), name="afm")
    logits = [linear_logit(inputs, feature_columns, l2=common["linear_l2"]), logit]
    return keras.Model(inputs, predict_one(tasks, logits), name="afm")
