"""AFN against its formula: powers of fields, and what a logarithm does to signs and zeros."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from crossing import (
    COLUMNS,
    NUM_FIELDS,
    assert_equal_to,
    assert_gradients_reach_every_weight,
    count,
    dense_stack,
    fields_of,
    make_rows,
    output_of,
)
from reference import double, randomize

from recsys_lib.higher_order import build_afn
from recsys_lib.higher_order.afn import LogarithmicLayer

DIM, NEURONS = 4, 5


def build(**options):
    sizes = {"embedding_dim": DIM, "num_neurons": NEURONS, "hidden_units": (6, 5)}
    return build_afn(COLUMNS, **(sizes | options))


def normalized(layer, x):
    """Batch normalization in inference; the last axis holds fields or neurons."""
    mean, variance = double(layer.moving_mean), double(layer.moving_variance)
    x = (x - mean) / np.sqrt(variance + layer.epsilon)
    return x * double(layer.gamma) + double(layer.beta)


def products_of(layer, fields):
    """``(rows, dim, neurons)``, component by component."""
    kernel = double(layer.kernel)
    logarithms = np.log(np.abs(fields) + layer.epsilon).transpose(0, 2, 1)
    if layer.batch_normalization:
        logarithms = normalized(layer.after_ln, logarithms)
    products = np.ones((*logarithms.shape[:2], kernel.shape[1]))
    for field in range(kernel.shape[0]):
        products *= np.exp(logarithms[..., field, None]) ** kernel[field]
    if layer.batch_normalization:
        products = normalized(layer.after_exp, products)
    return products


def with_moments(model, seed=5):
    """Random moments in every batch normalization, as if it had been trained."""
    rng = np.random.default_rng(seed)
    for variable in model.non_trainable_variables:
        if variable.name.startswith("moving_"):
            variable.assign(0.5 + rng.random(variable.shape))
    return model


@pytest.mark.parametrize(
    "options",
    [
        {"batch_normalization": False},
        {"batch_normalization": False, "hidden_units": ()},
        {"batch_normalization": False, "deep_units": (4,)},
        {"hidden_units": ()},
    ],
    ids=["plain", "linear", "afn_plus", "normalised"],
)
def test_the_model_equals_its_formula(options):
    features = make_rows()
    model = with_moments(randomize(build(**options, epsilon=0.01), scale=0.4))
    products = products_of(model.get_layer("products"), fields_of(model, features, "embedding"))
    shown = output_of(model, "products", features)
    assert shown.shape == (6, DIM, NEURONS)
    np.testing.assert_allclose(shown, products, rtol=1e-4, atol=1e-4)
    last = products.reshape(6, NEURONS * DIM)
    if options.get("hidden_units") != ():
        last = dense_stack(model.get_layer("afn"), last)
    logit = last @ double(model.get_layer("afn_logit").kernel)[:, 0]
    if "deep_units" in options:
        fields = fields_of(model, features, "deep_embedding").reshape(6, NUM_FIELDS * DIM)
        hidden = dense_stack(model.get_layer("deep"), fields)
        logit = logit + hidden @ double(model.get_layer("deep_logit").kernel)[:, 0]
    assert_equal_to(model, features, logit)


def test_whole_exponents_are_products_of_fields():
    rng = np.random.default_rng(2)
    fields = rng.normal(size=(7, 3, DIM)).astype(np.float32)
    layer = LogarithmicLayer(5, 1e-12, batch_normalization=False)
    layer.build(fields.shape)
    exponents = [(1, 0, 0), (1, 1, 0), (2, 0, 1), (1, -1, 0), (0, 0, 0)]
    layer.kernel.assign(np.transpose(exponents))
    a, b, c = np.abs(fields).transpose(1, 0, 2)
    expected = np.stack([a, a * b, a**2 * c, a / b, np.ones_like(a)], axis=-1)
    np.testing.assert_allclose(layer(fields), expected, rtol=1e-4)


def test_signs_are_lost():
    features, model = make_rows(), randomize(build())
    before = model(features)
    for name in ("embedding", "embedding_numeric"):
        layer = model.get_layer(name)
        layer.set_weights([-layer.get_weights()[0]])
    np.testing.assert_array_equal(model(features), before)


@pytest.mark.parametrize("epsilon", [1e-2, 1e-4, 1e-7])
def test_unknown_ids_padding_and_zeros_are_the_logarithm_of_epsilon(epsilon):
    features = {name: np.zeros_like(values) for name, values in make_rows().items()}
    model = build(epsilon=epsilon, batch_normalization=False)
    products = output_of(model, "products", features)
    total = double(model.get_layer("products").kernel).sum(axis=0)
    expected = np.exp(np.log(epsilon) * total)
    np.testing.assert_allclose(products[0, 0], expected, rtol=1e-3)
    np.testing.assert_array_equal(products, np.broadcast_to(products[:1, :1], products.shape))


@pytest.mark.parametrize("epsilon", [1e-4, 1e-7])
@pytest.mark.parametrize("initializer", ["zeros", None])
def test_gradients_are_finite_at_zero(epsilon, initializer):
    model = build(epsilon=epsilon, embeddings_initializer=initializer, deep_units=(3,))
    features = make_rows(32)
    features["user_id"][:8] = 0
    features["price"][:8] = 0
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.math.log(model(features, training=True)))
    assert np.isfinite(loss)
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), variable.path


def test_a_table_of_zeros_never_trains():
    model = build(embeddings_initializer="zeros", batch_normalization=False)
    table = model.get_layer("embedding").table
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(make_rows()))
    assert (tf.convert_to_tensor(tape.gradient(loss, table.value)).numpy() == 0).all()


def test_a_field_and_a_neuron_have_one_mean_each():
    model = build()
    layer = model.get_layer("products")
    assert layer.after_ln.moving_mean.shape == (NUM_FIELDS,)
    assert layer.after_exp.moving_mean.shape == (NEURONS,)
    fields = np.random.default_rng(3).normal(size=(64, NUM_FIELDS, DIM)).astype(np.float32)
    products = layer(fields, training=True).numpy()
    np.testing.assert_allclose(products.mean(axis=(0, 1)), 0, atol=1e-4)
    logarithms = np.log(np.abs(double(fields)) + layer.epsilon).mean(axis=(0, 2))
    np.testing.assert_allclose(layer.after_ln.moving_mean, 0.1 * logarithms, rtol=1e-4)


def test_under_half_precision_powers_are_computed_in_full():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layer = LogarithmicLayer(1, batch_normalization=True)
        layer.build((2, 1, 1))
    finally:
        keras.config.set_dtype_policy(before)
    layer.kernel.assign([[4.0]])
    layer.after_exp.gamma.assign([1e-6])
    # 30^4 is above what half precision holds.
    found = layer(np.full((2, 1, 1), 30.0, np.float16))
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, 0.81, rtol=0.01)


def test_the_network_of_afn_plus_has_tables_of_its_own():
    features, model = make_rows(), randomize(build(deep_units=(4,)))
    before = output_of(model, "products", features)
    logits = output_of(model, "deep_logit", features)
    layer = model.get_layer("deep_embedding")
    layer.table.assign(1 - layer.table.numpy())
    np.testing.assert_array_equal(output_of(model, "products", features), before)
    assert np.abs(output_of(model, "deep_logit", features) - logits).max() > 0.01


def test_parameters():
    tables = (9 + 7 + 3) * DIM
    products = NUM_FIELDS * NEURONS
    network = (NEURONS * DIM * 6 + 6) + (6 * 5 + 5) + 5
    plain = build(batch_normalization=False)
    assert count(plain) == tables + products + network + 1
    moments = 2 * (NUM_FIELDS + NEURONS) + 2 * (6 + 5)
    assert count(build()) == count(plain) + moments
    deep = (NUM_FIELDS * DIM * 4 + 4) + 4
    both = build(batch_normalization=False, deep_units=(4,))
    assert count(both) == count(plain) + tables + deep


@pytest.mark.parametrize("options", [{}, {"deep_units": (6,)}, {"hidden_units": ()}])
def test_gradients_reach_every_weight(options):
    assert_gradients_reach_every_weight(build(**options, epsilon=0.01))
