"""Uncertainty weighting, GradNorm and Pareto weights: what each step does and where it leads."""

import keras
import numpy as np
import pytest
import tiny_balancing as small
from tiny_tasks import COLUMNS

from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.multi_task import build_esmm
from recsys_lib.multi_task.balancing import (
    DecayingWeights,
    FixedWeights,
    GradNorm,
    ParetoWeights,
    UncertaintyWeighting,
    min_norm_weights,
)
from recsys_lib.training import fit

DATA = small.make_data()
TASKS = list(small.KINDS)
METHODS = {
    "fixed": FixedWeights({"click": 0.5}),
    "decaying": DecayingWeights({"click": 0.5}, 0.9),
    "uncertainty": UncertaintyWeighting(0.05),
    "GradNorm": GradNorm(learning_rate=0.05),
    "Pareto": ParetoWeights({"click": 0.1}),
    "Pareto, paper": ParetoWeights(method="paper"),
}
ONE_STEP = {"epochs": 1, "batch_size": small.NUM_ROWS, "patience": None}


def column(history, name, tasks=TASKS):
    return history.epochs[[f"{name}_{task}" for task in tasks]].to_numpy()


def train(balancing, data=DATA, optimizer=None, seed=0, **options):
    """The trainer, trained, and its history."""
    trainer = small.make_trainer(data, balancing, optimizer, seed)
    return trainer, trainer.fit(data, **{**ONE_STEP, **options})


# Uncertainty weighting


@pytest.mark.parametrize("scale", [0.05, 1.0, 100.0])
def test_log_variances_come_to_their_optimum(scale):
    """s* = log 2L for the binary task, log L for the other, below zero and far above it."""
    data = small.make_data(scale=scale, num_rows=512, equal_rows=True)
    trainer = small.make_trainer(data, UncertaintyWeighting(0.02))
    towers = trainer.model.get_layer("towers")
    towers.kernels[0].assign(0.0 * towers.kernels[0])
    history = trainer.fit(data, epochs=6, batch_size=1, patience=None)
    losses = column(history, "loss")[-1]
    expected = [np.log(2 * losses[0]), np.log(losses[1])]
    np.testing.assert_allclose(trainer.weighting.log_variances, expected, atol=2e-2)
    # Both weights are then 1 / (2 L): tasks of any scale count the same.
    np.testing.assert_allclose(column(history, "weight")[-1] * losses, 0.5, rtol=3e-2)


def test_the_loss_has_a_half_for_regression_only():
    """The first step is taken with s = 0, the second with s = -0.05 or 0.05: Adam's first step."""
    trainer, history = train(UncertaintyWeighting(0.05), epochs=2)
    losses, _ = small.losses_and_gradients(trainer.model, DATA.train, small.KINDS)
    np.testing.assert_allclose(column(history, "weight")[0], [1.0, 0.5])
    assert history.epochs["loss"][0] == pytest.approx(losses[0] + losses[1] / 2, rel=1e-5)
    s = 0.05 * np.sign([losses[0] - 0.5, losses[1] - 1])
    np.testing.assert_allclose(column(history, "weight")[1], np.exp(-s) * [1, 0.5], rtol=1e-5)
    expected = (np.exp(-s) * [1, 0.5] * losses).sum() + s.sum() / 2
    assert history.epochs["loss"][1] == pytest.approx(expected, rel=1e-5)


# What all methods do to the network


def step_on_shared(balancing):
    """Change of the shared layer in one step of gradient descent, and the weights of that step."""
    trainer = small.make_trainer(DATA, balancing, keras.optimizers.SGD(1.0))
    layer = trainer.model.get_layer("shared_bottom")
    before = np.concatenate([w.numpy().ravel() for w in layer.weights])
    _, gradients = small.losses_and_gradients(trainer.model, DATA.train, small.KINDS)
    history = trainer.fit(DATA, **ONE_STEP)
    after = np.concatenate([w.numpy().ravel() for w in layer.weights])
    return before - after, column(history, "weight")[0], gradients


@pytest.mark.parametrize("method", METHODS)
def test_the_network_steps_along_the_weighted_gradients(method):
    moved, weights, gradients = step_on_shared(METHODS[method])
    np.testing.assert_allclose(moved, weights @ gradients, rtol=1e-4, atol=1e-6)
    expected = {
        "fixed": [0.5, 1.0],
        "decaying": [0.5, 1.0],
        "uncertainty": [1.0, 0.5],
        "GradNorm": [1.0, 1.0],
        "Pareto": min_norm_weights(gradients @ gradients.T, [0.1, 0]),
        "Pareto, paper": min_norm_weights(gradients @ gradients.T, method="paper"),
    }[method]
    np.testing.assert_allclose(weights, expected, rtol=1e-4)


