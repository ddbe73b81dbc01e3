"""STEM: the formula from the tables on, and whose loss trains which experts and tables."""

import keras
import numpy as np
import pytest
from reference import randomize
from task_oracles import all_forward
from tiny_tasks import (
    COLUMNS,
    FEATURES,
    NUM_ROWS,
    TASKS,
    WIDTH,
    gradients_of,
    predictions,
)

from recsys_lib.data import Dataset, Split
from recsys_lib.features.columns import CategoricalColumn, SequenceColumn
from recsys_lib.multi_task import build_mmoe, build_stem
from recsys_lib.multi_task.balancing import GradNorm
from recsys_lib.multi_task.gradients import shared_parameters
from recsys_lib.training import Trainer

SIZES = {"embedding_dim": WIDTH, "expert_units": (5, 4), "tower_units": (3,)}
SETS = ("_1", "_2", "_3", "")
"""Endings of the layers of each set of tables, the shared set last."""
HISTORY = SequenceColumn("history", 5, 3, table="item_id")
BEHAVIOURS = {
    "history": np.array(
        [[1, 2, 3], [4, 4, 0], [0, 0, 0], [2, 0, 0], [3, 1, 2], [2, 4, 0], [1, 0, 0]], np.int32
    )
}
UNIT = {"interest": "attention", "attention_units": (3,)}


def build(tasks=TASKS, columns=COLUMNS, **options):
    return build_stem(columns, tasks, **{**SIZES, **options})


def own_features(model, suffix):
    """What one set of tables makes of the tiny rows; the price has no table."""
    layer, parts = model.get_layer(f"embedding{suffix}"), []
    for name in ("user_id", "item_id"):
        ids = FEATURES[name]
        rows = layer.table.numpy()[layer.rows_of(name)].astype(np.float64)
        parts.append(np.where(ids[:, None] > 0, rows[ids], 0))
    return np.concatenate([*parts, FEATURES["price"][:, None]], axis=1)


@pytest.mark.parametrize(("own", "shared"), [(2, 2), (1, 3), (3, 1)])
def test_stem_equals_its_formula(own, shared):
    model = randomize(build(num_task_experts=own, num_shared_experts=shared))
    sets = [own_features(model, suffix) for suffix in SETS]
    expected = predictions(model, all_forward(model, sets, own, shared))
    found = model(FEATURES)
    assert list(found) == list(TASKS)
    for task in TASKS:
        np.testing.assert_allclose(found[task], expected[task], rtol=1e-4, atol=1e-5)


def is_reached(gradients, path):
    """Which entries along the first axis of a variable a gradient reaches."""
    gradient = np.abs(gradients[path])
    return gradient.reshape(len(gradient), -1).max(axis=1) > 0


def test_a_loss_trains_own_and_shared_experts_and_tables_alone():
    # No ReLU: a unit that is off in all seven rows would hide a path.
    model = randomize(build(activation="tanh"))
    for position, task in enumerate(TASKS):
        gradients = gradients_of(model, task)
        experts = np.zeros(8, bool)
        experts[[2 * position, 2 * position + 1, 6, 7]] = True
        for layer in (0, 1):
            for kind in ("kernel", "bias"):
                found = is_reached(gradients, f"experts/{kind}_{layer}")
                np.testing.assert_array_equal(found, experts)
        for number, suffix in enumerate(SETS):
            table = is_reached(gradients, f"embedding{suffix}/table")
            assert table.any() == (number in (position, 3))
        for name in ("gates/kernel", "towers/kernel_0"):
            np.testing.assert_array_equal(is_reached(gradients, name), np.arange(3) == position)


def test_every_task_reads_all_tables():
    model = randomize(build(activation="tanh"))
    before = {task: values.numpy() for task, values in model(FEATURES).items()}
    for suffix in SETS:
        table = model.get_layer(f"embedding{suffix}").table
        values = table.numpy()
        table.assign(values + 0.5)
        for task, after in model(FEATURES).items():
            assert np.abs(after - before[task]).max() > 1e-4, (suffix, task)
        table.assign(values)


def test_equal_tables_are_mmoe_whose_gates_read_the_input_twice():
    stem = randomize(build())
    mmoe = build_mmoe(COLUMNS, TASKS, num_experts=8, **SIZES)
    shared = stem.get_layer("embedding").get_weights()
    for suffix in SETS:
        stem.get_layer(f"embedding{suffix}").set_weights(shared)
    for name in ("embedding", "experts", "towers", *TASKS):
        mmoe.get_layer(name).set_weights(stem.get_layer(name).get_weights())
    mmoe.get_layer("gates").set_weights([2 * stem.get_layer("gates").get_weights()[0]])
    for task in TASKS:
        np.testing.assert_allclose(stem(FEATURES)[task], mmoe(FEATURES)[task], rtol=1e-4)
        # What is stopped are experts: a gate learns of each of them what it learns in MMoE.
        found, one = (gradients_of(model, task)["gates/kernel"] for model in (stem, mmoe))
        np.testing.assert_allclose(found, 2 * one, rtol=1e-3, atol=1e-5)


