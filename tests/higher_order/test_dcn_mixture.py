"""DCN-V2's mixture of low-rank experts (Wang et al. 2021, section 3.5), expert by expert."""

import itertools

import keras
import numpy as np
import pytest
from crossing import (
    COLUMNS,
    assert_equal_to,
    assert_gradients_reach_every_weight,
    count,
    dense_stack,
    make_rows,
    output_of,
)
from reference import double, randomize, relu, sigmoid, softmax

from recsys_lib.higher_order.dcn import MatrixCrossLayer, MixtureCrossLayer, build_dcn_v2

WIDTH = 3 * 4 + 3  # three embeddings of width 4 and three numbers
ACTIVATIONS = {None: None, "tanh": np.tanh, "relu": relu}
GATES = {"softmax": softmax, "sigmoid": sigmoid}
RNG = np.random.default_rng(0)
FIRST, CURRENT = RNG.normal(size=(2, 6, 7))


def mixture(first, current, v, u, bias, gate_kernel=None, c=None, activation=None, gate="softmax"):
    """``sum_i G_i(x_l) E_i(x_l) + x_l``, a row and an expert at a time."""
    result = np.empty_like(current)
    g = ACTIVATIONS[activation]
    for row, (x0, x) in enumerate(zip(first, current, strict=True)):
        gates = np.ones(1) if gate_kernel is None else GATES[gate](gate_kernel.T @ x)
        total = np.zeros_like(x)
        for i in range(len(v)):
            hidden = v[i].T @ x
            if g is not None:
                hidden = g(c[i] @ g(hidden))
            total += gates[i] * x0 * (u[i] @ hidden + bias)
        result[row] = total + x
    return result


def weights_of(layer):
    names = ("v", "u", "bias", "gate_kernel", "c")
    return {name: double(getattr(layer, name)) for name in names if hasattr(layer, name)}


def built(*arguments, **options):
    """A layer in double precision with random weights, its bias too."""
    layer = MixtureCrossLayer(*arguments, **options, dtype="float64")
    layer.build(FIRST.shape, CURRENT.shape)
    rng = np.random.default_rng(1)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return layer


@pytest.mark.parametrize(
    ("num_experts", "activation", "gate"), list(itertools.product([1, 3], ACTIVATIONS, GATES))
)
def test_the_layer_equals_its_formula(num_experts, activation, gate):
    layer = built(num_experts, 2, activation, gate)
    expected = mixture(FIRST, CURRENT, **weights_of(layer), activation=activation, gate=gate)
    np.testing.assert_allclose(layer(FIRST, CURRENT), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gate": "sigmoid"},
        {"expert_activation": "tanh"},
        {"num_experts": 1, "expert_activation": "relu"},
        {"hidden_units": ()},
    ],
)
def test_the_model_equals_its_formula(options):
    sizes = {"embedding_dim": 4, "num_cross_layers": 2, "rank": 2, "num_experts": 3}
    options = sizes | {"hidden_units": (5, 3)} | options
    model = randomize(build_dcn_v2(COLUMNS, **options), scale=0.4)
    features = make_rows()
    first = output_of(model, "cross_input", features).astype(np.float64)
    told = {
        "activation": options.get("expert_activation"),
        "gate": options.get("gate", "softmax"),
    }
    current = first
    for depth in (1, 2):
        current = mixture(first, current, **weights_of(model.get_layer(f"cross_{depth}")), **told)
        shown = output_of(model, f"cross_{depth}", features)
        np.testing.assert_allclose(shown, current, rtol=1e-4, atol=1e-5)
    outputs = [current]
    if options["hidden_units"]:
        outputs.append(dense_stack(model.get_layer("deep"), first))
    kernel = double(model.get_layer("logit").kernel)[:, 0]
    assert_equal_to(model, features, np.concatenate(outputs, axis=1) @ kernel)


