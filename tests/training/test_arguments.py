"""What ``fit`` says of arguments that cannot work, before it starts to train."""

import dataclasses
import re
import warnings

import keras
import numpy as np
import pandas as pd
import pytest
import tiny
from by_hand import number_data, number_model

from recsys_lib.features.columns import NumericColumn
from recsys_lib.multi_task.balancing import GradNorm
from recsys_lib.training import (
    Adagrad,
    Adam,
    Ftrl,
    Recipe,
    evaluate,
    fit,
    optimizer_per_group,
)
from recsys_lib.training.rates import ReduceOnPlateau
from recsys_lib.training.trainer import Trainer

DATA = tiny.make_dataset(tiny.SMALL)


@pytest.fixture(scope="module")
def traced():
    keras.utils.set_random_seed(0)
    return Trainer(tiny.build_small(), DATA, Adam(0.05))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs: expected an integer of 1 or more, got 0"),
        ({"epochs": 1.5}, r"epochs: .* got 1\.5"),
        ({"epochs": None}, r"epochs: .* got None"),
        ({"epochs": True}, r"epochs: .* got True"),
        ({"batch_size": 0}, "batch_size"),
        ({"patience": 0}, "patience"),
        ({"seed": -1}, "seed: expected an integer of 0 or more, got -1"),
        ({"seed": 0.5}, r"seed: .* got 0\.5"),
        ({"checkpoint_steps": 0, "checkpoint": "run.npz"}, "checkpoint_steps"),
        ({"checkpoint_steps": 5}, r"checkpoint_steps.* needs a file name in checkpoint"),
        ({"schedule": 0.5}, r"schedule: expected a function of the epoch, got 0\.5"),
        (
            {"schedule": keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5)},
            r"schedule: .* got ExponentialDecay, which counts steps .* optimizer",
        ),
        ({"schedule": lambda epoch: -1.0}, r"schedule, epoch 0: expected .* from 0, got -1\.0"),
        ({"reduce_on_plateau": 0.1}, "reduce_on_plateau: expected a ReduceOnPlateau, got 0.1"),
        (
            {"reduce_on_plateau": ReduceOnPlateau(), "patience": None},
            "reduce_on_plateau: needs validation",
        ),
        (
            {"reduce_on_plateau": ReduceOnPlateau(patience=2)},
            "reduce_on_plateau: expected a patience below that of fit, 2, .* got 2",
        ),
        ({"callbacks": 3}, "callbacks: expected a list, got 3"),
        ({"callbacks": [print]}, r"callbacks: expected objects with on_epoch_end.*print"),
    ],
)
def test_options_out_of_range_are_named(traced, options, message):
    with pytest.raises(ValueError, match=message):
        traced.fit(DATA, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 1}, "reduce_on_plateau, factor: .* got 1"),
        ({"factor": 0.0}, "factor"),
        ({"patience": 0}, "reduce_on_plateau, patience"),
        ({"lowest": -0.1}, "reduce_on_plateau, lowest"),
    ],
)
def test_a_plateau_out_of_range_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        ReduceOnPlateau(**options)


def test_numpy_integers_are_integers(traced):
    one, many = np.array([1, 64])
    history = traced.fit(DATA, epochs=one, batch_size=many, seed=one, patience=one)
    assert len(history.epochs) == 1


