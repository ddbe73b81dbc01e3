"""Wide & Deep against the formula of the paper (Cheng et al. 2016, equation 3), in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import double, randomize, sigmoid

from recsys_lib.features import CategoricalColumn, EmbeddingL2, NumericColumn, SequenceColumn
from recsys_lib.memorization import (
    build_deep,
    build_logistic_regression,
    build_wide,
    build_wide_and_deep,
    wide_and_deep_optimizer,
)
from recsys_lib.training import Adagrad, Adam, predict

# The worked example's world: two, three and four values, ids from 1.
GENDER = CategoricalColumn("gender", 3, group="user")
AGE = CategoricalColumn("age", 4, group="user")
CATEGORY = CategoricalColumn("category", 5, group="item")
TAGS = SequenceColumn("tags", 6, 3, group="item", ordered=False)
PRICE = NumericColumn("price", group="item")
COLUMNS = (GENDER, AGE, CATEGORY, TAGS, PRICE)
PAIRS = [("gender", "age"), ("gender", "category"), ("age", "category"), ("age", "tags")]
IDS = ("gender", "age", "category")


def make_rows(num_rows=12, seed=0):
    draw = np.random.default_rng(seed)
    return {
        "gender": draw.integers(0, 3, num_rows).astype(np.int32),
        "age": draw.integers(0, 4, num_rows).astype(np.int32),
        "category": draw.integers(0, 5, num_rows).astype(np.int32),
        "tags": draw.integers(0, 6, (num_rows, 3)).astype(np.int32),
        "price": draw.normal(size=num_rows).astype(np.float32),
    }


def build(**options):
    options = {"cross_pairs": PAIRS, "embedding_dim": 3, "hidden_units": (5, 4), **options}
    return build_wide_and_deep(COLUMNS, **options)


def lookup(layer, name, x):
    return double(layer.table)[layer.rows_of(name)][x]


def wide_oracle(model, row):
    """w_wide . [x, phi(x)] of one row, term by term."""
    linear, cross = model.get_layer("wide_linear"), model.get_layer("wide_cross")
    z = sum(lookup(linear, name, row[name])[0] for name in IDS if row[name])
    tags = [tag for tag in row["tags"] if tag]
    if tags:
        z += sum(lookup(linear, "tags", tag)[0] for tag in tags) / len(tags)
    z += float(row["price"]) * float(model.get_layer("wide_linear_numeric").kernel[0, 0])
    vocabulary = {column.name: column.vocabulary_size for column in COLUMNS[:4]}
    table = double(cross.table)[:, 0]
    for first, second in PAIRS:
        weights = table[cross.table_rows[first, second]]
        for value in np.atleast_1d(row[second]):
            if row[first] and value:
                z += weights[int(row[first]) * vocabulary[second] + int(value)]
    return z


def deep_oracle(model, row):
    """w_deep . a of one row; the groups' vectors stand in the order of the columns."""
    embedding = model.get_layer("deep_embedding")

    def vector(name, x):
        return lookup(embedding, name, x) if x else np.zeros(3)

    tags = [vector("tags", tag) for tag in row["tags"] if tag]
    a = np.concatenate(
        [
            vector("gender", row["gender"]),
            vector("age", row["age"]),
            vector("category", row["category"]),
            np.mean(tags, axis=0) if tags else np.zeros(3),
            [float(row["price"])],
        ]
    )
    weights = [double(w) for w in model.get_layer("deep_all").get_weights()]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        a = np.maximum(0.0, kernel.T @ a + bias)
    return float(a @ double(model.get_layer("deep_all_logit").kernel)[:, 0])


def row_of(rows, k):
    return {name: values[k] for name, values in rows.items()}


def test_equals_the_formula_row_by_row():
    model = build()
    randomize(model)
    rows = make_rows()
    bias = float(model.get_layer("click").bias)
    expected = [
        sigmoid(wide_oracle(model, row_of(rows, k)) + deep_oracle(model, row_of(rows, k)) + bias)
        for k in range(12)
    ]
    np.testing.assert_allclose(predict(model, rows)["click"], expected, atol=2e-6)


