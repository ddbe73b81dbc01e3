"""AutoInt against its formula, head by head and field by field."""

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

from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.higher_order.autoint import FieldAttention, InteractingLayer, build_autoint

HEADS, HEAD_DIM = 2, 3


def build(**options):
    sizes = {"embedding_dim": 4, "num_heads": HEADS, "head_dim": HEAD_DIM}
    return build_autoint(COLUMNS, **(sizes | options))


def interacting(
    attention, layer, fields, project=None, scale=False, normalize=False, identity=False
):
    """One layer by loops over rows, heads and fields: attention ``(B, H, F, F)`` and outputs."""
    f = relu if project == "relu" else lambda x: x
    rows, num_fields, _ = fields.shape
    heads, width = attention.num_heads, layer.head_dim
    weights = np.zeros((rows, heads, num_fields, num_fields))
    outputs = np.zeros((rows, num_fields, heads * width))
    for row in range(rows):
        for h in range(heads):
            part = slice(h * width, (h + 1) * width)
            query, key = (
                double(attention.query_kernel)[:, part],
                double(attention.key_kernel)[:, part],
            )
            value = double(layer.value_kernel)[:, part]
            for m in range(num_fields):
                scores = np.array(
                    [f(fields[row, m] @ query) @ f(fields[row, k] @ key) for k in range(num_fields)]
                )
                if scale:
                    scores /= np.sqrt(width)
                exponent = np.exp(scores - scores.max())
                weights[row, h, m] = exponent / exponent.sum()
                for k in range(num_fields):
                    outputs[row, m, part] += weights[row, h, m, k] * f(fields[row, k] @ value)
        for m in range(num_fields):
            if identity and fields.shape[2] == heads * width:
                outputs[row, m] += fields[row, m]
            else:
                outputs[row, m] += f(fields[row, m] @ double(layer.residual_kernel))
    outputs = relu(outputs)
    if normalize:
        norm = layer.normalization
        mean, variance = outputs.mean(-1, keepdims=True), outputs.var(-1, keepdims=True)
        outputs = (outputs - mean) / np.sqrt(variance + norm.epsilon)
        outputs = outputs * double(norm.gamma) + double(norm.beta)
    return weights, outputs


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, {}),
        ({"projection_activation": "relu"}, {"project": "relu"}),
        ({"scale_attention": True}, {"scale": True}),
        ({"layer_normalization": True}, {"normalize": True}),
        ({"identity_residual": True}, {"identity": True}),
        ({"identity_residual": True, "embedding_dim": 6}, {"identity": True}),
        ({"hidden_units": (5, 3)}, {}),
    ],
    ids=["paper", "relu", "scaled", "normalized", "identity", "identity_twice", "autoint_plus"],
)
def test_the_model_equals_its_formula(options, told):
    features = make_rows()
    model = build(num_layers=2, **options)
    randomize(model, scale=0.6)
    embedded = fields = fields_of(model, features)
    for depth in (1, 2):
        weights, fields = interacting(
            model.get_layer(f"attention_{depth}"),
            model.get_layer(f"interacting_{depth}"),
            fields,
            **told,
        )
        shown = output_of(model, f"attention_{depth}", features)
        assert shown.shape == (6, HEADS, NUM_FIELDS, NUM_FIELDS)
        np.testing.assert_allclose(shown, weights, rtol=1e-4, atol=1e-5)
        shown = output_of(model, f"interacting_{depth}", features)
        assert shown.shape == (6, NUM_FIELDS, HEADS * HEAD_DIM)
        np.testing.assert_allclose(shown, fields, rtol=1e-4, atol=1e-4)
    logit = fields.reshape(6, -1) @ double(model.get_layer("logit").kernel)[:, 0]
    if "hidden_units" in options:
        hidden = dense_stack(model.get_layer("deep"), embedded.reshape(6, -1))
        logit += hidden @ double(model.get_layer("deep_logit").kernel)[:, 0]
    assert_equal_to(model, features, logit)


def test_every_field_spreads_a_weight_of_one_over_the_fields():
    model = randomize(build(num_layers=2), scale=1.0)
    for depth in (1, 2):
        attention = output_of(model, f"attention_{depth}", make_rows(20))
        np.testing.assert_allclose(attention.sum(axis=-1), 1, rtol=1e-5)
        assert np.ptp(attention.sum(axis=-2)) > 0.1  # over queries they sum to anything


def test_without_values_and_with_the_identity_as_projection_a_layer_is_relu():
    fields = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    attention = FieldAttention(2, 3)(fields)
    layer = InteractingLayer(3)
    layer.build(fields.shape, attention.shape)
    layer.value_kernel.assign(np.zeros((6, 6)))
    layer.residual_kernel.assign(np.eye(6))
    np.testing.assert_array_equal(layer(fields, attention), relu(fields))


def test_the_identity_takes_the_place_of_a_projection_of_equal_width_alone():
    width = HEADS * HEAD_DIM
    for embedding_dim, projected in ((4, [True, False, False]), (width, [False] * 3)):
        model = build(num_layers=3, embedding_dim=embedding_dim, identity_residual=True)
        layers = [model.get_layer(f"interacting_{depth}") for depth in (1, 2, 3)]
        assert [hasattr(layer, "residual_kernel") for layer in layers] == projected
        tables, kernels = 19 * embedding_dim, 3 * embedding_dim * width + 6 * width * width
        first = embedding_dim * width if projected[0] else 0
        assert count(model) == tables + kernels + first + NUM_FIELDS * width + 1


