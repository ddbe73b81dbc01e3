"""A run that is killed and started again ends with the same bits as one that was not."""

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
import tiny

from recsys_lib.features.embedding import build_inputs, embed_fields
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.training import Adagrad, Adam, Ftrl, fit, optimizer_per_group
from recsys_lib.training.callbacks import Callback
from recsys_lib.training.checkpoints import read_checkpoint, structure_of, write_checkpoint
from recsys_lib.training.rates import ReduceOnPlateau

HERE = pathlib.Path(__file__).parent
SHARED = str(HERE.with_name("shared"))
DATA = tiny.make_dataset(tiny.SMALL)
OPTIONS = {"epochs": 3, "batch_size": 16, "seed": 4, "patience": 2}

# Trains, and dies by SIGKILL after the sixth checkpoint.
PROGRAM = """
import os, signal, sys
sys.path.insert(0, {here!r})
import test_checkpoints
from recsys_lib.training import checkpoints
write, written = checkpoints.write_checkpoint, []
def write_and_die(*arguments):
    write(*arguments)
    written.append(0)
    if len(written) == 6:
        os.kill(os.getpid(), signal.SIGKILL)
checkpoints.write_checkpoint = write_and_die
test_checkpoints.train_large({path!r}, seed=4)
"""


def train_large(path, seed):
    """With dropout, batch normalization and two optimizers; 10 steps an epoch."""
    keras.utils.set_random_seed(seed)
    model = tiny.build_large(dropout_rate=0.5, batch_normalization=True)
    optimizer = optimizer_per_group({"wide_.*": Ftrl(0.1), "(?!wide_).*": Adam(0.02)})
    options = {**OPTIONS, "checkpoint": path, "checkpoint_steps": path and 3}
    history = fit(model, tiny.make_dataset(), optimizer, **options)
    return tiny.weights_of(model), history.epochs.drop(columns="seconds")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_run_started_again_ends_with_the_same_bits(tmp_path):
    path = tmp_path / "run.npz"
    killed = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(here=str(HERE), path=str(path))],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), SHARED])},
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with np.load(path) as file:
        state = json.loads(str(file["state"]))
    assert (state["epoch"], state["step"]) == (1, 6)  # in the middle of the second epoch
    # Other initial weights, other dropout seeds: everything must come from the file.
    weights, epochs = train_large(str(path), seed=99)
    expected, expected_epochs = train_large(None, seed=4)
    tiny.assert_same_bits(weights, expected)
    # Losses are added up between checkpoints, in another order.
    pd.testing.assert_frame_equal(epochs, expected_epochs, rtol=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]


def make_run(checkpoint, optimizer=None, **options):
    keras.utils.set_random_seed(4)
    model = tiny.build_small()
    history = fit(
        model, DATA, optimizer or Adam(0.05), checkpoint=checkpoint, **{**OPTIONS, **options}
    )
    return model, history


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("finished") / "run.npz")
    model, history = make_run(path)
    return path, tiny.weights_of(model), history


def test_a_finished_run_started_again_trains_nothing_and_holds_the_best_weights(finished):
    path, weights, history = finished
    keras.utils.set_random_seed(99)
    model = tiny.build_small()
    again = fit(model, DATA, Adam(0.05), checkpoint=path, **OPTIONS)
    tiny.assert_same_bits(tiny.weights_of(model), weights)
    assert again.best_epoch == history.best_epoch
    assert again.epochs.equals(history.epochs)


