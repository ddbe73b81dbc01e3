"""MaskNet against its formula: masks from all vectors, and a normalization for each field."""

import keras
import numpy as np
import pytest
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
from reference import double, randomize, relu

from recsys_lib.higher_order import build_masknet
from recsys_lib.layers.blocks import MLP

DIM = 4
WIDTH = NUM_FIELDS * DIM
VARIANTS = {
    "serial": {},
    "parallel": {"parallel": True, "hidden_units": (8, 7)},
    "serial_with_a_network": {"hidden_units": (8,)},
    "serial_without_normalization": {"layer_normalization": False},
    "parallel_without_normalization": {"parallel": True, "layer_normalization": False},
}
variants = pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)


def build(**options):
    return build_masknet(COLUMNS, **({"embedding_dim": DIM, "block_units": (5, 3)} | options))


def layer_norm(x, gain, bias):
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gain * (x - mean) / np.sqrt(variance + 1e-5) + bias


def normalized_fields(model, fields):
    """Field by field, each with its own gain and bias."""
    layer = model.get_layer("field_normalization")
    gains, biases = (double(v).reshape(NUM_FIELDS, DIM) for v in (layer.gamma, layer.beta))
    each = [layer_norm(fields[:, i], gains[i], biases[i]) for i in range(NUM_FIELDS)]
    return np.concatenate(each, axis=1)


def mask_of(model, number, embeddings):
    first, second = model.get_layer(f"mask_{number}_hidden"), model.get_layer(f"mask_{number}")
    hidden = relu(embeddings @ double(first.kernel) + double(first.bias))
    return hidden @ double(second.kernel) + double(second.bias)


def block_of(model, number, mask, hidden):
    layer = model.get_layer(f"block_{number}")
    outputs = (mask * hidden) @ double(layer.dense.kernel)
    if layer.layer_normalization:
        norm = layer.normalization
        outputs = layer_norm(outputs, double(norm.gamma), double(norm.beta))
    return relu(outputs)


@variants
def test_the_model_equals_its_formula(options):
    features = make_rows()
    model = randomize(build(**options, block_units=(9, 8)), seed=1)
    fields = fields_of(model, features)
    embeddings = normalized = fields.reshape(len(fields), WIDTH)
    if options.get("layer_normalization", True):
        normalized = normalized_fields(model, fields)
    blocks = []
    for number in (1, 2):
        hidden = normalized if options.get("parallel") or not blocks else blocks[-1]
        mask = mask_of(model, number, embeddings)
        assert (mask < 0).any() and (mask > 1).any()
        shown = output_of(model, f"mask_{number}", features)
        np.testing.assert_allclose(shown, mask, rtol=1e-4, atol=1e-4)
        blocks.append(block_of(model, number, mask, hidden))
        shown = output_of(model, f"block_{number}", features)
        np.testing.assert_allclose(shown, blocks[-1], rtol=1e-3, atol=1e-3)
    last = np.concatenate(blocks, axis=1) if options.get("parallel") else blocks[-1]
    if options.get("hidden_units"):
        last = dense_stack(model.get_layer("deep"), last)
    assert_equal_to(model, features, last @ double(model.get_layer("deep_logit").kernel)[:, 0])


def test_masks_of_one_and_no_normalization_make_a_plain_network():
    features = make_rows()
    model = randomize(build(layer_normalization=False))
    network = MLP((5, 3))
    embeddings = fields_of(model, features).reshape(-1, WIDTH).astype(np.float32)
    network.build(embeddings.shape)
    weights = []
    for number, units in ((1, WIDTH), (2, 5)):
        mask = model.get_layer(f"mask_{number}")
        mask.set_weights([np.zeros((2 * units, units)), np.ones(units)])
        kernel = model.get_layer(f"block_{number}").dense.kernel.numpy()
        weights += [kernel, np.zeros(kernel.shape[1])]
    network.set_weights(weights)
    np.testing.assert_allclose(
        output_of(model, "block_2", features), network(embeddings), rtol=1e-4, atol=1e-5
    )


def test_each_field_is_normalised_by_itself():
    features = make_rows()
    model = build(embeddings_initializer=keras.initializers.RandomNormal(stddev=1.0))
    before = output_of(model, "field_normalization", features).reshape(-1, NUM_FIELDS, DIM)
    known = features["movie_id"] != 0
    np.testing.assert_allclose(before[known, 1].mean(axis=-1), 0, atol=1e-5)
    np.testing.assert_allclose(before[known, 1].std(axis=-1), 1, atol=1e-2)
    features["movie_id"] = features["movie_id"] % 6 + 1  # another film
    after = output_of(model, "field_normalization", features).reshape(-1, NUM_FIELDS, DIM)
    others = [0, 2, 3, 4, 5]
    np.testing.assert_array_equal(after[:, others], before[:, others])
    assert np.abs(after[:, 1] - before[:, 1]).max() > 0.1


def test_an_unknown_id_is_the_bias_of_its_field():
    model = randomize(build())
    features = make_rows()
    shown = output_of(model, "field_normalization", features)
    bias = model.get_layer("field_normalization").beta.numpy()[:DIM]
    unknown = shown[features["user_id"] == 0][:, :DIM]
    np.testing.assert_allclose(unknown, np.tile(bias, (2, 1)), atol=1e-6)


def test_the_size_of_a_number_acts_through_the_masks():
    model = randomize(build())
    small = make_rows()
    small["price"] = np.sign(small["price"]) * 3
    large = small | {"price": 2 * small["price"]}
    shown = [output_of(model, "field_normalization", rows) for rows in (small, large)]
    np.testing.assert_allclose(*shown, rtol=1e-4, atol=1e-4)
    masks = [output_of(model, "mask_1", rows) for rows in (small, large)]
    assert np.abs(masks[0] - masks[1]).max() > 0.1


def test_blocks_of_one_width_start_apart():
    model = build(block_units=(5, 5), parallel=True)
    first, second = (model.get_layer(f"block_{n}").dense.kernel.numpy() for n in (1, 2))
    assert np.abs(first - second).max() > 0.01
    first, second = (model.get_layer(f"mask_{n}").kernel.numpy() for n in (1, 2))
    assert np.abs(first - second).max() > 0.01


def masked(features, units, ratio):
    """Weights of a mask of the fields, and of its block."""
    hidden = ratio * features
    return (WIDTH * hidden + hidden) + (hidden * features + features) + features * units


@pytest.mark.parametrize("ratio", [1, 2, 3])
def test_parameters(ratio):
    tables = (9 + 7 + 3) * DIM
    norms = 2 * WIDTH + 2 * 5 + 2 * 3
    serial = masked(WIDTH, 5, ratio) + masked(5, 3, ratio)
    assert count(build(mask_ratio=ratio)) == tables + norms + serial + 3 + 1
    parallel = masked(WIDTH, 5, ratio) + masked(WIDTH, 3, ratio)
    model = build(mask_ratio=ratio, parallel=True)
    assert count(model) == tables + norms + parallel + (5 + 3) + 1
    model = build(mask_ratio=ratio, layer_normalization=False)
    assert count(model) == tables + serial + 3 + 1


@variants
def test_gradients_reach_every_weight(options):
    assert_gradients_reach_every_weight(build(**options, block_units=(8, 6)))
