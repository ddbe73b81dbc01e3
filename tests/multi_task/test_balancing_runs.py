"""Balancing in whole runs: restarts, checkpoints, comparisons, and the compiled step."""

import functools

import keras
import numpy as np
import pytest
import tiny_balancing as small

from recsys_lib.data import simulator
from recsys_lib.multi_task import build_cgc, build_mmoe, build_omoe, build_ple, build_shared_bottom
from recsys_lib.multi_task.balancing import (
    DecayingWeights,
    FixedWeights,
    GradNorm,
    ParetoWeights,
    UncertaintyWeighting,
)
from recsys_lib.training import Adam, Comparison, Recipe, fit
from recsys_lib.training.trainer import Trainer

DATA = small.make_data()
OPTIONS = {"epochs": 3, "batch_size": 16, "seed": 4, "patience": None}
METHODS = {
    "fixed": FixedWeights({"click": 0.5}),
    "decaying by epoch": DecayingWeights({"click": 0.5}, {"minutes": 0.8}),
    "decaying by step": DecayingWeights({"click": 0.5}, {"minutes": 0.8}, "step"),
    "uncertainty": UncertaintyWeighting(),
    "GradNorm": GradNorm(initial_steps=7),
    "Pareto": ParetoWeights(),
}


def values(trainer):
    variables = [*trainer.model.variables, *trainer.weighting.variables]
    return [variable.numpy() for variable in variables]


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


class Stopped(Exception):
    pass


def stop_after(calls, run):
    """The compiled function, which fails after so many calls."""
    left = iter(range(calls))

    def stopping(*arguments):
        if next(left, None) is None:
            raise Stopped
        return run(*arguments)

    return stopping


@pytest.mark.parametrize("method", METHODS)
def test_a_run_that_goes_on_and_one_started_over_equal_a_fresh_one(method, tmp_path):
    balancing = METHODS[method]

    def fresh(seed=4):
        return small.make_trainer(DATA, balancing, Adam(0.05), seed)

    through = fresh()
    expected = through.fit(DATA, **OPTIONS).epochs.drop(columns="seconds")
    bits = values(through)

    # Stopped in the middle of the second epoch; in another trainer everything comes from the file.
    path = str(tmp_path / "run.npz")
    stopped = fresh()
    stopped.trace()
    stopped._run = stop_after(3, stopped._run)
    with pytest.raises(Stopped):
        stopped.fit(DATA, checkpoint=path, checkpoint_steps=2, **OPTIONS)
    resumed = fresh(seed=99)
    history = resumed.fit(DATA, checkpoint=path, checkpoint_steps=2, **OPTIONS)
    found = history.epochs.drop(columns="seconds")
    np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=1e-5)
    assert_same(values(resumed), bits)

    # And the same trainer started over with the first seed.
    resumed.restart(small.make_model, 4)
    resumed.fit(DATA, **OPTIONS)
    assert_same(values(resumed), bits)


def test_a_checkpoint_of_another_balancing_is_refused(tmp_path):
    path = str(tmp_path / "run.npz")
    small.make_trainer(DATA, GradNorm()).fit(DATA, checkpoint=path, **OPTIONS)
    for other in (GradNorm(alpha=1.0), None):
        with pytest.raises(ValueError, match="belongs to another run, balancing was 'GradNorm"):
            small.make_trainer(DATA, other).fit(DATA, checkpoint=path, **OPTIONS)


def test_fixed_weights_are_loss_weights():
    weights, histories = {"click": 0.25}, []
    for options in ({"loss_weights": weights}, {"balancing": FixedWeights(weights)}):
        keras.utils.set_random_seed(0)
        model = small.make_model()
        histories.append((fit(model, DATA, Adam(0.05), **options, **OPTIONS), model))
    (first, one), (second, other) = histories
    assert_same([v.numpy() for v in one.variables], [v.numpy() for v in other.variables])
    columns = ["loss", "loss_click", "weight_click", "weight_minutes"]
    np.testing.assert_array_equal(first.epochs[columns], second.epochs[columns])
    assert (first.epochs["weight_click"] == 0.25).all()
    assert (first.epochs["weight_minutes"] == 1).all()


