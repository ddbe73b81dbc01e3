"""``fit``: learning rates by epoch and on plateaus, callbacks, and resumed runs."""

import keras
import numpy as np
import pandas as pd
import pytest
import tiny
from by_hand import number_data, number_model

from recsys_lib.features.embedding import build_inputs, embed_fields
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.training import Adagrad, Adam, fit, optimizer_per_group
from recsys_lib.training.callbacks import Callback
from recsys_lib.training.rates import ReduceOnPlateau
from recsys_lib.training.trainer import Trainer

DATA = tiny.make_dataset(tiny.SMALL)


def descent(x, label, rates):
    """The weight after a full-batch step of logistic regression with each of the rates."""
    weight, bias = 1.0, 0.0
    for rate in rates:
        error = 1 / (1 + np.exp(-(weight * x + bias))) - label
        weight, bias = weight - rate * np.mean(error * x), bias - rate * np.mean(error)
    return weight


X, LABEL = np.array([0.5, -1.0, 2.0, 0.1]), np.array([1, 0, 0, 1])
NUMBERS = number_data(X, {"like": LABEL})


def test_a_schedule_gives_factors_on_the_rate_epoch_by_epoch():
    model, optimizer = number_model(), keras.optimizers.SGD(0.8)
    epochs = []

    def schedule(epoch):
        epochs.append(epoch)
        return (1.0, 0.5, 0.0, 0.25)[epoch]

    history = fit(model, NUMBERS, optimizer, epochs=4, patience=None, schedule=schedule)
    expected = descent(X, LABEL, [0.8, 0.4, 0.0, 0.2])
    assert model.get_layer("like_logit").weight.numpy() == pytest.approx(expected, rel=1e-5)
    assert epochs == [0, 1, 2, 3]
    assert history.epochs["rate_factor"].tolist() == [1.0, 0.5, 0.0, 0.25]
    assert float(optimizer.learning_rate.numpy()) == pytest.approx(0.8)  # as it was given


def test_all_groups_keep_their_proportions_and_get_their_rates_back():
    tables, rest = Adagrad(0.1), Adam(0.02)
    seen = []

    class Rates(Callback):
        def on_epoch_end(self, epoch, row, model):
            seen.append([float(part.learning_rate.numpy()) for part in (tables, rest)])

    optimizer = optimizer_per_group({"embedding/.*": tables, "(?!embedding).*": rest})
    options = {"epochs": 2, "batch_size": 64, "callbacks": [Rates()]}
    trainer = Trainer(tiny.build_small(), DATA, optimizer)
    trainer.fit(DATA, schedule=lambda epoch: 2.0 - epoch, **options)
    np.testing.assert_allclose(seen, [[0.2, 0.04], [0.1, 0.02]], rtol=1e-6)
    with pytest.raises(RuntimeError, match="no more"):
        trainer.fit(DATA, schedule=give_up_after_one, **options)
    rates = [float(part.learning_rate.numpy()) for part in (tables, rest)]
    np.testing.assert_allclose(rates, [0.1, 0.02], rtol=1e-6)  # however the run ended


def give_up_after_one(epoch):
    if epoch:
        raise RuntimeError("no more")
    return 7.0


@pytest.fixture(scope="module")
def trainer():
    return Trainer(number_model(), NUMBERS, keras.optimizers.SGD(0.1))


def run_with_scores(trainer, monkeypatch, scores, **options):
    """The factor of each epoch of a run whose validation scores are given."""
    left = iter(scores)
    monkeypatch.setattr(trainer, "_validate", lambda valid: next(left))
    history = trainer.fit(NUMBERS, epochs=len(scores), **options)
    return history.epochs["rate_factor"].tolist()


def test_a_plateau_cuts_the_rates(trainer, monkeypatch):
    scores = [0.5, 0.6, 0.6, 0.55, 0.7, 0.1, 0.2, 0.3]
    plateau = ReduceOnPlateau(factor=0.5)
    found = run_with_scores(trainer, monkeypatch, scores, patience=9, reduce_on_plateau=plateau)
    # Cut after epochs 3 and 4, not after the gain of epoch 5, then after 6 and 7.
    assert found == [1.0, 1.0, 1.0, 0.5, 0.25, 0.25, 0.125, 0.0625]


def test_a_plateau_waits_for_its_patience_and_counts_anew_after_a_cut(trainer, monkeypatch):
    scores = [0.5, 0.4, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5]
    plateau = ReduceOnPlateau(factor=0.5, patience=2)
    found = run_with_scores(trainer, monkeypatch, scores, patience=9, reduce_on_plateau=plateau)
    assert found == [1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25]


def test_cuts_end_at_the_lowest_share_and_multiply_with_the_schedule(trainer, monkeypatch):
    found = run_with_scores(
        trainer,
        monkeypatch,
        [0.5, 0.4, 0.4, 0.4],
        patience=9,
        reduce_on_plateau=ReduceOnPlateau(factor=0.5, lowest=0.4),
        schedule=lambda epoch: 10.0**epoch,
    )
    assert found == [1.0, 10.0, 50.0, 400.0]


def test_cuts_do_not_put_off_the_end(trainer, monkeypatch):
    scores = [0.5, 0.4, 0.4, 0.9]
    found = run_with_scores(
        trainer, monkeypatch, scores, patience=2, reduce_on_plateau=ReduceOnPlateau(factor=0.5)
    )
    assert found == [1.0, 1.0, 0.5]


