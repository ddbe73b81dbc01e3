"""Shared-Bottom, MMoE, CGC and PLE: their formulas, and whose gradient reaches whom."""

import functools

import numpy as np
import pytest
from reference import randomize
from task_oracles import extraction_levels, mixtures_of_experts, shared_bottom
from tiny_tasks import (
    COLUMNS,
    FEATURES,
    NUM_ROWS,
    TASKS,
    WIDTH,
    by_name,
    gradients_of,
    predictions,
)

from recsys_lib.layers.network_stack import Gates, NetworkStack
from recsys_lib.multi_task import (
    build_cgc,
    build_mmoe,
    build_omoe,
    build_ple,
    build_shared_bottom,
    build_stem,
)
from recsys_lib.multi_task.ple import experts_seen

SIZES = {"embedding_dim": WIDTH, "expert_units": (5, 4), "tower_units": (3,)}
MODELS = {
    "shared_bottom": functools.partial(
        build_shared_bottom, embedding_dim=WIDTH, hidden_units=(5, 4), tower_units=(3,)
    ),
    "mmoe": functools.partial(build_mmoe, num_experts=3, **SIZES),
    "omoe": functools.partial(build_omoe, num_experts=3, **SIZES),
    "cgc": functools.partial(build_cgc, **SIZES),
    "ple": functools.partial(build_ple, num_levels=3, num_shared_experts=1, **SIZES),
    "stem": functools.partial(build_stem, **SIZES),
}
NUM_TASKS = len(TASKS)


def assert_outputs(model, expected):
    found = model(FEATURES)
    assert set(found) == set(TASKS)
    for task in TASKS:
        np.testing.assert_allclose(found[task], expected[task], rtol=1e-4, atol=1e-5)


def test_shared_bottom_equals_its_formula():
    model = randomize(MODELS["shared_bottom"](COLUMNS, TASKS))
    assert_outputs(model, predictions(model, shared_bottom(model, by_name(model, "features"))))


@pytest.mark.parametrize("name", ["mmoe", "omoe"])
def test_mixtures_of_experts_equal_their_formula(name):
    model = randomize(MODELS[name](COLUMNS, TASKS))
    mixtures = mixtures_of_experts(model, by_name(model, "features"))
    assert mixtures.shape == (NUM_ROWS, NUM_TASKS, 4)
    assert_outputs(model, predictions(model, mixtures))


@pytest.mark.parametrize(
    ("name", "options", "own", "shared"),
    [
        ("cgc", {}, [(2, 2, 2)], [2]),
        ("ple", {}, [(2, 2, 2)] * 3, [1, 1, 1]),
        (
            "ple",
            {"num_levels": 2, "num_task_experts": (2, 1), "num_shared_experts": (1, 3)},
            [(2, 2, 2), (1, 1, 1)],
            [1, 3],
        ),
        (
            "ple",
            {
                "num_levels": np.int64(2),
                "num_task_experts": {"minutes": np.array([1, 3]), "click": 2, "like": [3, 1]},
                "num_shared_experts": np.int32(2),
            },
            [(2, 3, 1), (2, 1, 3)],
            [2, 2],
        ),
        ("cgc", {"num_task_experts": {"click": 1, "like": 2, "minutes": 1}}, [(1, 2, 1)], [2]),
    ],
    ids=["CGC", "PLE", "by level", "by task and level", "by task"],
)
def test_extraction_levels_equal_their_formula(name, options, own, shared):
    model = randomize(MODELS[name](COLUMNS, TASKS, **options))
    levels = extraction_levels(model, by_name(model, "features"), own, shared)
    assert_outputs(model, predictions(model, levels))


def test_a_gate_shows_zero_behind_a_tasks_last_expert():
    model = build_cgc(COLUMNS, TASKS, num_task_experts={"click": 1, "like": 3, "minutes": 2})
    gates = by_name(randomize(model), "gates_1")
    assert gates.shape == (NUM_ROWS, 3, 5)
    assert (gates[:, 0, 3:] == 0).all() and (gates[:, 1] > 0).all() and (gates[:, 2, 4] == 0).all()
    np.testing.assert_allclose(gates.sum(axis=-1), 1, rtol=1e-6)


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


@pytest.mark.parametrize("name", ["mmoe", "omoe", "cgc", "ple", "stem"])
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


@pytest.mark.parametrize("name", ["mmoe", "cgc", "ple", "stem"])
def test_experts_and_gates_start_differently(name):
    model = MODELS[name](COLUMNS, TASKS)
    for layer in model.layers:
        if isinstance(layer, NetworkStack | Gates):
            for weight in layer.weights:
                if "kernel" in weight.path and weight.shape[0] > 1:
                    values = weight.numpy().reshape(len(weight.numpy()), -1)
                    gaps = np.abs(values[:, None] - values[None]).max(axis=2)
                    assert gaps[~np.eye(len(values), dtype=bool)].min() > 1e-3


def test_a_gate_sees_its_own_experts_and_the_shared_ones():
    np.testing.assert_array_equal(experts_seen(3, 2, 1), [[0, 1, 6], [2, 3, 6], [4, 5, 6]])


@pytest.mark.parametrize("name", MODELS)
def test_a_name_gives_a_tensor_and_one_name_in_a_tuple_a_dict(name):
    alone = randomize(MODELS[name](COLUMNS, "click"))
    keyed = MODELS[name](COLUMNS, ("click",))
    keyed.set_weights(alone.get_weights())
    prediction = np.asarray(alone(FEATURES))
    assert prediction.shape == (NUM_ROWS,) and 0 < prediction.min() and prediction.max() < 1
    assert set(keyed.output) == {"click"}
    np.testing.assert_array_equal(keyed(FEATURES)["click"], prediction)


@pytest.mark.parametrize("name", MODELS)
def test_every_hidden_network_gets_the_options(name):
    own = "bottom_activation" if name == "shared_bottom" else "expert_activation"
    options = {"activation": "tanh", "dropout_rate": 0.25, "batch_normalization": True}
    for activation, more in (("tanh", {}), ("gelu", {own: "gelu"})):
        model = MODELS[name](COLUMNS, TASKS, **options, **more)
        layers = [layer for layer in model.layers if hasattr(layer, "dropout_rate")]
        assert len(layers) == (4 if name == "ple" else 2)
        for layer in layers:
            assert layer.dropout_rate == 0.25 and layer.batch_normalization
            expected = "tanh" if layer.name == "towers" else activation
            assert layer.get_config()["activation"] == expected
