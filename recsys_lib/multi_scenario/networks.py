"""A network for each scenario, all of them in one pass."""

import keras
import tensorflow as tf

from recsys_lib.checks import check_bool
from recsys_lib.layers.network_stack import NetworkStack
from recsys_lib.multi_scenario.normalization import PartitionedNormalization
from recsys_lib.multi_scenario.parts import Blocks, plain_activation


@keras.saving.register_keras_serializable("recsys_lib")
class ScenarioNetworks(NetworkStack):
    """A fully connected network for each scenario; every row goes through its own scenario's.

    Call arguments:
        inputs: ``(batch, features)``.
        ids: ``(batch,)`` from 1 to ``count``; 0 is answered by network 1.

    Returns:
        ``(batch, units of the last layer)``.

    Args:
        count: number of scenarios.
        hidden_units, output_units, dropout_rate: as in ``NetworkStack``.
        activation: Keras activation, see ``plain_activation``.
        batch_normalization: normalise each scenario's rows before each activation, with moments,
            scales and shifts of the scenario alone.
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
        activation = plain_activation(activation)
        super().__init__(count, hidden_units, activation, output_units, dropout_rate, **kwargs)
        # The base class would take the moments of all rows.
        self.batch_normalization = check_bool("batch_normalization", batch_normalization)
        self.own_normalizations = [
            PartitionedNormalization(self.count, shared=False, name=f"normalization_{position}")
            for position in range(len(self.hidden_units) if batch_normalization else 0)
        ]

    def build(self, inputs_shape, ids_shape):
        super().build(inputs_shape)
        for layer, units in zip(self.own_normalizations, self.hidden_units, strict=False):
            layer.build((None, units), ids_shape)

    def call(self, inputs, ids, training=None):
        ids = tf.maximum(ids, 1)
        blocks = Blocks(ids - 1, self.count)
        outputs = blocks.into(inputs)
        for position, weights in enumerate(zip(self.kernels, self.biases, strict=True)):
            outputs = blocks.linear(outputs, *weights)
            if position < len(self.hidden_units):
                if self.own_normalizations:  # as rows: padding has no part in the moments
                    normalize = self.own_normalizations[position]
                    rows = normalize(blocks.back(outputs), ids, training=training)
                    outputs = blocks.into(rows)
                outputs = self.activation(outputs)
                if self.dropouts:
                    outputs = self.dropouts[position](outputs, training=training)
        return blocks.back(outputs)

    def compute_output_spec(self, inputs, ids, training=None):
        return keras.KerasTensor((inputs.shape[0], self.widths[-1]), self.compute_dtype)
