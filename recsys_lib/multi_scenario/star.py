"""STAR: each scenario's network is a shared one times one of its own, element by element.

    W_s = W o W_s',    b_s = b + b_s'                                  star topology, every layer
    z   = gamma gamma_s (x - mu_s) / sqrt(var_s + eps) + beta + beta_s  partitioned normalization
    p   = sigmoid(star(z) + auxiliary([e_s, x]) + bias)

The moments mu_s and var_s are those of the scenario, in training and in inference. The scenario's
embedding is left to the auxiliary network: normalised within its scenario, a constant is zero.

Source: Sheng et al. 2021, "One Model to Serve All: Star Topology Adaptive Recommender for
Multi-Domain CTR Prediction", sections 4.2 (partitioned normalization, equations 3 to 5), 4.3 (star
topology, equations 6 and 7) and 4.4 (auxiliary network, equation 8).
Taught in chapter 06, "STAR".
"""

import itertools
from collections.abc import Sequence
from typing import Unpack

import keras
import tensorflow as tf

from recsys_lib.checks import check_bool, check_integer, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import check_dropout, deep_logit
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import Configured, Widths, options_for, shared_options, tables
from recsys_lib.multi_scenario.by_scenario import PartitionedNormalization, RowsByScenario
from recsys_lib.multi_scenario.parts import (
    DeepScenarioOptions,
    flat_features,
    plain_activation,
    scenario_inputs,
    scenario_vector,
)


