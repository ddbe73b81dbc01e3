"""HMoE: its formula, and what a row of one scenario trains of the others."""

import dataclasses
import functools

import numpy as np
import pytest
from reference import randomize, sigmoid, softmax
from tiny_scenarios import (
    COLUMNS,
    COUNT,
    FEATURES,
    NUM_ROWS,
    WIDTH,
    gradients_of,
    numbers,
    output_of,
    relu_network,
    rows,
    surfaces,
)

from recsys_lib.multi_scenario import build_hmoe

NUM_EXPERTS = 2
ONE_SURFACE = {"surface": {"vocabulary_size": 2}}
build = functools.partial(
    build_hmoe, embedding_dim=WIDTH, num_experts=NUM_EXPERTS, expert_units=(5, 4), tower_units=(3,)
)
# Wide enough that no ReLU closes a path for all rows of a scenario.
wide = functools.partial(
    build_hmoe, embedding_dim=WIDTH, num_experts=3, expert_units=(16, 16), tower_units=(16,)
)


def of_network(layer, position):
    depth = len(layer.kernels)
    kernels = [numbers(layer, f"kernel_{index}")[position] for index in range(depth)]
    return kernels, [numbers(layer, f"bias_{index}")[position] for index in range(depth)]


def scores_and_weights(model, features, own_gates):
    """By the formulas: ``(batch, scenarios)`` scores, ``(scenarios or 1, batch, scenarios)``."""
    x = output_of(model, "features", features)
    experts = [
        np.maximum(relu_network(x, *of_network(model.get_layer("experts"), k)), 0)
        for k in range(NUM_EXPERTS)
    ]
    gates = numbers(model.get_layer("gates"), "kernel")
    scores = []
    for tower in range(COUNT):
        gate = softmax(x @ gates[tower if own_gates else 0])
        mixture = sum(gate[:, [k]] * expert for k, expert in enumerate(experts))
        scores.append(relu_network(mixture, *of_network(model.get_layer("towers"), tower))[:, 0])
    kernels = numbers(model.get_layer("weight_networks"), "kernel")
    return np.stack(scores, axis=1), np.stack([softmax(x @ kernel) for kernel in kernels])


@pytest.mark.parametrize("own_gates", [False, True])
def test_hmoe_equals_its_formula(own_gates):
    model = randomize(build(COLUMNS, own_gates=own_gates))
    scores, weights = scores_and_weights(model, FEATURES, own_gates)
    assert len(weights) == (COUNT if own_gates else 1)
    logits = []
    for row, scenario in enumerate(FEATURES["surface"]):
        of_row = weights[scenario - 1 if own_gates else 0, row]
        logits.append(sum(of_row[j] * scores[row, j] for j in range(COUNT)))
    expected = sigmoid(np.array(logits) + numbers(model.get_layer("click"), "bias"))
    np.testing.assert_allclose(model(FEATURES), expected, rtol=1e-4)
    found = output_of(model, "label_weights")
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert found.shape == (NUM_ROWS, COUNT)
    # Every tower has a score of its own, and every gate a mixture.
    np.testing.assert_allclose(output_of(model, "towers")[:, :, 0], scores, rtol=1e-3, atol=1e-4)
    assert output_of(model, "gates").shape == (NUM_ROWS, COUNT if own_gates else 1, NUM_EXPERTS)


@pytest.mark.parametrize("own_gates", [False, True])
def test_a_row_trains_its_own_tower_and_all_weights(own_gates):
    model = randomize(wide(COLUMNS, own_gates=own_gates))
    for scenario in range(1, COUNT + 1):
        gradients = gradients_of(model, rows(FEATURES["surface"] == scenario))
        own = np.arange(COUNT) == scenario - 1
        for path, gradient in gradients.items():
            gradient = np.atleast_1d(gradient)
            reached = np.abs(gradient.reshape(len(gradient), -1)).max(axis=1) > 0
            if path.startswith("towers"):
                np.testing.assert_array_equal(reached, own, path)
            elif own_gates and path.startswith(("gates", "weight_networks")):
                np.testing.assert_array_equal(reached, own, path)
            elif path.startswith(("experts", "gates", "weight_networks", "click")):
                assert reached.all(), path
        # The weights of other scenarios' scores learn too.
        of_weights = gradients["weight_networks/kernel"]
        assert (np.abs(of_weights[scenario - 1 if own_gates else 0]).max(axis=0) > 0).all()


