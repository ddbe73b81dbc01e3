"""The CIN in two slower forms that equal ``CINLayer``: the notes' and one Python loop per product.

Both take the weights of a ``CINLayer``; the benchmark times the first against the library's, the
tests hold all three to each other.
"""

import keras
from keras import ops

from recsys_lib.features.blocks import PredictionHead
from recsys_lib.features.embedding import build_inputs, embed_fields
from recsys_lib.higher_order.xdeepfm import CINLayer


class BroadcastCINLayer(CINLayer):
    """The notes' form: every product by broadcasting, then a dense layer over the products."""

    def call(self, fields, maps):
        num_products = fields.shape[1] * maps.shape[1]
        products = ops.expand_dims(fields, 2) * ops.expand_dims(maps, 1)
        products = ops.reshape(products, (-1, num_products, fields.shape[2]))
        kernel = ops.reshape(self.kernel, (num_products, self.num_maps))
        new_maps = ops.matmul(ops.transpose(products, (0, 2, 1)), kernel)  # (batch, D, maps)
        return self.activation(ops.transpose(new_maps, (0, 2, 1)))


class LoopCINLayer(CINLayer):
    """The formula word for word: add up the products of map i and field j, one after the other."""

    def call(self, fields, maps):
        total = 0.0
        for j in range(fields.shape[1]):
            for i in range(maps.shape[1]):
                product = fields[:, j] * maps[:, i]  # (batch, D)
                total += self.kernel[j, i][:, None] * product[:, None]  # (batch, maps, D)
        return self.activation(total)


def build_cin_with(
    layer_class, feature_columns, embedding_dim=16, cin_layer_sizes=(32, 32), task="click"
):
    """``build_cin`` with another class of layer; its weights come in the same order.

    Args:
        layer_class: ``CINLayer`` or one of the classes above.

    Other arguments and returns as for ``build_cin``.
    """
    inputs = build_inputs(feature_columns)
    fields = embed_fields(inputs, feature_columns, embedding_dim)
    maps, pooled = fields, []
    for depth, size in enumerate(cin_layer_sizes, start=1):
        maps = layer_class(size, name=f"cin_{depth}")(fields, maps)
        pooled.append(ops.sum(maps, axis=2))
    pooled = pooled[0] if len(pooled) == 1 else ops.concatenate(pooled, axis=1)
    logit = keras.layers.Dense(1, use_bias=False, name="cin_logit")(pooled)
    return keras.Model(inputs, PredictionHead(name=task)(logit))