def test_more_epochs_go_on_where_fewer_ended(tmp_path):
    options = {"patience": None}
    path = str(tmp_path / "run.npz")
    make_run(path, epochs=1, **options)
    continued, history = make_run(path, epochs=3, **options)
    through, _ = make_run(None, epochs=3, **options)
    tiny.assert_same_bits(tiny.weights_of(continued), tiny.weights_of(through))
    assert len(history.epochs) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 5}, "seed was 4 and is 5"),
        ({"batch_size": 32}, "batch size was 16 and is 32"),
        ({"patience": 3}, "patience was 2 and is 3"),
        ({"optimizer": Adagrad(0.05)}, "optimizer was 'recsys_lib>Adam' and is 'recsys_lib>Adagr"),
        ({"optimizer": Adam(0.01)}, r"optimizer, learning_rate was 0\.05.* and is 0\.0(1|09)"),
        ({"optimizer": Adam(0.05, beta_2=0.9)}, r"optimizer, beta_2 was 0\.999 and is 0\.9"),
        ({"optimizer": Adam(0.05, clipnorm=1.0)}, r"optimizer, clipnorm was None and is 1\.0"),
        # Keras's own Adam has other statistics under the same name.
        (
            {"optimizer": keras.optimizers.Adam(0.05)},
            r"optimizer was .recsys_lib>Adam. and is .Adam.",
        ),
        ({"loss_weights": {"like": 2.0}}, r"balancing was 'FixedWeights\(weights=None\)' and is"),
        ({"reduce_on_plateau": ReduceOnPlateau()}, "reduce_on_plateau was None and is {'factor'"),
        ({"callbacks": [Callback()]}, r"callbacks was \[\] and is \['Callback'\]"),
        ({"schedule": lambda epoch: 0.5}, r"factors of the schedule was \[1\.0, .* and is \[0\.5"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(finished, options, message):
    with pytest.raises(
        ValueError, match=f"run.npz: the checkpoint belongs to another run, {message}"
    ):
        make_run(finished[0], **options)


def test_an_option_that_only_the_first_run_had_counts(tmp_path):
    path = str(tmp_path / "run.npz")
    write_checkpoint(path, {}, {"fingerprint": {"seed": 0, "optimizer 2, beta": 1.0}})
    with pytest.raises(ValueError, match=r"another run, optimizer 2, beta was 1\.0 and is None"):
        read_checkpoint(path).check({"seed": 0}, {})


@pytest.mark.parametrize("changed", ["features", "labels", "validation"])
def test_a_checkpoint_of_other_data_of_the_same_size_is_refused(finished, changed):
    """Another world, or one label: what the weights were trained on is not what comes next."""
    name = "valid" if changed == "validation" else "train"
    split = getattr(DATA, name)
    values = {kind: dict(getattr(split, kind)) for kind in ("features", "labels")}
    if changed == "features":
        ids = values["features"]["user_id"].copy()
        ids[7] = ids[7] % 29 + 1
        values["features"]["user_id"] = ids
    else:
        values["labels"]["like"] = np.where(
            np.arange(len(split)) == 5, 1 - split.label, split.label
        )
    data = dataclasses.replace(DATA, **{name: dataclasses.replace(split, **values)})
    rows = "validation" if changed == "validation" else "training"
    model, optimizer = tiny.build_small(), Adam(0.05)
    before = tiny.weights_of(model)
    with pytest.raises(ValueError, match=f"belongs to another run, hash of the {rows} rows was"):
        fit(model, data, optimizer, checkpoint=finished[0], **OPTIONS)
    tiny.assert_same_bits(tiny.weights_of(model), before)


def activated(activation, joined_first=True):
    """Models whose variables have the same shapes, and which are not the same."""
    inputs = build_inputs(tiny.SMALL)
    fields = keras.layers.Flatten()(embed_fields(inputs, tiny.SMALL, 4))
    first = keras.layers.Dense(8, activation=activation)(fields)
    second = keras.layers.Dense(8)(first if joined_first else fields)
    logit = keras.layers.Dense(1)(first + second)
    return keras.Model(inputs, PredictionHead(name="like")(logit))


def test_a_checkpoint_of_another_structure_is_refused_whatever_its_shapes(tmp_path):
    path = str(tmp_path / "run.npz")
    options = {"optimizer": Adam(0.05), "checkpoint": path, **OPTIONS}
    fit(activated("relu"), DATA, **options)
    for other in (activated("tanh"), activated("relu", joined_first=False)):
        before = tiny.weights_of(other)
        with pytest.raises(ValueError, match="belongs to another run, structure of the model was"):
            fit(other, DATA, **{**options, "optimizer": Adam(0.05)})
        tiny.assert_same_bits(tiny.weights_of(other), before)
    # The same model once more: Keras numbers its layers on, and it is still the same.
    fit(activated("relu"), DATA, **{**options, "optimizer": Adam(0.05)})


class Undescribed(keras.layers.Layer):
    """A reader's own layer, without a configuration."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, inputs):
        return self.function(inputs)


def test_a_model_that_cannot_describe_itself_has_a_structure_too():
    def build(function):
        inputs = keras.Input((3,))
        return keras.Model(inputs, keras.layers.Dense(1)(Undescribed(function)(inputs)))

    first, second = build(lambda x: 2 * x), build(lambda x: 2 * x)
    assert structure_of(first) == structure_of(second)
    inputs = keras.Input((3,))
    assert structure_of(first) != structure_of(keras.Model(inputs, keras.layers.Dense(1)(inputs)))


@pytest.mark.parametrize("changed", ["shape", "name", "number"])
def test_variables_are_checked_before_the_first_is_overwritten(tmp_path, changed):
    path = str(tmp_path / "run.npz")
    parts = small_parts()
    write_checkpoint(path, parts, {"fingerprint": {}})
    last = keras.Variable(np.zeros(3), name="last")
    other = {**parts, "balancing": {"number": [last], "shape": [], "name": []}[changed]}
    if changed != "number":
        stored = keras.Variable(np.zeros(3 if changed == "name" else 4), name="last_kernel")
        write_checkpoint(path, {**parts, "balancing": [stored]}, {"fingerprint": {}})
        named = "last_bias" if changed == "name" else "last_kernel"
        other["balancing"] = [keras.Variable(np.zeros(3), name=named)]
    before = [variable.numpy() for variable in parts["model"]]
    parts["model"][0].assign_add(np.ones(parts["model"][0].shape))
    moved = [variable.numpy() for variable in parts["model"]]
    assert (moved[0] != before[0]).all()
    message = {
        "number": "the number of variables of the balancing was 0 and is 1",
        "shape": r"variable 0 of the balancing was \['last_kernel', \[4\]",
        "name": r"variable 0 of the balancing was \['last_kernel', .* and is \['last_bias'",
    }[changed]
    with pytest.raises(ValueError, match=message):
        read_checkpoint(path).check({}, other)
    tiny.assert_same_bits([variable.numpy() for variable in parts["model"]], moved)


def test_a_checkpoint_of_another_model_or_other_data_is_refused(finished):
    with pytest.raises(ValueError, match="belongs to another run, shapes of the model's variables"):
        fit(tiny.build_large(), tiny.make_dataset(), Adam(0.05), checkpoint=finished[0], **OPTIONS)
    more = tiny.make_dataset(tiny.SMALL, sizes={"train": 151, "valid": 60, "test": 80})
    with pytest.raises(ValueError, match="number of training rows was 150 and is 151"):
        fit(tiny.build_small(), more, Adam(0.05), checkpoint=finished[0], **OPTIONS)


def small_parts():
    model, optimizer = tiny.build_small(), Adam(0.05)
    optimizer.build(model.trainable_variables)
    return {"model": model.variables, "optimizer": optimizer.variables}


def spoil(kind, good):
    if kind == "truncated":
        return good[: len(good) // 2]
    if kind == "one byte changed":
        return (
            good[: len(good) // 2]
            + bytes([good[len(good) // 2] ^ 255])
            + good[len(good) // 2 + 1 :]
        )
    return {"empty": b"", "garbage": b"no checkpoint at all" * 50}[kind]


@pytest.mark.parametrize("kind", ["truncated", "one byte changed", "empty", "garbage"])
def test_a_damaged_checkpoint_is_named_and_changes_no_weight(finished, tmp_path, kind):
    path = tmp_path / "run.npz"
    path.write_bytes(spoil(kind, pathlib.Path(finished[0]).read_bytes()))
    keras.utils.set_random_seed(0)
    model = tiny.build_small()
    before = tiny.weights_of(model)
    with pytest.raises(ValueError, match=r"run.npz: not a readable checkpoint"):
        fit(model, DATA, Adam(0.05), checkpoint=str(path), **OPTIONS)
    tiny.assert_same_bits(tiny.weights_of(model), before)


@pytest.mark.parametrize("content", ["array", "other arrays", "other state"])
def test_a_numpy_file_of_something_else_is_named(tmp_path, content):
    path = str(tmp_path / "run.npz")
    if content == "array":
        with open(path, "wb") as file:
            np.save(file, np.arange(3))
    elif content == "other arrays":
        np.savez(path, weights=np.arange(3))
    else:
        np.savez(path, state=np.array("{}"))
    with pytest.raises(ValueError, match=r"run.npz: not a readable checkpoint"):
        read_checkpoint(path)


def test_a_write_that_fails_keeps_the_old_file_and_leaves_no_part(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    parts = small_parts()
    write_checkpoint(str(path), parts, {"fingerprint": {}})
    good = path.read_bytes()

    def full_disk(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(str(path), parts, {"fingerprint": {}})
    assert path.read_bytes() == good
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]


def test_what_a_kill_left_half_written_is_overwritten_by_the_next_write(tmp_path, monkeypatch):
    """A kill in the middle of a write leaves its part; parts must not pile up."""
    path = tmp_path / "new" / "run.npz"
    variables = small_parts()
    replace, parts = os.replace, []

    def record(part, target):
        parts.append(str(part))
        replace(part, target)

    monkeypatch.setattr(os, "replace", record)
    write_checkpoint(str(path), variables, {"fingerprint": {}})
    pathlib.Path(parts[0]).write_bytes(b"half of a file" * 1_000_000)
    write_checkpoint(str(path), variables, {"fingerprint": {}})
    assert parts[0] == parts[1] != str(path)
    assert [file.name for file in path.parent.iterdir()] == ["run.npz"]
    read_checkpoint(str(path)).restore(variables)
