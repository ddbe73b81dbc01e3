"""Product-based networks: the cheap signals against the sums over all pairs that they stand for."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize, relu, sigmoid
from tiny_crosses import (
    COLUMNS,
    FEATURES,
    NUM_FIELDS,
    NUM_PAIRS,
    NUM_ROWS,
    WIDTH,
    by_name,
    hidden_layers,
    outputs_of,
    pairs_of,
    random_fields,
    reference_fields,
    weight,
)

from recsys_lib.second_order import build_fm, build_pnn
from recsys_lib.second_order.pnn import (
    AddedSignals,
    InnerProductSignal,
    OuterProductSignal,
    PairwiseKernelProduct,
)


def inner_signal(fields, theta):
    """The paper's sum over all i, j, i = j included, unit by unit."""
    signal = np.zeros((len(fields), len(theta)))
    for n, weights in enumerate(theta):
        for i in range(fields.shape[1]):
            for j in range(fields.shape[1]):
                inner = (fields[:, i] * fields[:, j]).sum(axis=1)
                signal[:, n] += weights[i] * weights[j] * inner
    return signal


def outer_signal(fields, kernel):
    """Superposition by brute force: all outer products summed, then weighed, unit by unit."""
    signal = np.zeros((len(fields), len(kernel)))
    for row, vectors in enumerate(fields):
        summed = sum(np.outer(first, second) for first in vectors for second in vectors)
        for n, weights in enumerate(kernel):
            signal[row, n] = (weights * summed).sum()
    return signal


def test_the_inner_signal_equals_the_sum_over_all_pairs():
    fields, layer = random_fields(), InnerProductSignal(3, dtype="float64")
    signal = layer(fields)
    assert layer.theta.shape == (3, 5)
    np.testing.assert_allclose(signal, inner_signal(fields, layer.theta.numpy()), rtol=1e-10)
    assert signal.numpy().min() > 0


def test_permuting_fields_with_their_weights_changes_no_inner_signal():
    fields, order = random_fields(), [3, 0, 4, 1, 2]
    layer = InnerProductSignal(3, dtype="float64")
    signal = layer(fields).numpy()
    theta = layer.theta.numpy()
    layer.theta.assign(theta[:, order])
    np.testing.assert_allclose(layer(fields[:, order]), signal, rtol=1e-12)
    layer.theta.assign(theta)
    assert np.abs(layer(fields[:, order]) - signal).max() > 0.1


def test_the_outer_signal_equals_the_superposition_by_brute_force():
    fields, layer = random_fields(), OuterProductSignal(3, dtype="float64")
    signal = layer(fields)
    assert layer.kernel.shape == (3, 4, 4)
    np.testing.assert_allclose(signal, outer_signal(fields, layer.kernel.numpy()), rtol=1e-9)


def test_the_outer_signal_does_not_know_which_field_a_vector_came_from():
    """The price of superposition: only the sum of the fields matters."""
    fields, layer = random_fields(), OuterProductSignal(3, dtype="float64")
    np.testing.assert_allclose(layer(fields[:, ::-1]), layer(fields), rtol=1e-10)
    np.testing.assert_allclose(layer(fields.sum(axis=1, keepdims=True)), layer(fields), rtol=1e-10)


def test_the_kernel_product_of_the_extension_has_a_matrix_per_pair():
    fields, layer = random_fields(), PairwiseKernelProduct(dtype="float64")
    products = layer(fields)
    kernel = layer.kernel.numpy()
    assert kernel.shape == (10, 4, 4)
    expected = [
        [row[i] @ kernel[n] @ row[j] for n, (i, j) in enumerate(pairs_of(5))] for row in fields
    ]
    np.testing.assert_allclose(products, expected, rtol=1e-10)


def test_signals_are_added_with_one_bias_before_the_rectifier():
    layer = AddedSignals()
    first = np.array([[1.0, -2.0]], np.float32)
    second = np.array([[0.5, 1.0]], np.float32)
    np.testing.assert_array_equal(layer([first, second]), [[1.5, 0.0]])
    layer.bias.assign([-1.0, 3.0])
    np.testing.assert_array_equal(layer([first, second]), [[0.5, 2.0]])


def test_the_inner_signal_needs_no_vector_for_each_unit():
    """The inner products of a row are shared by all units; a sum of vectors a unit is not."""
    rows, fields, width, units = 64, 11, 16, 400
    layer = InnerProductSignal(units)
    values = np.random.default_rng(0).normal(size=(rows, fields, width)).astype(np.float32)
    signal = layer(values)
    graph = tf.function(layer, autograph=False).get_concrete_function(tf.constant(values)).graph
    sizes = [output.shape.num_elements() for op in graph.get_operations() for output in op.outputs]
    assert max(sizes) < rows * units * width / 4
    expected = inner_signal(values.astype(np.float64), layer.theta.numpy().astype(np.float64))
    np.testing.assert_allclose(signal, expected, rtol=1e-4, atol=1e-6 * expected.max())


