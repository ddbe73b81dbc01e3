"""The ranker: every layer from its formula, each part left out, and what rank makes of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize, relu, sigmoid, softmax
from tiny_ranker import (
    COLUMNS,
    FEATURES,
    PARTS,
    SMALL,
    STEPS,
    WIDTH,
    build,
    inputs_of,
    output_of,
    vectors,
    weights_of,
)

from recsys_lib.data import simulator
from recsys_lib.features.columns import CategoricalColumn, EmbeddingL2
from recsys_lib.one_request import build_ranker
from recsys_lib.training import fit, predict, rank
from recsys_lib.training.weighting import task_losses


@pytest.mark.parametrize("scenario_use", ["gate", "feature"])
def test_a_surface_without_training_rows_is_the_unknown_one(scenario_use):
    model = randomize(build(scenario_use=scenario_use))
    seen = FEATURES | {"surface": np.resize(np.array([1, 2], np.int32), 6)}
    model(inputs_of(model, seen), training=True)
    unknown, known, never = (
        predict(model, FEATURES | {"surface": np.full(6, surface, np.int32)})["click"]
        for surface in (0, 2, 3)
    )
    np.testing.assert_array_equal(never, unknown)
    assert np.abs(known - unknown).max() > 1e-3


def by_the_formula(model):
    """Click and conversion of every row, in NumPy: DIN, EPNet's gate, MMoE, ESMM."""
    candidate = vectors(model, "item_id", FEATURES["item_id"])
    behaviours = vectors(model, "item_id", FEATURES["history"])
    repeated = np.repeat(candidate[:, None], STEPS, axis=1)
    read = np.concatenate(
        [repeated, behaviours, repeated - behaviours, repeated * behaviours], axis=-1
    )
    kernel, bias, last, last_bias = weights_of(model.get_layer("history_weights"))
    weights = (relu(read @ kernel + bias) @ last + last_bias)[..., 0] * (FEATURES["history"] > 0)
    interest = (weights[..., None] * behaviours).sum(axis=1)
    profile = [vectors(model, "budget", FEATURES["budget"]), FEATURES["log_price"][:, None]]
    features = np.concatenate([*profile, candidate, interest], axis=1)
    surface = vectors(model, "surface", FEATURES["surface"], "scenario_embedding")
    kernel, bias, last, last_bias = weights_of(model.get_layer("scenario_gate"))
    gate = relu(np.concatenate([surface, features], axis=1) @ kernel + bias) @ last + last_bias
    x = 2 * sigmoid(gate) * features
    experts = model.get_layer("experts")
    outputs = relu(
        np.einsum("bi,nio->bno", x, experts.kernels[0].numpy()) + experts.biases[0].numpy()
    )
    gates = softmax(np.einsum("bi,tie->bte", x, model.get_layer("gates").kernel.numpy()))
    mixtures = np.einsum("bte,beu->btu", gates, outputs)
    towers = model.get_layer("towers")
    (first, second), (bias, second_bias) = (
        [w.numpy().astype(np.float64) for w in part] for part in (towers.kernels, towers.biases)
    )
    hidden = relu(np.einsum("btu,tuv->btv", mixtures, first) + bias)
    logits = (np.einsum("btv,tvo->bto", hidden, second) + second_bias)[..., 0]
    click = sigmoid(logits[:, 0] + float(model.get_layer("click").bias.numpy()))
    after = sigmoid(logits[:, 1] + float(model.get_layer("conversion_given_click").bias.numpy()))
    return click, after


def test_both_outputs_equal_the_formulas():
    model = randomize(build())
    click, after = by_the_formula(model)
    found = predict(model, FEATURES)
    assert list(found) == ["click", "conversion"]
    np.testing.assert_allclose(found["click"], click, rtol=1e-4)
    np.testing.assert_allclose(found["conversion"], click * after, rtol=1e-4)
    np.testing.assert_allclose(output_of(model, "conversion_given_click"), after, rtol=1e-4)


@pytest.mark.parametrize("options", PARTS, ids=str)
def test_no_conversion_is_more_likely_than_its_click(options):
    found = predict(randomize(build(**options), scale=2.0), FEATURES)
    if len(found) == 2:
        assert (found["conversion"] <= found["click"]).all()
    for values in found.values():
        assert values.shape == (6,) and (values >= 0).all() and (values <= 1).all()


