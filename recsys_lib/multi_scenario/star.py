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

import keras
import tensorflow as tf

from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.multi_scenario.parts import (
    Blocks,
    flat_features,
    scenario_inputs,
    scenario_vector,
)


@keras.saving.register_keras_serializable("recsys_lib")
class PartitionedNormalization(keras.layers.Layer):
    """Batch normalization with moments, scales and shifts of the row's scenario.

    Rows of id 0 are normalised with the moments of all rows, and get ``gamma`` and ``beta`` alone.
    A scenario without a row in a batch keeps its moving moments. Those count rows, while older
    batches fade, so a scenario with a single row in each batch still gets the variance between its
    rows; before its first row its mean is 0 and its variance 1. In inference a column in which a
    scenario has not varied at all, as after a single row, has the variance of all rows: with its
    own any other value would be blown up by ``1 / sqrt(epsilon)``.

    Call arguments:
        inputs: ``(batch, features)``.
        ids: ``(batch,)`` from 0 to ``count``.

    Returns:
        ``(batch, features)``.

    Args:
        count: number of scenarios.
        momentum: weight of the rows before a batch, each time the scenario occurs.
        epsilon: added to the variance.
    """

    def __init__(self, count, momentum=0.9, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum: expected 0 to 1, got {momentum}")
        self.count, self.momentum, self.epsilon = count, momentum, epsilon

    def build(self, inputs_shape, ids_shape):
        features, several = inputs_shape[-1], self.count + 1

        def weight(name, shape, start, trainable=True):
            return self.add_weight(name=name, shape=shape, initializer=start, trainable=trainable)

        self.gamma = weight("gamma", (features,), "ones")
        self.beta = weight("beta", (features,), "zeros")
        self.specific_gamma = weight("specific_gamma", (self.count, features), "ones")
        self.specific_beta = weight("specific_beta", (self.count, features), "zeros")
        # Entry 0 is that of all rows.
        self.moving_mean = weight("moving_mean", (several, features), "zeros", False)
        self.moving_variance = weight("moving_variance", (several, features), "ones", False)
        self.moving_rows = weight("moving_rows", (several, 1), "zeros", False)

    def call(self, inputs, ids, training=False):
        # Products with places are sums by scenario and, the other way, each row's own entry. The
        # gradient of either is the other, where that of a gather is slow.
        places = tf.one_hot(ids, self.count + 1, dtype=inputs.dtype)
        if training:
            mean, centred, variance, sizes = self._moments(inputs, places)
            self._move(*map(tf.stop_gradient, (mean, variance, sizes)))
        else:
            variance = tf.convert_to_tensor(self.moving_variance)
            variance = tf.where(variance > 0, variance, variance[:1])
            centred = inputs - places @ self.moving_mean
        gamma = tf.concat([self.gamma[None], self.gamma * self.specific_gamma], 0)
        beta = tf.concat([self.beta[None], self.beta + self.specific_beta], 0)
        scale = gamma * tf.math.rsqrt(variance + self.epsilon)  # (count + 1, features)
        return centred * (places @ scale) + places @ beta

    def _moments(self, inputs, places):
        """Mean and variance of every scenario in the batch, entry 0 over all rows."""

        def with_total(of_ids, total):
            return tf.concat([total[None], of_ids[1:]], 0)

        of_ids = tf.matmul(places, inputs, transpose_a=True)  # (count + 1, features)
        sizes = tf.reduce_sum(places, 0)[:, None]
        sizes = with_total(sizes, tf.reduce_sum(sizes, 0))
        at_least_one = tf.maximum(sizes, 1.0)
        mean = with_total(of_ids, tf.reduce_sum(of_ids, 0)) / at_least_one
        centred = inputs - places @ mean
        squares = tf.matmul(places, centred**2, transpose_a=True)
        # All rows lie around their scenario's mean, and that around the mean of all.
        between = tf.reduce_sum(sizes[1:] * (mean[1:] - mean[0]) ** 2, 0)
        variance = with_total(squares, tf.reduce_sum(squares, 0) + between) / at_least_one
        return mean, centred, variance, sizes

    def _move(self, mean, variance, sizes):
        before = tf.convert_to_tensor(self.moving_rows) * self.momentum
        # The share of the batch's rows among all that count; 0 for an absent scenario.
        share = sizes / tf.maximum(before + sizes, 1.0)
        old_mean = tf.convert_to_tensor(self.moving_mean)
        old_variance = tf.convert_to_tensor(self.moving_variance)
        step = mean - old_mean
        between = share * (1 - share) * step**2
        self.moving_mean.assign(old_mean + share * step)
        self.moving_variance.assign(old_variance + share * (variance - old_variance) + between)
        moved = tf.where(sizes > 0, before + sizes, self.moving_rows)
        self.moving_rows.assign(moved)

    def compute_output_spec(self, inputs, ids, training=False):
        return keras.KerasTensor(inputs.shape, inputs.dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "count": self.count,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }


@keras.saving.register_keras_serializable("recsys_lib")
class StarNetwork(keras.layers.Layer):
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
        hidden_units: widths of the activated layers.
        activation: Keras activation.
        output_units: width of the last, linear layer.
    """

    def __init__(self, count, hidden_units, activation="relu", output_units=1, **kwargs):
        super().__init__(**kwargs)
        self.hidden_units = tuple(hidden_units)
        if min([*self.hidden_units, output_units]) < 1:
            widths = [*self.hidden_units, output_units]
            raise ValueError(f"{self.name}: expected widths of 1 or more, got {widths}")
        self.count, self.output_units = count, output_units
        self.activation = keras.activations.get(activation)

    def build(self, inputs_shape, ids_shape):
        features = inputs_shape[-1]
        self.shared_kernels, self.shared_biases = [], []
        self.specific_kernels, self.specific_biases = [], []
        for position, units in enumerate([*self.hidden_units, self.output_units]):
            for kind, shape, starts in (
                ("kernel", (features, units), ("glorot_uniform", "ones")),
                ("bias", (units,), ("zeros", "zeros")),
            ):
                for whose, sizes, start in (
                    ("shared", shape, starts[0]),
                    ("specific", (self.count, *shape), starts[1]),
                ):
                    weight = self.add_weight(
                        name=f"{whose}_{kind}_{position}", shape=sizes, initializer=start
                    )
                    weights = f"{whose}_{'kernels' if kind == 'kernel' else 'biases'}"
                    getattr(self, weights).append(weight)
            features = units

    def effective(self, position):
        """Kernel ``(count + 1, in, out)`` and bias ``(count + 1, out)`` of a layer, id 0 first."""
        kernel, bias = self.shared_kernels[position], self.shared_biases[position]
        kernels = tf.concat([kernel[None], kernel * self.specific_kernels[position]], 0)
        biases = tf.concat([bias[None], bias + self.specific_biases[position]], 0)
        return kernels, biases

    def call(self, inputs, ids):
        layers = [self.effective(position) for position in range(len(self.shared_kernels))]
        kernels, biases = zip(*layers, strict=True)
        return Blocks(ids, self.count + 1).network(inputs, kernels, biases, self.activation, True)

    def compute_output_spec(self, inputs, ids):
        return keras.KerasTensor((inputs.shape[0], self.output_units), inputs.dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "count": self.count,
            "hidden_units": list(self.hidden_units),
            "activation": keras.activations.serialize(self.activation),
            "output_units": self.output_units,
        }


def build_star(
    feature_columns,
    embedding_dim=16,
    hidden_units=(64, 32),
    auxiliary_units=(16,),
    normalization=True,
    auxiliary=True,
    scenario=None,
    task="click",
):
    """Build the model.

    An unknown scenario goes through the shared parts alone: its embedding is zero, its moments are
    those of all rows.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        embedding_dim: width of each column's vector.
        hidden_units: widths of the star network's layers.
        auxiliary_units: widths of the auxiliary network's layers.
        normalization: whether the star network's input is normalised by scenario.
        auxiliary: whether there is an auxiliary network.
        scenario: name of the scenario's column; default: the one of group ``scenario``.
        task: name of the output.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers
        ``partitioned_normalization`` ``(batch, width)``, ``star`` and ``auxiliary_logit`` (their
        logits ``(batch, 1)``), ``scenario_vector``.

    Raises:
        ValueError: no scenario column, no other, or bad widths.
    """
    given = scenario_inputs(feature_columns, scenario)
    features = flat_features(given.values, given.others, embedding_dim)
    inputs = features
    if normalization:
        layer = PartitionedNormalization(given.count, name="partitioned_normalization")
        inputs = layer(features, given.ids)
    logits = [StarNetwork(given.count, hidden_units, name="star")(inputs, given.ids)]
    if auxiliary:
        both = keras.layers.Concatenate(name="auxiliary_input")(
            [scenario_vector(given, embedding_dim), features]
        )
        hidden = MLP(auxiliary_units, name="auxiliary")(both)
        logits.append(keras.layers.Dense(1, use_bias=False, name="auxiliary_logit")(hidden))
    return keras.Model(given.inputs, PredictionHead(name=task)(logits), name="star_model")