def test_the_parts_alone_are_the_parts_of_the_sum():
    rows, joint = make_rows(), build()
    randomize(joint)
    wide = build_wide(COLUMNS, cross_pairs=PAIRS)
    deep = build_deep(COLUMNS, embedding_dim=3, hidden_units=(5, 4))
    logit = {}
    for name, part in (("wide", wide), ("deep", deep)):
        for variable in part.trainable_variables:
            [same] = [v for v in joint.trainable_variables if v.path == variable.path]
            variable.assign(same)
        p = np.float64(predict(part, rows)["click"])
        logit[name] = np.log(p / (1 - p))
    bias = float(joint.get_layer("click").bias)
    total = sigmoid(logit["wide"] + logit["deep"] - bias)
    np.testing.assert_allclose(predict(joint, rows)["click"], total, atol=1e-5)


def test_the_worked_example_gives_2_6_and_minus_0_1():
    columns = (GENDER, AGE, CATEGORY)
    model = build_wide(columns)
    cross = model.get_layer("wide_cross")
    table = cross.table.numpy()
    # Row A: male, 25-34, electronics. Row B: female, 35-44, clothing. Ids are one larger here.
    for pair, (first, second), factor, weight in (
        (("gender", "age"), (2, 2), 4, 0.8),
        (("gender", "category"), (2, 1), 5, 1.2),
        (("age", "category"), (2, 1), 5, 0.6),
        (("gender", "age"), (1, 3), 4, -0.3),
        (("gender", "category"), (1, 2), 5, 0.4),
        (("age", "category"), (3, 2), 5, -0.2),
    ):
        table[cross.table_rows[pair].start + first * factor + second] = weight
    cross.table.assign(table)
    rows = {"gender": np.array([2, 1]), "age": np.array([2, 3]), "category": np.array([1, 2])}
    np.testing.assert_allclose(
        predict(model, rows)["click"], sigmoid(np.array([2.6, -0.1])), atol=1e-6
    )


def test_one_weight_alone_sets_the_probability():
    model = build()
    for variable in model.trainable_variables:
        variable.assign(tf.zeros_like(variable))
    table = model.get_layer("wide_linear").table.numpy()
    table[model.get_layer("wide_linear").rows_of("category")][2] = 1.5
    model.get_layer("wide_linear").table.assign(table)
    rows = make_rows()
    rows["category"][:] = 2
    np.testing.assert_allclose(predict(model, rows)["click"], sigmoid(1.5), atol=1e-6)


def gradients(model, rows, labels):
    with tf.GradientTape() as tape:
        probabilities = model({k: tf.constant(v) for k, v in rows.items()})
        loss = tf.reduce_mean(keras.losses.binary_crossentropy(labels, probabilities))
    found = tape.gradient(loss, model.trainable_variables)
    return {
        variable.path: None if gradient is None else np.asarray(tf.convert_to_tensor(gradient))
        for variable, gradient in zip(model.trainable_variables, found, strict=True)
    }


def test_every_weight_is_reached_by_the_one_loss():
    model = build()
    randomize(model)
    found = gradients(model, make_rows(200), np.tile([0.0, 1.0], 100).astype(np.float32))
    assert not [path for path, g in found.items() if g is None or not np.abs(g).sum()]


def test_joint_training_is_no_ensemble_a_change_of_the_deep_part_moves_the_wide_gradient():
    model, rows = build(), make_rows()
    randomize(model)
    labels = np.tile([0.0, 1.0], 6).astype(np.float32)
    before = gradients(model, rows, labels)["wide_cross/table"]
    kernel = model.get_layer("deep_all_logit").kernel
    kernel.assign(kernel + 1.0)
    after = gradients(model, rows, labels)["wide_cross/table"]
    assert np.abs(after - before).max() > 1e-3


