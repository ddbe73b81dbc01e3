"""Many small networks at once: experts, gates and towers, and the mixtures that gates make.

A stack of N networks of one shape is one weight of shape ``(N, in, out)`` for each layer; their
initial weights are drawn apart, so that no two networks start alike. Networks that read one input
run in one product. Those that read one each are multiplied one by one: a batched product of small
matrices takes twice as long.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import KerasTensor, ops

from recsys_lib.checks import check_bool, check_integer, check_widths
from recsys_lib.layers.blocks import (
    BatchNormalization,
    activation_layer,
    check_dropout,
    glorot_of_one,
    matrices_side_by_side,
    products_by_reader,
    read_activation,
)
from recsys_lib.layers.options import Activation, Configured, Widths, options_for


@keras.saving.register_keras_serializable("recsys_lib")
class NetworkStack(Configured):
    """``count`` fully connected networks side by side, ``a_(l+1) = f(W_nl a_l + b_nl)`` for each n.

    Call arguments:
        inputs: ``(batch, features)``, read by all of them, or ``(batch, count, features)``, one
            input for each; or as many inputs as ``readers`` says.

    Returns:
        ``(batch, count, hidden_units[-1])``, or ``(batch, count, output_units)``.

    Args:
        count: number of networks.
        hidden_units: widths of the layers of each, all of them activated; may be empty where there
            are output units.
        activation, dropout_rate: as for ``MLP``; an activation that is ``"linear"`` makes each
            network one matrix product.
        output_units: width of a last layer without activation, or None for no such layer.
        batch_normalization: normalise each unit of each network before its activation (momentum
            0.9, as in ``MLP``).
        readers: how many networks read each of several inputs, in order: ``(2, 2, 1)``: networks 0
            and 1 the first, 2 and 3 the second, 4 the third. Default: each one of its own.

    Raises:
        ValueError: no network, no layer, a width below 1, a rate out of range, or readers that are
            not as many as the networks.
    """

    def __init__(
        self,
        count,
        hidden_units,
        activation="relu",
        output_units=None,
        dropout_rate=0.0,
        batch_normalization=False,
        readers=None,
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
        self.activation = read_activation(activation)
        self.dropout_rate = check_dropout("dropout_rate", dropout_rate)
        self.batch_normalization = check_bool("batch_normalization", batch_normalization)
        self.readers = None if readers is None else check_widths(f"{self.name}, readers", readers)
        if readers is not None and sum(self.readers) != self.count:
            raise ValueError(
                f"{self.name}, readers: expected {self.count} in all, got {self.readers}"
            )
        positions = range(len(self.hidden_units))
        self.normalizations = [
            BatchNormalization(momentum=0.9, name=f"normalization_{position}")
            for position in (positions if batch_normalization else ())
        ]
        # Activations with weights of their own have them for each unit of each network.
        self.unit_activations = [
            activation_layer(activation, name=f"activation_{position}")
            for position in (positions if isinstance(self.activation, str) else ())
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
        if len(input_shape) == 3 and input_shape[1] != len(self.readers or [1] * self.count):
            expected = f"each of {self.count} networks" if self.readers is None else self.readers
            raise ValueError(f"{self.name}: expected an input for {expected}, got {input_shape[1]}")
        self.kernels, self.biases = [], []
        for position, units in enumerate(self.widths):
            shape, start = (self.count, features, units), glorot_of_one(features, units)
            self.kernels.append(self.add_weight(shape, start, name=f"kernel_{position}"))
            shape = (self.count, units)
            self.biases.append(self.add_weight(shape, "zeros", name=f"bias_{position}"))
            features = units
        for layers in (self.normalizations, self.unit_activations):
            for layer, units in zip(layers, self.hidden_units, strict=False):
                layer.build((None, self.count * units))

    def call(self, inputs, training=None):
        # All networks side by side, ``(batch, count * units)``: the next layer cuts them apart.
        outputs, readers = inputs, (self.count,)
        if len(inputs.shape) == 3:
            outputs = ops.reshape(inputs, (-1, inputs.shape[1] * inputs.shape[2]))
            readers = self.readers or (1,) * self.count
        outputs = products_by_reader(outputs, self.kernels[0], readers)
        return self.after_first_product(outputs, training)

    @property
    def first_kernel(self):
        """``W_0`` of networks that read one input, side by side: they begin with ``W_0 x``."""
        return matrices_side_by_side(ops.convert_to_tensor(self.kernels[0]))

    def after_first_product(self, product, training=False):
        """The networks' outputs from ``W_0 x``, which ``rank`` computes in parts."""
        outputs = product
        for position, units in enumerate(self.widths):
            if position:
                outputs = products_by_reader(outputs, self.kernels[position], (1,) * self.count)
            outputs = outputs + ops.reshape(self.biases[position], (self.count * units,))
            if position < len(self.hidden_units):
                outputs = self._activated(outputs, position, training)
        return ops.reshape(outputs, (-1, self.count, self.widths[-1]))

    def _activated(self, outputs, position, training):
        if self.normalizations:
            outputs = self.normalizations[position](outputs, training=training)
        if self.unit_activations:
            outputs = self.unit_activations[position](outputs)
        else:
            # Apart: an activation such as softmax looks at the units of one network.
            units = self.hidden_units[position]
            apart = ops.reshape(outputs, (-1, self.count, units))
            outputs = ops.reshape(self.activation(apart), (-1, self.count * units))
        return self.dropouts[position](outputs, training=training) if self.dropouts else outputs


