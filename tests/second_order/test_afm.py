"""The attentional factorization machine: a softmax over pairs that learns, and FM as its case."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize, relu, sigmoid, softmax
from test_fm import sum_of_pairs
from tiny_crosses import (
    COLUMNS,
    FEATURES,
    NUM_PAIRS,
    NUM_ROWS,
    WIDTH,
    by_name,
    first_order,
    outputs_of,
    pairs_of,
    random_fields,
    reference_fields,
    weight,
)

from recsys_lib.second_order import build_afm, build_fm
from recsys_lib.second_order.afm import PairAttention, WeightedSum


def reference_attention(products, present, kernel, bias, projection, activation="relu"):
    """Weights of the pairs by loops; pairs that are not present have none."""
    f = {"relu": relu, "tanh": np.tanh}[activation]
    weights = np.zeros(products.shape[:2])
    for row, (vectors, here) in enumerate(zip(products, present, strict=True)):
        scores = [f(v @ kernel + bias) @ projection[:, 0] for v in vectors]
        if here.any():
            weights[row, here] = softmax(np.array(scores)[here])
    return weights


def products_of(fields):
    return np.stack([fields[:, i] * fields[:, j] for i, j in pairs_of(fields.shape[1])], axis=1)


def pairs_present(fields):
    here = np.abs(fields).sum(axis=-1) > 0
    return np.stack([here[:, i] & here[:, j] for i, j in pairs_of(fields.shape[1])], axis=1)


def attention_weights(model):
    return [weight(model, "afm_attention", name) for name in ("kernel", "bias", "projection")]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_probabilities_equal_the_formula(activation):
    model = build_afm(COLUMNS, embedding_dim=WIDTH, attention_dim=3, activation=activation)
    randomize(model, scale=1.0)
    fields = reference_fields(model)
    products, present = products_of(fields), pairs_present(fields)
    assert 0 < present.sum() < present.size  # some rows have absent features
    weights = reference_attention(products, present, *attention_weights(model), activation)
    pooled = np.einsum("bp,bpd->bd", weights, products)
    here = present.any(axis=1)
    attention = by_name(model, "afm_attention")
    np.testing.assert_allclose(attention[here], weights[here], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(by_name(model, "afm_pairs"), products, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(by_name(model, "afm_pooled"), pooled, rtol=1e-4, atol=1e-6)
    logits = first_order(model) + (pooled @ weight(model, "afm_logit", "kernel"))[:, 0]
    np.testing.assert_allclose(model(FEATURES), sigmoid(logits), rtol=5e-5)


def test_weights_sum_to_one_over_the_pairs_of_a_row_and_differ():
    model = randomize(build_afm(COLUMNS, embedding_dim=WIDTH), scale=1.0)
    attention = by_name(model, "afm_attention")
    assert attention.shape == (NUM_ROWS, NUM_PAIRS)
    np.testing.assert_allclose(attention.sum(axis=1), 1, rtol=1e-5)
    assert attention[0].std() > 0.01
    assert np.abs(attention[0] - attention[1]).max() > 0.01


def test_the_attention_network_gets_a_gradient():
    """A softmax over an axis of length one is constant, and its network never learns."""
    model = randomize(build_afm(COLUMNS, embedding_dim=WIDTH), scale=1.0)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(FEATURES))
    attention = model.get_layer("afm_attention")
    for gradient in tape.gradient(loss, attention.trainable_variables):
        assert np.abs(gradient).max() > 1e-4


def test_equal_weights_and_ones_give_the_factorization_machine_over_the_number_of_pairs():
    model = randomize(build_afm(COLUMNS, embedding_dim=WIDTH))
    model.get_layer("afm_attention").projection.assign(np.zeros((16, 1)))
    model.get_layer("afm_logit").kernel.assign(np.ones((WIDTH, 1)))
    fields = reference_fields(model)
    num_pairs = pairs_present(fields).sum(axis=1)
    assert num_pairs[0] == NUM_PAIRS and num_pairs[5] == 0
    expected = sum_of_pairs(fields) / np.maximum(num_pairs, 1)
    np.testing.assert_allclose(by_name(model, "afm_logit")[:, 0], expected, rtol=1e-4, atol=1e-6)


def test_an_absent_feature_leaves_the_weights_of_the_others_alone():
    fields = random_fields(num_fields=4)
    layer = PairAttention(3, dtype="float64")
    products = products_of(fields)
    layer(fields, products)
    layer.bias.assign([0.5, -0.2, 1.0])
    alone = layer(fields, products).numpy()
    padded = np.insert(fields, 1, 0, axis=1)
    wider = PairAttention(3, dtype="float64")
    wider(padded, products_of(padded))
    wider.set_weights(layer.get_weights())
    weights = wider(padded, products_of(padded)).numpy()
    here = np.array([1 not in pair for pair in pairs_of(5)])
    np.testing.assert_allclose(weights[:, here], alone, rtol=1e-10)
    assert not weights[:, ~here].any()


def test_the_prediction_does_not_depend_on_the_order_of_fields():
    model = randomize(build_afm(COLUMNS, embedding_dim=WIDTH))
    layer = model.get_layer("afm_attention")
    pooled = []
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 3, 1]):
        fields = random_fields()[:, order].astype(np.float32)
        products = products_of(fields)
        pooled.append(WeightedSum()(layer(fields, products), products).numpy())
    np.testing.assert_allclose(pooled[0], pooled[1], rtol=1e-4, atol=1e-6)


def test_dropout_sits_on_the_products_that_attention_and_sum_both_read():
    model = randomize(
        build_afm(COLUMNS, embedding_dim=WIDTH, attention_dim=3, dropout_rate=0.5), scale=1.0
    )
    names = ("fields", "afm_pairs", "afm_pairs_dropout", "afm_attention", "afm_pooled")
    fields, products, dropped, attention, pooled = (
        np.asarray(x, np.float64) for x in outputs_of(model, *names)(FEATURES, training=True)
    )
    np.testing.assert_allclose(products, products_of(fields), rtol=1e-4, atol=1e-6)
    kept = dropped != 0
    assert 0.2 < kept[products != 0].mean() < 0.8
    np.testing.assert_allclose(dropped[kept], 2 * products[kept], rtol=1e-5)
    present = pairs_present(fields)
    weights = reference_attention(dropped, present, *attention_weights(model))
    here = present.any(axis=1)
    np.testing.assert_allclose(attention[here], weights[here], rtol=1e-4, atol=1e-6)
    expected = np.einsum("bp,bpd->bd", attention, dropped)
    np.testing.assert_allclose(pooled, expected, rtol=1e-4, atol=1e-6)


def test_dropout_of_the_pooled_vector_is_an_option():
    model = randomize(build_afm(COLUMNS, embedding_dim=WIDTH, pooled_dropout_rate=0.5), scale=1.0)
    names = ("afm_pairs", "afm_pairs_dropout", "afm_pooled", "afm_pooled_dropout", "afm_logit")
    products, same, pooled, dropped, logit = (
        np.asarray(x) for x in outputs_of(model, *names)(FEATURES, training=True)
    )
    np.testing.assert_array_equal(products, same)
    kept = dropped != 0
    assert 0 < kept.mean() < 1
    np.testing.assert_allclose(dropped[kept], 2 * pooled[kept], rtol=1e-6)
    np.testing.assert_allclose(logit, dropped @ weight(model, "afm_logit", "kernel"), rtol=1e-4)
    plain = build_afm(COLUMNS)
    assert plain.get_layer("afm_pairs_dropout").rate == 0
    assert plain.get_layer("afm_pooled_dropout").rate == 0


def test_dropout_of_the_weights_takes_whole_pairs_from_the_sum():
    model = randomize(
        build_afm(COLUMNS, embedding_dim=WIDTH, attention_dropout_rate=0.5), scale=1.0
    )
    names = ("afm_pairs", "afm_attention", "afm_attention_dropout", "afm_pooled")
    products, attention, dropped, pooled = (
        np.asarray(x, np.float64) for x in outputs_of(model, *names)(FEATURES, training=True)
    )
    kept = dropped != 0
    assert 0.2 < kept[attention != 0].mean() < 0.8
    np.testing.assert_allclose(dropped[kept], 2 * attention[kept], rtol=1e-5)
    # What is left is not raised to a sum of one again.
    expected = np.einsum("bp,bpd->bd", dropped, products)
    np.testing.assert_allclose(pooled, expected, rtol=1e-4, atol=1e-6)
    served = outputs_of(model, "afm_attention", "afm_attention_dropout")(FEATURES, training=False)
    np.testing.assert_array_equal(*served)
    assert "afm_attention_dropout" not in [layer.name for layer in build_afm(COLUMNS).layers]


def test_the_penalty_is_on_the_attention_matrix_and_on_nothing_else():
    model = randomize(build_afm(COLUMNS, embedding_dim=WIDTH, attention_l2=0.1))
    with tf.GradientTape() as tape:
        loss = tf.add_n(model.losses)
    kernel = weight(model, "afm_attention", "kernel")
    np.testing.assert_allclose(loss, 0.1 * (kernel**2).sum(), rtol=1e-5)
    gradients = tape.gradient(loss, model.trainable_variables)
    touched = [
        v.path
        for v, g in zip(model.trainable_variables, gradients, strict=True)
        if g is not None and np.any(tf.convert_to_tensor(g))
    ]
    assert touched == ["afm_attention/kernel"]
    assert build_afm(COLUMNS).losses == []


def test_the_parameters_are_counted():
    attention = WIDTH * 3 + 3 + 3
    model = build_afm(COLUMNS, embedding_dim=WIDTH, attention_dim=3)
    assert (
        model.count_params()
        == build_fm(COLUMNS, embedding_dim=WIDTH).count_params() + attention + WIDTH
    )


def test_half_precision_leaves_nothing_of_an_absent_pair():
    fields = np.insert(random_fields(num_fields=3), 0, 0, axis=1).astype(np.float16)
    layer = PairAttention(4, dtype=keras.DTypePolicy("mixed_float16"))
    weights = np.asarray(layer(fields, products_of(fields)))
    assert np.isfinite(weights).all()
    assert not weights[:, :3].any()
