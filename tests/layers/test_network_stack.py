"""Stacks of networks, gates and mixtures: the formulas, and what each network keeps to itself."""

import keras
import numpy as np
import pytest
from reference import double, randomize, relu, softmax

from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.network_stack import Gates, Mixture, NetworkStack

ROWS, FEATURES = 6, 4


def draw(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def called(layer, inputs, seed=1):
    """The layer with random weights, and its output for the inputs."""
    layer(inputs)
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(size=weight.shape))
    return layer, double(layer(inputs))


def loop(stack, inputs, activation=relu):
    """Network by network, layer by layer; ``inputs`` holds one for each network."""
    outputs = []
    for n in range(stack.count):
        hidden = double(inputs[n])
        for layer in range(len(stack.kernels)):
            hidden = hidden @ double(stack.kernels[layer])[n] + double(stack.biases[layer])[n]
            if layer < len(stack.hidden_units):
                hidden = activation(hidden)
        outputs.append(hidden)
    return np.stack(outputs, axis=1)


@pytest.mark.parametrize(
    ("hidden_units", "output_units"), [((5, 3), None), ((5,), 2), ((), 1), ((3, 4), 1)]
)
@pytest.mark.parametrize("inputs", ["shared", "own", "readers"])
def test_a_stack_equals_its_networks_one_by_one(inputs, hidden_units, output_units):
    readers = (2, 1, 3) if inputs == "readers" else None
    stack = NetworkStack(6, hidden_units, output_units=output_units, readers=readers)
    read = {
        "shared": lambda x: [x] * 6,
        "own": lambda x: list(x.swapaxes(0, 1)),
        "readers": lambda x: [x[:, source] for source in (0, 0, 1, 2, 2, 2)],
    }[inputs]
    x = draw(ROWS, *{"shared": (), "own": (6,), "readers": (3,)}[inputs], FEATURES)
    stack, found = called(stack, x)
    np.testing.assert_allclose(found, loop(stack, read(x)), rtol=1e-4, atol=1e-5)
    assert found.shape == (ROWS, 6, output_units or hidden_units[-1])


def test_an_activation_over_units_sees_one_network():
    stack, found = called(NetworkStack(3, (4, 2), "softmax"), draw(ROWS, FEATURES))
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-5)
    expected = loop(stack, [draw(ROWS, FEATURES)] * 3, softmax)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def of_network(layer, position):
    """The weights of one network in the order of an ``MLP`` of the same options."""
    values = []
    for hidden, units in enumerate(layer.hidden_units):
        own = slice(position * units, (position + 1) * units)
        values += [layer.kernels[hidden][position], layer.biases[hidden][position]]
        for parts in (layer.normalizations, layer.unit_activations):
            if parts:
                values += [weight.numpy()[own] for weight in parts[hidden].weights]
    return [np.asarray(value) for value in values]


@pytest.mark.parametrize("activation", ["relu", "dice", "prelu"])
@pytest.mark.parametrize("normalized", [False, True])
def test_normalization_and_dice_are_those_of_each_network_alone(activation, normalized):
    x = 3 + 2 * draw(64, 2, FEATURES)
    stack = NetworkStack(2, (5, 3), activation, batch_normalization=normalized)
    stack, _ = called(stack, x)
    networks = []
    for position in range(2):
        network = MLP((5, 3), activation, batch_normalization=normalized)
        network(x[:, position])
        network.set_weights(of_network(stack, position))
        networks.append(network)
    for training in (True, True, False):
        found = double(stack(x, training=training))
        for position, network in enumerate(networks):
            expected = double(network(x[:, position], training=training))
            np.testing.assert_allclose(found[:, position], expected, rtol=1e-3, atol=1e-4)
            for own, alone in zip(of_network(stack, position), network.weights, strict=True):
                np.testing.assert_allclose(own, alone, rtol=1e-4, atol=1e-5)
    if normalized:
        moved = stack.normalizations[0].moving_mean.numpy()
        assert (np.abs(moved) > 1e-3).all() and len(np.unique(moved)) == 10


def test_dropout_drops_units_of_each_network_in_training_only():
    stack = NetworkStack(3, (40,), "linear", dropout_rate=0.25)
    stack, whole = called(stack, draw(200, FEATURES))
    found = double(stack(draw(200, FEATURES), training=True))
    kept = found != 0
    np.testing.assert_allclose(found[kept], whole[kept] / 0.75, rtol=1e-4)
    assert abs(kept.mean() - 0.75) < 0.01
    assert (kept[:, 0] != kept[:, 1]).mean() > 0.3  # each network draws its own


def test_dropout_follows_every_hidden_layer_and_not_the_output():
    stack = NetworkStack(2, (3, 4), "linear", output_units=1, dropout_rate=0.5)
    stack, whole = called(stack, draw(4000, FEATURES))
    found = double(stack(draw(4000, FEATURES), training=True))
    # All four units of the last hidden layer are dropped in a 16th of the rows; the bias is left.
    bias = stack.biases[-1].numpy()[:, 0]
    for network in range(2):
        alone = found[:, network, 0] == bias[network]
        assert 0.4 / 16 < alone.mean() < 1.8 / 16
    assert [layer.rate for layer in stack.dropouts] == [0.5, 0.5]
    # Unbiased: what is kept is scaled up.
    np.testing.assert_allclose(found.mean(axis=0), whole.mean(axis=0), atol=0.15 * whole.std())