@keras.saving.register_keras_serializable("recsys_lib")
class Gates(Configured):
    """Each gate's mixture over its experts, ``g_t(x) = softmax(W_t x)``.

    Call arguments:
        inputs: ``(batch, features)``, read by all gates, or ``(batch, num_gates, features)``.

    Returns:
        ``(batch, num_gates, num_experts)``, sums to one over the experts. Where gates have
        different numbers of experts, the last axis is as long as the largest needs, and what a
        gate does not use is zero.

    Args:
        num_gates: number of gates.
        num_experts: experts of each gate: an integer, or a sequence of one for each gate. The
            kernel is then one matrix for each, ``kernel_0`` and so on.

    Raises:
        ValueError: a number below 1, or not one for each gate.

    Source: Ma et al. 2018, "Modeling Task Relationships in Multi-task Learning with Multi-gate
    Mixture-of-Experts", equation 7: one linear map of the input, without a bias.
    """

    def __init__(self, num_gates, num_experts, **kwargs):
        super().__init__(**kwargs)
        self.num_gates = check_integer(f"{self.name}, num_gates", num_gates)
        if isinstance(num_experts, list | tuple | np.ndarray):
            num_experts = check_widths(f"{self.name}, num_experts", num_experts)
            if len(num_experts) != self.num_gates:
                raise ValueError(
                    f"{self.name}, num_experts: expected a number for each of {self.num_gates} "
                    f"gates, got {num_experts}"
                )
            # Equal numbers are one number: the weight then is one stack.
            num_experts = num_experts[0] if len(set(num_experts)) == 1 else num_experts
        else:
            num_experts = check_integer(f"{self.name}, num_experts", num_experts)
        self.num_experts = num_experts

    def build(self, input_shape):
        features = input_shape[-1]
        if isinstance(self.num_experts, int):
            shape = (self.num_gates, features, self.num_experts)
            start = glorot_of_one(features, self.num_experts)
            self.kernel = self.add_weight(shape, start, name="kernel")
            return
        self.kernels = [
            self.add_weight((features, size), glorot_of_one(features, size), name=f"kernel_{gate}")
            for gate, size in enumerate(self.num_experts)
        ]

    def call(self, inputs):
        if isinstance(self.num_experts, int):
            return ops.softmax(self._logits(inputs), axis=-1)
        most, gates = max(self.num_experts), []
        for gate, kernel in enumerate(self.kernels):
            rows = inputs if len(inputs.shape) == 2 else inputs[:, gate]
            shares = ops.softmax(ops.matmul(rows, kernel), axis=-1)
            gates.append(ops.pad(shares, [[0, 0], [0, most - kernel.shape[1]]]))
        return ops.stack(gates, axis=1)

    def _logits(self, inputs):
        readers = (self.num_gates,) if len(inputs.shape) == 2 else (1,) * self.num_gates
        rows = ops.reshape(inputs, (-1, len(readers) * inputs.shape[-1]))
        logits = products_by_reader(rows, self.kernel, readers)
        return ops.reshape(logits, (-1, self.num_gates, self.num_experts))


@keras.saving.register_keras_serializable("recsys_lib")
class Mixture(Configured):
    """``h_t = sum_k g_tk e_k`` for every gate t, each over the experts that it may see.

    Call arguments:
        gates: ``(batch, num_gates, num_seen)``; of a gate that sees fewer, the rest is not read.
        experts: ``(batch, num_experts, units)``.

    Returns:
        ``(batch, num_gates, units)``.

    Args:
        seen: for every gate the positions of the experts that its weights belong to, a sequence
            for each gate, of equal length or not; default: all experts, in their order.
    """

    # Up to so many products of a gate's weight and an expert, adding them up is faster than one
    # batched product of small matrices.
    most_products = 8

    def __init__(self, seen=None, **kwargs):
        super().__init__(**kwargs)
        self.seen = None if seen is None else [[int(k) for k in row] for row in seen]

    def call(self, gates, experts):
        num_gates, num_seen = gates.shape[1:]
        if self.seen is None and num_gates * num_seen > self.most_products:
            return ops.matmul(gates, experts)
        # With ``seen`` always: gathering the experts of each gate has a slow gradient.
        seen = [range(num_seen)] * num_gates if self.seen is None else self.seen
        columns = ops.split(
            ops.reshape(gates, (-1, num_gates * num_seen)), num_gates * num_seen, axis=1
        )
        each = ops.unstack(experts, num=experts.shape[1], axis=1)
        mixtures = []
        for gate, positions in enumerate(seen):
            own = columns[gate * num_seen : (gate + 1) * num_seen]
            terms = [own[place] * each[position] for place, position in enumerate(positions)]
            mixtures.append(tf.add_n(terms))
        return ops.stack(mixtures, axis=1)


def experts_of(common: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a builder's shared options that the experts' ``NetworkStack`` takes, checked."""
    options = options_for(NetworkStack, common)
    if common["expert_activation"] is not None:
        options["activation"] = common["expert_activation"]
    return {**options, "hidden_units": check_widths("expert_units", common["expert_units"])}


def task_logits(
    representations: KerasTensor,
    tower_units: Widths,
    num_tasks: int,
    *,
    activation: Activation = "relu",
    dropout_rate: float = 0.0,
    batch_normalization: bool = False,
) -> KerasTensor:
    """One tower for each task, all in the one layer ``towers``.

    Args:
        representations: ``(batch, num_tasks, units)``, one for each task, or ``(batch, units)``,
            the same for all.
        tower_units: widths of each tower's layers; ``()``: a linear map alone.
        num_tasks: number of tasks.
        activation, dropout_rate, batch_normalization: as for ``NetworkStack``.

    Returns:
        ``(batch, num_tasks, 1)``; the heads add the biases.
    """
    towers = NetworkStack(
        num_tasks,
        check_widths("tower_units", tower_units, at_least=0),
        activation,
        output_units=1,
        dropout_rate=dropout_rate,
        batch_normalization=batch_normalization,
        name="towers",
    )
    return towers(representations)