def test_wide_tables_start_at_zero_and_embeddings_do_not():
    model = build()
    for name in ("wide_linear", "wide_cross"):
        assert not model.get_layer(name).table.numpy().any()
    embedding = model.get_layer("deep_embedding").table.numpy()
    assert len(np.unique(embedding)) == embedding.size


def apply_one_step(model, optimizer, rows):
    labels = np.tile([0.0, 1.0], len(rows["age"]) // 2).astype(np.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(
            keras.losses.binary_crossentropy(
                labels, model({k: tf.constant(v) for k, v in rows.items()})
            )
        )
    variables = model.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)


@pytest.mark.parametrize("deep", [Adam, Adagrad])
def test_each_part_has_its_own_rule(deep):
    model = build()
    optimizer = wide_and_deep_optimizer(deep_optimizer=deep(0.01))
    optimizer.build(model.trainable_variables)
    owners = {}
    for inner in optimizer.optimizers if hasattr(optimizer, "optimizers") else []:
        for variable in inner._trainable_variables:
            owners[variable.path] = type(inner).__name__
    assert set(owners) == {variable.path for variable in model.trainable_variables}
    for path, rule in owners.items():
        assert rule == ("Ftrl" if path.startswith("wide_") else deep.__name__), path


def test_a_step_moves_only_rows_that_the_batch_reads():
    model = build()
    rows = make_rows(2)
    before = model.get_layer("wide_cross").table.numpy()
    apply_one_step(model, wide_and_deep_optimizer(l1=0.0), rows)
    moved = np.flatnonzero((model.get_layer("wide_cross").table.numpy() != before)[:, 0])
    read, known = (part.numpy() for part in model.get_layer("wide_cross").rows(rows))
    assert len(moved) and set(moved) <= set(read[known])


def test_l1_gives_exact_zeros_and_none_of_it_gives_none():
    rows = make_rows(64)
    weights = {}
    for l1 in (0.0, 5e-3, 10.0):
        keras.utils.set_random_seed(0)
        model = build()
        optimizer = wide_and_deep_optimizer(l1=l1)
        for _ in range(3):
            apply_one_step(model, optimizer, rows)
        read, known = (part.numpy() for part in model.get_layer("wide_cross").rows(rows))
        touched = np.unique(read[known])
        weights[l1] = model.get_layer("wide_cross").table.numpy()[touched, 0]
    assert (weights[0.0] != 0).all()
    assert 0 < (weights[5e-3] == 0).sum() < len(weights[5e-3])
    assert (weights[10.0] == 0).all()


def test_a_network_per_group_lets_no_two_groups_meet():
    """logit(u, i) + logit(u', i') = logit(u, i') + logit(u', i): the deep part is additive."""
    rows = {
        "gender": np.array([1, 2, 1, 2]),
        "age": np.array([1, 3, 1, 3]),
        "category": np.array([1, 2, 2, 1]),
        "tags": np.array([[1, 2, 0], [3, 0, 0], [3, 0, 0], [1, 2, 0]]),
        "price": np.array([0.5, -1.0, -1.0, 0.5], np.float32),
    }
    gap = {}
    for per_group in (True, False):
        model = build_deep(COLUMNS, embedding_dim=3, hidden_units=(8,), network_per_group=per_group)
        randomize(model)
        p = np.float64(predict(model, rows)["click"])
        z = np.log(p / (1 - p))
        gap[per_group] = abs(z[0] + z[1] - z[2] - z[3])
    assert gap[True] < 1e-4 < 0.05 < gap[False]


def test_networks_of_different_groups_start_different():
    same_width = (CategoricalColumn("a", 5, group="user"), CategoricalColumn("b", 5, group="item"))
    model = build_deep(same_width, embedding_dim=4, network_per_group=True)
    kernels = [model.get_layer(f"deep_{g}").stack[0].kernel.numpy() for g in ("user", "item")]
    assert np.abs(kernels[0] - kernels[1]).max() > 0.01


