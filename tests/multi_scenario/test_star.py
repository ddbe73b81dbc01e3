"""STAR: partitioned normalization, the star topology and the auxiliary network."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize, sigmoid
from tiny_scenarios import (
    COLUMNS,
    COUNT,
    FEATURES,
    NUM_ROWS,
    WIDTH,
    gradients_of,
    mlp,
    numbers,
    output_of,
    relu_network,
    rows,
    surfaces,
)

from recsys_lib.multi_scenario import build_star
from recsys_lib.multi_scenario.star import PartitionedNormalization, StarNetwork

EPSILON = 1e-3
build = functools.partial(
    build_star, embedding_dim=WIDTH, hidden_units=(5, 4), auxiliary_units=(3,)
)
IDS = np.array([2, 1, 2, 2, 1, 1, 2, 1, 3], np.int32)


def normalization(seed=0, count=3):
    layer = PartitionedNormalization(count)
    layer.build((None, 4), (None,))
    rng = np.random.default_rng(seed)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return layer


def inputs(seed=1, ids=IDS):
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(4, 4)) * 3  # scenarios lie apart and spread differently
    spread = np.array([1.0, 0.5, 2.0, 1.0])[:, None]
    return (own[ids] + spread[ids] * rng.normal(size=(len(ids), 4))).astype(np.float32)


def scaled(layer, centred, variance, scenario):
    gamma, beta = numbers(layer, "gamma"), numbers(layer, "beta")
    if scenario:
        gamma = gamma * numbers(layer, "specific_gamma")[scenario - 1]
        beta = beta + numbers(layer, "specific_beta")[scenario - 1]
    return gamma * centred / np.sqrt(variance + EPSILON) + beta


def test_training_normalises_with_the_moments_of_the_scenario():
    layer, x = normalization(), inputs()
    found = layer(x, IDS, training=True).numpy()
    for scenario in (1, 2, 3):
        own = x[scenario == IDS].astype(np.float64)
        expected = scaled(layer, own - own.mean(axis=0), own.var(axis=0), scenario)
        np.testing.assert_allclose(found[scenario == IDS], expected, rtol=1e-3, atol=1e-4)


def test_unknown_rows_are_normalised_with_the_moments_of_all():
    layer, ids = normalization(), np.where(IDS == 3, 0, IDS)
    x = inputs()
    found = layer(x, ids, training=True).numpy()
    every = x.astype(np.float64)
    expected = scaled(layer, every[ids == 0] - every.mean(axis=0), every.var(axis=0), 0)
    np.testing.assert_allclose(found[ids == 0], expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(layer.moving_mean.numpy()[0], every.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance.numpy()[0], every.var(axis=0), rtol=1e-4)


def test_the_first_batch_is_the_moving_moments():
    layer, x = normalization(), inputs()
    layer(x, IDS, training=True)
    for scenario in (1, 2, 3):
        own = x[scenario == IDS].astype(np.float64)
        np.testing.assert_allclose(layer.moving_mean.numpy()[scenario], own.mean(axis=0), rtol=1e-4)
        np.testing.assert_allclose(
            layer.moving_variance.numpy()[scenario], own.var(axis=0), rtol=1e-3, atol=1e-6
        )


def test_without_forgetting_the_moving_moments_are_those_of_all_rows():
    # One row of scenario 3 in every batch: its variance is that between batches.
    layer = PartitionedNormalization(3, momentum=1.0)
    batches = [inputs(seed) for seed in range(20)]
    for x in batches:
        layer(x, IDS, training=True)
    every, ids = np.concatenate(batches).astype(np.float64), np.tile(IDS, 20)
    for scenario in (0, 1, 2, 3):
        own = every[ids == scenario] if scenario else every
        np.testing.assert_allclose(layer.moving_mean.numpy()[scenario], own.mean(axis=0), atol=1e-4)
        np.testing.assert_allclose(
            layer.moving_variance.numpy()[scenario], own.var(axis=0), rtol=1e-3
        )


def test_inference_uses_the_moving_moments_of_the_scenario():
    layer = normalization()
    for seed in range(3):
        layer(inputs(seed), IDS, training=True)
    x, ids = inputs(7), np.roll(IDS, 1)
    found = layer(x, ids).numpy()
    mean, variance = numbers(layer, "moving_mean"), numbers(layer, "moving_variance")
    for row, scenario in enumerate(ids):
        expected = scaled(layer, x[row] - mean[scenario], variance[scenario], scenario)
        np.testing.assert_allclose(found[row], expected, rtol=1e-3, atol=1e-4)
        alone = layer(x[row : row + 1], ids[row : row + 1]).numpy()[0]
        np.testing.assert_allclose(alone, found[row], rtol=1e-5, atol=1e-6)
    before = numbers(layer, "moving_mean")
    layer(x, ids)
    np.testing.assert_array_equal(numbers(layer, "moving_mean"), before)


@pytest.mark.parametrize("epochs", [1, 4])
def test_a_scenario_of_a_single_row_is_not_blown_up(epochs):
    layer = PartitionedNormalization(2)
    rng = np.random.default_rng(0)
    many, one = rng.normal(3, 2, size=(50, 1)), rng.normal(3, 2, size=(1, 1))
    ids = np.array([1] * 50 + [2], np.int32)
    for _ in range(epochs):
        layer(np.concatenate([many, one]).astype(np.float32), ids, training=True)
    assert layer.moving_variance.numpy()[2] == 0
    x = rng.normal(3, 2, size=(1_000, 1)).astype(np.float32)
    for number in (1, 2):  # with its own variance scenario 2 would spread 63
        assert np.std(layer(x, np.full(1_000, number, np.int32))) == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("constant", [1, 3])
def test_where_a_scenario_is_constant_the_variance_is_that_of_all_rows(constant):
    """Of all rows, and of no other scenario, however these are numbered."""
    layer = PartitionedNormalization(3)
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(1, 4, dtype=np.int32), 40)
    spread = np.where(ids == constant, 0, np.where(ids == 2, 10, 1))[:, None]
    x = (5 * ids[:, None] + spread * rng.normal(size=(120, 1))).astype(np.float32)
    layer(x, ids, training=True)
    other = np.array([[5 * constant + 7]], np.float32)
    found = layer(other, np.array([constant], np.int32)).numpy()
    np.testing.assert_allclose(found, 7 / np.sqrt(x.var() + EPSILON), rtol=1e-4)


def test_a_scenario_that_varies_little_keeps_its_own_variance():
    layer = PartitionedNormalization(2)
    rng = np.random.default_rng(0)
    wide, narrow = rng.normal(50, 20, size=(50, 1)), rng.normal(5, 0.5, size=(3, 1))
    ids = np.array([1] * 50 + [2] * 3, np.int32)
    layer(np.concatenate([wide, narrow]).astype(np.float32), ids, training=True)
    found = layer(narrow.astype(np.float32), ids[50:]).numpy()
    expected = (narrow - narrow.mean()) / np.sqrt(narrow.var() + EPSILON)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_the_gradient_passes_through_the_moments_of_the_batch():
    layer, x = normalization(), tf.constant(inputs())
    target = np.random.default_rng(3).normal(size=x.shape).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(target * layer(x, IDS, training=True))
    gradient, x = tape.gradient(loss, x).numpy(), x.numpy()
    for scenario in (1, 2):  # neither a shift of a scenario's rows nor a stretch changes a thing
        own = scenario == IDS
        assert np.abs(gradient[own]).max() > 0.01
        np.testing.assert_allclose(gradient[own].sum(axis=0), 0, atol=1e-4)
        centred = x[own] - x[own].mean(axis=0)
        np.testing.assert_allclose((gradient[own] * centred).sum(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(gradient[IDS == 3], 0, atol=1e-5)  # a lone row is its own mean


def test_an_absent_scenario_leaves_its_moments_alone():
    layer = normalization()
    layer(inputs(0), IDS, training=True)
    before = [w.numpy() for w in layer.non_trainable_variables]
    present = IDS[IDS < 3]
    layer(inputs(5, present), present, training=True)
    after = [w.numpy() for w in layer.non_trainable_variables]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new[3], old[3])
        assert (new[1] != old[1]).any() and np.isfinite(new).all()


def test_momentum_weighs_the_rows_before():
    layer = PartitionedNormalization(1, momentum=0.5)
    layer(np.zeros((4, 1), np.float32), np.ones(4, np.int32), training=True)
    layer(np.full((2, 1), 3.0, np.float32), np.ones(2, np.int32), training=True)
    # Four zeros count half: two against two threes.
    np.testing.assert_allclose(layer.moving_mean.numpy(), 1.5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 2.25)


def star(model):
    """The star network's logits row by row, from the weights."""
    layer, logits = model.get_layer("star"), []
    name = "partitioned_normalization"
    features = output_of(model, name)
    for row, scenario in zip(features, FEATURES["surface"], strict=True):
        kernels, biases = [], []
        for position in range(len(layer.shared_kernels)):
            own = [
                numbers(layer, f"specific_{kind}_{position}")[scenario - 1]
                for kind in ("kernel", "bias")
            ]
            kernels.append(numbers(layer, f"shared_kernel_{position}") * own[0])
            biases.append(numbers(layer, f"shared_bias_{position}") + own[1])
        logits.append(relu_network(row, kernels, biases)[0])
    return np.array(logits)


