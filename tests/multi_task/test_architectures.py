"""Shared-Bottom, MMoE, CGC, PLE and ESMM: their formulas, and whose gradient reaches whom."""

import functools

import keras
import numpy as np
import pytest
from tiny_tasks import (
    COLUMNS,
    FEATURES,
    NUM_ROWS,
    TASKS,
    WIDTH,
    by_name,
    gradients_of,
    network,
    numbers,
    predictions,
    randomize,
    softmax,
)

from recsys_lib.layers.network_stack import Gates, Mixture, NetworkStack
from recsys_lib.multi_task import (
    build_cgc,
    build_esmm,
    build_mmoe,
    build_omoe,
    build_ple,
    build_shared_bottom,
)
from recsys_lib.multi_task.ple import experts_seen
from recsys_lib.training import load, predict, save

SIZES = {"embedding_dim": WIDTH, "expert_units": (5, 4), "tower_units": (3,)}
MODELS = {
    "shared_bottom": functools.partial(
        build_shared_bottom, embedding_dim=WIDTH, bottom_units=(5, 4), tower_units=(3,)
    ),
    "mmoe": functools.partial(build_mmoe, num_experts=3, **SIZES),
    "omoe": functools.partial(build_omoe, num_experts=3, **SIZES),
    "cgc": functools.partial(build_cgc, **SIZES),
    "ple": functools.partial(build_ple, num_levels=3, num_shared_experts=1, **SIZES),
}
NUM_TASKS = len(TASKS)


def assert_outputs(model, expected):
    found = model(FEATURES)
    assert set(found) == set(TASKS)
    for task in TASKS:
        np.testing.assert_allclose(found[task], expected[task], rtol=1e-4, atol=1e-5)


def test_shared_bottom_equals_its_formula():
    model = randomize(MODELS["shared_bottom"](COLUMNS, TASKS))
    bottom = by_name(model, "features")
    weights = [w.numpy().astype(np.float64) for w in model.get_layer("shared_bottom").weights]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        bottom = np.maximum(bottom @ kernel + bias, 0)
    assert_outputs(model, predictions(model, np.repeat(bottom[:, None], NUM_TASKS, axis=1)))


@pytest.mark.parametrize("name", ["mmoe", "omoe"])
def test_mixtures_of_experts_equal_their_formula(name):
    model = randomize(MODELS[name](COLUMNS, TASKS))
    x, kernel = by_name(model, "features"), numbers(model.get_layer("gates"), "kernel")
    experts = [network(model.get_layer("experts"), k, x) for k in range(3)]
    mixtures = np.zeros((NUM_ROWS, NUM_TASKS, 4))
    for task in range(NUM_TASKS):
        gate = softmax(x @ kernel[0 if name == "omoe" else task])
        for k, expert in enumerate(experts):
            mixtures[:, task] += gate[:, [k]] * expert
    assert_outputs(model, predictions(model, mixtures))


def reference_ple(model, num_levels, num_own, num_shared):
    x = by_name(model, "features")
    inputs = [x] * (NUM_TASKS + 1)
    for level in range(1, num_levels + 1):
        stack = model.get_layer(f"experts_{level}")
        kernel = numbers(model.get_layer(f"gates_{level}"), "kernel")
        own = [
            [network(stack, task * num_own + k, inputs[task]) for k in range(num_own)]
            for task in range(NUM_TASKS)
        ]
        first = NUM_TASKS * num_own
        shared = [network(stack, first + k, inputs[-1]) for k in range(num_shared)]
        after = []
        for task in range(NUM_TASKS):
            gate = softmax(inputs[task] @ kernel[task])
            seen = own[task] + shared
            after.append(sum(gate[:, [k]] * expert for k, expert in enumerate(seen)))
        if level < num_levels:
            gate = softmax(
                inputs[-1] @ numbers(model.get_layer(f"shared_gate_{level}"), "kernel")[0]
            )
            every = [expert for experts in own for expert in experts] + shared
            after.append(sum(gate[:, [k]] * expert for k, expert in enumerate(every)))
        inputs = after
    return np.stack(inputs, axis=1)


@pytest.mark.parametrize(("name", "levels", "shared"), [("cgc", 1, 2), ("ple", 3, 1)])
def test_extraction_levels_equal_their_formula(name, levels, shared):
    model = randomize(MODELS[name](COLUMNS, TASKS))
    assert_outputs(model, predictions(model, reference_ple(model, levels, 2, shared)))


def test_one_level_of_ple_is_cgc_bit_for_bit():
    cgc = randomize(build_cgc(COLUMNS, TASKS, **SIZES))
    ple = build_ple(COLUMNS, TASKS, num_levels=1, **SIZES)
    ple.set_weights(cgc.get_weights())
    for task in TASKS:
        np.testing.assert_array_equal(ple(FEATURES)[task], cgc(FEATURES)[task])