def test_experts_and_gate_learn_through_the_own_score_only():
    model = randomize(wide(COLUMNS))
    last = model.get_layer("towers").kernels[-1]
    start = last.numpy()
    for scenario in range(1, COUNT + 1):
        own = np.arange(COUNT) == scenario - 1
        for silent, reaches in ((own, False), (~own, True)):
            last.assign(np.where(silent[:, None, None], 0, start))
            gradients = gradients_of(model, rows(FEATURES["surface"] == scenario))
            for path in ("experts/kernel_0", "experts/bias_1", "gates/kernel"):
                assert gradients[path].any() == reaches, path


@pytest.mark.parametrize("own_gates", [False, True])
def test_an_unknown_scenario_trains_the_weights_alone(own_gates):
    model = randomize(wide(COLUMNS, own_gates=own_gates))
    for path, gradient in gradients_of(model, surfaces(0)).items():
        if path.startswith(("towers", "experts", "gates")):
            assert not gradient.any(), path
        if path.startswith(("weight_networks", "embedding")):
            assert gradient.any(), path


@pytest.mark.parametrize("own_gates", [False, True])
def test_an_unknown_scenario_is_scored_by_all_towers(own_gates):
    model = randomize(build(COLUMNS, own_gates=own_gates))
    features = surfaces(0)
    scores, weights = scores_and_weights(model, features, own_gates)
    logit = (weights.mean(axis=0) * scores).sum(axis=1)
    expected = sigmoid(logit + numbers(model.get_layer("click"), "bias"))
    np.testing.assert_allclose(model(features), expected, rtol=1e-4)
    model(surfaces(1, 2), training=True)
    np.testing.assert_allclose(model(surfaces(3)), expected, rtol=1e-4)  # no training row
    assert np.abs(model(surfaces(2)).numpy() - expected).max() > 1e-3


@pytest.mark.parametrize("own_gates", [False, True])
def test_own_weight_raises_the_odds_of_the_own_score(own_gates):
    options = {"own_gates": own_gates}
    plain, raised = build(COLUMNS, **options), build(COLUMNS, own_weight=0.8, **options)
    randomize(plain), randomize(raised)
    weights, found = (output_of(model, "label_weights") for model in (plain, raised))
    own = np.eye(COUNT)[FEATURES["surface"] - 1]
    odds = weights * np.where(own, (COUNT - 1) * 0.8 / 0.2, 1)
    np.testing.assert_allclose(found, odds / odds.sum(axis=1, keepdims=True), rtol=1e-4)
    kernel = raised.get_layer("weight_networks").kernel
    kernel.assign(0 * kernel)
    np.testing.assert_allclose(output_of(raised, "label_weights")[own == 1], 0.8, rtol=1e-5)
    np.testing.assert_allclose(output_of(raised, "label_weights", surfaces(0)), 1 / COUNT)


@pytest.mark.filterwarnings("ignore:You are using a softmax")
def test_one_scenario_has_one_weight_of_one():
    columns = [dataclasses.replace(c, **ONE_SURFACE.get(c.name, {})) for c in COLUMNS]
    model = randomize(build(columns, own_weight=0.8))
    np.testing.assert_allclose(output_of(model, "label_weights", surfaces(1)), 1, rtol=1e-6)


def test_experts_gates_and_towers_start_differently():
    model = build(COLUMNS, own_gates=True)
    for name in ("experts", "gates", "towers", "weight_networks"):
        for weight in model.get_layer(name).weights:
            if "kernel" in weight.path:
                values = weight.numpy().reshape(weight.shape[0], -1)
                gaps = np.abs(values[:, None] - values[None]).max(axis=2)
                assert gaps[~np.eye(len(values), dtype=bool)].min() > 1e-3, weight.path


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: build(COLUMNS[2:]), "expected one column of group 'scenario'"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
