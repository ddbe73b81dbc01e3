"""Neural factorization machine: a network on top of the summed products of all pairs.

Where a factorization machine adds up the pairs' products to one number, this model keeps the sum
as a vector and lets a network read it:

    f_BI = sum_{i<j} v_i o v_j,    z = MLP(f_BI)
    logit = w_0 + sum_i w_i x_i + h . z

Without hidden layers and with h = 1 it is the factorization machine.

Source: He and Chua 2017, "Neural Factorization Machines for Sparse Predictive Analytics",
section 3.1 (equations 3 to 7), section 3.3 for batch normalization and dropout.
Taught in chapter 02, "NFM".
"""

import keras

from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import MLP, linear_logit
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.second_order.interactions import BiInteraction, crossed_fields


def build_nfm(
    feature_columns,
    embedding_dim=16,
    hidden_units=(64, 32),
    batch_normalization=True,
    interaction_dropout_rate=0.0,
    dropout_rate=0.0,
    task="click",
):
    """Build the model.

    Args:
        feature_columns: columns of any kind, two fields at least.
        embedding_dim: width of the vectors and of the summed products.
        hidden_units: widths of the network's layers; empty: none, h reads the sum itself.
        batch_normalization: normalise the summed products and each hidden layer (momentum 0.9).
        interaction_dropout_rate: dropout on the summed products.
        dropout_rate: dropout after each hidden layer.
        task: name of the output.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``bi_interaction`` holds the summed products ``(batch, embedding_dim)``, ``nfm_hidden``
        z, ``nfm_logit`` the prediction vector h.
    """
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, embedding_dim)
    hidden = BiInteraction(name="bi_interaction")(fields)  # (batch, dim)
    if batch_normalization:
        normalization = keras.layers.BatchNormalization(momentum=0.9, name="nfm_normalization")
        hidden = normalization(hidden)
    hidden = keras.layers.Dropout(interaction_dropout_rate, name="nfm_dropout")(hidden)
    if hidden_units:
        hidden = MLP(
            hidden_units,
            dropout_rate=dropout_rate,
            batch_normalization=batch_normalization,
            name="nfm_hidden",
        )(hidden)
    # The head adds the one bias of the model.
    logit = keras.layers.Dense(1, use_bias=False, name="nfm_logit")(hidden)
    logits = [linear_logit(inputs, feature_columns), logit]
    return keras.Model(inputs, PredictionHead(name=task)(logits), name="nfm")
