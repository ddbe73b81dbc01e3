"""Objectives over groups, for one row of each builder: their loss is that of its own logits."""

import numpy as np
import pytest
import tensorflow as tf
from world import OWN, built, dataset_of

from recsys_lib.training.batches import outputs_by_task
from recsys_lib.training.objectives import JRC, ListWise, Pairs
from recsys_lib.training.trainer import Trainer

NO_NETWORK = ("lr", "wide", "polynomial", "fm", "fwfm", "fmfm", "ffm")
"""Builders whose logit no network makes, some of those for which JRC is refused."""


def call(bound, key):
    """The losses of a batch in the order of groups, their gradients, and what the model says."""
    train = dataset_of(key).train
    names = [tensor.name for tensor in bound.model.inputs]
    inputs = {name: tf.constant(train.features[name]) for name in names}
    labels = np.stack([train.labels[task] for task in bound.kinds], axis=1)
    codes = bound.see(train)
    with tf.GradientTape() as tape:
        losses, lost = bound.losses(inputs, tf.constant(labels), None, tf.constant(codes))
        total = tf.add_n(losses)
    variables = [*bound.model.trainable_variables, *bound.variables]
    gradients = tape.gradient(total, variables, unconnected_gradients="zero")
    assert float(lost) == pytest.approx(0, abs=1e-5)
    outputs = outputs_by_task(bound.model, bound.model(inputs, training=True), list(bound.kinds))
    return losses, gradients, labels, outputs, codes


def logit_of(probability):
    probability = np.float64(probability)
    return np.log(probability / (1 - probability))


def pairs_by_hand(logit, label, codes):
    total = count = 0.0
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        pairs = [(i, j) for i in rows for j in rows if label[i] > label[j]]
        if pairs:
            total += len(rows) * np.mean([np.logaddexp(0, logit[j] - logit[i]) for i, j in pairs])
            count += len(rows)
    return total / count


def list_by_hand(logit, label, codes):
    total = count = 0.0
    for code in np.unique(codes):
        z, y = logit[codes == code], label[codes == code]
        if y.any():
            total += len(z) * (np.logaddexp.reduce(z) - (y * z).sum() / y.sum())
            count += len(z)
    return total / count


BY_HAND = {Pairs(): pairs_by_hand, ListWise(): list_by_hand}


@pytest.mark.parametrize("objective", BY_HAND, ids=["pairs", "list"])
@pytest.mark.parametrize("key", OWN)
def test_the_loss_is_that_of_the_models_logits(key, objective):
    model, by_hand = built(key), BY_HAND[objective]
    kinds = Trainer(model, dataset_of(key)).kinds
    losses, gradients, labels, outputs, codes = call(objective.start(model, kinds), key)
    for position, (found, output) in enumerate(zip(losses, outputs, strict=True)):
        label = labels[:, position]
        expected = by_hand(logit_of(output), label, codes)
        weight, other = getattr(output, "_recsys_beside", (0, None))
        if weight:
            expected += weight * by_hand(logit_of(other), label, codes)
        assert float(found) == pytest.approx(expected, rel=2e-4)
    moved = [np.abs(tf.convert_to_tensor(one).numpy()).max() for one in gradients]
    assert np.isfinite(moved).all() and np.count_nonzero(moved) > len(moved) / 2


@pytest.mark.parametrize("key", OWN)
def test_jrc_trains_a_second_unit_or_is_refused_in_one_line(key):
    model = built(key)
    kinds = Trainer(model, dataset_of(key)).kinds
    try:
        bound = JRC().start(model, kinds)
    except ValueError as error:
        assert key not in ("dnn", "dcn_v2", "deepfm", "din", "mean")
        assert "expected a network whose last layer is the logit of" in str(error)
        assert "\n" not in str(error)
        return
    assert key not in NO_NETWORK
    losses, gradients, *_ = call(bound, key)
    assert len(bound.variables) == len(losses)
    for unit, gradient in zip(bound.variables, gradients[-len(bound.variables) :], strict=True):
        assert gradient.shape == unit.shape and np.abs(gradient).max() > 0
