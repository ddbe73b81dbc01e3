"""Many small networks at once: experts, gates and towers as batched products.

A stack of N networks of one shape is one weight of shape ``(N, in, out)`` for each layer. All of
them run in one product, where a loop over networks would launch N of each kernel; their initial
weights are drawn apart, so that no two networks start alike.
"""

import keras
import numpy as np
from keras import ops

from recsys_lib.checks import check_integer, check_number, check_widths
from recsys_lib.layers.initializers import glorot_of_one


@keras.saving.register_keras_serializable("recsys_lib")
class NetworkStack(keras.layers.Layer):
    """``count`` fully connected networks side by side, ``a_(l+1) = f(W_nl a_l + b_nl)`` for each n.

    Call arguments:
        inputs: ``(batch, features)``, read by all of them, or ``(batch, count, features)``, one
            input for each.

    Returns:
        ``(batch, count, hidden_units[-1])``, or ``(batch, count, output_units)``.

    Args:
        count: number of networks.
        hidden_units: widths of the layers of each, all of them activated; may be empty where there
            are output units.
        activation: Keras activation; ``"linear"`` makes each network one matrix product.
        output_units: width of a last layer without activation, or None for no such layer.
        dropout_rate: share of units dropped after each activation, in training only.
        batch_normalization: normalise each unit of each network before its activation (momentum
            0.9, as in ``MLP``).

    Raises:
        ValueError: no network, no layer, a width below 1, or a rate out of range.
    """

    def __init__(
        self,
        count,
        hidden_units,
        activation="relu",
        output_units=None,
        dropout_rate=0.0,
        batch_normalization=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.count = check_integer(f"{self.name}, count", count)
        has_output = output_units is not None
        self.hidden_units = check_widths(
            f"{self.name}, hidden_units", hidden_units, at_least=0 if has_output else 1
        )
        if has_output:
            output_units = check_integer(f"{self.name}, output_units", output_units)
        self.output_units = output_units
        self.activation = keras.activations.get(activation)
        self.dropout_rate = check_number("dropout_rate", dropout_rate, 0, 1, exclude=(1,))
        self.batch_normalization = batch_normalization
        positions = range(len(self.hidden_units))
        self.normalizations = [
            keras.layers.BatchNormalization(momentum=0.9, name=f"normalization_{position}")
            for position in (positions if batch_normalization else ())
        ]
        self.dropouts = [
            keras.layers.Dropout(self.dropout_rate, name=f"dropout_{position}")
            for position in (positions if self.dropout_rate else ())
        ]

    @property
    def widths(self):
        """Widths of all layers, the output's last."""
        return (*self.hidden_units, *(() if self.output_units is None else (self.output_units,)))

    def build(self, input_shape):
        features = input_shape[-1]
        if len(input_shape) == 3 and input_shape[1] != self.count:
            raise ValueError(
                f"{self.name}: expected an input for each of {self.count} networks, got "
                f"{input_shape[1]}"
            )
        self.kernels, self.biases = [], []
        for position, units in enumerate(self.widths):
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
        for normalization, units in zip(self.normalizations, self.hidden_units, strict=False):
            normalization.build((None, self.count * units))

    def call(self, inputs, training=None):
        outputs = self._layer(inputs, 0)
        for position in range(len(self.hidden_units)):
            outputs = self._activated(outputs, position, training)
            if position + 1 < len(self.kernels):
                outputs = self._layer(outputs, position + 1)
        return outputs

    def _layer(self, inputs, position):
        """``W_n a_n + b_n`` for every network n, ``(batch, count, units)``."""
        kernel, bias = self.kernels[position], self.biases[position]
        if len(inputs.shape) == 2:
            # One product for all networks: their matrices side by side.
            _, features, units = kernel.shape
            flat = ops.reshape(ops.transpose(kernel, (1, 0, 2)), (features, self.count * units))
            products = ops.reshape(ops.matmul(inputs, flat), (-1, self.count, units))
        else:
            # One product for each: the batched product and its gradient take 1.2 times as long.
            each = zip(
                ops.unstack(inputs, num=self.count, axis=1),
                ops.unstack(ops.convert_to_tensor(kernel), num=self.count, axis=0),
                strict=True,
            )
            products = ops.stack([ops.matmul(rows, matrix) for rows, matrix in each], axis=1)
        return products + bias

    def _activated(self, outputs, position, training):
        if self.normalizations:
            units = self.hidden_units[position]
            flat = ops.reshape(outputs, (-1, self.count * units))
            flat = self.normalizations[position](flat, training=training)
            outputs = ops.reshape(flat, (-1, self.count, units))
        outputs = self.activation(outputs)
        return self.dropouts[position](outputs, training=training) if self.dropouts else outputs

    def get_config(self):
        return {
            **super().get_config(),
            "count": self.count,
            "hidden_units": list(self.hidden_units),
            "activation": keras.activations.serialize(self.activation),
            "output_units": self.output_units,
            "dropout_rate": self.dropout_rate,
            "batch_normalization": self.batch_normalization,
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