def test_every_task_has_tables_of_its_own_and_no_two_start_alike():
    model = build()
    tables = [model.get_layer(f"embedding{suffix}").table.numpy() for suffix in SETS]
    assert {table.shape for table in tables} == {(11, WIDTH)}
    for position, table in enumerate(tables):
        for other in tables[:position]:
            assert np.abs(table - other).max() > 1e-3
    width = 2 * WIDTH + 1
    experts = 8 * ((width * 5 + 5) + (5 * 4 + 4))
    towers = 3 * ((4 * 3 + 3) + (3 + 1) + 1)
    assert model.count_params() == 4 * 11 * WIDTH + experts + 3 * width * 8 + towers


def test_a_column_may_have_a_width_of_its_own():
    columns = (*COLUMNS, CategoricalColumn("hour", 25, embedding_dim=2))
    model = build(columns=columns)
    assert model.get_layer("features_2").output.shape == (None, 2 * WIDTH + 2 + 1)
    names = {layer.name for layer in model.layers}
    assert {f"embedding{suffix}_{width}" for suffix in SETS for width in (2, WIDTH)} <= names


def test_a_row_without_a_tasks_label_moves_none_of_its_vectors():
    masks = {
        "click": np.array([1, 1, 1, 1, 0, 0, 1], bool),
        "like": np.array([0, 0, 1, 0, 1, 1, 1], bool),
    }
    labels = {task: np.float32([1, 0, 1, 0, 1, 0, 1]) for task in masks}
    splits = {
        name: Split(
            features=FEATURES,
            labels=labels,
            group=np.arange(NUM_ROWS),
            row_id=np.arange(NUM_ROWS) + position * NUM_ROWS,
            label_masks=masks,
        )
        for position, name in enumerate(("train", "valid", "test"))
    }
    data = Dataset("masked", COLUMNS, **splits, tasks=dict.fromkeys(masks, "binary"))
    model = randomize(build(tuple(masks), activation="tanh"))
    tables = [model.get_layer(f"embedding_{t}") for t in (1, 2)]
    before = [layer.table.numpy() for layer in tables]
    trainer = Trainer(model, data, keras.optimizers.SGD(0.5))
    stacked = (np.stack(list(values.values()), axis=1) for values in (labels, masks))
    trainer.train_on_batch(*trainer.layout.pack(FEATURES), *stacked)
    for layer, old, mask in zip(tables, before, masks.values(), strict=True):
        moved = np.abs(layer.table.numpy() - old)[layer.rows_of("user_id")].max(axis=1) > 0
        labelled = np.isin(np.arange(6), FEATURES["user_id"][mask]) & (np.arange(6) > 0)
        np.testing.assert_array_equal(moved, labelled)


def test_each_set_of_tables_reads_the_history_by_a_unit_of_its_own():
    """As the shared set does, which is MMoE's; equal tables and units make equal features."""
    columns, features = (*COLUMNS, HISTORY), FEATURES | BEHAVIOURS
    model = randomize(build(columns=columns, **UNIT))
    mmoe = build_mmoe(columns, TASKS, **SIZES, **UNIT)
    read = ("embedding", "history_weights")
    for name in read:
        mmoe.get_layer(name).set_weights(model.get_layer(name).get_weights())

    def of(built, name):
        return np.asarray(keras.Model(built.inputs, built.get_layer(name).output)(features))

    shared = of(model, "features")
    np.testing.assert_array_equal(of(mmoe, "features"), shared)
    for suffix in SETS[:-1]:
        assert np.abs(of(model, f"features{suffix}") - shared).max() > 0.1
        for name in read:
            weights = model.get_layer(name).get_weights()
            model.get_layer(f"{name}{suffix}").set_weights(weights)
        np.testing.assert_array_equal(of(model, f"interest{suffix}"), of(model, "interest"))
        np.testing.assert_array_equal(of(model, f"features{suffix}"), shared)


def test_tasks_meet_in_the_shared_experts():
    found = shared_parameters(build())
    assert (found.name, found.positions) == ("experts", (6, 7))
    names = [f"norm_{task}" for task in TASKS]
    assert list(GradNorm().start(build(), TASKS).columns[:3]) == names


def test_attention_needs_a_history():
    with pytest.raises(ValueError, match="expected an ordered sequence column that shares"):
        build(interest="attention")
