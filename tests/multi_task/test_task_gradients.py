"""The gradients of tasks on what they share: by hand, and on which parameters."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tiny_balancing as small
from tiny_tasks import COLUMNS, TASKS

from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.multi_task import (
    build_cgc,
    build_esmm,
    build_mmoe,
    build_omoe,
    build_ple,
    build_shared_bottom,
)
from recsys_lib.multi_task.gradients import gradient_cosines, shared_parameters, task_gradients

DATA = small.make_data()


def test_gradients_equal_the_chain_rule():
    keras.utils.set_random_seed(1)
    model = small.make_model()
    found = task_gradients(model, DATA)
    _, expected = small.losses_and_gradients(model, DATA.train, small.KINDS)
    assert found.shape == (2, 3 * 2 + 2) and found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    _, expected = small.losses_and_gradients(model, DATA.valid, small.KINDS)
    found = task_gradients(model, DATA.valid, tasks=small.KINDS)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_the_sample_of_rows_is_the_seeds():
    model = small.make_model()
    few = functools.partial(task_gradients, model, DATA, num_rows=10)
    np.testing.assert_array_equal(few(), few())
    assert (few() != few(seed=1)).any()
    every = task_gradients(model, DATA, num_rows=small.NUM_ROWS)
    np.testing.assert_allclose(every, task_gradients(model, DATA, num_rows=10**6), rtol=1e-6)
    assert np.abs(few() - every).max() > 1e-3


def test_a_splits_tasks_are_binary_unless_named():
    model = small.make_model(kinds={"click": "binary", "like": "binary"})
    data = small.make_data({"click": "binary", "like": "binary"})
    np.testing.assert_array_equal(task_gradients(model, data.train), task_gradients(model, data))


def test_dropout_and_moving_statistics_stay_as_they_are():
    inputs = build_inputs(small.COLUMNS)
    hidden = MLP([4], dropout_rate=0.5, batch_normalization=True, name="shared_bottom")(inputs["x"])
    outputs = {
        task: PredictionHead(kind, name=task)(keras.layers.Dense(1)(hidden))
        for task, kind in small.KINDS.items()
    }
    model = keras.Model(inputs, outputs)
    before = [variable.numpy() for variable in model.variables]
    first = task_gradients(model, DATA)
    np.testing.assert_array_equal(first, task_gradients(model, DATA))
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_a_tasks_gradient_is_that_of_its_own_rows():
    keras.utils.set_random_seed(1)
    model, own = small.make_model(), np.arange(small.NUM_ROWS) % 3 == 0
    masked = dataclasses.replace(DATA.train, label_masks={"minutes": own})
    found = task_gradients(model, masked, tasks=small.KINDS)
    everywhere = task_gradients(model, DATA)
    alone = task_gradients(model, DATA.train.take(own), tasks=small.KINDS)
    np.testing.assert_allclose(found[0], everywhere[0], rtol=1e-5)
    np.testing.assert_allclose(found[1], alone[1], rtol=1e-4, atol=1e-6)
    assert np.abs(found[1] - everywhere[1]).max() > 1e-3


def test_gradients_follow_the_models_order_of_tasks():
    kinds = dict(reversed(small.KINDS.items()))  # minutes, click
    keras.utils.set_random_seed(1)
    model = small.make_model(kinds=kinds)
    _, expected = small.losses_and_gradients(model, DATA.train, kinds)
    np.testing.assert_allclose(task_gradients(model, DATA), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("tasks", ["click", ("click",)])
def test_a_single_task_has_one_gradient_whatever_the_outputs_form(tasks):
    model = build_shared_bottom(
        small.COLUMNS, tasks, hidden_units=(2,), tower_units=(), bottom_activation="linear"
    )
    kinds = {"click": "binary"}
    _, expected = small.losses_and_gradients(model, DATA.train, kinds)
    found = task_gradients(model, DATA)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


OPTIONS = {"embedding_dim": 3, "expert_units": (5, 4)}


@pytest.mark.parametrize(
    ("build", "name", "positions", "size"),
    [
        (functools.partial(build_shared_bottom, hidden_units=(6, 4)), "shared_bottom", None, 28),
        (functools.partial(build_mmoe, num_experts=3, **OPTIONS), "experts", None, 3 * 24),
        (functools.partial(build_omoe, num_experts=3, **OPTIONS), "experts", None, 3 * 24),
        (functools.partial(build_cgc, **OPTIONS), "experts_1", (6, 7), 2 * 24),
        (
            functools.partial(build_ple, num_levels=2, num_shared_experts=1, **OPTIONS),
            "experts_2",
            (6,),
            24,
        ),
        (
            functools.partial(
                build_cgc,
                num_task_experts={t: 1 + (t == "like") for t in TASKS},
                num_shared_experts=1,
                **OPTIONS,
            ),
            "experts_1",
            (4,),
            24,
        ),
    ],
    ids=["shared bottom", "MMoE", "OMoE", "CGC", "PLE", "CGC, unequal"],
)
def test_the_last_shared_layer_of_each_architecture(build, name, positions, size):
    model = build(COLUMNS, TASKS)
    shared = shared_parameters(model)
    assert (shared.name, shared.positions) == (name, positions)
    rows = small_rows(len(TASKS))
    found = task_gradients(model, rows, tasks=TASKS)
    assert found.shape == (len(TASKS), size)
    assert (np.linalg.norm(found, axis=1) > 0).all()


def small_rows(num_tasks):
    """A split with the columns of ``tiny_tasks``."""
    from tiny_tasks import FEATURES, NUM_ROWS

    from recsys_lib.data import Split

    rng = np.random.default_rng(0)
    labels = {task: rng.integers(0, 2, NUM_ROWS).astype(np.float32) for task in TASKS}
    rows = np.arange(NUM_ROWS)
    return Split(features=FEATURES, labels=labels, group=rows, row_id=rows)


def test_levels_are_ordered_as_numbers():
    model = build_ple(COLUMNS, TASKS, num_levels=11, embedding_dim=3, expert_units=(2,))
    assert shared_parameters(model).name == "experts_11"


def test_a_slash_takes_all_of_a_layer_or_one_of_its_parts():
    model = build_shared_bottom(COLUMNS, TASKS, embedding_dim=3, hidden_units=(6, 4))
    width = model.get_layer("features").output.shape[-1]
    counts = {
        name: sum(int(np.prod(v.shape)) for v in shared_parameters(model, name).variables)
        for name in ("shared_bottom", "shared_bottom/", "shared_bottom/dense_0", "towers")
    }
    first = width * 6 + 6
    assert counts["shared_bottom/"] == first + 28
    assert counts["shared_bottom/dense_0"] == first
    assert counts["towers"] == 3 * (16 + 1)


def test_other_models_are_searched_for_the_last_layer_below_all_outputs():
    inputs = build_inputs(COLUMNS)
    flat = keras.layers.Concatenate()(list(embed_groups(inputs, COLUMNS, 3).values()))
    shared = MLP([5], name="second")(MLP([6], name="first")(flat))
    outputs = {
        task: PredictionHead(name=task)(keras.layers.Dense(1, name=f"{task}_logit")(shared))
        for task in ("click", "like")
    }
    assert shared_parameters(keras.Model(inputs, outputs)).name == "second"


@pytest.mark.parametrize(
    ("build", "layer", "message"),
    [
        (build_esmm, None, "model 'esmm' has no layer above the embeddings that all tasks share"),
        (build_esmm, "embedding", "is an embedding table, expected a layer above"),
        (build_esmm, "features", "expected trainable parameters, it has none"),
        (build_esmm, "no_such", "model 'esmm' has no 'no_such'"),
        (build_esmm, "click_tower/no", "expected trainable parameters, it has none"),
    ],
)
def test_layers_that_cannot_be_shared_are_named(build, layer, message):
    with pytest.raises(ValueError, match=message):
        shared_parameters(build(COLUMNS), layer)


def test_a_task_that_does_not_depend_on_the_layer_is_an_error():
    model = build_esmm(COLUMNS, ("click", "like"), embedding_dim=3, hidden_units=(4,))
    with pytest.raises(ValueError, match="shared layer 'cvr_tower': a task does not depend on it"):
        task_gradients(model, small_rows(2), "cvr_tower", tasks=dict.fromkeys(TASKS, "binary"))


def test_a_table_of_another_library_is_an_error():
    inputs = {"user_id": keras.Input((), name="user_id", dtype="int32")}
    shared = keras.layers.Embedding(6, 3, name="stock")(inputs["user_id"])
    outputs = {t: PredictionHead(name=t)(keras.layers.Dense(1)(shared)) for t in ("click", "like")}
    model = keras.Model(inputs, outputs)
    with pytest.raises(ValueError, match=r"stock.* is an embedding table"):
        task_gradients(model, small_rows(2), "stock")


def test_bad_samples_are_named():
    model = small.make_model()
    with pytest.raises(ValueError, match="num_rows: expected an integer of 1 or more, got 0"):
        task_gradients(model, DATA, num_rows=0)
    with pytest.raises(ValueError, match=r"task_gradients: missing columns \['x'\]"):
        task_gradients(model, small_rows(2), tasks=small.KINDS)


def test_the_signs_and_sizes_of_cosines():
    found = gradient_cosines([[3.0, 4.0], [-6.0, -8.0], [4.0, 3.0], [0.0, 0.0]])
    expected = [[1, -1, 0.96], [-1, 1, -0.96], [0.96, -0.96, 1]]
    np.testing.assert_allclose(found[:3, :3], expected, atol=1e-12)
    assert np.isnan(found[3]).all() and np.isnan(found[:, 3]).all()