def test_a_confident_mistake_keeps_its_gradient():
    model = randomize(build())
    labels = np.ones((6, 2), np.float32)
    biases = [model.get_layer(name).bias for name in ("click", "conversion_given_click")]
    for bias in biases:
        bias.assign(-40.0)
    with tf.GradientTape() as tape:
        outputs = model(inputs_of(model), training=True)
        _, loss = task_losses(model, outputs, labels, dict.fromkeys(outputs, "binary"))
    # -(log sigmoid(a) + log sigmoid(b)) of two logits near -40: its slope on either is -1.
    assert float(loss) > 70
    np.testing.assert_allclose(tape.gradient(loss, [v._value for v in biases]), -1, rtol=1e-4)


def test_a_name_gives_a_tensor_and_tasks_keep_their_order():
    assert build(tasks="buy")(FEATURES).shape == (6,)
    assert list(build(tasks=("buy",))(FEATURES)) == ["buy"]
    assert list(build(tasks={"zap": "binary", "buy": "binary"})(FEATURES)) == ["zap", "buy"]


def test_the_scenario_may_be_named():
    columns = [*COLUMNS, CategoricalColumn("tab", 3, group="scenario")]
    model = build_ranker(columns, scenario="surface", **SMALL)
    assert "tab" in {tensor.name for tensor in model.inputs}  # one more feature
    assert model.get_layer("scenario_embedding").table.shape == (4, WIDTH)


def test_the_penalty_reaches_both_tables():
    model = build(embedding_l2=2.0, embeddings_initializer=keras.initializers.Constant(0.5))
    model(FEATURES, training=True)
    penalties = [
        float(sum(model.get_layer(name).losses)) for name in ("embedding", "scenario_embedding")
    ]
    # 2 / 2 times the distinct ids times the squared length of a vector: surfaces 1 to 3; budgets
    # 1 to 3 and items 1 to 5, 7 and 8.
    np.testing.assert_allclose(penalties, [10 * WIDTH / 4, 3 * WIDTH / 4], rtol=1e-6)


def test_options_of_networks_reach_unit_experts_and_towers():
    plain = randomize(build())
    names = ("history_weights", "experts", "towers")

    def outputs(model, training):
        layers = [model.get_layer(name).output for name in names]
        found = keras.Model(model.inputs, layers)(FEATURES, training=training)
        return dict(zip(names, (np.asarray(values) for values in found), strict=True))

    def moved(first, second):
        return {name for name in names if np.abs(first[name] - second[name]).max() > 1e-4}

    dropped = randomize(build(dropout_rate=0.5))
    assert not moved(outputs(dropped, False), outputs(plain, False))
    assert moved(outputs(dropped, True), outputs(dropped, True)) == set(names)
    normalized = build(batch_normalization=True)
    for name in names:
        weights = normalized.get_layer(name).weights
        assert any("moving_mean" in weight.path for weight in weights)
    before = outputs(normalized, False)
    assert moved(outputs(normalized, True), before) == set(names)
    curved = randomize(build(activation="tanh"))
    assert moved(outputs(curved, False), outputs(plain, False)) == {"experts", "towers"}
    curved = randomize(build(attention_activation="tanh"))
    assert "history_weights" in moved(outputs(curved, False), outputs(plain, False))


@pytest.mark.parametrize("options", PARTS, ids=str)
def test_gradients_reach_every_weight(options):
    model = randomize(build(**options))
    with tf.GradientTape() as tape:
        outputs = model(inputs_of(model), training=True)
        loss = tf.add_n(
            [tf.reduce_sum(tf.sin(3.0 * value) * np.arange(1.0, 7)) for value in outputs.values()]
        )
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert gradient is not None, variable.path
        assert np.abs(tf.convert_to_tensor(gradient).numpy()).max() > 0, variable.path


def test_the_gate_reads_the_features_without_training_them():
    """The features' gradient through the gate is zero, that through the product is not."""
    model = randomize(build())
    gate = keras.Model(model.inputs, model.get_layer("scenario_gate").output)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(gate(inputs_of(model)))
    table = model.get_layer("embedding").table
    assert tape.gradient(loss, [table._value])[0] is None


