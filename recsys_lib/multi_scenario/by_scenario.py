"""Weights and batch normalization by scenario, for STAR and for networks that scenarios have apart.

A batch mixes scenarios, and each row needs the matrix of its own one. Gathering a matrix for every
row writes ``batch * in * out`` numbers; splitting the batch takes a loop. ``RowsByScenario`` does
neither: it sorts the rows by scenario, cuts each scenario's rows into blocks of equal size, the
last one padded, and gathers one matrix for each block. A layer is then one batched product.

Partitioned normalization is

    z = gamma gamma_s (x - mu_s) / sqrt(var_s + eps) + beta + beta_s

The moments mu_s and var_s are those of the scenario, in training and in inference. Moments of a
mixed batch would be of no scenario, and would make a row depend on its neighbours.

Source: Sheng et al. 2021, "One Model to Serve All: Star Topology Adaptive Recommender for
Multi-Domain CTR Prediction", section 4.2 (partitioned normalization, equations 3 to 5).
Taught in chapter 06, "STAR".
"""

import keras
import tensorflow as tf

from recsys_lib.checks import check_bool, check_integer, check_number
from recsys_lib.layers.options import Configured
from recsys_lib.replicas import sum_over_replicas, sums_over_replicas

BLOCK_SIZE = 32
"""Rows of a block: more of them pad more, fewer gather more matrices."""


@keras.saving.register_keras_serializable("recsys_lib")
class PartitionedNormalization(Configured):
    """Batch normalization with moments, scales and shifts of the row's scenario.

    Rows of id 0 are normalised with the moments of all rows, and get ``gamma`` and ``beta`` alone.
    A scenario without a row in a batch keeps its moving moments. Those count rows, while older
    batches fade, so a scenario with a single row in each batch still gets the variance between its
    rows; before its first row its mean is 0 and its variance 1. In inference a column in which a
    scenario has not varied at all, as after a single row, has the variance of all rows: with its
    own any other value would be blown up by ``1 / sqrt(epsilon)``.

    With ``shared=False`` scenarios have scales, shifts and moments of their own and nothing else,
    as separate models have: a column without variance then has a variance of 1, and ids run from 1.

    Call arguments:
        inputs: ``(batch, features)``.
        ids: ``(batch,)`` from 0 to ``count``.

    Returns:
        ``(batch, features)``.

    Args:
        count: number of scenarios.
        momentum: weight of the rows before a batch, each time the scenario occurs.
        epsilon: added to the variance.
        shared: whether all scenarios share a ``gamma`` and a ``beta`` beside their own.

    Raises:
        ValueError: no scenario, or a number out of its range.
    """

    def __init__(self, count, momentum=0.9, epsilon=1e-3, shared=True, **kwargs):
        super().__init__(**kwargs)
        self.count = check_integer("count", count)
        self.momentum = check_number("momentum", momentum, 0, 1)
        self.epsilon = check_number("epsilon", epsilon, 0)
        self.shared = check_bool("shared", shared)

    def build(self, inputs_shape, ids_shape):
        features, several = inputs_shape[-1], self.count + 1

        def weight(name, shape, start, trainable=True):
            return self.add_weight(
                name=name, shape=shape, initializer=start, trainable=trainable, autocast=False
            )

        if self.shared:
            self.gamma = weight("gamma", (features,), "ones")
            self.beta = weight("beta", (features,), "zeros")
        self.specific_gamma = weight("specific_gamma", (self.count, features), "ones")
        self.specific_beta = weight("specific_beta", (self.count, features), "zeros")
        # Entry 0 is that of all rows.
        self.moving_mean = weight("moving_mean", (several, features), "zeros", False)
        self.moving_variance = weight("moving_variance", (several, features), "ones", False)
        self.moving_rows = weight("moving_rows", (several, 1), "zeros", False)

    def call(self, inputs, ids, training=False):
        # In single precision at least: sums over many rows are none in half precision.
        inputs = tf.cast(inputs, self.variable_dtype)
        # Products with places are sums by scenario and, the other way, each row's own entry. The
        # gradient of either is the other, where that of a gather is slow.
        places = tf.one_hot(ids, self.count + 1, dtype=inputs.dtype)
        if training:
            mean, centred, variance, sizes = self._moments(inputs, places)
            self._move(*map(tf.stop_gradient, (mean, variance, sizes)))
        else:
            variance = tf.convert_to_tensor(self.moving_variance)
            of_all = variance[:1] if self.shared else tf.ones_like(variance)
            variance = tf.where(variance > 0, variance, of_all)
            centred = inputs - places @ self.moving_mean
        gamma, beta = self._affine()
        scale = gamma * tf.math.rsqrt(variance + self.epsilon)  # (count + 1, features)
        return tf.cast(centred * (places @ scale) + places @ beta, self.compute_dtype)

    def _affine(self):
        """Scale and shift of every scenario, ``(count + 1, features)`` each, id 0 first."""
        own_gamma, own_beta = self.specific_gamma, self.specific_beta
        if not self.shared:
            of_zero = tf.ones_like(own_gamma[:1])
            return tf.concat([of_zero, own_gamma], 0), tf.concat([0 * of_zero, own_beta], 0)
        gamma = tf.concat([self.gamma[None], self.gamma * own_gamma], 0)
        beta = tf.concat([self.beta[None], self.beta + own_beta], 0)
        return gamma, beta

    def _moments(self, inputs, places):
        """Mean and variance of every scenario in the batch, entry 0 over all rows."""

        def with_total(of_ids, total):
            return tf.concat([total[None], of_ids[1:]], 0)

        of_ids = tf.matmul(places, inputs, transpose_a=True)  # (count + 1, features)
        sizes = tf.reduce_sum(places, 0)[:, None]
        of_ids, sizes = sums_over_replicas(of_ids, sizes)
        sizes = with_total(sizes, tf.reduce_sum(sizes, 0))
        at_least_one = tf.maximum(sizes, 1.0)
        mean = with_total(of_ids, tf.reduce_sum(of_ids, 0)) / at_least_one
        centred = inputs - places @ mean
        squares = sum_over_replicas(tf.matmul(places, centred**2, transpose_a=True))
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
        return keras.KerasTensor(inputs.shape, self.compute_dtype)