def test_a_stack_starts_with_glorots_limit_for_one_network():
    stack = NetworkStack(50, (8,))
    stack.build((None, 4))
    largest = np.abs(stack.kernels[0].numpy()).max()
    assert 0.98 * np.sqrt(6 / 12) < largest <= np.sqrt(6 / 12)


def test_gates_of_unequal_numbers_start_with_glorots_limit_each():
    gates = Gates(2, (2, 200))
    gates.build((None, 40))
    for kernel, count in zip(gates.kernels, (2, 200), strict=True):
        limit = np.sqrt(6 / (40 + count))
        assert 0.9 * limit < np.abs(kernel.numpy()).max() <= limit


@pytest.mark.parametrize("own_inputs", [False, True])
@pytest.mark.parametrize("counts", [3, (3, 3), (1, 3), np.array([4, 2])])
def test_gates_are_softmaxes_of_linear_maps(counts, own_inputs):
    x = draw(ROWS, 2, FEATURES) if own_inputs else draw(ROWS, FEATURES)
    gates, found = called(Gates(np.int64(2), counts), x)
    numbers = (counts, counts) if np.ndim(counts) == 0 else tuple(counts)
    assert found.shape == (ROWS, 2, max(numbers))
    for gate, count in enumerate(numbers):
        kernel = gates.kernel[gate] if len(set(numbers)) == 1 else gates.kernels[gate]
        expected = softmax(double(x[:, gate] if own_inputs else x) @ double(kernel))
        np.testing.assert_allclose(found[:, gate, :count], expected, rtol=1e-4, atol=1e-6)
        assert (found[:, gate, count:] == 0).all()


def mixed(gates, experts, seen):
    """``sum_k g_tk e_k`` over the experts that each gate sees."""
    return np.stack(
        [
            sum(gates[:, t, [k]] * experts[:, expert] for k, expert in enumerate(row))
            for t, row in enumerate(seen)
        ],
        axis=1,
    )


@pytest.mark.parametrize(
    ("num_gates", "num_experts", "seen"),
    [
        (1, 4, None),
        (2, 4, None),
        (3, 5, None),
        (2, 3, [[0, 2], [1, 2]]),
        (3, 5, [[0, 4], [1, 2, 4], [3]]),
        (6, 4, [[3, 0]] * 6),
    ],
)
def test_a_mixture_adds_up_the_experts_that_a_gate_sees(num_gates, num_experts, seen):
    num_seen = num_experts if seen is None else max(map(len, seen))
    gates, experts = draw(ROWS, num_gates, num_seen), draw(ROWS, num_experts, 3, seed=5)
    rows = [range(num_experts)] * num_gates if seen is None else seen
    expected = mixed(double(gates), double(experts), rows)
    np.testing.assert_allclose(Mixture(seen)(gates, experts), expected, rtol=1e-4, atol=1e-5)


def test_the_two_ways_of_mixing_are_one():
    assert 2 * 4 <= Mixture.most_products < 3 * 4
    gates, experts = draw(ROWS, 3, 4), draw(ROWS, 4, 5)
    every = Mixture([[0, 1, 2, 3]] * 3)(gates, experts)
    np.testing.assert_allclose(Mixture()(gates, experts), every, rtol=1e-5, atol=1e-6)


def test_options_are_saved(tmp_path):
    x = keras.Input((2, FEATURES))
    stack = NetworkStack(
        5, (4,), "prelu", 3, dropout_rate=0.2, batch_normalization=True, readers=(2, 3)
    )
    gates = Gates(2, (2, 3))(x)
    model = keras.Model(x, Mixture([[0, 4], [1, 2, 3]])(gates, stack(x)))
    randomize(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    inputs = draw(ROWS, 2, FEATURES)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    for one, other in zip(model.layers, loaded.layers, strict=True):
        assert one.get_config() == other.get_config()
    again = next(layer for layer in loaded.layers if isinstance(layer, NetworkStack))
    assert (again.dropout_rate, again.batch_normalization, again.readers) == (0.2, True, (2, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NetworkStack(0, (4,)), "count: expected an integer of 1 or more"),
        (lambda: NetworkStack(2, ()), "expected at least 1 layer"),
        (lambda: NetworkStack(2, (4, 0)), "hidden_units: expected an integer of 1 or more"),
        (lambda: NetworkStack(2, (), output_units=0), "output_units: expected an integer"),
        (lambda: NetworkStack(2, (4,), dropout_rate=1), "dropout_rate: expected a finite number"),
        (lambda: NetworkStack(2, (4,), batch_normalization=1), "batch_normalization: expected"),
        (lambda: NetworkStack(3, (4,), readers=(1, 1)), "readers: expected 3 in all, got .1, 1."),
        (lambda: NetworkStack(3, (4,)).build((None, 2, 5)), "an input for each of 3 networks"),
        (
            lambda: NetworkStack(3, (4,), readers=(2, 1)).build((None, 3, 5)),
            r"expected an input for \(2, 1\), got 3",
        ),
        (lambda: Gates(0, 2), "num_gates: expected an integer of 1 or more"),
        (lambda: Gates(2, 0), "num_experts: expected an integer of 1 or more"),
        (lambda: Gates(2, (2, 3, 4)), "num_experts: expected a number for each of 2 gates"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
