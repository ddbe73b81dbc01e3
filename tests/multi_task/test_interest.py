"""Multi-task models whose history DIN's unit reads: formulas, parts, and what a request makes."""

import functools

import keras
import numpy as np
import pytest
import task_oracles
import tensorflow as tf
from reference import randomize, relu, softmax
from tiny_tasks import predictions

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.features.embedding import FusedEmbedding
from recsys_lib.multi_task import (
    build_aitm,
    build_cgc,
    build_esmm,
    build_mmoe,
    build_omoe,
    build_ple,
    build_shared_bottom,
)
from recsys_lib.multi_task.balancing import GradNorm
from recsys_lib.multi_task.gradients import shared_parameters
from recsys_lib.sequence import build_din
from recsys_lib.training import load, predict, rank, rank_ways, save

STEPS, WIDTH, ROWS = 4, 3, 6
COLUMNS = (
    CategoricalColumn("user_id", 6, group="user"),
    CategoricalColumn("page", 4, group="scenario"),
    SequenceColumn("history", 9, STEPS, table="item_id"),
    SequenceColumn("ages", 5, STEPS),
    SequenceColumn("genres", 5, 2, group="item", ordered=False, combiner="sum"),
    CategoricalColumn("item_id", 9, group="item"),
    NumericColumn("price", group="item"),
)
FEATURES = {
    "user_id": np.array([1, 2, 0, 5, 3, 4], np.int32),
    "page": np.array([1, 2, 3, 1, 0, 3], np.int32),
    "history": np.array(
        [[1, 2, 3, 4], [5, 5, 0, 0], [0, 0, 0, 0], [8, 0, 0, 0], [2, 1, 2, 0], [3, 4, 0, 0]],
        np.int32,
    ),
    "ages": np.array([[4, 3, 2, 1]] * ROWS, np.int32),
    "genres": np.array([[1, 2], [3, 0], [0, 0], [4, 1], [2, 2], [1, 0]], np.int32),
    "item_id": np.array([2, 5, 7, 1, 0, 3], np.int32),
    "price": np.array([0.5, -1.0, 2.0, 0.0, 1.5, -0.5], np.float32),
}
TASKS = {"zap": "binary", "minutes": "regression", "buy": "binary"}
FUNNEL = ("zap", "buy")
CHAINS = {"esmm": task_oracles.funnel, "aitm": task_oracles.chain}
"""Models of binary tasks in a row, to the formulas of their outputs."""
SIZES = {"embedding_dim": WIDTH, "tower_units": (4,)}
EXPERTS = SIZES | {"expert_units": (5,)}
MODELS = {
    "shared_bottom": functools.partial(build_shared_bottom, hidden_units=(6, 5), **SIZES),
    "omoe": functools.partial(build_omoe, num_experts=2, **EXPERTS),
    "mmoe": functools.partial(build_mmoe, num_experts=2, **EXPERTS),
    "cgc": functools.partial(build_cgc, num_shared_experts=1, **EXPERTS),
    "ple": functools.partial(build_ple, num_task_experts=1, **EXPERTS),
    "esmm": functools.partial(build_esmm, embedding_dim=WIDTH, hidden_units=(6, 5)),
    "aitm": functools.partial(build_aitm, embedding_dim=WIDTH, hidden_units=(6, 5)),
}
REPRESENTATIONS = {
    "shared_bottom": task_oracles.shared_bottom,
    "omoe": task_oracles.mixtures_of_experts,
    "mmoe": task_oracles.mixtures_of_experts,
    "cgc": functools.partial(task_oracles.extraction_levels, own=[(2, 2, 2)], shared=[1]),
    "ple": functools.partial(task_oracles.extraction_levels, own=[(1, 1, 1)] * 2, shared=[2, 2]),
}
ATTENTION = {"interest": "attention", "attention_units": (6,)}
EVERY = pytest.mark.parametrize("name", MODELS)


def tasks_of(name):
    return FUNNEL if name in CHAINS else TASKS


def build(name="mmoe", columns=COLUMNS, **options):
    return MODELS[name](columns, tasks_of(name), **ATTENTION | options)


def inputs_of(model, features=FEATURES):
    return {tensor.name: features[tensor.name] for tensor in model.inputs}


def run(model, features=FEATURES, **options):
    """All outputs, ``(tasks, batch)``."""
    found = model(inputs_of(model, features), **options)
    return np.stack([np.asarray(values) for values in found.values()])


def output_of(model, name):
    found = keras.Model(model.inputs, model.get_layer(name).output)(inputs_of(model))
    return np.asarray(found).astype(np.float64)


def weights_of(layer):
    return [np.asarray(weight).astype(np.float64) for weight in layer.weights]


def vectors(model, name, ids=None):
    layer, ids = model.get_layer("embedding"), FEATURES[name] if ids is None else ids
    rows = layer.table.numpy()[layer.rows_of(name)].astype(np.float64)
    return np.where(ids[..., None] > 0, rows[ids], 0)