@keras.saving.register_keras_serializable("recsys_lib")
class StarNetwork(Configured):
    """A fully connected network whose weights are shared ones times the scenario's own.

    Own kernels start at one and own biases at zero, so all scenarios start alike (the paper does
    not say). Rows of id 0 go through the shared network alone.

    Call arguments:
        inputs: ``(batch, features)``.
        ids: ``(batch,)`` from 0 to ``count``.

    Returns:
        ``(batch, output_units)``.

    Args:
        count: number of scenarios.
        hidden_units: widths of the activated layers; may be empty.
        activation: Keras activation, see ``plain_activation``.
        output_units: width of the last, linear layer.
        dropout_rate: share of units dropped after each activation, in training only.
        batch_normalization: partitioned normalization before each activation, too.

    Raises:
        ValueError: no scenario, a width below 1, or a rate out of range.
    """

    def __init__(
        self,
        count,
        hidden_units,
        activation="relu",
        output_units=1,
        dropout_rate=0.0,
        batch_normalization=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.count = check_integer(f"{self.name}, count", count)
        self.hidden_units = check_widths(f"{self.name}, hidden_units", hidden_units, at_least=0)
        self.output_units = check_integer(f"{self.name}, output_units", output_units)
        self.activation = plain_activation(activation)
        self.dropout_rate = check_dropout("dropout_rate", dropout_rate)
        self.batch_normalization = check_bool("batch_normalization", batch_normalization)
        depth = len(self.hidden_units)
        self.normalizations = [
            PartitionedNormalization(self.count, name=f"normalization_{position}")
            for position in range(depth if batch_normalization else 0)
        ]
        self.dropouts = [
            keras.layers.Dropout(self.dropout_rate, name=f"dropout_{position}")
            for position in range(depth if self.dropout_rate else 0)
        ]

    def build(self, inputs_shape, ids_shape):
        self.shared_kernels, self.specific_kernels = [], []
        self.shared_biases, self.specific_biases = [], []

        def add(weights, name, shape, start):
            name = f"{name}_{len(weights)}"
            weights.append(self.add_weight(name=name, shape=shape, initializer=start))

        widths = [inputs_shape[-1], *self.hidden_units, self.output_units]
        for features, units in itertools.pairwise(widths):
            add(self.shared_kernels, "shared_kernel", (features, units), "glorot_uniform")
            add(self.specific_kernels, "specific_kernel", (self.count, features, units), "ones")
            add(self.shared_biases, "shared_bias", (units,), "zeros")
            add(self.specific_biases, "specific_bias", (self.count, units), "zeros")
        for layer, units in zip(self.normalizations, self.hidden_units, strict=False):
            layer.build((None, units), ids_shape)

    def effective(self, position):
        """Kernel ``(count + 1, in, out)`` and bias ``(count + 1, out)`` of a layer, id 0 first."""
        kernel, bias = self.shared_kernels[position], self.shared_biases[position]
        kernels = tf.concat([kernel[None], kernel * self.specific_kernels[position]], 0)
        biases = tf.concat([bias[None], bias + self.specific_biases[position]], 0)
        return kernels, biases

    def call(self, inputs, ids, training=None):
        blocks = RowsByScenario(ids, self.count + 1)  # the rows of each scenario beside each other
        outputs = blocks.into(inputs)
        for position in range(len(self.hidden_units)):
            outputs = blocks.linear(outputs, *self.effective(position))
            if self.normalizations:  # as rows: padding has no part in the moments
                normalize = self.normalizations[position]
                rows = normalize(blocks.back(outputs), ids, training=training)
                outputs = blocks.into(rows)
            outputs = self.activation(outputs)
            if self.dropouts:
                outputs = self.dropouts[position](outputs, training=training)
        return blocks.back(blocks.linear(outputs, *self.effective(-1)))

    def compute_output_spec(self, inputs, ids, training=None):
        return keras.KerasTensor((inputs.shape[0], self.output_units), self.compute_dtype)


@shared_options()
def build_star(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    auxiliary_units: Widths = (16,),
    partitioned_normalization: bool = True,
    auxiliary: bool = True,
    **common: Unpack[DeepScenarioOptions],
) -> keras.Model:
    """STAR: the scenario's own network times a shared one, beside a small one for all.

    An unknown scenario goes through the shared parts alone: its embedding is zero, its moments are
    those of all rows.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        auxiliary_units: widths of the auxiliary network's layers; ``()``: a linear map.
        partitioned_normalization: whether the star network's input is normalised by scenario, as in
            the paper.
        auxiliary: whether there is an auxiliary network, as in the paper.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``ScenarioOptions``. The star
            network has a hidden layer at least. Both have the paper's ReLU or another activation
            without weights of its own; ``batch_normalization``, True or False, comes on top: in
            the star network by scenario, in the auxiliary one over all rows.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers
        ``partitioned_normalization`` ``(batch, width)``, ``star`` and ``auxiliary_logit`` (their
        logits ``(batch, 1)``), ``scenario_vector``.

    Raises:
        ValueError: no scenario column, no other, several tasks, or bad widths.

    Example:
        >>> from recsys_lib.features.columns import CategoricalColumn
        >>> surface = CategoricalColumn("surface", 4, group="scenario")
        >>> model = build_star([surface, CategoricalColumn("item_id", 100, group="item")])
        >>> model.get_layer("partitioned_normalization").output.shape
        (None, 16)
    """
    check_widths("hidden_units", common["hidden_units"])
    check_widths("auxiliary_units", auxiliary_units, at_least=0)
    of_tables = tables(feature_columns, common)
    given = scenario_inputs(feature_columns, common["scenario"])
    features = flat_features(given.values, given.others, **of_tables)
    inputs = features
    if check_bool("partitioned_normalization", partitioned_normalization):
        layer = PartitionedNormalization(given.count, name="partitioned_normalization")
        inputs = layer(features, given.ids)
    star = StarNetwork(given.count, **options_for(StarNetwork, common), name="star")
    logits = [star(inputs, given.ids)]
    if check_bool("auxiliary", auxiliary):
        both = keras.layers.Concatenate(name="auxiliary_input")(
            [scenario_vector(given, **of_tables), features]
        )
        options = {**options_for(deep_logit, common), "hidden_units": auxiliary_units}
        logits.append(deep_logit(both, **options, name="auxiliary"))
    return keras.Model(given.inputs, predict_one(tasks, logits), name="star_model")