def test_without_values_the_input_passes_all_layers_of_identity_residuals():
    """A projection in each layer turns the input over and over; the identity keeps it."""
    features = make_rows()
    model = randomize(build(num_layers=4, embedding_dim=6, identity_residual=True), scale=0.6)
    for depth in (1, 2, 3, 4):
        kernel = model.get_layer(f"interacting_{depth}").value_kernel
        kernel.assign(np.zeros(kernel.shape))
    last = output_of(model, "interacting_4", features)
    np.testing.assert_allclose(last, relu(fields_of(model, features)), rtol=1e-6)


def test_attention_is_dropped_in_training_only():
    fields = np.random.default_rng(5).normal(size=(40, 5, 6)).astype(np.float32)
    plain, dropping = FieldAttention(2, 3), FieldAttention(2, 3, dropout_rate=0.25)
    weights = np.asarray(plain(fields))
    dropping.build(fields.shape)
    dropping.query_kernel.assign(plain.query_kernel)
    dropping.key_kernel.assign(plain.key_kernel)
    np.testing.assert_array_equal(dropping(fields), weights)
    np.testing.assert_array_equal(plain(fields, training=True), weights)
    dropped = np.asarray(dropping(fields, training=True))
    kept = dropped != 0
    assert abs(kept.mean() - 0.75) < 0.05
    np.testing.assert_allclose(dropped[kept], weights[kept] / 0.75, rtol=1e-5)


def test_fields_in_another_order_give_the_same_fields_in_that_order():
    fields = np.random.default_rng(1).normal(size=(4, 5, 6)).astype(np.float32)
    order = [3, 0, 4, 1, 2]
    weigh, mix = FieldAttention(2, 3), InteractingLayer(3)
    attention = np.asarray(weigh(fields))
    permuted = np.asarray(weigh(fields[:, order]))
    np.testing.assert_allclose(permuted, attention[:, :, order][..., order], rtol=1e-5)
    np.testing.assert_allclose(
        mix(fields[:, order], permuted), np.asarray(mix(fields, attention))[:, order], atol=1e-5
    )


def test_heads_differ_and_do_not_mix():
    """A change to one head's kernel moves its attention and its part of the outputs alone."""
    fields = np.random.default_rng(2).normal(size=(4, 5, 6)).astype(np.float32)
    weigh, mix = FieldAttention(2, 3), InteractingLayer(3)
    attention = np.asarray(weigh(fields))
    outputs = np.asarray(mix(fields, attention))
    assert np.abs(attention[:, 0] - attention[:, 1]).max() > 1e-3
    kernel = weigh.query_kernel.numpy()
    kernel[:, 3:] += 1
    weigh.query_kernel.assign(kernel)
    moved = np.asarray(weigh(fields))
    np.testing.assert_array_equal(moved[:, 0], attention[:, 0])
    assert np.abs(moved[:, 1] - attention[:, 1]).max() > 1e-3
    changed = np.asarray(mix(fields, moved))
    np.testing.assert_array_equal(changed[..., :3], outputs[..., :3])
    assert np.abs(changed[..., 3:] - outputs[..., 3:]).max() > 1e-3


def test_the_width_is_stated_per_head():
    model = build(num_layers=1, num_heads=3, head_dim=5)
    assert model.get_layer("interacting_1").output.shape == (None, NUM_FIELDS, 15)
    assert model.get_layer("attention_1").query_kernel.shape == (4, 15)


def test_parameters():
    tables, width = (9 + 7 + 3) * 4, HEADS * HEAD_DIM
    for num_layers in (1, 3):
        kernels = 4 * 4 * width + 4 * width * width * (num_layers - 1)
        model = build(num_layers=num_layers)
        assert count(model) == tables + kernels + NUM_FIELDS * width + 1
    plus = build(num_layers=3, hidden_units=(2,))
    assert count(plus) == count(model) + NUM_FIELDS * 4 * 2 + 2 + 2
    normalized = build(num_layers=3, hidden_units=(2,), batch_normalization=True)
    assert count(normalized) == count(plus) + 2 * 2


@pytest.mark.parametrize("hidden_units", [(), (5, 3)])
def test_gradients_reach_every_weight(hidden_units):
    model = build(num_layers=2, hidden_units=hidden_units, batch_normalization=True)
    assert_gradients_reach_every_weight(model)


WIDE = (*COLUMNS, CategoricalColumn("wide", 3, embedding_dim=9))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: build_autoint(COLUMNS[:1]), "at least two fields to attend to, got one"),
        (
            lambda: build_autoint(WIDE, embedding_dim=4),
            "column 'wide': crossing fields needs one width",
        ),
        (lambda: FieldAttention(2, 3)(np.ones((2, 12))), "expected shape"),
        (
            lambda: InteractingLayer(3)(np.ones((2, 4, 3)), np.ones((2, 4, 4))),
            "expected shape",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_authors_layer_normalization_differs_from_the_paper():
    fields = np.random.default_rng(3).normal(size=(4, 5, 6)).astype(np.float32)
    attention = FieldAttention(2, 3)(fields)
    plain = np.asarray(InteractingLayer(3)(fields, attention))
    assert plain.min() == 0  # ReLU comes last
    normalized = InteractingLayer(3, layer_normalization=True)(fields, attention)
    np.testing.assert_allclose(keras.ops.mean(normalized, axis=-1), 0, atol=1e-5)
