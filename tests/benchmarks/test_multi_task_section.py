"""The speed table of the multi-task models: what is measured, and that the loop is the same."""

import dataclasses

import keras
import numpy as np
import pytest

from benchmarks import inputs, multi_task
from benchmarks.multi_task import BALANCED, BATCHED, FIXED, LOOP, METHODS, case_name, overheads
from benchmarks.training import measure_speeds
from recsys_lib.data import movielens
from recsys_lib.loops.multi_task import build_mmoe_loop, copy_weights
from recsys_lib.multi_task import build_mmoe

SIZES = {"embedding_dim": 4, "num_experts": 3, "expert_units": (5, 4), "tower_units": (3,)}
TASKS = {"like": "binary", "love": "regression"}


@pytest.fixture(scope="module")
def ratings():
    return movielens.load(tasks=("like", "love"), columns=("user_id", "movie_id"))


def test_the_loop_over_experts_equals_the_batched_model(ratings):
    keras.utils.set_random_seed(0)
    batched, loop = (
        build(ratings.feature_columns, TASKS, **SIZES) for build in (build_mmoe, build_mmoe_loop)
    )
    for variable in batched.trainable_variables:
        variable.assign(np.random.default_rng(1).normal(size=variable.shape) * 0.5)
    copy_weights(batched, loop)
    assert loop.count_params() == batched.count_params()
    features = {name: values[:50] for name, values in ratings.test.features.items()}
    for task, expected in batched(features).items():
        np.testing.assert_allclose(loop(features)[task], expected, rtol=1e-4, atol=1e-5)
    # A network of its own for every expert, gate and tower.
    names = {layer.name for layer in loop.layers}
    assert {"expert_0", "expert_2", "like_gate", "love_gate", "love_tower"} <= names


def test_every_model_of_several_tasks_and_every_method_are_measured(ratings):
    builds, balancing = multi_task.cases(ratings)
    names = [model.name for model in inputs.models_of("multi_task").values()]
    assert list(builds)[: len(names) + 2] == [*names, BATCHED, LOOP] and len(names) >= 6
    for model in BALANCED:
        for method, balance in METHODS.items():
            assert builds[case_name(model, method)] is builds[model]
            assert balancing.get(case_name(model, method)) is balance


def test_measurements_have_speeds_and_overheads(ratings):
    few = ratings.train.take(np.arange(len(ratings.train)) < 300)
    small = dataclasses.replace(ratings, train=few)
    builds, balancing = multi_task.cases(small)
    names = [*BALANCED, case_name("Shared-Bottom", "GradNorm")]
    results = measure_speeds(small, {name: builds[name] for name in names}, 1, balancing)
    assert list(results) == names
    for result in results.values():
        assert result["examples_per_second"] > 0 and result["trace_seconds"] > 0
    speeds = {name: {"examples_per_second": 100.0} for name in builds}
    speeds[case_name("MMoE", "GradNorm")]["examples_per_second"] = 50.0
    found = overheads(speeds)
    assert found["MMoE"]["GradNorm"] == 2 and found["Shared-Bottom"]["GradNorm"] == 1
    assert found["MMoE"][FIXED] == 1
