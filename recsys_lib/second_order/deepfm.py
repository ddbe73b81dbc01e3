"""DeepFM: a factorization machine and a network on the same embeddings, their logits added.

    logit = w_0 + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j + w . MLP([v_1, ..., v_n])

One table feeds both parts, so low and high orders shape the same vectors, and no cross has to be
chosen by hand as in Wide & Deep.

Source: Guo et al. 2017, "DeepFM: A Factorization-Machine based Neural Network for CTR
Prediction", section 2.1 (equations 1 to 4).
Taught in chapter 02, "DeepFM".
"""

import keras

from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import MLP, linear_logit
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.second_order.fm import FactorizationMachine
from recsys_lib.second_order.interactions import crossed_fields


def build_deepfm(
    feature_columns,
    embedding_dim=16,
    hidden_units=(64, 32),
    dropout_rate=0.0,
    shared_embedding=True,
    task="click",
):
    """Build the model.

    Args:
        feature_columns: columns of any kind, two fields at least.
        embedding_dim: width of the vectors.
        hidden_units: widths of the network's layers.
        dropout_rate: dropout after each of them.
        shared_embedding: one table for both parts, as in the paper. False gives the network a
            table of its own, twice the parameters, to measure what the sharing is worth.
        task: name of the output.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer ``fields``
        holds the vectors that both parts read (``deep_embedding_fields`` the network's own),
        ``fm`` and ``deep_logit`` the two parts' logits ``(batch, 1)``.
    """
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, embedding_dim)
    second_order = FactorizationMachine(name="fm")(fields)
    deep_fields = fields
    if not shared_embedding:
        deep_fields = crossed_fields(inputs, feature_columns, embedding_dim, "deep_embedding")
    flat = keras.layers.Flatten(name="deep_inputs")(deep_fields)  # (batch, fields * dim)
    hidden = MLP(hidden_units, dropout_rate=dropout_rate, name="deep")(flat)
    # The head adds the one bias of the model.
    deep = keras.layers.Dense(1, use_bias=False, name="deep_logit")(hidden)
    logits = [linear_logit(inputs, feature_columns), second_order, deep]
    return keras.Model(inputs, PredictionHead(name=task)(logits), name="deepfm")