class Penalty(keras.layers.Layer):
    def build(self, input_shape):
        self.weight = self.add_weight(name="weight", shape=(), initializer="ones")

    def call(self, inputs):
        self.add_loss(3.0 * self.weight)
        return inputs


@pytest.mark.parametrize("method", METHODS)
def test_what_layers_add_keeps_weight_one(method):
    inputs = build_inputs(small.COLUMNS)
    shared = keras.layers.Dense(2, name="shared_bottom")(Penalty(name="penalty")(inputs["x"]))
    outputs = {
        task: PredictionHead(kind, name=task)(keras.layers.Dense(1)(shared))
        for task, kind in small.KINDS.items()
    }
    model = keras.Model(inputs, outputs)
    history = fit(model, DATA, keras.optimizers.SGD(0.1), balancing=METHODS[method], **ONE_STEP)
    assert model.get_layer("penalty").weight.numpy() == pytest.approx(1 - 0.1 * 3)
    weights, losses = column(history, "weight")[0], column(history, "loss")[0]
    assert history.epochs["added_loss"][0] == 3.0
    assert history.epochs["loss"][0] == pytest.approx(3.0 + weights @ losses, rel=1e-5)


def test_the_history_has_columns_for_each_task_and_means_over_rows():
    trainer, history = train(GradNorm(), batch_size=48)
    names = [f"{name}_{task}" for name in ("loss", "weight", "norm", "rate") for task in TASKS]
    assert list(history.epochs) == ["epoch", "loss", "added_loss", "valid_score", "seconds", *names]
    losses, _ = small.losses_and_gradients(trainer.model, DATA.train, small.KINDS)
    np.testing.assert_allclose(column(history, "loss")[0], losses, rtol=1e-5)


# GradNorm


def frozen_gradnorm(method, initial_losses, **options):
    """Weights after many steps in which nothing but the weights moves."""
    data = small.make_data(num_rows=512, equal_rows=True)
    trainer = small.make_trainer(data, method)
    losses, gradients = small.losses_and_gradients(trainer.model, data.train, small.KINDS)
    trainer.weighting.initial_losses.assign(losses * initial_losses)
    trainer.weighting.steps_seen.assign(float(method.initial_steps))
    history = trainer.fit(data, batch_size=1, patience=None, **options)
    progress = 1 / np.array(initial_losses)
    return trainer, history, np.linalg.norm(gradients, axis=1), progress / progress.mean()


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 1.5, 3.0])
def test_gradnorms_weights_come_to_rates_over_norms(alpha):
    method = GradNorm(alpha, learning_rate=2e-3)
    trainer, history, norms, rates = frozen_gradnorm(method, [1.0, 2.5], epochs=6)
    expected = rates**alpha / norms
    expected *= 2 / expected.sum()
    np.testing.assert_allclose(trainer.weighting.weights, expected, rtol=1e-2)
    np.testing.assert_allclose(column(history, "rate")[-1], rates, rtol=1e-4)
    np.testing.assert_allclose(column(history, "norm")[-1], expected * norms, rtol=1e-2)


def test_gradnorm_evens_out_scales_that_differ_by_a_hundred():
    data = small.make_data(scale=100.0)
    trainer, _ = train(GradNorm(0.0), data, epochs=300)
    assert np.ptp(np.log(trainer.weighting.weights)) > np.log(20)
    _, gradients = small.losses_and_gradients(trainer.model, data.train, small.KINDS)
    norms = np.linalg.norm(gradients, axis=1) * trainer.weighting.weights.numpy()
    assert norms[0] == pytest.approx(norms[1], rel=0.1)


