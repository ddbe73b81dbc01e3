"""PEPNet: its formula, what its gates may train, and that they say nothing at the start."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize, sigmoid
from tiny_scenarios import (
    COLUMNS,
    COUNT,
    FEATURES,
    WIDTH,
    gradients_of,
    numbers,
    output_of,
    rows,
    surfaces,
    vectors_of,
)

from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.multi_scenario import GateNU, build_pepnet
from recsys_lib.multi_task.gradients import shared_parameters

TASKS = {"click": "binary", "minutes": "regression"}
build = functools.partial(
    build_pepnet, COLUMNS, TASKS, embedding_dim=WIDTH, hidden_units=(5, 4), gate_units=3
)
GATES = ("epnet_gate", "ppnet_gate_1", "ppnet_gate_2")
CLICK = ("click",)
NETWORKS = ("hidden_1", "hidden_2", "task_logits")


def gate(model, name, inputs):
    weights = [w.numpy().astype(np.float64) for w in model.get_layer(name).weights]
    hidden = np.maximum(inputs @ weights[0] + weights[1], 0)
    return 2 * sigmoid(hidden @ weights[2] + weights[3])


def reference(model, features=FEATURES, prior=("user_id", "item_id")):
    """Equations of the paper, one task after the other."""
    plain = output_of(model, "features", features)
    domain = vectors_of(model, "scenario_embedding", "surface", features["surface"])
    embedded = gate(model, "epnet_gate", np.hstack([domain, plain])) * plain
    personal = [vectors_of(model, "embedding", name, features[name]) for name in prior]
    read, outputs = np.hstack([*personal, embedded]), {}
    for position, (task, kind) in enumerate(TASKS.items()):
        hidden = embedded
        for layer, units in enumerate((5, 4), start=1):
            stack = model.get_layer(f"hidden_{layer}")
            kernel, bias = numbers(stack, "kernel_0")[position], numbers(stack, "bias_0")[position]
            hidden = np.maximum(hidden @ kernel + bias, 0)
            factors = gate(model, f"ppnet_gate_{layer}", read)
            hidden = factors[:, position * units : (position + 1) * units] * hidden
        last = model.get_layer("task_logits")
        logit = hidden @ numbers(last, "kernel_0")[position] + numbers(last, "bias_0")[position]
        logit = logit[:, 0] + numbers(model.get_layer(task), "bias")
        outputs[task] = sigmoid(logit) if kind == "binary" else logit
    return outputs


def test_pepnet_equals_its_formula():
    model = randomize(build())
    expected, found = reference(model), model(FEATURES)
    assert set(found) == set(TASKS)
    for task in TASKS:
        np.testing.assert_allclose(found[task], expected[task], rtol=1e-4, atol=1e-5)


def test_the_features_hold_everything_but_the_scenario_and_the_prior_is_a_part_of_them():
    model = randomize(build(prior=["item_id"]))
    assert model.get_layer("features").output.shape == (None, 7)
    features = output_of(model, "features")
    for name in ("user_id", "item_id"):
        vectors = vectors_of(model, "embedding", name, FEATURES[name])
        assert any(np.allclose(features[:, at : at + WIDTH], vectors) for at in range(6))
    expected = reference(model, prior=["item_id"])
    np.testing.assert_allclose(model(FEATURES)["click"], expected["click"], rtol=1e-4)
    assert sum("table" in v.path for v in model.trainable_variables) == 2


@pytest.mark.parametrize("name", GATES)
def test_a_gate_lies_between_zero_and_two(name):
    factors = output_of(randomize(build(), scale=3.0), name)
    assert factors.min() < 0.1 and 1.9 < factors.max() <= 2


def closed(model):
    """The model with zero weights in the last layer of every gate."""
    for name in GATES:
        last = model.get_layer(name).factors
        last.set_weights([np.zeros_like(weight) for weight in last.get_weights()])
    return model


def test_zero_weights_in_the_last_layer_make_a_gate_the_identity():
    model = closed(randomize(build()))
    for name in GATES:
        assert (output_of(model, name) == 1).all()
    np.testing.assert_array_equal(output_of(model, "gated_2"), output_of(model, "hidden_2"))
    # Nothing else knows the scenario.
    np.testing.assert_array_equal(model(surfaces(1))["click"], model(surfaces(3))["click"])


def test_at_the_start_gates_are_near_one():
    for name in GATES:
        np.testing.assert_allclose(output_of(build(), name, rows(slice(1, 2))), 1, atol=0.5)


def gradients_on(model, tensor, others, outputs):
    """Gradient of each output with respect to one tensor of the graph, the others held fixed."""
    names = [tensor, *others]
    part = keras.Model([model.get_layer(name).output for name in names], outputs)
    given = [tf.constant(output_of(model, name), tf.float32) for name in names]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(given[0])
        found = [tf.reduce_sum(tf.sin(output)) for output in keras.tree.flatten(part(given))]
    return [tape.gradient(value, given[0]) for value in found]


def test_no_gradient_passes_the_gate_of_epnet_but_the_gated_features_train():
    model = randomize(build())
    outputs = [model.get_layer(name).output for name in ("epnet_gate", "gated_features")]
    through_gate, gated = gradients_on(model, "features", ["scenario_vector"], outputs)
    assert through_gate is None
    # d(gate o E)/dE is the gate alone.
    factors, embedded = output_of(model, "epnet_gate"), output_of(model, "gated_features")
    np.testing.assert_allclose(gated, factors * np.cos(embedded), rtol=1e-4, atol=1e-5)


def test_no_gradient_passes_the_gates_of_ppnet_to_the_embeddings_of_epnet():
    model = randomize(build())
    groups = model.get_layer("embedding").output
    outputs = [model.get_layer(name).output for name in ("ppnet_gate_1", "ppnet_gate_2")]
    cut = [model.get_layer("gated_features").output, *groups]
    part, inside = keras.Model(cut, outputs), keras.Model(model.inputs, cut)(FEATURES)
    with tf.GradientTape() as tape:
        tape.watch(inside)
        total = sum(tf.reduce_sum(tf.sin(output)) for output in part(inside))
    embedded, *tables = tape.gradient(total, inside)
    assert embedded is None
    # The prior's own vectors are trained by the gates; the history is no part of it.
    trained = [gradient is not None and np.abs(gradient).max() > 0 for gradient in tables]
    assert sum(trained) == 2


def test_the_towers_train_the_gated_features():
    model = randomize(build())
    outputs = [model.get_layer("hidden_1").output]
    (gradient,) = gradients_on(model, "gated_features", [], outputs)
    assert np.abs(gradient).max() > 0


def test_every_weight_is_reached_and_a_task_reaches_its_own_network_only():
    # Wide enough that no ReLU closes a path for all rows.
    model = randomize(
        build_pepnet(COLUMNS, TASKS, embedding_dim=WIDTH, hidden_units=(16, 16), gate_units=16)
    )
    for position, task in enumerate(TASKS):
        single = keras.Model(model.inputs, model.output[task])
        gradients = gradients_of(single)
        for path, gradient in gradients.items():
            own = gradient[[position]] if path.split("/")[0] in NETWORKS else gradient
            assert np.abs(own).max() > 0, path
            if path.split("/")[0] in NETWORKS:
                assert not gradient[[1 - position]].any()


def test_tasks_have_gates_of_their_own():
    for layer in (1, 2):
        factors = output_of(randomize(build()), f"ppnet_gate_{layer}")
        assert factors.shape[1] == len(TASKS)
        assert np.abs(factors[:, 0] - factors[:, 1]).max() > 1e-2


def test_a_mixed_batch_equals_its_scenarios_apart():
    model = randomize(build())
    together = model(FEATURES)
    for scenario in range(1, COUNT + 1):
        own = FEATURES["surface"] == scenario
        apart = model(rows(own))
        for task in TASKS:
            np.testing.assert_allclose(apart[task], together[task].numpy()[own], rtol=1e-5)


def test_an_unseen_scenario_is_the_zero_vector():
    model = randomize(build())
    model(surfaces(1, 2), training=True)
    unknown = model(surfaces(0))["click"].numpy()
    np.testing.assert_array_equal(model(surfaces(3))["click"], unknown)
    assert np.abs(model(surfaces(2))["click"].numpy() - unknown).max() > 1e-3
    assert not output_of(model, "scenario_vector", surfaces(0, 3)).any()


def test_the_last_layer_that_tasks_share_is_the_gate_of_the_embeddings():
    # The gates of PPNet hold a block of their kernel for each task, which no other task trains.
    assert shared_parameters(build()).name == "epnet_gate"


def test_a_group_may_have_any_name():
    """The prior is regrouped inside; a group of that name must not slip into it."""
    shapes = set()
    for group in ("misc", "chosen_user", "chosen_item"):
        columns = [*COLUMNS, CategoricalColumn("age", 7, group=group)]
        model = build_pepnet(columns, CLICK, embedding_dim=WIDTH, hidden_units=(5,), gate_units=3)
        shapes.add(model.get_layer("ppnet_gate_1").weights[0].shape)
    assert len(shapes) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: build_pepnet(
                [COLUMNS[1], NumericColumn("price"), CategoricalColumn("hour", 3)], ["click"]
            ),
            "prior: expected names of columns, or a categorical one of user or item",
        ),
        (lambda: build_pepnet(COLUMNS[2:]), "expected one column of group 'scenario'"),
        (lambda: GateNU(3, num_tasks=0), "num_tasks: expected an integer of 1 or more, got 0"),
        (lambda: GateNU(3, gamma=0.0), "gamma: .* from 0 excluding 0, got 0.0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
