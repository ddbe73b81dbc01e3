"""Field-aware factorization machine: each feature has a vector for each other field.

A factorization machine's vector v_i takes part in all pairs of field i, so what one pair teaches it
changes the others. Here the pair of fields (i, j) reads the vectors that belong to it alone:

    logit = w_0 + sum_i w_i x_i + sum_{i<j} <v_{i,j}, v_{j,i}> x_i x_j

where v_{i,j} is the vector that the feature in field i keeps for field j. That multiplies the
table by the number of fields.

Kept from the factorization machine are the bias and the first-order term, which equation 4 leaves
out. Rows are not scaled to unit length, and the optimizer is free; the paper does the first and
trains with AdaGrad.

Source: Juan et al. 2016, "Field-aware Factorization Machines for CTR Prediction", equation 4.
Taught in chapter 02, "FwFM, FmFM and FFM".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_integer
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs, field_names
from recsys_lib.layers.blocks import linear_logit
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import FlatOptions, shared_options, tables
from recsys_lib.second_order.interactions import PairLayer, crossed_fields


@keras.saving.register_keras_serializable("recsys_lib")
class FieldAwareProduct(PairLayer):
    """Inner product of the two vectors that a pair of fields owns, ``<v_{i,j}, v_{j,i}>``, i < j.

    Call arguments:
        fields: ``(batch, num_fields, num_fields * embedding_dim)``: field i's vector for field 0,
            for field 1, and so on. Its vector for itself is not read.

    Returns:
        ``(batch, num_pairs)``.
    """

    def call(self, fields):
        width = self.embedding_dim // self.num_fields
        own = ops.reshape(fields, (-1, self.num_fields, self.num_fields, width))
        partners = ops.transpose(own, (0, 2, 1, 3))  # v_{j,i} where own has v_{i,j}
        products = ops.reshape(ops.sum(own * partners, axis=-1), (-1, self.num_fields**2))
        return ops.take(products, self.pairs[0] * self.num_fields + self.pairs[1], axis=1)


@shared_options()
def build_ffm(
    feature_columns: Sequence[Column], tasks: Tasks = "click", **common: Unpack[FlatOptions]
) -> keras.Model:
    """Build the model.

    Args:
        feature_columns: columns of any kind, two fields at least, and none that states a width:
            ``embedding_dim`` is that of each of a feature's vectors.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        **common: see ``TableOptions`` and ``LinearOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer ``fields``
        holds the vectors ``(batch, num_fields, num_fields * embedding_dim)``. A feature's row has
        a vector for its own field, too, which nothing reads or trains: it keeps the layout plain
        for ``1 / num_fields`` of the table. Layer ``ffm_pairs`` holds every pair's term,
        ``(batch, num_pairs)``.

    Raises:
        ValueError: as ``build_fm``.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_ffm(columns, "click", embedding_dim=4)
        >>> tuple(model.get_layer("embedding").table.shape)
        (15, 8)
    """
    inputs = build_inputs(feature_columns)
    options = tables(feature_columns, common)
    width = check_integer("embedding_dim", options["embedding_dim"])
    options["embedding_dim"] = width * len(field_names(feature_columns))
    fields = crossed_fields(inputs, feature_columns, **options)
    terms = FieldAwareProduct(name="ffm_pairs")(fields)  # (batch, pairs)
    second_order = ops.sum(terms, axis=1, keepdims=True)
    logits = [linear_logit(inputs, feature_columns, l2=common["linear_l2"]), second_order]
    return keras.Model(inputs, predict_one(tasks, logits), name="ffm")
