"""``fit``: the loss by hand, every row once an epoch, early stopping, seeds without a trace."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from by_hand import NUMBER, Logit, cross_entropy, number_data, number_model
from sklearn.metrics import r2_score, roc_auc_score
from tqdm.std import tqdm

from recsys_lib.features.embedding import build_inputs, embed_fields
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.training import Adam, fit, predict, run
from recsys_lib.training.trainer import Trainer

DATA = tiny.make_dataset(tiny.SMALL)


@pytest.fixture(scope="module")
def traced():
    """One traced trainer for all tests that only need other seeds or other options."""
    keras.utils.set_random_seed(0)
    return Trainer(tiny.build_small(), DATA, Adam(0.05))


def fresh(traced, seed=0):
    traced.restart(tiny.build_small, seed)
    return traced


def test_the_loss_is_the_cross_entropy_of_the_logits():
    x, label = [0.3, -2.0, 5.0, 0.0], [1, 0, 0, 1]
    history = fit(
        number_model(), number_data(x, {"like": label}), keras.optimizers.SGD(0.0), epochs=1
    )
    assert history.epochs["loss"][0] == pytest.approx(cross_entropy(x, label).mean(), rel=1e-6)


def test_a_confident_mistake_keeps_its_gradient():
    """A clipped probability would give the loss 16 and no gradient at all."""
    model = number_model()
    optimizer = keras.optimizers.SGD(1.0)
    history = fit(model, number_data([60.0, 1.0], {"like": [0, 1]}), optimizer, epochs=1)
    expected = cross_entropy([60.0, 1.0], [0, 1]).mean()
    assert history.epochs["loss"][0] == pytest.approx(expected, rel=1e-6)
    # d loss / d weight: the mean of (p - y) x over both rows.
    gradient = (60.0 + (1 / (1 + np.exp(-1.0)) - 1) * 1.0) / 2
    assert model.get_layer("like_logit").weight.numpy() == pytest.approx(1 - gradient, rel=1e-5)


def test_two_tasks_and_their_weights():
    kinds = {"like": "binary", "stars": "regression"}
    x = [0.5, -1.0, 2.0]
    labels = {"like": [1, 0, 0], "stars": [3.0, 1.0, 2.5]}
    data = number_data(x, labels, kinds)
    weights = {"like": 0.25, "stars": 3.0}
    history = fit(
        number_model(kinds), data, keras.optimizers.SGD(0.0), epochs=1, loss_weights=weights
    )
    squared = np.mean((np.array(x) - labels["stars"]) ** 2)
    expected = 0.25 * cross_entropy(x, labels["like"]).mean() + 3.0 * squared
    assert history.epochs["loss"][0] == pytest.approx(expected, rel=1e-6)
    score = (roc_auc_score(labels["like"], x) + r2_score(labels["stars"], x)) / 2
    assert history.epochs["valid_score"][0] == pytest.approx(score, rel=1e-6)


def test_a_regression_task_is_fitted_by_its_squared_error():
    x = np.linspace(-1, 1, 50)
    data = number_data(x, {"stars": 3 * x + 2}, {"stars": "regression"})
    model = number_model({"stars": "regression"})
    history = fit(model, data, keras.optimizers.SGD(0.3), epochs=40, batch_size=10, patience=None)
    assert model.get_layer("stars_logit").weight.numpy() == pytest.approx(3, abs=1e-3)
    assert model.get_layer("stars").bias.numpy() == pytest.approx(2, abs=1e-3)
    assert history.epochs["valid_score"].isna().all()


class Penalty(keras.layers.Layer):
    def call(self, inputs):
        self.add_loss(7.0 * keras.ops.mean(inputs**2))
        return inputs


def test_losses_that_layers_add_are_counted():
    inputs = build_inputs(NUMBER)
    logit = Penalty()(Logit()(inputs["x"]))
    model = keras.Model(inputs, PredictionHead(name="like")(logit))
    x, label = np.array([1.0, -2.0, 0.5]), [1, 0, 1]
    data = number_data(x, {"like": label})
    history = fit(model, data, keras.optimizers.SGD(0.0), epochs=1)
    expected = cross_entropy(x, label).mean() + 7 * np.mean(x**2)
    assert history.epochs["loss"][0] == pytest.approx(expected, rel=1e-6)
    assert history.epochs["added_loss"][0] == pytest.approx(7 * np.mean(x**2), rel=1e-6)


def test_weights_scale_the_gradients():
    """One step of gradient descent by hand; the history tells the tasks' losses apart."""
    kinds = {"like": "binary", "stars": "regression"}
    x, labels = np.array([0.5, -1.0, 2.0]), {"like": [1, 0, 0], "stars": [3.0, 1.0, 2.5]}
    model, weights = number_model(kinds), {"like": 0.25, "stars": 3.0}
    data = number_data(x, labels, kinds)
    history = fit(model, data, keras.optimizers.SGD(0.1), epochs=1, loss_weights=weights)
    slopes = {
        "like": np.mean((1 / (1 + np.exp(-x)) - labels["like"]) * x),
        "stars": np.mean(2 * (x - labels["stars"]) * x),
    }
    for task, weight in weights.items():
        found = model.get_layer(f"{task}_logit").weight.numpy()
        assert found == pytest.approx(1 - 0.1 * weight * slopes[task], rel=1e-5)
        assert history.epochs[f"weight_{task}"][0] == pytest.approx(weight)
    losses = cross_entropy(x, labels["like"]).mean(), np.mean((x - labels["stars"]) ** 2)
    found = history.epochs[["loss_like", "loss_stars"]].to_numpy()[0]
    np.testing.assert_allclose(found, losses, rtol=1e-6)


