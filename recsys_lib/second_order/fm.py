"""Factorization machine: every pair of features has a weight, the inner product of two vectors.

A weight of its own for each pair of n features takes n^2 parameters and can be learned only from
rows that hold both. Here a pair's weight comes from one vector per feature, nk parameters in all,
each trained by every row that holds the feature, so pairs that never met have a weight too:

    logit = w_0 + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j

Source: Rendle 2010, "Factorization Machines", equation 1; lemma 3.1 for the time linear in n.
Taught in chapter 02, "FM".
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
from recsys_lib.second_order.interactions import BiInteraction, crossed_fields


@keras.saving.register_keras_serializable("recsys_lib")
class FactorizationMachine(BiInteraction):
    """Second-order term of a factorization machine, ``sum_{i<j} <v_i, v_j>``.

    Call arguments:
        fields: ``(batch, num_fields, embedding_dim)``, each row's vectors times its values.

    Returns:
        ``(batch, 1)``.
    """

    def call(self, fields):
        return ops.sum(super().call(fields), axis=1, keepdims=True)


@shared_options()
def build_fm(
    feature_columns: Sequence[Column], tasks: Tasks = "click", **common: Unpack[FlatOptions]
) -> keras.Model:
    """Build a factorization machine.

    Args:
        feature_columns: columns of any kind, two fields at least; a sequence is one field, the
            pooled vector of its steps, a number is ``x`` times a vector.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        **common: see ``TableOptions`` and ``LinearOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer ``fields``
        holds the vectors ``(batch, num_fields, embedding_dim)``, ``fm`` the second-order term
        ``(batch, 1)``.

    Raises:
        ValueError: fewer than two fields, a column that states another width, an option out of
            range, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_fm(columns, "click", embedding_dim=4)
        >>> model.get_layer("fields").output.shape
        (None, 2, 4)
    """
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, **tables(feature_columns, common))
    second_order = FactorizationMachine(name="fm")(fields)
    logits = [linear_logit(inputs, feature_columns, l2=common["linear_l2"]), second_order]
    return keras.Model(inputs, predict_one(tasks, logits), name="fm")
