"""What workers tell each other beside the step itself, with threads in the place of processes."""

import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from replica_threads import run_replicas
from tiny import build_small, make_dataset

from recsys_lib.training import Adam, optimizer_per_group
from recsys_lib.training.batches import PackedSplit
from recsys_lib.training.trainer import Trainer
from recsys_pipeline.workers import distributed, replicas
from recsys_pipeline.workers.distributed import SEED_STEP, Workers, join_workers, workers_of

CLUSTER = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
PLACES = (("chief", 0), ("worker", 0), ("worker", 1))


class Strategy:
    """One process's strategy: a step runs where it is called, in the replica of its thread."""

    num_replicas_in_sync = len(PLACES)

    def __init__(self, job, task):
        spec = types.SimpleNamespace(as_dict=lambda: CLUSTER)
        self.cluster_resolver = types.SimpleNamespace(
            task_type=job, task_id=task, cluster_spec=lambda: spec
        )

    def run(self, function, arguments=()):
        return function(*arguments)

    def experimental_local_results(self, result):
        return (result,)


@pytest.fixture
def everywhere(monkeypatch):
    """Call a function with each worker's ``Workers``; steps are run, not traced."""
    tf.config.run_functions_eagerly(True)

    def call(function, models=None):
        models = models or [build_small()] * len(PLACES)
        workers = [
            Workers(Strategy(*place), model) for place, model in zip(PLACES, models, strict=True)
        ]
        return run_replicas([lambda one=one: function(one) for one in workers], monkeypatch)

    yield call
    tf.config.run_functions_eagerly(False)


def test_the_chief_is_the_first_of_the_workers(everywhere):
    found = everywhere(lambda workers: (workers.index, workers.count, workers.is_chief))
    assert found == [(0, 3, True), (1, 3, False), (2, 3, False)]


def test_rows_of_a_batch_are_dealt_out_in_turn(everywhere):
    rows = tf.constant([5, 3, 8, 1, 9])
    size = tf.constant(8)
    found = everywhere(lambda workers: workers.run(lambda own: own.numpy().tolist(), rows, size))
    assert found == [[5, 1], [3, 9], [8]]


def test_seeds_lie_apart_during_steps_and_are_common_between_them(everywhere):
    def model():
        keras.utils.set_random_seed(3)
        return keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5)])

    models = [model() for _ in PLACES]
    (start,) = (variable.numpy() for variable in models[0].variables)

    def moved(workers):
        workers.move_seeds(1)
        during = models[workers.index].variables[0].numpy().copy()
        workers.move_seeds(-1)
        return during

    for index, during in enumerate(everywhere(moved, models)):
        assert during.tolist() == [start[0] + index * SEED_STEP, start[1]]
        np.testing.assert_array_equal(models[index].variables[0].numpy(), start)


def test_a_score_is_the_chiefs_everywhere(everywhere):
    """To the last bit, or one worker would stop and the others wait for it."""
    scores = (0.1 + 0.2, 0.3, 0.3)
    assert everywhere(lambda workers: workers.of_chief(scores[workers.index])) == [scores[0]] * 3


def test_workers_that_differ_are_named(everywhere):
    def check(workers):
        workers.check_same({"rows": [1, 2], "seed": 4 if workers.index == 2 else 3})

    with pytest.raises(
        ValueError, match=r"^workers: expected the same on all 3, got another seed on \[2\]$"
    ):
        everywhere(check)
    everywhere(lambda workers: workers.check_same({"rows": [1, 2], "seed": None}))


@pytest.mark.parametrize("num_rows", [60, 58, 2])
def test_a_split_is_predicted_in_parts_and_put_together_in_order(num_rows, everywhere):
    data = make_dataset()
    model = build_small(data.feature_columns)
    trainer = Trainer(model, data)
    split = data.valid.take(np.arange(num_rows))
    packed = trainer.layout.pack(split.features)
    expected = distributed.predict_packed(model, trainer.layout, packed, ["like"])
    assert len(np.unique(expected)) > num_rows // 2
    asked = []

    def predict(workers):
        asked.append(workers.index)
        return workers.predict(model, trainer.layout, packed, ["like"])

    for found in everywhere(predict):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert found.dtype == np.float32
    assert sorted(asked) == [0, 1, 2]