def test_what_layers_add_trains_with_weight_one():
    inputs = build_inputs(NUMBER)
    logits = [Penalty()(Logit(name=name)(inputs["x"])) for name in ("first", "second")]
    names = ("like", "share")
    heads = {n: PredictionHead(name=n)(logit) for n, logit in zip(names, logits, strict=True)}
    model = keras.Model(inputs, heads)
    x = np.array([1.0, -2.0, 0.5])
    data = number_data(x, {"like": [1, 0, 1], "share": [0, 0, 1]})
    weights = {"like": 0.0, "share": 1e-9}  # all 0 would be refused
    fit(model, data, keras.optimizers.SGD(0.01), epochs=1, loss_weights=weights)
    for name in ("first", "second"):
        expected = 1 - 0.01 * 14 * np.mean(x**2)
        assert model.get_layer(name).weight.numpy() == pytest.approx(expected, rel=1e-5)


def test_an_epoch_takes_every_row_once_and_the_last_batch_what_is_left(traced):
    trainer = fresh(traced)
    seen = []

    def record(ids, numbers, labels, order, first, last, batch_size):
        order = order.numpy()
        seen.extend(order[first * batch_size : last * batch_size])
        return run(ids, numbers, labels, order, first, last, batch_size)

    run = trainer._run or (trainer.trace(), trainer._run)[1]
    trainer._run = record
    try:
        trainer.fit(DATA, epochs=2, batch_size=64, patience=None)
    finally:
        trainer._run = run
    first, second = np.reshape(seen, (2, -1))
    assert sorted(first) == sorted(second) == list(range(150))
    assert (first != second).any()  # the order is drawn anew in each epoch
    assert (first != np.arange(150)).any()


@pytest.mark.parametrize(("batch_size", "steps"), [(64, 3), (150, 1), (50, 3), (149, 2), (1000, 1)])
def test_the_number_of_steps_covers_all_rows(traced, batch_size, steps):
    trainer = fresh(traced)
    history = trainer.fit(DATA, epochs=2, batch_size=batch_size, patience=None)
    assert int(trainer.optimizer.iterations.numpy()) == 2 * steps
    assert history.num_examples == 300
    assert len(history.epochs) == 2


def test_weights_equal_a_plain_loop_over_the_same_batches(traced):
    trainer = fresh(traced, seed=3)
    trainer.fit(DATA, epochs=2, batch_size=64, seed=3, patience=None)
    keras.utils.set_random_seed(3)
    model = tiny.build_small()
    optimizer = Adam(0.05)
    label = DATA.train.labels["like"]
    for epoch in range(2):
        order = np.random.default_rng([3, epoch]).permutation(150)
        for rows in (order[:64], order[64:128], order[128:]):
            with tf.GradientTape() as tape:
                inputs = {name: values[rows] for name, values in DATA.train.features.items()}
                loss = tf.reduce_mean(
                    keras.losses.binary_crossentropy(
                        label[rows, None], model(inputs, training=True)[:, None]
                    )
                )
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
    for ours, expected in zip(trainer.model.variables, model.variables, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-4, err_msg=ours.path)


def test_the_seed_decides_the_order_of_rows_and_nothing_else_does(traced):
    results = {}
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        trainer = fresh(traced)
        trainer.fit(DATA, epochs=1, batch_size=32, seed=seed)
        results[name] = tiny.weights_of(trainer.model)
    tiny.assert_same_bits(results["first"], results["again"])
    assert any((a != b).any() for a, b in zip(results["first"], results["other"], strict=True))


