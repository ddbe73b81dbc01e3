"""For every model of the zoo: the shares of two replicas add up to loss and gradients of all rows.

What a model does with the batch as a whole (a mean, a count, a penalty) is then exchanged between
replicas. Threads stand for them, see ``tests/shared/replica_threads.py``. Options that penalise,
and Dice, are on where the builder has them.
"""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from replica_threads import run_replicas
from world import OWN, by_key, columns_by_key, features_by_key, fresh

from recsys_lib.sequence.dien import NegativeSampler
from recsys_lib.training.batches import Layout, model_columns
from recsys_lib.training.weighting import added_losses, task_losses

ON = {"activation": "dice", "embedding_l2": 0.1, "linear_l2": 0.1}
"""Options that make rows depend on each other in training, of the builders that have them."""


def next_id(sampler, ids, training=None):
    """In the place of drawn negatives, which no two runs share: an id that follows from the own."""
    return keras.ops.where(ids > 0, ids % (sampler.vocabulary_size - 1) + 1, 0)


def depending(key):
    """The row's model with those options; some builders know only activations without moments."""
    has = inspect.signature(by_key(key).function).parameters
    options = {name: value for name, value in ON.items() if name in has}
    try:
        return fresh(key, **options)
    except ValueError:
        del options["activation"]
        return fresh(key, **options)


@pytest.mark.parametrize("key", OWN)
def test_shares_add_up(key, monkeypatch):
    """Losses, gradients, and what a step leaves in counters and moving moments."""
    monkeypatch.setattr(NegativeSampler, "call", next_id)
    # A model for each replica, as workers have: layers keep what they added to the loss.
    first, second = depending(key), depending(key)
    layout = Layout(model_columns(first, columns_by_key(key)))
    matrices = layout.pack(features_by_key(key))
    num_rows, tasks = len(matrices[0]), list(first.output_names)
    kinds = dict.fromkeys(tasks, "binary")
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 2, (num_rows, len(tasks))).astype(np.float32)
    masks = rng.random((num_rows, len(tasks))) < 0.7

    def shares(rows, model):
        """Losses and gradients of some rows, as arrays, the losses first."""
        inputs = layout.unpack(*(tf.constant(matrix[rows]) for matrix in matrices))
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            losses = task_losses(
                model, outputs, tf.constant(labels[rows]), kinds, tf.constant(masks[rows])
            )
            losses = [added_losses(model), *losses]
            total = tf.add_n(losses)
        gradients = tape.gradient(total, model.trainable_variables)
        arrays = [0.0 if g is None else tf.convert_to_tensor(g).numpy() for g in gradients]
        return [np.array([loss.numpy() for loss in losses]), *arrays]

    whole = shares(slice(None), first)
    left = [variable.numpy() for variable in first.non_trainable_variables]
    halves = run_replicas(
        [lambda: shares(slice(0, None, 2), first), lambda: shares(slice(1, None, 2), second)],
        monkeypatch,
    )
    names = ["losses", *(variable.path for variable in first.trainable_variables)]
    for name, expected, *parts in zip(names, whole, *halves, strict=True):
        np.testing.assert_allclose(sum(parts), expected, rtol=1e-4, atol=1e-5, err_msg=name)
    for variable, expected in zip(second.non_trainable_variables, left, strict=True):
        np.testing.assert_allclose(variable.numpy(), expected, atol=1e-5, err_msg=variable.path)