@pytest.mark.parametrize("interest", ["attention", "mean"])
def test_padding_changes_nothing(interest):
    model = randomize(build(interest=interest))
    before = predict(model, inputs_of(model))["conversion"]
    table = model.get_layer("embedding")
    rows = table.table.numpy()
    rows[table.rows_of("item_id")][0] = 7.0  # the row of id 0, in place
    table.table.assign(rows)
    np.testing.assert_array_equal(predict(model, inputs_of(model))["conversion"], before)
    shuffled = FEATURES | {"history": FEATURES["history"].copy()}
    shuffled["history"][0] = shuffled["history"][0][::-1]
    np.testing.assert_allclose(
        predict(model, inputs_of(model, shuffled))["conversion"], before, rtol=1e-5
    )


def test_the_mean_is_that_of_the_real_steps():
    model = randomize(build(interest="mean"))
    candidate = vectors(model, "item_id", FEATURES["item_id"])
    behaviours = vectors(model, "item_id", FEATURES["history"])
    count = np.maximum((FEATURES["history"] > 0).sum(axis=1), 1)[:, None]
    mean = behaviours.sum(axis=1) / count
    found = output_of(model, "features")[:, -2 * WIDTH :]
    np.testing.assert_allclose(found, np.concatenate([mean, mean * candidate], axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({}, ["sum"]),
        ({"product": True}, ["sum", "product"]),
        ({"scale": "length"}, ["mean"]),
        ({"scale": "batch_normalization", "product": True}, ["normalized", "product"]),
        ({"interest": "mean", "product": False}, ["mean"]),
        ({"interest": "mean", "scale": "raw"}, ["sum", "product"]),
        ({"interest": "mean", "scale": "batch_normalization"}, ["normalized", "product"]),
    ],
    ids=str,
)
def test_the_features_end_with_the_scaled_interest_and_its_product(options, parts):
    model = randomize(build(**options))
    candidate = vectors(model, "item_id", FEATURES["item_id"])
    behaviours = vectors(model, "item_id", FEATURES["history"])
    real = FEATURES["history"] > 0
    scores = real.astype(np.float64)
    if options.get("interest") != "mean":
        raw = build(**options | {"scale": "raw"})
        for target, source in zip(
            raw.get_layer("history_weights").weights,
            model.get_layer("history_weights").weights,
            strict=True,
        ):
            target.assign(source)
        raw.get_layer("embedding").table.assign(model.get_layer("embedding").table)
        scores = output_of(raw, "history_weights")
    interest = (scores[..., None] * behaviours).sum(axis=1)
    if parts[0] == "mean":
        interest /= np.maximum(real.sum(axis=1), 1)[:, None]
    elif parts[0] == "normalized":
        layer, rng = model.get_layer("interest_normalization"), np.random.default_rng(3)
        mean, variance = rng.normal(size=WIDTH), rng.uniform(0.2, 3, WIDTH)
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(variance)
        gamma, beta = layer.gamma.numpy(), layer.beta.numpy()
        interest = (interest - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    expected = [interest, interest * candidate][: len(parts)]
    found = output_of(model, "features")
    assert found.shape[1] == WIDTH + 1 + WIDTH + len(parts) * WIDTH
    np.testing.assert_allclose(
        found[:, -len(parts) * WIDTH :], np.concatenate(expected, axis=1), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("interest", ["attention", "mean"])
@pytest.mark.parametrize("scale", ["raw", "length", "softmax", "batch_normalization"])
def test_rank_scores_as_predict_does_with_every_scale(scale, interest):
    if interest == "mean" and scale == "softmax":
        with pytest.raises(ValueError, match=r"scale: expected one of \('raw', 'length', 'batch_n"):
            build(interest=interest, scale=scale)
        return
    model = randomize(build(interest=interest, scale=scale, product=True))
    user = {name: FEATURES[name][0] for name in ("surface", "budget", "history")}
    candidates = {"item_id": np.arange(1, 9), "log_price": np.linspace(-1, 1, 8, dtype=np.float32)}
    tiled = {name: np.repeat(np.asarray(value)[None], 8, 0) for name, value in user.items()}
    expected = predict(model, candidates | tiled)["conversion"]
    scores = rank(model, user, candidates, task="conversion").scores
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-6)


def test_padded_steps_have_weight_zero():
    weights = output_of(randomize(build()), "history_weights")
    assert weights.shape == (6, STEPS)
    assert (weights[FEATURES["history"] == 0] == 0).all()
    assert (weights[FEATURES["history"] > 0] != 0).all()


def test_what_is_left_out_is_not_read():
    for options, column in (
        ({"interest": "none"}, "history"),
        ({"scenario_use": "none"}, "surface"),
    ):
        model = randomize(build(**options))
        names = [tensor.name for tensor in model.inputs]
        if column == "surface":
            assert column not in names
        changed = FEATURES | {column: FEATURES[column][::-1].copy()}
        before, after = (predict(model, inputs_of(model, f)) for f in (FEATURES, changed))
        np.testing.assert_array_equal(before["conversion"], after["conversion"])
    for options in ({}, {"scenario_use": "feature"}, {"interest": "mean"}):
        model = randomize(build(**options))
        for column in ("surface", "history"):
            changed = FEATURES | {column: FEATURES[column][::-1].copy()}
            after = predict(model, inputs_of(model, changed))["conversion"]
            assert np.abs(after - predict(model, FEATURES)["conversion"]).max() > 1e-4, column


def test_one_task_is_a_plain_probability_and_one_expert_a_shared_bottom():
    model = build(tasks=("conversion",))
    assert list(predict(model, FEATURES)) == ["conversion"]
    with pytest.raises(ValueError, match="conversion_given_click"):
        model.get_layer("conversion_given_click")
    bottom = build(num_experts=1)
    assert bottom.get_layer("experts").output.shape == (None, 5)
    with pytest.raises(ValueError, match="gates"):
        bottom.get_layer("gates")


def test_rank_serves_it_with_the_request_on_a_single_row():
    model = randomize(build())
    user = {name: FEATURES[name][0] for name in ("surface", "budget", "history")}
    candidates = {"item_id": np.arange(1, 9), "log_price": np.linspace(-1, 1, 8, dtype=np.float32)}
    tiled = {name: np.repeat(np.asarray(value)[None], 8, 0) for name, value in user.items()}
    predicted = predict(model, candidates | tiled)
    expected = 3 * predicted["click"] + np.exp(candidates["log_price"]) * predicted["conversion"]

    def value(scores, columns):
        return 3 * scores["click"] + np.exp(columns["log_price"]) * scores["conversion"]

    order, scores = rank(model, user, candidates, fuse=value)
    np.testing.assert_allclose(scores, expected, rtol=1e-4)
    np.testing.assert_array_equal(order, np.argsort(-scores, kind="stable"))


def test_it_learns_both_tasks_of_the_platform():
    data = simulator.platform(20_000, num_valid_rows=10, num_test_rows=2_000)
    keras.utils.set_random_seed(0)
    model = build_ranker(data.feature_columns, histories=("history_category",))
    history = fit(model, data, epochs=2, patience=None)
    assert history.epochs["loss"].iloc[-1] < history.epochs["loss"].iloc[0]


@pytest.mark.parametrize(
    ("left_out", "message"),
    [("surface", "scenario: expected one column of group 'scenario'"), ("history", "sequence")],
)
def test_missing_columns_are_named(left_out, message):
    columns = [column for column in COLUMNS if column.name != left_out]
    with pytest.raises(ValueError, match=message):
        build_ranker(columns)


def test_counts_of_all_tables_are_taken_the_scenarios_among_them():
    counts = {
        column.table_name: np.full(column.vocabulary_size, 2)
        for column in COLUMNS
        if hasattr(column, "table_name")
    }
    model = build(embedding_l2=EmbeddingL2(0.1, id_counts=counts))
    assert "surface" in counts and "surface" in inputs_of(model, FEATURES)
    with pytest.raises(ValueError, match=r"id_counts: expected tables of .*'surface'.*\['city'\]"):
        build(embedding_l2=EmbeddingL2(0.1, id_counts={**counts, "city": [1]}))