def step_weights(model, scale):
    """What DIN's unit makes of each behaviour beside the candidate, in NumPy."""
    behaviours = vectors(model, "history")
    repeated = np.repeat(vectors(model, "item_id")[:, None], STEPS, axis=1)
    read = [repeated, behaviours, repeated - behaviours, repeated * behaviours]
    kernel, bias, last, last_bias = weights_of(model.get_layer("history_weights"))
    scores = (relu(np.concatenate(read, axis=-1) @ kernel + bias) @ last + last_bias)[..., 0]
    is_real = FEATURES["history"] > 0
    if scale == "softmax":
        return softmax(np.where(is_real, scores, -1e9)) * is_real
    assert scale == "raw"
    return scores * is_real


def features_by_the_formula(model, interest, product=False):
    """Profile, candidate and what is made of the behaviours."""
    candidate = vectors(model, "item_id")
    profile = [vectors(model, "user_id"), vectors(model, "page"), vectors(model, "genres").sum(1)]
    products = [interest * candidate] if product else []
    numbers = FEATURES["price"][:, None]
    return np.concatenate([*profile, numbers, candidate, interest, *products], axis=1)


def outputs_by_the_formula(name, model, x):
    if name in CHAINS:
        return CHAINS[name](model, x, FUNNEL)
    return predictions(model, REPRESENTATIONS[name](model, x), TASKS)


def assert_outputs(found, expected):
    assert list(found) == list(expected)
    for task, values in expected.items():
        np.testing.assert_allclose(found[task], values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("scale", "product"), [("raw", False), ("softmax", True)])
@EVERY
def test_tasks_equal_the_formula(name, scale, product):
    model = randomize(build(name, attention_activation="relu", scale=scale, product=product))
    weights = step_weights(model, scale)
    interest = (weights[..., None] * vectors(model, "history")).sum(axis=1)
    x = features_by_the_formula(model, interest, product)
    np.testing.assert_allclose(output_of(model, "features"), x, rtol=1e-4, atol=1e-6)
    assert_outputs(predict(model, FEATURES), outputs_by_the_formula(name, model, x))


@EVERY
def test_one_behaviour_is_its_own_interest(name):
    """With shares of steps: whatever the unit says of the only one, its share is all."""
    columns = [
        SequenceColumn("history", 9, 1, table="item_id") if column.name == "history" else column
        for column in COLUMNS
    ]
    model = randomize(build(name, columns, scale="softmax"))
    last = FEATURES["history"][:, :1]  # none in one of the rows
    features = FEATURES | {"history": last}
    x = features_by_the_formula(model, vectors(model, "history", last[:, 0]))
    found = run(model, features)
    expected = outputs_by_the_formula(name, model, x)
    np.testing.assert_allclose(found, list(expected.values()), rtol=1e-4, atol=1e-6)
    randomize(model.get_layer("history_weights"), seed=5)
    np.testing.assert_array_equal(run(model, features), found)


@EVERY
def test_padding_changes_nothing(name):
    """More of it behind the steps, or large numbers where its vectors are looked up."""
    options = {"attention_activation": "dice", "batch_normalization": True}
    columns = [
        SequenceColumn("history", 9, STEPS + 2, table="item_id")
        if column.name == "history"
        else column
        for column in COLUMNS
    ]
    model, wider = build(name, **options), build(name, columns, **options)
    wider.set_weights(randomize(model).get_weights())
    padded = FEATURES | {"history": np.pad(FEATURES["history"], [(0, 0), (0, 2)])}
    found = run(model)
    np.testing.assert_allclose(run(wider, padded), found, rtol=1e-5, atol=1e-6)
    in_training = run(model, training=True)
    np.testing.assert_allclose(run(wider, padded, training=True), in_training, rtol=1e-4, atol=1e-5)
    model.set_weights(wider.get_weights())
    found = run(model)
    for layer in model.layers:
        if isinstance(layer, FusedEmbedding):
            table = layer.table.numpy()
            table[list(layer.table_offsets.values())] = 1e3
            layer.table.assign(table)
    np.testing.assert_array_equal(run(model), found)


def kind_of(layer):
    """Class and name, of which Keras numbers those that it gives itself."""
    return type(layer), layer.name.split("_pooling")[0]


