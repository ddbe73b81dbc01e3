"""EDCN against its formula: gates over the fields, bridges after every layer, and DCN without."""

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
from reference import double, randomize, relu, softmax

from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.higher_order import build_dcn, build_edcn
from recsys_lib.higher_order.edcn import BRIDGES, Bridge, FieldGate

DIM = 4
WIDTH = NUM_FIELDS * DIM


def build(**options):
    sizes = {"embedding_dim": DIM, "num_cross_layers": 2, "batch_normalization": False}
    return build_edcn(COLUMNS, **(sizes | options))


def gated(model, name, vectors, temperature):
    """Each field's part times that field's share."""
    if temperature is None:
        return vectors
    strengths = double(model.get_layer(name).strengths)[:, 0]
    shares = softmax(strengths / temperature)
    result = vectors.reshape(-1, NUM_FIELDS, DIM).copy()
    for field in range(NUM_FIELDS):
        result[:, field] *= shares[field]
    return result.reshape(-1, WIDTH)


def bridged(layer, cross, deep):
    if layer.kind == "sum":
        return cross + deep
    if layer.kind == "product":
        return cross * deep
    if layer.kind == "concatenation":
        both = np.concatenate([cross, deep], axis=1)
        return relu(both @ double(layer.joined.kernel) + double(layer.joined.bias))
    total = 0
    for tower, hidden, shares in zip((cross, deep), layer.hidden, layer.shares, strict=True):
        inner = relu(tower @ double(hidden.kernel) + double(hidden.bias))
        total = total + softmax(inner @ double(shares.kernel)) * tower
    return total


@pytest.mark.parametrize("temperature", [1.0, 0.5, None])
@pytest.mark.parametrize("bridge", [*BRIDGES, None])
def test_the_model_equals_its_formula(bridge, temperature):
    features = make_rows()
    model = randomize(build(bridge=bridge, temperature=temperature))
    scale = 2 if temperature is None else 2 * NUM_FIELDS  # what gates take away
    for name in ("embedding", "embedding_numeric"):
        layer = model.get_layer(name)
        layer.set_weights([scale * layer.get_weights()[0]])
    cross = deep = fields_of(model, features).reshape(-1, WIDTH)
    for number in (1, 2):
        cross = gated(model, f"cross_gate_{number}", cross, temperature)
        deep = gated(model, f"deep_gate_{number}", deep, temperature)
        if number == 1:
            first = cross
        layer = model.get_layer(f"cross_{number}")
        product = cross @ double(layer.kernel)  # (rows, 1)
        cross = first * product + double(layer.bias) + cross
        deep = dense_stack(model.get_layer(f"deep_{number}"), deep)
        last = [cross, deep]
        for name, tower in (("cross", cross), ("deep", deep)):
            shown = output_of(model, f"{name}_{number}", features)
            np.testing.assert_allclose(shown, tower, rtol=1e-3, atol=1e-4)
        if bridge is not None:
            cross = deep = bridged(model.get_layer(f"bridge_{number}"), cross, deep)
            last.append(cross)
    logit = np.concatenate(last, axis=1) @ double(model.get_layer("logit").kernel)[:, 0]
    assert_equal_to(model, features, logit)


def test_without_bridges_and_gates_it_is_dcn():
    columns = COLUMNS[:3]  # numbers are fields here, and stand by themselves in DCN
    features = make_rows()
    sizes = {"embedding_dim": DIM, "num_cross_layers": 3}
    plain = randomize(build_dcn(columns, **sizes, hidden_units=(3 * DIM,) * 3), scale=0.3)
    off = {"bridge": None, "temperature": None, "batch_normalization": False}
    model = build_edcn(columns, **sizes, **off)
    assert count(model) == count(plain)
    network = plain.get_layer("deep").get_weights()
    for number in (1, 2, 3):
        model.get_layer(f"deep_{number}").set_weights(network[2 * number - 2 : 2 * number])
    for name in ("embedding", "cross_1", "cross_2", "cross_3", "logit", "click"):
        model.get_layer(name).set_weights(plain.get_layer(name).get_weights())
    features = {column.name: features[column.name] for column in columns}
    np.testing.assert_allclose(model(features), plain(features), rtol=1e-5)


def test_a_gate_weighs_fields_and_not_components():
    gate = FieldGate()
    fields = np.random.default_rng(1).normal(size=(5, 3, 4)).astype(np.float32)
    np.testing.assert_allclose(gate(fields), fields / 3, rtol=1e-6)  # equal shares at the start
    gate.strengths.assign([[0.0], [1.0], [3.0]])
    ratio = gate(fields).numpy() / fields
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:1, :, :1], ratio.shape), rtol=1e-5)
    np.testing.assert_allclose(ratio[0, :, 0].sum(), 1, rtol=1e-6)
    assert (np.diff(ratio[0, :, 0]) > 0).all()


def test_a_low_temperature_lets_one_field_pass():
    fields = np.ones((2, 3, 4), np.float32)
    for temperature, most in ((10.0, 0.4), (1.0, 0.7), (0.05, 1.0)):
        gate = FieldGate(temperature)
        gate.build(fields.shape)
        gate.strengths.assign([[0.0], [1.0], [2.0]])
        np.testing.assert_allclose(gate(fields)[0, 2, 0], most, atol=0.05)


def test_both_towers_are_weighed_apart():
    model = randomize(build())
    before = {name: output_of(model, name, make_rows()) for name in ("cross_1", "deep_1")}
    gate = model.get_layer("deep_gate_1")
    gate.strengths.assign(-gate.strengths.numpy())
    np.testing.assert_array_equal(output_of(model, "cross_1", make_rows()), before["cross_1"])
    assert np.abs(output_of(model, "deep_1", make_rows()) - before["deep_1"]).max() > 0.01


@pytest.mark.parametrize(
    ("bridge", "more"),
    [
        ("sum", 0),
        ("product", 0),
        ("concatenation", 2 * WIDTH**2 + WIDTH),
        ("attention", 2 * (WIDTH**2 + WIDTH + WIDTH**2)),
    ],
)
def test_parameters(bridge, more):
    tables = (9 + 7 + 3) * DIM
    layer = 2 * NUM_FIELDS + 2 * WIDTH + (WIDTH**2 + WIDTH) + more
    assert count(build(bridge=bridge)) == tables + 2 * layer + 3 * WIDTH + 1
    assert count(build(bridge=None, temperature=None)) == (
        tables + 2 * (2 * WIDTH + WIDTH**2 + WIDTH) + 2 * WIDTH + 1
    )


@pytest.mark.parametrize("bridge", [*BRIDGES, None])
def test_gradients_reach_every_weight(bridge):
    assert_gradients_reach_every_weight(build(bridge=bridge, batch_normalization=True))


def test_a_layer_comes_back_from_its_configuration():
    for layer in (Bridge("attention"), FieldGate(0.25)):
        twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert twin.get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Bridge(name="bridge_1")(np.ones((2, 3)), np.ones((2, 4))),
            "'bridge_1': expected towers of one width, got 3 and 4",
        ),
        (lambda: FieldGate(name="gate")(np.ones((2, 3))), r"'gate': expected shape \(batch, num_f"),
        (
            lambda: build_edcn([CategoricalColumn("a", 5, embedding_dim=2)], embedding_dim=4),
            "'a': crossing fields needs one width, expected embedding_dim 4, got 2",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