def test_star_equals_its_formula():
    model = randomize(build(COLUMNS))
    kernels, biases = mlp(model.get_layer("auxiliary"))
    last = numbers(model.get_layer("auxiliary_logit"), "kernel")
    both = np.concatenate(
        [output_of(model, "scenario_vector"), output_of(model, "features")], axis=1
    )
    hidden = np.maximum(relu_network(both, kernels, biases), 0)
    logit = star(model) + (hidden @ last)[:, 0] + numbers(model.get_layer("click"), "bias")
    np.testing.assert_allclose(model(FEATURES), sigmoid(logit), rtol=1e-4)
    assert model.get_layer("features").output.shape == (None, 7)  # without the scenario


def test_units_are_normalised_by_scenario_before_the_activation():
    layer = StarNetwork(3, (4, 3), output_units=2, batch_normalization=True)
    x, rng = inputs(), np.random.default_rng(2)
    layer(x, IDS)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    found = layer(x, IDS, training=True).numpy()
    for scenario in (1, 2, 3):
        hidden = x[scenario == IDS].astype(np.float64)
        for position in range(3):
            kernels, biases = layer.effective(position)
            hidden = hidden @ kernels[scenario].numpy() + biases[scenario].numpy()
            if position < 2:
                centred, variance = hidden - hidden.mean(axis=0), hidden.var(axis=0)
                z = scaled(layer.normalizations[position], centred, variance, scenario)
                hidden = np.maximum(z, 0)
        np.testing.assert_allclose(found[scenario == IDS], hidden, rtol=1e-3, atol=1e-4)