@EVERY
def test_pooled_is_the_default_and_leaves_the_unit_out(name):
    """With whatever is said of a unit that is not there."""
    unread = {"attention_units": (9, 9), "attention_activation": "gelu", "scale": "softmax"}
    unread |= {"product": True, "histories": ("ages",)}
    models = []
    for options in ({}, {"interest": "pooled"}, {"interest": "pooled", **unread}):
        keras.utils.set_random_seed(4)
        models.append(MODELS[name](COLUMNS, tasks_of(name), **options))
    first, *others = models
    assert {tensor.name for tensor in first.inputs} == set(FEATURES)
    names = [layer.name for layer in first.layers]
    assert "features" in names and not {"history_weights", "interest"} & set(names)
    for other in others:
        assert [kind_of(layer) for layer in other.layers] == [kind_of(x) for x in first.layers]
        for mine, theirs in zip(first.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("scale", ["raw", "length", "softmax", "batch_normalization"])
def test_the_interest_is_dins(scale):
    """With the weights of a DIN of the same columns, whatever the scale of its sum."""
    name = "_normalization" if scale == "batch_normalization" else ""
    model = randomize(build(scale=scale))
    din = build_din(COLUMNS, "zap", embedding_dim=WIDTH, attention_units=(6,), scale=scale)
    shared = {"embedding": "embedding", "din_weights": "history_weights"}
    if name:
        shared["din_interest_normalization"] = "interest_normalization"
    for theirs, ours in shared.items():
        din.get_layer(theirs).set_weights(model.get_layer(ours).get_weights())
    for theirs, ours in (
        ("din_weights", "history_weights"),
        (f"din_interest{name}", f"interest{name}"),
    ):
        np.testing.assert_array_equal(output_of(din, theirs), output_of(model, ours))


@EVERY
def test_options_of_networks_reach_the_unit(name):
    options = {"dropout_rate": 0.25, "batch_normalization": True, "attention_activation": "gelu"}
    network = build(name, **options, attention_units=(7, 3)).get_layer("history_weights").network
    assert (network.dropout_rate, network.batch_normalization) == (0.25, True)
    assert network.get_config()["activation"] == "gelu" and network.hidden_units == (7, 3)
    unit = build(name, activation="tanh").get_layer("history_weights")
    assert unit.network.get_config()["activation"] == "dice" and unit.scale == "raw"


@EVERY
def test_options_of_tables_reach_them(name):
    halves = keras.initializers.Constant(0.5)
    penalised = build(name, embedding_l2=2.0, embeddings_initializer=halves)
    penalised(inputs_of(penalised), training=True)
    # 2 / 2 times the squared length of each distinct id's vector: users 1 to 5, pages 1 to 3,
    # genres 1 to 4, items 1 to 5, 7 and 8.
    np.testing.assert_allclose(
        float(sum(penalised.get_layer("embedding").losses)), 19 * WIDTH / 4, rtol=1e-6
    )


@EVERY
def test_histories_name_those_that_are_read(name):
    brand = CategoricalColumn("brand", 4, group="item")
    columns = (*COLUMNS, brand, SequenceColumn("brands", 4, STEPS, table="brand"))
    both, one = build(name, columns), build(name, columns, histories=("history",))
    assert {tensor.name for tensor in build(name).inputs} == set(FEATURES) - {"ages"}
    assert both.get_layer("interest").output.shape == (None, 2 * WIDTH)
    assert one.get_layer("interest").output.shape == (None, WIDTH)
    names = [{tensor.name for tensor in model.inputs} for model in (both, one)]
    assert names == [{*FEATURES, "brand", "brands"} - {"ages"}, {*FEATURES, "brand"} - {"ages"}]


@EVERY
def test_a_request_is_ranked_as_its_rows_are_predicted(name, tmp_path):
    model = randomize(build(name))
    save(model, tmp_path / "model.keras")
    candidates = {column: FEATURES[column] for column in ("item_id", "genres", "price")}
    request = {column: FEATURES[column][4] for column in ("user_id", "page", "history")}
    rows = {column: np.repeat(values[None], ROWS, axis=0) for column, values in request.items()}
    expected = predict(model, {**rows, **candidates})
    loaded = load(tmp_path / "model.keras")
    np.testing.assert_array_equal(run(loaded), run(model))
    for task in tasks_of(name):
        found = rank(loaded, request, candidates, task=task).scores
        np.testing.assert_allclose(found, expected[task], rtol=1e-4, atol=1e-6)
    assert rank_ways(loaded, request)["history_weights"] == "divided"


@EVERY
def test_every_task_pulls_the_unit_and_the_history(name):
    model = randomize(build(name, attention_activation="tanh"))
    wanted = [*model.get_layer("history_weights").trainable_variables]
    wanted.append(model.get_layer("embedding").table)
    for task in tasks_of(name):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(tf.sin(3.0 * model(inputs_of(model))[task]))
        for gradient in tape.gradient(total, wanted):
            assert np.abs(tf.convert_to_tensor(gradient)).max() > 1e-6


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("shared_bottom", "shared_bottom"),
        ("omoe", "experts"),
        ("mmoe", "experts"),
        ("cgc", "experts_1"),
        ("ple", "experts_2"),
    ],
)
def test_tasks_meet_where_the_last_shared_layer_is(name, layer):
    model = build(name)
    assert shared_parameters(model).name == layer
    assert GradNorm().start(model, TASKS).columns[:3] == [f"norm_{task}" for task in TASKS]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"interest": "din"}, r"interest: expected one of \('pooled', 'attention'\), got 'din'"),
        ({"scale": "mean"}, "scale: expected one of"),
        ({"product": 1}, "product: expected True or False"),
        ({"histories": ("ages",)}, "history 'ages': expected a sequence column that shares"),
        ({"attention_units": ()}, "attention_units: expected at least 1 layer"),
    ],
)
@EVERY
def test_bad_options_are_named(name, options, message):
    with pytest.raises(ValueError, match=message):
        build(name, **options)


@EVERY
def test_attention_needs_a_history(name):
    with pytest.raises(ValueError, match="expected an ordered sequence column that shares"):
        build(name, COLUMNS[:2])
