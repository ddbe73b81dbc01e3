"""Options of the multi-scenario models: kept by their layers, and acting where scenarios differ."""

import functools
import inspect
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize
from tiny_scenarios import COLUMNS, COUNT, FEATURES, NUM_ROWS, WIDTH, gradients_of, rows, surfaces

from recsys_lib.features.columns import CategoricalColumn, EmbeddingL2
from recsys_lib.multi_scenario import (
    APGDense,
    GateNU,
    MetaAttention,
    MetaUnit,
    OwnFirst,
    PartitionedNormalization,
    Pruner,
    ScenarioNetworks,
    StarNetwork,
    build_adasparse,
    build_apg,
    build_global,
    build_hmoe,
    build_m2m,
    build_pepnet,
    build_scenario_feature,
    build_scenario_shared_bottom,
    build_separate,
    build_star,
)
from recsys_lib.multi_scenario.apart import OwnIds
from recsys_lib.multi_scenario.m2m import Residual
from recsys_lib.multi_scenario.parts import KnownScenarios
from recsys_lib.training import load, save

NETWORK = {"hidden_units": (5, 4)}
EXPERTS = {"expert_units": (5, 4), "num_experts": 3}
BUILDERS = {
    "global": functools.partial(build_global, **NETWORK),
    "scenario_feature": functools.partial(build_scenario_feature, **NETWORK),
    "separate": functools.partial(build_separate, **NETWORK),
    "shared_bottom": functools.partial(build_scenario_shared_bottom, tower_units=(3,), **NETWORK),
    "hmoe": functools.partial(build_hmoe, tower_units=(3,), **EXPERTS),
    "star": functools.partial(build_star, auxiliary_units=(3,), **NETWORK),
    "pepnet": functools.partial(build_pepnet, gate_units=3, **NETWORK),
    "m2m": functools.partial(build_m2m, knowledge_units=(3,), **EXPERTS),
    "apg": functools.partial(build_apg, rank=3, inner_units=4, **NETWORK),
    "adasparse": functools.partial(build_adasparse, **NETWORK),
}
WITH_A_TABLE_OF_SCENARIOS = ("star", "pepnet", "m2m")
STACKED = {"dropout_rate": 0.25, "batch_normalization": True}
LAYERS = [
    (APGDense, {"units": 6, "rank": 2, "inner_units": 4, "condition_units": (5, 3), **STACKED}),
    (GateNU, {"units": 5, "hidden_units": 3, "num_tasks": 2, "gamma": 1.5}),
    (KnownScenarios, {"column": COLUMNS[1], "unknown": "largest"}),
    (MetaAttention, {"num_tasks": 3, "num_layers": 2, "activation": keras.activations.tanh}),
    (MetaUnit, {"units": 4, "num_layers": 2, "activation": keras.activations.tanh}),
    (OwnFirst, {"factor": 3.0}),
    (OwnIds, {"columns": COLUMNS, "count": 3}),
    (PartitionedNormalization, {"count": 2, "momentum": 0.5, "epsilon": 0.1, "shared": False}),
    (
        Pruner,
        {
            "form": "binarization",
            "alpha": 1.5,
            "beta": 1.8,
            "epsilon": 0.4,
            "pruned_share": (0.3, 0.5),
            "sparsity_weight": 0.7,
        },
    ),
    (Residual, {"activation": keras.activations.tanh, **STACKED}),
    (ScenarioNetworks, {"count": 3, "hidden_units": (5, 4), "output_units": 2, **STACKED}),
    (StarNetwork, {"count": 3, "hidden_units": (5, 4), "output_units": 2, **STACKED}),
]
ACTIVATIONS = {"activation": keras.activations.tanh, "condition_activation": keras.activations.selu}


