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

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.checks import check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import (
    MLP,
    check_dropout,
    deep_logit,
    linear_logit,
    normalization_layer,
    read_normalization,
)
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import DeepLinearOptions, options_for, shared_options, tables
from recsys_lib.second_order.interactions import BiInteraction, crossed_fields


@shared_options(batch_normalization=True)
def build_nfm(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    interaction_dropout_rate: float = 0.0,
    **common: Unpack[DeepLinearOptions],
) -> keras.Model:
    """Build a neural factorization machine, by default with the paper's batch normalization.

    Args:
        feature_columns: columns of any kind, two fields at least.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        interaction_dropout_rate: dropout on the summed products.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``LinearOptions``. The summed
            products are normalised as the hidden layers are; without hidden layers h reads their
            sum itself.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``bi_interaction`` holds the summed products ``(batch, embedding_dim)``, ``nfm_hidden``
        z, ``nfm_logit`` the prediction vector h.

    Raises:
        ValueError: fewer than two fields, a column that states another width, an option out of
            range, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_nfm(columns, "click", embedding_dim=4, hidden_units=(8,))
        >>> model.get_layer("bi_interaction").output.shape
        (None, 4)
    """
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, **tables(feature_columns, common))
    hidden = BiInteraction(name="bi_interaction")(fields)  # (batch, dim)
    batch_normalization = read_normalization(common["batch_normalization"])
    if batch_normalization:
        hidden = normalization_layer(batch_normalization, "nfm_normalization")(hidden)
    rate = check_dropout("interaction_dropout_rate", interaction_dropout_rate)
    hidden = keras.layers.Dropout(rate, name="nfm_dropout")(hidden)
    if check_widths("hidden_units", common["hidden_units"], at_least=0):
        hidden = MLP(**options_for(MLP, common), name="nfm_hidden")(hidden)
    logit = deep_logit(hidden, (), name="nfm")
    logits = [linear_logit(inputs, feature_columns, l2=common["linear_l2"]), logit]
    return keras.Model(inputs, predict_one(tasks, logits), name="nfm")
