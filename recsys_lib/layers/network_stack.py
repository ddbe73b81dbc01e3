"""Many small networks at once: experts, gates and towers as batched products.

A stack of N networks of one shape is one weight of shape ``(N, in, out)`` for each layer. All of
them run in one product, where a loop over networks would launch N of each kernel; their initial
weights are drawn apart, so that no two networks start alike.
"""

import keras
import numpy as np
from keras import ops

from recsys_lib.layers.initializers import glorot_of_one


@keras.saving.register_keras_serializable("recsys_lib")
class NetworkStack(keras.layers.Layer):
    """``count`` fully connected networks side by side, ``a_(l+1) = f(W_nl a_l + b_nl)`` for each n.

    Call arguments:
        inputs: ``(batch, features)``, read by all of them, or ``(batch, count, features)``, one
            input for each.

    Returns:
        ``(batch, count, hidden_units[-1])``.

    Args:
        count: number of networks.
        hidden_units: widths of the layers of each, all of them activated.
        activation: Keras activation; ``"linear"`` makes each network one matrix product.
        output_units: width of a last layer without activation, or None for no such layer.

    Raises:
        ValueError: no network, no layer, or a width below 1.
    """

    def __init__(self, count, hidden_units, activation="relu", output_units=None, **kwargs):
        super().__init__(**kwargs)
        self.hidden_units = tuple(hidden_units)
        if count < 1:
            raise ValueError(f"{self.name}: expected 1 network or more, got {count}")
        widths = [*self.hidden_units, *([] if output_units is None else [output_units])]
        if not widths or min(widths) < 1:
            raise ValueError(f"{self.name}: expected widths of 1 or more, got {widths}")
        self.count, self.output_units = count, output_units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        features = input_shape[-1]
        if len(input_shape) == 3 and input_shape[1] != self.count:
            raise ValueError(
                f"{self.name}: expected an input for each of {self.count} networks, got "
                f"{input_shape[1]}"
            )
        widths = [*self.hidden_units, *([] if self.output_units is None else [self.output_units])]
        self.kernels, self.biases = [], []
        for position, units in enumerate(widths):
            self.kernels.append(
                self.add_weight(
                    name=f"kernel_{position}",
                    shape=(self.count, features, units),
                    initializer=glorot_of_one(features, units),
                )
            )
            self.biases.append(
                self.add_weight(
                    name=f"bias_{position}", shape=(self.count, units), initializer="zeros"
                )
            )
            features = units

    def call(self, inputs):
        if len(inputs.shape) == 2:
            outputs = ops.einsum("bi,nio->bno", inputs, self.kernels[0]) + self.biases[0]
        else:
            outputs = ops.einsum("bni,nio->bno", inputs, self.kernels[0]) + self.biases[0]
        for position in range(1, len(self.kernels)):
            outputs = self.activation(outputs)
            outputs = ops.einsum("bni,nio->bno", outputs, self.kernels[position])
            outputs = outputs + self.biases[position]
        return outputs if self.output_units is not None else self.activation(outputs)

    def get_config(self):
        return {
            **super().get_config(),
            "count": self.count,
            "hidden_units": list(self.hidden_units),
            "activation": keras.activations.serialize(self.activation),
            "output_units": self.output_units,
        }


@keras.saving.register_keras_serializable("recsys_lib")
class Gates(keras.layers.Layer):
    """Each gate's mixture over its experts, ``g_t(x) = softmax(W_t x)``.

    Call arguments:
        inputs: ``(batch, features)``, read by all gates, or ``(batch, num_gates, features)``.

    Returns:
        ``(batch, num_gates, num_experts)``, sums to one over the experts.

    Args:
        num_gates: number of gates.
        num_experts: experts of each gate.

    Source: Ma et al. 2018, "Modeling Task Relationships in Multi-task Learning with Multi-gate
    Mixture-of-Experts", equation 7: one linear map of the input, without a bias.
    """

    def __init__(self, num_gates, num_experts, **kwargs):
        super().__init__(**kwargs)
        if num_gates < 1 or num_experts < 1:
            raise ValueError(
                f"{self.name}: expected 1 gate and 1 expert or more, got {num_gates} and "
                f"{num_experts}"
            )
        self.num_gates, self.num_experts = num_gates, num_experts

    def build(self, input_shape):
        features = input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.num_gates, features, self.num_experts),
            initializer=glorot_of_one(features, self.num_experts),
        )

    def call(self, inputs):
        form = "bi,tie->bte" if len(inputs.shape) == 2 else "bti,tie->bte"
        return ops.softmax(ops.einsum(form, inputs, self.kernel), axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "num_gates": self.num_gates,
            "num_experts": self.num_experts,
        }


@keras.saving.register_keras_serializable("recsys_lib")
class Mixture(keras.layers.Layer):
    """``h_t = sum_k g_tk e_k`` for every gate t, each over the experts that it may see.

    Call arguments:
        gates: ``(batch, num_gates, num_seen)``.
        experts: ``(batch, num_experts, units)``.

    Returns:
        ``(batch, num_gates, units)``.

    Args:
        seen: for every gate the positions of the experts that its weights belong to,
            ``(num_gates, num_seen)``; default: all experts, in their order.
    """

    def __init__(self, seen=None, **kwargs):
        super().__init__(**kwargs)
        self.seen = None if seen is None else [[int(k) for k in row] for row in seen]

    def call(self, gates, experts):
        if self.seen is not None:
            # Zero for the experts that a gate does not see: one product for all gates, where
            # gathering the experts of each gate has a slow gradient.
            positions = np.asarray(self.seen, np.int32)
            places = np.eye(experts.shape[1], dtype=np.float32)[positions]
            gates = ops.einsum("bts,tse->bte", gates, places)
        return ops.einsum("bte,beu->btu", gates, experts)

    def get_config(self):
        return {**super().get_config(), "seen": self.seen}
