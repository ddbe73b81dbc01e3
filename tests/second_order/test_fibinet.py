"""FiBiNET: field weights and bilinear products against loops, with two branches of their own."""

import keras
import numpy as np
import pytest
from reference import randomize, relu, sigmoid
from tiny_crosses import (
    COLUMNS,
    FEATURES,
    NUM_FIELDS,
    NUM_PAIRS,
    NUM_ROWS,
    WIDTH,
    by_name,
    first_order,
    hidden_layers,
    pairs_of,
    random_fields,
    reference_fields,
    weight,
)

from recsys_lib.second_order import build_fibinet, build_fm
from recsys_lib.second_order.fibinet import BilinearInteraction, FieldWeights

KINDS = ("all", "each", "interaction")
MATRICES = {"all": 1, "each": NUM_FIELDS - 1, "interaction": NUM_PAIRS}


def bilinear(fields, kernel, kind):
    """(v_i W) o v_j for every pair of a row, with the pair's own matrix looked up."""
    products = []
    for position, (i, j) in enumerate(pairs_of(fields.shape[1])):
        if kind == "all":
            matrix = kernel
        else:
            matrix = kernel[i] if kind == "each" else kernel[position]
        products.append((fields[:, i] @ matrix) * fields[:, j])
    return np.stack(products, axis=1)


def field_weights(model, fields, activation):
    means = fields.mean(axis=2)
    hidden = relu(means @ weight(model, "senet_weights", "squeeze_kernel"))
    return activation(hidden @ weight(model, "senet_weights", "excite_kernel"))


@pytest.mark.parametrize("kind", KINDS)
def test_bilinear_products_equal_the_loop(kind):
    fields, layer = random_fields(), BilinearInteraction(kind, dtype="float64")
    products = layer(fields)
    assert products.shape == (6, 10, 4)
    np.testing.assert_allclose(products, bilinear(fields, layer.kernel.numpy(), kind), rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_identity_matrices_give_hadamard_products(kind):
    fields, layer = random_fields(), BilinearInteraction(kind, dtype="float64")
    layer(fields)
    layer.kernel.assign(np.broadcast_to(np.eye(4), layer.kernel.shape))
    expected = np.stack([fields[:, i] * fields[:, j] for i, j in pairs_of(5)], axis=1)
    np.testing.assert_allclose(layer(fields), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_matrices(kind):
    layer = BilinearInteraction(kind)
    layer(random_fields().astype(np.float32))
    assert layer.count_params() == MATRICES[kind] * 4 * 4


@pytest.mark.parametrize("kind", KINDS)
def test_every_matrix_starts_at_the_scale_of_one_matrix(kind):
    keras.utils.set_random_seed(0)
    layer = BilinearInteraction(kind)
    layer(np.zeros((1, 12, 16), np.float32))
    assert abs(layer.kernel.numpy().std() - np.sqrt(2 / 32)) < 0.02


@pytest.mark.parametrize(
    ("activation", "function"), [("relu", relu), ("sigmoid", sigmoid), ("linear", lambda x: x)]
)
def test_field_weights_equal_the_formula(activation, function):
    model = randomize(
        build_fibinet(COLUMNS, embedding_dim=WIDTH, reduction_ratio=2, senet_activation=activation),
        scale=1.0,
    )
    fields = reference_fields(model)
    expected = field_weights(model, fields, function)
    weights = by_name(model, "senet_weights")
    assert weights.shape == (NUM_ROWS, NUM_FIELDS)
    np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-6)
    weighted = by_name(model, "senet_fields")
    np.testing.assert_allclose(weighted, expected[:, :, None] * fields, rtol=1e-4, atol=1e-6)


def test_the_papers_activation_is_the_default():
    model = randomize(build_fibinet(COLUMNS, embedding_dim=WIDTH), scale=1.0)
    weights = by_name(model, "senet_weights")
    assert (weights == 0).any() and weights.max() > 1  # a sigmoid gives neither


@pytest.mark.parametrize(("ratio", "units"), [(1, 5), (2, 2), (3, 1), (9, 1)])
def test_the_bottleneck_has_a_unit_at_least(ratio, units):
    layer = FieldWeights(ratio)
    layer(random_fields().astype(np.float32))
    assert layer.squeeze_kernel.shape == (5, units)
    assert layer.excite_kernel.shape == (units, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_equal_the_formula(kind):
    model = randomize(
        build_fibinet(
            COLUMNS,
            embedding_dim=WIDTH,
            hidden_units=(6, 3),
            bilinear=kind,
            senet_activation="sigmoid",
        )
    )
    fields = reference_fields(model)
    weighted = field_weights(model, fields, sigmoid)[:, :, None] * fields
    branches = []
    for name, vectors in (("bilinear_original", fields), ("bilinear_senet", weighted)):
        branches.append(bilinear(vectors, weight(model, name, "kernel"), kind))
        np.testing.assert_allclose(by_name(model, name), branches[-1], rtol=1e-4, atol=1e-6)
    flat = np.concatenate(branches, axis=1).reshape(NUM_ROWS, -1)
    hidden = hidden_layers(model, "deep", flat)
    logits = first_order(model) + (hidden @ weight(model, "deep_logit", "kernel"))[:, 0]
    np.testing.assert_allclose(model(FEATURES), sigmoid(logits), rtol=5e-5)


def test_without_hidden_layers_the_products_are_added_up():
    model = randomize(build_fibinet(COLUMNS, embedding_dim=WIDTH, hidden_units=()))
    total = first_order(model)
    for name in ("bilinear_original", "bilinear_senet"):
        total = total + by_name(model, name).astype(np.float64).sum(axis=(1, 2))
    np.testing.assert_allclose(model(FEATURES), sigmoid(total), rtol=5e-5)


def test_each_branch_has_matrices_of_its_own():
    model = randomize(build_fibinet(COLUMNS, embedding_dim=WIDTH, senet_activation="sigmoid"))
    original = model.get_layer("bilinear_original")
    before = by_name(model, "bilinear_senet")
    original.kernel.assign(original.kernel * 2)
    np.testing.assert_array_equal(by_name(model, "bilinear_senet"), before)
    fresh = build_fibinet(COLUMNS, embedding_dim=WIDTH)
    kernels = [weight(fresh, f"bilinear_{name}", "kernel") for name in ("original", "senet")]
    assert np.abs(kernels[0] - kernels[1]).max() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_the_parameters_are_counted(kind):
    model = build_fibinet(
        COLUMNS, embedding_dim=WIDTH, hidden_units=(6, 3), bilinear=kind, reduction_ratio=2
    )
    tables = build_fm(COLUMNS, embedding_dim=WIDTH).count_params()
    senet, matrices = 2 * NUM_FIELDS * 2, 2 * MATRICES[kind] * WIDTH * WIDTH
    network = 2 * NUM_PAIRS * WIDTH * 6 + 6 + 6 * 3 + 3 + 3
    assert model.count_params() == tables + senet + matrices + network


def test_the_default_has_a_matrix_per_pair_and_no_dropout():
    model = build_fibinet(COLUMNS, embedding_dim=WIDTH)
    assert model.get_layer("bilinear_original").kind == "interaction"
    assert model.get_layer("deep").dropout_rate == 0
    assert build_fibinet(COLUMNS, dropout_rate=0.2).get_layer("deep").dropout_rate == 0.2