def test_one_expert_is_shared_bottom():
    mmoe = randomize(build_mmoe(COLUMNS, TASKS, num_experts=1, **SIZES))
    bottom = MODELS["shared_bottom"](COLUMNS, TASKS)
    bottom.get_layer("embedding").set_weights(mmoe.get_layer("embedding").get_weights())
    experts = mmoe.get_layer("experts").weights
    by_layer = [weight.numpy()[0] for weight in experts]
    bottom.get_layer("shared_bottom").set_weights(by_layer)
    for name in ("towers", *TASKS):
        bottom.get_layer(name).set_weights(mmoe.get_layer(name).get_weights())
    for task in TASKS:
        np.testing.assert_allclose(bottom(FEATURES)[task], mmoe(FEATURES)[task], rtol=1e-5)


def test_equal_gates_are_one_gate():
    omoe, mmoe = (MODELS[name](COLUMNS, TASKS) for name in ("omoe", "mmoe"))
    randomize(omoe)
    for name in ("embedding", "experts", "towers", *TASKS):
        mmoe.get_layer(name).set_weights(omoe.get_layer(name).get_weights())
    kernel = omoe.get_layer("gates").get_weights()[0]
    mmoe.get_layer("gates").set_weights([np.repeat(kernel, NUM_TASKS, axis=0)])
    for task in TASKS:
        np.testing.assert_allclose(mmoe(FEATURES)[task], omoe(FEATURES)[task], rtol=1e-5)


@pytest.mark.parametrize("name", ["mmoe", "omoe", "cgc", "ple"])
def test_gates_sum_to_one_over_experts_and_have_no_bias(name):
    model = randomize(MODELS[name](COLUMNS, TASKS))
    for layer in model.layers:
        if isinstance(layer, Gates):
            mixture = by_name(model, layer.name)
            np.testing.assert_allclose(mixture.sum(axis=-1), 1, rtol=1e-5)
            assert mixture.std(axis=0).max() > 1e-3 and len(layer.weights) == 1


def reach(model, layer, task):
    """Which networks of a stack a task's gradient reaches."""
    gradient = gradients_of(model, task)[f"{layer}/kernel_0"]
    return np.abs(gradient).reshape(len(gradient), -1).max(axis=1) > 0


def test_in_mmoe_every_task_reaches_every_expert():
    model = randomize(MODELS["mmoe"](COLUMNS, TASKS))
    for task in TASKS:
        assert reach(model, "experts", task).all()


def test_in_cgc_no_gradient_reaches_a_foreign_expert():
    model = randomize(MODELS["cgc"](COLUMNS, TASKS))
    for position, task in enumerate(TASKS):
        expected = np.zeros(8, bool)
        expected[[2 * position, 2 * position + 1, 6, 7]] = True
        np.testing.assert_array_equal(reach(model, "experts_1", task), expected)


def test_in_ple_foreign_experts_are_cut_off_on_the_last_level_only():
    # No ReLU: a unit that is off in all seven rows would hide a path.
    model = randomize(MODELS["ple"](COLUMNS, TASKS, expert_activation="tanh"))
    for position, task in enumerate(TASKS):
        last = reach(model, "experts_3", task)
        expected = np.zeros(7, bool)
        expected[[2 * position, 2 * position + 1, 6]] = True
        np.testing.assert_array_equal(last, expected)
        # Below, tasks meet again: through the shared gate, which sees all experts.
        assert reach(model, "experts_1", task).all() and reach(model, "experts_2", task).all()


@pytest.mark.parametrize("name", MODELS)
def test_every_weight_is_used_by_some_task(name):
    model = randomize(MODELS[name](COLUMNS, TASKS))
    reached = set()
    for task in TASKS:
        for path, gradient in gradients_of(model, task).items():
            if gradient is not None and np.abs(gradient).max() > 0:
                reached.add(path)
    assert reached == {variable.path for variable in model.trainable_variables}


def test_the_last_level_has_no_shared_gate():
    names = {layer.name for layer in MODELS["ple"](COLUMNS, TASKS).layers}
    assert {"shared_gate_1", "shared_gate_2"} <= names and "shared_gate_3" not in names


@pytest.mark.parametrize("name", ["mmoe", "cgc", "ple"])
def test_experts_and_gates_start_differently(name):
    model = MODELS[name](COLUMNS, TASKS)
    for layer in model.layers:
        if isinstance(layer, NetworkStack | Gates):
            for weight in layer.weights:
                if "kernel" in weight.path and weight.shape[0] > 1:
                    values = weight.numpy().reshape(len(weight.numpy()), -1)
                    gaps = np.abs(values[:, None] - values[None]).max(axis=2)
                    assert gaps[~np.eye(len(values), dtype=bool)].min() > 1e-3