class RowsByScenario:
    """The rows of a batch sorted into blocks, each with rows of one scenario only.

    Args:
        ids: ``(batch,)`` int32 from 0 to ``count - 1``.
        count: number of different ids.
        block_size: rows of a block.
    """

    def __init__(self, ids, count, block_size=BLOCK_SIZE):
        self.count, self.block_size = count, block_size
        num_rows = tf.size(ids)
        order = tf.argsort(ids, stable=True)
        sizes = tf.math.bincount(ids, minlength=count, maxlength=count)
        blocks = (sizes + block_size - 1) // block_size
        self.scenario = tf.repeat(tf.range(count), blocks)  # (blocks,)
        # A row's place is its rank within the scenario, counted from the scenario's first block.
        start = tf.cumsum(blocks, exclusive=True) * block_size - tf.cumsum(sizes, exclusive=True)
        place = tf.range(num_rows) + tf.gather(start, tf.gather(ids, order))
        num_places = tf.size(self.scenario) * block_size
        self._place = tf.scatter_nd(order[:, None], place, [num_rows])  # of each row
        row = tf.scatter_nd(place[:, None], order + 1, [num_places])  # in each place, from 1
        self._row, self._filled = tf.maximum(row - 1, 0), (row > 0)[:, None]

    def _into(self, rows):
        padded = tf.gather(rows, self._row) * tf.cast(self._filled, rows.dtype)
        return tf.reshape(padded, [-1, self.block_size, rows.shape[-1]])

    def _back(self, blocks):
        return tf.gather(tf.reshape(blocks, [-1, blocks.shape[-1]]), self._place)

    def into(self, rows):
        """``(batch, features)`` as ``(blocks, block_size, features)``, zero where it is padded."""

        @tf.custom_gradient  # a gather too, where that of a gather is a slow sum over segments
        def move(rows):
            return self._into(rows), self._back

        return move(rows)

    def back(self, blocks):
        """``(blocks, block_size, features)`` as ``(batch, features)``, in the batch's order."""

        @tf.custom_gradient
        def move(blocks):
            return self._back(blocks), self._into

        return move(blocks)

    def pick(self, weights):
        """Each block's own entry of ``(count, ...)`` weights, ``(blocks, ...)``."""

        @tf.custom_gradient
        def move(weights):
            return tf.gather(weights, self.scenario), self._sum

        return move(tf.convert_to_tensor(weights))

    def _sum(self, of_blocks):
        """Sum over each scenario's blocks, ``(count, ...)``: they lie side by side, in order."""
        sums = tf.math.segment_sum(of_blocks, self.scenario)  # up to the last scenario of the batch
        absent = [[0, self.count - tf.shape(sums)[0]]] + [[0, 0]] * (len(sums.shape) - 1)
        return tf.ensure_shape(tf.pad(sums, absent), [self.count, *of_blocks.shape[1:]])

    def linear(self, blocks, kernels, biases):
        """A linear layer with the weights of each block's scenario.

        Args:
            blocks: ``(blocks, block_size, in)``, as ``into`` gives them.
            kernels, biases: ``(count, in, out)`` and ``(count, out)``.

        Returns:
            ``(blocks, block_size, out)``.
        """
        return _plus(tf.matmul(blocks, self.pick(kernels)), self.pick(biases))


@tf.custom_gradient
def _plus(blocks, bias):
    """``(blocks, rows, units)`` plus ``(blocks, units)``, with a faster sum than broadcasting's."""
    return blocks + bias[:, None], lambda gradient: (gradient, tf.reduce_sum(gradient, 1))
