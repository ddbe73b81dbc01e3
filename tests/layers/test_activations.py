"""Dice and PReLU, written from Zhou et al. 2018, equations 8 and 9."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recsys_lib.layers.activations import Dice, UnitPReLU
from recsys_lib.layers.blocks import MLP, activation_layer

RNG = np.random.default_rng(0)
INPUTS = (RNG.normal(size=(64, 3)) * [1, 5, 0.2] + [0, 4, -1]).astype(np.float32)


def dice(inputs, mean, variance, alpha, epsilon=1e-8):
    inputs = inputs.astype(np.float64)
    p = 1 / (1 + np.exp(-(inputs - mean) / np.sqrt(variance + epsilon)))
    return p * inputs + (1 - p) * alpha * inputs


def test_in_training_dice_uses_the_batch():
    layer = Dice()
    layer.build(INPUTS.shape)
    layer.alpha.assign([0.0, 0.3, -0.5])
    expected = dice(INPUTS, INPUTS.mean(axis=0), INPUTS.var(axis=0), [0.0, 0.3, -0.5])
    np.testing.assert_allclose(layer(INPUTS, training=True), expected, rtol=1e-4, atol=1e-5)


def test_in_inference_dice_uses_the_moving_statistics_and_no_neighbour():
    layer = Dice(momentum=0.5)
    layer.build(INPUTS.shape)
    layer(INPUTS, training=True)
    mean, variance = 0.5 * INPUTS.mean(axis=0), 0.5 + 0.5 * INPUTS.var(axis=0)
    together = layer(INPUTS).numpy()
    np.testing.assert_allclose(together, dice(INPUTS, mean, variance, 0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer(INPUTS[:1]), together[:1], rtol=1e-6)


def test_alpha_starts_at_zero_one_for_each_unit_whatever_the_axes():
    layer = Dice()
    layer.build((None, 7, 3))
    np.testing.assert_array_equal(layer.alpha, [0, 0, 0])


def test_statistics_count_real_steps_only():
    steps = np.random.default_rng(1).normal(size=(8, 5, 3)).astype(np.float32)
    mask = (np.arange(5) < np.arange(1, 9)[:, None] % 6).astype(np.float32)
    real = steps[mask == 1]
    layer = Dice()
    layer.build(steps.shape)
    outputs = layer(steps, step_mask=mask, training=True).numpy()
    expected = dice(real, real.mean(axis=0), real.var(axis=0), 0)
    np.testing.assert_allclose(outputs[mask == 1], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * real.mean(axis=0), rtol=1e-4)
    garbage = np.where(mask[..., None] == 1, steps, 1e6).astype(np.float32)
    again = Dice()
    again.build(steps.shape)
    outputs_again = again(garbage, step_mask=mask, training=True).numpy()
    np.testing.assert_array_equal(outputs_again[mask == 1], outputs[mask == 1])


def test_a_batch_of_padding_moves_no_statistics():
    layer = Dice()
    layer.build((4, 2, 3))
    layer(np.ones((4, 2, 3), np.float32), step_mask=np.zeros((4, 2), np.float32), training=True)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))
    np.testing.assert_array_equal(layer.moving_variance, np.ones(3))


def test_the_gradient_passes_through_the_batch_statistics():
    layer = Dice()
    layer.build(INPUTS.shape)
    inputs = tf.Variable(INPUTS)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs, training=True)[0])
    gradient = tape.gradient(loss, inputs).numpy()
    step = 1e-2
    moved = INPUTS.copy()
    moved[5, 0] += step

    def first_row(batch):
        return dice(batch, batch.mean(axis=0), batch.var(axis=0), 0)[0].sum()

    slope = (first_row(moved.astype(np.float64)) - first_row(INPUTS.astype(np.float64))) / step
    assert abs(slope) > 1e-4
    np.testing.assert_allclose(gradient[5, 0], slope, rtol=0.05)


def test_prelu_has_one_slope_for_each_unit_and_shares_it_over_the_steps():
    layer = UnitPReLU()
    layer.build((None, 7, 3))
    assert int(np.prod(layer.alpha.shape)) == 3
    flat = UnitPReLU()
    flat.build((None, 3))
    assert int(np.prod(flat.alpha.shape)) == 3


@pytest.mark.parametrize("name", ["dice", "prelu"])
def test_the_perceptron_knows_it_by_name_and_saves_it(name, tmp_path):
    inputs, mask = keras.Input((5, 4)), keras.Input((5,))
    mlp = MLP([6, 2], activation=name, name="mlp")
    model = keras.Model([inputs, mask], mlp(inputs, step_mask=mask))
    values = np.random.default_rng(2).normal(size=(9, 5, 4)).astype(np.float32)
    ones = np.ones((9, 5), np.float32)
    model([values, ones], training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded([values, ones]), model([values, ones]))
    assert len(mlp.trainable_variables) == 6  # kernel, bias and slope of two layers


def test_other_names_are_those_of_keras():
    assert float(activation_layer("relu", "a")(np.array([[-2.0]], np.float32))[0, 0]) == 0
    with pytest.raises(ValueError):
        activation_layer("no such", "a")
