"""Labels that exist on some rows only: losses, gradients, scores and baselines use those rows."""

import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tiny
from by_hand import cross_entropy, number_data, number_model
from sklearn.metrics import r2_score, roc_auc_score

from recsys_lib.training import baselines, compare, evaluate, fit
from recsys_lib.training.trainer import Trainer
from recsys_lib.training.weighting import task_losses

KINDS = {"like": "binary", "stars": "regression"}
X = np.array([0.5, -1.0, 2.0, 0.1, -0.4])
LABELS = {"like": np.array([1, 0, 0, 1, 1.0]), "stars": np.array([3.0, 1.0, 2.5, np.nan, 4.0])}
MASKS = {"stars": np.array([True, False, True, False, False])}


def masked_data():
    return number_data(X, LABELS, KINDS, MASKS)


def test_a_tasks_loss_is_the_mean_over_its_own_rows_of_the_batch():
    weights = {"like": 0.5, "stars": 2.0}
    history = fit(
        number_model(KINDS), masked_data(), keras.optimizers.SGD(0.0), epochs=1,
        loss_weights=weights,
    )  # fmt: skip
    own = MASKS["stars"]
    like, stars = cross_entropy(X, LABELS["like"]).mean(), np.mean((X - LABELS["stars"])[own] ** 2)
    found = history.epochs.iloc[0]
    assert found["loss_like"] == pytest.approx(like, rel=1e-6)
    assert found["loss_stars"] == pytest.approx(stars, rel=1e-6)
    assert found["loss"] == pytest.approx(0.5 * like + 2.0 * stars, rel=1e-6)
    assert found["weight_stars"] == pytest.approx(2.0)
    auc, r2 = roc_auc_score(LABELS["like"], X), r2_score(np.array(LABELS["stars"])[own], X[own])
    assert found["valid_score"] == pytest.approx((auc + r2) / 2, rel=1e-6)


def test_gradients_come_from_rows_with_a_label_alone():
    """One step of descent by hand; the label that does not exist is not a number."""
    model = number_model(KINDS)
    fit(model, masked_data(), keras.optimizers.SGD(0.1), epochs=1)
    own = MASKS["stars"]
    slopes = {
        "like": np.mean((1 / (1 + np.exp(-X)) - LABELS["like"]) * X),
        "stars": np.mean((2 * (X - LABELS["stars"]) * X)[own]),
    }
    for task, slope in slopes.items():
        found = model.get_layer(f"{task}_logit").weight.numpy()
        assert found == pytest.approx(1 - 0.1 * slope, rel=1e-5)