def test_one_description_serves_several_models():
    balancing = GradNorm()
    first, second = (small.make_trainer(DATA, balancing, Adam(0.05)) for _ in range(2))
    first.fit(DATA, **OPTIONS)
    np.testing.assert_array_equal(second.weighting.weights, 1.0)
    second.fit(DATA, **OPTIONS)
    assert_same(values(first), values(second))


def test_compare_balances_each_seed_anew_and_leaves_single_tasks_alone():
    def both(columns):
        return small.make_model(columns)

    def alone(columns):
        model = small.make_model(columns)
        return keras.Model(model.inputs, {"click": model.output["click"]})

    options = {"epochs": 2, "batch_size": 16, "patience": None}
    models = {
        "given": both,
        "own": Recipe(both, balancing=ParetoWeights()),
        "alone": alone,
    }
    kept = Comparison(models, balancing=GradNorm(), baselines={}, **options).on(DATA, [3, 5]).models
    for name, build, balancing in (
        ("given", both, GradNorm()),
        ("own", both, ParetoWeights()),
        ("alone", alone, None),
    ):
        keras.utils.set_random_seed(5)
        model = build(small.COLUMNS)
        fit(model, DATA, seed=5, balancing=balancing, **options)
        assert_same([v.numpy() for v in model.variables], [v.numpy() for v in kept[name].variables])


def operations(balancing):
    """How often each kind of operation occurs in the compiled step."""
    model = build_mmoe(small.COLUMNS, small.KINDS)
    trainer = Trainer(model, DATA, Adam(0.05), balancing=balancing)
    trainer.trace()
    counts = {}
    for function in trainer._run.graph._functions.values():
        for node in function.cached_definition.node_def:
            counts[node.op] = counts.get(node.op, 0) + 1
    return counts


def test_the_gradients_of_the_tasks_need_no_second_pass_forward():
    fixed = operations(None)
    assert fixed["Relu"] > 0 and fixed["Softmax"] == 1
    for method in (GradNorm(), ParetoWeights()):
        found = operations(method)
        assert {op: found[op] for op in ("Relu", "Softmax")} == {
            op: fixed[op] for op in ("Relu", "Softmax")
        }
        assert found["ReluGrad"] > fixed["ReluGrad"]


def small_ple(columns, tasks):
    return build_ple(columns, tasks, num_levels=2, num_task_experts=1, num_shared_experts=1)


@pytest.mark.parametrize("balancing", [GradNorm(), ParetoWeights()], ids=["GradNorm", "Pareto"])
@pytest.mark.parametrize(
    "build",
    [build_mmoe, build_omoe, build_cgc, small_ple, build_shared_bottom],
    ids=["MMoE", "OMoE", "CGC", "PLE", "shared bottom"],
)
def test_every_architecture_trains_with_the_default_layer(build, balancing):
    model = build(small.COLUMNS, small.KINDS)
    history = fit(model, DATA, balancing=balancing, epochs=1, batch_size=16)
    assert np.isfinite(history.epochs.to_numpy(float)).all()


@pytest.fixture(scope="module")
def seesaw():
    return simulator.tasks(num_rows=3_000, num_valid_rows=300, num_test_rows=300, biases=(-1, -4))


def test_balancing_moves_the_rare_task_up(seesaw):
    build = functools.partial(build_shared_bottom, tasks=("click", "like"))
    for balancing in (GradNorm(), UncertaintyWeighting(), ParetoWeights()):
        keras.utils.set_random_seed(0)
        history = fit(
            build(seesaw.feature_columns),
            seesaw,
            Adam(1e-2),
            balancing=balancing,
            epochs=2,
            batch_size=64,
        )
        last = history.epochs.iloc[-1]
        assert last["weight_like"] > last["weight_click"] * 1.1
