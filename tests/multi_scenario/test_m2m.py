"""M2M: its formula row by row, attention over experts, residuals, and one meta unit per layer."""

import functools

import keras
import numpy as np
import pytest
from reference import randomize, sigmoid
from tiny_scenarios import (
    COLUMNS,
    COUNT,
    FEATURES,
    NUM_ROWS,
    WIDTH,
    gradients_of,
    numbers,
    output_of,
    rows,
    surfaces,
    vectors_of,
)

from recsys_lib.features.columns import NumericColumn
from recsys_lib.multi_scenario import build_m2m
from recsys_lib.multi_scenario.m2m import MetaAttention, MetaUnit

TASKS = {"click": "binary", "minutes": "regression"}
build = functools.partial(
    build_m2m,
    COLUMNS,
    TASKS,
    embedding_dim=WIDTH,
    num_experts=3,
    expert_units=(5, 4),
    num_meta_layers=2,
    knowledge_units=(3,),
)
UNITS = 4


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def meta_unit(layer, task, h, knowledge, num_layers=2):
    """Algorithm 1 of the paper for one row and task."""
    for position in range(num_layers):
        weights = []
        for kind in ("kernel", "bias"):
            of_knowledge = numbers(layer, f"{kind}_map_{position}")[:, task]
            start = numbers(layer, f"{kind}_{position}")[task]
            total = start.copy()
            for value, part in zip(knowledge, of_knowledge, strict=True):
                total += value * part
            weights.append(total)
        h = leaky(h @ weights[0] + weights[1])
    return h


def knowledge_of(model, profile=("user_id",), features=FEATURES):
    facts = [vectors_of(model, "scenario_embedding", "surface", features["surface"])]
    facts += [vectors_of(model, "embedding", name, features[name]) for name in profile]
    kernel, bias = (w.numpy().astype(np.float64) for w in model.get_layer("knowledge").weights)
    return leaky(np.hstack(facts) @ kernel + bias)


def experts_of(model):
    stack, outputs = model.get_layer("experts"), []
    for expert in range(3):
        current = output_of(model, "features")
        for position in range(2):
            kernel = numbers(stack, f"kernel_{position}")[expert]
            current = leaky(current @ kernel + numbers(stack, f"bias_{position}")[expert])
        outputs.append(current)
    return np.stack(outputs, axis=1)


def task_vectors(layer):
    kernel, bias = (w.numpy().astype(np.float64) for w in layer.task_layer.weights)
    return leaky(numbers(layer, "task_embedding") @ kernel + bias)


def attention_of(layer, experts, knowledge, task):
    """Of one row: ``(experts,)``."""
    vector, v = task_vectors(layer)[task], numbers(layer, "v")[:, 0]
    scores = [
        v @ meta_unit(layer.meta, task, np.concatenate([expert, vector]), knowledge)
        for expert in experts
    ]
    powers = np.exp(np.array(scores) - max(scores))
    return powers / powers.sum()


def reference(model, profile=("user_id",)):
    outputs = {task: [] for task in TASKS}
    attention, last = model.get_layer("attention"), model.get_layer("task_logits")
    for knowledge, experts in zip(knowledge_of(model, profile), experts_of(model), strict=True):
        for position, (task, kind) in enumerate(TASKS.items()):
            current = attention_of(attention, experts, knowledge, position) @ experts
            for layer in (1, 2):
                unit = model.get_layer(f"meta_unit_{layer}")
                current = leaky(meta_unit(unit, position, current, knowledge) + current)
            logit = current @ numbers(last, "kernel_0")[position][:, 0]
            logit += numbers(last, "bias_0")[position][0] + numbers(model.get_layer(task), "bias")
            outputs[task].append(sigmoid(logit) if kind == "binary" else logit)
    return outputs


@pytest.mark.parametrize("profile", [None, ("item_id",), ()])
def test_m2m_equals_its_formula(profile):
    model = randomize(build(profile=profile))
    expected = reference(model, ("user_id",) if profile is None else profile)
    found = model(FEATURES)
    assert set(found) == set(TASKS)
    for task in TASKS:
        np.testing.assert_allclose(found[task], expected[task], rtol=1e-3, atol=1e-5)


def test_attention_sums_to_one_over_the_experts():
    model = randomize(build())
    attention = output_of(model, "attention")
    assert attention.shape == (NUM_ROWS, len(TASKS), 3)
    np.testing.assert_allclose(attention.sum(axis=2), 1, rtol=1e-5)
    assert np.abs(attention[:, 0] - attention[:, 1]).max() > 0.01
    other = output_of(model, "attention", {**FEATURES, "surface": surfaces(3)["surface"]})
    moved = np.abs(attention - other).max(axis=(1, 2)) > 1e-4
    np.testing.assert_array_equal(moved, FEATURES["surface"] != 3)