def test_unknown_ids_are_alike_and_have_no_weight():
    model = build()
    randomize(model)
    rows = make_rows(2)
    rows = {name: np.repeat(values[:1], 2, axis=0) for name, values in rows.items()}
    rows["age"][:] = 0
    for layer in ("wide_linear", "wide_cross", "deep_embedding"):
        table = model.get_layer(layer).table.numpy()
        columns = {"wide_linear": "age", "deep_embedding": "age"}
        before = predict(model, rows)["click"]
        if layer in columns:
            table[model.get_layer(layer).rows_of("age").start] = 9.0
        else:
            for pair in [p for p in PAIRS if p[0] == "age"]:
                start = model.get_layer(layer).table_rows[pair].start
                table[start : start + 5] = 9.0
        model.get_layer(layer).table.assign(table)
        np.testing.assert_array_equal(predict(model, rows)["click"], before)


def test_dropout_acts_in_training_only():
    keras.utils.set_random_seed(0)
    model = build(dropout_rate=0.5)
    randomize(model)
    rows = {name: tf.constant(values) for name, values in make_rows().items()}
    calm = model(rows, training=False).numpy()
    np.testing.assert_array_equal(calm, model(rows, training=False).numpy())
    assert np.abs(model(rows, training=True).numpy() - calm).max() > 1e-3


def test_number_of_weights():
    model = build()
    crosses = 3 * 4 + 3 * 5 + 4 * 5 + 4 * 6
    linear = 3 + 4 + 5 + 6 + 1
    deep = (3 + 4 + 5 + 6) * 3 + (4 * 3 + 1) * 5 + 5 + 5 * 4 + 4 + 4
    assert model.count_params() == crosses + linear + deep + 1


def test_without_crosses_the_wide_part_is_the_first_order_term():
    model, rows = build(cross_pairs=()), make_rows()
    randomize(model)
    assert "wide_cross" not in [layer.name for layer in model.layers]
    linear = build_logistic_regression(COLUMNS)
    for name in ("linear", "linear_numeric"):
        linear.get_layer(name).set_weights(model.get_layer(f"wide_{name}").get_weights())
    deep = [deep_oracle(model, row_of(rows, k)) for k in range(12)]
    p = double(predict(linear, rows)["click"])
    logit = np.log(p / (1 - p)) + deep + float(model.get_layer("click").bias)
    np.testing.assert_allclose(predict(model, rows)["click"], sigmoid(logit), atol=1e-5)
    apply_one_step(build(cross_pairs=()), wide_and_deep_optimizer(), rows)
    first_order = build_wide(COLUMNS, cross_pairs=[])
    assert first_order.count_params() == linear.count_params()


def test_the_linear_penalty_is_on_ids_and_crosses_and_the_other_on_the_embeddings():
    table = EmbeddingL2(0.3, rows="table")
    for options, layers in (
        ({"linear_l2": table}, ("wide_linear", "wide_cross")),
        ({"embedding_l2": table}, ("deep_embedding",)),
    ):
        model = build(**options)
        randomize(model)
        with tf.GradientTape() as tape:
            model({k: tf.constant(v) for k, v in make_rows().items()}, training=True)
            loss = tf.add_n(model.losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        touched = [
            variable.path
            for variable, gradient in zip(model.trainable_variables, gradients, strict=True)
            if gradient is not None
        ]
        assert sorted(touched) == sorted(f"{layer}/table" for layer in layers)


def test_each_hidden_layer_may_be_normalised_and_activated_otherwise():
    plain, normalised = build(), build(batch_normalization=True)
    assert normalised.count_params() == plain.count_params() + 4 * (5 + 4)
    tanh = build_deep(COLUMNS, embedding_dim=3, hidden_units=(5,), activation="tanh")
    assert tanh.get_layer("deep_all").activation is keras.activations.tanh


def test_bad_rows_are_named():
    model, rows = build(), make_rows()
    rows["category"][3] = 5
    with pytest.raises(ValueError, match=r"'category'.*from 0 to 4, got 5 \(rows 3\)"):
        predict(model, rows)
