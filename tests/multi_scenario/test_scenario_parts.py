"""Whose row it is, and networks of the row's own scenario in one pass."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_scenarios import COLUMNS, numbers, relu_network

from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.multi_scenario.apart import ScenarioNetworks
from recsys_lib.multi_scenario.by_scenario import RowsByScenario
from recsys_lib.multi_scenario.parts import (
    KnownScenarios,
    scenario_column,
    scenario_inputs,
)

IDS = np.array([2, 0, 2, 4, 0, 2, 2, 4, 2, 0, 2, 2, 4, 2, 2, 2, 2], np.int32)


def surface(count):
    return CategoricalColumn("surface", count + 1, group="scenario")


def test_the_scenario_is_found_by_its_group_or_by_its_name():
    assert scenario_column(COLUMNS).name == "surface"
    assert scenario_column(COLUMNS, "user_id").name == "user_id"
    given = scenario_inputs(COLUMNS)
    assert given.count == 3 and given.column.name == "surface"
    assert [column.name for column in given.others] == ["user_id", "item_id", "price", "history"]
    assert set(given.inputs) == set(given.values) == {column.name for column in COLUMNS}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scenario_column(COLUMNS[2:]), "expected one column of group 'scenario'.*got \\[]"),
        (
            lambda: scenario_column([*COLUMNS, CategoricalColumn("tab", 3, group="scenario")]),
            r"expected one column .*\['surface', 'tab'\]",
        ),
        (lambda: scenario_column(COLUMNS, "tab"), r"no feature column is named \['tab'\]"),
        (
            lambda: scenario_column([NumericColumn("price", group="scenario"), COLUMNS[0]]),
            "'price': a scenario must be a CategoricalColumn",
        ),
        (lambda: scenario_column(COLUMNS, "price"), "'price': a scenario must be a Categorical"),
        (lambda: scenario_column(COLUMNS, "history"), "'history': a scenario must be a Categor"),
        (lambda: scenario_column(COLUMNS[1:2]), "expected others beside 'surface', got none"),
        (
            lambda: KnownScenarios(COLUMNS[1], "mean"),
            r"unknown: expected one of \('zero', 'largest'\), got 'mean'",
        ),
        (lambda: ScenarioNetworks(0, (4,)), "count: expected an integer of 1 or more, got 0"),
        (
            lambda: ScenarioNetworks(2, (4, 0)),
            "hidden_units: expected an integer of 1 or more, got 0",
        ),
        (lambda: ScenarioNetworks(2, (4,), "dice"), "without weights of its own, got 'dice'"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_training_rows_every_scenario_passes():
    ids = np.array([3, 0, 1], np.int32)
    np.testing.assert_array_equal(KnownScenarios(surface(3))(ids), [3, 0, 1])
    np.testing.assert_array_equal(KnownScenarios(surface(3), "largest")(ids), [3, 1, 1])


@pytest.mark.parametrize(("unknown", "fallback"), [("zero", 0), ("largest", 3)])
def test_scenarios_without_training_rows_fall_back(unknown, fallback):
    layer = KnownScenarios(surface(4), unknown)
    layer(np.array([1, 1, 3, 0, 0, 0, 0], np.int32), training=True)
    layer(np.array([3, 3], np.int32), training=True)
    layer(np.array([2, 2, 2, 2], np.int32))  # a prediction counts for nothing
    np.testing.assert_array_equal(layer.rows.numpy(), [4, 2, 0, 3, 0])
    ids = np.array([4, 1, 2, 3, 0], np.int32)
    np.testing.assert_array_equal(layer(ids), [fallback, 1, fallback, 3, fallback])


def test_the_largest_scenario_is_the_one_with_the_lowest_id_of_equal_ones():
    layer = KnownScenarios(surface(4), "largest")
    layer(np.array([4, 2, 4, 2, 1, 0, 0, 0], np.int32), training=True)
    np.testing.assert_array_equal(layer(np.array([0, 3, 4], np.int32)), [2, 2, 4])


def test_a_scenario_of_the_batch_is_known_in_that_batch():
    for unknown in ("zero", "largest"):
        layer = KnownScenarios(surface(3), unknown)
        layer(np.array([1, 1], np.int32), training=True)
        found = layer(np.array([3, 1], np.int32), training=True)
        np.testing.assert_array_equal(found, [3, 1])


def test_counts_are_saved(tmp_path):
    inputs = keras.Input((), dtype="int32")
    model = keras.Model(inputs, KnownScenarios(surface(3), "largest")(inputs))
    model(np.array([2, 2, 3], np.int32), training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(np.array([0, 1, 2, 3], np.int32)), [2, 2, 2, 3])


@pytest.mark.parametrize("block_size", [1, 3, 4, 32])
def test_a_block_holds_rows_of_one_scenario(block_size):
    blocks = RowsByScenario(tf.constant(IDS), 6, block_size)
    rows = np.stack([np.arange(1.0, 18), IDS], axis=1).astype(np.float32)
    inside = blocks.into(tf.constant(rows)).numpy()
    assert inside.shape[1:] == (block_size, 2)
    found = []
    for block, scenario in zip(inside, blocks.scenario.numpy(), strict=True):
        real = block[:, 0] > 0
        assert real.any() and (block[real, 1] == scenario).all()
        assert (block[~real] == 0).all()
        found += block[real, 0].tolist()
    assert sorted(found) == rows[:, 0].tolist()
    sizes = np.bincount(IDS, minlength=6)
    assert len(inside) == np.ceil(sizes / block_size).sum()
    np.testing.assert_array_equal(blocks.back(tf.constant(inside)), rows)


def test_gradients_of_the_way_in_and_out_equal_those_of_gathers():
    blocks = RowsByScenario(tf.constant(IDS), 5, 4)
    rng = np.random.default_rng(0)
    rows = tf.constant(rng.normal(size=(len(IDS), 3)))
    weights = tf.constant(rng.normal(size=(5, 3)))
    target = rng.normal(size=(len(IDS), 3))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([rows, weights])
        inside = blocks.into(rows) * blocks.pick(weights)[:, None]
        loss = tf.reduce_sum(tf.sin(blocks.back(inside)) * target)
        expected = tf.reduce_sum(tf.sin(rows * tf.gather(weights, IDS)) * target)
    assert float(loss) == pytest.approx(float(expected))
    for value in (rows, weights):
        found, reference = tape.gradient(loss, value), tape.gradient(expected, value)
        np.testing.assert_allclose(found, tf.convert_to_tensor(reference), rtol=1e-12)


def networks(output_units):
    layer = ScenarioNetworks(5, (4, 3), output_units=output_units)
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(len(IDS), 6)).astype(np.float32)
    layer(rows, IDS + 1)
    for variable in layer.weights:
        variable.assign(rng.normal(size=variable.shape))
    return layer, rows


@pytest.mark.parametrize("output_units", [1, None])
def test_every_row_goes_through_its_own_scenarios_network(output_units):
    layer, rows = networks(output_units)
    depth = len(layer.kernels)
    kernels = [numbers(layer, f"kernel_{position}") for position in range(depth)]
    biases = [numbers(layer, f"bias_{position}") for position in range(depth)]
    expected = [
        relu_network(row, [k[scenario] for k in kernels], [b[scenario] for b in biases])
        for row, scenario in zip(rows.astype(np.float64), IDS, strict=True)
    ]
    if output_units is None:
        expected = np.maximum(expected, 0)
    np.testing.assert_allclose(layer(rows, IDS + 1), expected, rtol=1e-4, atol=1e-5)


def test_one_pass_equals_splitting_the_batch_by_scenario():
    layer, rows = networks(2)
    target = np.random.default_rng(2).normal(size=(len(IDS), 2)).astype(np.float32)
    with tf.GradientTape(persistent=True) as tape:
        together = layer(rows, IDS + 1)
        loss = tf.reduce_sum(together * target)
        split_loss = 0.0
        for scenario in np.unique(IDS):
            own = scenario == IDS
            hidden = tf.constant(rows[own])
            for kernel, bias in zip(layer.kernels, layer.biases, strict=True):
                hidden = hidden @ kernel[scenario] + bias[scenario]
                hidden = tf.nn.relu(hidden) if kernel is not layer.kernels[-1] else hidden
            np.testing.assert_allclose(together.numpy()[own], hidden, rtol=1e-4, atol=1e-5)
            split_loss += tf.reduce_sum(hidden * target[own])
    for variable in layer.weights:
        found = tape.gradient(loss, variable._value)
        assert isinstance(found, tf.Tensor), "dense: an optimizer would add up slices once more"
        expected = tape.gradient(split_loss, variable._value)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
        assert not found.numpy()[[1, 3]].any()  # absent scenarios


def test_units_are_normalised_by_scenario_before_the_activation():
    layer = ScenarioNetworks(5, (4, 3), output_units=2, batch_normalization=True)
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(len(IDS), 6)).astype(np.float32)
    layer(rows, IDS + 1)
    for variable in layer.trainable_weights:
        variable.assign(rng.normal(size=variable.shape))
    found = layer(rows, IDS + 1, training=True).numpy()
    weights = {v.path.split("/", 1)[1]: v.numpy().astype(np.float64) for v in layer.weights}
    for scenario in np.unique(IDS):
        hidden = rows[scenario == IDS].astype(np.float64)
        for position in range(3):
            kernel, bias = weights[f"kernel_{position}"], weights[f"bias_{position}"]
            hidden = hidden @ kernel[scenario] + bias[scenario]
            if position < 2:
                of_layer = f"normalization_{position}/specific_"
                spread = np.sqrt(hidden.var(axis=0) + 1e-3)
                hidden = (hidden - hidden.mean(axis=0)) / spread
                hidden = weights[f"{of_layer}gamma"][scenario] * hidden
                hidden = np.maximum(hidden + weights[f"{of_layer}beta"][scenario], 0)
        np.testing.assert_allclose(found[scenario == IDS], hidden, rtol=1e-3, atol=1e-4)


def test_dropout_follows_every_activation_in_training():
    layer = ScenarioNetworks(5, (400,), "linear", dropout_rate=0.25)
    rows = np.random.default_rng(1).normal(size=(len(IDS), 6)).astype(np.float32)
    plain = layer(rows, IDS + 1).numpy()
    shares = layer(rows, IDS + 1, training=True).numpy() / plain
    kept = shares != 0
    np.testing.assert_allclose(shares[kept], 4 / 3, rtol=1e-4)
    assert kept.mean() == pytest.approx(0.75, abs=0.03)
    two = ScenarioNetworks(5, (400, 3), dropout_rate=0.25)
    first, second = (two(rows, IDS + 1, training=True).numpy() for _ in range(2))
    assert np.abs(first - second).max() > 1e-3


def test_networks_start_differently():
    layer = ScenarioNetworks(4, (8,))
    layer.build((None, 6), (None,))
    kernel = layer.kernels[0].numpy()
    gaps = np.abs(kernel[:, None] - kernel[None]).max(axis=(2, 3))
    assert gaps[~np.eye(4, dtype=bool)].min() > 1e-3


def test_a_batch_of_one_row_or_of_one_scenario():
    layer, rows = networks(1)
    together = layer(rows, IDS + 1).numpy()
    np.testing.assert_allclose(layer(rows[3:4], IDS[3:4] + 1), together[3:4], rtol=1e-5)
    alone = layer(rows, np.full(len(IDS), 3)).numpy()
    np.testing.assert_allclose(alone[IDS == 2], together[IDS == 2], rtol=1e-5)