def test_one_expert_without_activation_is_the_low_rank_layer():
    layer, low = built(1, 2), MatrixCrossLayer(2, dtype="float64")
    low.build(FIRST.shape, CURRENT.shape)
    low.v.assign(layer.v[0])
    low.u.assign(layer.u[0])
    low.bias.assign(layer.bias)
    np.testing.assert_allclose(layer(FIRST, CURRENT), low(FIRST, CURRENT), rtol=1e-12)
    assert not hasattr(layer, "gate_kernel")
    model = build_dcn_v2(COLUMNS, rank=2)
    assert isinstance(model.get_layer("cross_1"), MatrixCrossLayer)


def test_equal_experts_are_one_expert_since_a_softmax_sums_to_one():
    several, one = built(3, 2, "tanh"), built(1, 2, "tanh")
    for name in ("v", "u", "c"):
        weight = getattr(several, name)
        weight.assign(np.repeat(weight[:1], 3, axis=0))
        getattr(one, name).assign(weight[:1])
    one.bias.assign(several.bias)
    np.testing.assert_allclose(several(FIRST, CURRENT), one(FIRST, CURRENT), rtol=1e-10)


def test_with_an_undecided_gate_it_is_the_mean_of_the_experts_matrices():
    """Their sum may have the full rank: three experts of rank 2 reach rank 6."""
    layer, full = built(3, 2), MatrixCrossLayer(dtype="float64")
    layer.gate_kernel.assign(np.zeros((7, 3)))
    full.build(FIRST.shape, CURRENT.shape)
    matrix = np.mean([u @ v.T for u, v in zip(double(layer.u), double(layer.v), strict=True)], 0)
    assert np.linalg.matrix_rank(matrix) == 6
    full.kernel.assign(matrix.T)
    full.bias.assign(layer.bias)
    np.testing.assert_allclose(layer(FIRST, CURRENT), full(FIRST, CURRENT), rtol=1e-10)


def test_the_identity_between_two_identities_changes_nothing():
    plain, layer = built(3, 2), built(3, 2, "linear")
    for name in ("v", "u", "gate_kernel", "bias"):
        getattr(layer, name).assign(getattr(plain, name))
    layer.c.assign(np.repeat(np.eye(2)[None], 3, axis=0))
    np.testing.assert_allclose(layer(FIRST, CURRENT), plain(FIRST, CURRENT), rtol=1e-12)


def test_experts_start_apart_each_at_the_scale_of_one_matrix():
    keras.utils.set_random_seed(0)
    layer = MixtureCrossLayer(4, 16, "tanh")
    layer.build((None, 48), (None, 48))
    for name, fans in (("v", 48 + 16), ("u", 48 + 16), ("c", 16 + 16)):
        weight = double(getattr(layer, name))
        assert abs(weight.std() - np.sqrt(2 / fans)) < 0.01, name
        for i, j in itertools.combinations(range(4), 2):
            assert np.abs(weight[i] - weight[j]).max() > 0.1, name
    assert np.abs(double(layer.v) - double(layer.u)).max() > 0.1


def test_parameters():
    sizes = {"embedding_dim": 4, "hidden_units": (), "rank": 2, "num_experts": 3}
    factors = 3 * 2 * WIDTH * 2
    for num_layers, activation, small in ((1, None, 0), (2, None, 0), (2, "tanh", 3 * 2 * 2)):
        options = {"num_cross_layers": num_layers, "expert_activation": activation}
        per_layer = factors + small + WIDTH * 3 + WIDTH  # the gate's map, one bias
        expected = (9 + 7) * 4 + per_layer * num_layers + WIDTH + 1
        assert count(build_dcn_v2(COLUMNS, **sizes, **options)) == expected


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("activation", [None, "tanh"])
def test_gradients_reach_every_weight(gate, activation):
    model = build_dcn_v2(
        COLUMNS, embedding_dim=4, rank=2, num_experts=3, expert_activation=activation, gate=gate
    )
    assert_gradients_reach_every_weight(model)


def test_the_layer_comes_back_from_its_configuration():
    for layer in (MixtureCrossLayer(3, 2, "tanh", "sigmoid"), MixtureCrossLayer(2, 4)):
        twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert twin.get_config() == layer.get_config()
        assert (twin.activation is None) == (layer.activation is None)