@pytest.mark.parametrize("change", [None, "rows", "seed", "epochs", "step"])
def test_a_run_starts_only_if_all_are_about_to_do_the_same(change, everywhere):
    data = make_dataset()
    trainer = Trainer(build_small(data.feature_columns), data)
    names = {"rows": "training rows", "step": "checkpoint", "seed": "batch_size, seed, patience"}

    def check(workers):
        other = workers.index == 1
        split = data.train.take(np.arange(40) + (change == "rows" and other))
        run = types.SimpleNamespace(
            trainer=trainer,
            options=types.SimpleNamespace(
                batch_size=8, seed=3 + (change == "seed" and other), patience=None
            ),
            epoch=1,
            step=2 if change == "step" and other else 0,
        )
        packed = PackedSplit.of(split, trainer.layout, trainer.tasks)
        workers.check_run(run, packed, 4 + (change == "epochs" and other))

    if change is None:
        everywhere(check)
        return
    with pytest.raises(ValueError, match=rf"got another {names.get(change, 'batch_size')}"):
        everywhere(check)


def test_without_other_workers_nothing_is_distributed(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert join_workers() is tf.distribute.get_strategy()
    alone = {"cluster": {"worker": ["localhost:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(alone))
    assert join_workers() is tf.distribute.get_strategy()
    model = build_small()
    assert workers_of(model, Adam()) is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("workers", "expected a cluster and a task"),
        ({"cluster": {"worker": ["a:1", "b:1"]}}, "expected a cluster and a task"),
        ({"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": ("worker", 0)}, "servers and"),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": ("worker", 2)}, "a task among them"),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": ("chief", 0)}, "expected a cluster"),
    ],
)  # fmt: skip
def test_a_cluster_that_is_none_is_an_error(config, message, monkeypatch):
    if isinstance(config, dict) and "task" in config:
        config["task"] = dict(zip(("type", "index"), config["task"], strict=True))
    text = config if isinstance(config, str) else json.dumps(config)
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=rf"^TF_CONFIG: .*{message}"):
        join_workers()


@pytest.fixture
def in_scope(monkeypatch):
    """As if the call were made inside the scope of three workers, with the model built there."""
    monkeypatch.setattr(distributed.tf.distribute, "get_strategy", lambda: Strategy(*PLACES[1]))
    monkeypatch.setattr(distributed, "_replicas_of", lambda variable: 3)


def test_models_and_optimizers_of_the_library_are_shared(in_scope):
    model = build_small()
    parts = optimizer_per_group({"mlp.*": Adam(), "(?!mlp).*": Adam()})
    assert workers_of(model, parts).index == 1


def test_a_keras_optimizer_is_refused(in_scope):
    with pytest.raises(ValueError, match=r"^optimizer: expected Adam, .* got SGD, which"):
        workers_of(build_small(), keras.optimizers.SGD())


def test_a_normalization_of_keras_is_refused(in_scope):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.BatchNormalization(name="mine")(inputs))
    with pytest.raises(ValueError, match=r"^layer 'mine': expected recsys_lib"):
        workers_of(model, Adam())


@pytest.mark.parametrize("is_spread", [False, True])
def test_the_scope_of_the_model_is_that_of_the_call(is_spread, monkeypatch):
    if is_spread:
        monkeypatch.setattr(distributed, "_replicas_of", lambda variable: 3)
    else:
        monkeypatch.setattr(distributed.tf.distribute, "get_strategy", lambda: Strategy("chief", 0))
    there, here = ("inside", "outside") if is_spread else ("outside", "inside")
    with pytest.raises(ValueError, match=rf"built {there} the scope .* got a call {here}$"):
        workers_of(build_small(), Adam())


def test_the_number_of_replicas_is_that_of_the_step(monkeypatch):
    assert run_replicas([replicas.num_replicas] * 2, monkeypatch) == [2, 2]
    assert replicas.num_replicas() == 1 or replicas.replica_context() is None