def test_a_model_that_does_not_fit_the_data_is_named():
    with pytest.raises(ValueError, match=r"the inputs \['x'\] are no feature columns"):
        Trainer(number_model(), DATA)
    two = number_model({"like": "binary", "share": "binary"})
    with pytest.raises(ValueError, match=r"the outputs \['share'\] are no tasks of the data"):
        Trainer(two, number_data([1.0, 2.0], {"like": [0, 1]}))
    with pytest.raises(ValueError, match=r"loss_weights: no such tasks \['share'\]"):
        fit(number_model(), number_data([1.0], {"like": [0]}), loss_weights={"share": 1.0})


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"like": -0.5}, r"loss_weights\['like'\]: expected .* from 0, got -0\.5"),
        ({"like": "much"}, r"loss_weights\['like'\]: .* got 'much'"),
        ({"like": float("nan")}, r"loss_weights\['like'\]"),
        (2.0, r"loss_weights: expected a dict of task to weight, got 2\.0"),
        ({"like": 0}, r"loss_weights: expected a weight above 0 for one of \['like'\], got"),
    ],
)
def test_weights_of_losses_are_numbers_of_0_or_more(weights, message):
    with pytest.raises(ValueError, match=message):
        fit(number_model(), number_data([1.0, 2.0], {"like": [0, 1]}), loss_weights=weights)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (DATA.train, "dataset: expected a Dataset, got one of its splits; pass the whole data set"),
        (pd.DataFrame({"user_id": [1]}), "dataset: expected a Dataset, got DataFrame"),
        ({"user_id": [1]}, "dataset: expected a Dataset, got dict"),
        (None, "dataset: expected a Dataset, got NoneType"),
    ],
)
def test_what_is_no_data_set_is_named(dataset, message, traced):
    with pytest.raises(ValueError, match=message):
        fit(tiny.build_small(), dataset)
    with pytest.raises(ValueError, match=message):
        traced.fit(dataset)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ("adam", r"optimizer: expected an optimizer such as Adam\(1e-3\), got str 'adam'"),
        (Adam, r"optimizer: expected an optimizer such as Adam\(1e-3\), got .*type"),
        (0.01, "optimizer: .* got float"),
    ],
)
def test_what_is_no_optimizer_is_named(optimizer, message):
    with pytest.raises(ValueError, match=message):
        fit(tiny.build_small(), DATA, optimizer)


def test_a_builder_that_returns_nothing_is_named():
    with pytest.raises(ValueError, match="model: expected a Keras model, got None; does the build"):
        fit(None, DATA)
    with pytest.raises(ValueError, match="model: expected a Keras model, got function"):
        fit(tiny.build_small, DATA)


@pytest.mark.parametrize(
    "make", [lambda: Adam(0.05), lambda: optimizer_per_group({".*": Adam(0.05)})]
)
def test_an_optimizer_trains_one_model(make):
    """Its statistics are those of one model's weights, and Keras's own message says less."""
    optimizer, first = make(), tiny.build_small()
    options = {"epochs": 1, "batch_size": 64}
    fit(first, DATA, optimizer, **options)
    fit(first, DATA, optimizer, **options)  # going on is no second model
    with pytest.raises(ValueError, match=r"optimizer: expected a fresh one, this .* trains"):
        fit(tiny.build_small(), DATA, optimizer, **options)


def grown(name, **changes):
    """The data set's columns with one of them changed."""
    return tuple(
        dataclasses.replace(column, **changes) if column.name == name else column
        for column in tiny.COLUMNS
    )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            grown("user_id", vocabulary_size=31),
            "column 'user_id': the model was built with vocabulary_size 30, the data have 31",
        ),
        (
            grown("history", table="history"),
            "column 'history': the model was built with table_name 'movie_id', the data have 'hist",
        ),
        (
            grown("history", max_length=4),
            r"column 'history': expected the shape that the model was built with, \(3,\) .* \(4,\)",
        ),
        (
            grown("weather", dimension=3),
            r"column 'weather': expected the shape .* \(2,\) for each row, the data have \(3,\)",
        ),
        (
            (*tiny.COLUMNS[1:], NumericColumn("user_id")),
            "column 'user_id': the model was built for int32, the data have a NumericColumn",
        ),
    ],
)
def test_a_model_of_other_columns_than_the_datas_is_refused(columns, message):
    """Tables lie one below the other: a grown vocabulary reads and trains a neighbour's rows."""
    model = tiny.build_large()
    data = tiny.make_dataset(tiny.COLUMNS)
    features = tiny.make_features(columns, 8, np.random.default_rng(0))
    splits = {
        name: dataclasses.replace(
            split.take(np.arange(8)), features={**features, "user_id": features["user_id"]}
        )
        for name, split in data.splits.items()
    }
    other = dataclasses.replace(data, feature_columns=columns, **splits)
    before = tiny.weights_of(model)
    with pytest.raises(ValueError, match=message):
        fit(model, other)
    tiny.assert_same_bits(tiny.weights_of(model), before)
    trainer = Trainer(model, data)
    with pytest.raises(ValueError, match=message):
        trainer.fit(other)


def one_class(data, name, value=0.0):
    split = getattr(data, name)
    labels = {"like": np.full(len(split), value, np.float32)}
    return dataclasses.replace(data, **{name: dataclasses.replace(split, labels=labels)})