class Recorder(Callback):
    """Remembers the losses it saw and stops nothing."""

    def __init__(self):
        self.rows, self.weights = [], []

    def on_epoch_end(self, epoch, row, model):
        self.rows.append([epoch, row["epoch"], row["loss"], row["valid_score"]])
        self.weights.append(tiny.weights_of(model))

    def state(self):
        return self.rows

    def restore(self, state):
        self.rows = list(state)


def test_callbacks_see_each_epoch_with_its_row_and_the_model_as_it_is():
    keras.utils.set_random_seed(0)
    model, recorder = tiny.build_small(), Recorder()
    history = fit(model, DATA, Adam(0.05), epochs=3, batch_size=32, callbacks=[recorder])
    expected = history.epochs[["epoch", "loss", "valid_score"]].to_numpy()
    np.testing.assert_array_equal([row[1:] for row in recorder.rows], expected)
    assert [row[0] for row in recorder.rows] == [0, 1, 2]
    assert isinstance(recorder.rows[0][1], int)
    best = recorder.weights[history.best_epoch - 1]
    tiny.assert_same_bits(tiny.weights_of(model), best)


def test_without_these_options_nothing_is_reported_of_rates():
    history = fit(tiny.build_small(), DATA, Adam(0.05), epochs=1, batch_size=64)
    assert list(history.epochs) == ["epoch", "loss", "added_loss", "valid_score", "seconds"]


def build():
    inputs = build_inputs(tiny.SMALL)
    fields = keras.layers.Flatten()(embed_fields(inputs, tiny.SMALL, 4))
    hidden = MLP([6], dropout_rate=0.3, batch_normalization=True)(fields)
    return keras.Model(inputs, PredictionHead(name="like")(keras.layers.Dense(1)(hidden)))


def train(checkpoint, recorder, epochs=6, stop_after=None):
    """Two optimizers, dropout, a schedule, cuts, a callback; 5 steps an epoch."""
    keras.utils.set_random_seed(2)
    parts = {"embedding/.*": Adagrad(0.2), "(?!embedding).*": Adam(0.1)}
    if stop_after is not None:
        recorder = StopAfter(recorder, stop_after)
    model = build()
    history = fit(
        model,
        DATA,
        optimizer_per_group(parts),
        epochs=epochs,
        batch_size=32,
        seed=2,
        patience=5,
        schedule=lambda epoch: 0.9**epoch,
        reduce_on_plateau=ReduceOnPlateau(factor=0.5, patience=2, lowest=0.1),
        callbacks=[recorder],
        checkpoint=checkpoint,
        checkpoint_steps=checkpoint and 2,
    )
    return tiny.weights_of(model), history.epochs.drop(columns="seconds")


@pytest.fixture(scope="module")
def through():
    """The run that nobody interrupted: weights, epochs, and what the callback saw."""
    recorder = Recorder()
    return *train(None, recorder), recorder.rows


class Killed(BaseException):
    pass


class StopAfter(Recorder):
    """Dies in the middle of an epoch's end, before the epoch is in a checkpoint."""

    def __init__(self, recorder, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch, row, model):
        super().on_epoch_end(epoch, row, model)
        if epoch == self.epochs:
            raise Killed


StopAfter.__name__ = "Recorder"  # a checkpoint knows callbacks by the names of their classes


@pytest.mark.parametrize("killed_in", [1, 4])
def test_a_killed_run_resumes_rates_cuts_and_callbacks_bit_for_bit(tmp_path, killed_in, through):
    path, recorder = str(tmp_path / "run.npz"), Recorder()
    with pytest.raises(Killed):
        train(path, Recorder(), stop_after=killed_in)
    weights, epochs = train(path, recorder)
    expected, expected_epochs, rows = through
    tiny.assert_same_bits(weights, expected)
    pd.testing.assert_frame_equal(epochs, expected_epochs, rtol=1e-6)
    np.testing.assert_allclose(recorder.rows, rows, rtol=1e-6)
    assert len(recorder.rows) == 6
    assert expected_epochs["rate_factor"].min() < 0.9**5  # there was a cut


def test_a_resumed_run_follows_the_same_schedule(tmp_path):
    path = str(tmp_path / "run.npz")
    options = {"batch_size": 64, "patience": None, "checkpoint": path}

    def run(schedule, epochs):
        keras.utils.set_random_seed(0)
        return fit(
            tiny.build_small(), DATA, Adam(0.05), schedule=schedule, epochs=epochs, **options
        )

    run(lambda epoch: 0.5**epoch, 2)
    with pytest.raises(ValueError, match=r"factors of the schedule was \[1.0, 0.5, 0.25\] and is"):
        run(lambda epoch: 0.1**epoch, 3)
    assert run(lambda epoch: 0.5**epoch, 3).epochs["rate_factor"].tolist() == [1.0, 0.5, 0.25]


def test_a_state_that_no_checkpoint_can_hold_is_named(tmp_path):
    class Greedy(Callback):
        def state(self):
            return {"weights": np.zeros(3)}

    with pytest.raises(ValueError, match=r"Greedy.state: expected numbers, texts, lists and dicts"):
        fit(
            tiny.build_small(),
            DATA,
            epochs=1,
            callbacks=[Greedy()],
            checkpoint=str(tmp_path / "run.npz"),
        )
