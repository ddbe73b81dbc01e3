"""xDeepFM and its CIN against the triple loop."""

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
    linear_of,
    make_rows,
    output_of,
)
from reference import double, randomize, relu

from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.higher_order.xdeepfm import (
    CINLayer,
    build_cin,
    build_xdeepfm,
    compressed_interaction,
)
from recsys_lib.loops.higher_order import BroadcastCINLayer, LoopCINLayer


def cin_layer(kernel, fields, maps, activation=None):
    """X^k by loops over rows, new maps, maps and fields."""
    rows, num_fields, dim = fields.shape
    new_maps = np.zeros((rows, kernel.shape[2], dim))
    for row in range(rows):
        for h in range(kernel.shape[2]):
            for i in range(maps.shape[1]):
                for j in range(num_fields):
                    new_maps[row, h] += kernel[j, i, h] * maps[row, i] * fields[row, j]
    return relu(new_maps) if activation == "relu" else new_maps


def logit_of(model, features, sizes, activation=None, split_half=False, linear=True, deep=True):
    fields = fields_of(model, features)
    maps, pooled = fields, []
    for depth, size in enumerate(sizes, start=1):
        kernel = double(model.get_layer(f"cin_{depth}").kernel)
        maps = cin_layer(kernel, fields, maps, activation)
        shown = output_of(model, f"cin_{depth}", features)
        expected = maps if depth < len(sizes) else maps.sum(axis=2)
        assert shown.shape == expected.shape
        np.testing.assert_allclose(shown, expected, rtol=1e-4, atol=1e-4)
        to_pool = maps
        if split_half and depth < len(sizes):
            maps, to_pool = maps[:, : size // 2], maps[:, size // 2 :]
        pooled.append(to_pool.sum(axis=2))
    pooled = np.concatenate(pooled, axis=1)
    np.testing.assert_allclose(output_of(model, "cin_pooled", features), pooled, atol=1e-4)
    logit = pooled @ double(model.get_layer("cin_logit").kernel)[:, 0]
    if linear:
        logit += linear_of(model, features)
    if deep:
        hidden = dense_stack(model.get_layer("deep"), fields.reshape(len(fields), -1))
        logit += hidden @ double(model.get_layer("deep_logit").kernel)[:, 0]
    return logit


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, {}),
        ({"cin_activation": "relu"}, {"activation": "relu"}),
        ({"split_half": True}, {"split_half": True}),
        ({"hidden_units": ()}, {"deep": False}),
        ({"hidden_units": (), "linear": False}, {"deep": False, "linear": False}),
    ],
    ids=["paper", "relu", "split_half", "no_network", "cin_alone"],
)
def test_the_model_equals_its_formula(options, told):
    features = make_rows()
    sizes = {"embedding_dim": 4, "cin_layer_sizes": (4, 2, 3), "hidden_units": (5, 3)}
    model = build_xdeepfm(COLUMNS, **(sizes | options))
    randomize(model, scale=0.4)
    assert_equal_to(model, features, logit_of(model, features, (4, 2, 3), **told))


def test_build_cin_is_the_model_without_its_other_parts():
    features = make_rows()
    for activation in (None, "relu"):
        model = build_cin(
            COLUMNS, embedding_dim=4, cin_layer_sizes=(3, 2), cin_activation=activation
        )
        randomize(model, scale=0.7)
        logit = logit_of(model, features, (3, 2), activation, linear=False, deep=False)
        assert_equal_to(model, features, logit)
    halves = build_cin(COLUMNS, embedding_dim=4, cin_layer_sizes=(4, 2), split_half=True)
    assert halves.get_layer("cin_logit").kernel.shape == (2 + 2, 1)
    assert halves.name == "cin"