def test_the_slow_tasks_weight_rises_and_alpha_zero_ignores_rates():
    twice = {"click": "binary", "like": "binary"}
    data = small.make_data(twice)
    for split in (data.train, data.valid, data.test):
        split.labels["like"][:] = split.labels["click"]

    def trained(alpha):
        trainer = small.make_trainer(data, GradNorm(alpha, learning_rate=1e-3))
        for weight in trainer.model.get_layer("towers").weights:
            weight.assign(np.repeat(weight.numpy()[:1], 2, axis=0))  # equal norms
        losses, gradients = small.losses_and_gradients(trainer.model, data.train, twice)
        np.testing.assert_allclose(*np.linalg.norm(gradients, axis=1), rtol=1e-5)
        trainer.weighting.initial_losses.assign(losses * [1.0, 2.0])
        trainer.weighting.steps_seen.assign(20.0)
        trainer.fit(data, **{**ONE_STEP, "epochs": 3})
        return trainer.weighting.weights.numpy()

    slow, fast = trained(1.5)
    assert slow > 1.002 and fast < 0.998
    np.testing.assert_allclose(trained(0.0), 1.0, atol=1.5e-3)


def test_weights_stay_positive_and_sum_to_the_number_of_tasks_even_where_a_gradient_is_zero():
    data = small.make_data(num_rows=512)
    trainer = small.make_trainer(data, GradNorm(learning_rate=0.5))
    kernel = trainer.model.get_layer("towers").kernels[0]
    kernel.assign(kernel.numpy() * [[[1.0]], [[0.0]]])  # the second task does not pull
    history = trainer.fit(data, epochs=3, batch_size=4, patience=None)
    weights = trainer.weighting.weights.numpy()
    assert (weights > 1e-7).all() and np.isfinite(weights).all()  # from there it can come back
    assert weights.sum() == pytest.approx(2, rel=1e-5)
    np.testing.assert_allclose(column(history, "weight").sum(axis=1), 2, rtol=1e-5)


def test_initial_losses_are_the_mean_over_the_first_batches_and_then_stay():
    trainer, _ = train(GradNorm(initial_steps=3), batch_size=16)
    order = np.random.default_rng([0, 0]).permutation(small.NUM_ROWS)[:48]
    first = DATA.train.take(np.sort(order))
    losses, _ = small.losses_and_gradients(trainer.model, first, small.KINDS)
    np.testing.assert_allclose(trainer.weighting.initial_losses, losses, rtol=1e-5)
    trainer.fit(DATA, **ONE_STEP)
    np.testing.assert_allclose(trainer.weighting.initial_losses, losses, rtol=1e-5)


def test_first_losses_in_theory_are_log_2_for_binary_tasks_and_measured_for_others():
    method = GradNorm(initial_steps=2, initial_losses="log_classes")
    trainer, history = train(method, batch_size=32)
    losses, _ = small.losses_and_gradients(trainer.model, DATA.train, small.KINDS)
    np.testing.assert_allclose(trainer.weighting.initial_losses, [np.log(2), losses[1]], rtol=1e-5)
    history = trainer.fit(DATA, **ONE_STEP)
    progress = losses / [np.log(2), losses[1]]
    np.testing.assert_allclose(column(history, "rate")[0], progress / progress.mean(), rtol=1e-5)


# Decaying weights: PLE, section 4.3


@pytest.mark.parametrize("every", ["epoch", "step"])
def test_weights_are_the_first_ones_times_the_factor_to_the_power_of_time(every):
    method = DecayingWeights({"click": 0.5}, {"click": 0.9, "minutes": 1.25}, every)
    _, history = train(method, epochs=3, batch_size=16)
    steps = small.NUM_ROWS // 16
    time = np.arange(3)[:, None] * np.ones(steps)
    if every == "step":
        time = np.arange(3 * steps).reshape(3, steps)
    expected = [(0.5 * 0.9**time).mean(axis=1), (1.25**time).mean(axis=1)]
    np.testing.assert_allclose(column(history, "weight"), np.transpose(expected), rtol=1e-5)


def test_a_number_is_for_all_tasks_and_a_task_left_out_keeps_its_weight():
    _, history = train(DecayingWeights(0.5, {"minutes": 0.1}), epochs=3)
    np.testing.assert_allclose(
        column(history, "weight"), [[0.5, 0.5], [0.5, 0.05], [0.5, 0.005]], rtol=1e-5
    )
    _, history = train(DecayingWeights({"minutes": 3}, 0.5), epochs=2)
    np.testing.assert_allclose(column(history, "weight"), [[1, 3], [0.5, 1.5]], rtol=1e-5)


# Pareto weights