def test_tasks_differ_by_their_vectors_alone_where_their_meta_units_agree():
    layer = MetaAttention(2)
    rng = np.random.default_rng(0)
    experts, knowledge = (rng.normal(size=shape).astype("f4") for shape in ((6, 3, UNITS), (6, 2)))
    layer(experts, knowledge)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    for of_tasks, axis in [(layer.meta.maps, 1), (layer.meta.starts, 0)]:
        for weight in of_tasks:
            first = np.take(weight.numpy(), [0, 0], axis=axis)
            weight.assign(first)
    found = layer(experts, knowledge).numpy()
    assert np.abs(found[:, 0] - found[:, 1]).max() > 0.01
    layer.task_embedding.assign(layer.task_embedding.numpy()[[0, 0]])
    found = layer(experts, knowledge).numpy()
    np.testing.assert_allclose(found[:, 0], found[:, 1], rtol=1e-5)


def test_a_silent_meta_unit_leaves_the_residual():
    model = randomize(build())
    for name in ("meta_unit_1", "meta_unit_2"):
        layer = model.get_layer(name)
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    mixtures = output_of(model, "mixtures")
    np.testing.assert_allclose(output_of(model, "tower_1"), leaky(mixtures), rtol=1e-5)
    np.testing.assert_allclose(output_of(model, "tower_2"), leaky(leaky(mixtures)), rtol=1e-5)


def test_a_meta_unit_is_linear_in_the_knowledge_before_its_activation():
    layer = MetaUnit(3, activation="linear")
    rng = np.random.default_rng(0)
    x, s, t = (rng.normal(size=shape).astype("f4") for shape in ((5, 2, 4), (5, 3), (5, 3)))
    layer(x, s)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    start = layer(x, 0 * s).numpy()
    total = layer(x, 2 * s - t).numpy() - start
    parts = 2 * (layer(x, s).numpy() - start) - (layer(x, t).numpy() - start)
    np.testing.assert_allclose(total, parts, rtol=1e-3, atol=1e-4)
    assert np.abs(total).max() > 0.1


def test_every_layer_of_the_tower_has_a_meta_unit_of_its_own():
    model = build(num_tower_layers=3)
    kernels = [model.get_layer(f"meta_unit_{layer}").maps[0].numpy() for layer in (1, 2, 3)]
    assert np.abs(kernels[0] - kernels[1]).max() > 0.01
    assert np.abs(kernels[1] - kernels[2]).max() > 0.01
    for kernel in kernels:  # and every task
        assert np.abs(kernel[:, 0] - kernel[:, 1]).max() > 0.01


def test_every_weight_is_reached_and_a_task_reaches_its_own_meta_units_only():
    model = randomize(build())
    for position, task in enumerate(TASKS):
        gradients = gradients_of(keras.Model(model.inputs, model.output[task]))
        for path, gradient in gradients.items():
            assert np.abs(gradient).max() > 0, path
            if "meta_unit" in path:
                axis = 1 if "_map_" in path else 0
                assert not np.take(gradient, 1 - position, axis=axis).any()
                assert np.take(gradient, position, axis=axis).any()


def test_a_mixed_batch_equals_its_scenarios_apart():
    model = randomize(build())
    together = model(FEATURES)
    for scenario in range(1, COUNT + 1):
        own = FEATURES["surface"] == scenario
        apart = model(rows(own))
        for task in TASKS:
            np.testing.assert_allclose(
                apart[task], together[task].numpy()[own], rtol=1e-4, atol=1e-6
            )


def test_an_unseen_scenario_leaves_the_weights_to_the_profile():
    model = randomize(build())
    model(surfaces(1, 2), training=True)
    unknown = model(surfaces(0))["minutes"].numpy()
    np.testing.assert_array_equal(model(surfaces(3))["minutes"], unknown)
    assert np.abs(model(surfaces(2))["minutes"].numpy() - unknown).max() > 1e-3
    knowledge = output_of(model, "knowledge", surfaces(3))
    np.testing.assert_allclose(knowledge, knowledge_of(model, features=surfaces(0)), rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: build_m2m(COLUMNS[2:]), "expected one column of group 'scenario'"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_a_user_the_scenario_alone_writes_the_weights():
    columns = [COLUMNS[1], NumericColumn("price")]
    model = randomize(build_m2m(columns, embedding_dim=WIDTH, expert_units=(4,)))
    features = {name: FEATURES[name] for name in ("surface", "price")}
    knowledge = output_of(model, "knowledge", features)
    same = FEATURES["surface"][:, None] == FEATURES["surface"]
    gaps = np.abs(knowledge[:, None] - knowledge[None]).max(axis=2)
    assert gaps[same].max() == 0 and gaps[~same].min() > 1e-4
