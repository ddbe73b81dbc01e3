"""GDCN against its formula, and DCN-V2 as what it is with an undecided gate."""

import numpy as np
import pytest
from crossing import (
    COLUMNS,
    assert_equal_to,
    assert_gradients_reach_every_weight,
    count,
    dense_stack,
    first_input,
    make_rows,
    output_of,
)
from reference import double, randomize, sigmoid

from recsys_lib.higher_order import build_dcn_v2, build_gdcn
from recsys_lib.higher_order.gdcn import GatedCrossLayer

WIDTH = 3 * 4 + 3  # three embeddings of width 4 and three numbers
SIZES = {"embedding_dim": 4, "num_cross_layers": 2}


def gated(layer, first, current):
    """One layer, row by row and component by component."""
    weight, gate, bias = (double(v) for v in (layer.kernel, layer.gate_kernel, layer.bias))
    result = np.empty_like(current)
    for row, (c0, c) in enumerate(zip(first, current, strict=True)):
        for out in range(len(c)):
            crossed = sum(c[k] * weight[k, out] for k in range(len(c))) + bias[out]
            opened = sigmoid(sum(c[k] * gate[k, out] for k in range(len(c))))
            result[row, out] = c0[out] * crossed * opened + c[out]
    return result


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("hidden_units", [(), (5, 3)])
def test_the_model_equals_its_formula(stacked, hidden_units):
    features = make_rows()
    model = build_gdcn(COLUMNS, **SIZES, hidden_units=hidden_units, stacked=stacked)
    randomize(model, scale=0.4)
    first = current = first_input(model, features)
    for depth in (1, 2):
        current = gated(model.get_layer(f"cross_{depth}"), first, current)
        shown = output_of(model, f"cross_{depth}", features)
        np.testing.assert_allclose(shown, current, rtol=1e-4, atol=1e-5)
    outputs = current
    if hidden_units:
        hidden = dense_stack(model.get_layer("deep"), current if stacked else first)
        outputs = hidden if stacked else np.concatenate([current, hidden], axis=1)
    assert_equal_to(model, features, outputs @ double(model.get_layer("logit").kernel)[:, 0])


def test_with_every_gate_at_one_half_it_is_dcn_v2_with_half_the_weights():
    features = make_rows()
    plain = randomize(build_dcn_v2(COLUMNS, **SIZES, hidden_units=(5,)))
    model = build_gdcn(COLUMNS, **SIZES, hidden_units=(5,))
    for layer in plain.layers:
        if layer.weights:
            values = [double(weight) for weight in layer.weights]
            if layer.name.startswith("cross_"):
                values = [2 * value for value in values] + [np.zeros((WIDTH, WIDTH))]
            model.get_layer(layer.name).set_weights(values)
    np.testing.assert_allclose(model(features), plain(features), rtol=1e-5)


def test_a_gate_can_hold_back_one_component_of_one_row():
    layer = GatedCrossLayer()
    first = np.array([[1.0, 2.0], [1.0, -2.0]], np.float32)
    layer.build(first.shape, first.shape)
    layer.kernel.assign(np.zeros((2, 2)))
    layer.bias.assign([1.0, 1.0])
    layer.gate_kernel.assign([[0.0, 0.0], [0.0, 50.0]])  # reads the second component alone
    expected = first + first * [[0.5, 1.0], [0.5, 0.0]]
    np.testing.assert_allclose(layer(first, first), expected, atol=1e-6)


@pytest.mark.parametrize("stacked, entries", [(False, WIDTH + 3), (True, 3)])
def test_parameters(stacked, entries):
    plain = build_dcn_v2(COLUMNS, **SIZES, hidden_units=(5, 3))
    model = build_gdcn(COLUMNS, **SIZES, hidden_units=(5, 3), stacked=stacked)
    # A second matrix for each layer, and what the logit reads.
    assert count(model) == count(plain) + 2 * WIDTH**2 + entries - (WIDTH + 3)


@pytest.mark.parametrize("stacked", [False, True])
def test_gradients_reach_every_weight(stacked):
    options = {"embedding_dim": 4, "stacked": stacked, "batch_normalization": True}
    assert_gradients_reach_every_weight(build_gdcn(COLUMNS, **options))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GatedCrossLayer()(np.ones((2, 3)), np.ones((2, 4))), "one width, got 3 and 4"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
