"""The head of a product of two probabilities: its loss at any confidence, and impossible labels."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import double, sigmoid

from recsys_lib.layers.loss_heads import ProductHead, predict_funnel
from recsys_lib.training.arguments import check_funnel
from recsys_lib.training.weighting import task_losses

TASKS = {"click": "binary", "buy": "binary"}
SIZES = (-40.0, -12.0, -1.0, 0.0, 0.7, 12.0, 40.0)
A, B = np.array(list(itertools.product(SIZES, SIZES)), np.float32).T


def make_model(tasks=tuple(TASKS)):
    """The two logits are the model's inputs."""
    inputs = {name: keras.Input((1,), name=name) for name in ("a", "b")}
    return keras.Model(inputs, predict_funnel(tasks, [inputs["a"], inputs["b"]]))


def softplus(x):
    return np.logaddexp(0, x)


def oracle(label, a=A, b=B):
    """Each row's loss of the product, and its slopes in a and b, in double precision.

    Label 1: ``-(log sigmoid(a) + log sigmoid(b))``. Label 0: ``-log(1 - p)``, where
    ``1 - p = (e^-a + e^-b + e^-(a+b)) sigmoid(a) sigmoid(b)``.
    """
    a, b = double(a), double(b)
    others = np.exp(-a) + np.exp(-b) + np.exp(-a - b)  # (1 - p) / p
    if label == 1:
        return softplus(-a) + softplus(-b), -sigmoid(-a), -sigmoid(-b)
    loss = -np.log(others) + softplus(-a) + softplus(-b)
    return loss, sigmoid(-a) / others, sigmoid(-b) / others


def losses_and_slopes(model, label, compiled):
    inputs = {"a": tf.constant(A[:, None]), "b": tf.constant(B[:, None])}
    labels = np.full((len(A), 2), label, np.float32)

    def step():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            _, loss = task_losses(model, model(inputs, training=True), labels, TASKS)
        slopes = tape.gradient(loss, inputs)
        return loss, slopes["a"][:, 0] * len(A), slopes["b"][:, 0] * len(A)

    return tf.function(step, autograph=False)() if compiled else step()


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("label", [0, 1])
def test_the_loss_and_its_slopes_are_those_of_the_logits(label, compiled):
    loss, slope_a, slope_b = losses_and_slopes(make_model(), label, compiled)
    expected = oracle(label)
    assert float(loss) == pytest.approx(expected[0].mean(), rel=1e-6)
    for found, slope in ((slope_a, expected[1]), (slope_b, expected[2])):
        np.testing.assert_allclose(found, slope, rtol=1e-4, atol=1e-6)
        # Where a clipped probability has no slope left: a confident mistake.
        wrong = np.abs(slope) > 0.1
        assert np.abs(double(found)[wrong & (np.abs(A) == 40) & (np.abs(B) == 40)]).min() > 0.1


def test_equal_logits_share_the_slope():
    same = np.flatnonzero(A == B)
    for label in (0, 1):
        _, slope_a, slope_b = losses_and_slopes(make_model(), label, False)
        np.testing.assert_allclose(double(slope_a)[same], double(slope_b)[same], rtol=1e-5)


def test_the_output_is_the_product_and_the_biases_are_the_heads():
    model = make_model()
    model.get_layer("click").bias.assign(0.5)
    model.get_layer("conversion_given_click").bias.assign(-1.5)
    outputs = model({"a": A[:, None], "b": B[:, None]})
    inner = keras.Model(model.inputs, model.get_layer("conversion_given_click").output)
    given = double(inner({"a": A[:, None], "b": B[:, None]}))
    np.testing.assert_allclose(given, sigmoid(double(B) - 1.5), rtol=1e-5)
    np.testing.assert_allclose(outputs["click"], sigmoid(double(A) + 0.5), rtol=1e-5)
    product = np.float32(given) * np.asarray(outputs["click"])
    np.testing.assert_array_equal(outputs["buy"], product)
    labels = np.ones((len(A), 2), np.float32)
    _, loss = task_losses(model, model({"a": A[:, None], "b": B[:, None]}), labels, TASKS)
    expected = oracle(1, double(A) + 0.5, double(B) - 1.5)[0].mean()
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_a_loaded_model_has_the_same_loss(tmp_path):
    make_model().save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for label in (0, 1):
        loss, *_ = losses_and_slopes(loaded, label, True)
        assert float(loss) == pytest.approx(oracle(label)[0].mean(), rel=1e-6)
    head = loaded.get_layer("buy")
    assert isinstance(head, ProductHead)
    assert (head.click_task, head.conversion_task) == ("click", "buy")


CLICKS = np.array([1, 0, 0, 1, 0, 0, 0, 0, 0], np.float32)
BUYS = np.array([1, 1, 0, 0, 1, 1, 1, 1, 1], np.float32)


def test_conversions_without_a_click_are_named():
    message = (
        "train: model '.*' takes 'buy' for a part of 'click', expected no 'buy' without 'click', "
        r"got 6 rows: 1, 4, 5, 6, 7, \.\.\."
    )
    labels = {"click": CLICKS, "buy": BUYS}
    with pytest.raises(ValueError, match=message):
        check_funnel(make_model(), labels, where="train")
    # Inside another model too.
    inputs = {name: keras.Input((1,), name=name) for name in ("a", "b")}
    outer = keras.Model(inputs, make_model()(inputs))
    with pytest.raises(ValueError, match="expected no 'buy' without 'click'"):
        check_funnel(outer, labels)
    check_funnel(make_model(), {"click": CLICKS, "buy": CLICKS * BUYS})
    check_funnel(make_model(("buy", "click")), {"click": CLICKS, "buy": np.ones(9)})


def test_rows_without_one_of_the_labels_are_left_out():
    labels, everywhere = {"click": CLICKS, "buy": BUYS}, np.ones(9, bool)
    for task in TASKS:
        masks = {task: np.array([1, 0, 1, 1, 0, 0, 0, 0, 0], bool)}
        check_funnel(make_model(), labels, masks)
        masks = {task: masks[task] | (np.arange(9) == 4)}
        with pytest.raises(ValueError, match="got 1 rows: 4"):
            check_funnel(make_model(), labels, {"other": everywhere, **masks})


def test_models_and_labels_that_know_no_funnel_pass():
    inputs = keras.Input((1,))
    check_funnel(keras.Model(inputs, keras.layers.Dense(1)(inputs)), {"click": CLICKS, "buy": BUYS})
    check_funnel(make_model(), {"buy": BUYS})


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ("click", "tasks: expected 2 tasks, got .'click'."),
        (("click", "buy", "like"), "tasks: expected 2 tasks"),
        ({"click": "binary", "minutes": "regression"}, "task 'minutes': expected 'binary'"),
        (("click", "click"), "tasks: expected different names"),
        (("click", "conversion_given_click"), "is the name of a layer"),
    ],
)
def test_bad_tasks_are_named(tasks, message):
    with pytest.raises(ValueError, match=message):
        make_model(tasks)