def test_dropout_of_the_star_network_acts_in_training_only():
    layer = StarNetwork(3, (16, 8), dropout_rate=0.5)
    first, second = (layer(inputs(), IDS, training=True).numpy() for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(layer(inputs(), IDS), layer(inputs(), IDS))


def test_own_kernels_start_at_one_and_own_biases_at_zero():
    layer = build(COLUMNS).get_layer("star")
    for weight in layer.weights:
        if "/specific_kernel" in weight.path:
            assert (weight.numpy() == 1).all() and weight.shape[0] == COUNT
        if "/specific_bias" in weight.path:
            assert (weight.numpy() == 0).all()


def test_with_own_weights_at_their_start_all_scenarios_are_one_network():
    model = randomize(build(COLUMNS, auxiliary=False))
    layer = model.get_layer("star")
    for position in range(3):
        layer.specific_kernels[position].assign(np.ones(layer.specific_kernels[position].shape))
        layer.specific_biases[position].assign(np.zeros(layer.specific_biases[position].shape))
    normalization = model.get_layer("partitioned_normalization")
    normalization.specific_gamma.assign(np.ones((COUNT, 7)))
    normalization.specific_beta.assign(np.zeros((COUNT, 7)))
    kernels = [numbers(layer, f"shared_kernel_{position}") for position in range(3)]
    biases = [numbers(layer, f"shared_bias_{position}") for position in range(3)]
    plain = relu_network(output_of(model, "partitioned_normalization"), kernels, biases)[:, 0]
    expected = sigmoid(plain + numbers(model.get_layer("click"), "bias"))
    for scenario in range(COUNT + 1):
        np.testing.assert_allclose(model(surfaces(scenario)), expected, rtol=1e-4)


def test_a_row_trains_the_shared_part_and_its_own():
    model = randomize(
        build_star(  # wide: no ReLU closes all paths
            COLUMNS, embedding_dim=WIDTH, hidden_units=(16, 16), auxiliary_units=(16,)
        )
    )
    for scenario in range(1, COUNT + 1):
        gradients = gradients_of(model, rows(FEATURES["surface"] == scenario))
        foreign = np.arange(COUNT) != scenario - 1
        for path, gradient in gradients.items():
            assert np.abs(gradient).max() > 0, path
            if "/specific_" in path:
                assert not gradient[foreign].any(), path


def test_an_unknown_scenario_uses_the_shared_parts_alone():
    model = randomize(build(COLUMNS))
    model(surfaces(1, 2), training=True)
    unknown = model(surfaces(0)).numpy()
    np.testing.assert_array_equal(model(surfaces(3)), unknown)  # no training row
    layer = model.get_layer("star")
    kernels = [numbers(layer, f"shared_kernel_{position}") for position in range(3)]
    biases = [numbers(layer, f"shared_bias_{position}") for position in range(3)]
    features = output_of(model, "features")
    normalization = model.get_layer("partitioned_normalization")
    moments = [numbers(normalization, f"moving_{name}")[0] for name in ("mean", "variance")]
    z = scaled(normalization, features - moments[0], moments[1], 0)
    np.testing.assert_allclose(
        output_of(model, "star", surfaces(0)), relu_network(z, kernels, biases), rtol=1e-3
    )
    assert not output_of(model, "scenario_vector", surfaces(3)).any()


def test_parts_can_be_left_out():
    plain = build(COLUMNS, partitioned_normalization=False, auxiliary=False)
    names = {layer.name for layer in plain.layers}
    assert "star" in names and not names & {"partitioned_normalization", "auxiliary"}
    assert plain(FEATURES).shape == (NUM_ROWS,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: StarNetwork(3, (4,), output_units=0), "output_units: expected an integer of 1"),
        (lambda: build(COLUMNS[2:]), "expected one column of group 'scenario'"),
        (lambda: PartitionedNormalization(3, momentum=1.5), "momentum: .* from 0 to 1, got 1.5"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_layers_keep_their_options(tmp_path):
    x, ids = keras.Input((4,)), keras.Input((), dtype="int32")
    z = PartitionedNormalization(3, momentum=0.5, epsilon=0.1)(x, ids)
    model = keras.Model([x, ids], StarNetwork(3, (5,), "tanh", output_units=2)(z, ids))
    randomize(model)
    for seed in range(2):
        model([inputs(seed), IDS], training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded([inputs(3), IDS]), model([inputs(3), IDS]))
    for one in (loaded, model):
        one([inputs(4), IDS], training=True)
    np.testing.assert_array_equal(loaded([inputs(3), IDS]), model([inputs(3), IDS]))