@pytest.mark.parametrize(("layer_class", "options"), LAYERS, ids=lambda value: str(value)[:30])
def test_layers_keep_all_of_their_options(layer_class, options):
    names = set(inspect.signature(layer_class.__init__).parameters) - {"self", "kwargs"}
    options = {name: value for name, value in ACTIVATIONS.items() if name in names} | options
    defaults = inspect.signature(layer_class.__init__).parameters
    assert set(options) == names
    assert all(defaults[name].default != value for name, value in options.items())
    layer = layer_class(**options)
    again = layer_class.from_config(json.loads(json.dumps(layer.get_config())))
    for name, value in options.items():
        if layer_class is KnownScenarios and name == "column":
            name, value = "columns", (value,)
        assert getattr(again, name) == getattr(layer, name) == value, name


@pytest.mark.parametrize("name", BUILDERS)
def test_sizes_may_be_numbers_of_numpy(name, tmp_path):
    def of_numpy(value):
        if isinstance(value, tuple):
            return tuple(np.int64(units) for units in value)
        return np.int32(value)

    options = {key: of_numpy(value) for key, value in BUILDERS[name].keywords.items()}
    model = randomize(BUILDERS[name].func(COLUMNS, embedding_dim=np.int64(WIDTH), **options))
    plain = randomize(BUILDERS[name](list(COLUMNS), embedding_dim=WIDTH))
    save(model, tmp_path / "model.keras")
    given = {tensor.name: FEATURES[tensor.name] for tensor in model.inputs}
    np.testing.assert_array_equal(load(tmp_path / "model.keras")(given), plain(given))


@pytest.mark.parametrize("name", BUILDERS)
def test_a_batch_may_be_empty(name):
    model = BUILDERS[name](COLUMNS, embedding_dim=WIDTH)
    given = {tensor.name: FEATURES[tensor.name][:0] for tensor in model.inputs}
    for training in (False, True):
        assert model(given, training=training).shape == (0,)


@pytest.mark.parametrize("name", ["pepnet", "m2m"])
def test_a_name_gives_a_tensor_and_a_tuple_or_a_dict_gives_a_dict(name):
    build = functools.partial(BUILDERS[name], COLUMNS, embedding_dim=WIDTH)
    assert build()(FEATURES).shape == (NUM_ROWS,)
    assert build("like").output_names == ["like"]
    assert set(build(("click",))(FEATURES)) == {"click"}
    # Not in alphabetical order, so that no sorted dict can hide a mix-up.
    model = randomize(build({"play": "binary", "minutes": "regression"}))
    outputs = model(FEATURES)
    assert list(outputs) == ["play", "minutes"]
    assert 0 < outputs["play"].numpy().min() and outputs["play"].numpy().max() < 1
    model.get_layer("minutes").bias.assign(9.0)
    assert model(FEATURES)["minutes"].numpy().min() > 1


def tables_of(model):
    return {layer.name: layer for layer in model.layers if hasattr(layer, "table_offsets")}


@pytest.mark.parametrize("name", BUILDERS)
def test_the_penalty_and_the_start_reach_every_table(name):
    model = BUILDERS[name](
        COLUMNS,
        embedding_dim=WIDTH,
        embedding_l2=2.0,
        embeddings_initializer=keras.initializers.Constant(0.5),
    )
    names = {"embedding"}
    if name in WITH_A_TABLE_OF_SCENARIOS:
        names.add("scenario_embedding")
    tables = tables_of(model)
    assert set(tables) == names
    for table in tables.values():
        assert (table.table.numpy() == 0.5).all()
    given = {tensor.name: FEATURES[tensor.name] for tensor in model.inputs}
    model(given, training=True)
    penalties = {name: float(sum(table.losses)) for name, table in tables.items()}
    if "scenario_embedding" in penalties:  # three scenarios: 2 / 2 * 3 * |(.5, .5)|^2
        assert penalties["scenario_embedding"] == pytest.approx(1.5)
    assert penalties["embedding"] > 1