def test_maps_have_no_activation_by_default():
    """Identity: with fields turned around, a layer's maps, products of two fields, stay."""
    fields = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
    first, second = CINLayer(6), CINLayer(2)
    maps = first(fields, fields)
    assert (np.asarray(maps) < 0).any()
    np.testing.assert_allclose(first(-fields, -fields), maps, rtol=1e-6)
    np.testing.assert_allclose(
        second(-fields, maps), -np.asarray(second(fields, maps)), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_layer_k_multiplies_k_plus_one_fields(depth):
    fields = np.random.default_rng(1).normal(size=(5, 4, 3)).astype(np.float32)
    inputs = keras.Input((4, 3))
    compressed_interaction(inputs, (3, 3, 3))  # refuses nothing
    layers = [CINLayer(3) for _ in range(depth)]

    def last_maps(x0):
        maps = x0
        for layer in layers:
            maps = np.asarray(layer(x0, maps))
        return maps

    np.testing.assert_allclose(
        last_maps(-2 * fields), (-2.0) ** (depth + 1) * last_maps(fields), rtol=1e-4, atol=1e-4
    )


def test_one_map_of_ones_pools_to_the_square_of_the_sum():
    """The known case: sum_d (sum_i x_id)^2, FM's term with the squares left in."""
    fields = np.random.default_rng(2).normal(size=(7, 5, 4)).astype(np.float32)
    inputs = keras.Input((5, 4))
    model = keras.Model(inputs, compressed_interaction(inputs, (1,)))
    model.get_layer("cin_1").kernel.assign(np.ones((5, 5, 1)))
    expected = (fields.astype(np.float64).sum(axis=1) ** 2).sum(axis=1)
    assert model(fields).shape == (7, 1)
    np.testing.assert_allclose(model(fields)[:, 0], expected, rtol=1e-5)


def test_crosses_are_vector_wise():
    """A component of a map depends on that component of the fields and on no other."""
    fields = np.random.default_rng(3).normal(size=(2, 4, 5)).astype(np.float32)
    layer = CINLayer(3)
    before = np.asarray(layer(fields, fields))
    changed = fields.copy()
    changed[:, :, 2] += 1
    moved = np.asarray(layer(changed, changed)) != before
    assert moved[:, :, 2].all()
    assert not moved[:, :, [0, 1, 3, 4]].any()


@pytest.mark.parametrize("loop", [BroadcastCINLayer, LoopCINLayer])
def test_the_loop_forms_give_the_same_maps(loop):
    rng = np.random.default_rng(4)
    fields, maps = rng.normal(size=(3, 4, 6)), rng.normal(size=(3, 5, 6))
    layer, slow = CINLayer(7, dtype="float64"), loop(7, dtype="float64")
    expected = layer(fields, maps)
    slow.build(fields.shape, maps.shape)
    slow.kernel.assign(layer.kernel)
    np.testing.assert_allclose(slow(fields, maps), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layer_class", [CINLayer, BroadcastCINLayer, LoopCINLayer])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_pooled_maps_are_the_sums_of_the_maps(layer_class, activation):
    rng = np.random.default_rng(5)
    fields, maps = rng.normal(size=(3, 4, 6)), rng.normal(size=(3, 5, 6))
    pooled = layer_class(7, activation, pooled=True, dtype="float64")
    whole = CINLayer(7, activation, dtype="float64")
    found, _ = pooled(fields, maps), whole(fields, maps)
    whole.kernel.assign(pooled.kernel)
    expected = np.asarray(whole(fields, maps)).sum(axis=2)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_without_an_activation_the_last_layer_makes_no_maps():
    """The largest array of a step has no axis for both the products and the components."""

    def largest(activation):
        layer = CINLayer(7, activation, pooled=True)
        layer.build((None, 4, 6), (None, 5, 6))
        specs = [tf.TensorSpec((2, 4, 6)), tf.TensorSpec((2, 5, 6))]
        graph = tf.function(layer.call, autograph=False).get_concrete_function(*specs).graph
        return max(t.shape.num_elements() for op in graph.get_operations() for t in op.outputs)

    assert largest("relu") == 2 * 6 * 4 * 5
    assert largest(None) < largest("relu")


def test_parameters():
    tables = (9 + 7 + 3) * 4  # ids and numbers' vectors
    alone = build_cin(COLUMNS, embedding_dim=4, cin_layer_sizes=(5, 3))
    kernels = NUM_FIELDS * NUM_FIELDS * 5 + NUM_FIELDS * 5 * 3
    assert count(alone) == tables + kernels + (5 + 3) + 1
    halves = build_cin(COLUMNS, embedding_dim=4, cin_layer_sizes=(4, 2), split_half=True)
    kernels = NUM_FIELDS * NUM_FIELDS * 4 + NUM_FIELDS * 2 * 2
    assert count(halves) == tables + kernels + (2 + 2) + 1  # the last layer pools all
    whole = build_xdeepfm(COLUMNS, embedding_dim=4, cin_layer_sizes=(5, 3), hidden_units=(2,))
    linear, network = 9 + 7 + 3, NUM_FIELDS * 4 * 2 + 2 + 2
    assert count(whole) == count(alone) + linear + network
    normalized = build_xdeepfm(
        COLUMNS,
        embedding_dim=4,
        cin_layer_sizes=(5, 3),
        hidden_units=(2,),
        batch_normalization=True,
    )
    assert count(normalized) == count(whole) + 2 * 2


@pytest.mark.parametrize("split_half", [False, True])
def test_gradients_reach_every_weight(split_half):
    options = {"embedding_dim": 4, "cin_layer_sizes": (4, 2, 3), "split_half": split_half}
    assert_gradients_reach_every_weight(build_xdeepfm(COLUMNS, **options, batch_normalization=True))
    assert_gradients_reach_every_weight(build_cin(COLUMNS, **options))


WIDE = (*COLUMNS, CategoricalColumn("wide", 3, embedding_dim=9))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: build_xdeepfm(WIDE, embedding_dim=4),
            "column 'wide': crossing fields needs one width",
        ),
        (lambda: CINLayer(2)(np.ones((2, 3, 4)), np.ones((2, 3, 5))), "one width, got 4 and 5"),
        (lambda: CINLayer(2)(np.ones((2, 12)), np.ones((2, 3, 4))), "expected shape"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
