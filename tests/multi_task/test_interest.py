"""MMoE whose history DIN's unit reads: its formula, its parts, and what it makes of a request."""

import keras
import numpy as np
import pytest
from reference import randomize, relu, sigmoid, softmax

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.multi_task import build_mmoe
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
SMALL = {
    "embedding_dim": WIDTH,
    "num_experts": 2,
    "expert_units": (5,),
    "tower_units": (4,),
    "interest": "attention",
    "attention_units": (6,),
}


def build(**options):
    return build_mmoe(COLUMNS, TASKS, **SMALL | options)


def inputs_of(model):
    return {tensor.name: FEATURES[tensor.name] for tensor in model.inputs}


def output_of(model, name):
    found = keras.Model(model.inputs, model.get_layer(name).output)(inputs_of(model))
    return np.asarray(found).astype(np.float64)


def weights_of(layer):
    return [np.asarray(weight).astype(np.float64) for weight in layer.weights]


def vectors(model, name):
    layer, ids = model.get_layer("embedding"), FEATURES[name]
    rows = layer.table.numpy()[layer.rows_of(name)].astype(np.float64)
    return np.where(ids[..., None] > 0, rows[ids], 0)


def features_by_the_formula(model, product=False):
    """Profile, candidate and the behaviours weighed by DIN's unit, in NumPy."""
    candidate, behaviours = vectors(model, "item_id"), vectors(model, "history")
    repeated = np.repeat(candidate[:, None], STEPS, axis=1)
    read = [repeated, behaviours, repeated - behaviours, repeated * behaviours]
    kernel, bias, last, last_bias = weights_of(model.get_layer("history_weights"))
    scores = (relu(np.concatenate(read, axis=-1) @ kernel + bias) @ last + last_bias)[..., 0]
    weights = scores * (FEATURES["history"] > 0)
    interest = (weights[..., None] * behaviours).sum(axis=1)
    profile = [vectors(model, "user_id"), vectors(model, "page"), vectors(model, "genres").sum(1)]
    products = [interest * candidate] if product else []
    numbers = FEATURES["price"][:, None]
    return np.concatenate([*profile, numbers, candidate, interest, *products], axis=1)


@pytest.mark.parametrize("product", [False, True])
def test_tasks_equal_the_formula(product):
    model = randomize(build(attention_activation="relu", product=product))
    x = features_by_the_formula(model, product)
    np.testing.assert_allclose(output_of(model, "features"), x, rtol=1e-4, atol=1e-6)
    experts = model.get_layer("experts")
    hidden = np.einsum("bi,nio->bno", x, experts.kernels[0].numpy())
    gates = softmax(np.einsum("bi,tie->bte", x, model.get_layer("gates").kernel.numpy()))
    mixtures = np.einsum("bte,beu->btu", gates, relu(hidden + experts.biases[0].numpy()))
    towers = model.get_layer("towers")
    (first, last), (bias, last_bias) = (
        [weight.numpy().astype(np.float64) for weight in part]
        for part in (towers.kernels, towers.biases)
    )
    hidden = relu(np.einsum("btu,tuv->btv", mixtures, first) + bias)
    logits = (np.einsum("btv,tvo->bto", hidden, last) + last_bias)[..., 0]
    found = predict(model, FEATURES)
    assert list(found) == list(TASKS)
    for position, (task, kind) in enumerate(TASKS.items()):
        expected = logits[:, position] + float(model.get_layer(task).bias.numpy().item())
        expected = sigmoid(expected) if kind == "binary" else expected
        np.testing.assert_allclose(found[task], expected, rtol=1e-4, atol=1e-6)


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


def test_options_of_networks_reach_the_unit():
    options = {"dropout_rate": 0.25, "batch_normalization": True, "attention_activation": "gelu"}
    network = build(**options).get_layer("history_weights").network
    assert (network.dropout_rate, network.batch_normalization) == (0.25, True)
    assert network.get_config()["activation"] == "gelu"
    assert build().get_layer("history_weights").network.get_config()["activation"] == "dice"
    penalised = build(embedding_l2=2.0, embeddings_initializer=keras.initializers.Constant(0.5))
    penalised(inputs_of(penalised), training=True)
    # 2 / 2 times the squared length of each distinct id's vector: users 1 to 5, pages 1 to 3,
    # genres 1 to 4, items 1 to 5, 7 and 8.
    np.testing.assert_allclose(
        float(sum(penalised.get_layer("embedding").losses)), 19 * WIDTH / 4, rtol=1e-6
    )


def test_a_request_is_ranked_as_its_rows_are_predicted(tmp_path):
    model = randomize(build())
    save(model, tmp_path / "mmoe.keras")
    candidates = {name: FEATURES[name] for name in ("item_id", "genres", "price")}
    request = {name: FEATURES[name][4] for name in ("user_id", "page", "history")}
    rows = {name: np.repeat(values[None], ROWS, axis=0) for name, values in request.items()}
    expected = predict(model, {**rows, **candidates})
    loaded = load(tmp_path / "mmoe.keras")
    for task in TASKS:
        found = rank(loaded, request, candidates, task=task).scores
        np.testing.assert_allclose(found, expected[task], rtol=1e-4, atol=1e-6)
    assert rank_ways(loaded, request)["history_weights"] == "divided"


def test_tasks_meet_in_the_experts_and_pull_the_unit_too():
    model = randomize(build(attention_activation="tanh"))
    assert shared_parameters(model).name == "experts"
    assert GradNorm().start(model, TASKS).columns[:3] == [f"norm_{task}" for task in TASKS]
    assert {tensor.name for tensor in model.inputs} == set(FEATURES) - {"ages"}


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
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_attention_needs_a_history():
    with pytest.raises(ValueError, match="expected an ordered sequence column that shares"):
        build_mmoe(COLUMNS[:2], TASKS, **SMALL)