def test_counts_of_the_scenarios_table_are_known_to_all_tables():
    counts = {"surface": np.array([0, 4, 2, 1]), "item_id": np.full(5, 2)}
    model = build_star(COLUMNS, embedding_l2=EmbeddingL2(1.0, id_counts=counts))
    shares = tables_of(model)["scenario_embedding"].penalty_shares.numpy()
    np.testing.assert_allclose(shares, [0, 1 / 4, 1 / 2, 1])
    with pytest.raises(ValueError, match="id_counts: expected tables of"):
        build_star(COLUMNS, embedding_l2=EmbeddingL2(1.0, id_counts={"tab": np.ones(4)}))


def test_separate_counts_the_ids_of_each_scenario_apart():
    columns = [COLUMNS[1], CategoricalColumn("item_id", 5, group="item")]
    with pytest.raises(ValueError, match="table 'item_id': expected 13 counts"):
        build_separate(columns, embedding_l2=EmbeddingL2(1.0, id_counts={"item_id": np.ones(5)}))
    counts = {"item_id": np.arange(13)}
    model = build_separate(columns, embedding_l2=EmbeddingL2(1.0, id_counts=counts))
    shares = tables_of(model)["embedding"].penalty_shares.numpy()
    np.testing.assert_allclose(shares, [0, *(1 / np.arange(1, 13))], rtol=1e-6)


def test_separate_shares_nothing_with_normalization_either():
    model = randomize(
        build_separate(
            COLUMNS, embedding_dim=WIDTH, hidden_units=(16, 16), batch_normalization=True
        )
    )
    for scenario in range(1, COUNT + 1):
        own = rows(FEATURES["surface"] == scenario)
        foreign = np.arange(COUNT) != scenario - 1
        gradients = gradients_of(model, own, training=True)
        of_networks = {k: g for k, g in gradients.items() if k.startswith("own_networks")}
        assert any("specific_gamma" in path for path in of_networks)
        for path, gradient in of_networks.items():
            assert not gradient[foreign].any(), path
            if "bias" not in path:  # the mean takes a bias off again
                assert np.abs(gradient[scenario - 1]).max() > 0, path


def test_separate_normalises_each_scenario_as_its_own_model_would():
    """With batch normalization too, a scenario's rows score as if they were alone."""
    model = randomize(
        build_separate(COLUMNS, embedding_dim=WIDTH, batch_normalization=True, **NETWORK)
    )
    together = model(FEATURES, training=True).numpy()
    for scenario in range(1, COUNT + 1):
        own = FEATURES["surface"] == scenario
        alone = model(rows(own), training=True).numpy()
        np.testing.assert_allclose(alone, together[own], rtol=1e-4)


