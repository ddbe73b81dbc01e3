"""A restart draws the values of a fresh build, bit for bit, and says when it cannot."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

from recsys_lib.features import build_inputs
from recsys_lib.features.columns import CategoricalColumn, SequenceColumn
from recsys_lib.features.embedding import embed_fields
from recsys_lib.higher_order import build_autoint
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.multi_task import build_ple
from recsys_lib.sequence import build_dien
from recsys_lib.training import Adam, restarts
from recsys_lib.training.trainer import Trainer

DATA = tiny.make_dataset(tiny.SMALL)
REQUEST = (
    CategoricalColumn("user_id", 5, group="user"),
    CategoricalColumn("item_id", 12, group="item"),
    SequenceColumn("history", 12, 6, table="item_id"),
)
BUILDERS = {
    "dropout and normalization": lambda: tiny.build_large(
        dropout_rate=0.5, batch_normalization=True
    ),
    "DIEN": lambda: build_dien(REQUEST, dropout_rate=0.5),
    "PLE": lambda: build_ple(tiny.SMALL, tasks=("like", "share")),
    "AutoInt": lambda: build_autoint(tiny.SMALL, embedding_dim=8, hidden_units=(4,)),
}


def fresh(build, seed):
    keras.utils.set_random_seed(seed)
    return build()


@pytest.mark.parametrize("name", BUILDERS)
def test_the_values_drawn_are_those_of_a_fresh_build(name):
    build = BUILDERS[name]
    model = restarts.build_with_seed(build, 3)
    tiny.assert_same_bits(tiny.weights_of(model), tiny.weights_of(fresh(build, 3)))
    start = restarts.start_of(model)
    for seed in (3, 8):
        values = [keras.ops.convert_to_numpy(value) for value in start.draw(seed)]
        after = random.random()
        expected = fresh(build, seed)
        assert after == random.random()  # what is drawn next is the same too
        tiny.assert_same_bits(values, tiny.weights_of(expected))


def trained(trainer, seed):
    trainer.fit(DATA, epochs=2, batch_size=32, seed=seed, patience=None)
    return tiny.weights_of(trainer.model)


class Counted(MLP):
    calls = 0

    def call(self, inputs, training=None):
        Counted.calls += 1
        return super().call(inputs, training=training)


def build_counted():
    inputs = build_inputs(tiny.SMALL)
    fields = keras.layers.Flatten()(embed_fields(inputs, tiny.SMALL, 4))
    hidden = Counted([6], dropout_rate=0.5, batch_normalization=True)(fields)
    return keras.Model(inputs, PredictionHead(name="like")(keras.layers.Dense(1)(hidden)))


def test_a_restart_equals_a_fresh_build_bit_for_bit_and_traces_nothing():
    """With dropout, batch normalization, moments of Adam and the order of rows."""
    trainer = Trainer(fresh(build_counted, 0), DATA, Adam(0.05))
    first = trained(trainer, 0)
    assert trainer.trace() == 0
    trainer.restart(build_counted, 5)
    calls = Counted.calls
    restarted = trained(trainer, 5)
    assert Counted.calls == calls  # building calls the layer, training it again does not
    expected = trained(Trainer(fresh(build_counted, 5), DATA, Adam(0.05)), 5)
    tiny.assert_same_bits(restarted, expected)
    trainer.restart(build_counted, 0)
    tiny.assert_same_bits(first, trained(trainer, 0))


def never():
    raise AssertionError("the model was built again")


def test_no_model_is_built_twice_for_its_initial_values():
    trainer = Trainer(restarts.build_with_seed(build_counted, 0), DATA, Adam(0.05))
    trainer.restart(never, 5)
    restarted = trained(trainer, 5)
    expected = trained(Trainer(fresh(build_counted, 5), DATA, Adam(0.05)), 5)
    tiny.assert_same_bits(restarted, expected)
    # Seen once is enough, also where the first build was not watched.
    trainer = Trainer(fresh(build_counted, 0), DATA, Adam(0.05))
    trainer.restart(build_counted, 1)
    trainer.restart(never, 5)
    tiny.assert_same_bits(trained(trainer, 5), expected)


def test_an_initializer_with_a_seed_of_its_own_keeps_it():
    initializer = keras.initializers.RandomNormal(seed=7)
    shared = keras.initializers.RandomUniform()  # seeded before any build

    def build():
        inputs = keras.Input((3,))
        hidden = keras.layers.Dense(4, kernel_initializer=initializer)(inputs)
        return keras.Model(inputs, keras.layers.Dense(2, kernel_initializer=shared)(hidden))

    start = restarts.start_of(restarts.build_with_seed(build, 0))
    values = [keras.ops.convert_to_numpy(value) for value in start.draw(4)]
    tiny.assert_same_bits(values, tiny.weights_of(fresh(build, 4)))


def from_numpy(shape, dtype=None):
    return np.random.normal(size=shape)  # noqa: NPY002, a reader's initializer may do so


def from_tensorflow(shape, dtype=None):
    return tf.random.normal(shape, dtype=dtype)


def changed_later():
    layer = keras.layers.Dense(2)
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layer(inputs))
    layer.kernel.assign_add(tf.ones((3, 2)) * random.random())
    return model


class Twins(keras.layers.Layer):
    """Two maps, the second of which begins as the first one is."""

    def build(self, input_shape):
        self.first = self.add_weight(shape=(3, 2))
        self.second = self.add_weight(shape=(3, 2), initializer=lambda *_, **__: self.first + 0)

    def call(self, inputs):
        return inputs @ (self.first + self.second)


def from_another_weight():
    inputs = keras.Input((3,))
    return keras.Model(inputs, Twins()(inputs))


def dense_of(initializer):
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2, kernel_initializer=initializer)(inputs))


@pytest.mark.parametrize(
    "build",
    [
        lambda: dense_of(from_numpy),
        lambda: dense_of(from_tensorflow),
        changed_later,
        from_another_weight,
    ],
    ids=["NumPy", "TensorFlow", "changed later", "another weight"],
)
def test_values_that_no_initializer_explains_are_not_drawn(build):
    assert restarts.start_of(restarts.build_with_seed(build, 0)) is None


def build_unexplained():
    inputs = build_inputs(tiny.SMALL)
    fields = keras.layers.Flatten()(embed_fields(inputs, tiny.SMALL, 4))
    logit = keras.layers.Dense(1, kernel_initializer=from_numpy)(fields)
    return keras.Model(inputs, PredictionHead(name="like")(logit))


def test_a_model_that_cannot_be_drawn_is_built_again():
    trainer = Trainer(restarts.build_with_seed(build_unexplained, 0), DATA, Adam(0.05))
    for seed in (5, 6):
        trainer.restart(build_unexplained, seed)
        expected = trained(Trainer(fresh(build_unexplained, seed), DATA, Adam(0.05)), seed)
        tiny.assert_same_bits(trained(trainer, seed), expected)


def test_a_restart_with_another_model_is_refused():
    trainer = Trainer(tiny.build_small(), DATA, Adam(0.05))
    with pytest.raises(ValueError, match="restart: the function builds another model"):
        trainer.restart(lambda: tiny.build_large(), 0)


def test_keras_variables_are_watched_only_while_a_model_is_built():
    original = keras.Variable.__init__
    with pytest.raises(ZeroDivisionError):
        restarts.build_with_seed(lambda: 1 / 0, 0)
    assert keras.Variable.__init__ is original
