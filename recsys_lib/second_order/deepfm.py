"""DeepFM: a factorization machine and a network on the same embeddings, their logits added.

    logit = w_0 + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j + w . MLP([v_1, ..., v_n])

One table feeds both parts, so low and high orders shape the same vectors, and no cross has to be
chosen by hand as in Wide & Deep.

Source: Guo et al. 2017, "DeepFM: A Factorization-Machine based Neural Network for CTR
Prediction", section 2.1 (equations 1 to 4).
Taught in chapter 02, "DeepFM".
"""

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.checks import check_bool, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import deep_logit, linear_logit
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import DeepLinearOptions, options_for, shared_options, tables
from recsys_lib.second_order.fm import FactorizationMachine
from recsys_lib.second_order.interactions import crossed_fields


@shared_options()
def build_deepfm(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    shared_embedding: bool = True,
    **common: Unpack[DeepLinearOptions],
) -> keras.Model:
    """Build DeepFM.

    Args:
        feature_columns: columns of any kind, two fields at least.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        shared_embedding: one table for both parts, as in the paper. False gives the network a
            table of its own, twice the parameters, to measure what the sharing is worth.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``LinearOptions``. The network has a
            hidden layer at least.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer ``fields``
        holds the vectors that both parts read (``deep_embedding_fields`` the network's own),
        ``fm`` and ``deep_logit`` the two parts' logits ``(batch, 1)``, ``deep`` the network's last
        layer.

    Raises:
        ValueError: no hidden layer, fewer than two fields, a column that states another width, an
            option out of range, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_deepfm(columns, "click", embedding_dim=4, hidden_units=(8,))
        >>> model.get_layer("fm").output.shape, model.get_layer("deep_logit").output.shape
        ((None, 1), (None, 1))
    """
    check_widths("hidden_units", common["hidden_units"])
    of_tables = tables(feature_columns, common)
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, **of_tables)
    second_order = FactorizationMachine(name="fm")(fields)
    deep_fields = fields
    if not check_bool("shared_embedding", shared_embedding):
        deep_fields = crossed_fields(inputs, feature_columns, name="deep_embedding", **of_tables)
    flat = keras.layers.Flatten(name="deep_inputs")(deep_fields)  # (batch, fields * dim)
    deep = deep_logit(flat, **options_for(deep_logit, common))
    logits = [linear_logit(inputs, feature_columns, l2=common["linear_l2"]), second_order, deep]
    return keras.Model(inputs, predict_one(tasks, logits), name="deepfm")