def test_a_pareto_step_descends_every_task():
    data, found = small.make_data({"click": "binary", "like": "binary"}), 0
    for seed in range(3):
        optimizer = keras.optimizers.SGD(1e-2)
        trainer = small.make_trainer(data, ParetoWeights(), optimizer, seed)
        before, _ = small.losses_and_gradients(trainer.model, data.train, data.tasks)
        towers = [weight.numpy() for weight in trainer.model.get_layer("towers").weights]
        history = trainer.fit(data, **ONE_STEP)
        trainer.model.get_layer("towers").set_weights(towers)  # the shared step alone
        for task in data.tasks:
            trainer.model.get_layer(task).bias.assign(0.0)
        after, _ = small.losses_and_gradients(trainer.model, data.train, data.tasks)
        assert (after < before).all()
        found += column(history, "weight", data.tasks)[0].min() > 0
    assert found


@pytest.mark.parametrize("method", ["exact", "paper"])
def test_the_two_ways_part_where_a_third_task_has_no_weight(method):
    kinds = {**small.KINDS, "like": "binary"}
    data = small.make_data(kinds)
    trainer = small.make_trainer(data, ParetoWeights(method=method), seed=7)
    _, gradients = small.losses_and_gradients(trainer.model, data.train, kinds)
    gram = gradients @ gradients.T
    exact, paper = (min_norm_weights(gram, method=name) for name in ("exact", "paper"))
    assert np.abs(exact - paper).max() > 0.1
    found = column(trainer.fit(data, **ONE_STEP), "weight", kinds)[0]
    np.testing.assert_allclose(found, exact if method == "exact" else paper, atol=1e-4)


def test_pareto_weights_sum_to_one_and_keep_to_their_bounds():
    bounds = {"minutes": 0.3}
    _, history = train(ParetoWeights(bounds), epochs=4, batch_size=8)
    weights = column(history, "weight")
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    assert (weights[:, 1] >= 0.3 - 1e-6).all()
    _, history = train(ParetoWeights(0.5), epochs=1, batch_size=8)
    np.testing.assert_allclose(column(history, "weight"), 0.5, rtol=1e-6)


def test_pareto_bounds_belong_to_their_names_in_any_order_of_tasks():
    kinds = {"minutes": "regression", "like": "binary", "click": "binary"}
    bounds = {"click": 0.5, "minutes": 0.2, "like": 0.1}
    method = ParetoWeights(bounds)
    for order in (list(kinds), list(kinds)[::-1]):
        data = small.make_data({task: kinds[task] for task in order})
        _, history = train(method, data, epochs=3, batch_size=8)
        for task, bound in bounds.items():
            assert (history.epochs[f"weight_{task}"] >= bound - 1e-6).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UncertaintyWeighting(0.0), "learning_rate: expected a finite number"),
        (lambda: GradNorm(learning_rate=-1), "learning_rate: expected a finite number"),
        (lambda: GradNorm(alpha=-1), "alpha: expected a finite number from 0"),
        (lambda: GradNorm(initial_steps=0), "initial_steps: expected an integer of 1 or more"),
        (lambda: GradNorm(initial_losses="log"), "initial_losses: expected one of"),
        (lambda: DecayingWeights({"click": -1}), r"DecayingWeights, weights.'click'.: expected a"),
        (lambda: DecayingWeights(decay=0), "DecayingWeights, decay: expected a finite number"),
        (lambda: DecayingWeights(every="batch"), "DecayingWeights, every: expected one of"),
        (lambda: train(DecayingWeights({"buy": 1})), "DecayingWeights, weights: no such tasks"),
        (lambda: train(DecayingWeights(1, {"buy": 1})), "DecayingWeights, decay: no such tasks"),
        (lambda: ParetoWeights(method="fast"), "method: expected one of"),
        (lambda: train(ParetoWeights(0.6)), "lower_bounds: expected a sum of at most 1"),
        (lambda: train(ParetoWeights({"buy": 0.1})), "lower_bounds: no such tasks"),
        (lambda: train(FixedWeights({"buy": 0.1})), "loss_weights: no such tasks"),
        (lambda: train(GradNorm(shared="top")), "has no 'top'"),
        (
            lambda: GradNorm().start(build_esmm(COLUMNS), dict.fromkeys(("click", "conversion"))),
            "has no layer above the embeddings",
        ),
        (
            lambda: ParetoWeights(shared="click").start(small.make_model(), {"click": "binary"}),
            "ParetoWeights: expected two tasks or more",
        ),
        (
            lambda: GradNorm().start(small.make_model(), {"click": "binary"}),
            "GradNorm: expected two tasks or more",
        ),
        (
            lambda: UncertaintyWeighting().start(small.make_model(), {"click": "binary"}),
            "UncertaintyWeighting: expected two tasks or more",
        ),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
