"""AITM: the formula, what a task hands on, the penalty, and identities of both."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize, sigmoid
from task_oracles import chain
from tiny_tasks import COLUMNS, FEATURES, NUM_ROWS, WIDTH, by_name, gradients_of, network, numbers

from recsys_lib.data import Dataset, Split
from recsys_lib.multi_task import build_aitm
from recsys_lib.multi_task.aitm import ChainedPredictionHead
from recsys_lib.training import Trainer, fit, predict

TASKS = ("click", "cart", "buy")
K = 4
ALPHA = 0.7


def build(tasks=TASKS, **options):
    sizes = {"embedding_dim": WIDTH, "hidden_units": (5, K), "calibrator_weight": ALPHA}
    return build_aitm(COLUMNS, tasks, **{**sizes, **options})


def make_data(*labels, **parts):
    """Three equal splits of the tiny rows, a task for each of the labels."""
    labels = dict(zip(TASKS, map(np.float32, labels), strict=True))
    splits = {
        name: Split(
            features=FEATURES,
            labels=labels,
            group=np.arange(NUM_ROWS),
            row_id=np.arange(NUM_ROWS) + position * NUM_ROWS,
            **parts,
        )
        for position, name in enumerate(("train", "valid", "test"))
    }
    return Dataset("chain", COLUMNS, **splits, tasks=dict.fromkeys(TASKS, "binary"))


def penalty_of(probabilities):
    """``sum_t mean(max(y_t - y_(t-1), 0))``."""
    steps = itertools.pairwise(probabilities)
    return sum(np.mean(np.maximum(later - before, 0)) for before, later in steps)


def losses_of(model, training=True):
    with tf.GradientTape() as tape:
        model(FEATURES, training=training)
        total = tf.add_n(model.losses) if model.losses else tf.constant(0.0)
    return float(total), tape.gradient(total, model.trainable_variables)


def set_biases(model, values):
    for task, value in zip(TASKS, values, strict=True):
        model.get_layer(task).bias.assign(value)


@pytest.mark.parametrize("tasks", [TASKS[:2], TASKS, (*TASKS, "return")])
def test_the_chain_equals_its_formula(tasks):
    model = randomize(build(tasks))
    expected = chain(model, by_name(model, "features"), tasks)
    found = model(FEATURES)
    assert list(found) == list(tasks)
    for task in tasks:
        np.testing.assert_allclose(found[task], expected[task], rtol=1e-4, atol=1e-5)


def test_the_penalty_is_of_neighbours_and_over_all_rows():
    model = randomize(build())
    probabilities = [p.numpy().astype(np.float64) for p in model(FEATURES).values()]
    expected = ALPHA * penalty_of(probabilities)
    assert expected > 0.01
    assert losses_of(model)[0] == pytest.approx(expected, rel=1e-5)


def test_a_chain_that_falls_costs_nothing():
    model = randomize(build())
    set_biases(model, (30.0, 0.0, -30.0))
    total, gradients = losses_of(model)
    assert total == 0
    assert all(g is None or not np.any(tf.convert_to_tensor(g)) for g in gradients)


def test_a_chain_that_rises_is_pulled_from_both_ends():
    model = randomize(build())
    set_biases(model, (-3.0, 0.0, 3.0))
    _, gradients = losses_of(model)
    paths = [variable.path for variable in model.trainable_variables]
    slopes = [float(gradients[paths.index(f"{task}/bias")]) for task in TASKS]
    assert slopes[0] < 0 < slopes[2]
    # Both of its neighbours pull at the middle one, with the same slope against each other.
    assert slopes[1] == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(("weight", "training"), [(0.0, True), (ALPHA, False)])
def test_without_a_weight_or_in_inference_there_is_no_penalty(weight, training):
    model = randomize(build(calibrator_weight=weight))
    model(FEATURES, training=training)
    assert model.losses == []


def test_the_loss_of_a_step_has_the_penalty_of_rows_without_labels():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, (3, NUM_ROWS))
    masks = rng.random((3, NUM_ROWS)) < 0.6
    data = make_data(*labels, label_masks=dict(zip(TASKS, masks, strict=True)))
    model = randomize(build())
    probabilities = np.stack([p.numpy().astype(np.float64) for p in model(FEATURES).values()])
    of_rows = -np.log(np.where(labels > 0, probabilities, 1 - probabilities))
    expected = sum(row[mask].mean() for row, mask in zip(of_rows, masks, strict=True))
    trainer = Trainer(model, data, keras.optimizers.SGD(0.1))
    packed = trainer.layout.pack(FEATURES)
    found = trainer.train_on_batch(*packed, labels.T.astype(np.float32), masks.T)
    total = float(found[trainer.columns.index("loss")])
    assert total == pytest.approx(expected + ALPHA * penalty_of(probabilities), rel=1e-5)


def test_the_penalty_makes_the_order_likely():
    """Labels that no chain has: only the penalty holds the later probabilities down."""
    zeros, ones = np.zeros(NUM_ROWS), np.ones(NUM_ROWS)
    zeros[0], ones[0] = 1, 0  # a label needs two classes
    data = make_data(zeros, ones, ones)
    gaps = []
    for weight in (0.0, 20.0):
        keras.utils.set_random_seed(0)
        model = build(calibrator_weight=weight)
        fit(model, data, keras.optimizers.Adam(0.02), epochs=60, patience=None)
        gaps.append(penalty_of(list(predict(model, FEATURES).values())))
    assert gaps[0] > 0.5 and gaps[1] < 0.1


def test_nothing_behind_a_task_moves_it_and_all_before_it_do():
    model = randomize(build(activation="tanh"))
    for position, task in enumerate(TASKS):
        gradients = gradients_of(model, task)
        towers = np.abs(gradients["towers/kernel_0"]).reshape(3, -1).max(axis=1) > 0
        np.testing.assert_array_equal(towers, np.arange(3) <= position)
        for t in (2, 3):
            is_read = gradients[f"transferred_{t}/dense_0/kernel"] is not None
            assert is_read is (t <= position + 1)


def test_a_layer_that_hands_on_zeros_cuts_the_chain():
    model = randomize(build(TASKS[:2]))
    for weight in model.get_layer("transferred_2").weights:
        weight.assign(np.zeros(weight.shape))
    towers = np.abs(gradients_of(model, "cart")["towers/kernel_0"]).reshape(2, -1).max(axis=1)
    assert towers[0] == 0 < towers[1]


def test_equal_weights_and_an_identity_take_the_mean():
    model = randomize(build())
    model.get_layer("transfer_weights").query.assign(np.zeros((K, K)))
    model.get_layer("transfer_values").kernel.assign(np.eye(K))
    towers = by_name(model, "towers")
    for t in (2, 3):
        np.testing.assert_array_equal(by_name(model, f"transfer_weights_{t}"), 0.5)
        mean = (by_name(model, f"transferred_{t}") + towers[:, t - 1]) / 2
        np.testing.assert_allclose(by_name(model, f"information_{t}"), mean, rtol=1e-5, atol=1e-6)


def test_equal_weights_twice_the_identity_and_nothing_handed_on_are_separate_towers():
    model = randomize(build())
    model.get_layer("transfer_weights").key.assign(np.zeros((K, K)))
    model.get_layer("transfer_values").kernel.assign(2 * np.eye(K))
    for t in (2, 3):
        for weight in model.get_layer(f"transferred_{t}").weights:
            weight.assign(np.zeros(weight.shape))
    x, found = by_name(model, "features"), model(FEATURES)
    for t, task in enumerate(TASKS, start=1):
        hidden = network(model.get_layer("towers"), t - 1, x)
        logit = (hidden @ numbers(model.get_layer(f"logit_{t}"), "kernel"))[:, 0]
        expected = sigmoid(logit + numbers(model.get_layer(task), "bias"))
        np.testing.assert_allclose(found[task], expected, rtol=1e-4, atol=1e-5)


def test_the_weights_are_a_softmax_over_the_two_vectors():
    weights = by_name(randomize(build()), "transfer_weights_3")
    assert weights.shape == (NUM_ROWS, 2)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
    assert weights.std(axis=0).min() > 1e-3


@pytest.mark.parametrize("count", [2, 3])
def test_all_tasks_share_the_tables_and_the_maps_of_the_attention(count):
    width = 2 * WIDTH + 1
    tower = (width * 5 + 5) + (5 * K + K)
    handed_on = (count - 1) * (K * K + K)
    expected = 11 * WIDTH + count * tower + handed_on + 3 * K * K + count * (K + 1)
    assert build(TASKS[:count]).count_params() == expected


def test_every_head_behind_the_first_has_the_weight():
    weights = [layer.weight for layer in build().layers if isinstance(layer, ChainedPredictionHead)]
    assert weights == [ALPHA, ALPHA]
    default = build_aitm(COLUMNS)
    assert list(default.output) == ["click", "conversion"]
    assert default.get_layer("conversion").weight == 0.6


@pytest.mark.parametrize(
    ("tasks", "options", "message"),
    [
        ("click", {}, "tasks: expected 2 tasks or more, got .'click'."),
        (("click",), {}, "tasks: expected 2 tasks or more, got .'click'."),
        ({"click": "binary", "minutes": "regression"}, {}, "task 'minutes': expected 'binary'"),
        (TASKS, {"hidden_units": ()}, "hidden_units: expected at least 1 layer"),
        (TASKS, {"calibrator_weight": -0.1}, "calibrator_weight: expected a finite number"),
    ],
)
def test_bad_arguments_are_named(tasks, options, message):
    with pytest.raises(ValueError, match=message):
        build(tasks, **options)