def test_early_stopping_restores_the_best_epoch(traced, monkeypatch):
    scores = iter([0.5, 0.9, 0.8, 0.9])
    kept = []

    def validate(self, dataset):
        kept.append(tiny.weights_of(self.model))
        return next(scores)

    monkeypatch.setattr(Trainer, "_validate", validate)
    trainer = fresh(traced)
    history = trainer.fit(DATA, epochs=10, batch_size=64, patience=2)
    assert history.epochs["valid_score"].tolist() == [
        0.5,
        0.9,
        0.8,
        0.9,
    ]
    assert history.epochs["epoch"].tolist() == [1, 2, 3, 4]
    assert history.best_epoch == 2  # an equal score is no gain
    tiny.assert_same_bits(tiny.weights_of(trainer.model), kept[1])
    assert any((a != b).any() for a, b in zip(kept[1], kept[3], strict=True))


def test_a_gain_resets_the_patience(traced, monkeypatch):
    scores = iter([0.5, 0.4, 0.6, 0.5, 0.7, 0.1])
    monkeypatch.setattr(Trainer, "_validate", lambda self, dataset: next(scores))
    history = fresh(traced).fit(DATA, epochs=6, batch_size=64, patience=2)
    assert len(history.epochs) == 6
    assert history.best_epoch == 5


def test_the_validation_score_is_the_auc_on_the_validation_split(traced):
    trainer = fresh(traced)
    history = trainer.fit(DATA, epochs=1, batch_size=64)
    prediction = predict(trainer.model, DATA.valid.features)["like"]
    expected = roc_auc_score(DATA.valid.labels["like"], prediction)
    assert history.epochs["valid_score"][0] == pytest.approx(expected)
    assert history.best_epoch == 1


@pytest.mark.parametrize("unit", [0.01, 100.0])
def test_the_validation_score_of_a_regression_knows_no_unit(unit):
    stars = np.float32([1.0, 0.5, -2.0, 0.0])
    data = number_data([3.0, -2.0, 0.5, 1.0], {"stars": unit * stars}, {"stars": "regression"})
    model = number_model({"stars": "regression"})
    history = fit(model, data, keras.optimizers.SGD(0.0), epochs=1)
    expected = r2_score(data.valid.labels["stars"], predict(model, data.valid.features)["stars"])
    assert history.epochs["valid_score"][0] == pytest.approx(expected, rel=1e-5)


def test_without_patience_all_epochs_are_trained_and_the_last_weights_stay(traced, monkeypatch):
    monkeypatch.delattr(Trainer, "_validate")
    history = fresh(traced).fit(DATA, epochs=3, batch_size=64, patience=None)
    assert len(history.epochs) == history.best_epoch == 3
    assert history.examples_per_second > 0


def test_training_updates_batch_normalization_and_drops_units():
    keras.utils.set_random_seed(0)
    inputs = build_inputs(tiny.SMALL)
    fields = keras.layers.Flatten()(embed_fields(inputs, tiny.SMALL, 4))
    mlp = MLP([6], dropout_rate=0.5, batch_normalization=True)
    hidden = mlp(fields)
    model = keras.Model(inputs, PredictionHead(name="like")(keras.layers.Dense(1)(hidden)))
    fit(model, DATA, keras.optimizers.SGD(0.0), epochs=20, batch_size=50, patience=None)
    # A rate of zero moves no weight, so the moving mean comes to the mean over the training rows.
    dense, normalization, _, dropout = mlp.stack
    expected = np.mean(dense(keras.Model(inputs, fields)(DATA.train.features)), axis=0)
    np.testing.assert_allclose(normalization.moving_mean, expected, rtol=0.2, atol=1e-3)
    assert np.abs(expected).max() > 2e-3
    assert dropout.seed_generator.state.numpy()[1] == 20 * 3  # one draw a step


def test_progress_leaves_nothing_behind(traced, capfd, monkeypatch):
    # Another test of this process may have left a kernel, for which tqdm chose a widget on import.
    monkeypatch.setattr(run, "tqdm", tqdm)
    fresh(traced).fit(DATA, epochs=2, batch_size=64, progress=True)
    output, error = capfd.readouterr()
    assert output == ""
    assert "training" in error  # there was a bar
    assert "\n" not in error
    assert error.rsplit("\r", 2)[-2].strip() == error.rsplit("\r", 2)[-1].strip() == ""
    fresh(traced).fit(DATA, epochs=1, batch_size=64, progress=False)
    assert capfd.readouterr() == ("", "")
    fresh(traced).fit(DATA, epochs=1, batch_size=64)  # nobody watches a pipe
    assert capfd.readouterr() == ("", "")


def test_a_loss_that_is_not_finite_is_an_error_that_names_the_epoch():
    data = number_data([3.0, -2.0], {"stars": [1.0, 0.0]}, {"stars": "regression"})
    model = number_model({"stars": "regression"})
    with pytest.raises(FloatingPointError, match=r"loss is (inf|nan) in epoch .*learning rate"):
        fit(model, data, keras.optimizers.SGD(1e30), epochs=5, patience=None)