def test_one_class_to_validate_by_is_found_before_training(traced, monkeypatch):
    data = one_class(DATA, "valid")
    monkeypatch.setattr(traced, "_run", None)  # whoever trains calls it
    monkeypatch.setattr(traced, "trace", lambda *masked: 0.0)
    message = r"valid, labels\['like'\]: expected labels of both classes .* 60 rows of 0 only"
    with pytest.raises(ValueError, match=message):
        traced.fit(data)
    monkeypatch.undo()
    traced.fit(data, epochs=1, batch_size=64, patience=None)


def test_one_class_in_training_is_a_warning(traced):
    with pytest.warns(UserWarning, match=r"train, labels\['like'\]: 150 rows of 1 only"):
        traced.fit(one_class(DATA, "train", 1.0), epochs=1, batch_size=64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        traced.fit(DATA, epochs=1, batch_size=64)


def test_an_optimizer_with_a_schedule_of_its_own_takes_no_other():
    decay = keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5)
    parts = {"wide_.*": Ftrl(0.1), "(?!wide_).*": Adam(decay)}
    for optimizer in (Adam(decay), optimizer_per_group(parts)):
        trainer = Trainer(tiny.build_large(), tiny.make_dataset(), optimizer)
        with pytest.raises(ValueError, match="follows a schedule of its own"):
            trainer.fit(tiny.make_dataset(), schedule=lambda epoch: 0.5)


@pytest.mark.parametrize("balancing", ["gradnorm", GradNorm, {"like": 1.0}])
def test_what_is_no_balancing_method_is_named(balancing):
    data = number_data([1.0, 2.0], {"like": [0, 1]})
    message = r"^balancing: expected a method .* such as GradNorm\(\), got"
    with pytest.raises(ValueError, match=message):
        fit(number_model(), data, balancing=balancing)
    with pytest.raises(ValueError, match=f"Recipe, {message[1:]}"):
        Recipe(number_model, balancing=balancing)


def test_an_optimizer_of_keras_that_climbs_is_refused():
    data = number_data([1.0, 2.0], {"like": [0, 1]})
    with pytest.raises(ValueError, match=r"SGD, learning_rate: expected a finite number from 0, g"):
        fit(number_model(), data, keras.optimizers.SGD(-1.0))
    parts = optimizer_per_group({".*": keras.optimizers.SGD(-1.0)})
    with pytest.raises(ValueError, match="SGD, learning_rate"):
        fit(number_model(), data, parts)
    schedule = keras.optimizers.schedules.ExponentialDecay(-1.0, 10, 0.9)
    with pytest.raises(ValueError, match="Adam, learning_rate"):
        fit(number_model(), data, Adam(schedule))


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("beta_1", 2.0, "from 0 to 1 excluding 1"),
        ("beta_2", 1.0, "from 0 to 1 excluding 1"),
        ("clipnorm", -1.0, "from 0"),
        ("clipvalue", np.nan, "from 0"),
        ("epsilon", -1e-7, "from 0"),
    ],
)
def test_options_with_which_an_optimizer_climbs_are_refused(option, value, expected):
    message = f"Adam, {option}: expected a finite number {expected}, got {value!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Adam(0.1, **{option: value})


class NoChunks:
    """Has labels, but they are no rows of a split."""

    def labels(self):
        return {"x": [1.0]}


@pytest.mark.parametrize("given", [{"x": [1.0]}, DATA, None, NoChunks()])
def test_what_is_no_split_cannot_be_evaluated(given):
    message = f"split: expected a Split, such as dataset.test, got {type(given).__name__}"
    with pytest.raises(ValueError, match=message):
        evaluate(number_model(), given)


@pytest.mark.parametrize("optimizer", [Adam, Adagrad, Ftrl])
@pytest.mark.parametrize("rate", [-1.0, np.nan, np.inf, np.float32(-0.1)])
def test_a_learning_rate_that_climbs_is_refused(optimizer, rate):
    message = f"{optimizer.__name__}, learning_rate: expected a finite number from 0, got"
    with pytest.raises(ValueError, match=message):
        optimizer(rate)
    with pytest.raises(ValueError, match=message):
        optimizer(learning_rate=rate)