def test_a_stack_starts_with_glorots_limit_for_one_network():
    stack = NetworkStack(50, (8,))
    stack.build((None, 4))
    largest = np.abs(stack.kernels[0].numpy()).max()
    assert 0.98 * np.sqrt(6 / 12) < largest <= np.sqrt(6 / 12)


def test_esmm_multiplies_the_two_probabilities_and_shares_the_table():
    model = randomize(build_esmm(COLUMNS, embedding_dim=WIDTH, hidden_units=(5, 4)))
    click, given = by_name(model, "click"), by_name(model, "conversion_given_click")
    outputs = model(FEATURES)
    np.testing.assert_allclose(outputs["conversion"], click * given, rtol=1e-5)
    assert (np.asarray(outputs["conversion"]) < np.asarray(outputs["click"])).all()
    assert sum("table" in v.path for v in model.trainable_variables) == 1
    towers = [p for p, g in gradients_of(model, "click").items() if g is None]
    assert {path.split("/")[0] for path in towers} == {
        "cvr_tower",
        "cvr_tower_logit",
        "conversion_given_click",
    }
    # All impressions train both towers, through the product.
    assert all(g is not None for g in gradients_of(model, "conversion").values())


@pytest.mark.parametrize("name", [*MODELS, "esmm"])
def test_save_load_and_predict_the_same_bits(name, tmp_path):
    build = build_esmm if name == "esmm" else functools.partial(MODELS[name], tasks=TASKS)
    model = randomize(build(COLUMNS))
    save(model, tmp_path / "model.keras")
    before, after = predict(model, FEATURES), predict(load(tmp_path / "model.keras"), FEATURES)
    assert before.keys() == after.keys()
    for task in before:
        np.testing.assert_array_equal(after[task], before[task])


@pytest.mark.parametrize("name", MODELS)
def test_no_row_depends_on_another(name):
    model = randomize(MODELS[name](COLUMNS, TASKS))
    together = model(FEATURES)
    for row in range(NUM_ROWS):
        alone = model({column: values[[row]] for column, values in FEATURES.items()})
        for task in TASKS:
            np.testing.assert_allclose(alone[task], together[task][row : row + 1], rtol=1e-5)


def test_a_gate_sees_its_own_experts_and_the_shared_ones():
    np.testing.assert_array_equal(experts_seen(3, 2, 1), [[0, 1, 6], [2, 3, 6], [4, 5, 6]])


def test_a_mixture_saves_what_its_gates_see(tmp_path):
    gates, experts = keras.Input((2, 2)), keras.Input((3, 4))
    model = keras.Model([gates, experts], Mixture([[0, 2], [1, 2]])(gates, experts))
    model.save(tmp_path / "mixture.keras")
    loaded = keras.saving.load_model(tmp_path / "mixture.keras")
    rng = np.random.default_rng(0)
    g, e = rng.normal(size=(5, 2, 2)).astype("f4"), rng.normal(size=(5, 3, 4)).astype("f4")
    first = g[:, 0, :1] * e[:, 0] + g[:, 0, 1:] * e[:, 2]
    second = g[:, 1, :1] * e[:, 1] + g[:, 1, 1:] * e[:, 2]
    expected = np.stack([first, second], axis=1)
    np.testing.assert_allclose(loaded([g, e]), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: build_mmoe(COLUMNS, []), "tasks: expected at least one, got none"),
        (lambda: build_mmoe(COLUMNS, "click"), "tasks: expected different names"),
        (lambda: build_mmoe(COLUMNS, ["click", "click"]), "tasks: expected different names"),
        (lambda: build_mmoe(COLUMNS, {"click": "count"}), "task 'click': expected 'binary' or"),
        (lambda: build_mmoe(COLUMNS, TASKS, num_experts=0), "experts: expected 1 network"),
        (lambda: build_mmoe(COLUMNS, TASKS, expert_units=(4, 0)), "widths of 1 or more"),
        (lambda: build_ple(COLUMNS, TASKS, num_levels=0), "num_levels: expected 1 or more"),
        (lambda: build_cgc(COLUMNS, TASKS, num_shared_experts=0), "num_shared_experts: expected"),
        (lambda: build_cgc(COLUMNS, TASKS, num_task_experts=0), "num_task_experts: expected"),
        (lambda: build_esmm(COLUMNS, "click", "click"), "expected two different names"),
        (lambda: NetworkStack(3, (4,)).build((None, 2, 5)), "an input for each of 3 networks"),
        (lambda: Gates(0, 2), "expected 1 gate and 1 expert or more"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
