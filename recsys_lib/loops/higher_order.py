"""The CIN in two slower forms that equal ``CINLayer``: the notes' and one Python loop per product.

Both take the weights of a ``CINLayer``; the benchmark times the first against the library's, the
tests hold all three to each other.
"""

import keras
from keras import ops

from recsys_lib.higher_order.xdeepfm import CINLayer


@keras.saving.register_keras_serializable("recsys_lib")
class BroadcastCINLayer(CINLayer):
    """The notes' form: every product by broadcasting, then a dense layer over the products."""

    def call(self, fields, maps):
        num_products = fields.shape[1] * maps.shape[1]
        products = ops.expand_dims(fields, 2) * ops.expand_dims(maps, 1)
        products = ops.reshape(products, (-1, num_products, fields.shape[2]))
        kernel = ops.reshape(self.kernel, (num_products, self.num_maps))
        new_maps = ops.matmul(ops.transpose(products, (0, 2, 1)), kernel)  # (batch, D, maps)
        return self.activated(ops.transpose(new_maps, (0, 2, 1)))


@keras.saving.register_keras_serializable("recsys_lib")
class LoopCINLayer(CINLayer):
    """The formula word for word: add up the products of map i and field j, one after the other."""

    def call(self, fields, maps):
        total = 0.0
        for j in range(fields.shape[1]):
            for i in range(maps.shape[1]):
                product = fields[:, j] * maps[:, i]  # (batch, D)
                total += self.kernel[j, i][:, None] * product[:, None]  # (batch, maps, D)
        return self.activated(total)
