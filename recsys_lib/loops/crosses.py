"""How not to do it: crossing layers written as Python loops, the way a formula is often copied.

Each pass of a loop adds its own small operations to the traced graph, with their gradients, so
tracing takes long and a step waits on hundreds of kernel launches. The layers compute the same
numbers as the ones they replace, which the tests prove; ``python -m benchmarks models``
says what they cost.
"""

import keras
from keras import ops

from recsys_lib.higher_order.xdeepfm import CINLayer
from recsys_lib.loops.higher_order import BroadcastCINLayer
from recsys_lib.loops.sequence import LoopedAttentionalGRU, LoopedTransformerBlock
from recsys_lib.second_order.fibinet import BilinearInteraction
from recsys_lib.second_order.pnn import InnerProductSignal
from recsys_lib.sequence.recurrence import AttentionalGRU
from recsys_lib.sequence.transformer import TransformerBlock


@keras.saving.register_keras_serializable("recsys_lib")
class LoopedInnerProductSignal(InnerProductSignal):
    """IPNN's quadratic signal, one unit after the other."""

    def call(self, fields):
        signals = []
        for unit in range(self.units):
            weighted = fields * ops.reshape(self.theta[unit], (1, -1, 1))  # (batch, fields, dim)
            total = ops.sum(weighted, axis=1)  # (batch, dim)
            signals.append(ops.sum(ops.square(total), axis=1, keepdims=True))  # (batch, 1)
        return ops.concatenate(signals, axis=1)


@keras.saving.register_keras_serializable("recsys_lib")
class LoopedBilinearInteraction(BilinearInteraction):
    """FiBiNET's bilinear products, one pair after the other."""

    def call(self, fields):
        products = []
        for first in range(self.num_fields):
            for second in range(first + 1, self.num_fields):
                matrix = {
                    "all": lambda first, pair: self.kernel,
                    "each": lambda first, pair: self.kernel[first],
                    "interaction": lambda first, pair: self.kernel[pair],
                }[self.kind](first, len(products))
                turned = ops.matmul(fields[:, first, :], matrix)  # (batch, dim)
                products.append(turned * fields[:, second, :])
        return ops.stack(products, axis=1)  # (batch, pairs, dim)


LOOPS = {
    InnerProductSignal: LoopedInnerProductSignal,
    BilinearInteraction: LoopedBilinearInteraction,
    CINLayer: BroadcastCINLayer,
    AttentionalGRU: LoopedAttentionalGRU,
    TransformerBlock: LoopedTransformerBlock,
}
"""The layer that loops, for each layer that has such a form."""


def looped(model: keras.Model) -> keras.Model:
    """A copy of a functional model, weights included, with loops wherever there are some.

    Args:
        model: a functional model of this library.

    Returns:
        Another model with the same weights.

    Raises:
        ValueError: the model has no layer with a looped form.
    """
    replaced = []

    def copy(layer):
        form = LOOPS.get(type(layer), type(layer))
        if form is not type(layer):
            replaced.append(layer.name)
        return form.from_config(layer.get_config())

    twin = keras.models.clone_model(model, clone_function=copy)
    if not replaced:
        names = sorted(layer.__name__ for layer in LOOPS)
        raise ValueError(f"model {model.name!r}: expected a layer of {names}, found none")
    twin.set_weights(model.get_weights())
    return twin