@pytest.mark.parametrize("name", ["separate", "star", "m2m", "apg", "adasparse"])
def test_dropout_and_normalization_act_in_training_only(name):
    plain = BUILDERS[name](COLUMNS, embedding_dim=WIDTH)
    dropped = BUILDERS[name](COLUMNS, embedding_dim=WIDTH, dropout_rate=0.5)
    randomize(plain), randomize(dropped)
    np.testing.assert_array_equal(dropped(FEATURES), plain(FEATURES))
    first, second = (dropped(FEATURES, training=True).numpy() for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    model = randomize(BUILDERS[name](COLUMNS, embedding_dim=WIDTH, batch_normalization=True))
    before = model(FEATURES).numpy()
    assert np.abs(model(FEATURES, training=True).numpy() - before).max() > 1e-3
    assert np.abs(model(FEATURES).numpy() - before).max() > 1e-4  # the moments have moved


def test_adasparse_drops_what_is_left_after_pruning():
    model = randomize(build_adasparse(COLUMNS, dropout_rate=0.5, hidden_units=(64, 8)))
    layers = [model.get_layer(name).output for name in ("hidden_1", "pruner_1", "dropout_1")]
    part = keras.Model(model.inputs, layers)
    hidden, factors, after = part(FEATURES, training=True)
    np.testing.assert_array_equal(hidden, part(FEATURES)[0])  # the pruner reads all of it
    kept = after.numpy() != 0
    np.testing.assert_allclose(after, np.where(kept, 2 * hidden * factors, 0), rtol=1e-5)
    assert 0.3 < kept[(hidden * factors).numpy() != 0].mean() < 0.7


def test_the_towers_of_m2m_normalise_each_task_apart():
    layer = Residual("linear", batch_normalization=True)
    rng = np.random.default_rng(0)
    scale = np.array([1.0, 30.0])[:, None]
    inputs = (scale * (5 + rng.normal(size=(200, 2, 3)))).astype("f4")
    outputs = layer(0 * inputs, inputs, training=True).numpy()
    expected = (inputs - inputs.mean(axis=0)) / np.sqrt(inputs.var(axis=0) + 1e-3)
    np.testing.assert_allclose(outputs, expected, rtol=1e-2, atol=1e-3)


def test_the_conditions_network_of_apg_has_the_options_too():
    options = {"units": 6, "rank": 2, "condition_units": (50,)}
    x = np.random.default_rng(0).normal(size=(8, 7)).astype("f4")
    z = np.ones((8, 3), "f4")
    layer = APGDense(**options, dropout_rate=0.5)
    layer.build((None, 7), (None, 3))
    layer.dropout = None  # what remains is that of the condition
    outputs = layer(np.repeat(x[:1], 8, axis=0), z, training=True).numpy()
    assert np.abs(outputs - outputs[0]).max() > 1e-4
    relu = APGDense(**options, activation="linear")
    tanh = APGDense(**options, activation="linear", condition_activation="tanh")
    for layer in (relu, tanh):
        layer.build((None, 7), (None, 3))
    tanh.set_weights(relu.get_weights())
    assert np.abs(relu(x, z).numpy() - tanh(x, z).numpy()).max() > 1e-4


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("name", ["separate", "star"])
def test_normalization_by_scenario_runs_in_other_precisions(name, policy):
    plain = randomize(BUILDERS[name](COLUMNS, embedding_dim=WIDTH, batch_normalization=True))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = BUILDERS[name](COLUMNS, embedding_dim=WIDTH, batch_normalization=True)
    finally:
        keras.config.set_dtype_policy(before)
    model.set_weights(plain.get_weights())
    given = {tensor.name: FEATURES[tensor.name] for tensor in model.inputs}
    np.testing.assert_allclose(
        tf.cast(model(given), tf.float32), plain(given), atol=1e-5 if policy == "float64" else 0.05
    )
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.cast(model(given, training=True), tf.float32))
        loss += tf.add_n([0.0, *(tf.cast(part, tf.float32) for part in model.losses)])
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert gradient is not None
        assert np.isfinite(tf.convert_to_tensor(gradient).numpy()).all()


def test_moments_are_those_of_single_precision_at_least():
    layer = PartitionedNormalization(1, dtype="mixed_float16")
    # The sum of squares of one column, 4,096 * 30^2, is beyond half precision.
    inputs = np.resize([30.0, -30.0], (4096, 1)).astype("f2")
    outputs = layer(inputs, np.ones(4096, "i4"), training=True)
    assert outputs.dtype == "float16"
    np.testing.assert_allclose(outputs, np.sign(inputs), rtol=1e-3)
    assert layer.moving_variance.numpy()[1] == pytest.approx(900)
    assert layer.moving_rows.numpy()[1] == 4096


def test_an_unknown_row_in_training_belongs_to_the_largest_scenario_of_normalized_networks():
    model = randomize(
        build_separate(COLUMNS, embedding_dim=WIDTH, batch_normalization=True, **NETWORK)
    )
    model(surfaces(2, 2, 1), training=True)
    np.testing.assert_array_equal(model(surfaces(0)), model(surfaces(2)))