def test_the_product_layer_is_normalised_before_its_activation():
    layer = AddedSignals("tanh", batch_normalization=True)
    signals = [np.random.default_rng(n).normal(size=(50, 3)).astype(np.float32) for n in (0, 1)]
    outputs = layer(signals, training=True).numpy()
    total = (signals[0] + signals[1]).astype(np.float64)
    standard = (total - total.mean(axis=0)) / np.sqrt(total.var(axis=0) + 1e-3)
    np.testing.assert_allclose(outputs, np.tanh(standard), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(layer.normalization.moving_mean, 0.1 * total.mean(0), rtol=1e-4)
    assert len(layer.trainable_variables) == 3  # the bias, a scale and a shift


def test_dice_of_the_product_layer_uses_the_batch_in_training():
    layer = AddedSignals("dice")
    signals = [np.random.default_rng(2).normal(loc=3, size=(50, 3)).astype(np.float32)]
    in_training, later = layer(signals, training=True).numpy(), layer(signals).numpy()
    assert np.abs(in_training - later).max() > 0.1
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert twin.get_config() == layer.get_config()


@pytest.mark.parametrize("products", ["inner", "outer", "both"])
def test_probabilities_equal_the_formula(products):
    model = randomize(
        build_pnn(COLUMNS, embedding_dim=WIDTH, hidden_units=(6, 3), products=products), scale=0.3
    )
    fields = reference_fields(model)
    signal = fields.reshape(NUM_ROWS, -1) @ weight(model, "linear_signal", "kernel")
    if products != "outer":
        signal += inner_signal(fields, weight(model, "inner_signal", "theta"))
    if products != "inner":
        signal += outer_signal(fields, weight(model, "outer_signal", "kernel"))
    hidden = relu(signal + weight(model, "product_layer", "bias"))
    np.testing.assert_allclose(by_name(model, "product_layer"), hidden, rtol=1e-4, atol=1e-5)
    hidden = hidden_layers(model, "deep", hidden)
    logits = (hidden @ weight(model, "deep_logit", "kernel"))[:, 0]
    bias = float(model.get_layer("click").bias.numpy())
    np.testing.assert_allclose(model(FEATURES), sigmoid(logits + bias), rtol=5e-5)


@pytest.mark.parametrize("products", ["inner", "outer", "both"])
def test_the_extension_hands_embeddings_and_pairs_to_the_network(products):
    options = {"products": products, "signals": "pairs"}
    model = randomize(
        build_pnn(COLUMNS, embedding_dim=WIDTH, hidden_units=(6, 3), **options), scale=0.3
    )
    fields = reference_fields(model)
    parts = [fields.reshape(NUM_ROWS, -1)]
    if products != "outer":
        parts.append([[row[i] @ row[j] for i, j in pairs_of(NUM_FIELDS)] for row in fields])
    if products != "inner":
        kernel = weight(model, "outer_products", "kernel")
        pairs = list(enumerate(pairs_of(NUM_FIELDS)))
        parts.append([[row[i] @ kernel[n] @ row[j] for n, (i, j) in pairs] for row in fields])
    hidden = hidden_layers(model, "deep", np.concatenate(parts, axis=1))
    logits = (hidden @ weight(model, "deep_logit", "kernel"))[:, 0]
    bias = float(model.get_layer("click").bias.numpy())
    np.testing.assert_allclose(model(FEATURES), sigmoid(logits + bias), rtol=5e-5)


def test_the_parameters_are_counted():
    tables = build_fm(COLUMNS, embedding_dim=WIDTH).count_params() - 20  # no linear term but l_z
    linear = NUM_FIELDS * WIDTH * 6 + 6
    rest = 6 * 3 + 3 + 3
    inner, outer = 6 * NUM_FIELDS, 6 * WIDTH * WIDTH
    for products, count in (("inner", inner), ("outer", outer), ("both", inner + outer)):
        model = build_pnn(COLUMNS, embedding_dim=WIDTH, hidden_units=(6, 3), products=products)
        assert model.count_params() == tables + linear + count + rest
        assert by_name(model, "product_layer").shape == (NUM_ROWS, 6)  # D1, not twice D1
    extended = build_pnn(COLUMNS, embedding_dim=WIDTH, hidden_units=(6, 3), signals="pairs")
    assert extended.count_params() == tables + linear + 6 * NUM_PAIRS + rest
    sizes = {"embedding_dim": WIDTH, "hidden_units": (6, 3)}
    plain, normalized = (
        build_pnn(COLUMNS, **sizes, batch_normalization=wanted) for wanted in (False, True)
    )
    assert normalized.count_params() == plain.count_params() + 4 * (6 + 3)


def test_a_single_hidden_layer_is_the_product_layer():
    model = build_pnn(COLUMNS, embedding_dim=WIDTH, hidden_units=(6,))
    assert "deep" not in {layer.name for layer in model.layers}
    assert model.get_layer("deep_logit").kernel.shape == (6, 1)


def test_dropout_follows_every_hidden_layer():
    model = randomize(
        build_pnn(COLUMNS, embedding_dim=WIDTH, hidden_units=(40, 3), dropout_rate=0.5)
    )
    assert model.get_layer("deep").dropout_rate == 0.5
    hidden, dropped = (
        np.asarray(x)
        for x in outputs_of(model, "product_layer", "product_dropout")(FEATURES, training=True)
    )
    kept = dropped != 0
    assert 0.2 < kept[hidden > 0].mean() < 0.8
    np.testing.assert_allclose(dropped[kept], 2 * hidden[kept], rtol=1e-6)
    plain = build_pnn(COLUMNS)
    assert plain.get_layer("product_dropout").rate == plain.get_layer("deep").dropout_rate == 0


def test_matrices_start_at_the_scale_of_one_matrix():
    keras.utils.set_random_seed(0)
    layer = PairwiseKernelProduct()
    layer(np.zeros((1, 12, 16), np.float32))
    assert abs(layer.kernel.numpy().std() - np.sqrt(2 / 32)) < 0.01
    signal = OuterProductSignal(64)
    signal(np.zeros((1, 12, 16), np.float32))
    assert abs(signal.kernel.numpy().std() - np.sqrt(2 / (256 + 64))) < 0.01