def test_an_epochs_mean_counts_the_rows_with_the_label_not_the_batches():
    """Batches hold two, one and no such rows; each row counts once."""
    data, model = masked_data(), number_model(KINDS)
    history = fit(model, data, keras.optimizers.SGD(0.0), epochs=1, batch_size=2, patience=None)
    own = MASKS["stars"]
    expected = np.mean((X - LABELS["stars"])[own] ** 2)
    assert history.epochs["loss_stars"][0] == pytest.approx(expected, rel=1e-6)
    expected = cross_entropy(X, LABELS["like"]).mean()
    assert history.epochs["loss_like"][0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_a_batch_without_a_label_has_loss_0_and_no_gradient(kind):
    model = number_model({"like": kind})
    x, label = tf.constant(X, tf.float32), tf.constant([[1.0], [0], [1], [1], [0]])

    @tf.function(autograph=False)
    def loss_and_gradients(mask):
        with tf.GradientTape() as tape:
            losses = task_losses(model, model({"x": x}), label, {"like": kind}, mask)
        return losses[0], tape.gradient(losses[0], model.trainable_variables)

    loss, gradients = loss_and_gradients(tf.zeros((5, 1), tf.bool))
    assert float(loss) == 0
    assert not np.any([gradient.numpy() for gradient in gradients])
    loss, gradients = loss_and_gradients(tf.ones((5, 1), tf.bool))
    assert float(loss) > 0
    assert np.all([gradient.numpy() for gradient in gradients])


def test_masks_that_are_all_true_change_no_digit_that_counts_and_no_masks_gather_nothing():
    kinds = {"like": "binary", "share": "binary"}
    plain = tiny.make_dataset(tiny.SMALL, kinds)

    def train(data):
        keras.utils.set_random_seed(0)
        trainer = Trainer(tiny.build_small(tasks=tuple(kinds)), data)
        history = trainer.fit(data, epochs=2, batch_size=32)
        return tiny.weights_of(trainer.model), history, matrices_of(trainer)

    full = dataclasses.replace(
        plain,
        train=dataclasses.replace(
            plain.train, label_masks={"share": np.ones(len(plain.train), bool)}
        ),
    )
    (weights, history, matrices), (expected, expected_history, fewer) = train(full), train(plain)
    for found, value in zip(weights, expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-6)
    columns = ["loss", "loss_like", "loss_share"]
    np.testing.assert_allclose(history.epochs[columns], expected_history.epochs[columns], rtol=1e-5)
    assert (matrices, fewer) == (4, 3)


def matrices_of(trainer):
    """How many matrices the compiled function gathers batches from."""
    order_and_steps = 4
    return len(trainer._run.structured_input_signature[0]) - order_and_steps


def test_one_trainer_serves_data_with_and_without_masks():
    data = masked_data()
    every = {"like": np.ones(5, bool), "stars": np.ones(5, bool)}
    full = number_data(X, {**LABELS, "stars": X}, KINDS, every)
    without = number_data(X, {**LABELS, "stars": X}, KINDS)
    trainer = Trainer(number_model(KINDS), data, keras.optimizers.SGD(0.0))
    losses = [
        trainer.fit(each, epochs=1, patience=None).epochs["loss_stars"][0]
        for each in (data, without, full, data)
    ]
    own = MASKS["stars"]
    expected = np.mean((X - LABELS["stars"])[own] ** 2)
    np.testing.assert_allclose(losses, [expected, 0, 0, expected], rtol=1e-6)


def test_scores_and_baselines_use_the_rows_with_a_label():
    data = masked_data()
    own = MASKS["stars"]
    model = number_model(KINDS)
    scores = evaluate(model, data.test, tasks=KINDS)
    assert scores.loc["stars", "rows"] == 2
    assert scores.loc["like", "rows"] == 5
    expected = np.mean((X - LABELS["stars"])[own] ** 2)
    assert scores.loc["stars", "mean_squared_error"] == pytest.approx(expected, rel=1e-6)
    mean = baselines.base_rate(data, "stars")
    assert mean(data.test).tolist() == [np.mean([3.0, 2.5])] * 5  # it predicts every row
    found = evaluate(mean, data.test, tasks=KINDS)["mean_squared_error"]
    assert found == pytest.approx(np.var([3.0, 2.5]))


def masked_likes():
    data = tiny.make_dataset(tiny.SMALL)
    splits = {}
    for name, split in data.splits.items():
        mask = np.random.default_rng(1).random(len(split)) < 0.5
        splits[name] = dataclasses.replace(split, label_masks={"like": mask})
    masked = dataclasses.replace(data, **splits)
    parts = {name: split.take(split.rows_of("like")) for name, split in masked.splits.items()}
    return masked, dataclasses.replace(data, **parts)


@pytest.mark.parametrize(
    "make",
    [
        baselines.base_rate,
        lambda data: baselines.column_mean(data, "movie_id"),
        lambda data: baselines.additive_means(data, ["movie_id", "user_id"]),
        baselines.oracle,
    ],
    ids=["base rate", "column mean", "additive means", "oracle"],
)
def test_a_baseline_of_masked_rows_is_that_of_the_rows_alone(make):
    masked, alone = masked_likes()
    np.testing.assert_array_equal(make(masked)(alone.test), make(alone)(alone.test))
    expected = evaluate(make(alone), alone.test)
    assert evaluate(make(masked), masked.test).to_dict() == expected.to_dict()


def test_bounds_of_a_gap_are_those_of_the_rows_with_a_label():
    masked, alone = masked_likes()
    found = baselines.score_bounds(masked, masked.test)
    assert found == baselines.score_bounds(alone, alone.test)


def test_a_model_of_one_task_without_a_mask_ignores_the_masks_of_others():
    data = masked_data()
    model = number_model({"like": "binary"})
    trainer = Trainer(model, data)
    trainer.fit(data, epochs=1)
    assert matrices_of(trainer) == 3


def test_a_comparison_scores_the_rows_with_a_label():
    masked, alone = masked_likes()
    options = {"seeds": 1, "epochs": 1, "batch_size": 64, "patience": None}
    table, expected = (
        compare({"small": tiny.build_small}, data, **options).set_index("model")
        for data in (masked, alone)
    )
    columns = ["rows", "auc", "log_loss", "auc_gap_closed"]
    pd.testing.assert_frame_equal(
        table.loc[["base rate", "oracle"], columns], expected.loc[["base rate", "oracle"], columns]
    )
    assert (table["rows"] == masked.test.label_masks["like"].sum()).all()
